/** What is known of one metric over a time: samples or windows. */
export interface Trace {
  readonly metric: string;
  /** Seconds, ascending. Of windows, their middles. */
  readonly times: Float64Array;
  readonly values: Float64Array | Float32Array | Int32Array;
  /** Extremes, of windows. */
  readonly low?: Float64Array;
  readonly high?: Float64Array;
  /** Samples in each window. */
  readonly counts?: Float64Array;
  /** Length of a window in seconds; none for samples. */
  readonly window?: number;
}

/** Columns on one time axis. `null` breaks a line, `undefined` is nothing at this time. */
export interface Aligned {
  readonly times: number[];
  readonly columns: (number | null | undefined)[][];
}

/**
 * Puts columns of different times on one time axis.
 *
 * Where a trace pauses for much longer than it usually does, its line is broken: a straight line
 * over a night without samples would say that something was measured.
 */
export function align(traces: readonly Trace[], hasBands: boolean): Aligned {
  const gaps = traces.map((trace) => gapLength(trace));
  const positions = traces.map(() => 0);
  const columnsEach = hasBands ? 3 : 1;
  const times: number[] = [];
  const columns: (number | null | undefined)[][] = traces.flatMap(() =>
    Array.from({ length: columnsEach }, () => [] as (number | null | undefined)[]),
  );
  // The next time of each trace, or just behind its last sample where its line must break.
  const breaks = traces.map(() => Number.NaN);
  for (;;) {
    let next = Number.POSITIVE_INFINITY;
    traces.forEach((trace, t) => {
      const at = positions[t]!;
      const time = Number.isNaN(breaks[t]) ? trace.times[at] : breaks[t];
      if (time !== undefined && time < next) next = time;
    });
    if (next === Number.POSITIVE_INFINITY) return { times, columns };
    times.push(next);
    traces.forEach((trace, t) => {
      const own = t * columnsEach;
      const put = (...row: (number | null | undefined)[]) => {
        for (let c = 0; c < columnsEach; c++) columns[own + c]!.push(row[c]);
      };
      if (breaks[t] === next) {
        breaks[t] = Number.NaN;
        put(null, null, null);
        return;
      }
      let at = positions[t]!;
      if (!Number.isNaN(breaks[t]) || trace.times[at] !== next) {
        put(undefined, undefined, undefined);
        return;
      }
      // Of several samples at one time the last one counts.
      while (trace.times[at + 1] === next) at++;
      put(finite(trace.values[at]), finite(trace.low?.[at]), finite(trace.high?.[at]));
      positions[t] = at + 1;
      const following = trace.times[at + 1];
      if (following !== undefined && following - next > gaps[t]!) {
        breaks[t] = next + Math.min(gaps[t]!, following - next) / 2;
      }
    });
  }
}

/** What cannot be drawn, such as NaN, breaks the line. */
function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** How far apart two points of a trace may be and still be one line. */
export function gapLength({ times, window }: Trace): number {
  if (times.length < 3) return Number.POSITIVE_INFINITY;
  const steps = new Float64Array(times.length - 1);
  for (let i = 0; i < steps.length; i++) steps[i] = times[i + 1]! - times[i]!;
  steps.sort();
  // Nine in ten steps are no longer than this; rare events have long ones and no gaps.
  const usual = steps[Math.floor(steps.length * 0.9)]!;
  return Math.max(usual * 5, (window ?? 0) * 2.5);
}

/** The index of the time nearest to `time`, -1 when there is none. */
export function nearest(times: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = times.length - 1;
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - times[low - 1]! < times[low]! - time ? low - 1 : low;
}
