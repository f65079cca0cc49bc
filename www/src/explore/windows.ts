import { DAY, HOUR, MINUTE, SECOND, WEEK } from "../util/time.ts";

/** Lengths that people think in, in milliseconds. */
const LENGTHS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[DAY, 2 * DAY, WEEK, 2 * WEEK, 4 * WEEK, 13 * WEEK, 26 * WEEK, 52 * WEEK],
];

/** The shortest window with which a range has no more of them than the chart has pixels. */
export function pickWindow(span: number, pixels: number): number {
  const least = span / Math.max(50, pixels);
  return LENGTHS.find((length) => length >= least) ?? Math.ceil(least / WEEK) * WEEK;
}

/** Windows offered for choice: few enough to read, none so short that the chart would drown. */
export function offeredWindows(span: number): readonly number[] {
  const offered = [
    SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    WEEK,
  ];
  return offered.filter((length) => span / length <= MOST_WINDOWS && length <= span);
}

/** A chosen window that would make more of them than this is lengthened. */
export const MOST_WINDOWS = 20_000;

/**
 * Up to how many samples of a metric are drawn one by one. Beyond about two for each pixel, their
 * windows' extremes make the same picture for less.
 */
export function rawLimit(pixels: number): number {
  return Math.max(2000, pixels * 3);
}

/** How many samples windows have between two times (all in the same unit), cut windows in part. */
export function countBetween(
  times: ArrayLike<number>,
  counts: ArrayLike<number>,
  window: number,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let i = 0; i < times.length; i++) {
    const start = times[i]!;
    const covered = Math.min(start + window, to) - Math.max(start, from);
    if (covered > 0) sum += (counts[i]! * Math.min(covered, window)) / window;
  }
  return sum;
}
