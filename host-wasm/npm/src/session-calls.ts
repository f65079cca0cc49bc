/** Runs calls on the engine: the one place for it, in a worker as in Node. */
import type { AddReport } from "./api.js";
import type { RootImport, Session } from "./engine.js";
import { errorFrom, NanotdbError } from "./error.js";
import { KINDS, type Args, type Op, type Reply, type Request, type Result } from "./rpc.js";

/** Rejections that a report of several columns names. */
const MAX_REJECTIONS = 100;

const NO_TIMES = new BigInt64Array(0);

/** One who calls: what it has begun and not ended. */
export class Caller {
  readonly imports = new Map<number, RootImport>();
  nextHandle = 1;

  /** Undoes what was begun, for callers that went away. */
  end(): void {
    for (const unfinished of this.imports.values()) {
      discard(unfinished);
    }
    this.imports.clear();
  }
}

/** What an engine offers beside a session. */
export interface Engine {
  parseDuration(text: string): bigint;
}

/** What a call runs on. */
interface Place {
  readonly engine: Engine;
  readonly session: Session;
  readonly caller: Caller;
}

/** A session, and what is wrong with it. */
export class SessionCalls {
  readonly #engine: Engine;
  readonly #session: Session;
  #fault: NanotdbError | undefined;
  #lastProblems = "";
  /**
   * Samples were taken that would go with the tab: the engine logs new ones only. They are flushed
   * soon, but not after each call: that would make a page of every sample.
   */
  #isUnlogged = false;

  constructor(engine: Engine, session: Session) {
    this.#engine = engine;
    this.#session = session;
  }

  /** Set once the engine trapped: its memory is not to be trusted any more. */
  get fault(): NanotdbError | undefined {
    return this.#fault;
  }

  /** Runs a call. What it wrote survives the end of this process when it returns. */
  run(caller: Caller, request: Request): Reply {
    if (this.#fault !== undefined) {
      return failure(this.#fault);
    }
    try {
      const place = { engine: this.#engine, session: this.#session, caller };
      const result = dispatch(place, request.op, request.args);
      if (KINDS[request.op] === "write" || request.op === "createDatabase") {
        this.#isUnlogged = this.#session.settle();
      }
      return { ok: true, result };
    } catch (thrown) {
      return failure(this.#understand(thrown));
    }
  }

  /** Does what is due, from time to time. Problems are returned when they are not those of last time. */
  tick(): readonly string[] {
    if (this.#fault !== undefined) {
      return [];
    }
    let problems: readonly string[];
    try {
      problems = this.#session.tick().problems;
      if (this.#isUnlogged) {
        this.#session.flush();
        this.#isUnlogged = false;
      }
    } catch (thrown) {
      problems = [this.#understand(thrown).message];
    }
    const all = problems.join("\n");
    const news = all === this.#lastProblems ? [] : problems;
    this.#lastProblems = all;
    return news;
  }

  /** Writes everything and lets the files go. */
  close(): void {
    if (this.#fault !== undefined) {
      return;
    }
    try {
      this.#session.close();
    } finally {
      this.#session.free();
      this.#fault = new NanotdbError("closed", "the store is closed");
    }
  }

  #understand(thrown: unknown): NanotdbError {
    const error = errorFrom(thrown);
    if (isTrap(thrown)) {
      const message = `the engine failed: ${error.message}`;
      this.#fault = new NanotdbError("internal", message, { cause: thrown });
      return this.#fault;
    }
    // The bindings throw these for arguments of the wrong kind, which untyped callers can pass.
    if (thrown instanceof TypeError && error.code === "internal") {
      return new NanotdbError("invalid", error.message, { cause: thrown });
    }
    return error;
  }
}

/** The buffers of a result that can be moved instead of copied. */
export function buffersOf(reply: Reply): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  if (reply.ok) {
    gather(reply.result, buffers);
  }
  return [...buffers];
}

function gather(value: unknown, buffers: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) {
      buffers.add(value.buffer);
    }
  } else if (Array.isArray(value)) {
    // Long lists are of plain objects: file entries, frames, names.
    const first: unknown = value[0];
    if (typeof first === "object" && first !== null) {
      value.forEach((item) => gather(item, buffers));
    }
  } else if (typeof value === "object" && value !== null) {
    Object.values(value).forEach((item) => gather(item, buffers));
  }
}

/** An error as it travels. */
export function failure(error: NanotdbError): Reply {
  return { ok: false, code: error.code, message: error.message };
}

function isTrap(thrown: unknown): boolean {
  // A RangeError without a code is an exhausted stack or memory.
  return (
    thrown instanceof WebAssembly.RuntimeError ||
    (thrown instanceof RangeError && !("code" in thrown))
  );
}

function dispatch<K extends Op>(place: Place, op: K, args: Args<K>): Result<K> {
  const handler = HANDLERS[op];
  if (handler === undefined) {
    throw new NanotdbError("internal", `no such call: ${String(op)}`);
  }
  return handler(place, args);
}

