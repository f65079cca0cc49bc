/** What the tests in Node share. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A directory that goes with this process: stores in it are closed by then. */
export function temporary() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "nanotdb-node-"));
  process.on("exit", () => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Checks that a promise rejects with this code. */
export async function rejects(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, "NanotdbError");
    assert.equal(error.code, code, `${error.code}: ${error.message}`);
    return true;
  });
}

/** All bytes of a stream. */
export async function bytesOf(stream) {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** All of a stream as text. */
export async function textOf(stream) {
  return new Response(stream).text();
}

/** Some nanoseconds, one second apart. */
export const START = 1_767_225_600_000_000_000n; // 2026-01-01
export const SECOND = 1_000_000_000n;

/** Samples of one metric, a second apart. */
export function column(metric, length, first = START) {
  return {
    metric,
    times: BigInt64Array.from({ length }, (_, at) => first + BigInt(at) * SECOND),
    values: Float32Array.from({ length }, (_, at) => at / 4),
  };
}
