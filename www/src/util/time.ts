/** Times in pages are milliseconds since the Unix epoch, as `Date` has them; the store's are ns. */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;

/** Milliseconds, also fractions of them, as the store's nanoseconds. */
export function toNs(ms: number): bigint {
  // Microseconds are the finest that a double of today's time still has.
  return BigInt(Math.round(ms * 1000)) * 1000n;
}

/** The store's nanoseconds as milliseconds. */
export function toMs(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}

/**
 * A column of nanoseconds as seconds, which is what charts count in.
 *
 * Reads the halves of each number: making a `BigInt` for every sample costs ten times as much.
 */
export function toSeconds(times: BigInt64Array): Float64Array {
  const halves = new DataView(times.buffer, times.byteOffset, times.byteLength);
  const out = new Float64Array(times.length);
  for (let i = 0; i < out.length; i++) {
    const low = halves.getUint32(i * 8, true);
    const high = halves.getInt32(i * 8 + 4, true);
    out[i] = (high * 4294967296 + low) / 1e9;
  }
  return out;
}

const UNITS: Readonly<Record<string, number>> = {
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: WEEK,
};

/** Milliseconds of a duration: digits and one of `s m h d w`, in either case. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)([smhdw])$/i.exec(text.trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNITS[match[2]!.toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
}

/** A duration that {@link parseDuration} reads, in the largest unit that leaves no rest. */
export function formatDuration(ms: number): string {
  for (const [unit, size] of [
    ["w", WEEK],
    ["d", DAY],
    ["h", HOUR],
    ["m", MINUTE],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.max(1, Math.round(ms / SECOND))}s`;
}

/** A length of time for people: the two largest units, `3d 4h`. */
export function formatSpan(ms: number): string {
  if (ms < 0) return `−${formatSpan(-ms)}`;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Number((ms / SECOND).toFixed(ms < 10 * SECOND ? 1 : 0))}s`;
  const parts: string[] = [];
  let rest = Math.round(ms / SECOND) * SECOND;
  for (const [unit, size] of [
    ["w", WEEK],
    ["d", DAY],
    ["h", HOUR],
    ["m", MINUTE],
  ] as const) {
    // "10d" reads better than "1w 3d"; weeks only where they are whole.
    if (unit === "w" && rest % WEEK !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
    if (parts.length === 2) break;
  }
  if (parts.length < 2 && rest >= SECOND) parts.push(`${Math.floor(rest / SECOND)}s`);
  return parts.join(" ");
}

/** How long ago something was, for people. */
export function formatAge(ms: number, now: number = Date.now()): string {
  const age = now - ms;
  if (Math.abs(age) < 2 * SECOND) return "just now";
  if (age < 0) return `in ${formatSpan(-age).split(" ")[0]}`;
  return `${formatSpan(age).split(" ")[0]} ago`;
}

const STAMP = new Intl.DateTimeFormat("sv-SE", {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** A local date and time, `2026-05-14 08:00:00`, with a fraction where `precise`. */
export function formatTime(ms: number, precise = false): string {
  const text = STAMP.format(ms);
  return precise
    ? `${text}.${String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, "0")}`
    : text;
}

const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** A local date and time within a sentence: `3 Mar 2026, 14:05`. */
export function formatMoment(ms: number): string {
  return MOMENT.format(ms);
}

/** What `<input type="datetime-local" step="1">` takes. */
export function toInput(ms: number): string {
  return formatTime(ms).replace(" ", "T");
}

/** A file name's worth of time: `20260514T080000`. */
export function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+Z$/g, "");
}