const HANDLERS: { readonly [K in Op]: (place: Place, args: Args<K>) => Result<K> } = {
  add: ({ session }, { database, metric, value, type, time }) =>
    session.add(database, metric, value, type, time),
  addColumns,
  addRows: ({ session }, { database, metrics, index, times, values }) =>
    session.addRows(database, metrics, index, times, ...typed(values)),
  addLines: ({ session }, { database, bytes }) => {
    const lines = session.importLines(database);
    try {
      lines.feed(bytes);
    } catch (thrown) {
      lines.free();
      throw thrown;
    }
    return lines.finish();
  },
  last: ({ session }, { database, metric }) => session.last(database, metric),
  query: ({ session }, { database, metrics, from, to, stride }) =>
    session.query(database, metrics, from, to, stride),
  aggregate: ({ engine, session }, { database, metrics, from, to, window, offset, aggregates }) => {
    const ns = (length: bigint | string): bigint =>
      typeof length === "string" ? engine.parseDuration(length) : length;
    return session.aggregate(database, metrics, from, to, ns(window), ns(offset), aggregates);
  },
  chart: ({ session }, { database, metrics, from, to, points, method }) =>
    session.chart(database, metrics, from, to, points, method),
  metrics: ({ session }, { database }) => session.metrics(database),
  databases: ({ session }) => session.databases(),
  createDatabase: ({ session }, { database, manifest }) =>
    session.createDatabase(database, manifest),
  partitions: ({ session }, { database }) => session.partitions(database),
  exportLines: ({ session }, { database, from, to, metrics }) => {
    const chunks: Uint8Array[] = [];
    session.exportLines(database, from, to, metrics, (chunk) => chunks.push(chunk));
    return chunks;
  },
  files: ({ session }) => session.files(),
  readFile: ({ session }, { path, offset, length }) => session.readFile(path, offset, length),
  writeFile: ({ session }, { path, content }) => session.writeFile(path, content),
  rootBegin: ({ session, caller }) => {
    const handle = caller.nextHandle++;
    caller.imports.set(handle, session.beginImport());
    return handle;
  },
  rootFile: ({ caller }, { handle, path }) => begun(caller, handle).file(path),
  rootWrite: ({ caller }, { handle, bytes }) => begun(caller, handle).write(bytes),
  rootFinish: ({ session, caller }, { handle, replace }) => {
    const whole = begun(caller, handle);
    caller.imports.delete(handle);
    return session.finishImport(whole, replace);
  },
  rootCancel: ({ caller }, { handle }) => {
    const unfinished = caller.imports.get(handle);
    caller.imports.delete(handle);
    if (unfinished !== undefined) {
      discard(unfinished);
    }
  },
  inspect: ({ session }, { database }) => session.inspect(database),
  inspectFile: ({ session }, { database, file }) => session.inspectFile(database, file),
  inspectLog: ({ session }, { database, limit }) => session.inspectLog(database, limit),
  settings: ({ session }) => session.settings(),
  build: ({ session }, { database, partition }) => session.build(database, partition),
  convert: ({ session }, { database, partition, format }) =>
    session.convert(database, partition, format),
  recompact: ({ session }, { database, partition }) => session.recompact(database, partition),
  delete: ({ session }, { database, metrics, from, to }) =>
    session.deleteSamples(database, metrics, from, to),
  verify: ({ session }, { database, partition }) => session.verify(database, partition),
  runRollups: ({ session }, { database }) => session.runRollups(database),
  applyRetention: ({ session }, { database }) => session.applyRetention(database),
  confirmClock: ({ session }) => session.confirmClock(),
  tick: ({ session }) => session.tick(),
  stats: ({ session }) => session.stats(),
  flush: ({ session }) => session.flush(),
};

function addColumns({ session }: Place, { database, columns }: Args<"addColumns">): AddReport {
  let accepted = 0;
  let rejected = 0;
  let rows = 0;
  const rejections: { row: number; reason: string }[] = [];
  // Names, types and lengths first: what cannot be taken rejects the call before any sample is in,
  // and the catalog is written once for all new metrics.
  for (const { metric, times, values } of columns) {
    if (times.length !== values.length) {
      const message = `${metric}: ${times.length} times for ${values.length} values`;
      throw new NanotdbError("invalid", message);
    }
    session.addColumns(database, metric, NO_TIMES, ...typed(values.subarray(0, 0)));
  }
  for (const { metric, times, values } of columns) {
    const report = session.addColumns(database, metric, times, ...typed(values));
    accepted += report.accepted;
    rejected += report.rejected;
    const room = MAX_REJECTIONS - rejections.length;
    const before = rows;
    const named = report.rejections.slice(0, room);
    rejections.push(...named.map(({ row, reason }) => ({ row: before + row, reason })));
    rows += times.length;
  }
  return { accepted, rejected, rejections };
}

function typed(
  values: Float32Array | Int32Array,
): [floats: Float32Array | undefined, ints: Int32Array | undefined] {
  return values instanceof Int32Array ? [undefined, values] : [values, undefined];
}

function begun(caller: Caller, handle: number): RootImport {
  const found = caller.imports.get(handle);
  if (found === undefined) {
    const message = "the tab that owned the store went away during the import: nothing has changed";
    throw new NanotdbError("interrupted", message);
  }
  return found;
}

function discard(unfinished: RootImport): void {
  try {
    unfinished.cancel();
  } catch {
    // It is gone with the session then.
  }
}
