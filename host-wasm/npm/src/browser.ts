/** The page's side of its worker. */
import type { OpenOptions, Quota, Store, StoreEvent } from "./api.js";
import { Listeners, type Backend, type CallSettings } from "./backend.js";
import { closedError, StoreClient } from "./client.js";
import { abortedError, errorFrom, NanotdbError } from "./error.js";
import { interruptedError } from "./guest.js";
import { checkedOptions } from "./open-options.js";
import {
  KINDS,
  type Args,
  type FromWorker,
  type Op,
  type Opening,
  type Reply,
  type Request,
  type Result,
  type ToWorker,
} from "./rpc.js";

/** Workers that may die one after the other before the store is given up. */
const MAX_CRASHES = 3;

/** Opens a store in a browser. */
export async function openInBrowser(root: string, options: OpenOptions): Promise<Store> {
  try {
    const opening = checkedOptions(root, options, "v3");
    checkPlatform(opening);
    const backend = new WorkerBackend(opening);
    try {
      // The first call is answered when the store is open, here or in another tab.
      await backend.call("databases", {}, { signal: options.signal });
    } catch (thrown) {
      backend.terminate(closedError());
      throw thrown;
    }
    return new StoreClient(root, backend);
  } catch (thrown) {
    throw errorFrom(thrown);
  }
}

/** A call without an answer. */
interface Pending {
  /** Of a call that can be made again when its worker dies. */
  readonly request: Request | undefined;
  readonly settle: (reply: Reply) => void;
}

/** Runs calls in a worker. */
class WorkerBackend implements Backend {
  readonly #opening: Opening;
  readonly #listeners = new Listeners();
  readonly #pending = new Map<number, Pending>();
  #worker: Worker;
  #role: "owner" | "guest" = "guest";
  #nextId = 1;
  #end: NanotdbError | undefined;
  #crashes = 0;
  /** Ends the wait for the worker's death. */
  #watch: AbortController | undefined;
  readonly #stopListening: () => void;

