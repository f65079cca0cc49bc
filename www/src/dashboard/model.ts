/**
 * `dashboard.json` as it is on disk, in NanoTDB's own form. Fields that are not listed here are kept
 * as they are: another version may know them.
 */
export interface Dashboard {
  title: string;
  default_db?: string;
  groups: Group[];
  widgets: Record<string, Widget>;
}

export interface Group {
  id: string;
  label?: string;
  /** Ids of widgets; several groups may show the same one. */
  widgets: string[];
}

export const WIDGET_TYPES = ["number", "numbers", "line_chart", "aggregate_band"] as const;
export type WidgetType = (typeof WIDGET_TYPES)[number];

export interface Widget {
  type: WidgetType;
  title?: string;
  refresh_sec?: number;
  auto_refresh?: boolean;
  /** Durations; charts need both. The interval is a chart's window. */
  lookback?: string;
  interval?: string;
  presentation?: string;
  series: SeriesConfig[];
}

export interface SeriesConfig extends Format {
  label?: string;
  role?: string;
  db?: string;
  database?: string;
  query?: string;
  metric?: string;
  measurement?: string;
  field?: string;
  aggregate?: string;
  window?: string;
  transform?: Format & { factor?: number };
  /** The older name of `transform.factor`. */
  scale?: number;
  thresholds?: Thresholds;
}

/** What is done to a number before it is shown. */
export interface Format {
  offset?: number;
  unit?: string;
  decimals?: number;
  /** Text with `{value}` or `{duration}`. */
  format?: string;
}

export interface Thresholds {
  direction?: "above" | "below";
  warning?: number;
  critical?: number;
}

/** Names that aggregates have in a dashboard. */
export const AGGREGATE_NAMES = [
  "avg",
  "count",
  "max",
  "median",
  "min",
  "p50",
  "p95",
  "p99",
  "sum",
  "trimmed_average",
  "trimmed_avg",
] as const;

export function isChart(widget: Widget): boolean {
  return widget.type === "line_chart" || widget.type === "aggregate_band";
}

/** Whether a widget shows an average within its extremes. */
export function isBand(widget: Widget): boolean {
  if (widget.type === "aggregate_band") return true;
  return widget.type === "line_chart" && widget.presentation === "aggregate_band";
}

/** What a series reads: `metric`, `query`, or `measurement.field`. */
export function sourceName(series: SeriesConfig): string {
  if (filled(series.query)) return series.query;
  if (filled(series.metric)) return series.metric;
  if (filled(series.measurement) && filled(series.field))
    return `${series.measurement}.${series.field}`;
  return "";
}

/** What a series is called: its label, else the first of what it has. */
export function labelOf(series: SeriesConfig, index: number): string {
  const names = [series.label, series.role, series.query, series.metric];
  const own = names.find(filled) ?? sourceName(series);
  return own === "" ? `Series ${index + 1}` : own;
}

export function filled(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== "";
}
