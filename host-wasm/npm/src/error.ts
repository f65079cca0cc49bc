/** What kind of failure it was; programs branch on this. */
export type ErrorCode =
  /** A sample older than its metric's newest. */
  | "stale"
  /** The clock is behind the metric, or the sample too far ahead of the clock of a server. */
  | "clock"
  /** A value of another type than its metric's. */
  | "type-mismatch"
  /** The metric has lost its name and is read only. */
  | "name-lost"
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
  /** The system does not let this process read or write there. */
  | "denied"
  /** So many files are open that no other can be, now. */
  | "too-many-files"
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

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "stale",
  "clock",
  "type-mismatch",
  "name-lost",
  "too-many-metrics",
  "invalid-name",
  "unknown-database",
  "unknown-metric",
  "invalid-range",
  "invalid-partition",
  "partition-open",
  "invalid-line",
  "invalid",
  "read-only",
  "corrupt",
  "unsupported",
  "settings",
  "closed",
  "poisoned",
  "no-space",
  "locked",
  "not-found",
  "exists",
  "denied",
  "too-many-files",
  "io",
  "unavailable",
  "aborted",
  "interrupted",
  "unresponsive",
  "internal",
]);

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && CODES.has(code);
}

/** Names of platform errors, of browsers and of `node:fs`. What else those throw is `io`. */
const PLATFORM: Readonly<Record<string, ErrorCode>> = {
  QuotaExceededError: "no-space",
  NoModificationAllowedError: "locked",
  SecurityError: "unavailable",
  NotAllowedError: "unavailable",
  NotFoundError: "not-found",
  AbortError: "aborted",
  ENOSPC: "no-space",
  EDQUOT: "no-space",
  ENOENT: "not-found",
  EEXIST: "exists",
  EACCES: "denied",
  EPERM: "denied",
  EMFILE: "too-many-files",
  ENFILE: "too-many-files",
};

/** What was thrown, as one of ours. What has no code that is known is a defect: `internal`. */
export function errorFrom(thrown: unknown): NanotdbError {
  if (thrown instanceof NanotdbError) {
    return thrown;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new NanotdbError(codeOf(thrown), message, { cause: thrown });
}

function codeOf(thrown: unknown): ErrorCode {
  const code: unknown = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  if (isErrorCode(code)) {
    return code;
  }
  if (typeof DOMException !== "undefined" && thrown instanceof DOMException) {
    return PLATFORM[thrown.name] ?? "io";
  }
  // The system's codes; Node has others for wrong arguments (ERR_...).
  if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) {
    return PLATFORM[code] ?? "io";
  }
  return "internal";
}

/** The rejection of calls whose signal was aborted. */
export function abortedError(signal: AbortSignal): NanotdbError {
  return new NanotdbError("aborted", "the call was aborted", { cause: signal.reason });
}
