/** The tab that has the files open: it runs the calls of all tabs. */
import type { StoreEvent } from "./api.js";
import type { Reply, Request } from "./rpc.js";
import { Caller, type SessionCalls } from "./session-calls.js";
import { PARTING_MS, tabName, type ToGuest, type ToOwner } from "./tab-messages.js";

const TICK_MS = 1000;

/** What an owner needs. */
export interface OwnerSetup {
  readonly root: string;
  readonly epoch: string;
  readonly calls: SessionCalls;
  /** For the page of this tab; guests are told as well. */
  readonly tell: (event: StoreEvent) => void;
  /** The engine failed for good. */
  readonly fail: () => void;
}

/** A guest as its owner knows it. */
interface Seat {
  readonly channel: BroadcastChannel;
  readonly caller: Caller;
  readonly patience: number;
  /** Ends the wait for the guest's death. */
  readonly watch: AbortController;
  /** Highest number of a call from it. */
  newestSeq: number;
  /** When it was last given a sign of life. */
  lastPost: number;
  /** Nothing more comes from it. */
  left: () => void;
  readonly hasLeft: Promise<void>;
}

/** Runs calls for this tab and for guests. */
export class Owner {
  readonly #setup: OwnerSetup;
  readonly #own = new Caller();
  readonly #seats = new Map<string, Seat>();
  readonly #timer: ReturnType<typeof setInterval>;
  #isLeaving = false;

  constructor(setup: OwnerSetup) {
    this.#setup = setup;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get epoch(): string {
    return this.#setup.epoch;
  }

  /** Runs a call of this tab. */
  run(request: Request): Reply {
    const reply = this.#setup.calls.run(this.#own, request);
    this.#check();
    return reply;
  }

  /** A tab wants to be a guest, or asks whether it still is one. */
  welcome(tab: string, patience: number): void {
    if (this.#isLeaving) {
      return;
    }
    const seat = this.#seats.get(tab) ?? this.#seat(tab, patience);
    this.#post(seat, { kind: "welcome", epoch: this.epoch });
  }

  /**
   * Closes the files. The lock may go to the next owner when this returns; `parted` is fulfilled
   * when every guest knows what became of its calls, or does not listen.
   *
   * Throws what closing the store throws, after everything was let go.
   */
  leave(): { readonly parted: Promise<void>; readonly error: unknown } {
    this.#isLeaving = true;
    clearInterval(this.#timer);
    for (const seat of this.#seats.values()) {
      this.#post(seat, { kind: "leaving", epoch: this.epoch });
    }
    let error: unknown;
    try {
      this.#own.end();
      this.#seats.forEach(({ caller }) => caller.end());
      this.#setup.calls.close();
    } catch (thrown) {
      error = thrown;
    }
    return { parted: this.#part(), error };
  }

  async #part(): Promise<void> {
    const all = Promise.all([...this.#seats.values()].map(({ hasLeft }) => hasLeft));
    let limit: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, PARTING_MS);
    });
    await Promise.race([all, late]);
    clearTimeout(limit);
    for (const tab of [...this.#seats.keys()]) {
      this.#unseat(tab);
    }
  }

  #seat(tab: string, patience: number): Seat {
    let left = (): void => undefined;
    const hasLeft = new Promise<void>((resolve) => {
      left = resolve;
    });
    const channel = new BroadcastChannel(tabName(this.#setup.root, tab));
    const seat: Seat = {
      channel,
      caller: new Caller(),
      patience,
      watch: new AbortController(),
      newestSeq: 0,
      lastPost: Date.now(),
      left,
      hasLeft,
    };
    channel.onmessage = ({ data }: MessageEvent<ToOwner>) => this.#hear(seat, data);
    this.#seats.set(tab, seat);
    // A guest holds this lock while it lives.
    const options = { mode: "shared", signal: seat.watch.signal } as const;
    navigator.locks
      .request(tabName(this.#setup.root, tab), options, () => this.#unseat(tab))
      .catch(() => undefined);
    return seat;
  }

  #unseat(tab: string): void {
    const seat = this.#seats.get(tab);
    if (seat !== undefined) {
      this.#seats.delete(tab);
      seat.watch.abort();
      seat.channel.close();
      if (!this.#isLeaving) {
        seat.caller.end();
      }
      seat.left();
    }
  }

  #post(seat: Seat, message: ToGuest): void {
    seat.lastPost = Date.now();
    seat.channel.postMessage(message);
  }

  #hear(seat: Seat, message: ToOwner): void {
    const { epoch } = this;
    if (message.epoch !== epoch) {
      return;
    }
    switch (message.kind) {
      case "call":
        this.#runFor(seat, message.seq, message.sentAt, message.request);
        break;
      case "ping":
        this.#post(seat, { kind: "pong", epoch });
        break;
      case "left":
        this.#post(seat, { kind: "done", epoch });
        seat.left();
        break;
    }
  }

  #runFor(seat: Seat, seq: number, sentAt: number, request: Request): void {
    const { epoch } = this;
    if (seq <= seat.newestSeq) {
      return;
    }
    seat.newestSeq = seq;
    // A guest that heard nothing for so long has told its caller that the call failed. This tab
    // was frozen, say: to do the call now could do it twice.
    const givenUp = Date.now() - Math.max(sentAt, seat.lastPost) > seat.patience;
    if (this.#isLeaving || givenUp) {
      this.#post(seat, { kind: "bounce", epoch, seq });
      return;
    }
    const reply = this.#setup.calls.run(seat.caller, request);
    this.#post(seat, { kind: "reply", epoch, seq, reply });
    this.#check();
  }

  #tick(): void {
    for (const message of this.#setup.calls.tick()) {
      const event = { kind: "problem", message } as const;
      this.#setup.tell(event);
      for (const seat of this.#seats.values()) {
        this.#post(seat, { kind: "event", epoch: this.epoch, event });
      }
    }
    this.#check();
  }

  #check(): void {
    if (!this.#isLeaving && this.#setup.calls.fault !== undefined) {
      this.#setup.fail();
    }
  }
}
