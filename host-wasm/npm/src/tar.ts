/** Tar files out, as streams. */
import { createTarPacker } from "modern-tar";
import type { Pieces } from "./bytes.js";

/** A file to write: exactly `bytes` of content. */
export interface TarSource {
  readonly path: string;
  readonly bytes: number;
  readonly content: Pieces;
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
