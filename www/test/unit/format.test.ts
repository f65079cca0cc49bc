import { describe, expect, it } from "vitest";
import { csvField } from "../../src/util/csv.ts";
import { formatBytes, formatTick, formatValue } from "../../src/util/format.ts";

describe("values", () => {
  it("are short and do not lie", () => {
    expect(formatValue(21.53125)).toBe("21.531");
    expect(formatValue(0.00012345)).toBe("0.0001");
    expect(formatValue(0.00001)).toBe("1.000e-5");
    expect(formatValue(1234567)).toBe("1\u202f234\u202f567");
    expect(formatValue(-3.5)).toBe("−3.5");
    expect(formatValue(0)).toBe("0");
    expect(formatValue(Number.NaN)).toBe("NaN");
    expect(formatValue(Number.NEGATIVE_INFINITY)).toBe("−∞");
    expect(formatValue(21.55, 1)).toMatch(/^21\.[56]$/);
    expect(formatValue(1234.5, 2)).toBe("1\u202f234.50");
  });

  it("have ticks that tell neighbours apart", () => {
    expect(formatTick(20, 5)).toBe("20");
    expect(formatTick(20.5, 0.5)).toBe("20.5");
    expect([50, 52.5].map((value) => formatTick(value, 2.5))).toEqual(["50", "52.5"]);
    expect(formatTick(0.3, 0.1)).toBe("0.3");
    expect(formatTick(0, 0.5)).toBe("0");
    expect(formatTick(25_000, 5000)).toBe("25k");
    expect(formatTick(-0.2, 0.1)).toBe("−0.2");
  });

  it("of bytes have three digits", () => {
    expect(formatBytes(0)).toBe("0 B");
    expect(formatBytes(1536)).toBe("1.50 KiB");
    expect(formatBytes(8_420_000)).toBe("8.03 MiB");
  });
});

describe("fields of CSV", () => {
  it("are quoted where they must be", () => {
    expect(csvField("a,b")).toBe('"a,b"');
    expect(csvField('say "hi"')).toBe('"say ""hi"""');
    expect(csvField("plain.name")).toBe("plain.name");
  });

  it("never begin like a formula", () => {
    expect(csvField("=1+1")).toBe("'=1+1");
    expect(csvField("@SUM(A1)")).toBe("'@SUM(A1)");
    expect(csvField("-5")).toBe("-5");
  });
});
