/** A store in memory, which is its tab's alone. */
import * as engine from "./engine.js";
import { NanotdbError } from "./error.js";
import type { Opening, Request } from "./rpc.js";
import { Caller, failure, SessionCalls } from "./session-calls.js";
import type { Host, Page } from "./tabs.js";

const TICK_MS = 1000;

/** An engine without files. */
export class MemoryHost implements Host {
  readonly #page: Page;
  readonly #opening: Opening;
  readonly #loaded: Promise<unknown>;
  readonly #caller = new Caller();
  /** Those that came before the engine was loaded. */
  readonly #waiting = new Map<number, Request>();
  #calls: SessionCalls | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(page: Page, opening: Opening, loaded: Promise<unknown>) {
    this.#page = page;
    this.#opening = opening;
    this.#loaded = loaded;
  }

  async start(): Promise<void> {
    await this.#loaded;
    const { root, cacheBytes, metricFormat } = this.#opening;
    const session = engine.openMemory(root, cacheBytes, metricFormat);
    this.#calls = new SessionCalls(engine, session);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#page.tell({ kind: "role", role: "owner" });
    this.#waiting.forEach((request, id) => this.call(id, request));
    this.#waiting.clear();
  }

  call(id: number, request: Request): void {
    if (this.#calls === undefined) {
      this.#waiting.set(id, request);
      return;
    }
    this.#page.reply(id, this.#calls.run(this.#caller, request));
    this.#check();
  }

  abort(id: number): void {
    this.#waiting.delete(id);
  }

  async freeze(): Promise<void> {}

  async resume(): Promise<void> {}

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = failure(new NanotdbError("closed", "the store is closed"));
    this.#waiting.forEach((_, id) => this.#page.reply(id, closed));
    this.#waiting.clear();
    this.#caller.end();
    this.#calls?.close();
  }

  destroy(): Promise<void> {
    return this.close();
  }

  #tick(): void {
    for (const message of this.#calls?.tick() ?? []) {
      this.#page.tell({ kind: "problem", message });
    }
    this.#check();
  }

  #check(): void {
    const fault = this.#calls?.fault;
    if (fault?.code === "internal") {
      clearInterval(this.#timer);
      this.#page.ended(fault);
    }
  }
}
