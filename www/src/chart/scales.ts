/** Which metrics share a y-scale. */

/** More scales than axes: what has no axis is read off by pointing at it. */
export const MOST_SCALES = 6;

/** The smallest and largest value of something drawn. */
export interface Extent {
  readonly low: number;
  readonly high: number;
}

/**
 * Assigns each extent the number of a scale, so that none is flattened by another.
 *
 * Two share a scale when they are in the same unit, when each still takes a good part of the common
 * one's height, or when they are of the same size anyway. With too many groups the last ones share.
 */
export function assignScales(
  extents: readonly (Extent | undefined)[],
  units: readonly (string | undefined)[] = [],
  most = MOST_SCALES,
): number[] {
  const groups: { low: number; high: number; least: number; unit: string }[] = [];
  return extents.map((extent, line) => {
    if (extent === undefined) return 0;
    const unit = units[line] ?? "";
    // A nearly constant metric counts as a tenth of its size: noise needs no scale of its own.
    const size = Math.max(Math.abs(extent.low), Math.abs(extent.high));
    const height = Math.max(extent.high - extent.low, size * 0.1, Number.MIN_VALUE);
    const fits = (group: { low: number; high: number; least: number }) => {
      const span = Math.max(group.high, extent.high) - Math.min(group.low, extent.low);
      return span <= 8 * Math.min(height, group.least);
    };
    let at = groups.findIndex((group) => unit !== "" && group.unit === unit);
    if (at < 0) at = groups.findIndex((group) => group.unit === unit && fits(group));
    if (at < 0 && groups.length < most) {
      groups.push({ ...extent, least: height, unit });
      return groups.length - 1;
    }
    if (at < 0) at = groups.length - 1;
    const group = groups[at]!;
    group.low = Math.min(group.low, extent.low);
    group.high = Math.max(group.high, extent.high);
    group.least = Math.min(group.least, height);
    return at;
  });
}

/** The extent of columns that may have gaps. */
export function extentOf(
  ...columns: readonly (ArrayLike<number | null | undefined> | undefined)[]
): Extent | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    if (column === undefined) continue;
    for (let i = 0; i < column.length; i++) {
      const value = column[i];
      if (value === null || value === undefined || !Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? { low, high } : undefined;
}

/** A scale's ends: a little air, zero where it is near anyway, and never nothing. */
export function padded(low: number, high: number): [number, number] {
  if (low === high) {
    const air = Math.abs(low) * 0.1 || 1;
    return [low - air, high + air];
  }
  const air = (high - low) * 0.08;
  const from = low >= 0 && low - air * 2 < 0 ? 0 : low - air;
  const to = high <= 0 && high + air * 2 > 0 ? 0 : high + air;
  return [from, to];
}
