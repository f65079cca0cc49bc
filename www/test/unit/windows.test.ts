import { describe, expect, it } from "vitest";
import { countBetween, offeredWindows, pickWindow, rawLimit } from "../../src/explore/windows.ts";
import { DAY, HOUR, MINUTE } from "../../src/util/time.ts";

describe("the window", () => {
  it("is about a pixel, and a length people think in", () => {
    expect(pickWindow(DAY, 1440)).toBe(MINUTE);
    expect(pickWindow(30 * DAY, 1000)).toBe(HOUR);
    expect(pickWindow(10, 1000)).toBe(1);
  });

  it("never makes more windows than pixels", () => {
    for (let span = 1; span < 1e13; span *= 3.7) {
      for (const pixels of [50, 360, 1440, 2560]) {
        expect(span / pickWindow(span, pixels)).toBeLessThanOrEqual(pixels);
      }
    }
  });

  it("is offered only where it makes sense", () => {
    expect(offeredWindows(HOUR)).toContain(MINUTE);
    expect(offeredWindows(HOUR)).not.toContain(DAY);
    expect(offeredWindows(365 * DAY)).not.toContain(MINUTE);
  });
});

describe("counts", () => {
  it("of windows that are cut count in part", () => {
    expect(countBetween([0, 10, 20], [100, 100, 100], 10, 5, 25)).toBe(200);
    expect(countBetween([0, 10, 20], [100, 100, 100], 10, 12, 13)).toBe(10);
    expect(countBetween([], [], 10, 0, 100)).toBe(0);
  });

  it("decide when single samples are drawn", () => {
    expect(rawLimit(360)).toBe(2000);
    expect(rawLimit(1400)).toBe(4200);
  });
});
