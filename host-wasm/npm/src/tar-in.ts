/**
 * Tar files in: ustar, pax and GNU, with names and sizes of any length.
 *
 * Members that are no plain files, but have content somewhere else or in another form, are handed
 * on with a reason why they are not read, so that nothing is left out without a word.
 */
import type { Pieces } from "./bytes.js";
import { NanotdbError } from "./error.js";

/** A member of a tar file. Its content has to be read before the next one is asked for. */
export interface TarFile {
  readonly path: string;
  /** Why it cannot be read, if it cannot; its content is empty then. */
  readonly refused?: string;
  readonly content: Pieces;
}

/** What pax headers say of the member after them. */
type Records = ReadonlyMap<string, string>;

interface Header {
  readonly type: string;
  readonly name: string;
  readonly link: string;
  readonly size: number;
  /** Whether GNU's map of a sparse file goes on in blocks of its own. */
  readonly extended: boolean;
}

const BLOCK = 512;

/** Longest pax header or long name that is read. */
const MAX_HEADER = 1 << 20;

/** Members that hold no content of their own, and what they are. */
const KINDS: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a device",
  "4": "a device",
  "6": "a pipe",
  M: "the rest of a file from another volume",
  S: "a sparse file",
};

/** Directories, and what GNU tar notes of them and of the volume. */
const DIRECTORIES = ["5", "D", "V"];

/** The members of a tar file but for directories. What is no tar file, or a damaged one, is `corrupt`. */
export async function* tarFiles(pieces: Pieces): AsyncIterable<TarFile> {
  const source = new Source(pieces);
  let global: Records = new Map();
  let own: Records = new Map();
  try {
    for (;;) {
      const header = parse(await source.take(BLOCK));
      if (header === undefined) {
        await source.drain();
        return;
      }
      if (header.type === "g") {
        global = new Map([...global, ...paxRecords(await source.header(header))]);
      } else if (header.type === "x") {
        own = new Map([...own, ...paxRecords(await source.header(header))]);
      } else if (header.type === "L") {
        own = new Map([...own, ["path", untilZero(await source.header(header))]]);
      } else if (header.type === "K") {
        own = new Map([...own, ["linkpath", untilZero(await source.header(header))]]);
      } else {
        const records: Records = new Map([...global, ...own]);
        own = new Map();
        yield* member(source, header, records);
      }
    }
  } finally {
    await source.end();
  }
}

/** Hands on a member, and passes over what nobody read of it. */
async function* member(source: Source, header: Header, records: Records): AsyncIterable<TarFile> {
  const path = records.get("GNU.sparse.name") ?? records.get("path") ?? header.name;
  const size = sizeOf(header, records);
  const refused = reasonAgainst(header, records);
  // Hard links and the like may name the size of what they point to.
  const stored = "12346".includes(header.type) ? 0 : size;
  const isDirectory =
    DIRECTORIES.includes(header.type) || ("07\0".includes(header.type) && path.endsWith("/"));
  for (let more = header.extended; more;) {
    more = (await source.take(BLOCK))[504] !== 0;
  }
  const body = source.body(stored);
  if (refused !== undefined) {
    yield { path, refused, content: nothing() };
  } else if (!isDirectory) {
    yield { path, content: body };
  }
  for await (const piece of body) {
    void piece;
  }
  await source.take(-stored & (BLOCK - 1));
}

function reasonAgainst(header: Header, records: Records): string | undefined {
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse."))) {
    return KINDS["S"];
  }
  const kind = KINDS[header.type];
  if (kind !== undefined) {
    const target = records.get("linkpath") ?? header.link;
    return target === "" ? kind : `${kind} to ${target}`;
  }
  const isPlain = ["0", "7", "\0", ...DIRECTORIES].includes(header.type);
  return isPlain ? undefined : `a member of type ${JSON.stringify(header.type)}`;
}

function sizeOf(header: Header, records: Records): number {
  const text = records.get("size");
  if (text === undefined) {
    return header.size;
  }
  const size = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(size) ? size : corrupt(`the size of a member is ${text}`);
}

/** What a header says; nothing when it is the end of the archive. */
function parse(block: Uint8Array): Header | undefined {
  if (block.every((byte) => byte === 0)) {
    return undefined;
  }
  const sum = block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (number(block.subarray(148, 156)) !== sum) {
    corrupt("a header has a wrong checksum");
  }
  const text = (from: number, to: number): string => untilZero(block.subarray(from, to));
  // GNU's magic differs in what follows, and GNU has times where ustar has a prefix.
  const prefix = text(257, 263) === "ustar" && block[263] !== 32 ? text(345, 500) : "";
  const name = text(0, 100);
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: text(157, 257),
    size: number(block.subarray(124, 136)),
    extended: block[156] === 83 && block[482] !== 0,
  };
}

/** Octal digits, or as GNU has it for large numbers, a set bit and then the number. */
function number(field: Uint8Array): number {
  let value = 0;
  if (((field[0] ?? 0) & 0x80) !== 0) {
    value = field.reduce((value, byte, at) => value * 256 + (at === 0 ? byte & 0x7f : byte), 0);
  } else {
    const digits = untilZero(field).trim();
    value = /^[0-7]*$/.test(digits) ? Number.parseInt(`0${digits}`, 8) : Number.NaN;
  }
  return Number.isSafeInteger(value) ? value : corrupt("a header has a number that is none");
}

function untilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Records of `<length> <key>=<value>\n`. */
function paxRecords(bytes: Uint8Array): Records {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(32, at);
    const digits = new TextDecoder().decode(bytes.subarray(at, blank === -1 ? at : blank));
    const end = at + Number.parseInt(digits, 10);
    const record = new TextDecoder().decode(bytes.subarray(blank + 1, end - 1));
    const equals = record.indexOf("=");
    if (!/^\d+$/.test(digits) || end > bytes.length || bytes[end - 1] !== 10 || equals < 1) {
      corrupt("a pax header has a record that is none");
    }
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

function corrupt(detail: string): never {
  throw new NanotdbError("corrupt", `this is no sound tar file: ${detail}`);
}

async function* nothing(): Pieces {
  // No content.
}

/** The bytes of an archive, in any portions. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(pieces: Pieces) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes. */
  async take(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const piece = await this.#some(length - at);
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** The content of a member that describes the next one. */
  async header({ size }: Header): Promise<Uint8Array> {
    if (size > MAX_HEADER) {
      corrupt(`a header has ${size} bytes`);
    }
    const bytes = await this.take(size);
    await this.take(-size & (BLOCK - 1));
    return bytes;
  }

  /** So many bytes, piece by piece. What is not read can be read by going on. */
  body(length: number): AsyncIterable<Uint8Array> & AsyncIterator<Uint8Array> {
    let left = length;
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      if (left === 0) {
        return { done: true, value: undefined };
      }
      const value = await this.#some(left);
      left -= value.length;
      return { done: false, value };
    };
    const body = { next, [Symbol.asyncIterator]: () => body };
    return body;
  }

  /** What stands after the end of an archive is read, so that a damaged source shows. */
  async drain(): Promise<void> {
    while ((await this.#pieces.next()).done !== true) {
      // Zeros, usually.
    }
  }

  /** Lets go of the source. */
  async end(): Promise<void> {
    await this.#pieces.return?.();
  }

  /** At least one byte, and not more than so many. */
  async #some(most: number): Promise<Uint8Array> {
    while (this.#left.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done === true) {
        return corrupt("it ends too early");
      }
      this.#left = value;
    }
    const piece = this.#left.subarray(0, most);
    this.#left = this.#left.subarray(piece.length);
    return piece;
  }
}
