import type { Columns, Source } from "../source.ts";
import { DAY } from "../util/time.ts";
import { chance, SHAPES } from "./shapes.ts";

/** The database that the demo makes. */
export const DEMO_DATABASE = "demo";
const DAYS = 30;

/** Samples of a stretch of time, for each metric that has any. Milliseconds; the end is excluded. */
type Part = (from: number, to: number) => readonly Columns[];

/** Begins the demo's metrics. Parts must be asked for in order of time. */
export function begin(seed: number): Part {
  const running = SHAPES.map((shape, index) => {
    const random = chance(seed * 31 + index);
    return { shape, random, next: shape.start(random) };
  });
  return (from, to) =>
    running.flatMap(({ shape, random, next }): Columns[] => {
      const most = Math.ceil((to - from) / shape.every) + 1;
      const times = new BigInt64Array(most);
      const values = shape.type === "i32" ? new Int32Array(most) : new Float32Array(most);
      let count = 0;
      const start = Math.ceil(from / shape.every) * shape.every;
      for (let time = start; time < to; time += shape.every) {
        const value = next(time);
        if (value === undefined) continue;
        // Events do not come on the beat.
        const at = shape.isEvent === true ? time + Math.floor(random() * (shape.every - 1)) : time;
        if (at >= to) continue;
        times[count] = BigInt(at) * 1_000_000n;
        values[count] = value;
        count++;
      }
      if (count === 0) return [];
      return [
        { metric: shape.metric, times: times.slice(0, count), values: values.slice(0, count) },
      ];
    });
}

/** Writes a month of samples that ends now. */
export async function generateDemo(
  source: Source,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (part: number) => void } = {},
): Promise<{ readonly samples: number; readonly tookMs: number }> {
  const start = performance.now();
  const now = Date.now();
  const first = Math.floor((now - DAYS * DAY) / DAY) * DAY;
  const part = begin(7);
  let samples = 0;
  // Day by day over all metrics: that is the order in which they would have come.
  for (let day = first; day < now; day += DAY) {
    options.signal?.throwIfAborted();
    const report = await source.addColumns(DEMO_DATABASE, part(day, Math.min(day + DAY, now)), {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    samples += report.accepted;
    options.onProgress?.(Math.min(1, (day + DAY - first) / (now - first)));
  }
  await source.flush();
  return { samples, tookMs: performance.now() - start };
}
