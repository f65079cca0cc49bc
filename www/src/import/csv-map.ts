import type { ValueType } from "../source.ts";

export type TimeUnit = "auto" | "s" | "ms" | "us" | "ns";

/** Which columns of a table are what. Columns are counted from 0. */
export interface CsvMapping {
  readonly time: number;
  readonly unit: TimeUnit;
  /** Wide: a column for each metric. Long: a column of names and one of values. */
  readonly form: "wide" | "long";
  /** Wide: the columns to take. */
  readonly columns: readonly number[];
  /** Long: the columns whose texts, joined by points, are the metric's name. */
  readonly names: readonly number[];
  /** Long: the column of values. */
  readonly value: number;
  /** Before every name. */
  readonly prefix: string;
  readonly type: ValueType;
}

/** A sample of a row, or why there is none. */
export type CsvSample =
  | { readonly metric: string; readonly time: bigint; readonly value: number }
  | { readonly problem: string };

/** What a table is probably meant as; a person has the last word. */
export function guessMapping(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): CsvMapping {
  const all = header.map((_, column) => column);
  const share = (column: number, test: (text: string) => boolean) => {
    const filled = rows.map((row) => row[column] ?? "").filter((text) => text.trim() !== "");
    return filled.length === 0 ? 0 : filled.filter(test).length / filled.length;
  };
  const isTime = (column: number) =>
    share(column, (text) => readTime(text, "auto") !== undefined) > 0.9;
  const numeric = (column: number) => share(column, (text) => readValue(text) !== undefined);
  const named = all.find((column) => /time|date|^ts$/i.test(header[column]!) && isTime(column));
  const time = named ?? all.find((column) => isTime(column)) ?? 0;
  const others = all.filter((column) => column !== time);
  // Some cells of a column may be broken; names hardly ever are numbers.
  const numbers = others.filter((column) => numeric(column) > 0.5);
  const texts = others.filter((column) => numeric(column) <= 0.5 && share(column, () => true) > 0);
  const isLong = texts.length > 0 && numbers.length <= 2;
  const wholes = rows.every((row) =>
    numbers.every((column) => /^\s*[-+]?\d*i?\s*$/.test(row[column] ?? "")),
  );
  return {
    time,
    unit: "auto",
    form: isLong ? "long" : "wide",
    columns: numbers,
    names: texts.length > 0 ? texts : others.slice(0, 1),
    value: numbers.find((column) => /value/i.test(header[column]!)) ?? numbers[0] ?? others[0] ?? 0,
    prefix: "",
    // Whole numbers so far may be an accident; only the suffix of line protocol is a promise.
    type:
      wholes && rows.some((row) => numbers.some((column) => /i\s*$/.test(row[column] ?? "")))
        ? "i32"
        : "f32",
  };
}

/** The samples of one row. Empty cells are no samples and no problem. */
export function mapRow(
  row: readonly string[],
  header: readonly string[],
  mapping: CsvMapping,
): readonly CsvSample[] {
  const text = row[mapping.time] ?? "";
  const time = readTime(text, mapping.unit);
  if (time === undefined) return [{ problem: `"${text}" is no time` }];
  const sample = (name: string, cell: string): CsvSample => {
    const metric = cleanName(`${mapping.prefix}${name}`);
    if (metric === "") return { problem: "the metric has no name" };
    const value = readValue(cell);
    if (value === undefined) return { problem: `"${cell}" is no number` };
    if (mapping.type === "i32" && (!Number.isInteger(value) || Math.abs(value) > 2 ** 31 - 1)) {
      return { problem: `${cell} is no 32-bit integer` };
    }
    return { metric, time, value };
  };
  if (mapping.form === "long") {
    const cell = row[mapping.value] ?? "";
    if (cell.trim() === "") return [];
    const parts = mapping.names.map((column) => (row[column] ?? "").trim()).filter(Boolean);
    return [sample(parts.join("."), cell)];
  }
  return mapping.columns.flatMap((column) => {
    const cell = row[column] ?? "";
    return cell.trim() === "" ? [] : [sample(header[column] ?? `column_${column + 1}`, cell)];
  });
}

/** A name that metrics may have: no white space, at most 255 bytes. */
export function cleanName(name: string): string {
  const clean = name.trim().replace(/\s+/g, "_");
  let end = clean.length;
  while (new TextEncoder().encode(clean.slice(0, end)).length > 255) end--;
  return clean.slice(0, end);
}

/** A number, also with a decimal comma or the integer suffix of line protocol. */
export function readValue(text: string): number | undefined {
  const trimmed = text.trim().replace(/^([-+]?\d+)i$/, "$1");
  if (trimmed === "") return undefined;
  const value = Number(/^[-+]?\d+,\d+$/.test(trimmed) ? trimmed.replace(",", ".") : trimmed);
  return Number.isNaN(value) && trimmed.toLowerCase() !== "nan" ? undefined : value;
}

const FACTORS: Readonly<Record<Exclude<TimeUnit, "auto">, bigint>> = {
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  ns: 1n,
};

const DATE =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?\d*)?)?\s*(Z|UTC|[-+]\d\d:?\d\d)?$/;

/** Nanoseconds of a number in a unit, or of an ISO date. Dates without a zone are UTC. */
export function readTime(text: string, unit: TimeUnit): bigint | undefined {
  const trimmed = text.trim();
  const number = /^(-?\d{1,19})(?:\.(\d+))?$/.exec(trimmed);
  if (number !== null) {
    const factor = FACTORS[unit === "auto" ? unitOf(number[1]!) : unit];
    const whole = BigInt(number[1]!) * factor;
    // Digits, not a double: nanoseconds of today have more of them than it can hold.
    const part = (BigInt((number[2] ?? "").padEnd(9, "0").slice(0, 9)) * factor) / 1_000_000_000n;
    return inRange(trimmed.startsWith("-") ? whole - part : whole + part);
  }
  const date = DATE.exec(trimmed);
  if (date === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = date;
  const ms = Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second);
  const isDay = new Date(ms).getUTCDate() === +day! && +month! >= 1 && +month! <= 12;
  const isReal = isDay && +hour < 24 && +minute < 60 && +second < 60;
  if (!isReal) return undefined;
  return inRange(BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0")) - offset(zone));
}

/** The unit in which a number of this many digits is a time of our age. */
function unitOf(digits: string): Exclude<TimeUnit, "auto"> {
  const count = digits.replace("-", "").length;
  return count <= 11 ? "s" : count <= 14 ? "ms" : count <= 17 ? "us" : "ns";
}

function offset(zone: string | undefined): bigint {
  if (zone === undefined || zone === "Z" || zone === "UTC") return 0n;
  const [, sign, hours, minutes] = /^([-+])(\d\d):?(\d\d)$/.exec(zone)!;
  const all = BigInt(Number(hours) * 60 + Number(minutes)) * 60_000_000_000n;
  return sign === "-" ? -all : all;
}

function inRange(ns: bigint): bigint | undefined {
  return BigInt.asIntN(64, ns) === ns ? ns : undefined;
}
