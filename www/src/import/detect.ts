import type { Entry } from "./request.ts";

/** What something that was dropped is taken for. */
export type Found =
  | { readonly kind: "folder"; readonly name: string; readonly entries: readonly Entry[] }
  | {
      readonly kind: "archive" | "lines" | "csv" | "dashboard";
      readonly name: string;
      readonly file: File;
    };

export const KIND_TEXT: Readonly<Record<Found["kind"], string>> = {
  folder: "NanoTDB data directory",
  archive: "NanoTDB data directory, packed",
  lines: "Line protocol",
  csv: "Table (CSV)",
  dashboard: "Dashboard",
};

const OF_A_STORE =
  /(^|\/)(engine\.toml|manifest\.toml|catalog\.json|(data|raw|metric)-[^/]*\.dat)$/;

/** Says what each entry is: a folder of a store as a whole, other files one by one. */
export async function detect(entries: readonly Entry[]): Promise<readonly Found[]> {
  const inFolders = entries.filter((entry) => entry.path.includes("/"));
  const isStore = inFolders.some((entry) => OF_A_STORE.test(entry.path));
  const found: Found[] = [];
  if (isStore) {
    const name = inFolders[0]!.path.split("/")[0]!;
    found.push({ kind: "folder", name, entries: inFolders });
  }
  for (const { path, file } of entries) {
    if (isStore && path.includes("/")) continue;
    found.push({ kind: await kindOf(file), name: path, file });
  }
  return found;
}

async function kindOf(file: File): Promise<Exclude<Found["kind"], "folder">> {
  const name = file.name.toLowerCase();
  if (/\.(tar|tgz|tar\.gz)$/.test(name)) return "archive";
  if (/\.(csv|tsv)(\.gz)?$/.test(name)) return "csv";
  if (/^dashboard.*\.json$/.test(name)) return "dashboard";
  if (/\.(lp|nlp|line|lines)(\.gz)?$/.test(name)) return "lines";
  return sniff(new Uint8Array(await file.slice(0, 4096).arrayBuffer()));
}

/** Looks at the first bytes of a file whose name says nothing. */
export function sniff(head: Uint8Array): Exclude<Found["kind"], "folder"> {
  const text = new TextDecoder().decode(head);
  if (text.slice(257, 262) === "ustar") return "archive";
  if (/^\s*\{/.test(text) && text.includes('"widgets"')) return "dashboard";
  const line = text.split("\n").find((candidate) => /^[^#\s]/.test(candidate)) ?? "";
  if (/^\S+\/\S+\s+\S+/.test(line)) return "lines";
  return /[,;\t]/.test(line) ? "csv" : "lines";
}

/** The content of a file, unpacked when its name says that it is packed. */
export function unpacked(file: File): ReadableStream<Uint8Array> | Blob {
  if (!file.name.toLowerCase().endsWith(".gz")) return file;
  return file.stream().pipeThrough(new DecompressionStream("gzip"));
}
