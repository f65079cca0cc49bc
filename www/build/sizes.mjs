// Prints what the page weighs and fails when it outgrew its budget.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 110 * 1024;
/** What is of the package: its engine, its worker, and the client that talks to them. */
const OF_THE_PACKAGE = /\.wasm$|^worker-|^nanotdb-/;

let page = 0;
let engine = 0;
for (const name of readdirSync("dist/assets").sort()) {
  const bytes = gzipSync(readFileSync(`dist/assets/${name}`), { level: 9 }).length;
  if (OF_THE_PACKAGE.test(name)) engine += bytes;
  else page += bytes;
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
console.log(`${String(page).padStart(8)}  page (JS and CSS, gzipped), budget ${BUDGET}`);
console.log(`${String(engine).padStart(8)}  package nanotdb (wasm and JS, gzipped)`);
if (page > BUDGET) {
  console.error("The page is over its budget.");
  process.exitCode = 1;
}
