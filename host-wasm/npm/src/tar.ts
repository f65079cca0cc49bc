/** Tar files in and out, as streams. */
import { createTarDecoder, createTarPacker } from "modern-tar";
import { pieceStream, streamPieces, type Pieces } from "./bytes.js";
import { NanotdbError } from "./error.js";

/** A file in a tar file. Its content has to be read before the next file is asked for. */
export interface TarFile {
  readonly path: string;
  readonly content: Pieces;
}

/** A file to write: exactly `bytes` of content. */
export interface TarSource {
  readonly path: string;
  readonly bytes: number;
  readonly content: Pieces;
}

/** The regular files of a tar file. What is no tar file, or a damaged one, is `corrupt`. */
export async function* tarFiles(pieces: Pieces): AsyncIterable<TarFile> {
  // What the source itself throws must not be taken for damage.
  let sourceError: unknown;
  const watched = (async function* (): Pieces {
    try {
      yield* pieces;
    } catch (thrown) {
      sourceError = thrown;
      throw thrown;
    }
  })();
  const understood = (thrown: unknown): unknown => {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return (
      sourceError ??
      new NanotdbError("corrupt", `this is no sound tar file: ${message}`, { cause: thrown })
    );
  };
  const entries = pieceStream(watched)
    .pipeThrough(createTarDecoder({ strict: true }))
    .getReader();
  try {
    for (;;) {
      const { done, value: entry } = await rethrown(entries.read(), understood);
      if (done) {
        return;
      }
      if (entry.header.type === undefined || entry.header.type === "file") {
        yield { path: entry.header.name, content: damage(streamPieces(entry.body), understood) };
      } else {
        await entry.body.cancel();
      }
    }
  } finally {
    await entries.cancel().catch(() => undefined);
  }
}

/** A tar file of `files`; the next one is asked for when the reader wants more. */
export function tarStream(files: AsyncIterable<TarSource>): ReadableStream<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const source = files[Symbol.asyncIterator]();
  let begun = false;
  const write = async (): Promise<void> => {
    try {
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        const { path, bytes, content } = next.value;
        const writer = controller.add({ name: path, size: bytes, mode: 0o644 }).getWriter();
        for await (const piece of content) {
          await writer.write(piece);
        }
        await writer.close();
      }
      controller.finalize();
    } catch (thrown) {
      controller.error(thrown);
      await source.return?.(undefined).catch(() => undefined);
    }
  };
  const packed = readable.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(out) {
        if (!begun) {
          begun = true;
          // Ends with `finalize` or `error`, which the reader below hears of.
          void write();
        }
        const { done, value } = await packed.read();
        if (done) {
          out.close();
        } else {
          out.enqueue(value);
        }
      },
      async cancel(reason) {
        await packed.cancel(reason);
        if (!begun) {
          await source.return?.(undefined);
        }
      },
    },
    { highWaterMark: 0 },
  );
}

async function rethrown<T>(
  promise: Promise<T>,
  understood: (thrown: unknown) => unknown,
): Promise<T> {
  try {
    return await promise;
  } catch (thrown) {
    throw understood(thrown);
  }
}

async function* damage(pieces: Pieces, understood: (thrown: unknown) => unknown): Pieces {
  try {
    yield* pieces;
  } catch (thrown) {
    throw understood(thrown);
  }
}
