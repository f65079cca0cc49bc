import type { Aggregate } from "../source.ts";
import { DAY, SECOND, formatDuration, parseDuration } from "../util/time.ts";
import { parseRange, writeRange, type Range } from "./range.ts";

/** What the page explores; all of it is in the address. */
export interface ExploreState {
  readonly database: string;
  readonly metrics: readonly string[];
  readonly range: Range;
  /** `auto`: the average within its extremes, and single samples where they fit. */
  readonly aggregate: Aggregate | "auto";
  /** Length of a window in milliseconds, or as many as there are pixels. */
  readonly window: number | "auto";
  /** Milliseconds between refreshes, 0 for none. */
  readonly refresh: number;
}

/** More are not told apart by eye, nor by colour. */
export const MAX_METRICS = 12;

export const AGGREGATES: readonly (readonly [value: Aggregate | "auto", text: string])[] = [
  ["auto", "Average and range"],
  ["avg", "Average"],
  ["min", "Minimum"],
  ["max", "Maximum"],
  ["sum", "Sum"],
  ["count", "Count"],
  ["median", "Median"],
  ["p95", "95th percentile"],
  ["p99", "99th percentile"],
  ["trimmed_avg", "Trimmed average"],
];

export const INITIAL: ExploreState = {
  database: "",
  metrics: [],
  range: { kind: "last", span: DAY },
  aggregate: "auto",
  window: "auto",
  refresh: 0,
};

/** Reads an address; what it does not say, or says wrong, is as it is at first. */
export function readState(query: string): ExploreState {
  const params = new URLSearchParams(query);
  const aggregate = AGGREGATES.find(([name]) => name === params.get("agg"))?.[0];
  return {
    database: params.get("db") ?? INITIAL.database,
    metrics: [...new Set(params.getAll("m"))].slice(0, MAX_METRICS),
    range: parseRange(params) ?? INITIAL.range,
    aggregate: aggregate ?? INITIAL.aggregate,
    window: parseDuration(params.get("window") ?? "") ?? INITIAL.window,
    refresh: Math.max(parseDuration(params.get("refresh") ?? "") ?? 0, 0),
  };
}

/** The address of a state, without the parts that are as at first. */
export function writeState(state: ExploreState): string {
  const params = new URLSearchParams();
  if (state.database !== "") params.set("db", state.database);
  for (const metric of state.metrics) params.append("m", metric);
  writeRange(state.range, params);
  if (state.aggregate !== INITIAL.aggregate) params.set("agg", state.aggregate);
  if (state.window !== "auto") params.set("window", formatDuration(state.window));
  if (state.refresh >= SECOND) params.set("refresh", formatDuration(state.refresh));
  return params.toString();
}
