/** Lines in, in calls of bounded size that each carry whole lines. */
import type { AddLinesOptions, LineSource, LinesReport } from "./api.js";
import type { Backend } from "./backend.js";
import {
  CHUNK_BYTES,
  joined,
  stopper,
  sourcePieces,
  textPieces,
  utf8Length,
  type Pieces,
} from "./bytes.js";
import { NanotdbError } from "./error.js";

/** The engine refuses longer lines, so there is no need to keep more of one. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Rejected lines that a report names. */
const MAX_REJECTIONS = 1000;
const LINE_END = 0x0a;

/** Takes a source of lines in. When it fails or is aborted, what was taken before stays. */
export async function addLines(
  backend: Backend,
  source: LineSource,
  options: AddLinesOptions,
): Promise<LinesReport> {
  const { signal, database, onProgress } = options;
  const stop = stopper(signal);
  const { pieces, total } = opened(source, stop.signal);
  const sum = new Sum();
  const chunks = lineChunks(pieces)[Symbol.asyncIterator]();
  let bytes = 0;
  try {
    let next = await chunks.next();
    while (next.done !== true) {
      const chunk = next.value;
      const length = chunk.length;
      const settings = { signal, transfer: [chunk.buffer] };
      const call = backend.call("addLines", { database, bytes: chunk }, settings);
      // The next chunk is read while the engine takes this one; never more than that waits.
      const following = chunks.next();
      following.catch(() => undefined);
      sum.add(await call);
      bytes += length;
      onProgress?.(total === undefined ? { bytes } : { bytes, total });
      next = await following;
    }
    stop.check();
    return sum.report();
  } finally {
    stop.end();
  }
}

/** Whole lines in chunks of some 512 KiB, each in a buffer of its own. */
export async function* lineChunks(pieces: Pieces): AsyncIterable<Uint8Array<ArrayBuffer>> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  // Set within a line that is too long: the rest of it is dropped.
  let dropping = false;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += CHUNK_BYTES) {
      let part = piece.subarray(at, at + CHUNK_BYTES);
      if (dropping) {
        const end = part.indexOf(LINE_END);
        dropping = end < 0;
        part = dropping ? part.subarray(part.length) : part.subarray(end + 1);
      }
      // A copy: the source may use its buffer again.
      waiting.push(part.slice());
      length += part.length;
      if (length < CHUNK_BYTES) {
        continue;
      }
      const gathered = joined(waiting);
      const end = gathered.lastIndexOf(LINE_END) + 1;
      if (end > 0) {
        yield gathered.slice(0, end);
        waiting = [gathered.slice(end)];
        length -= end;
      } else if (length > MAX_LINE_BYTES) {
        // The engine counts and rejects it by what there is.
        yield gathered;
        waiting = [];
        length = 0;
        dropping = true;
      }
    }
  }
  if (length > 0) {
    yield joined(waiting);
  }
}

function opened(source: LineSource, signal: AbortSignal): { pieces: Pieces; total?: number } {
  if (typeof source === "string") {
    return { pieces: textPieces(source), total: utf8Length(source) };
  }
  if (source instanceof Uint8Array) {
    return { pieces: once(source), total: source.length };
  }
  if (source instanceof Blob) {
    return { pieces: sourcePieces(source.stream(), signal), total: source.size };
  }
  if (source instanceof ReadableStream) {
    return { pieces: sourcePieces(source, signal) };
  }
  throw new NanotdbError("invalid", "lines come as a string, bytes, a Blob or a ReadableStream");
}

async function* once(bytes: Uint8Array): Pieces {
  yield bytes;
}

/** The reports of chunks as one. */
class Sum {
  #total = 0;
  #imported = 0;
  #skipped = 0;
  #rejected = 0;
  readonly #rejections: { line: number; reason: string }[] = [];
  readonly #databases = new Set<string>();

  add(report: LinesReport): void {
    const room = MAX_REJECTIONS - this.#rejections.length;
    for (const { line, reason } of report.rejections.slice(0, room)) {
      this.#rejections.push({ line: this.#total + line, reason });
    }
    this.#total += report.totalLines;
    this.#imported += report.importedLines;
    this.#skipped += report.skippedLines;
    this.#rejected += report.rejectedLines;
    report.databases.forEach((name) => this.#databases.add(name));
  }

  report(): LinesReport {
    return {
      totalLines: this.#total,
      importedLines: this.#imported,
      skippedLines: this.#skipped,
      rejectedLines: this.#rejected,
      rejections: this.#rejections,
      databases: [...this.#databases].sort(),
    };
  }
}
