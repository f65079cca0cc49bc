/**
 * Measures how fast columns of values are decoded in WebAssembly, in Node, beside the same code run
 * natively, in turn: million points a second, the median of the rounds, and the smallest and the
 * largest in brackets.
 *
 *     npm run bench:columns -- [rounds]
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { METRICS, TICKS, split } from "./workload.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.join(here, "build/columns");
const rounds = Number(process.argv[2] ?? 5);
const TARGET = "wasm32-unknown-unknown";
const SECONDS = 1;

const columns = await prepare();
const found = { native: [], wasm: [], ratio: [] };
for (let round = 0; round < rounds; round += 1) {
  const native = natively();
  const wasm = inWasm();
  found.native.push(native);
  found.wasm.push(wasm);
  found.ratio.push(wasm / native);
}
for (const [name, figures] of Object.entries(found)) {
  figures.sort((a, b) => a - b);
  const [low, middle, high] = [figures[0], figures[Math.floor(rounds / 2)], figures.at(-1)];
  const digits = name === "ratio" ? 2 : 0;
  const [text, from, to] = [middle, low, high].map((figure) => figure.toFixed(digits));
  console.log(`${name.padEnd(8)} ${text} [${from}–${to}]`);
}

async function prepare() {
  fs.mkdirSync(build, { recursive: true });
  const cargo = (...args) =>
    execFileSync("cargo", args, {
      cwd: here,
      maxBuffer: 1 << 26,
      stdio: ["ignore", "pipe", "inherit"],
    });
  // Not the package's profile: it makes all but the core small, and here the core is all there is.
  cargo("build", "--release", "-p", "nanotdb-wasm", "--example", "columns", "--target", TARGET);
  cargo("build", "--release", "-p", "nanotdb-tests", "--bin", "workload", "--bin", "bench-columns");
  const { target_directory: target } = JSON.parse(
    cargo("metadata", "--format-version", "1", "--no-deps"),
  );
  const module = path.join(target, TARGET, "release/examples/columns.wasm");
  const bindgen = ["--target", "web", "--no-typescript", "--out-dir", build, module];
  execFileSync("wasm-bindgen", bindgen, { stdio: "inherit" });
  const engine = await import(pathToFileURL(path.join(build, "columns.js")));
  engine.initSync({ module: fs.readFileSync(path.join(build, "columns_bg.wasm")) });
  const workload = cargo("run", "--release", "--quiet", "-p", "nanotdb-tests", "--bin", "workload");
  const columns = new engine.Columns();
  for (const { isInteger, values } of split(new Uint8Array(workload).buffer)) {
    columns.add(isInteger, new Uint32Array(values.buffer));
  }
  columns.encode();
  if (!columns.are_restored()) {
    throw new Error("columns are not restored");
  }
  return { columns, native: path.join(target, "release/bench-columns") };
}

function natively() {
  const args = ["w84", "--only", "v3", "--json"];
  const { sets } = JSON.parse(execFileSync(columns.native, args, { stdio: ["ignore", "pipe", "ignore"] }));
  const { rows } = sets.find(({ set }) => set === "w84");
  return rows.find(({ contender }) => contender === "v3").decode_mpoints_per_s.median;
}

/** The median of as many passes as there is time for. */
function inWasm() {
  const rates = [];
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end) {
    const begun = performance.now();
    columns.columns.decode();
    rates.push((METRICS * TICKS) / (performance.now() - begun) / 1000);
  }
  rates.sort((a, b) => a - b);
  return rates[Math.floor(rates.length / 2)];
}
