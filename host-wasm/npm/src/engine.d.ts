/**
 * The wasm module as `wasm-bindgen --target web` offers it. Written by hand: the generated
 * declaration knows results as untyped values. Everything but opening in a browser is synchronous;
 * every failure is an `Error` with a `code`, see {@link ErrorCode}.
 */
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
  PartitionInfo,
  RecompactReport,
  Retired,
  RootReport,
  Sample,
  Series,
  Setting,
  StoreStats,
  TickReport,
  Windows,
} from "./api.js";

export default function init(input?: {
  readonly module_or_path: URL | Response | Promise<Response> | BufferSource | WebAssembly.Module;
}): Promise<unknown>;
export function initSync(input: { readonly module: BufferSource | WebAssembly.Module }): unknown;

export function version(): string;
export function parseDuration(text: string): bigint;
export function openFiles(root: string, cacheBytes: number, metricFormat: string): Promise<Session>;
export function destroyFiles(root: string): Promise<void>;
export function openMemory(root: string, cacheBytes: number, metricFormat: string): Session;
export function openNode(files: NodeFiles, cacheBytes: number, metricFormat: string): Session;

export class Session {
  private constructor();
  free(): void;
  add(
    database: string,
    metric: string,
    value: number,
    type: string | undefined,
    time: bigint | undefined,
  ): void;
  addColumns(
    database: string,
    metric: string,
    times: BigInt64Array,
    floats: Float32Array | undefined,
    ints: Int32Array | undefined,
  ): AddReport;
  addRows(
    database: string,
    metrics: readonly string[],
    index: Uint32Array | undefined,
    times: BigInt64Array,
    floats: Float32Array | undefined,
    ints: Int32Array | undefined,
  ): AddReport;
  importLines(database: string | undefined): LineImport;
  last(database: string, metric: string): Sample | undefined;
  query(
    database: string,
    metrics: readonly string[],
    from: bigint,
    to: bigint,
    stride: number,
  ): Series[];
  aggregate(
    database: string,
    metrics: readonly string[],
    from: bigint,
    to: bigint,
    windowNs: bigint,
    offsetNs: bigint,
    aggregates: readonly string[],
  ): Windows[];
  chart(
    database: string,
    metrics: readonly string[],
    from: bigint,
    to: bigint,
    points: number,
    method: string,
  ): Chart[];
  metrics(database: string): Metric[];
  databases(): string[];
  createDatabase(name: string, manifest: string | undefined): void;
  partitions(database: string): PartitionInfo[];
  exportLines(
    database: string,
    from: bigint,
    to: bigint,
    metrics: readonly string[] | undefined,
    sink: (chunk: Uint8Array) => void,
  ): number;
  files(): FileEntry[];
  readFile(path: string, offset: number, length: number): Uint8Array | undefined;
  writeFile(path: string, content: Uint8Array): void;
  removeFile(path: string): void;
  beginImport(): RootImport;
  /** Takes the import with it, also when it fails. */
  finishImport(unfinished: RootImport, replace: boolean): RootReport;
  inspect(database: string): DatabaseInfo;
  inspectFile(database: string, file: string): FileInfo;
  inspectLog(database: string, limit: number): LogInfo;
  settings(): Setting[];
  build(database: string, partition: string): BuildReport;
  convert(database: string, partition: string, format: string): ConvertReport;
  recompact(database: string, partition: string): RecompactReport;
  deleteSamples(
    database: string,
    metrics: readonly string[],
    from: bigint,
    to: bigint,
  ): DeleteReport;
  verify(database: string, partition: string | undefined): FileCheck[];
  runRollups(database: string): TickReport;
  applyRetention(database: string): Retired[];
  confirmClock(): void;
  tick(): TickReport;
  stats(): Omit<StoreStats, "role">;
  flush(): void;
  settle(): boolean;
  close(): void;
}

export class LineImport {
  private constructor();
  feed(bytes: Uint8Array): void;
  finish(): LinesReport;
  free(): void;
}

export class RootImport {
  private constructor();
  /** `false`: none of NanoTDB's files, left out. */
  file(path: string): boolean;
  write(bytes: Uint8Array): void;
  cancel(): void;
  free(): void;
}

/** The files of a directory. Paths are relative to it, with `/`; errors are those of `node:fs`. */
export interface NodeFiles {
  list(directory: string): string[];
  directories(): string[];
  makeDirectory(path: string): void;
  open(path: string, create: boolean): number;
  close(fd: number): void;
  read(fd: number, offset: number, into: Uint8Array): number;
  write(fd: number, offset: number, bytes: Uint8Array): number;
  size(fd: number): number;
  truncate(fd: number, length: number): void;
  sync(fd: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  syncDirectory(path: string): void;
}
