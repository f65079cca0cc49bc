import type { Aggregate } from "../source.ts";
import { formatSpan, MINUTE, parseDuration } from "../util/time.ts";
import { formatValue } from "../util/format.ts";
import {
  filled,
  isBand,
  isChart,
  labelOf,
  sourceName,
  type Dashboard,
  type Format,
  type SeriesConfig,
  type Thresholds,
  type Widget,
} from "./model.ts";

/** A series with everything said: what to read and how to show it. */
export interface Plan {
  readonly label: string;
  readonly database: string;
  readonly metric: string;
  /** Numbers without one show the newest sample. Bands have all three. */
  readonly aggregates: readonly Aggregate[];
  /** Milliseconds. */
  readonly window?: number;
  readonly config: SeriesConfig;
}

/** What a widget reads. */
export function expand(widget: Widget, dashboard: Pick<Dashboard, "default_db">): readonly Plan[] {
  const interval = parseDuration(widget.interval ?? "") ?? MINUTE;
  if (isBand(widget)) {
    // Three series of one source come to the same as the one that stands for them.
    const average = widget.series.find((series) => series.role === "avg") ?? widget.series[0];
    if (average === undefined) return [];
    const plan = toPlan(average, 0, dashboard);
    const label = filled(average.label) ? average.label : sourceName(average);
    return [{ ...plan, label, aggregates: ["avg", "min", "max"], window: interval }];
  }
  return widget.series.map((series, index) => {
    const plan = toPlan(series, index, dashboard);
    if (isChart(widget)) {
      const aggregates = plan.aggregates.length > 0 ? plan.aggregates : (["avg"] as const);
      return { ...plan, aggregates, window: interval };
    }
    const window = parseDuration(series.window ?? "");
    return window === undefined ? plan : { ...plan, window };
  });
}

function toPlan(
  series: SeriesConfig,
  index: number,
  dashboard: Pick<Dashboard, "default_db">,
): Plan {
  const named = [series.db, series.database, dashboard.default_db].find(filled);
  let [database, metric] = [named ?? "", sourceName(series)];
  if (named === undefined) {
    // Without any database, the name may carry it, as in line protocol.
    const slash = metric.indexOf("/");
    if (slash > 0) [database, metric] = [metric.slice(0, slash), metric.slice(slash + 1)];
  }
  return {
    label: labelOf(series, index),
    database,
    metric,
    aggregates: filled(series.aggregate) ? [toAggregate(series.aggregate)] : [],
    config: series,
  };
}

/** The longer of two names that mean the same is only known to dashboards. */
function toAggregate(name: string): Aggregate {
  return name === "trimmed_average" ? "trimmed_avg" : (name as Aggregate);
}

/** The format of a series: `transform`, or the older fields beside it. */
export function formatOf(series: SeriesConfig): Format & { readonly factor?: number } {
  const { scale, offset, unit, decimals, format } = series;
  const older = { factor: scale, offset, unit, decimals, format };
  const all: Record<string, unknown> = { ...older, ...series.transform };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A stored value as the series wants it: times the factor, plus the offset. */
export function transform(series: SeriesConfig, value: number): number {
  const { factor = 1, offset = 0 } = formatOf(series);
  return value * factor + offset;
}

/** A transformed value as text. `{value}` is the number, `{duration}` seconds for people. */
export function show(series: SeriesConfig, value: number): string {
  const { format = "", unit = "", decimals } = formatOf(series);
  const number = formatValue(value, clampDecimals(decimals));
  if (filled(format)) {
    return format
      .replaceAll("{value}", () => number)
      .replaceAll("{duration}", () => (Number.isFinite(value) ? formatSpan(value * 1000) : number));
  }
  if (unit === "") return number;
  return /^[%°′″]/.test(unit) && unit.length === 1 ? `${number}${unit}` : `${number} ${unit}`;
}

function clampDecimals(decimals: number | undefined): number | undefined {
  if (decimals === undefined) return undefined;
  return Math.max(0, Math.min(12, Math.round(decimals)));
}

export type Level = "normal" | "warning" | "critical";

/** How bad a transformed value is. */
export function levelOf(thresholds: Thresholds | undefined, value: number): Level {
  if (thresholds === undefined) return "normal";
  const { direction, warning, critical } = thresholds;
  const isPast = (limit: number | undefined) =>
    limit !== undefined && (direction === "below" ? value <= limit : value >= limit);
  return isPast(critical) ? "critical" : isPast(warning) ? "warning" : "normal";
}
