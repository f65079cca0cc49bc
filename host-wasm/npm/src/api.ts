/// <reference lib="esnext.disposable" preserve="true" />

/** A moment: nanoseconds since the Unix epoch, or a `Date`. */
export type Time = bigint | Date;

/** How the values of a metric are kept; fixed by its first sample. */
export type ValueType = "f32" | "i32";

/**
 * The layout of a metric file. `"v3"` is about half the size of `"v2"`, and charts and aggregates
 * are answered from what it knows of its samples; NanoTDB for Go reads `"v1"` and `"v2"` only.
 */
export type MetricFormat = "v1" | "v2" | "v3";

/** What to compute from the samples of a window. */
export type Aggregate =
  "avg" | "count" | "max" | "median" | "min" | "p50" | "p95" | "p99" | "sum" | "trimmed_avg";

/** What every call takes. */
export interface CallOptions {
  /** Gives the call up: it rejects with code `aborted`. What a write did before stays. */
  readonly signal?: AbortSignal;
}

/** How to open a store. */
export interface OpenOptions extends CallOptions {
  /**
   * Where the files are. `"files"`: in a browser the origin's private file system, in Node the
   * directory that `root` names. `"memory"`: nowhere; everything is gone with the page or process.
   * Without file storage (a private window) opening rejects with code `unavailable`: keeping data
   * in memory only is the caller's decision.
   *
   * @default "files"
   */
  readonly storage?: "files" | "memory";
  /** Bytes of decoded data that each database keeps for later queries. @default 8 MiB */
  readonly cacheBytes?: number;
  /**
   * The layout of metric files that are built, where `engine.toml` names none as `metrics.format`.
   * Files that exist stay as they are and are read whatever it is: see {@link Store.convert}.
   *
   * @default "v3"; "v2" for a directory of Node, which others may share
   */
  readonly metricFormat?: "v2" | "v3";
  /**
   * Milliseconds after which a call to another tab that owns the store rejects with code
   * `unresponsive`, when that tab gives no sign of life (a phone froze it, say).
   *
   * @default 5000
   */
  readonly patience?: number;
}

/** One metric of a database. */
export interface Metric {
  readonly name: string;
  readonly type: ValueType;
}

/** One sample. */
export interface Sample {
  readonly time: bigint;
  readonly value: number;
  readonly type: ValueType;
  /** Files that could not be read, where there are such: what is there is answered without them. */
  readonly warnings?: readonly string[];
}

/** Samples of one metric: row `i` is `(times[i], values[i])`, of the type of the array. */
export interface Columns {
  readonly metric: string;
  /** Nanoseconds since the Unix epoch. */
  readonly times: BigInt64Array;
  readonly values: Float32Array | Int32Array;
}

/** Samples of many metrics: row `i` is of `metrics[index[i]]`, or of `metrics[i]` without `index`. */
export interface Rows {
  readonly metrics: readonly string[];
  readonly index?: Uint32Array;
  /** One for each row, or one for all. */
  readonly times: BigInt64Array | Time;
  readonly values: Float32Array | Int32Array;
}

/** What became of a batch: each row was taken or rejected on its own. */
export interface AddReport {
  readonly accepted: number;
  readonly rejected: number;
  /** The first hundred rejected rows. */
  readonly rejections: readonly { readonly row: number; readonly reason: string }[];
}

/** Where lines come from. */
export type LineSource = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

/** How far a long call is. */
export interface Progress {
  /** Bytes done. */
  readonly bytes: number;
  /** Bytes in all, where that is known. */
  readonly total?: number;
  /** What is being done, for people: a file's name, say. */
  readonly item?: string;
}

/** What calls that report progress take. */
export interface ProgressOptions extends CallOptions {
  readonly onProgress?: (progress: Progress) => void;
}

export interface AddLinesOptions extends ProgressOptions {
  /** Takes the place of the database of every line. */
  readonly database?: string;
}

/** What an import of lines did. */
export interface LinesReport {
  readonly totalLines: number;
  readonly importedLines: number;
  /** Blank lines and comments. */
  readonly skippedLines: number;
  readonly rejectedLines: number;
  /** The first thousand rejected lines, counted from 1. */
  readonly rejections: readonly { readonly line: number; readonly reason: string }[];
  /** Databases that samples went to. */
  readonly databases: readonly string[];
}

