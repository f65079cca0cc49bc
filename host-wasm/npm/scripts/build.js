/** Builds `dist` from nothing: the engine, the scripts and their declarations. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const workspace = path.resolve(here, "../..");
const dist = path.join(here, "dist");
const types = path.join(here, "build/types");

const metadata = JSON.parse(
  output("cargo", ["metadata", "--format-version", "1", "--no-deps", "--locked"]),
);
fs.rmSync(dist, { recursive: true, force: true });
fs.mkdirSync(dist, { recursive: true });
buildEngine();
await buildScripts();
buildTypes();
setVersion();
report();

function buildEngine() {
  const target = "wasm32-unknown-unknown";
  run("cargo", [
    ...["build", "--profile", "wasm", "--locked"],
    ...["-p", "nanotdb-wasm", "--target", target],
  ]);
  const built = path.join(metadata.target_directory, target, "wasm/nanotdb_wasm.wasm");
  // The bindings' version has to be that of the crate: it says so itself when it is not.
  run("wasm-bindgen", [
    ...["--target", "web", "--out-name", "engine", "--no-typescript"],
    ...["--out-dir", dist, built],
  ]);
  // Not a wasm-opt from elsewhere: old ones break the module without a word.
  const optimizer = path.join(here, "node_modules/.bin/wasm-opt");
  const wasm = path.join(dist, "engine_bg.wasm");
  // Large functions are not put into their only caller, and functions of like names stand beside
  // each other: both make the module smaller once it is packed, by a tenth.
  const small = ["-ocimfs=10", "--shrink-level=2", "--reorder-functions-by-name"];
  run(optimizer, ["-g", "-O3", ...small, "-o", wasm, wasm]);
  run(optimizer, ["--strip-debug", "--strip-producers", "-o", wasm, wasm]);
}

async function buildScripts() {
  const shared = {
    absWorkingDir: here,
    bundle: true,
    format: "esm",
    target: "es2022",
    outdir: dist,
    // Beside the scripts as a file of its own, for both the worker and Node.
    external: ["./engine.js"],
    legalComments: "none",
    banner: { js: licences(["modern-tar"]) },
  };
  const browser = { ...shared, platform: "browser" };
  await esbuild.build({ ...browser, entryPoints: ["src/index.ts"] });
  await esbuild.build({ ...browser, entryPoints: ["src/worker.ts"], banner: {} });
  await esbuild.build({ ...shared, platform: "node", entryPoints: ["src/node.ts"] });
}

/** What the licences of bundled packages ask for. */
function licences(names) {
  const texts = names.map((name) => {
    const folder = path.join(here, "node_modules", name);
    const { version, license } = JSON.parse(
      fs.readFileSync(path.join(folder, "package.json"), "utf8"),
    );
    const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? license : fs.readFileSync(path.join(folder, file), "utf8");
    return `Contains ${name} ${version}:\n\n${text.trim()}`;
  });
  return `/*!\n${texts.join("\n\n")}\n*/`;
}

function buildTypes() {
  fs.rmSync(types, { recursive: true, force: true });
  run(path.join(here, "node_modules/.bin/tsc"), [
    ...["-p", here, "--emitDeclarationOnly", "--outDir", types],
  ]);
  for (const name of ["index.d.ts", "api.d.ts", "error.d.ts"]) {
    fs.copyFileSync(path.join(types, name), path.join(dist, name));
  }
}

/** One version for all packages of the workspace. */
function setVersion() {
  const { version } = metadata.packages.find(({ name }) => name === "nanotdb-wasm");
  const file = path.join(here, "package.json");
  const text = fs.readFileSync(file, "utf8");
  const changed = text.replace(/"version": "[^"]*"/, `"version": "${version}"`);
  if (changed !== text) {
    fs.writeFileSync(file, changed);
  }
}

function report() {
  for (const name of fs.readdirSync(dist).sort()) {
    console.log(`${name} ${fs.statSync(path.join(dist, name)).size}`);
  }
}

function run(command, args) {
  execFileSync(command, args, { cwd: workspace, stdio: "inherit" });
}

function output(command, args) {
  return execFileSync(command, args, { cwd: workspace, encoding: "utf8", maxBuffer: 1 << 26 });
}
