/** The store that callers hold: arguments checked and put in order, long work cut into calls. */
import type {
  AddLinesOptions,
  AddReport,
  AggregateOptions,
  BuildReport,
  CallOptions,
  Chart,
  ChartOptions,
  Columns,
  ConvertOptions,
  ConvertReport,
  DatabaseInfo,
  DeleteOptions,
  DeleteReport,
  ExportLinesOptions,
  FileCheck,
  FileEntry,
  FileInfo,
  ImportRootOptions,
  LineSource,
  LinesReport,
  LogInfo,
  Metric,
  PartitionInfo,
  ProgressOptions,
  Quota,
  RangeOptions,
  RecompactReport,
  Retired,
  RootReport,
  RootSource,
  Rows,
  Sample,
  Series,
  Setting,
  Store,
  StoreEvent,
  StoreStats,
  TickReport,
  Time,
  ValueType,
  Windows,
} from "./api.js";
import type { Backend } from "./backend.js";
import { joined, owned } from "./bytes.js";
import { convert } from "./convert.js";
import { abortedError, errorFrom, NanotdbError } from "./error.js";
import { exportLines } from "./lines-out.js";
import { addLines } from "./lines.js";
import { importRoot } from "./root-in.js";
import { exportRoot } from "./root-out.js";
import type { Args, Op, Result, WireColumns } from "./rpc.js";
import { nanoseconds, span, timeColumn } from "./times.js";
import { verify } from "./verify.js";

/** Bytes of a whole file that one call reads. */
const READ_BYTES = 4 * 1024 * 1024;
/** Log records that `inspectLog` returns when not told. */
const LOG_RECORDS = 100;

// Where the platform lacks the symbol, tools that compile `await using` use this one.
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** A store over any backend. */
export class StoreClient implements Store {
  readonly root: string;
  readonly #backend: Backend;
  /** What has begun and not ended. */
  readonly #running = new Set<Promise<unknown>>();
  #ending: Promise<void> | undefined;

  constructor(root: string, backend: Backend) {
    this.root = root;
    this.#backend = backend;
  }