/** Samples of one metric, sorted by time. Unknown metrics have none. */
export interface Series {
  readonly metric: string;
  readonly type: ValueType;
  readonly times: BigInt64Array;
  readonly values: Float32Array | Int32Array;
  /** Files that could not be read, where there are such: what is there is answered without them. */
  readonly warnings?: readonly string[];
}

/** Which samples. Both ends are included. */
export interface RangeOptions extends CallOptions {
  readonly from?: Time;
  readonly to?: Time;
  /** Every how manieth sample. @default 1 */
  readonly stride?: number;
}

/** Which windows. */
export interface AggregateOptions extends CallOptions {
  readonly from: Time;
  readonly to: Time;
  /** Length of a window: nanoseconds, or digits and one of `s m h d w`. */
  readonly window: bigint | string;
  /**
   * How long after multiples of their length since 1970 windows begin, as `window` is written, of
   * either sign. Weeks begin on Thursdays, and with `"4d"` on Mondays. @default 0n
   */
  readonly offset?: bigint | string;
  readonly aggregates: readonly Aggregate[];
}

/** The windows of one metric that have samples. */
export interface Windows {
  readonly metric: string;
  /** Start of each window, a multiple of its length and the offset; the first is not before `from`. */
  readonly times: BigInt64Array;
  /** One column for each aggregate that was asked for, in that order. */
  readonly values: readonly Float64Array[];
  /** Files that could not be read, where there are such: what is there is answered without them. */
  readonly warnings?: readonly string[];
}

/** Which samples stand for all of a chart. */
export type ChartMethod =
  /** The first, smallest, largest and last of each pixel: a line through them covers the same. */
  | "minmax"
  /** Largest triangle three buckets: as many samples as pixels, those that keep the line's shape. */
  | "lttb";

/** What a chart shows. Both ends are included. */
export interface ChartOptions extends CallOptions {
  readonly from: Time;
  readonly to: Time;
  /** Pixels across. */
  readonly points: number;
  /** @default "minmax" */
  readonly method?: ChartMethod;
}

/** The samples of one metric that stand for all in a chart. */
export interface Chart extends Series {
  /**
   * Nanoseconds: none of them was taken further from where it is placed. More than 0 only with
   * `"minmax"`, where files say what was in a stretch of time without being decoded.
   */
  readonly slack: bigint;
}

export interface ExportLinesOptions extends CallOptions {
  readonly from?: Time;
  readonly to?: Time;
  /** Only these metrics. */
  readonly metrics?: readonly string[];
}

/** A file of the data directory. */
export interface FileEntry {
  /** With `/` between directory and name: `"home/data-2026-01-01.dat"`. */
  readonly path: string;
  readonly bytes: number;
}

/** Where a data directory comes from: a tar file (also gzipped), or files with their paths. */
export type RootSource =
  Blob | ReadableStream<Uint8Array> | Iterable<RootFile> | AsyncIterable<RootFile>;

/** A file to import. `path` is as in {@link FileEntry}; one more directory around all is dropped. */
export interface RootFile {
  readonly path: string;
  readonly content: Blob | Uint8Array;
}

export interface ImportRootOptions extends ProgressOptions {
  /** Removes what the store has. Otherwise a database that exists rejects with code `exists`. */
  readonly replace?: boolean;
}

/** What an import of a data directory did. */
export interface RootReport {
  readonly databases: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** Files that are none of NanoTDB's and were left out, and damage found on opening. */
  readonly problems: readonly string[];
}

/** What maintenance did to a partition. */
export interface BuildReport {
  readonly partition: string;
  readonly metricFile: string;
  readonly format: MetricFormat;
  readonly sourceBytes: number;
  readonly metricBytes: number;
  readonly metrics: number;
  readonly points: number;
}

/** Which metric files to convert, and to what. */
export interface ConvertOptions extends ProgressOptions {
  readonly format: MetricFormat;
  /** Only this one; otherwise all that have a metric file. */
  readonly partition?: string;
}

/** What a metric file was and is. */
export interface ConvertReport {
  readonly partition: string;
  readonly metricFile: string;
  readonly oldFormat: MetricFormat;
  readonly oldBytes: number;
  readonly newFormat: MetricFormat;
  readonly newBytes: number;
  readonly metrics: number;
  readonly points: number;
  /** `false`: it was as it should be, and nothing was written. */
  readonly converted: boolean;
}

