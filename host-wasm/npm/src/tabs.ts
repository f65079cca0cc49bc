/** A tab's place at a store that many tabs share: owner or guest, and how one becomes the other. */
import type { StoreEvent } from "./api.js";
import * as engine from "./engine.js";
import { errorFrom, NanotdbError } from "./error.js";
import { Guest } from "./guest.js";
import { Owner } from "./owner.js";
import type { Opening, Reply, Request } from "./rpc.js";
import { failure, SessionCalls } from "./session-calls.js";
import { storeName, tabName, type HallMessage } from "./tab-messages.js";

/** A tab that died may hold its files for a while: attempts, each of some seconds. */
const OPEN_ATTEMPTS = 3;

/** The page, as its worker sees it. */
export interface Page {
  reply(id: number, reply: Reply): void;
  tell(event: StoreEvent): void;
  /** The worker holds this lock for as long as it lives. */
  alive(lock: string): void;
  /** The store ended without the page's doing. */
  ended(error: NanotdbError): void;
  /** The engine failed: this worker is of no use any more. */
  fault(): void;
}

/** Runs the calls of a page. */
export interface Host {
  start(): Promise<void>;
  call(id: number, request: Request): void;
  abort(id: number): void;
  freeze(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** The calls of a tab that neither owns the store nor asks another one. */
interface Idle {
  readonly kind: "idle";
  readonly calls: Map<number, Request>;
}

type Role = Idle | { readonly kind: "guest"; readonly guest: Guest } | OwnerRole;

interface OwnerRole {
  readonly kind: "owner";
  readonly owner: Owner;
  readonly release: () => void;
}

/** A tab at a shared store. */
export class Tab implements Host {
  readonly #page: Page;
  readonly #opening: Opening;
  readonly #loaded: Promise<unknown>;
  readonly #tab = crypto.randomUUID();
  readonly #hall: BroadcastChannel;
  #role: Role = { kind: "idle", calls: new Map() };
  #seq = 0;
  /** Set once nothing more can be done here. */
  #end: NanotdbError | undefined;
  /** Until this tab holds its own lock no owner may hear of it: it would pass for dead. */
  #isStarted = false;
  #isFrozen = false;
  /** The epoch that begins while the files are being opened. */
  #coming: string | undefined;
  /** The wish to own the store, until it is granted. */
  #wish: AbortController | undefined;
  /** What to do with the lock instead of opening the store. */
  #onGrant: (() => Promise<void>) | undefined;
  /** Changes of role, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(page: Page, opening: Opening, loaded: Promise<unknown>) {
    this.#page = page;
    this.#opening = opening;
    this.#loaded = loaded;
    this.#hall = new BroadcastChannel(storeName(opening.root));
    this.#hall.onmessage = ({ data }: MessageEvent<HallMessage>) => this.#hear(data);
  }

  async start(): Promise<void> {
    await checkPlatform();
    const lock = tabName(this.#opening.root, this.#tab);
    await new Promise<void>((held, refused) => {
      navigator.locks
        .request(lock, () => {
          held();
          // As long as this worker lives.
          return new Promise<void>(() => undefined);
        })
        .catch(refused);
    });
    this.#page.alive(lock);
    this.#isStarted = true;
    await this.#change(async () => this.#join());
  }

  call(id: number, request: Request): void {
    if (this.#end !== undefined) {
      this.#page.reply(id, failure(this.#end));
      return;
    }
    switch (this.#role.kind) {
      case "owner":
        this.#page.reply(id, this.#role.owner.run(request));
        break;
      case "guest":
        this.#role.guest.call(id, request);
        break;
      case "idle":
        this.#role.calls.set(id, request);
        // After a failure to open, the next call tries again.
        void this.#change(async () => this.#join());
        break;
    }
  }

  abort(id: number): void {
    if (this.#role.kind === "guest") {
      this.#role.guest.drop(id);
    } else if (this.#role.kind === "idle") {
      this.#role.calls.delete(id);
    }
  }

  /** Gives the store to a tab that can work, or takes no part in who gets it next. */
  freeze(): Promise<void> {
    return this.#change(async () => {
      this.#isFrozen = true;
      await this.#leave();
    });
  }

