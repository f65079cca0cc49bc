/** Times as callers give them and as the engine takes them. */
import type { Time } from "./api.js";
import { NanotdbError } from "./error.js";

const FIRST = -(2n ** 63n);
const LAST = 2n ** 63n - 1n;

/** A time in nanoseconds; one that 64 bits cannot hold is `invalid`. */
export function nanoseconds(time: Time): bigint {
  const value = wide(time);
  if (value < FIRST || value > LAST) {
    throw new NanotdbError("invalid", `the time ${value} ns is outside of 64 bits`);
  }
  return value;
}

/** Both ends of a range, all of time where there is none. What lies outside of 64 bits is cut. */
export function span(from: Time | undefined, to: Time | undefined): { from: bigint; to: bigint } {
  return {
    from: from === undefined ? FIRST : clamped(wide(from)),
    to: to === undefined ? LAST : clamped(wide(to)),
  };
}

/** The times of rows: one for each, or one for all. */
export function timeColumn(times: BigInt64Array | Time): BigInt64Array<ArrayBuffer> {
  return times instanceof BigInt64Array ? times.slice() : BigInt64Array.of(nanoseconds(times));
}

function clamped(value: bigint): bigint {
  return value < FIRST ? FIRST : value > LAST ? LAST : value;
}

function wide(time: Time): bigint {
  if (typeof time === "bigint") {
    return time;
  }
  const milliseconds = time instanceof Date ? time.getTime() : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw new NanotdbError("invalid", "a time must be a bigint or a valid Date");
  }
  return BigInt(milliseconds) * 1_000_000n;
}
