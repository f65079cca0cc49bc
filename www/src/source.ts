import type { CallOptions, Store, StoreStats } from "nanotdb";

export type {
  Aggregate,
  CallOptions,
  ColumnInfo,
  Columns,
  ConvertReport,
  DatabaseInfo,
  ErrorCode,
  FileCheck,
  FileInfo,
  LinesReport,
  LogInfo,
  Metric,
  MetricFormat,
  OpenPage,
  PartitionInfo,
  Progress,
  Quota,
  RootFile,
  RootReport,
  Sample,
  Series,
  Setting,
  StoreEvent,
  StoreStats,
  ValueType,
  Windows,
} from "nanotdb";

/** What a source can do beside reading; pages hide what it cannot. */
export interface Capabilities {
  /** Where the samples are. */
  readonly storageKind: "opfs" | "memory" | "node" | "server";
  /** Takes samples and files in. */
  readonly canWrite: boolean;
  /** Can delete everything. */
  readonly canDestroy: boolean;
  /** Takes whole data directories in. */
  readonly canImportRoot: boolean;
  /** Lives in the browser's quota and can ask to be kept. */
  readonly hasQuota: boolean;
  /** Is shared by the tabs of this browser, of which one owns the files. */
  readonly hasRoles: boolean;
  /**
   * Milliseconds after which what is shown is read again, because others write, too; none when all
   * that writes is this page.
   */
  readonly refreshMs?: number;
}

/** The store as a whole, wherever it is. */
export type SourceStats = Omit<StoreStats, "storage"> & {
  readonly storage: Capabilities["storageKind"];
};

/** A dashboard that the source itself checks and keeps. */
export interface DashboardFile {
  /** The file, or what is shown without one. */
  load(
    options?: CallOptions,
  ): Promise<{ readonly content: Uint8Array; readonly isDefault: boolean }>;
  /** Replaces it; the answer is where the one before is kept, if there was one. */
  save(text: string): Promise<string | undefined>;
}

/**
 * Everything pages need from a database: the only way to it. `source-local.ts` implements it on the
 * package; a server's API can implement it, too.
 */
export interface Source extends Pick<
  Store,
  | "add"
  | "addColumns"
  | "addRows"
  | "addLines"
  | "last"
  | "queryMany"
  | "aggregateMany"
  | "metrics"
  | "databases"
  | "importRoot"
  | "exportRoot"
  | "exportLines"
  | "files"
  | "readFile"
  | "writeFile"
  | "inspect"
  | "inspectPartitions"
  | "inspectFile"
  | "inspectLog"
  | "settings"
  | "build"
  | "convert"
  | "recompact"
  | "verify"
  | "runRollups"
  | "applyRetention"
  | "flush"
  | "destroy"
  | "persist"
  | "quota"
  | "subscribe"
  | "close"
> {
  readonly capabilities: Capabilities;
  /** Without it, the dashboard is a file like any other. */
  readonly dashboard?: DashboardFile;
  stats(options?: CallOptions): Promise<SourceStats>;
}

/** What a failure is, whatever was thrown. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Reads code and message off anything thrown: errors of a worker are not always instances. */
export function failure(error: unknown): Failure {
  if (error instanceof Error) {
    const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
    return { code: error.name === "AbortError" ? "aborted" : code, message: error.message };
  }
  return { code: "internal", message: String(error) };
}

/** Whether a call ended because its own signal said so: nobody needs to hear of that. */
export function isAborted(error: unknown): boolean {
  return failure(error).code === "aborted";
}
