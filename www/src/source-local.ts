import { open } from "nanotdb";
import type { Source } from "./source.ts";

/** The store's name in this origin's private file system. */
const ROOT = "nanotdb";

/** Opens the store that lives in this browser, or one that lives only as long as this page. */
export async function openLocal(storage: "files" | "memory"): Promise<Source> {
  const store = await open(ROOT, { storage });
  const isKept = storage === "files";
  return Object.assign(store, {
    capabilities: {
      storageKind: isKept ? ("opfs" as const) : ("memory" as const),
      canWrite: true,
      canDestroy: isKept,
      canImportRoot: true,
      hasQuota: isKept,
      hasRoles: isKept,
    },
  });
}
