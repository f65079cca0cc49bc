import { describe, expect, it } from "vitest";
import {
  DAY,
  formatDuration,
  formatSpan,
  HOUR,
  MINUTE,
  parseDuration,
  SECOND,
  toMs,
  toNs,
  toSeconds,
  WEEK,
} from "../../src/util/time.ts";

describe("durations", () => {
  it("takes digits and one of s m h d w, in either case", () => {
    expect(parseDuration("30s")).toBe(30 * SECOND);
    expect(parseDuration("5M")).toBe(5 * MINUTE);
    expect(parseDuration("2h")).toBe(2 * HOUR);
    expect(parseDuration("7D")).toBe(7 * DAY);
    expect(parseDuration("1w")).toBe(WEEK);
  });

  it("takes nothing else", () => {
    for (const text of ["", "5", "h", "1.5h", "-5m", "1h30m", "5 m", "0s", "5ms", "1y"]) {
      expect(parseDuration(text), text).toBeUndefined();
    }
    expect(parseDuration(`${"9".repeat(30)}w`)).toBeUndefined();
  });

  it("writes what it reads", () => {
    for (const text of ["30s", "5m", "90m", "2h", "3d", "1w"]) {
      expect(formatDuration(parseDuration(text)!)).toBe(text);
    }
    expect(formatDuration(120 * SECOND)).toBe("2m");
  });

  it("tells people the two largest units", () => {
    expect(formatSpan(0.25)).toBe("250 µs");
    expect(formatSpan(12)).toBe("12 ms");
    expect(formatSpan(1500)).toBe("1.5s");
    expect(formatSpan(3 * DAY + 4 * HOUR + 5 * MINUTE)).toBe("3d 4h");
    expect(formatSpan(10 * DAY)).toBe("10d");
    expect(formatSpan(2 * WEEK)).toBe("2w");
    expect(formatSpan(-HOUR)).toBe("−1h");
  });
});

describe("nanoseconds", () => {
  it("become milliseconds and back to the microsecond", () => {
    const ns = 1_778_745_600_123_456_000n;
    expect(toNs(toMs(ns))).toBe(ns);
    expect(toNs(-1.5)).toBe(-1_500_000n);
  });

  it("become seconds without a BigInt for each, also before 1970", () => {
    const times = BigInt64Array.from([
      0n,
      1_500_000_000n,
      -1_500_000_000n,
      1_778_745_600_000_000_000n,
    ]);
    expect([...toSeconds(times)]).toEqual([0, 1.5, -1.5, 1_778_745_600]);
    expect([...toSeconds(times.subarray(1, 3))]).toEqual([1.5, -1.5]);
  });
});
