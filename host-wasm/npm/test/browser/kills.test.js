/**
 * Ends at seeded moments while samples come in: the worker is terminated, the page closed or the
 * browser killed. What was acknowledged is there again, nothing is doubled or invented.
 *
 * NANOTDB_BROWSER_KILLS says how many (10), NANOTDB_SEED where chance begins.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import test from "node:test";
import { launch, servePackage } from "../support/chromium.js";
import { random, setting } from "../support/random.js";
import { openIn } from "./support.js";

const ROOT = "kills";
const COUNT = setting("NANOTDB_BROWSER_KILLS", 10);
const SEED = setting("NANOTDB_SEED", 1);

test(`${COUNT} ends during ingest`, async (t) => {
  const server = await servePackage();
  let browser = await launch();
  const { profile } = browser;
  t.after(async () => {
    await browser.close().catch(() => undefined);
    await server.close();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  });
  const chance = random(SEED);
  const kept = new Map();
  const tally = { worker: 0, page: 0, browser: 0 };
  let acknowledged = 0;
  let found = 0;
  let page = await browser.page(server.url);
  for (let round = 0; round < COUNT; round++) {
    const how = ["worker", "page", "browser"][Math.floor(chance() * 3)];
    const where = `seed ${SEED} round ${round} (${how})`;
    tally[how] += 1;
    await openIn(page, ROOT);
    const seed = Math.floor(chance() * 2 ** 31);
    const plan = { root: ROOT, metric: `r${round}`, seed, first: Date.now() };
    const acks = listen(page);
    await page.evaluate(ingest, plan);
    await acks.first;
    await new Promise((resolve) => setTimeout(resolve, chance() * 400));
    switch (how) {
      case "worker":
        // A new document, so that the store is opened anew and not by the page's own recovery.
        await page.evaluate(() => window.workers.forEach((worker) => worker.terminate()));
        await page.reload();
        await page.waitForFunction("window.nanotdb !== undefined", undefined, { polling: 20 });
        break;
      case "page":
        await page.close();
        page = await browser.page(server.url);
        break;
      case "browser":
        await browser.kill();
        browser = await launch(profile);
        page = await browser.page(server.url);
        break;
    }
    await openIn(page, ROOT);
    const steps = acks.count();
    for (const kind of ["rows", "columns", "lines"]) {
      const stored = await page.evaluate(read, [ROOT, `r${round}.${kind}`]);
      // Every metric is a sequence, so what is there must be its beginning.
      const sure = expected(plan, steps, kind);
      assert.ok(
        stored.values.length >= sure,
        `${where}: ${kind} ${stored.values.length} < ${sure}`,
      );
      assert.deepEqual(
        stored.values,
        stored.values.map((_, at) => at),
        `${where}: ${kind} is no beginning of what was written`,
      );
      assert.deepEqual(
        stored.offsets,
        stored.values.map((_, at) => at),
        `${where}: times of ${kind}`,
      );
      kept.set(`r${round}.${kind}`, stored.values.length);
      acknowledged += sure;
      found += stored.values.length;
    }
    for (const [metric, length] of [...kept].slice(-9)) {
      const { values } = await page.evaluate(read, [ROOT, metric]);
      assert.equal(values.length, length, `${where}: ${metric}, found before, stays`);
    }
    const problems = await page.evaluate(async (root) => {
      const checks = await window.stores[root].verify("home");
      return checks.flatMap((check) => check.problems);
    }, ROOT);
    assert.deepEqual(problems, [], where);
    await page.evaluate((root) => window.stores[root].close(), ROOT);
  }
  t.diagnostic(`worker ${tally.worker}, page ${tally.page}, browser ${tally.browser}`);
  t.diagnostic(`${acknowledged} samples acknowledged, ${found} found, seed ${SEED}`);
});

/** Counts the steps that a page says were acknowledged. */
function listen(page) {
  let steps = 0;
  let begun = () => {};
  const first = new Promise((resolve) => (begun = resolve));
  page.on("console", (message) => {
    const [word, count] = message.text().split(" ");
    if (word === "acknowledged") {
      steps = Math.max(steps, Number(count));
      begun();
    }
  });
  return { first, count: () => steps };
}

/** What a step does; the page has the same. */
function kindOf(seed, step) {
  const mixed = Math.imul(seed ^ Math.imul(step + 1, 0x9e3779b1), 0x85ebca6b) >>> 0;
  const part = (mixed >>> 8) % 100;
  return part < 70 ? "rows" : part < 85 ? "columns" : part < 95 ? "lines" : "flush";
}

const SAMPLES = { rows: 1, columns: 300, lines: 1000 };

/** Samples of a kind that so many steps made. */
function expected({ seed }, steps, kind) {
  let samples = 0;
  for (let step = 0; step < steps; step++) {
    samples += kindOf(seed, step) === kind ? SAMPLES[kind] : 0;
  }
  return samples;
}

/** Begins to write and says after each step that it was acknowledged. */
function ingest({ root, metric, seed, first }) {
  const store = window.stores[root];
  const start = BigInt(first) * 1_000_000n;
  const count = { rows: 0, columns: 0, lines: 0 };
  const kindOf = (step) => {
    const mixed = Math.imul(seed ^ Math.imul(step + 1, 0x9e3779b1), 0x85ebca6b) >>> 0;
    const part = (mixed >>> 8) % 100;
    return part < 70 ? "rows" : part < 85 ? "columns" : part < 95 ? "lines" : "flush";
  };
  const take = (kind, length) => {
    const from = count[kind];
    count[kind] += length;
    return Array.from({ length }, (_, at) => from + at);
  };
  const steps = {
    rows: () => {
      const [value] = take("rows", 1);
      const others = Array.from({ length: 20 }, (_, at) => `${metric}.other${at}`);
      return store.addRows("home", {
        metrics: [`${metric}.rows`, ...others],
        times: start + BigInt(value),
        values: new Float32Array(21).fill(value),
      });
    },
    columns: () => {
      const values = Int32Array.from(take("columns", 300));
      const times = BigInt64Array.from(values, (value) => start + BigInt(value));
      return store.addColumns("home", { metric: `${metric}.columns`, times, values });
    },
    lines: () => {
      const lines = take("lines", 1000).map(
        (value) => `home/${metric}.lines ${value} ${start + BigInt(value)}`,
      );
      return store.addLines(lines.join("\n"));
    },
    flush: () => store.flush(),
  };
  void (async () => {
    for (let step = 0; ; step++) {
      await steps[kindOf(step)]();
      console.log(`acknowledged ${step + 1}`);
    }
    // What was under way when the worker ended rejects: that is the point.
  })().catch((error) => console.log(`ended ${error.code}`));
}

async function read([root, metric]) {
  const { times, values } = await window.stores[root].query("home", metric);
  const start = times[0] ?? 0n;
  return { values: [...values], offsets: [...times].map((time) => Number(time - start)) };
}
