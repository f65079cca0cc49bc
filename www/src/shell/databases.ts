import { useAsync, type Loadable } from "../util/use-async.ts";
import type { Metric, Source } from "../source.ts";
import { contentRound } from "./session.ts";

/** What the engine records of itself; real, but nobody's first wish. */
export const INTERNAL = "internal";

/** The databases, those of people first. */
export function useDatabases(source: Source): Loadable<readonly string[]> {
  return useAsync(
    async (signal) => {
      const names = [...(await source.databases({ signal }))];
      return names.sort(
        (a, b) => Number(a === INTERNAL) - Number(b === INTERNAL) || a.localeCompare(b),
      );
    },
    [source, contentRound.value],
  );
}

/** The metrics of a database by name. */
export function useMetrics(source: Source, database: string): Loadable<readonly Metric[]> {
  return useAsync(
    async (signal) => {
      if (database === "") return [];
      const metrics = [...(await source.metrics(database, { signal }))];
      return metrics.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    [source, database, contentRound.value],
  );
}
