/** What a store works on: a worker in a browser, the engine itself in Node. */
import type { Quota, StoreEvent } from "./api.js";
import type { Args, Op, Result } from "./rpc.js";

/** How to make a call. */
export interface CallSettings {
  readonly signal?: AbortSignal | undefined;
  /** Buffers that belong to the call from here on. */
  readonly transfer?: readonly ArrayBuffer[];
}

/** Runs calls. */
export interface Backend {
  call<K extends Op>(op: K, args: Args<K>, settings?: CallSettings): Promise<Result<K>>;
  role(): "owner" | "guest";
  close(): Promise<void>;
  destroy(): Promise<void>;
  persist(): Promise<Quota>;
  quota(): Promise<Quota>;
  subscribe(listener: (event: StoreEvent) => void): () => void;
}

/** Those who listen to a store. */
export class Listeners {
  readonly #listeners = new Set<(event: StoreEvent) => void>();

  add(listener: (event: StoreEvent) => void): () => void {
    // Wrapped, so that a function given twice is called twice and leaves one by one.
    const own = (event: StoreEvent): void => listener(event);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  tell(event: StoreEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (thrown) {
        // One listener's failure is not the others', nor the store's; the page hears of it.
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}