export interface RecompactReport {
  readonly partition: string;
  readonly file: string;
  readonly oldBytes: number;
  readonly newBytes: number;
  readonly oldFrames: number;
  readonly newFrames: number;
  readonly records: number;
}

/** Which samples to delete. Both ends are included; without them all samples of the metrics. */
export interface DeleteOptions extends CallOptions {
  readonly from?: Time;
  readonly to?: Time;
}

/** What a delete did. */
export interface DeleteReport {
  /** Samples that are gone. */
  readonly samples: number;
  readonly metrics: readonly { readonly metric: string; readonly samples: number }[];
  /** Partitions whose files were written anew. */
  readonly rewritten: readonly string[];
  /** Partitions that held nothing else and are gone. */
  readonly removed: readonly string[];
  /** Partitions that stayed as they were: a file is damaged, or there is no room to write it anew. */
  readonly refused: readonly { readonly partition: string; readonly reason: string }[];
}

export interface FileCheck {
  readonly file: string;
  readonly bytes: number;
  /** Of a metric file only. */
  readonly format?: MetricFormat;
  readonly frames: number;
  readonly samples: number;
  readonly problems: readonly string[];
  /** Why the file could not be read now, which is no damage. */
  readonly unread?: string;
}

export interface Retired {
  readonly partition: string;
  readonly files: readonly string[];
  readonly bytes: number;
  readonly archive?: string;
}

/** What a tick did. */
export interface TickReport {
  readonly built: number;
  readonly retired: number;
  /** Samples that rollups wrote. */
  readonly rolledUp: number;
  readonly problems: readonly string[];
}

/** A partition and its files. */
export interface PartitionInfo {
  readonly partition: string;
  readonly from: bigint;
  /** Included. */
  readonly to: bigint;
  readonly files: readonly StoredFile[];
  /** Whether it has samples that no file has yet. */
  readonly open: boolean;
}

export interface StoredFile {
  readonly name: string;
  readonly kind: "data" | "raw" | "metric";
  readonly bytes: number;
  /** Of a metric file only. */
  readonly format?: MetricFormat;
}

/** How a column of a metric file of version 3 is encoded, and the bytes that it takes. */
export interface ColumnInfo {
  /** All that was made of the numbers, for people: `"decimal 2, differences, ÷ 5: pack"`. */
  readonly text: string;
  readonly numbers: string;
  readonly divisor: number;
  /** How often differences of neighbours were taken. */
  readonly delta: number;
  readonly body: string;
  readonly samples: number;
  /** How the blocks are encoded, and where each one is. */
  readonly frontBytes: number;
  readonly bodyBytes: number;
  readonly statisticsBytes: number;
  /** Spans of time that the statistics are of. */
  readonly spans: number;
  /** Length of such a span, where there is more than one. */
  readonly spanNs?: bigint;
}

/** A frame of a data file, or a metric of a metric file. */
export interface FrameInfo {
  readonly offset: number;
  /** Of a metric in version 3 with what describes it and its statistics. */
  readonly bytes: number;
  readonly samples: number;
  /** `"columns"` in version 3. */
  readonly codec: string;
  readonly from: bigint;
  readonly to: bigint;
  /** Of a metric file only. */
  readonly metric?: string;
  readonly type?: ValueType;
  /** Of a metric file of version 3 only. */
  readonly encoding?: ColumnInfo;
}

/** What a file holds. */
export interface FileInfo {
  readonly name: string;
  readonly bytes: number;
  /** `"pages"` or `"metric v1"`, `"metric v2"`, `"metric v3"`. */
  readonly format: string;
  readonly frames: readonly FrameInfo[];
  /** Of a metric file of version 3: the columns of times that its metrics share. */
  readonly times?: readonly ColumnInfo[];
  readonly problems: readonly string[];
}

/** A page that is not in its data file yet. */
export interface OpenPage {
  readonly partition: string;
  readonly samples: number;
  readonly metrics: number;
  readonly bytes: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly maxSamples: number;
  readonly maxBytes: number;
  readonly maxAgeNs: bigint;
  readonly ageNs: bigint;
  readonly logged: boolean;
  readonly full: boolean;
}

/** A setting in force, for people. */
export interface Setting {
  readonly key: string;
  readonly value: string;
  /** What it means. */
  readonly help: string;
}

