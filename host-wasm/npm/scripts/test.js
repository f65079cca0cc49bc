/**
 * Runs the tests of the built package, one file after the other: browsers are heavy.
 *
 * `npm test` runs all, `npm test -- node tabs` those whose paths contain one of the words.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);

if (!fs.existsSync(path.join(here, "dist/engine_bg.wasm"))) {
  execFileSync("node", [path.join(here, "scripts/build.js")], { stdio: "inherit" });
}

const tests = path.join(here, "test");
const files = fs
  .readdirSync(tests, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.js") && !name.includes("node_modules"))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort()
  .map((name) => path.join(tests, name));

let passed = 0;
let failed = 0;
const stream = run({ files, concurrency: 1 });
stream.on("test:pass", ({ details }) => {
  passed += details.type === "suite" ? 0 : 1;
});
stream.on("test:fail", () => {
  failed += 1;
});
stream.on("end", () => {
  if (passed === 0) {
    console.error("no test ran");
  }
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
});
stream.compose(spec).pipe(process.stdout);
