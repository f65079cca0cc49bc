/**
 * Which writes the log may have passed over.
 *
 * The engine logs new samples only (`wal.skip_before`, an hour if not set otherwise): older ones
 * are in memory until their page is written, and would go with the tab. Whoever runs calls flushes
 * soon after such a write, but not after each: that would make a page of every sample.
 */
import type { Request } from "./rpc.js";

/** Younger samples count as logged. Shorter than the setting is ever likely to be. */
const MINUTE_MS = 60_000;
const LINE_END = 0x0a;

/** Whether a call may have brought samples that are not logged. */
export function isBackfill(request: Request): boolean {
  switch (request.op) {
    case "add":
      return request.args.time !== undefined && isOld(request.args.time);
    case "addColumns":
      return request.args.columns.some(({ times }) => isOld(times[0]));
    case "addRows":
      return isOld(request.args.times[0]);
    case "addLines":
      return hasOldTime(request.args.bytes);
    default:
      return false;
  }
}

function isOld(time: bigint | undefined): boolean {
  return time !== undefined && time < BigInt(Date.now() - MINUTE_MS) * 1_000_000n;
}

/** Goes by the first line: batches are of one age. */
function hasOldTime(bytes: Uint8Array): boolean {
  const end = bytes.indexOf(LINE_END);
  const line = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  const [, , ...time] = line.trim().split(/\s+/);
  const text = time.join(" ");
  return text !== "" && (!/^\d{1,19}$/.test(text) || isOld(BigInt(text)));
}
