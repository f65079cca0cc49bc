import { describe, expect, it } from "vitest";
import { begin } from "../../src/demo/generate.ts";
import { buildRows, groupOf } from "../../src/explore/picker-rows.ts";
import { explain } from "../../src/shell/explain.ts";
import { DAY } from "../../src/util/time.ts";
import { NanotdbError } from "../double/nanotdb.ts";

describe("the picker", () => {
  const metrics = ["cpu.a", "cpu.b", "disk/x", "solo"].map((name) => ({
    name,
    type: "f32" as const,
  }));
  const names = (rows: ReturnType<typeof buildRows>) =>
    rows.map((row) => `${row.kind}:${row.name}`);

  it("groups by the first part of a name", () => {
    expect(["cpu.load", "a/b", "x_y", "plain", ".hidden.x"].map(groupOf)).toEqual([
      "cpu",
      "a",
      "x",
      "plain",
      ".hidden",
    ]);
    expect(names(buildRows(metrics, "", new Set(), []))).toEqual([
      "group:cpu",
      "metric:cpu.a",
      "metric:cpu.b",
      "metric:disk/x",
      "metric:solo",
    ]);
  });

  it("closes groups and finds all words anywhere", () => {
    expect(names(buildRows(metrics, "", new Set(["cpu"]), []))[1]).toBe("metric:disk/x");
    expect(names(buildRows(metrics, "B CP", new Set(["cpu"]), []))).toEqual(["metric:cpu.b"]);
    expect(buildRows(metrics, "zzz", new Set(), [])).toEqual([]);
  });

  it("is quick with tens of thousands", () => {
    const many = Array.from({ length: 50_000 }, (_, at) => ({
      name: `g${at % 500}.m${at}`,
      type: "f32" as const,
    }));
    expect(buildRows(many, "", new Set(), [])).toHaveLength(500);
  });
});

describe("the demo", () => {
  it("is in order, of the declared types, and believable", () => {
    const start = 20_000 * DAY;
    const part = begin(1);
    const columns = [part(start, start + DAY), part(start + DAY, start + 2 * DAY)].flat();
    expect(columns.length).toBeGreaterThan(20);
    const newest = new Map<string, bigint>();
    for (const { metric, times, values } of columns) {
      for (const time of times) {
        expect(time >= (newest.get(metric) ?? 0n)).toBe(true);
        newest.set(metric, time);
      }
      expect(values.every((value) => Number.isFinite(value))).toBe(true);
      if (metric.endsWith(".temperature")) {
        expect(Math.min(...values)).toBeGreaterThan(-30);
        expect(Math.max(...values)).toBeLessThan(80);
      }
      if (metric.endsWith("humidity")) expect(Math.max(...values)).toBeLessThanOrEqual(100);
    }
  });
});

describe("failures", () => {
  it("are words by code", () => {
    expect(explain(new NanotdbError("no-space", "no room")).title).toBe("The storage is full");
    expect(explain(new NanotdbError("corrupt", "data.dat at 5")).text).toContain("data.dat at 5");
    expect(explain("boom")).toMatchObject({ code: "internal", text: "boom" });
  });
});
