import {
  DAY,
  HOUR,
  MINUTE,
  formatDuration,
  formatTime,
  parseDuration,
  WEEK,
} from "../util/time.ts";

/** Which time is looked at: the last while, which moves on, or a fixed one. Milliseconds. */
export type Range =
  | { readonly kind: "last"; readonly span: number }
  | { readonly kind: "fixed"; readonly from: number; readonly to: number };

export const PRESETS: readonly (readonly [span: number, text: string])[] = [
  [5 * MINUTE, "5 minutes"],
  [15 * MINUTE, "15 minutes"],
  [HOUR, "1 hour"],
  [6 * HOUR, "6 hours"],
  [DAY, "24 hours"],
  [WEEK, "7 days"],
  [30 * DAY, "30 days"],
  [365 * DAY, "1 year"],
];

/** Nothing shorter is shown: a double holds times of today to a quarter of a microsecond. */
const SHORTEST = 0.01;
const LONGEST = 200 * 365 * DAY;

/** The two ends of a range. */
export function resolve(range: Range, now: number): { from: number; to: number } {
  return range.kind === "fixed" ? range : { from: now - range.span, to: now };
}

/** A fixed range of the given ends, in order and of a length that can be shown. */
export function fixed(from: number, to: number): Range {
  const [low, high] = from <= to ? [from, to] : [to, from];
  const middle = (low + high) / 2;
  const span = Math.min(LONGEST, Math.max(SHORTEST, high - low));
  return { kind: "fixed", from: middle - span / 2, to: middle + span / 2 };
}

/** A range with its last sample at `at`, and a little air behind it. */
export function endingAt(at: number, span: number): Range {
  return fixed(at - span * 0.96, at + span * 0.04);
}

/** `factor` below 1 zooms in; `at`, from 0 to 1, is what stays in its place. */
export function zoom(ends: { from: number; to: number }, factor: number, at = 0.5): Range {
  const span = ends.to - ends.from;
  const center = ends.from + span * at;
  const next = Math.min(LONGEST, Math.max(SHORTEST, span * factor));
  return { kind: "fixed", from: center - next * at, to: center + next * (1 - at) };
}

/** Moves by a part of the range's length. */
export function pan(ends: { from: number; to: number }, part: number): Range {
  const by = (ends.to - ends.from) * part;
  return { kind: "fixed", from: ends.from + by, to: ends.to + by };
}

/** What the button of the range says. */
export function describe(range: Range): string {
  if (range.kind === "last") {
    const preset = PRESETS.find(([span]) => span === range.span);
    return `Last ${preset?.[1] ?? formatDuration(range.span)}`;
  }
  const isPrecise = range.to - range.from < 2 * MINUTE;
  const from = formatTime(range.from, isPrecise);
  const to = formatTime(range.to, isPrecise);
  return from.slice(0, 10) === to.slice(0, 10) ? `${from} – ${to.slice(11)}` : `${from} – ${to}`;
}

/** A range from its parts in an address, `undefined` when they make none. */
export function parseRange(query: URLSearchParams): Range | undefined {
  const from = parseMoment(query.get("from"));
  const to = parseMoment(query.get("to"));
  if (from !== undefined && to !== undefined && from < to) return fixed(from, to);
  const span = parseDuration(query.get("last") ?? "");
  return span === undefined ? undefined : { kind: "last", span };
}

/** Writes what {@link parseRange} reads. */
export function writeRange(range: Range, query: URLSearchParams): void {
  if (range.kind === "last") {
    query.set("last", formatDuration(range.span));
  } else {
    query.set("from", writeMoment(range.from));
    query.set("to", writeMoment(range.to));
  }
}

/** Milliseconds of an ISO date, or of a plain number of milliseconds. */
function parseMoment(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const ms = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
}

function writeMoment(ms: number): string {
  // ISO text where it is exact, for people; else the number, for deep zooms.
  return Number.isInteger(ms) && Math.abs(ms) < 8.64e15
    ? new Date(ms).toISOString().replace(".000Z", "Z")
    : String(Number(ms.toFixed(3)));
}
