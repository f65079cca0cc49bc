/** The calls of a tab that does not have the files open: another tab runs them. */
import type { StoreEvent } from "./api.js";
import { NanotdbError } from "./error.js";
import { KINDS, type Reply, type Request } from "./rpc.js";
import { failure } from "./session-calls.js";
import {
  PARTING_MS,
  tabName,
  type HallMessage,
  type ToGuest,
  type ToOwner,
} from "./tab-messages.js";

/** Signs of life that may be missed within `patience`. */
const PINGS = 4;

/** A call without an answer. */
export interface Pending {
  readonly id: number;
  readonly request: Request;
  /** Under which number the owner got it; `undefined` while no owner has. */
  seq: number | undefined;
}

/** What a guest needs. */
export interface GuestSetup {
  readonly root: string;
  readonly tab: string;
  readonly patience: number;
  /** Counts for the tab, not for one guest: owners take no number twice. */
  readonly nextSeq: () => number;
  /** Whether this tab has the lock and opens the files: nobody else is to be waited for. */
  readonly isOpening: () => boolean;
  readonly say: (message: HallMessage) => void;
  readonly deliver: (id: number, reply: Reply) => void;
  readonly tell: (event: StoreEvent) => void;
}

/** Forwards calls to the owner, whoever that is. */
export class Guest {
  readonly #setup: GuestSetup;
  readonly #channel: BroadcastChannel;
  /** By id, so oldest first. */
  readonly #pending = new Map<number, Pending>();
  readonly #goneEpochs = new Set<string>();
  /** The owner that has welcomed this tab. */
  #epoch: string | undefined;
  /** Since an owner said that it ends, until all it got from here is answered. */
  #parting: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Turns of the timer since the last sign of life: a sleeping machine counts one, not hours. */
  #silentTurns = 0;

  constructor(setup: GuestSetup) {
    this.#setup = setup;
    this.#channel = new BroadcastChannel(tabName(setup.root, setup.tab));
    this.#channel.onmessage = ({ data }: MessageEvent<ToGuest>) => this.#hear(data);
    this.#hello();
  }

  call(id: number, request: Request): void {
    const pending: Pending = { id, request, seq: undefined };
    this.#pending.set(id, pending);
    this.#send(pending);
    this.#timer ??= setInterval(() => this.#turn(), this.#setup.patience / PINGS);
  }

  /** Forgets a call: an answer to it is nobody's. */
  drop(id: number): void {
    this.#pending.delete(id);
    this.#rest();
  }

  /** A tab that holds the lock gives a sign of life. */
  opening(): void {
    this.#silentTurns = 0;
  }

  /** A tab says that it owns the store, so whoever did before does not any more. */
  async owner(epoch: string): Promise<void> {
    this.#silentTurns = 0;
    if (epoch === this.#epoch || this.#goneEpochs.has(epoch)) {
      return;
    }
    // What the old owner has answered comes first, if it went in good order.
    await this.#parting?.over;
    if (epoch !== this.#epoch && !this.#goneEpochs.has(epoch)) {
      this.#lost();
      this.#hello();
    }
  }

  /** Ends, because this tab owns the store now: returns the calls that are to be run. */
  async takeOver(): Promise<Pending[]> {
    await this.#parting?.over;
    this.#lost();
    this.#close();
    return [...this.#pending.values()];
  }

  /** Ends, with this reply to all calls. */
  end(reply: Reply): void {
    this.#failAll(() => reply);
    this.#close();
  }

  /** Ends, because the tab is to be frozen: returns the calls that can wait for it. */
  freeze(): Pending[] {
    this.#lost();
    this.#close();
    return [...this.#pending.values()];
  }

  #close(): void {
    this.#channel.close();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #hello(): void {
    this.#setup.say({ kind: "hello", tab: this.#setup.tab, patience: this.#setup.patience });
  }

  #post(message: ToOwner): void {
    this.#channel.postMessage(message);
  }

