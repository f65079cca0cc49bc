/**
 * Columns on the wire, as `host-native/src/server/store/frame.rs` describes them: a header in JSON,
 * then little-endian columns that each begin at a multiple of 8. Reading makes views, no copies.
 */
const ALIGNMENT = 8;

type Column = BigInt64Array | Float64Array | Float32Array | Int32Array | Uint32Array;

/** A frame that came in. */
export class FrameReader<H> {
  readonly header: H;
  readonly #buffer: ArrayBuffer;
  #at: number;

  constructor(buffer: ArrayBuffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const text = new TextDecoder().decode(new Uint8Array(buffer, ALIGNMENT, length));
    this.header = JSON.parse(text) as H;
    this.#buffer = buffer;
    this.#at = aligned(ALIGNMENT + length);
  }

  times(rows: number): BigInt64Array {
    return new BigInt64Array(this.#buffer, this.#take(rows * 8), rows);
  }

  doubles(rows: number): Float64Array {
    return new Float64Array(this.#buffer, this.#take(rows * 8), rows);
  }

  floats(rows: number): Float32Array {
    return new Float32Array(this.#buffer, this.#take(rows * 4), rows);
  }

  ints(rows: number): Int32Array {
    return new Int32Array(this.#buffer, this.#take(rows * 4), rows);
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at = aligned(at + bytes);
    return at;
  }
}

/** A frame to send. */
export function writeFrame(header: unknown, columns: readonly Column[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  let length = aligned(ALIGNMENT + text.length);
  for (const column of columns) length += aligned(column.byteLength);
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, ALIGNMENT);
  let at = aligned(ALIGNMENT + text.length);
  for (const column of columns) {
    bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
    at += aligned(column.byteLength);
  }
  return bytes;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
