import { beforeEach, describe, expect, it } from "vitest";
import { load, type Request } from "../../src/explore/load.ts";
import type { Source } from "../../src/source.ts";
import { makeDouble, type Double } from "../double/nanotdb.ts";

const COUNT = 100_000;
const START = 1_778_716_800_000;

describe("loading", () => {
  let double: Double;
  let source: Source;
  const request: Request = {
    database: "d",
    metrics: ["m"],
    from: START,
    to: START + COUNT * 1000,
    aggregate: "auto",
    window: "auto",
    pixels: 1000,
  };
  const { signal } = new AbortController();

  beforeEach(async () => {
    double = makeDouble();
    source = double as unknown as Source;
    const times = BigInt64Array.from(
      { length: COUNT },
      (_, at) => BigInt(START + at * 1000) * 1_000_000n,
    );
    const values = Float32Array.from({ length: COUNT }, (_, at) => at % 60);
    await double.addColumns("d", { metric: "m", times, values });
  });

  it("takes windows with their extremes from afar", async () => {
    const loaded = await load(source, request, signal);
    expect(loaded.window).toBe(120_000);
    // The last window is taken to be full, of which a part is visible.
    expect(loaded.samples).toBeGreaterThan(COUNT * 0.999);
    const [trace] = loaded.traces;
    expect(trace!.times.length).toBeLessThanOrEqual(1000);
    expect([trace!.low![5], trace!.high![5]]).toEqual([0, 59]);
    expect(trace!.values[5]).toBeCloseTo(29.5);
    // In the middle of its window.
    expect(trace!.times[0]! * 1000 - START).toBe(60_000);
  });

  it("takes samples when they are few", async () => {
    const near = { ...request, from: START + 5e6, to: START + 5e6 + 600_000 };
    const loaded = await load(source, near, signal);
    expect(loaded.window).toBeUndefined();
    expect(loaded.samples).toBe(601);
    expect(loaded.traces[0]!.low).toBeUndefined();
  });

  it("asks once when the picture before says that they are few", async () => {
    const far = await load(source, request, signal);
    double.calls.clear();
    await load(source, { ...request, from: START + 5e6, to: START + 5e6 + 600_000 }, signal, far);
    expect(Object.fromEntries(double.calls)).toEqual({ queryMany: 1 });
  });

  it("keeps to a chosen window and aggregate", async () => {
    const chosen = { ...request, aggregate: "max" as const, window: 600_000 };
    const loaded = await load(source, chosen, signal);
    expect(loaded.window).toBe(600_000);
    expect(loaded.traces[0]!.low).toBeUndefined();
    expect(loaded.traces[0]!.values[3]).toBe(59);
  });

  it("is given up when its signal is aborted", async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(load(source, request, controller.signal)).rejects.toThrow();
  });
});