/** A database as it is now. */
export interface DatabaseInfo {
  readonly name: string;
  readonly metrics: number;
  readonly partitions: number;
  readonly bytes: number;
  readonly settings: readonly Setting[];
  readonly openPages: readonly OpenPage[];
  /** What opening it found that is damaged or strange. */
  readonly problems: readonly string[];
  readonly stats: DatabaseStats;
}

/** Counters since the store was opened. */
export interface DatabaseStats {
  readonly samples: number;
  readonly pagesWritten: number;
  readonly pageBytes: number;
  readonly logBytes: number;
  readonly logRecords: number;
  readonly logResets: readonly { readonly at: bigint; readonly bytes: number }[];
  readonly replayedRecords: number;
  readonly cacheBytes: number;
  readonly cacheEntries: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Bytes of times and values that queries read of metric files. */
  readonly metricPayloadBytes: number;
  /** Stretches of metric files whose statistics stood for their samples. */
  readonly metricSpans: number;
}

export interface LogInfo {
  readonly bytes: number;
  readonly records: number;
  /** The newest records, oldest first. */
  readonly newest: readonly {
    readonly offset: number;
    readonly metric: string;
    readonly time: bigint;
    readonly value: number;
  }[];
  readonly problems: readonly string[];
}

/** The store as a whole. */
export interface StoreStats {
  readonly version: string;
  /** `"owner"`: this tab has the files open. `"guest"`: it works through the tab that has. */
  readonly role: "owner" | "guest";
  /** Where the files are. */
  readonly storage: "opfs" | "node" | "memory";
  readonly databases: readonly string[];
  /** Bytes of all files. */
  readonly fileBytes: number;
  /** Bytes they take in storage. */
  readonly storedBytes: number;
  /** Bytes of WebAssembly memory. */
  readonly memoryBytes: number;
  /** Settings that mean nothing here, and what else is worth knowing. */
  readonly warnings: readonly string[];
}

/** What the browser says of the origin's storage. */
export interface Quota {
  /** Whether the browser promised to keep the data. */
  readonly persisted: boolean;
  readonly usage: number;
  readonly quota: number;
}

/** What a store tells those who listen. */
export type StoreEvent =
  /** This tab took the store over, or gave it away. */
  | { readonly kind: "role"; readonly role: "owner" | "guest" }
  /** The work that a store does by itself met a problem, or another tab deleted the store. */
  | { readonly kind: "problem"; readonly message: string };

/**
 * A store: databases of metrics in one place.
 *
 * Every method rejects with a {@link NanotdbError}. Databases and metrics are made by the first
 * write to them; reading never makes any.
 */
export interface Store {
  readonly root: string;

  /**
   * Takes one sample in. Without a time it is of now; without a type it has the metric's own, and
   * `f32` when the metric is new.
   */
  add(
    database: string,
    metric: string,
    value: number,
    options?: CallOptions & { readonly time?: Time; readonly type?: ValueType },
  ): Promise<void>;
  /** Takes columns in, metric by metric. */
  addColumns(
    database: string,
    columns: Columns | readonly Columns[],
    options?: CallOptions,
  ): Promise<AddReport>;
  /** Takes the samples of many metrics in, such as one tick of a collector. */
  addRows(database: string, rows: Rows, options?: CallOptions): Promise<AddReport>;
  /** Takes line protocol in: `database/metric value [time]`. */
  addLines(source: LineSource, options?: AddLinesOptions): Promise<LinesReport>;

  last(database: string, metric: string, options?: CallOptions): Promise<Sample | undefined>;
  query(database: string, metric: string, options?: RangeOptions): Promise<Series>;
  queryMany(
    database: string,
    metrics: readonly string[],
    options?: RangeOptions,
  ): Promise<readonly Series[]>;
  aggregate(database: string, metric: string, options: AggregateOptions): Promise<Windows>;
  aggregateMany(
    database: string,
    metrics: readonly string[],
    options: AggregateOptions,
  ): Promise<readonly Windows[]>;
  /** What a chart of so many pixels needs, in time that hardly depends on how many samples there are. */
  chart(database: string, metric: string, options: ChartOptions): Promise<Chart>;
  chartMany(
    database: string,
    metrics: readonly string[],
    options: ChartOptions,
  ): Promise<readonly Chart[]>;
  metrics(database: string, options?: CallOptions): Promise<readonly Metric[]>;
  databases(options?: CallOptions): Promise<readonly string[]>;

