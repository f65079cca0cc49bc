import type { Trace } from "../chart/trace.ts";
import type { Source } from "../source.ts";
import { parseDuration, toMs, toNs, toSeconds, HOUR } from "../util/time.ts";
import { pickWindow } from "../explore/windows.ts";
import { expand, transform, type Plan } from "./expand.ts";
import { isChart, type Dashboard, type Widget } from "./model.ts";

/** A number as it is now. */
export interface NumberData {
  readonly plan: Plan;
  readonly value?: number;
  /** Milliseconds. */
  readonly at?: number;
}

export interface WidgetData {
  readonly numbers: readonly NumberData[];
  readonly lines: readonly { readonly plan: Plan; readonly trace: Trace }[];
  /** The range of a chart in milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** More windows than this are not told apart on any screen. */
const MOST_WINDOWS = 4000;

/** Reads all that a widget shows until `end`, or now, in as few calls as its series allow. */
export async function loadWidget(
  source: Source,
  dashboard: Dashboard,
  widget: Widget,
  lookback: string,
  end: number | undefined,
  signal: AbortSignal,
): Promise<WidgetData> {
  const plans = expand(widget, dashboard);
  const to = end ?? Date.now();
  const span = parseDuration(lookback) ?? parseDuration(widget.lookback ?? "") ?? HOUR;
  const from = to - span;
  if (isChart(widget)) {
    const lines = await loadLines(source, plans, from, to, signal);
    return { numbers: [], lines, from, to };
  }
  const numbers = await Promise.all(plans.map((plan) => loadNumber(source, plan, to, signal)));
  return { numbers, lines: [], from, to };
}

async function loadNumber(
  source: Source,
  plan: Plan,
  now: number,
  signal: AbortSignal,
): Promise<NumberData> {
  const { database, metric, window = 0 } = plan;
  const [aggregate] = plan.aggregates;
  if (aggregate === undefined || window === 0) {
    const sample = await source.last(database, metric, { signal });
    if (sample === undefined) return { plan };
    return { plan, value: transform(plan.config, sample.value), at: toMs(sample.time) };
  }
  // The newest window that has samples, within the last two: the current one has just begun.
  const [windows] = await source.aggregateMany(database, [metric], {
    from: toNs(Math.floor(now / window - 1) * window),
    to: toNs(now),
    window: toNs(window),
    aggregates: [aggregate],
    signal,
  });
  const last = (windows?.times.length ?? 0) - 1;
  const value = windows?.values[0]?.[last];
  if (windows === undefined || value === undefined) return { plan };
  return { plan, value: transform(plan.config, value), at: toMs(windows.times[last]!) };
}

async function loadLines(
  source: Source,
  plans: readonly Plan[],
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<WidgetData["lines"]> {
  // One call for all series that ask the same of the same database.
  const calls = new Map<string, Plan[]>();
  for (const plan of plans) {
    const key = JSON.stringify([plan.database, plan.aggregates, plan.window]);
    calls.set(key, [...(calls.get(key) ?? []), plan]);
  }
  const loaded = await Promise.all(
    [...calls.values()].map(async (group) => {
      const [first] = group;
      if (first === undefined) return [];
      const window = Math.max(first.window ?? 0, pickWindow(to - from, MOST_WINDOWS));
      const metrics = [...new Set(group.map((plan) => plan.metric))];
      const all = await source.aggregateMany(first.database, metrics, {
        from: toNs(Math.floor(from / window) * window),
        to: toNs(to),
        window: toNs(window),
        aggregates: first.aggregates,
        signal,
      });
      return group.map((plan) => {
        const own = all[metrics.indexOf(plan.metric)];
        const starts = own === undefined ? new Float64Array() : toSeconds(own.times);
        const columns = (own?.values ?? []).map((column) =>
          column.map((value) => transform(plan.config, value)),
        );
        return { plan, trace: toTrace(plan, starts, columns, window / 1000) };
      });
    }),
  );
  const lines = loaded.flat();
  // In the order of the configuration, whatever call they came from.
  return plans.flatMap((plan) => lines.find((line) => line.plan === plan) ?? []);
}

function toTrace(
  plan: Plan,
  starts: Float64Array,
  columns: readonly Float64Array[],
  window: number,
): Trace {
  const [values = new Float64Array(), low, high] = columns;
  const times = starts.map((start) => start + window / 2);
  const base = { metric: plan.metric, times, values, window };
  if (low === undefined || high === undefined) return base;
  // A negative factor turns the extremes around.
  const isTurned = low.length > 0 && low[0]! > high[0]!;
  return { ...base, low: isTurned ? high : low, high: isTurned ? low : high };
}

/** Lookbacks that a reader can choose instead of the configured ones. */
export const LOOKBACKS: readonly (readonly [text: string, label: string])[] = [
  ["", "As configured"],
  ["15m", "15 minutes"],
  ["1h", "1 hour"],
  ["3h", "3 hours"],
  ["6h", "6 hours"],
  ["12h", "12 hours"],
  ["24h", "24 hours"],
  ["2d", "2 days"],
  ["7d", "7 days"],
];
