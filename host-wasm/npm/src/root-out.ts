/** A whole data directory out. */
import type { FileEntry, ProgressOptions } from "./api.js";
import type { Backend } from "./backend.js";
import { CHUNK_BYTES, type Pieces } from "./bytes.js";
import { NanotdbError } from "./error.js";
import { tarStream, type TarSource } from "./tar.js";

/** The data directory as a tar file, in bounded pieces, while the store goes on working. */
export async function exportRoot(
  backend: Backend,
  options: ProgressOptions,
): Promise<ReadableStream<Uint8Array>> {
  // Samples that are only in memory have to be in a file.
  await backend.call("flush", {}, options);
  const files = await backend.call("files", {}, options);
  return tarStream(contents(backend, files, options));
}

/** What the files hold, in an order in which a later file never needs an earlier state. */
async function* contents(
  backend: Backend,
  files: readonly FileEntry[],
  options: ProgressOptions,
): AsyncIterable<TarSource> {
  const done = new Set<string>();
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  let bytes = 0;
  let waiting: readonly FileEntry[] = files;
  // Maintenance may have put a new file in the place of one that was still to come. It is in the
  // next list then, so lists are read until one has nothing new.
  while (waiting.length > 0) {
    for (const { path, bytes: length } of [...waiting].sort(byRank)) {
      done.add(path);
      const source = await fileSource(backend, path, length, options);
      if (source === undefined) {
        total -= length;
        continue;
      }
      yield source;
      bytes += source.bytes;
      options.onProgress?.({ bytes, total: Math.max(bytes, total), item: path });
    }
    const now = await backend.call("files", {}, options);
    waiting = now.filter(({ path }) => !done.has(path));
    total += waiting.reduce((sum, file) => sum + file.bytes, 0);
  }
}

/** A file as it is now; `undefined` when it is gone. */
async function fileSource(
  backend: Backend,
  path: string,
  listed: number,
  options: ProgressOptions,
): Promise<TarSource | undefined> {
  const first = await backend.call("readFile", { path, offset: 0, length: CHUNK_BYTES }, options);
  if (first === undefined) {
    return undefined;
  }
  // Small files are replaced whole, and one read sees one state. Larger ones only grow; those
  // that maintenance writes anew while they are read end the export below.
  const bytes = first.length < CHUNK_BYTES ? first.length : Math.max(listed, first.length);
  return { path, bytes, content: rest(backend, path, first, bytes, options) };
}

async function* rest(
  backend: Backend,
  path: string,
  first: Uint8Array,
  bytes: number,
  options: ProgressOptions,
): Pieces {
  yield first;
  for (let offset = first.length; offset < bytes;) {
    const length = Math.min(CHUNK_BYTES, bytes - offset);
    const piece = await backend.call("readFile", { path, offset, length }, options);
    if (piece === undefined || piece.length < length) {
      throw new NanotdbError("io", `${path} was rewritten while it was exported: try again`);
    }
    yield piece;
    offset += piece.length;
  }
}

/**
 * Logs first: a record whose page is written meanwhile is in the copy twice, which opening it
 * understands, and never missing. Catalogs last: they have every metric of the pages before.
 */
function byRank(a: FileEntry, b: FileEntry): number {
  return rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1);
}

function rank(path: string): number {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name.endsWith(".wal") ? 0 : name.startsWith("catalog") ? 2 : 1;
}
