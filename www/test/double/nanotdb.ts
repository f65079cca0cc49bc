/**
 * A stand-in for the package, for unit tests only: the reading half of a store over plain arrays.
 * What a test does not need rejects with code `unavailable`.
 */
import type {
  AddReport,
  AggregateOptions,
  Columns,
  Metric,
  RangeOptions,
  Sample,
  Series,
  Store,
  Windows,
} from "../../../host-wasm/npm/src/api.ts";
import { NanotdbError } from "../../../host-wasm/npm/src/error.ts";

export type * from "../../../host-wasm/npm/src/api.ts";
export type { ErrorCode } from "../../../host-wasm/npm/src/error.ts";
export { NanotdbError };

interface Column {
  readonly type: "f32" | "i32";
  readonly rows: { time: bigint; value: number }[];
}

/** What the double can do. */
export type Double = Pick<
  Store,
  | "addColumns"
  | "last"
  | "queryMany"
  | "aggregateMany"
  | "metrics"
  | "databases"
  | "readFile"
  | "writeFile"
  | "flush"
> & { /** How often each method was called. */ readonly calls: Map<string, number> };

export function makeDouble(): Double {
  const data = new Map<string, Map<string, Column>>();
  const files = new Map<string, Uint8Array>();
  const calls = new Map<string, number>();
  const count = (name: string) => calls.set(name, (calls.get(name) ?? 0) + 1);

  const rowsOf = (database: string, metric: string, options: RangeOptions) => {
    options.signal?.throwIfAborted();
    const from = toNs(options.from) ?? -(2n ** 63n);
    const to = toNs(options.to) ?? 2n ** 63n - 1n;
    const rows = data.get(database)?.get(metric)?.rows ?? [];
    return rows.filter((row) => row.time >= from && row.time <= to);
  };

  return {
    calls,
    async addColumns(database, columns): Promise<AddReport> {
      count("addColumns");
      const all = Array.isArray(columns) ? (columns as readonly Columns[]) : [columns as Columns];
      const rejections: { row: number; reason: string }[] = [];
      let accepted = 0;
      const metrics = data.get(database) ?? new Map<string, Column>();
      data.set(database, metrics);
      for (const { metric, times, values } of all) {
        const type = values instanceof Int32Array ? "i32" : "f32";
        const column = metrics.get(metric) ?? { type, rows: [] };
        metrics.set(metric, column);
        times.forEach((time, row) => {
          const newest = column.rows.at(-1)?.time;
          if (newest !== undefined && time < newest) rejections.push({ row, reason: "stale" });
          else {
            column.rows.push({ time, value: values[row]! });
            accepted++;
          }
        });
      }
      return { accepted, rejected: rejections.length, rejections };
    },
    async last(database, metric): Promise<Sample | undefined> {
      count("last");
      const column = data.get(database)?.get(metric);
      const row = column?.rows.at(-1);
      return column === undefined || row === undefined ? undefined : { ...row, type: column.type };
    },
    async queryMany(database, metrics, options = {}): Promise<readonly Series[]> {
      count("queryMany");
      return metrics.map((metric) => {
        const rows = rowsOf(database, metric, options);
        return {
          metric,
          type: "f32" as const,
          times: BigInt64Array.from(rows, (row) => row.time),
          values: Float32Array.from(rows, (row) => row.value),
        };
      });
    },
    async aggregateMany(database, metrics, options: AggregateOptions): Promise<readonly Windows[]> {
      count("aggregateMany");
      if (typeof options.window !== "bigint") throw new NanotdbError("invalid", "bigint only");
      const window = options.window;
      return metrics.map((metric) => {
        const groups = new Map<bigint, number[]>();
        for (const { time, value } of rowsOf(database, metric, options)) {
          const start = (time / window) * window;
          groups.set(start, [...(groups.get(start) ?? []), value]);
        }
        const values = options.aggregates.map((name) =>
          Float64Array.from([...groups.values()], (own) => fold(name, own)),
        );
        return { metric, times: BigInt64Array.from(groups.keys()), values };
      });
    },
    async metrics(database): Promise<readonly Metric[]> {
      const metrics = data.get(database);
      if (metrics === undefined) throw new NanotdbError("unknown-database", database);
      return [...metrics].map(([name, { type }]) => ({ name, type }));
    },
    async databases() {
      return [...data.keys()];
    },
    async readFile(path) {
      return files.get(path);
    },
    async writeFile(path, content) {
      files.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    },
    async flush() {},
  };
}

function toNs(time: bigint | Date | undefined): bigint | undefined {
  return time instanceof Date ? BigInt(time.getTime()) * 1_000_000n : time;
}

function fold(name: string, values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const by: Readonly<Record<string, number>> = {
    avg: sum / values.length,
    sum,
    count: values.length,
    min: Math.min(...values),
    max: Math.max(...values),
  };
  return by[name] ?? Number.NaN;
}

/** The package's `open`, which no unit test may reach. */
export function open(): Promise<Store> {
  return Promise.reject(new NanotdbError("unavailable", "This is the double of unit tests."));
}
