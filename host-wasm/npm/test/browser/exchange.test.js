/** Data directories go from the native host, and the reference, into a page and back. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import test from "node:test";
import { packageRoot } from "../support/chromium.js";
import { begin, openIn } from "./support.js";

const workspace = path.resolve(packageRoot, "../..");
const fixtures = path.join(workspace, "tests/fixtures");

function run(command, args, options = {}) {
  return execFileSync(command, args, { maxBuffer: 1 << 28, encoding: "utf8", ...options });
}

/** The native command line. */
function native(...args) {
  const build = ["run", "--quiet", "-p", "nanotdb", "--"];
  return run("cargo", [...build, ...args], { cwd: workspace });
}

function exported(root, database) {
  return native("export", "--root", root, "--db", database).trim().split("\n").sort();
}

/** Puts a tar file into the page's store `root`. */
async function importTar(page, root, tar) {
  return page.evaluate(
    async ([root, base64]) => {
      const bytes = await (await fetch(`data:application/x-tar;base64,${base64}`)).blob();
      return window.stores[root].importRoot(bytes, { replace: true });
    },
    [root, tar.toString("base64")],
  );
}

/** All lines of a database in the page, and the page's store as a tar file. */
async function contents(page, root, databases) {
  const { lines, tar } = await page.evaluate(
    async ([root, databases]) => {
      const store = window.stores[root];
      const lines = {};
      for (const database of databases) {
        lines[database] = await new Response(await store.exportLines(database)).text();
      }
      const blob = await new Response(await store.exportRoot()).blob();
      const url = await new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsDataURL(blob);
      });
      return { lines, tar: url.slice(url.indexOf(",") + 1) };
    },
    [root, databases],
  );
  return { lines, tar: Buffer.from(tar, "base64") };
}

function temporary(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "nanotdb-exchange-"));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function unpacked(t, tar) {
  const directory = temporary(t);
  run("tar", ["-x", "-C", directory], { input: tar });
  return directory;
}

test("directories are exchanged", async (t) => {
  const { page: newPage } = await begin(t);
  const page = await newPage();
  await openIn(page, "exchange");

  await t.test("native, browser, native", async (t) => {
    const root = temporary(t);
    const lines = Array.from({ length: 5000 }, (_, at) => {
      const time = 1_767_225_600_000_000_000n + BigInt(at) * 60_000_000_000n;
      return `home/t${at % 3} ${at / 8} ${time}\nhome/n ${at}i ${time}`;
    });
    const file = path.join(root, "lines.lp");
    fs.writeFileSync(file, lines.join("\n"));
    native("init", "--root", path.join(root, "data"));
    native("import", "--root", path.join(root, "data"), file);
    const before = exported(path.join(root, "data"), "home");
    assert.equal(before.length, 10_000);

    const report = await importTar(
      page,
      "exchange",
      execFileSync("tar", ["-c", "-C", root, "data"]),
    );
    assert.ok(report.databases.includes("home"), JSON.stringify(report));
    const { lines: text, tar } = await contents(page, "exchange", ["home"]);
    assert.deepEqual(text["home"].trim().split("\n").sort(), before);

    const back = unpacked(t, tar);
    assert.deepEqual(exported(back, "home"), before);
    native("verify", "--root", back);
  });

  await t.test("what the page wrote", async (t) => {
    await page.evaluate(async () => {
      const store = window.stores["exchange"];
      const start = 1_767_225_600_000_000_000n;
      const times = BigInt64Array.from(
        { length: 20_000 },
        (_, at) => start + BigInt(at) * 10n ** 10n,
      );
      const values = Float32Array.from({ length: 20_000 }, (_, at) => Math.sin(at / 50));
      await store.addColumns("page", { metric: "sine", times, values });
      await store.add("page", "door", 1, { time: start, type: "i32" });
      await store.flush();
      await store.build("page", "2026-01-01");
    });
    const { lines, tar } = await contents(page, "exchange", ["page"]);
    const root = unpacked(t, tar);
    assert.ok(fs.existsSync(path.join(root, "page/metric-2026-01-01.dat")));
    const found = exported(root, "page");
    assert.equal(found.length, 20_001);
    assert.deepEqual(found, lines["page"].trim().split("\n").sort());
    native("verify", "--root", root);
  });

  for (const [fixture, database] of [
    ["01-partition-day", "prod"],
    ["15-metric-codecs", undefined],
    ["31-crash-multi-db", undefined],
  ]) {
    await t.test(`the reference's ${fixture}`, async (t) => {
      const root = path.join(fixtures, fixture, "root");
      const tar = execFileSync("tar", ["-c", "-C", root, "."]);
      const report = await importTar(page, "exchange", tar);
      const names = database === undefined ? report.databases : [database];
      const { lines, tar: back } = await contents(page, "exchange", names);
      const copy = temporary(t);
      fs.cpSync(root, copy, { recursive: true });
      for (const name of names) {
        const expected = exported(copy, name);
        assert.deepEqual(lines[name].trim().split("\n").sort(), expected);
        assert.deepEqual(exported(unpacked(t, back), name), expected);
      }
    });
  }

  await t.test("one damaged file, and something else", async () => {
    const root = path.join(fixtures, "17-raw-rename-v2", "root");
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), "nanotdb-damaged-"));
    fs.cpSync(root, copy, { recursive: true });
    const [database] = fs
      .readdirSync(copy)
      .filter((name) => fs.existsSync(path.join(copy, name, "catalog.json")));
    fs.writeFileSync(path.join(copy, database, "catalog.json"), "{ damaged");
    fs.cpSync(path.join(fixtures, "01-partition-day/root/prod"), path.join(copy, "whole"), {
      recursive: true,
    });
    const report = await importTar(page, "exchange", execFileSync("tar", ["-c", "-C", copy, "."]));
    fs.rmSync(copy, { recursive: true });
    assert.ok(
      report.problems.some((problem) => problem.includes("catalog.json")),
      JSON.stringify(report),
    );
    const metrics = await page.evaluate(() => window.stores["exchange"].metrics("whole"));
    assert.ok(metrics.length > 0);

    const foreign = execFileSync("tar", ["-c", "-C", path.join(workspace, "docs"), "API.md"]);
    const error = await importTar(page, "exchange", foreign).then(
      () => undefined,
      (error) => String(error),
    );
    assert.match(error ?? "", /no NanoTDB data directory/);
  });
});
