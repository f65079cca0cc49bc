/** What page, worker and tabs say to each other about calls: nothing here runs anything. */
import type {
  AddReport,
  BuildReport,
  Chart,
  ConvertReport,
  DatabaseInfo,
  DeleteReport,
  FileCheck,
  FileEntry,
  FileInfo,
  LinesReport,
  LogInfo,
  Metric,
  MetricFormat,
  PartitionInfo,
  RecompactReport,
  Retired,
  RootReport,
  Sample,
  Series,
  Setting,
  StoreEvent,
  StoreStats,
  TickReport,
  ValueType,
  Windows,
} from "./api.js";
import type { ErrorCode } from "./error.js";

/** Columns whose arrays own their buffers. */
export interface WireColumns {
  readonly metric: string;
  readonly times: BigInt64Array;
  readonly values: Float32Array | Int32Array;
}

interface Span {
  readonly from: bigint;
  readonly to: bigint;
}

/** Every call with its arguments and its result. Long work is many calls of bounded size. */
export interface Calls {
  readonly add: {
    args: {
      database: string;
      metric: string;
      value: number;
      type: ValueType | undefined;
      time: bigint | undefined;
    };
    result: void;
  };
  readonly addColumns: {
    args: { database: string; columns: readonly WireColumns[] };
    result: AddReport;
  };
  readonly addRows: {
    args: {
      database: string;
      metrics: readonly string[];
      index: Uint32Array | undefined;
      times: BigInt64Array;
      values: Float32Array | Int32Array;
    };
    result: AddReport;
  };
  /** Whole lines, so that no call depends on one before it. */
  readonly addLines: {
    args: { database: string | undefined; bytes: Uint8Array };
    result: LinesReport;
  };
  readonly last: { args: { database: string; metric: string }; result: Sample | undefined };
  readonly query: {
    args: Span & { database: string; metrics: readonly string[]; stride: number };
    result: readonly Series[];
  };
  readonly aggregate: {
    args: Span & {
      database: string;
      metrics: readonly string[];
      window: bigint | string;
      offset: bigint | string;
      aggregates: readonly string[];
    };
    result: readonly Windows[];
  };
  readonly chart: {
    args: Span & {
      database: string;
      metrics: readonly string[];
      points: number;
      method: string;
    };
    result: readonly Chart[];
  };
  readonly metrics: { args: { database: string }; result: readonly Metric[] };
  readonly databases: { args: Record<never, never>; result: readonly string[] };
  readonly createDatabase: {
    args: { database: string; manifest: string | undefined };
    result: void;
  };
  readonly partitions: { args: { database: string }; result: readonly PartitionInfo[] };
  readonly exportLines: {
    args: Span & { database: string; metrics: readonly string[] | undefined };
    result: readonly Uint8Array[];
  };
  readonly files: { args: Record<never, never>; result: readonly FileEntry[] };
  readonly readFile: {
    args: { path: string; offset: number; length: number };
    result: Uint8Array | undefined;
  };
  readonly writeFile: { args: { path: string; content: Uint8Array }; result: void };
  /** Begins an import of a directory; the result names it in the calls that follow. */
  readonly rootBegin: { args: Record<never, never>; result: number };
  readonly rootFile: { args: { handle: number; path: string }; result: boolean };
  readonly rootWrite: { args: { handle: number; bytes: Uint8Array }; result: void };
  readonly rootFinish: { args: { handle: number; replace: boolean }; result: RootReport };
  readonly rootCancel: { args: { handle: number }; result: void };
  readonly inspect: { args: { database: string }; result: DatabaseInfo };
  readonly inspectFile: { args: { database: string; file: string }; result: FileInfo };
  readonly inspectLog: { args: { database: string; limit: number }; result: LogInfo };
  readonly settings: { args: Record<never, never>; result: readonly Setting[] };
  readonly build: { args: { database: string; partition: string }; result: BuildReport };
  readonly convert: {
    args: { database: string; partition: string; format: MetricFormat };
    result: ConvertReport;
  };
  readonly recompact: { args: { database: string; partition: string }; result: RecompactReport };
  readonly delete: {
    args: Span & { database: string; metrics: readonly string[] };
    result: DeleteReport;
  };
  readonly verify: {
    args: { database: string; partition: string | undefined };
    result: readonly FileCheck[];
  };
  readonly runRollups: { args: { database: string }; result: TickReport };
  readonly applyRetention: { args: { database: string }; result: readonly Retired[] };
  readonly confirmClock: { args: Record<never, never>; result: void };
  readonly tick: { args: Record<never, never>; result: TickReport };
  readonly stats: { args: Record<never, never>; result: Omit<StoreStats, "role"> };
  readonly flush: { args: Record<never, never>; result: void };
}

export type Op = keyof Calls;
export type Args<K extends Op> = Calls[K]["args"];
export type Result<K extends Op> = Calls[K]["result"];

/** A call. */
export type Request = { [K in Op]: { readonly op: K; readonly args: Args<K> } }[Op];

/** What became of a call. */
export type Reply =
  | { readonly ok: true; readonly result: Result<Op> }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/**
 * What a call may do. `"read"`: it can be done again, which also holds for work whose second run
 * changes nothing. `"write"`: it must not be done twice.
 */
export const KINDS: { readonly [K in Op]: "read" | "write" } = {
  add: "write",
  addColumns: "write",
  addRows: "write",
  addLines: "write",
  last: "read",
  query: "read",
  aggregate: "read",
  chart: "read",
  metrics: "read",
  databases: "read",
  createDatabase: "read",
  partitions: "read",
  exportLines: "read",
  files: "read",
  readFile: "read",
  writeFile: "write",
  rootBegin: "write",
  rootFile: "write",
  rootWrite: "write",
  rootFinish: "write",
  rootCancel: "read",
  inspect: "read",
  inspectFile: "read",
  inspectLog: "read",
  settings: "read",
  build: "write",
  convert: "write",
  recompact: "write",
  // A second run finds nothing left to delete, but samples that came after the first.
  delete: "write",
  verify: "read",
  runRollups: "write",
  applyRetention: "write",
  confirmClock: "read",
  tick: "read",
  stats: "read",
  flush: "read",
};

/** How a worker opens its store. */
export interface Opening {
  readonly root: string;
  readonly storage: "files" | "memory";
  readonly cacheBytes: number;
  readonly metricFormat: "v2" | "v3";
  readonly patience: number;
}

/** What a page tells its worker. */
export type ToWorker =
  | { readonly kind: "open"; readonly opening: Opening }
  | { readonly kind: "call"; readonly id: number; readonly request: Request }
  | { readonly kind: "abort"; readonly id: number }
  /** The page is about to be frozen: others must not wait for it. */
  | { readonly kind: "freeze" }
  | { readonly kind: "resume" }
  | { readonly kind: "close"; readonly id: number }
  | { readonly kind: "destroy"; readonly id: number };

/** What a worker tells its page. */
export type FromWorker =
  /** The worker holds this lock for as long as it lives. */
  | { readonly kind: "alive"; readonly lock: string }
  | { readonly kind: "reply"; readonly id: number; readonly reply: Reply }
  | { readonly kind: "event"; readonly event: StoreEvent }
  /** The store ended without this page's doing: another tab deleted it, or the engine failed. */
  | { readonly kind: "ended"; readonly code: ErrorCode; readonly message: string };
