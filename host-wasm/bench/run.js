/**
 * Measures this package beside SQLite and DuckDB in one browser, in turn, and prints a table:
 * the median of the rounds, and the smallest and the largest in brackets.
 *
 *     npm install && npm run bench -- [rounds]
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as zlib from "node:zlib";
import * as esbuild from "esbuild";
import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.join(here, "build");
const modules = path.join(here, "node_modules");
const nanotdb = path.join(here, "../npm/dist");
const rounds = Number(process.argv[2] ?? 3);
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };
const PEERS = ["nanotdb", "sqlite", "duckdb"];

await prepare();
const server = await serve();
const profile = fs.mkdtempSync(path.join(os.tmpdir(), "nanotdb-bench-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
const found = Object.fromEntries(PEERS.map((peer) => [peer, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const peer of PEERS) {
    // A page of its own for each: what one leaves in memory is no other's burden.
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(peer, error));
    await page.goto(server.url);
    const figures = await page.evaluate(
      ({ peer, round }) => window.run(peer, round),
      { peer, round },
    );
    found[peer].push(figures);
    await page.close();
    console.error(`round ${round + 1}: ${peer} done`);
  }
}
await context.close();
await server.close();
fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
print();
process.exit(0);

async function prepare() {
  fs.rmSync(build, { recursive: true, force: true });
  fs.mkdirSync(build, { recursive: true });
  const workload = execFileSync(
    "cargo",
    ["run", "--release", "--quiet", "-p", "nanotdb-tests", "--bin", "workload"],
    { cwd: path.join(here, "../.."), maxBuffer: 1 << 26 },
  );
  fs.writeFileSync(path.join(build, "workload.bin"), workload);
  const shared = { bundle: true, format: "esm", target: "es2022", outdir: build, logLevel: "error" };
  await esbuild.build({
    ...shared,
    absWorkingDir: here,
    entryPoints: ["nanotdb.js", "sqlite.js", "duckdb.js"],
    external: ["/nanotdb/index.js"],
  });
  fs.copyFileSync(path.join(modules, "@sqlite.org/sqlite-wasm/dist/sqlite3.wasm"), path.join(build, "sqlite3.wasm"));
  for (const name of ["duckdb-eh.wasm", "duckdb-browser-eh.worker.js"]) {
    fs.copyFileSync(path.join(modules, "@duckdb/duckdb-wasm/dist", name), path.join(build, name));
  }
  const page = `<!doctype html><title>bench</title><script type="module">
    window.run = async (peer, round) => {
      if (peer !== "sqlite") return (await import("/" + peer + ".js")).run(round);
      const worker = new Worker("/sqlite.js", { type: "module" });
      const reply = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
      worker.postMessage(round);
      const { figures, error } = await reply;
      worker.terminate();
      if (error) throw new Error(error);
      return figures;
    };
  </script>`;
  fs.writeFileSync(path.join(build, "index.html"), page);
}

async function serve() {
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, "http://localhost").pathname;
    const file = url.startsWith("/nanotdb/")
      ? path.join(nanotdb, url.slice("/nanotdb/".length))
      : path.join(build, url === "/" ? "index.html" : url);
    if (!fs.existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))),
  };
}

function print() {
  const downloads = {
    nanotdb: ["index.js", "worker.js", "engine.js", "engine_bg.wasm"].map((name) => path.join(nanotdb, name)),
    sqlite: ["sqlite.js", "sqlite3.wasm"].map((name) => path.join(build, name)),
    duckdb: ["duckdb.js", "duckdb-browser-eh.worker.js", "duckdb-eh.wasm"].map((name) => path.join(build, name)),
  };
  for (const peer of PEERS) {
    const bytes = downloads[peer].reduce((sum, file) => sum + zlib.gzipSync(fs.readFileSync(file), { level: 9 }).length, 0);
    found[peer].forEach((figures) => (figures["to download, gzipped bytes"] = bytes));
  }
  const names = [...new Set(PEERS.flatMap((peer) => found[peer].flatMap(Object.keys)))];
  console.log(`\n| ${rounds} rounds | ${PEERS.join(" | ")} |\n|---|--:|--:|--:|`);
  for (const name of names) {
    const cells = PEERS.map((peer) => cell(found[peer].map((figures) => figures[name]).filter((figure) => figure !== undefined)));
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}

function cell(values) {
  if (values.length === 0) return "";
  values.sort((a, b) => a - b);
  const [low, middle, high] = [values[0], values[Math.floor(values.length / 2)], values.at(-1)].map(short);
  return low === high ? middle : `${middle} [${low}–${high}]`;
}

function short(value) {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(value < 10 ? 2 : 1);
}
