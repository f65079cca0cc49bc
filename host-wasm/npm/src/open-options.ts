/** What `open` was told, checked. */
import type { OpenOptions } from "./api.js";
import { abortedError, NanotdbError } from "./error.js";
import type { Opening } from "./rpc.js";

const CACHE_BYTES = 8 * 1024 * 1024;
const PATIENCE_MS = 5000;
/** The engine counts its cache in 32 bits. */
const MAX_CACHE_BYTES = 2 ** 31;

/**
 * The options with their defaults; what is not allowed is `invalid`. `filesFormat` is the layout of
 * metric files among the platform's own files.
 */
export function checkedOptions(
  root: string,
  options: OpenOptions,
  filesFormat: Opening["metricFormat"],
): Opening {
  const { storage = "files", cacheBytes = CACHE_BYTES, patience = PATIENCE_MS, signal } = options;
  const { metricFormat = storage === "files" ? filesFormat : "v3" } = options;
  if (signal?.aborted === true) {
    throw abortedError(signal);
  }
  if (typeof root !== "string" || root === "") {
    throw new NanotdbError("invalid", "a store needs a name");
  }
  if (storage !== "files" && storage !== "memory") {
    throw new NanotdbError("invalid", `no such storage: ${String(storage)}`);
  }
  if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0 || cacheBytes > MAX_CACHE_BYTES) {
    throw new NanotdbError("invalid", `cacheBytes must be from 0 to ${MAX_CACHE_BYTES}`);
  }
  if (metricFormat !== "v2" && metricFormat !== "v3") {
    throw new NanotdbError("invalid", `metricFormat must be "v2" or "v3"`);
  }
  if (!(patience > 0)) {
    throw new NanotdbError("invalid", "patience must be a number of milliseconds above 0");
  }
  return { root, storage, cacheBytes, metricFormat, patience };
}
