/** Numbers for people. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes with three digits: `1.42 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A whole number in groups of three. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US").replaceAll(",", "\u202f");
}

/** `1 file`, `2 files`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/**
 * A value as short as it can be without lying: about five digits, whole numbers up to a million in
 * full, and never an exponent where a person would not write one.
 */
export function formatValue(value: number, decimals?: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (decimals !== undefined) return group(value.toFixed(decimals));
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e12 || size < 1e-4)) return minus(value.toExponential(3));
  if (Number.isInteger(value) || size >= 1e5) return group(String(Math.round(value)));
  const digits = size >= 1000 ? 1 : size >= 100 ? 2 : size >= 1 ? 3 : 4;
  return group(String(Number(value.toFixed(digits))));
}

/** A tick of an axis whose ticks are `step` apart, with `k`, `M` or `G` for large ones. */
export function formatTick(value: number, step: number): string {
  const size = Math.max(Math.abs(value), step);
  for (const [letter, unit] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (size >= unit * 10)
      return minus(`${trim(value / unit, step / unit)}${value === 0 ? "" : letter}`);
  }
  return minus(trim(value, step));
}

function trim(value: number, step: number): string {
  // As many digits as the step itself has: 2.5 apart, 52.5 must not read 53.
  let digits = 0;
  for (let rest = step; digits < 9 && Math.abs(rest - Math.round(rest)) > 1e-6 * rest; rest *= 10)
    digits++;
  return String(Number(value.toFixed(digits)) + 0);
}

function group(text: string): string {
  const [whole = "", fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
  return minus(fraction === undefined ? grouped : `${grouped}.${fraction}`);
}

function minus(text: string): string {
  return text.replace(/^-/, "−");
}