  #send(pending: Pending): void {
    if (this.#epoch === undefined || this.#parting !== undefined) {
      return;
    }
    const seq = this.#setup.nextSeq();
    pending.seq = seq;
    const { request } = pending;
    this.#post({ kind: "call", epoch: this.#epoch, seq, sentAt: Date.now(), request });
  }

  #sendWaiting(): void {
    for (const pending of this.#pending.values()) {
      if (pending.seq === undefined) {
        this.#send(pending);
      }
    }
  }

  #hear(message: ToGuest): void {
    if (this.#goneEpochs.has(message.epoch)) {
      return;
    }
    this.#silentTurns = 0;
    if (message.kind === "welcome") {
      this.#attach(message.epoch);
      return;
    }
    if (message.epoch !== this.#epoch) {
      return;
    }
    switch (message.kind) {
      case "reply":
        this.#settle(message.seq, message.reply);
        break;
      case "bounce":
        this.#bounced(message.seq);
        break;
      case "leaving":
        this.#part(message.epoch);
        break;
      case "done":
        this.#parting?.end();
        break;
      case "event":
        this.#setup.tell(message.event);
        break;
      case "pong":
        break;
    }
  }

  #attach(epoch: string): void {
    if (epoch !== this.#epoch) {
      this.#lost();
      this.#epoch = epoch;
      this.#sendWaiting();
    }
  }

  #settle(seq: number, reply: Reply): void {
    const pending = this.#bySeq(seq);
    if (pending !== undefined) {
      this.#finish(pending, reply);
    }
  }

  #bounced(seq: number): void {
    const pending = this.#bySeq(seq);
    if (pending !== undefined) {
      pending.seq = undefined;
      this.#send(pending);
    }
  }

  #bySeq(seq: number): Pending | undefined {
    for (const pending of this.#pending.values()) {
      if (pending.seq === seq) {
        return pending;
      }
    }
    return undefined;
  }

  #part(epoch: string): void {
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    }).then(() => {
      clearTimeout(limit);
      if (this.#epoch === epoch) {
        this.#lost();
      }
    });
    const limit = setTimeout(() => end(), PARTING_MS);
    this.#parting = { over, end };
    this.#post({ kind: "left", epoch });
  }

  /** The owner is gone. Reads wait for the next one; of writes nobody knows. */
  #lost(): void {
    if (this.#epoch !== undefined) {
      this.#goneEpochs.add(this.#epoch);
    }
    this.#epoch = undefined;
    this.#parting = undefined;
    for (const pending of [...this.#pending.values()]) {
      if (pending.seq === undefined) {
        continue;
      }
      pending.seq = undefined;
      if (KINDS[pending.request.op] === "write") {
        this.#finish(pending, failure(interruptedError()));
      }
    }
  }

  #finish(pending: Pending, reply: Reply): void {
    this.#pending.delete(pending.id);
    this.#setup.deliver(pending.id, reply);
    this.#rest();
  }

  /** Without calls there is nothing to be patient about. */
  #rest(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#silentTurns = 0;
    }
  }

  #turn(): void {
    if (this.#setup.isOpening()) {
      this.#silentTurns = 0;
      return;
    }
    this.#silentTurns += 1;
    if (this.#silentTurns > PINGS) {
      this.#silentTurns = 0;
      this.#failAll(({ request, seq }) => {
        const isOpen = seq !== undefined && KINDS[request.op] === "write";
        return failure(unresponsiveError(isOpen));
      });
      return;
    }
    if (this.#epoch !== undefined) {
      this.#post({ kind: "ping", epoch: this.#epoch });
    }
    // Also when there is an owner: it may have gone unnoticed, with its message lost.
    if (this.#epoch === undefined || this.#silentTurns > 1) {
      this.#hello();
    }
  }

  #failAll(reply: (pending: Pending) => Reply): void {
    for (const pending of [...this.#pending.values()]) {
      this.#finish(pending, reply(pending));
    }
  }
}

/** That a write was with an owner that went away. */
export function interruptedError(): NanotdbError {
  const message =
    "the tab that owned the store went away before it answered: " +
    "it is not known whether the write was done";
  return new NanotdbError("interrupted", message);
}

function unresponsiveError(isUnknown: boolean): NanotdbError {
  const message =
    "the tab that owns the store gives no sign of life: the browser may have frozen it in the " +
    "background. Bring that tab to the front, or close it" +
    (isUnknown ? ". It is not known whether the write was done" : "");
  return new NanotdbError("unresponsive", message);
}
