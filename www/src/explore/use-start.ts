import { useEffect } from "preact/hooks";
import type { Metric, Source } from "../source.ts";
import { toMs } from "../util/time.ts";
import { endingAt, resolve } from "./range.ts";
import { INITIAL, type ExploreState } from "./state.ts";

/**
 * Fills in what the address leaves open: the first database, its first metric, and a range that has
 * samples. A page that opens with a chart says more than one that opens with a question.
 */
export function useStart(
  source: Source,
  state: ExploreState,
  databases: readonly string[] | undefined,
  metrics: readonly Metric[] | undefined,
  change: (part: Partial<ExploreState>) => void,
): void {
  useEffect(() => {
    const first = databases?.[0];
    if (state.database === "" && first !== undefined) change({ database: first });
  }, [state.database, databases]);

  useEffect(() => {
    const first = metrics?.[0];
    if (first === undefined || state.metrics.length > 0) return;
    let isCurrent = true;
    const choose = async () => {
      const newest = await source.last(state.database, first.name);
      if (!isCurrent) return;
      const ends = resolve(state.range, Date.now());
      const at = newest === undefined ? ends.to : toMs(newest.time);
      // A range that was asked for is kept, also when it is empty.
      const isOld = at < ends.from && state.range === INITIAL.range;
      change({
        metrics: [first.name],
        ...(isOld ? { range: endingAt(at, ends.to - ends.from) } : {}),
      });
    };
    choose().catch(() => change({ metrics: [first.name] }));
    return () => {
      isCurrent = false;
    };
  }, [state.database, metrics]);
}