  resume(): Promise<void> {
    return this.#change(async () => {
      this.#isFrozen = false;
      this.#join();
    });
  }

  close(): Promise<void> {
    return this.#change(() => this.#finish(new NanotdbError("closed", "the store is closed")));
  }

  destroy(): Promise<void> {
    return this.#change(async () => {
      this.#hall.postMessage({ kind: "destroy" } satisfies HallMessage);
      const { root, patience } = this.#opening;
      const destroyed = new Promise<void>((resolve, reject) => {
        this.#onGrant = async () => {
          await engine.destroyFiles(root).then(resolve, reject);
        };
      });
      if (this.#role.kind !== "guest") {
        await this.#finish(new NanotdbError("closed", "the store is closed"));
      }
      this.#ask();
      await within(patience, destroyed, () => {
        this.#wish?.abort();
        const message = "a tab that has the store open does not close it: it may be frozen";
        return new NanotdbError("unresponsive", message);
      });
      await this.#finish(new NanotdbError("closed", "the store is deleted"));
    });
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(change);
    this.#changes = result.catch(() => undefined);
    return result;
  }

  #hear(message: HallMessage): void {
    switch (message.kind) {
      case "hello":
        if (this.#role.kind === "owner") {
          this.#role.owner.welcome(message.tab, message.patience);
        } else if (this.#coming !== undefined) {
          this.#say({ kind: "opening", epoch: this.#coming });
        }
        break;
      case "opening":
        if (this.#role.kind === "guest") {
          this.#role.guest.opening();
        }
        break;
      case "owner":
        if (this.#role.kind === "guest") {
          void this.#role.guest.owner(message.epoch);
        }
        break;
      case "destroy":
        void this.#change(async () => {
          if (this.#end === undefined) {
            const error = new NanotdbError("closed", "another tab deleted the store");
            await this.#finish(error);
            this.#page.ended(error);
          }
        });
        break;
    }
  }

  #say(message: HallMessage): void {
    this.#hall.postMessage(message);
  }

  /** Becomes a guest that waits for its turn to own the store. */
  #join(): void {
    const isHindered = !this.#isStarted || this.#isFrozen || this.#end !== undefined;
    if (this.#role.kind !== "idle" || isHindered) {
      return;
    }
    const waiting = this.#role.calls;
    const guest = new Guest({
      root: this.#opening.root,
      tab: this.#tab,
      patience: this.#opening.patience,
      nextSeq: () => ++this.#seq,
      isOpening: () => this.#coming !== undefined,
      say: (message) => this.#say(message),
      deliver: (id, reply) => this.#page.reply(id, reply),
      tell: (event) => this.#page.tell(event),
    });
    this.#role = { kind: "guest", guest };
    waiting.forEach((request, id) => guest.call(id, request));
    this.#page.tell({ kind: "role", role: "guest" });
    this.#ask();
  }

  #ask(): void {
    if (this.#wish !== undefined) {
      return;
    }
    const wish = new AbortController();
    this.#wish = wish;
    navigator.locks
      .request(storeName(this.#opening.root), { signal: wish.signal }, () => {
        this.#wish = undefined;
        return this.#onGrant === undefined ? this.#granted() : this.#onGrant();
      })
      .catch(() => {
        // Withdrawn. What goes wrong with the lock in hand is told to the page.
        this.#wish = this.#wish === wish ? undefined : this.#wish;
      });
  }

  /** Has the lock: the store is this tab's until the promise is fulfilled. */
  #granted(): Promise<void> {
    return new Promise<void>((release) => {
      void this.#change(async () => {
        if (this.#role.kind !== "guest" || this.#end !== undefined) {
          release();
          return;
        }
        try {
          await this.#own(this.#role.guest, release);
        } catch (thrown) {
          this.#refuse(this.#role.guest, errorFrom(thrown));
          release();
          if (thrown instanceof WebAssembly.RuntimeError) {
            this.#page.fault();
          }
        } finally {
          this.#coming = undefined;
        }
      });
    });
  }

  async #own(guest: Guest, release: () => void): Promise<void> {
    const epoch = crypto.randomUUID();
    this.#coming = epoch;
    this.#say({ kind: "opening", epoch });
    await this.#loaded;
    const session = await this.#open();
    const owner = new Owner({
      root: this.#opening.root,
      epoch,
      calls: new SessionCalls(engine, session),
      tell: (event) => this.#page.tell(event),
      fail: () => this.#page.fault(),
    });
    this.#say({ kind: "owner", epoch });
    const waiting = await guest.takeOver();
    this.#role = { kind: "owner", owner, release };
    this.#page.tell({ kind: "role", role: "owner" });
    for (const { id, request } of waiting) {
      this.#page.reply(id, owner.run(request));
    }
  }

  async #open(): Promise<engine.Session> {
    const { root, cacheBytes, metricFormat } = this.#opening;
    for (let attempt = 1; ; attempt++) {
      try {
        return await engine.openFiles(root, cacheBytes, metricFormat);
      } catch (thrown) {
        if (errorFrom(thrown).code !== "locked" || attempt === OPEN_ATTEMPTS) {
          throw thrown;
        }
      }
    }
  }

  /** The store cannot be opened: whoever waits for it is told. */
  #refuse(guest: Guest, error: NanotdbError): void {
    guest.end(failure(error));
    this.#role = { kind: "idle", calls: new Map() };
  }

  /** Gives up the place at the store; calls that can wait stay. */
  async #leave(): Promise<unknown> {
    this.#wish?.abort();
    this.#wish = undefined;
    const role = this.#role;
    const calls = new Map<number, Request>();
    let error: unknown;
    if (role.kind === "guest") {
      role.guest.freeze().forEach(({ id, request }) => calls.set(id, request));
      this.#role = { kind: "idle", calls };
    } else if (role.kind === "owner") {
      this.#role = { kind: "idle", calls };
      const left = role.owner.leave();
      error = left.error;
      role.release();
      await left.parted;
    }
    return error;
  }

  /** Ends for good. */
  async #finish(end: NanotdbError): Promise<void> {
    if (this.#end !== undefined) {
      return;
    }
    this.#end = end;
    if (this.#role.kind === "guest") {
      this.#role.guest.end(failure(end));
      if (this.#onGrant === undefined) {
        this.#wish?.abort();
      }
      this.#role = { kind: "idle", calls: new Map() };
      return;
    }
    const error = await this.#leave();
    if (this.#role.kind === "idle") {
      this.#role.calls.forEach((_, id) => this.#page.reply(id, failure(end)));
      this.#role.calls.clear();
    }
    if (error !== undefined) {
      throw error;
    }
  }
}

/** Some browsers have the interfaces and refuse to work: private windows, old versions. */
async function checkPlatform(): Promise<void> {
  try {
    await navigator.storage.getDirectory();
  } catch (thrown) {
    const reason = errorFrom(thrown).message;
    const message = `this browser gives no file storage here, as in a private window: ${reason}`;
    throw new NanotdbError("unavailable", message, { cause: thrown });
  }
}

async function within<T>(
  milliseconds: number,
  work: Promise<T>,
  late: () => NanotdbError,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
