import type { Aggregate, Source } from "../source.ts";
import { toNs, toSeconds } from "../util/time.ts";
import type { Trace } from "../chart/trace.ts";
import { countBetween, MOST_WINDOWS, pickWindow, rawLimit } from "./windows.ts";

/** What to draw. Times are milliseconds. */
export interface Request {
  readonly database: string;
  readonly metrics: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly aggregate: Aggregate | "auto";
  readonly window: number | "auto";
  /** Width of the chart. */
  readonly pixels: number;
}

/** What there is to draw. */
export interface Loaded {
  readonly request: Request;
  /** The length of its windows in milliseconds; none when single samples are drawn. */
  readonly window?: number;
  readonly traces: readonly Trace[];
  /** Samples behind the visible part, of all metrics. */
  readonly samples: number;
  readonly tookMs: number;
}

/** How much is loaded beyond each edge, so that panning has something to show at once. */
const MARGIN = 0.25;

/**
 * Loads what a chart of this width can show: windows with their extremes, or the samples themselves
 * when there are few enough.
 *
 * `before` is what was shown last: its counts say how many samples are in a part of it, which saves
 * asking for windows of which nothing would be drawn.
 */
export async function load(
  source: Source,
  request: Request,
  signal: AbortSignal,
  before?: Loaded,
): Promise<Loaded> {
  const start = performance.now();
  const done = (traces: readonly Trace[], samples: number, window?: number): Loaded => ({
    request,
    traces,
    samples: Math.round(samples),
    tookMs: performance.now() - start,
    ...(window === undefined ? {} : { window }),
  });
  if (request.metrics.length === 0) return done([], 0);
  const limit = rawLimit(request.pixels);
  const mayBeRaw = request.aggregate === "auto" && request.window === "auto";
  if (mayBeRaw && before !== undefined && guess(before, request) <= limit) {
    const raw = await loadRaw(source, request, signal);
    const visible = visibleCounts(raw, request);
    // The guess may be old: samples that came since must not make the page draw a million.
    if (Math.max(0, ...visible) <= limit * 4) return done(raw, total(visible));
  }
  const { traces, counts, window } = await loadWindows(source, request, signal);
  if (mayBeRaw && Math.max(0, ...counts) <= limit) {
    const raw = await loadRaw(source, request, signal);
    return done(raw, total(visibleCounts(raw, request)));
  }
  return done(traces, total(counts), window);
}

async function loadRaw(source: Source, request: Request, signal: AbortSignal): Promise<Trace[]> {
  const { from, to } = withMargin(request);
  const all = await source.queryMany(request.database, request.metrics, {
    from: toNs(from),
    to: toNs(to),
    signal,
  });
  return all.map((series) => ({
    metric: series.metric,
    times: toSeconds(series.times),
    values: series.values,
  }));
}

async function loadWindows(source: Source, request: Request, signal: AbortSignal) {
  const { from, to } = withMargin(request);
  const span = request.to - request.from;
  const chosen = request.window === "auto" ? pickWindow(span, request.pixels) : request.window;
  const window = Math.max(chosen, pickWindow(span, MOST_WINDOWS));
  const isBand = request.aggregate === "auto";
  const aggregates: readonly Aggregate[] = isBand
    ? ["avg", "min", "max", "count"]
    : [request.aggregate as Aggregate, "count"];
  const all = await source.aggregateMany(request.database, request.metrics, {
    from: toNs(Math.floor(from / window) * window),
    to: toNs(to),
    window: toNs(window),
    aggregates,
    signal,
  });
  const seconds = window / 1000;
  const traces = all.map(({ metric, times, values }): Trace => {
    const starts = toSeconds(times);
    const counts = values[values.length - 1] ?? new Float64Array();
    // A window's value stands in its middle: at its start, charts would lag behind the truth.
    const middles = starts.map((start) => start + seconds / 2);
    const first = values[0] ?? new Float64Array();
    const base = { metric, times: middles, values: first, counts, window: seconds };
    const [, low, high] = values;
    return isBand && low !== undefined && high !== undefined ? { ...base, low, high } : base;
  });
  return { traces, window, counts: visibleCounts(traces, request) };
}

function withMargin({ from, to }: Request): { from: number; to: number } {
  const margin = (to - from) * MARGIN;
  return { from: from - margin, to: to + margin };
}

/** How many samples of each trace are visible. */
function visibleCounts(traces: readonly Trace[], { from, to }: Request): number[] {
  return traces.map((trace) => {
    const window = trace.window ?? 0;
    if (trace.counts !== undefined) {
      const starts = trace.times.map((time) => time - window / 2);
      return countBetween(starts, trace.counts, window, from / 1000, to / 1000);
    }
    let count = 0;
    for (const time of trace.times) {
      // To the microsecond, which is what a double of seconds still has.
      const ms = Math.round(time * 1e6) / 1000;
      if (ms >= from && ms <= to) count++;
    }
    return count;
  });
}

/** The most samples that any metric probably has in a request; infinity when nothing is known. */
function guess(before: Loaded, request: Request): number {
  const old = before.request;
  const isPart = request.from >= old.from && request.to <= old.to;
  const isSame =
    old.database === request.database &&
    request.metrics.every((metric) => old.metrics.includes(metric));
  if (!isPart || !isSame) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...visibleCounts(before.traces, request));
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
