/** A whole data directory in. */
import type { ImportRootOptions, RootFile, RootReport, RootSource } from "./api.js";
import type { Backend } from "./backend.js";
import { CHUNK_BYTES, gunzipped, owned, stopper, sourcePieces, type Pieces } from "./bytes.js";
import { NanotdbError } from "./error.js";
import { tarFiles, type TarFile } from "./tar-in.js";

/** Tells how many bytes of the source were read. */
type Count = (bytes: number) => void;

/** Takes a data directory in. When it fails or is aborted, nothing has changed. */
export async function importRoot(
  backend: Backend,
  source: RootSource,
  options: ImportRootOptions,
): Promise<RootReport> {
  const { signal, onProgress } = options;
  const stop = stopper(signal);
  const total = totalOf(source);
  let bytes = 0;
  const count = (more: number): void => {
    bytes += more;
  };
  const handle = await backend.call("rootBegin", {}, { signal });
  try {
    for await (const { path, refused, content } of filesOf(source, stop.signal, count)) {
      const taken = await backend.call("rootFile", { handle, path }, { signal });
      if (taken && refused !== undefined) {
        throw new NanotdbError("unsupported", `${path} is ${refused}, which is not read`);
      }
      for await (const piece of content) {
        stop.check();
        if (taken) {
          await write(backend, handle, piece, signal);
        }
        onProgress?.(total === undefined ? { bytes, item: path } : { bytes, total, item: path });
      }
      stop.check();
    }
    stop.check();
    // Not abortable: whether it was done would not be known.
    return await backend.call("rootFinish", { handle, replace: options.replace ?? false });
  } catch (thrown) {
    // It may be gone already, with the tab that owned it.
    await backend.call("rootCancel", { handle }).catch(() => undefined);
    stop.check();
    throw thrown;
  } finally {
    stop.end();
  }
}

async function write(
  backend: Backend,
  handle: number,
  piece: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
    const bytes = owned(piece.subarray(at, at + CHUNK_BYTES));
    await backend.call("rootWrite", { handle, bytes }, { signal, transfer: [bytes.buffer] });
  }
}

function totalOf(source: RootSource): number | undefined {
  if (source instanceof Blob) {
    return source.size;
  }
  if (Array.isArray(source)) {
    const files: readonly RootFile[] = source;
    return files.reduce((sum, { content }) => sum + sizeOf(content), 0);
  }
  return undefined;
}

function sizeOf(content: Blob | Uint8Array): number {
  return content instanceof Blob ? content.size : content.length;
}

function filesOf(source: RootSource, signal: AbortSignal, count: Count): AsyncIterable<TarFile> {
  if (source instanceof Blob) {
    return tarFiles(gunzipped(counted(sourcePieces(source.stream(), signal), count)));
  }
  if (source instanceof ReadableStream) {
    return tarFiles(gunzipped(counted(sourcePieces(source, signal), count)));
  }
  if (typeof source === "object" && source !== null) {
    return given(source, signal, count);
  }
  throw new NanotdbError("invalid", "a directory comes as a Blob, a ReadableStream or files");
}

async function* given(
  files: Iterable<RootFile> | AsyncIterable<RootFile>,
  signal: AbortSignal,
  count: Count,
): AsyncIterable<TarFile> {
  for await (const { path, content } of files) {
    const pieces =
      content instanceof Blob ? sourcePieces(content.stream(), signal) : onePiece(content);
    yield { path, content: counted(pieces, count) };
  }
}

async function* onePiece(bytes: Uint8Array): Pieces {
  yield bytes;
}

async function* counted(pieces: Pieces, count: Count): Pieces {
  for await (const piece of pieces) {
    count(piece.length);
    yield piece;
  }
}
