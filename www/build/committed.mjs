// Fails when the pages that are part of the server's program are not those that would be built now.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const committed = new URL("../../host-native/pages/", import.meta.url).pathname;
const fresh = mkdtempSync(join(tmpdir(), "pages-"));
try {
  execFileSync("npx", ["vite", "build", "-c", "vite.server.config.ts", "--logLevel", "warn"], {
    env: { ...process.env, OUT_DIR: fresh },
    stdio: "inherit",
  });
  const names = new Set([...files(committed), ...files(fresh)]);
  const different = [...names].filter((name) => read(committed, name) !== read(fresh, name)).sort();
  if (different.length > 0) {
    console.error(`host-native/pages is not what would be built: ${different.join(", ")}`);
    console.error("`npm run build:server` builds it anew.");
    process.exitCode = 1;
  } else {
    console.log(`host-native/pages: ${names.size} files, as they would be built now`);
  }
} finally {
  rmSync(fresh, { recursive: true });
}

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.replace(/\/$/, "").length + 1));
}

function read(folder, name) {
  try {
    return readFileSync(join(folder, name), "latin1");
  } catch {
    return undefined;
  }
}