  /** Makes a database, with this `manifest.toml` if one is given. An existing one stays as it is. */
  createDatabase(
    database: string,
    options?: CallOptions & { readonly manifest?: string },
  ): Promise<void>;

  importRoot(source: RootSource, options?: ImportRootOptions): Promise<RootReport>;
  /**
   * The data directory as a tar file. For NanoTDB for Go, which does not read `"v3"`, convert every
   * database before, with `metricFormat: "v2"` if more partitions may be sealed meanwhile.
   *
   * @example
   * for (const database of await store.databases()) {
   *   await store.convert(database, { format: "v2" });
   * }
   * const tar = await store.exportRoot();
   */
  exportRoot(options?: ProgressOptions): Promise<ReadableStream<Uint8Array>>;
  exportLines(database: string, options?: ExportLinesOptions): Promise<ReadableStream<Uint8Array>>;

  /** All files of the data directory. */
  files(options?: CallOptions): Promise<readonly FileEntry[]>;
  /** A whole file of the data directory, such as `dashboard.json`. */
  readFile(path: string, options?: CallOptions): Promise<Uint8Array | undefined>;
  /** Replaces a file of the root directory that is not the engine's, whole or not at all. */
  writeFile(path: string, content: Uint8Array | string, options?: CallOptions): Promise<void>;

  inspect(database: string, options?: CallOptions): Promise<DatabaseInfo>;
  inspectPartitions(database: string, options?: CallOptions): Promise<readonly PartitionInfo[]>;
  inspectFile(database: string, file: string, options?: CallOptions): Promise<FileInfo>;
  inspectLog(
    database: string,
    options?: CallOptions & { readonly limit?: number },
  ): Promise<LogInfo>;
  /** Settings of `engine.toml`, for people. */
  settings(options?: CallOptions): Promise<readonly Setting[]>;

  /** Builds the metric file of a partition and does with its raw pages what the settings say. */
  build(database: string, partition: string, options?: CallOptions): Promise<BuildReport>;
  /**
   * Writes metric files anew in another layout, with the same samples. Each is compared with the old
   * one bit for bit before it takes its place; raw pages stay as they are.
   */
  convert(database: string, options: ConvertOptions): Promise<readonly ConvertReport[]>;
  /** Writes the frames of a data file anew, larger ones. */
  recompact(database: string, partition: string, options?: CallOptions): Promise<RecompactReport>;
  /**
   * Deletes samples of one metric or of several, by their exact names. They are gone for certain when
   * this resolves, except in the partitions that the report names as refused. A metric without a range
   * is forgotten, too: it may come back with another type. Rollups of the samples follow within about
   * a second.
   */
  delete(
    database: string,
    metrics: string | readonly string[],
    options?: DeleteOptions,
  ): Promise<DeleteReport>;
  /** Checks every byte of every file. */
  verify(database: string, options?: ProgressOptions): Promise<readonly FileCheck[]>;
  runRollups(database: string, options?: CallOptions): Promise<TickReport>;
  /**
   * Lets expired partitions go. Rejects with `invalid` where they are expired only by a clock that is
   * far ahead of the last run: see `confirmClock`.
   */
  applyRetention(database: string, options?: CallOptions): Promise<readonly Retired[]>;
  /**
   * Believes the clock as it is. One that has gone on by more than 90 days since the store was open
   * last lets nothing expire for an hour, in case it is wrong.
   */
  confirmClock(options?: CallOptions): Promise<void>;
  /** Does what is due now. The store does it by itself about once a second. */
  tick(options?: CallOptions): Promise<TickReport>;

  stats(options?: CallOptions): Promise<StoreStats>;
  /** Makes everything that was taken so far durable. */
  flush(options?: CallOptions): Promise<void>;
  /** Ends this tab's use of the store, after its calls have ended. */
  close(): Promise<void>;
  /** Closes the store in every tab and deletes it. */
  destroy(): Promise<void>;

  /** Asks the browser to keep the data when disk space runs short. */
  persist(): Promise<Quota>;
  /** What the browser says of the storage now. */
  quota(): Promise<Quota>;

  /** Calls `listener` until the returned function is called. */
  subscribe(listener: (event: StoreEvent) => void): () => void;
  [Symbol.asyncDispose](): Promise<void>;
}
