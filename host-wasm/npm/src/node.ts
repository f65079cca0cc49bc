/** The package in Node: the engine in this process, on `node:fs` or in memory. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { OpenOptions, Quota, Store, StoreEvent } from "./api.js";
import { Listeners, type Backend, type CallSettings } from "./backend.js";
import { closedError, StoreClient } from "./client.js";
import * as engine from "./engine.js";
import { abortedError, errorFrom, NanotdbError } from "./error.js";
import { nodeFiles } from "./node-files.js";
import { NodeLock } from "./node-lock.js";
import { checkedOptions } from "./open-options.js";
import type { Args, Op, Opening, Request, Result } from "./rpc.js";
import { Caller, SessionCalls } from "./session-calls.js";

export * from "./api.js";
export { NanotdbError, type ErrorCode } from "./error.js";

const TICK_MS = 1000;
const ROOT_FILES = new Set(["engine.toml", "dashboard.json", "last-run.txt", ".nanotdb.lock"]);
/** What only a database's directory has. */
const DATABASE_FILE = /^(?:catalog\.json|manifest\.toml|.*\.wal|data-.*\.dat)$/;

let loaded = false;

/** Opens the store in the directory `root`, making it if there is none. */
export async function open(root: string, options: OpenOptions = {}): Promise<Store> {
  try {
    return new StoreClient(root, new LocalBackend(checkedOptions(root, options, "v2")));
  } catch (thrown) {
    throw errorFrom(thrown);
  }
}

/** An engine in this process. */
class LocalBackend implements Backend {
  readonly #root: string | undefined;
  readonly #lock: NodeLock | undefined;
  readonly #session: engine.Session;
  readonly #calls: SessionCalls;
  readonly #caller = new Caller();
  readonly #listeners = new Listeners();
  readonly #timer: NodeJS.Timeout;

  constructor({ root, storage, cacheBytes, metricFormat }: Opening) {
    load();
    if (storage === "files") {
      fs.mkdirSync(root, { recursive: true });
      this.#root = root;
      this.#lock = NodeLock.acquire(root);
    }
    try {
      this.#session =
        storage === "files"
          ? engine.openNode(nodeFiles(root), cacheBytes, metricFormat)
          : engine.openMemory(root, cacheBytes, metricFormat);
    } catch (thrown) {
      this.#lock?.release();
      throw thrown;
    }
    this.#calls = new SessionCalls(engine, this.#session);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    // An open store does not keep a finished program alive.
    this.#timer.unref();
  }

  async call<K extends Op>(op: K, args: Args<K>, settings: CallSettings = {}): Promise<Result<K>> {
    const { signal } = settings;
    // Lets other work of this thread happen between the calls of a long one.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (signal?.aborted === true) {
      throw abortedError(signal);
    }
    // Each is one of the union, which the compiler cannot see through the type parameter.
    const reply = this.#calls.run(this.#caller, { op, args } as Request);
    if (!reply.ok) {
      throw new NanotdbError(reply.code, reply.message);
    }
    return reply.result as Result<K>;
  }

  role(): "owner" {
    return "owner";
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    try {
      this.#caller.end();
      this.#calls.close();
    } finally {
      this.#lock?.release();
    }
  }

  async destroy(): Promise<void> {
    await this.close();
    if (this.#root !== undefined) {
      remove(this.#root);
    }
  }

  async persist(): Promise<Quota> {
    return this.quota();
  }

  async quota(): Promise<Quota> {
    if (this.#root === undefined) {
      throw new NanotdbError("unavailable", "a store in memory has no storage");
    }
    if (this.#calls.fault !== undefined) {
      throw closedError();
    }
    const { bsize, bavail } = fs.statfsSync(this.#root);
    const usage = this.#session.files().reduce((sum, file) => sum + file.bytes, 0);
    return { persisted: true, usage, quota: usage + bsize * bavail };
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  #tick(): void {
    for (const message of this.#calls.tick()) {
      this.#listeners.tell({ kind: "problem", message });
    }
  }
}

function load(): void {
  if (!loaded) {
    engine.initSync({
      module: fs.readFileSync(new URL("./engine_bg.wasm", import.meta.url)),
    });
    loaded = true;
  }
}

/**
 * Removes the databases, the files that a root has, and the root if it is empty then. Whatever else
 * is in the directory is somebody else's and stays.
 */
function remove(root: string): void {
  const entries = fs.readdirSync(root, { withFileTypes: true });
  for (const entry of entries) {
    const file = path.join(root, entry.name);
    const isOwn = entry.isDirectory() ? isDatabase(file) : ROOT_FILES.has(entry.name);
    if (isOwn) {
      fs.rmSync(file, { recursive: true, force: true });
    }
  }
  try {
    fs.rmdirSync(root);
  } catch {
    // Not empty.
  }
}

function isDatabase(directory: string): boolean {
  return fs.readdirSync(directory).some((file) => DATABASE_FILE.test(file));
}
