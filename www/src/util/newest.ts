import type { Source } from "../source.ts";
import { toMs } from "./time.ts";

/** A metric and where it is. */
export interface Place {
  readonly database: string;
  readonly metric: string;
}

/** When the newest sample of all these was, in milliseconds; `undefined` when they have none. */
export async function newestOf(
  source: Pick<Source, "last">,
  places: readonly Place[],
  signal?: AbortSignal,
): Promise<number | undefined> {
  const times = await Promise.all(
    places.map(async ({ database, metric }) => {
      const sample = await source.last(database, metric, signal === undefined ? {} : { signal });
      return sample === undefined ? -Infinity : toMs(sample.time);
    }),
  );
  const newest = Math.max(...times);
  return Number.isFinite(newest) ? newest : undefined;
}
