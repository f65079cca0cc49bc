/** What kind of failure it was; programs branch on this. */
export type ErrorCode =
  /** A sample older than its metric's newest. */
  | "stale"
  /** A value of another type than its metric's. */
  | "type-mismatch"
  | "too-many-metrics"
  | "invalid-name"
  | "unknown-database"
  | "unknown-metric"
  | "invalid-range"
  | "invalid-partition"
  /** The partition has samples that are not in a file yet. */
  | "partition-open"
  /** A line that is no sample. */
  | "invalid-line"
  /** Any other request that cannot be done; nothing has changed. */
  | "invalid"
  | "read-only"
  /** Bytes in a file are not what their format allows. */
  | "corrupt"
  /** A file that this version cannot read. */
  | "unsupported"
  /** A settings file says something that is not allowed. */
  | "settings"
  | "closed"
  /** An earlier write failed: reads go on, writes need the store to be opened again. */
  | "poisoned"
  /** The disk or the browser's quota is full. */
  | "no-space"
  /** Another process has the directory open, or a tab that died still holds the file. */
  | "locked"
  | "not-found"
  | "exists"
  | "io"
  /** The platform has no file storage here. */
  | "unavailable"
  /** The caller's signal was aborted. */
  | "aborted"
  /** The tab that owned the store went away: whether the write was done is not known. */
  | "interrupted"
  /** The tab that owns the store gives no sign of life. */
  | "unresponsive"
  /** A defect of this package. */
  | "internal";

/** Every rejection is one of these: branch on `code`, show `message`. */
export class NanotdbError extends Error {
  override readonly name = "NanotdbError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