  constructor(opening: Opening) {
    this.#opening = opening;
    this.#worker = this.#start();
    this.#stopListening = onFreezing(
      () => this.#post({ kind: "freeze" }),
      () => this.#post({ kind: "resume" }),
    );
  }

  async call<K extends Op>(op: K, args: Args<K>, settings: CallSettings = {}): Promise<Result<K>> {
    const { signal, transfer = [] } = settings;
    if (this.#end !== undefined) {
      throw this.#end;
    }
    if (signal?.aborted === true) {
      throw abortedError(signal);
    }
    // Each is one of the union, which the compiler cannot see through the type parameter.
    const request = { op, args } as Request;
    const id = this.#nextId++;
    const answered = this.#wait(id, KINDS[op] === "read" ? request : undefined);
    const abort = (): void => {
      if (signal !== undefined && this.#pending.delete(id)) {
        this.#post({ kind: "abort", id });
        answered.reject(abortedError(signal));
      }
    };
    signal?.addEventListener("abort", abort);
    try {
      this.#post({ kind: "call", id, request }, transfer);
      return (await answered.promise) as Result<K>;
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener("abort", abort);
    }
  }

  role(): "owner" | "guest" {
    return this.#role;
  }

  async close(): Promise<void> {
    // A store that ended by itself is closed already.
    if (this.#end === undefined) {
      await this.#last("close");
    }
  }

  async destroy(): Promise<void> {
    if (this.#end !== undefined) {
      throw this.#end;
    }
    await this.#last("destroy");
  }

  async persist(): Promise<Quota> {
    const storage = storageManager();
    await storage.persist();
    return this.quota();
  }

  async quota(): Promise<Quota> {
    const storage = storageManager();
    const [persisted, { usage = 0, quota = 0 }] = await Promise.all([
      storage.persisted(),
      storage.estimate(),
    ]);
    return { persisted, usage, quota };
  }

  subscribe(listener: (event: StoreEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Ends everything, with this error for all calls. */
  terminate(error: NanotdbError): void {
    this.#end ??= error;
    this.#stopListening();
    this.#watch?.abort();
    this.#worker.terminate();
    for (const { settle } of [...this.#pending.values()]) {
      settle({ ok: false, code: error.code, message: error.message });
    }
    this.#pending.clear();
  }

  async #last(kind: "close" | "destroy"): Promise<void> {
    const id = this.#nextId++;
    const answered = this.#wait(id, undefined);
    this.#post({ kind, id });
    try {
      await answered.promise;
    } finally {
      this.terminate(closedError());
    }
  }

  #wait(
    id: number,
    request: Request | undefined,
  ): { promise: Promise<unknown>; reject: (error: NanotdbError) => void } {
    let reject = (_: NanotdbError): void => undefined;
    const promise = new Promise<unknown>((resolve, rejectPromise) => {
      reject = rejectPromise;
      const settle = (reply: Reply): void => {
        if (reply.ok) {
          resolve(reply.result);
        } else {
          rejectPromise(new NanotdbError(reply.code, reply.message));
        }
      };
      this.#pending.set(id, { request, settle });
    });
    return { promise, reject };
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, [...transfer]);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.js", import.meta.url), {
      type: "module",
      // Constant, because bundlers read these options.
      name: "nanotdb",
    });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    worker.onmessageerror = () => this.#fail("a message of the worker could not be read");
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`the worker failed: ${event.message || "its script could not be loaded"}`);
    };
    worker.postMessage({ kind: "open", opening: this.#opening } satisfies ToWorker);
    return worker;
  }

  #fail(message: string): void {
    if (this.#end === undefined) {
      this.terminate(new NanotdbError("internal", message));
    }
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case "alive":
        this.#watchOver(message.lock);
        break;
      case "reply":
        this.#crashes = 0;
        this.#pending.get(message.id)?.settle(message.reply);
        this.#pending.delete(message.id);
        break;
      case "event":
        this.#hearEvent(message.event);
        break;
      case "ended":
        this.#listeners.tell({ kind: "problem", message: message.message });
        this.terminate(new NanotdbError(message.code, message.message));
        break;
    }
  }

  #hearEvent(event: StoreEvent): void {
    if (event.kind === "role") {
      if (event.role === this.#role) {
        return;
      }
      this.#role = event.role;
    }
    this.#listeners.tell(event);
  }

  /** Waits for the lock that the worker holds: whoever gets it knows that the worker is dead. */
  #watchOver(lock: string): void {
    const watch = new AbortController();
    this.#watch = watch;
    navigator.locks
      .request(lock, { mode: "shared", signal: watch.signal }, () => {
        // Not while the lock is held, so that others who wait for it are not delayed.
        queueMicrotask(() => this.#crashed());
      })
      .catch(() => undefined);
  }

  #crashed(): void {
    if (this.#end !== undefined) {
      return;
    }
    this.#worker.terminate();
    this.#crashes += 1;
    if (this.#crashes > MAX_CRASHES) {
      this.#fail("the worker died again and again");
      return;
    }
    this.#hearEvent({ kind: "role", role: "guest" });
    const message = "the worker that ran the store died, and a new one was started";
    this.#listeners.tell({ kind: "problem", message });
    this.#worker = this.#start();
    const { code, message: reason } = interruptedError();
    for (const [id, { request, settle }] of [...this.#pending]) {
      if (request === undefined) {
        this.#pending.delete(id);
        settle({ ok: false, code, message: reason });
      } else {
        this.#post({ kind: "call", id, request });
      }
    }
  }
}

function checkPlatform({ storage }: Opening): void {
  if (typeof Worker === "undefined") {
    throw new NanotdbError("unavailable", "there are no workers here");
  }
  if (storage === "memory") {
    return;
  }
  const isSecure = globalThis.isSecureContext;
  const why = isSecure ? "this browser is too old for it" : "the page was not loaded over https";
  if (typeof navigator.storage?.getDirectory !== "function") {
    throw new NanotdbError("unavailable", `there is no private file system here: ${why}`);
  }
  if (navigator.locks === undefined || typeof BroadcastChannel === "undefined") {
    throw new NanotdbError("unavailable", `tabs cannot share a store here: ${why}`);
  }
}

function storageManager(): StorageManager {
  if (typeof navigator.storage?.estimate !== "function") {
    throw new NanotdbError("unavailable", "this browser says nothing of its storage here");
  }
  return navigator.storage;
}

/** Calls back when the browser is about to freeze the page, and when the page goes on. */
function onFreezing(freeze: () => void, resume: () => void): () => void {
  if (typeof document === "undefined") {
    return () => undefined;
  }
  const hide = (event: PageTransitionEvent): void => {
    // Otherwise the page is not kept, and its worker ends with it.
    if (event.persisted) {
      freeze();
    }
  };
  const show = (event: PageTransitionEvent): void => {
    if (event.persisted) {
      resume();
    }
  };
  document.addEventListener("freeze", freeze);
  document.addEventListener("resume", resume);
  window.addEventListener("pagehide", hide);
  window.addEventListener("pageshow", show);
  return () => {
    document.removeEventListener("freeze", freeze);
    document.removeEventListener("resume", resume);
    window.removeEventListener("pagehide", hide);
    window.removeEventListener("pageshow", show);
  };
}
