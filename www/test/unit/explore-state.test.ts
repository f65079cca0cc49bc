import { describe, expect, it } from "vitest";
import { describe as describeRange, fixed, pan, resolve, zoom } from "../../src/explore/range.ts";
import { INITIAL, MAX_METRICS, readState, writeState } from "../../src/explore/state.ts";
import { HOUR } from "../../src/util/time.ts";

describe("the address", () => {
  it("holds all of the state", () => {
    const state = {
      database: "home",
      metrics: ["a.b", "<img/src=x>", "ü&=%"],
      range: fixed(1_778_745_600_000, 1_778_749_200_000),
      aggregate: "p95" as const,
      window: 5 * 60_000,
      refresh: 5000,
    };
    expect(readState(`?${writeState(state)}`)).toEqual(state);
  });

  it("is short for what is as at first", () => {
    expect(writeState(INITIAL)).toBe("last=1d");
    expect(readState("")).toEqual(INITIAL);
  });

  it("may be nonsense", () => {
    const state = readState(
      "?last=x&agg=evil&window=-3&refresh=soon&from=2026-01-02&to=2026-01-01",
    );
    expect(state).toEqual(INITIAL);
  });

  it("takes ISO dates and plain milliseconds", () => {
    const { range } = readState("?from=2026-05-14T08:00:00Z&to=1778749200000.5");
    expect(range).toEqual({ kind: "fixed", from: 1_778_745_600_000, to: 1_778_749_200_000.5 });
  });

  it("names no metric twice and not more than fit", () => {
    const many = Array.from({ length: 40 }, (_, at) => `m=x${at % 30}`).join("&");
    expect(readState(`?${many}`).metrics).toHaveLength(MAX_METRICS);
  });

  it("keeps deep zooms", () => {
    const range = fixed(1_778_745_600_000.125, 1_778_745_600_000.875);
    expect(readState(writeState({ ...INITIAL, range })).range).toEqual(range);
  });
});

describe("ranges", () => {
  const ends = { from: 0, to: 1000 };

  it("zoom around a point that stays", () => {
    expect(zoom(ends, 0.5, 0.25)).toEqual({ kind: "fixed", from: 125, to: 625 });
    expect(zoom(ends, 2)).toEqual({ kind: "fixed", from: -500, to: 1500 });
  });

  it("pan by a part of their length", () => {
    expect(pan(ends, 0.2)).toEqual({ kind: "fixed", from: 200, to: 1200 });
  });

  it("never shrink to nothing, and are in order", () => {
    const range = fixed(5, 5);
    const { from, to } = resolve(range, 0);
    expect(to).toBeGreaterThan(from);
    expect(fixed(10, 2)).toEqual({ kind: "fixed", from: 2, to: 10 });
  });

  it("say what they are", () => {
    expect(describeRange({ kind: "last", span: HOUR })).toBe("Last 1 hour");
    expect(describeRange({ kind: "last", span: 7 * HOUR })).toBe("Last 7h");
  });
});
