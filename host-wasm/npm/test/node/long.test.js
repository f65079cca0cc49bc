/** Long calls: progress, aborting, and sources that misbehave. */
import assert from "node:assert/strict";
import test from "node:test";
import { open } from "nanotdb";
import { bytesOf, column, rejects, SECOND, START, temporary } from "./support.js";

const LINES = 60_000;

function manyLines() {
  const lines = Array.from({ length: LINES }, (_, at) => {
    return `many/metric ${at % 100} ${START + BigInt(at) * SECOND}`;
  });
  return `${lines.join("\n")}\n`;
}

test("many lines are taken in pieces, wherever those are cut", async (t) => {
  const store = await open("lines", { storage: "memory" });
  t.after(() => store.close());
  const bytes = new TextEncoder().encode(manyLines());
  const cuts = new ReadableStream({
    at: 0,
    pull(controller) {
      const length = 1 + ((this.at * 7919) % 50_000);
      controller.enqueue(bytes.subarray(this.at, this.at + length));
      this.at += length;
      if (this.at >= bytes.length) {
        controller.close();
      }
    },
  });
  const seen = [];
  const report = await store.addLines(cuts, { onProgress: ({ bytes }) => seen.push(bytes) });
  assert.equal(report.importedLines, LINES);
  assert.equal(report.totalLines, LINES);
  assert.ok(seen.length > 1);
  assert.equal(seen.at(-1), bytes.length);
  assert.equal((await store.query("many", "metric")).times.length, LINES);
});

test("rejected lines are counted across pieces", async (t) => {
  const store = await open("lines", { storage: "memory" });
  t.after(() => store.close());
  const text = `${manyLines()}what is this\n`;
  const report = await store.addLines(text);
  assert.deepEqual(
    report.rejections.map(({ line }) => line),
    [LINES + 1],
  );
});

test("a line without an end costs no memory and rejects one line", async (t) => {
  const store = await open("lines", { storage: "memory" });
  t.after(() => store.close());
  const long = new Blob(["x".repeat(5_000_000), `\nafter/m 1 ${START}`]);
  const report = await store.addLines(long);
  assert.equal(report.totalLines, 2);
  assert.equal(report.rejectedLines, 1);
  assert.equal(report.importedLines, 1);
  assert.equal(report.rejections[0].line, 1);
});

test("an aborted import of lines keeps what it took", async (t) => {
  const store = await open("lines", { storage: "memory" });
  t.after(() => store.close());
  const controller = new AbortController();
  const { signal } = controller;
  const stop = () => controller.abort();
  await rejects(store.addLines(manyLines(), { signal, onProgress: stop }), "aborted");
  const { times } = await store.query("many", "metric");
  assert.ok(times.length > 0 && times.length < LINES);
});

test("aborting ends the wait for a source that says nothing", async (t) => {
  const store = await open("lines", { storage: "memory" });
  t.after(() => store.close());
  let cancelled = false;
  const silent = () =>
    new ReadableStream({
      pull: () => new Promise(() => {}),
      cancel: () => {
        cancelled = true;
      },
    });
  for (const begin of [
    (signal) => store.addLines(silent(), { signal }),
    (signal) => store.importRoot(silent(), { signal }),
  ]) {
    cancelled = false;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    await rejects(begin(controller.signal), "aborted");
    assert.ok(cancelled);
  }
});

test("a source that fails rejects", async (t) => {
  const store = await open("lines", { storage: "memory" });
  t.after(() => store.close());
  const failing = () =>
    new ReadableStream({
      pull(controller) {
        controller.error(new Error("the network is down"));
      },
    });
  await rejects(store.addLines(failing()), "io");
  await rejects(store.importRoot(failing()), "io");
});

test("an aborted import of a directory changes nothing", async (t) => {
  const from = await open("from", { storage: "memory" });
  await from.addColumns("home", column("m", 100_000));
  const tar = await bytesOf(await from.exportRoot());
  await from.close();
  const store = await open(temporary());
  t.after(() => store.close());
  await store.add("old", "m", 1, { time: START });
  const before = await store.files();
  const controller = new AbortController();
  const options = { signal: controller.signal, replace: true };
  const onProgress = () => controller.abort();
  await rejects(store.importRoot(new Blob([tar]), { ...options, onProgress }), "aborted");
  assert.deepEqual(await store.files(), before);
  assert.deepEqual(await store.databases(), ["old"]);
  for (const length of [tar.length - 5000, 600]) {
    await rejects(store.importRoot(new Blob([tar.subarray(0, length)])), "corrupt");
    assert.deepEqual(await store.databases(), ["old"]);
  }
  await store.importRoot(new Blob([tar]));
  assert.equal((await store.query("home", "m")).times.length, 100_000);
});

test("signals that are aborted before reject at once", async (t) => {
  const signal = AbortSignal.abort();
  await rejects(open("never", { storage: "memory", signal }), "aborted");
  const store = await open("now", { storage: "memory" });
  t.after(() => store.close());
  for (const call of [
    () => store.add("home", "m", 1, { signal }),
    () => store.query("home", "m", { signal }),
    () => store.exportRoot({ signal }),
    () => store.flush({ signal }),
  ]) {
    await rejects(call(), "aborted");
  }
  assert.deepEqual(await store.databases(), []);
});

test("what is exported is read as it is asked for, and can be left", async (t) => {
  const store = await open("out", { storage: "memory" });
  t.after(() => store.close());
  await store.addColumns("home", column("m", 50_000));
  for (const stream of [await store.exportLines("home"), await store.exportRoot()]) {
    const reader = stream.getReader();
    const { value } = await reader.read();
    assert.ok(value.length > 0);
    await reader.cancel();
  }
  await rejects(store.exportLines("nowhere"), "unknown-database");
});
