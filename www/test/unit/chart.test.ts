import { describe, expect, it } from "vitest";
import { assignScales, extentOf, padded } from "../../src/chart/scales.ts";
import { align, nearest } from "../../src/chart/trace.ts";
import { toCsv } from "../../src/explore/take-out.ts";

const trace = (metric: string, times: number[], values: number[]) => ({
  metric,
  times: Float64Array.from(times),
  values: Float64Array.from(values),
});

describe("one time axis", () => {
  it("joins different times and keeps order", () => {
    const { times, columns } = align(
      [trace("a", [1, 3], [10, 30]), trace("b", [2, 3], [2, 3])],
      false,
    );
    expect(times).toEqual([1, 2, 3]);
    expect(columns).toEqual([
      [10, undefined, 30],
      [undefined, 2, 3],
    ]);
  });

  it("breaks a line where nothing was measured", () => {
    const steady = Array.from({ length: 20 }, (_, at) => at);
    const { times, columns } = align([trace("a", [...steady, 100, 101], [...steady, 1, 2])], false);
    const gap = columns[0]!.indexOf(null);
    expect(times[gap]).toBeGreaterThan(19);
    expect(times[gap]).toBeLessThan(100);
  });

  it("breaks it at what cannot be drawn, too", () => {
    expect(align([trace("a", [1, 2, 3], [1, Number.NaN, 3])], false).columns[0]).toEqual([
      1,
      null,
      3,
    ]);
  });

  it("takes the last of several samples at one time", () => {
    expect(align([trace("a", [1, 1, 2], [1, 5, 2])], false)).toEqual({
      times: [1, 2],
      columns: [[5, 2]],
    });
  });

  it("finds the nearest time", () => {
    expect(nearest([1, 5, 9], 6)).toBe(1);
    expect(nearest([1, 5, 9], 8)).toBe(2);
    expect(nearest([1, 5, 9], -7)).toBe(0);
    expect(nearest([], 1)).toBe(-1);
  });
});

describe("scales", () => {
  it("are shared by what is alike", () => {
    expect(
      assignScales([
        { low: 19, high: 22 },
        { low: 4, high: 18 },
      ]),
    ).toEqual([0, 0]);
  });

  it("are apart for what is not", () => {
    expect(
      assignScales([
        { low: 19, high: 22 },
        { low: 0, high: 2400 },
      ]),
    ).toEqual([0, 1]);
  });

  it("are one for what is in one unit, and only for that", () => {
    const extents = [
      { low: 19, high: 22 },
      { low: 0, high: 2400 },
      { low: 18, high: 23 },
    ];
    expect(assignScales(extents, ["MiB", "MiB", "%"])).toEqual([0, 0, 1]);
    expect(assignScales(extents, ["", undefined, ""])).toEqual([0, 1, 0]);
  });

  it("are never more than there is room for", () => {
    const extents = Array.from({ length: 12 }, (_, at) => ({ low: 0, high: 10 ** at }));
    expect(Math.max(...assignScales(extents))).toBe(5);
    expect(Math.max(...assignScales(extents, [], 2))).toBe(1);
    expect(assignScales([undefined])).toEqual([0]);
  });

  it("have air, and never no height", () => {
    expect(padded(5, 5)).toEqual([4.5, 5.5]);
    expect(padded(0, 0)).toEqual([-1, 1]);
    expect(padded(0.5, 100)[0]).toBe(0);
    expect(extentOf([null, undefined, Number.NaN])).toBeUndefined();
    expect(extentOf([3, null, -1])).toEqual({ low: -1, high: 3 });
  });
});

describe("CSV of what is shown", () => {
  it("has a row for each time within the range", () => {
    const text = toCsv([trace("a", [1, 2, 9], [1, 2, 9]), trace("b,c", [2], [5])], 0, 5000);
    expect(text).toBe(
      'time,a,"b,c"\r\n1970-01-01T00:00:01.000Z,1,\r\n1970-01-01T00:00:02.000Z,2,5\r\n',
    );
  });
});
