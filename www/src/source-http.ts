import { FrameReader, writeFrame } from "./server/frame.ts";
import { ServerError } from "./server/error.ts";
import { Http, type Params } from "./server/http.ts";
import { sendLines } from "./server/lines.ts";
import type {
  CallOptions,
  ColumnInfo,
  Columns,
  ConvertReport,
  DatabaseInfo,
  FileCheck,
  FileInfo,
  LogInfo,
  PartitionInfo,
  Series,
  Source,
  SourceStats,
  Windows,
} from "./source.ts";

type Time = bigint | Date;

/** JSON has no integers of 64 bits, so the server writes them as text. */
type Wire<T> = T extends bigint
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Key in keyof T]: Wire<T[Key]> }
      : T;

/** How to open a server. */
export interface HttpOptions {
  /** Where it is; empty for where the page is from. */
  readonly address: string;
  /** Milliseconds after which lists are read again. */
  readonly refreshMs: number;
}

/** A server's store. Its paths are those of `host-native/src/server/store`. */
export function openHttp({ address, refreshMs }: HttpOptions): Source {
  const http = new Http(address);
  const get = <T>(path: string, params?: Params, options?: CallOptions) =>
    http.json<T>("GET", `/api/store/${path}`, params, { signal: options?.signal });
  const post = <T>(path: string, params?: Params, options?: CallOptions) =>
    http.json<T>("POST", `/api/store/${path}`, params, { signal: options?.signal });

  const source: Source = {
    capabilities: {
      storageKind: "server",
      canWrite: true,
      canDestroy: false,
      canImportRoot: false,
      hasQuota: false,
      hasRoles: false,
      refreshMs,
    },

    async add(db, metric, value, { time, type, signal } = {}) {
      await post("add", { db, metric, value, type, time: ns(time) }, only(signal));
    },
    addColumns(db, columns, { signal } = {}) {
      const all = Array.isArray(columns) ? (columns as readonly Columns[]) : [columns as Columns];
      const header = all.map(({ metric, times, values }) => {
        if (times.length !== values.length) {
          const message = `${metric}: ${times.length} times for ${values.length} values`;
          throw new ServerError("invalid", message);
        }
        return { metric, type: typeOf(values), rows: values.length };
      });
      const body = writeFrame(
        header,
        all.flatMap(({ times, values }) => [times, values]),
      );
      return http.json("POST", "/api/store/columns", { db }, { body, signal });
    },
    addRows(db, { metrics, index, times, values }, { signal } = {}) {
      const all = times instanceof BigInt64Array ? times : BigInt64Array.of(ns(times)!);
      const header = {
        metrics,
        type: typeOf(values),
        rows: values.length,
        times: all.length,
        index: index !== undefined,
      };
      const body = writeFrame(header, [all, ...(index === undefined ? [] : [index]), values]);
      return http.json("POST", "/api/store/rows", { db }, { body, signal });
    },
    addLines(lines, options = {}) {
      const { database: db, signal } = options;
      const send = (body: Uint8Array<ArrayBuffer>) =>
        http.json<Awaited<ReturnType<Source["addLines"]>>>(
          "POST",
          "/api/store/lines",
          { db },
          {
            body,
            signal,
          },
        );
      return sendLines(send, lines, options);
    },

    async last(db, metric, options) {
      type Sample = NonNullable<Awaited<ReturnType<Source["last"]>>>;
      const sample = await get<Wire<Sample> | null>("last", { db, metric }, options);
      if (sample === null) return undefined;
      return { ...sample, time: BigInt(sample.time), value: number(sample.value) };
    },
    async queryMany(db, metrics, { from, to, stride, signal } = {}) {
      const params = { db, metric: metrics, from: ns(from), to: ns(to), stride };
      const frame = new FrameReader<readonly Shape[]>(
        await http.bytes("/api/store/query", params, { signal }),
      );
      return frame.header.map(({ metric, type, rows }): Series => {
        const times = frame.times(rows);
        const values = type === "i32" ? frame.ints(rows) : frame.floats(rows);
        return { metric, type, times, values };
      });
    },
    async aggregateMany(db, metrics, { from, to, window, offset, aggregates, signal }) {
      const params = { db, metric: metrics, from: ns(from), to: ns(to), window, offset };
      const frame = new FrameReader<readonly Shape[]>(
        await http.bytes("/api/store/aggregate", { ...params, aggregate: aggregates }, { signal }),
      );
      return frame.header.map(({ metric, rows }): Windows => {
        const times = frame.times(rows);
        return { metric, times, values: aggregates.map(() => frame.doubles(rows)) };
      });
    },
    metrics: (db, options) => get("metrics", { db }, options),
    databases: (options) => get("databases", {}, options),

    exportRoot: ({ signal } = {}) => http.stream("/api/store/root", {}, { signal }),
    exportLines(db, { from, to, metrics, signal } = {}) {
      const params = { db, from: ns(from), to: ns(to), metric: metrics };
      return http.stream("/api/store/lines", params, { signal });
    },
    files: (options) => get("files", {}, options),
    async readFile(path, { signal } = {}) {
      try {
        return new Uint8Array(await http.bytes("/api/store/file", { path }, { signal }));
      } catch (error) {
        if (error instanceof ServerError && error.code === "not-found") return undefined;
        throw error;
      }
    },
    async writeFile(path, content, { signal } = {}) {
      const body = typeof content === "string" ? content : content.slice();
      await http.send("PUT", "/api/store/file", { path }, { body, signal });
    },

    async inspect(db, options) {
      const info = await get<Wire<DatabaseInfo>>("inspect", { db }, options);
      const page = (open: Wire<DatabaseInfo>["openPages"][number]) => ({
        ...open,
        from: BigInt(open.from),
        to: BigInt(open.to),
        maxAgeNs: BigInt(open.maxAgeNs),
        ageNs: BigInt(open.ageNs),
      });
      const logResets = info.stats.logResets.map(({ at, bytes }) => ({ at: BigInt(at), bytes }));
      return {
        ...info,
        openPages: info.openPages.map(page),
        stats: { ...info.stats, logResets },
      };
    },
    async inspectPartitions(db, options) {
      const all = await get<Wire<PartitionInfo>[]>("partitions", { db }, options);
      return all.map((own) => ({ ...own, from: BigInt(own.from), to: BigInt(own.to) }));
    },
    async inspectFile(db, file, options) {
      const info = await get<Wire<FileInfo>>("inspect-file", { db, file }, options);
      const frames = info.frames.map(({ encoding, ...own }) => ({
        ...own,
        from: BigInt(own.from),
        to: BigInt(own.to),
        ...(encoding === undefined ? {} : { encoding: column(encoding) }),
      }));
      const { times, ...rest } = info;
      return { ...rest, frames, ...(times === undefined ? {} : { times: times.map(column) }) };
    },
    async inspectLog(db, { limit, signal } = {}) {
      const info = await get<Wire<LogInfo>>("inspect-log", { db, limit }, only(signal));
      const newest = info.newest.map((own) => ({
        ...own,
        time: BigInt(own.time),
        value: number(own.value),
      }));
      return { ...info, newest };
    },
    settings: (options) => get("settings", {}, options),

    build: (db, partition, options) => post("build", { db, partition }, options),
    convert: (db, options) => convert(source, post, db, options),
    recompact: (db, partition, options) => post("recompact", { db, partition }, options),
    verify: (db, options = {}) => verify(source, post, db, options),
    runRollups: (db, options) => post("rollups", { db }, options),
    applyRetention: (db, options) => post("retention", { db }, options),
    async stats(options) {
      type Stats = Pick<
        SourceStats,
        "version" | "databases" | "fileBytes" | "memoryBytes" | "warnings"
      >;
      const stats = await get<Stats>("stats", {}, options);
      return { ...stats, storedBytes: stats.fileBytes, role: "owner", storage: "server" };
    },
    async flush(options) {
      await post("flush", {}, options);
    },

    dashboard: {
      async load({ signal } = {}) {
        const response = await http.send("GET", "/api/dashboard-config", {}, { signal });
        const isDefault = response.headers.get("nanotdb-dashboard") === "default";
        return { content: new Uint8Array(await response.arrayBuffer()), isDefault };
      },
      async save(text) {
        const response = await http.send("PUT", "/api/dashboard-config", {}, { body: text });
        const { backup_path: backup } = (await response.json()) as { backup_path?: string };
        return backup;
      },
    },

    // What a server has not; `capabilities` say so.
    importRoot: () => Promise.reject(refused()),
    destroy: () => Promise.reject(refused()),
    persist: () => Promise.reject(refused()),
    quota: () => Promise.reject(refused()),
    subscribe: () => () => {},
    close: () => Promise.resolve(),
  };
  return source;
}

