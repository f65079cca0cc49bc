/** Builds the package that the page stands on, when that was not done yet. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const workspace = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const folder = path.join(workspace, "host-wasm/npm");

if (!fs.existsSync(path.join(folder, "dist/worker.js"))) {
  run("bash", ["tests/tools.sh", "build"], workspace);
  run("npm", ["ci"], folder);
  run("npm", ["run", "build"], folder);
}

function run(command, args, cwd) {
  execFileSync(command, args, { cwd, stdio: "inherit" });
}
