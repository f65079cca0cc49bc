import { expect, test } from "vitest";
import { expired, retentionOf } from "../../src/inspector/expired.ts";
import { toNs, DAY } from "../../src/util/time.ts";

const NOW = Date.UTC(2026, 2, 31, 15);

/** A day's partition that ended so many days before today. */
function day(ago: number, open = false) {
  const from = Date.UTC(2026, 2, 31) - ago * DAY;
  return {
    partition: new Date(from).toISOString().slice(0, 10),
    from: toNs(from),
    to: toNs(from + DAY) - 1n,
    files: [],
    open,
  };
}

test("what has expired is counted in whole days", () => {
  const partitions = [day(0), day(7), day(8), day(9)];
  const names = expired(partitions, { action: "delete", days: 7 }, NOW).map(
    ({ partition }) => partition,
  );
  expect(names).toEqual(["2026-03-22", "2026-03-23"]);
});

test("what is open or kept does not expire", () => {
  expect(expired([day(90, true)], { action: "archive", days: 7 }, NOW)).toEqual([]);
  expect(expired([day(90)], { action: "keep", days: 7 }, NOW)).toEqual([]);
});

test("settings that say nothing keep everything", () => {
  expect(retentionOf([])).toEqual({ action: "keep", days: Infinity });
  const settings = [
    { key: "retention.retention_days", value: "7", help: "" },
    { key: "retention.retention_action", value: "archive", help: "" },
  ];
  expect(retentionOf(settings)).toEqual({ action: "archive", days: 7 });
});