/** What a frame's header says of a metric. */
interface Shape {
  readonly metric: string;
  readonly type: "f32" | "i32";
  readonly rows: number;
}

/** Checks partition by partition, so that it can be watched and stopped; the log last. */
/** Partition by partition, so that no request takes long. */
async function convert(
  source: Source,
  post: <T>(path: string, params?: Params, options?: CallOptions) => Promise<T>,
  db: string,
  { format, partition: one, signal, onProgress }: Parameters<Source["convert"]>[1],
): Promise<readonly ConvertReport[]> {
  const options = only(signal);
  const convert = (partition: string) =>
    post<ConvertReport>("convert", { db, partition, format }, options);
  if (one !== undefined) return [await convert(one)];
  const all = (await source.inspectPartitions(db, options)).flatMap(({ partition, files }) =>
    files.filter(({ kind }) => kind === "metric").map(({ bytes }) => ({ partition, bytes })),
  );
  const total = all.reduce((sum, file) => sum + file.bytes, 0);
  const reports: ConvertReport[] = [];
  let bytes = 0;
  for (const file of all) {
    reports.push(await convert(file.partition));
    bytes += file.bytes;
    onProgress?.({ bytes, total, item: file.partition });
  }
  return reports;
}

async function verify(
  source: Source,
  post: <T>(path: string, params?: Params, options?: CallOptions) => Promise<T>,
  db: string,
  { signal, onProgress }: NonNullable<Parameters<Source["verify"]>[1]>,
): Promise<readonly FileCheck[]> {
  const options = only(signal);
  const partitions = await source.inspectPartitions(db, options);
  const sizes = partitions.map(({ files }) => files.reduce((sum, file) => sum + file.bytes, 0));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const checks: FileCheck[] = [];
  let bytes = 0;
  for (const [at, { partition }] of partitions.entries()) {
    try {
      checks.push(...(await post<FileCheck[]>("verify", { db, partition }, options)));
    } catch (error) {
      // Retention may have taken it meanwhile.
      if (!(error instanceof ServerError && error.code === "invalid-partition")) throw error;
    }
    bytes += sizes[at] ?? 0;
    onProgress?.({ bytes, total, item: partition });
  }
  const log = await source.inspectLog(db, { ...options, limit: 0 });
  if (log.bytes === 0) return checks;
  const { records, problems } = log;
  const file = `${db}.wal`;
  return [...checks, { file, bytes: log.bytes, frames: records, samples: records, problems }];
}

function column({ spanNs, ...rest }: Wire<ColumnInfo>): ColumnInfo {
  return spanNs === undefined ? rest : { ...rest, spanNs: BigInt(spanNs) };
}

function refused(): ServerError {
  return new ServerError("unsupported", "A server cannot do this.");
}

function only(signal: AbortSignal | undefined): CallOptions {
  return signal === undefined ? {} : { signal };
}

function ns(time: Time | undefined): bigint | undefined {
  return time instanceof Date ? BigInt(time.getTime()) * 1_000_000n : time;
}

function typeOf(values: Float32Array | Int32Array): "f32" | "i32" {
  return values instanceof Int32Array ? "i32" : "f32";
}

/** A value; JSON has none for some of them, which come as text or `null`. */
function number(value: number | string | null): number {
  if (typeof value === "number") return value;
  if (value === "+Inf") return Number.POSITIVE_INFINITY;
  return value === "-Inf" ? Number.NEGATIVE_INFINITY : Number.NaN;
}