  add(
    database: string,
    metric: string,
    value: number,
    options: CallOptions & { readonly time?: Time; readonly type?: ValueType } = {},
  ): Promise<void> {
    return this.#run(options, () => {
      const time = options.time === undefined ? undefined : nanoseconds(options.time);
      return this.#call("add", { database, metric, value, type: options.type, time }, options);
    });
  }

  addColumns(
    database: string,
    columns: Columns | readonly Columns[],
    options: CallOptions = {},
  ): Promise<AddReport> {
    return this.#run(options, () => {
      const list: readonly Columns[] = isList(columns) ? columns : [columns];
      const wire = list.map(wireColumns);
      const transfer = wire.flatMap(({ times, values }) => [times.buffer, values.buffer]);
      return this.#backend.call(
        "addColumns",
        { database, columns: wire },
        { signal: options.signal, transfer },
      );
    });
  }

  addRows(database: string, rows: Rows, options: CallOptions = {}): Promise<AddReport> {
    return this.#run(options, () => {
      const times = timeColumn(rows.times);
      const values = copied(rows.values);
      const index = rows.index?.slice();
      const metrics = [...rows.metrics];
      // A copy that has the caller's array no longer, so its buffer may move.
      const transfer = [times, values, ...(index === undefined ? [] : [index])].map(bufferOf);
      return this.#backend.call(
        "addRows",
        { database, metrics, index, times, values },
        { signal: options.signal, transfer },
      );
    });
  }

  addLines(source: LineSource, options: AddLinesOptions = {}): Promise<LinesReport> {
    return this.#run(options, () => addLines(this.#backend, source, options));
  }

  last(database: string, metric: string, options: CallOptions = {}): Promise<Sample | undefined> {
    return this.#run(options, () => this.#call("last", { database, metric }, options));
  }

  async query(database: string, metric: string, options: RangeOptions = {}): Promise<Series> {
    return only(await this.queryMany(database, [metric], options));
  }

  queryMany(
    database: string,
    metrics: readonly string[],
    options: RangeOptions = {},
  ): Promise<readonly Series[]> {
    return this.#run(options, () => {
      const stride = options.stride ?? 1;
      if (!Number.isSafeInteger(stride) || stride < 1) {
        throw new NanotdbError("invalid", `a stride must be a whole number from 1: ${stride}`);
      }
      const range = span(options.from, options.to);
      return this.#call("query", { database, metrics: [...metrics], ...range, stride }, options);
    });
  }

  async aggregate(database: string, metric: string, options: AggregateOptions): Promise<Windows> {
    return only(await this.aggregateMany(database, [metric], options));
  }

  aggregateMany(
    database: string,
    metrics: readonly string[],
    options: AggregateOptions,
  ): Promise<readonly Windows[]> {
    return this.#run(options, () => {
      const range = span(options.from, options.to);
      const length = (value: bigint | string): bigint | string =>
        typeof value === "bigint" ? nanoseconds(value) : value;
      const [window, offset] = [length(options.window), length(options.offset ?? 0n)];
      const aggregates = [...options.aggregates];
      const args = { database, metrics: [...metrics], ...range, window, offset, aggregates };
      return this.#call("aggregate", args, options);
    });
  }

  async chart(database: string, metric: string, options: ChartOptions): Promise<Chart> {
    return only(await this.chartMany(database, [metric], options));
  }

  chartMany(
    database: string,
    metrics: readonly string[],
    options: ChartOptions,
  ): Promise<readonly Chart[]> {
    return this.#run(options, () => {
      const { points, method = "minmax" } = options;
      const range = span(options.from, options.to);
      const args = { database, metrics: [...metrics], ...range, points, method };
      return this.#call("chart", args, options);
    });
  }

  metrics(database: string, options: CallOptions = {}): Promise<readonly Metric[]> {
    return this.#run(options, () => this.#call("metrics", { database }, options));
  }

  databases(options: CallOptions = {}): Promise<readonly string[]> {
    return this.#run(options, () => this.#call("databases", {}, options));
  }

  createDatabase(
    database: string,
    options: CallOptions & { readonly manifest?: string } = {},
  ): Promise<void> {
    return this.#run(options, () =>
      this.#call("createDatabase", { database, manifest: options.manifest }, options),
    );
  }

  importRoot(source: RootSource, options: ImportRootOptions = {}): Promise<RootReport> {
    return this.#run(options, () => importRoot(this.#backend, source, options));
  }

  exportRoot(options: ProgressOptions = {}): Promise<ReadableStream<Uint8Array>> {
    return this.#run(options, () => exportRoot(this.#backend, options));
  }

  exportLines(
    database: string,
    options: ExportLinesOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#run(options, () => exportLines(this.#backend, database, options));
  }

  files(options: CallOptions = {}): Promise<readonly FileEntry[]> {
    return this.#run(options, () => this.#call("files", {}, options));
  }

  readFile(path: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    return this.#run(options, async () => {
      const pieces: Uint8Array[] = [];
      for (let offset = 0; ;) {
        const length = READ_BYTES;
        const piece = await this.#call("readFile", { path, offset, length }, options);
        if (piece === undefined) {
          return undefined;
        }
        pieces.push(piece);
        offset += piece.length;
        if (piece.length < length) {
          return pieces.length === 1 ? piece : joined(pieces);
        }
      }
    });
  }

  writeFile(path: string, content: Uint8Array | string, options: CallOptions = {}): Promise<void> {
    return this.#run(options, () => {
      const bytes = typeof content === "string" ? encoded(content) : owned(content);
      const settings = { signal: options.signal, transfer: [bytes.buffer] };
      return this.#backend.call("writeFile", { path, content: bytes }, settings);
    });
  }

  inspect(database: string, options: CallOptions = {}): Promise<DatabaseInfo> {
    return this.#run(options, () => this.#call("inspect", { database }, options));
  }

  inspectPartitions(
    database: string,
    options: CallOptions = {},
  ): Promise<readonly PartitionInfo[]> {
    return this.#run(options, () => this.#call("partitions", { database }, options));
  }

  inspectFile(database: string, file: string, options: CallOptions = {}): Promise<FileInfo> {
    return this.#run(options, () => this.#call("inspectFile", { database, file }, options));
  }

  inspectLog(
    database: string,
    options: CallOptions & { readonly limit?: number } = {},
  ): Promise<LogInfo> {
    return this.#run(options, () => {
      const limit = options.limit ?? LOG_RECORDS;
      return this.#call("inspectLog", { database, limit }, options);
    });
  }

  settings(options: CallOptions = {}): Promise<readonly Setting[]> {
    return this.#run(options, () => this.#call("settings", {}, options));
  }

  build(database: string, partition: string, options: CallOptions = {}): Promise<BuildReport> {
    return this.#run(options, () => this.#call("build", { database, partition }, options));
  }

  convert(database: string, options: ConvertOptions): Promise<readonly ConvertReport[]> {
    return this.#run(options, () => convert(this.#backend, database, options));
  }

  recompact(
    database: string,
    partition: string,
    options: CallOptions = {},
  ): Promise<RecompactReport> {
    return this.#run(options, () => this.#call("recompact", { database, partition }, options));
  }

  delete(
    database: string,
    metrics: string | readonly string[],
    options: DeleteOptions = {},
  ): Promise<DeleteReport> {
    return this.#run(options, () => {
      const names = typeof metrics === "string" ? [metrics] : [...metrics];
      const range = span(options.from, options.to);
      return this.#call("delete", { database, metrics: names, ...range }, options);
    });
  }

  verify(database: string, options: ProgressOptions = {}): Promise<readonly FileCheck[]> {
    return this.#run(options, () => verify(this.#backend, database, options));
  }

  runRollups(database: string, options: CallOptions = {}): Promise<TickReport> {
    return this.#run(options, () => this.#call("runRollups", { database }, options));
  }

  applyRetention(database: string, options: CallOptions = {}): Promise<readonly Retired[]> {
    return this.#run(options, () => this.#call("applyRetention", { database }, options));
  }

  confirmClock(options: CallOptions = {}): Promise<void> {
    return this.#run(options, () => this.#call("confirmClock", {}, options));
  }

  tick(options: CallOptions = {}): Promise<TickReport> {
    return this.#run(options, () => this.#call("tick", {}, options));
  }

  stats(options: CallOptions = {}): Promise<StoreStats> {
    return this.#run(options, async () => {
      const stats = await this.#call("stats", {}, options);
      return { ...stats, role: this.#backend.role() };
    });
  }

  flush(options: CallOptions = {}): Promise<void> {
    return this.#run(options, () => this.#call("flush", {}, options));
  }

  close(): Promise<void> {
    return this.#end(() => this.#backend.close());
  }

  async destroy(): Promise<void> {
    if (this.#ending !== undefined) {
      throw closedError();
    }
    return this.#end(() => this.#backend.destroy());
  }

  persist(): Promise<Quota> {
    return this.#run({}, () => this.#backend.persist());
  }

  quota(): Promise<Quota> {
    return this.#run({}, () => this.#backend.quota());
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    return this.#backend.subscribe(listener);
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #call<K extends Op>(op: K, args: Args<K>, { signal }: CallOptions): Promise<Result<K>> {
    return this.#backend.call(op, args, { signal });
  }

  /** Runs what a method does, unless the store is closed or the signal aborted. */
  async #run<T>({ signal }: CallOptions, work: () => Promise<T>): Promise<T> {
    if (this.#ending !== undefined) {
      throw closedError();
    }
    if (signal?.aborted === true) {
      throw abortedError(signal);
    }
    // In a function of its own, so that what `work` throws at once rejects as well.
    const running = (async (): Promise<T> => work())();
    this.#running.add(running);
    try {
      return await running;
    } catch (thrown) {
      throw errorFrom(thrown);
    } finally {
      this.#running.delete(running);
    }
  }

  #end(end: () => Promise<void>): Promise<void> {
    this.#ending ??= (async () => {
      await Promise.allSettled([...this.#running]);
      try {
        await end();
      } catch (thrown) {
        throw errorFrom(thrown);
      }
    })();
    return this.#ending;
  }
}

/** That a closed store was used. */
export function closedError(): NanotdbError {
  return new NanotdbError("closed", "the store is closed");
}

function only<T>(items: readonly T[]): T {
  const item = items[0];
  if (item === undefined) {
    throw new NanotdbError("internal", "the engine returned nothing for one metric");
  }
  return item;
}

function isList(columns: Columns | readonly Columns[]): columns is readonly Columns[] {
  return Array.isArray(columns);
}

function wireColumns({ metric, times, values }: Columns): WireColumns & Transferred {
  if (!(times instanceof BigInt64Array)) {
    throw new NanotdbError("invalid", "the times of columns must be a BigInt64Array");
  }
  return { metric, times: times.slice(), values: copied(values) };
}

/** Copies whose buffers nobody shares. */
interface Transferred {
  readonly times: BigInt64Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

function copied(
  values: Float32Array | Int32Array,
): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  if (values instanceof Float32Array || values instanceof Int32Array) {
    return values.slice();
  }
  throw new NanotdbError("invalid", "values must be a Float32Array or an Int32Array");
}

function bufferOf({ buffer }: { readonly buffer: ArrayBuffer }): ArrayBuffer {
  return buffer;
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return owned(new TextEncoder().encode(text));
}
