/**
 * Owners that go away at seeded moments while guests write: nothing that was acknowledged is lost,
 * nothing is doubled. Prints how long guests waited.
 *
 * NANOTDB_CHANGEOVERS says how many (10), NANOTDB_SEED where chance begins.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { quantile, random, setting } from "../support/random.js";
import { begin, openIn } from "./support.js";

const ROOT = "changeover";
const COUNT = setting("NANOTDB_CHANGEOVERS", 10);
const SEED = setting("NANOTDB_SEED", 1);
const now = () => performance.timeOrigin + performance.now();

test(`${COUNT} owners go away`, async (t) => {
  const { page: newPage } = await begin(t);
  const chance = random(SEED);
  const waits = { page: [], worker: [], close: [] };
  let pages = [];
  let interrupted = 0;
  let acknowledged = 0;
  for (let round = 0; round < COUNT; round++) {
    while (pages.length < 3) {
      const page = await newPage();
      await openIn(page, ROOT);
      pages.push(page);
    }
    const roles = await Promise.all(pages.map(roleOf));
    assert.equal(roles.filter((role) => role === "owner").length, 1, `round ${round}`);
    const owner = pages[roles.indexOf("owner")];
    const guests = pages.filter((page) => page !== owner);
    const work = guests.map((guest, at) => guest.evaluate(write, [ROOT, `r${round}g${at}`]));
    work.forEach((promise) => promise.catch(() => {}));
    await new Promise((resolve) => setTimeout(resolve, 30 + chance() * 300));
    const how = ["page", "worker", "close"][Math.floor(chance() * 3)];
    const gone = await end(owner, how);
    // Time for the guests to go on, and for what was lost on the way to be missed.
    await new Promise((resolve) => setTimeout(resolve, 400));
    await Promise.all(guests.map((guest) => guest.evaluate(() => (window.isEnough = true))));
    const results = await Promise.all(work);
    for (const [at, result] of results.entries()) {
      const where = `seed ${SEED} round ${round} (${how}) guest ${at}`;
      assert.deepEqual(result.strange, [], where);
      const first = result.answers.find(([began]) => began >= gone);
      assert.ok(first !== undefined, `${where}: no answer after the owner went away`);
      waits[how].push(first[1] - gone);
      interrupted += result.unknown.length;
      acknowledged += result.known.length;
      if (how === "close") {
        assert.deepEqual(result.unknown, [], `${where}: an orderly end interrupts nothing`);
      }
      const stored = await guests[0].evaluate(read, [ROOT, `r${round}g${at}`]);
      assert.deepEqual(stored, [...new Set(stored)], `${where}: doubled`);
      const known = new Set(result.known);
      const unknown = new Set(result.unknown);
      const lost = result.known.filter((value) => !stored.includes(value));
      assert.deepEqual(lost, [], `${where}: acknowledged and lost`);
      const invented = stored.filter((value) => !known.has(value) && !unknown.has(value));
      assert.deepEqual(invented, [], `${where}: invented`);
    }
    pages = pages.filter((page) => page !== owner);
    if (how === "worker") {
      // This tab goes on by itself.
      await owner.evaluate((root) => window.stores[root].databases(), ROOT);
      pages.push(owner);
    } else {
      await owner.close();
    }
  }
  const all = Object.values(waits).flat();
  for (const [how, measured] of [["all", all], ...Object.entries(waits)]) {
    const [half, most] = [quantile(measured, 0.5), quantile(measured, 0.95)];
    t.diagnostic(
      `owner gone (${how}): ${measured.length} guests waited ` +
        `${half.toFixed(0)} ms (p50), ${most.toFixed(0)} ms (p95)`,
    );
  }
  t.diagnostic(`${acknowledged} writes acknowledged, ${interrupted} interrupted, seed ${SEED}`);
});

function roleOf(page) {
  return page.evaluate(async (root) => (await window.stores[root].stats()).role, ROOT);
}

/** Ends the owner, and says when. */
async function end(page, how) {
  if (how === "page") {
    const moment = now();
    await page.close();
    return moment;
  }
  return page.evaluate(
    async ([root, how]) => {
      const moment = performance.timeOrigin + performance.now();
      if (how === "worker") {
        window.workers.forEach((worker) => worker.terminate());
      } else {
        await window.stores[root].close();
      }
      return moment;
    },
    [ROOT, how],
  );
}

/** Writes until told that it is enough; several at a time, so that some are on their way. */
async function write([root, metric]) {
  const store = window.stores[root];
  const clock = () => performance.timeOrigin + performance.now();
  const first = BigInt(Date.now()) * 1_000_000n;
  const result = { known: [], unknown: [], strange: [], answers: [] };
  window.isEnough = false;
  for (let value = 0; !window.isEnough; value += 4) {
    const began = clock();
    const batch = [0, 1, 2, 3].map(async (more) => {
      const time = first + BigInt(value + more);
      try {
        await store.add("home", metric, value + more, { time });
        result.known.push(value + more);
        result.answers.push([began, clock()]);
      } catch (error) {
        if (error.code === "interrupted") {
          result.unknown.push(value + more);
        } else {
          result.strange.push(`${error.code}: ${error.message}`);
        }
      }
    });
    await Promise.all(batch);
    if (value % 64 === 0) {
      await store.flush();
    }
  }
  return result;
}

async function read([root, metric]) {
  return [...(await window.stores[root].query("home", metric)).values];
}
