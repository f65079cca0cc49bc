/** Bytes that come in pieces. */
import { abortedError, NanotdbError } from "./error.js";

/** Bytes that one call carries. */
export const CHUNK_BYTES = 512 * 1024;

const STRING_SLICE = 64 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A source of bytes, piece by piece. */
export type Pieces = AsyncIterable<Uint8Array>;

/** Ends the reading of a source: when the caller's signal is aborted, or when the work is over. */
export interface Stopper {
  readonly signal: AbortSignal;
  /** Throws when the caller gave up. */
  check(): void;
  /** The work is over: a read that still waits is ended. */
  end(): void;
}

/** A stopper for work that `signal` can abort. */
export function stopper(signal: AbortSignal | undefined): Stopper {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted === true) {
    stop();
  }
  return {
    signal: controller.signal,
    check: () => {
      if (signal?.aborted === true) {
        throw abortedError(signal);
      }
    },
    end: () => {
      signal?.removeEventListener("abort", stop);
      stop();
    },
  };
}

/**
 * The pieces of a stream. Leaving the loop cancels the stream, and so does `signal`, also while a
 * piece is awaited: the pieces end there.
 */
export async function* streamPieces(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Pieces {
  // Not `for await`: Safari's streams are not iterable.
  const reader = stream.getReader();
  // The failure that ended the work counts, not what cancelling says.
  const cancel = (): Promise<void> => reader.cancel().catch(() => undefined);
  const stop = (): void => void cancel();
  signal?.addEventListener("abort", stop);
  let ended = false;
  try {
    while (signal?.aborted !== true) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      if (!(value instanceof Uint8Array)) {
        throw new NanotdbError("invalid", "a stream must be of Uint8Array");
      }
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    if (!ended) {
      await cancel();
    }
    reader.releaseLock();
  }
}

/** The pieces of a stream that a caller gave. What fails there is not this package's defect. */
export async function* sourcePieces(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Pieces {
  try {
    yield* streamPieces(stream, signal);
  } catch (thrown) {
    if (thrown instanceof NanotdbError) {
      throw thrown;
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new NanotdbError("io", `the source failed: ${message}`, { cause: thrown });
  }
}

/** A text in UTF-8, piece by piece: never all of it twice. */
export async function* textPieces(text: string): Pieces {
  const encoder = new TextEncoder();
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + STRING_SLICE, text.length);
    // A pair of surrogates is one character.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) {
      end += 1;
    }
    yield encoder.encode(text.slice(at, end));
    at = end;
  }
}

/** Bytes that a text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7ff) {
      bytes += 2;
      // Two units, four bytes.
      at += isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(at + 1)) ? 1 : 0;
    } else if (unit > 0x7f) {
      bytes += 1;
    }
  }
  return bytes;
}

/** The pieces, unpacked if they begin as gzip does. */
export async function* gunzipped(pieces: Pieces): Pieces {
  const source = pieces[Symbol.asyncIterator]();
  try {
    let head = new Uint8Array(0);
    let ended = false;
    while (head.length < GZIP_MAGIC.length && !ended) {
      const next = await source.next();
      ended = next.done === true;
      head = next.done === true ? head : joined([head, next.value]);
    }
    const rest = (async function* (): Pieces {
      yield head;
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        yield next.value;
      }
    })();
    if (GZIP_MAGIC.every((byte, at) => head[at] === byte)) {
      const unpacked = pieceStream(rest).pipeThrough<Uint8Array>(new DecompressionStream("gzip"));
      yield* damagedAs(streamPieces(unpacked), "the gzip data is damaged");
    } else {
      yield* rest;
    }
  } finally {
    await source.return?.(undefined);
  }
}

/** The pieces as a stream. */
export function pieceStream(pieces: Pieces): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = pieces[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done === true) {
          controller.close();
        } else {
          controller.enqueue(ownBytes(next.value));
        }
      },
      async cancel() {
        await source.return?.(undefined);
      },
    },
    // Nothing is read before someone wants it.
    { highWaterMark: 0 },
  );
}

/** The same bytes in a buffer of their own, shared with nobody. */
export function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** All pieces in one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return isUnshared(bytes) ? bytes : owned(bytes);
}

function isUnshared(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}

async function* damagedAs(pieces: Pieces, message: string): Pieces {
  try {
    yield* pieces;
  } catch (thrown) {
    throw thrown instanceof NanotdbError || !(thrown instanceof TypeError)
      ? thrown
      : new NanotdbError("corrupt", message, { cause: thrown });
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
