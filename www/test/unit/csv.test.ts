import { describe, expect, it } from "vitest";
import { Collector } from "../../src/import/collector.ts";
import { cleanName, guessMapping, mapRow, readTime, readValue } from "../../src/import/csv-map.ts";
import { sniff } from "../../src/import/detect.ts";

const NOON = 1_778_760_000_000_000_000n;

describe("times", () => {
  it("are dates with or without a zone, or numbers whose digits tell the unit", () => {
    expect(readTime("2026-05-14 12:00:00", "auto")).toBe(NOON);
    expect(readTime("2026-05-14T12:00:00Z", "auto")).toBe(NOON);
    expect(readTime("2026-05-14T14:00:00+02:00", "auto")).toBe(NOON);
    expect(readTime("1778760000", "auto")).toBe(NOON);
    expect(readTime("1778760000.5", "auto")).toBe(NOON + 500_000_000n);
    expect(readTime("1778760000000", "auto")).toBe(NOON);
    expect(readTime("1778760000000000001", "auto")).toBe(NOON + 1n);
    expect(readTime("5", "ms")).toBe(5_000_000n);
    expect(readTime("-1.5", "s")).toBe(-1_500_000_000n);
    expect(readTime("2026-05-14 12:00:00.123456789", "auto")).toBe(NOON + 123_456_789n);
  });

  it("are nothing else", () => {
    for (const text of [
      "",
      "noon",
      "2026-13-01",
      "2026-02-30",
      "2026-05-14 25:00",
      "9999999999999999999",
    ]) {
      expect(readTime(text, "auto"), text).toBeUndefined();
    }
  });
});

describe("values", () => {
  it("may have a decimal comma or the suffix of integers", () => {
    expect([" 1.5 ", "1,5", "7i", "-2e3", "nan", "x", ""].map(readValue)).toEqual([
      1.5,
      1.5,
      7,
      -2000,
      Number.NaN,
      undefined,
      undefined,
    ]);
  });
});

describe("tables", () => {
  it("with a column for each metric", () => {
    const header = ["time", "room temp", "hum"];
    const rows = [
      ["2026-05-14 12:00:00", "21.5", "40"],
      ["2026-05-14 12:01:00", "", "41"],
    ];
    const mapping = guessMapping(header, rows);
    expect(mapping).toMatchObject({ time: 0, form: "wide", columns: [1, 2], type: "f32" });
    expect(mapRow(rows[0]!, header, mapping)).toEqual([
      { metric: "room_temp", time: NOON, value: 21.5 },
      { metric: "hum", time: NOON, value: 40 },
    ]);
    // An empty cell is no sample and no problem.
    expect(mapRow(rows[1]!, header, mapping)).toHaveLength(1);
  });

  it("with some broken cells are still wide", () => {
    const rows = Array.from({ length: 20 }, (_, at) => [
      String(1_778_760_000 + at),
      String(at),
      at % 5 === 0 ? "err" : "1.5",
    ]);
    expect(guessMapping(["t", "a", "b"], rows)).toMatchObject({ form: "wide", columns: [1, 2] });
  });

  it("with names in columns", () => {
    const header = ["metric", "sensor", "value", "timestamp"];
    const rows = [
      ["temp", "kitchen", "21", "1778760000000"],
      ["temp", "attic", "19", "1778760000000"],
    ];
    const mapping = guessMapping(header, rows);
    expect(mapping).toMatchObject({ time: 3, form: "long", names: [0, 1], value: 2 });
    expect(mapRow(rows[1]!, header, { ...mapping, prefix: "home." })).toEqual([
      { metric: "home.temp.attic", time: NOON, value: 19 },
    ]);
  });

  it("say what is wrong with a row", () => {
    const mapping = { ...guessMapping(["t", "v"], [["1778760000", "1"]]), type: "i32" as const };
    const problem = (row: string[]) => mapRow(row, ["t", "v"], mapping)[0];
    expect(problem(["later", "1"])).toEqual({ problem: '"later" is no time' });
    expect(problem(["1778760000", "warm"])).toEqual({ problem: '"warm" is no number' });
    expect(problem(["1778760000", "1.5"])).toEqual({ problem: "1.5 is no 32-bit integer" });
  });

  it("have names without white space and of at most 255 bytes", () => {
    expect(cleanName(" a  b\tc ")).toBe("a_b_c");
    expect(new TextEncoder().encode(cleanName("ü".repeat(300))).length).toBeLessThanOrEqual(255);
  });
});

describe("the collector", () => {
  const HOUR = 3_600_000_000_000n;

  it("gives days out one after the other, sorted, over all metrics", () => {
    const collector = new Collector("f32");
    for (let hour = 49n; hour >= 0n; hour--) {
      collector.push("a", NOON + hour * HOUR, Number(hour));
      if (hour % 2n === 0n) collector.push("b", NOON + hour * HOUR, Number(hour));
    }
    expect(collector.isSorted).toBe(false);
    const days = [...collector.days()];
    expect(days.map((day) => day.map(({ metric, times }) => [metric, times.length]))).toEqual([
      [
        ["a", 12],
        ["b", 6],
      ],
      [
        ["a", 24],
        ["b", 12],
      ],
      [
        ["a", 14],
        ["b", 7],
      ],
    ]);
    const all = days.flatMap(([first]) => [...first!.values]);
    expect(all).toEqual(Array.from({ length: 50 }, (_, at) => at));
    expect(collector.count).toBe(0);
  });

  it("keeps rows of one time in their order, also before 1970", () => {
    const collector = new Collector("i32");
    for (const value of [3, 1, 2]) collector.push("a", -5n, value);
    collector.push("a", -HOUR * 30n, 0);
    const days = [...collector.days()];
    expect(days.map(([first]) => [...first!.values])).toEqual([[0], [3, 1, 2]]);
  });
});

describe("files without a telling name", () => {
  const of = (text: string) => sniff(new TextEncoder().encode(text));

  it("are told by their first bytes", () => {
    expect(of("# c\nhome/a 1 5\n")).toBe("lines");
    expect(of("time,a\n1,2\n")).toBe("csv");
    expect(of('{"title":"x","widgets":{}}')).toBe("dashboard");
    expect(of(`${"x".repeat(257)}ustar`)).toBe("archive");
  });
});
