import type { Store } from "nanotdb";

export type {
  Aggregate,
  Columns,
  DatabaseInfo,
  ErrorCode,
  FileInfo,
  LinesReport,
  LogInfo,
  Metric,
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
  /** Lives in the browser's quota and can ask to be kept. */
  readonly hasQuota: boolean;
  /** Is shared by the tabs of this browser, of which one owns the files. */
  readonly hasRoles: boolean;
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
  | "recompact"
  | "verify"
  | "runRollups"
  | "applyRetention"
  | "stats"
  | "flush"
  | "destroy"
  | "persist"
  | "quota"
  | "subscribe"
  | "close"
> {
  readonly capabilities: Capabilities;
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
