/** The package as it would be published, in three small programs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { launch, packageRoot } from "../support/chromium.js";
import { serve } from "../support/server.js";

const consumers = path.dirname(fileURLToPath(import.meta.url));
const EXPECTED = { values: [21.5], code: "unknown-database" };

test("the packed package", async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "nanotdb-pack-"));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", directory];
  const output = execFileSync("npm", pack, { cwd: packageRoot, encoding: "utf8" });
  // Of one package: in a list, or by name with newer versions of npm.
  const packed = Object.values(JSON.parse(output))[0];
  const tarball = path.join(directory, path.basename(packed.filename));

  /** A copy of a consumer that has the package installed. */
  const install = (name) => {
    const copy = path.join(directory, name);
    fs.cpSync(path.join(consumers, name), copy, { recursive: true });
    const options = ["--no-audit", "--no-fund", "--no-package-lock", "--offline"];
    execFileSync("npm", ["install", ...options, tarball], { cwd: copy, stdio: "pipe" });
    return copy;
  };

  await t.test("it has what it needs and nothing else", () => {
    const files = packed.files.map((file) => file.path).sort();
    assert.deepEqual(files, [
      "README.md",
      "dist/api.d.ts",
      "dist/engine.js",
      "dist/engine_bg.wasm",
      "dist/error.d.ts",
      "dist/index.d.ts",
      "dist/index.js",
      "dist/node.js",
      "dist/worker.js",
      "package.json",
    ]);
    for (const name of ["index.js", "worker.js", "engine.js"]) {
      const text = fs.readFileSync(path.join(packageRoot, "dist", name), "utf8");
      const bare = /^\s*(?:import|export)\s[^;]*?from\s*["'](?![./])/m;
      assert.ok(!bare.test(text), `${name} imports by a bare name`);
    }
    t.diagnostic(`${packed.size} bytes packed, ${packed.unpackedSize} unpacked`);
  });

  await t.test("the version is the workspace's", () => {
    const metadata = ["metadata", "--format-version", "1", "--no-deps"];
    const options = { cwd: packageRoot, encoding: "utf8", maxBuffer: 1 << 26 };
    const { packages } = JSON.parse(execFileSync("cargo", metadata, options));
    const { version } = packages.find(({ name }) => name === "nanotdb-wasm");
    assert.equal(packed.version, version);
  });

  await t.test("Node", () => {
    const copy = install("node");
    const text = execFileSync(process.execPath, ["main.js"], { cwd: copy, encoding: "utf8" });
    assert.deepEqual(JSON.parse(text), { ...EXPECTED, sameVersion: true });
    const require = createRequire(path.join(copy, "main.js"));
    assert.ok(fs.existsSync(require.resolve("nanotdb/engine_bg.wasm")));
  });

  await t.test("a page without a bundler", async () => {
    await runPage(install("plain"));
  });

  await t.test("Vite", async () => {
    const root = install("vite");
    await build({ root, logLevel: "error", configFile: false, build: { target: "esnext" } });
    await runPage(path.join(root, "dist"));
  });
});

async function runPage(directory) {
  const server = await serve({ "/": directory });
  const browser = await launch();
  try {
    const page = await browser.context.newPage();
    await page.goto(server.url);
    await page.waitForFunction("window.result !== undefined", undefined, { polling: 20 });
    assert.deepEqual(await page.evaluate("window.result"), EXPECTED);
  } finally {
    await browser.close();
    await server.close();
  }
}
