import { useEffect } from "preact/hooks";
import { useAsync, type Loadable } from "../util/use-async.ts";
import type { Metric, Source } from "../source.ts";
import { contentRound } from "./session.ts";

/** What the engine records of itself; real, but nobody's first wish. */
export const INTERNAL = "internal";

/** Reads a list again now and then, where others write, too. */
function useRefreshed<T>(source: Source, list: Loadable<T>): Loadable<T> {
  const { refreshMs } = source.capabilities;
  useEffect(() => {
    if (refreshMs === undefined) return;
    const timer = setInterval(() => {
      if (!document.hidden) list.reload();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [refreshMs, list.reload]);
  return list;
}

/** The databases, those of people first. */
export function useDatabases(source: Source): Loadable<readonly string[]> {
  const databases = useAsync(
    async (signal) => {
      const names = [...(await source.databases({ signal }))];
      return names.sort(
        (a, b) => Number(a === INTERNAL) - Number(b === INTERNAL) || a.localeCompare(b),
      );
    },
    [source, contentRound.value],
  );
  return useRefreshed(source, databases);
}

/** The metrics of a database by name. */
export function useMetrics(source: Source, database: string): Loadable<readonly Metric[]> {
  const metrics = useAsync(
    async (signal) => {
      if (database === "") return [];
      const metrics = [...(await source.metrics(database, { signal }))];
      return metrics.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    [source, database, contentRound.value],
  );
  return useRefreshed(source, metrics);
}
