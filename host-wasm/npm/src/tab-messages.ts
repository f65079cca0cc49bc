/** What tabs that share a store say to each other. */
import type { StoreEvent } from "./api.js";
import type { Reply, Request } from "./rpc.js";

/**
 * Who owns a store, and where its tabs meet. The lock `nanotdb:<root>` makes the owner; the
 * channel of that name is where tabs learn of each other. Each tab has a channel to the owner of
 * its own, so that no tab hears another's data, and a lock of its own for as long as it lives.
 */
export const storeName = (root: string): string => `nanotdb:${root}`;

/** Of a tab: its channel and its lock. */
export const tabName = (root: string, tab: string): string => `nanotdb:${root}:${tab}`;

/** On the channel that all tabs hear. An epoch is one ownership. */
export type HallMessage =
  | { readonly kind: "hello"; readonly tab: string; readonly patience: number }
  /** The lock's holder opens the files: a sign of life, no more. */
  | { readonly kind: "opening"; readonly epoch: string }
  | { readonly kind: "owner"; readonly epoch: string }
  /** Everyone closes: the store is about to be deleted. */
  | { readonly kind: "destroy" };

/** From a guest to the owner. `seq` counts what a guest sends: no number comes twice. */
export type ToOwner =
  | {
      readonly kind: "call";
      readonly epoch: string;
      readonly seq: number;
      /** By the clock that all tabs share. */
      readonly sentAt: number;
      readonly request: Request;
    }
  | { readonly kind: "ping"; readonly epoch: string }
  /** Nothing more comes from this guest in this epoch. */
  | { readonly kind: "left"; readonly epoch: string };

/** From the owner to a guest. */
export type ToGuest =
  | { readonly kind: "welcome"; readonly epoch: string }
  | { readonly kind: "pong"; readonly epoch: string }
  | {
      readonly kind: "reply";
      readonly epoch: string;
      readonly seq: number;
      readonly reply: Reply;
    }
  /** Not begun: to be sent again. */
  | { readonly kind: "bounce"; readonly epoch: string; readonly seq: number }
  /** The owner ends; what still reaches it bounces. */
  | { readonly kind: "leaving"; readonly epoch: string }
  /** All that the guest sent was answered or bounced. */
  | { readonly kind: "done"; readonly epoch: string }
  | { readonly kind: "event"; readonly epoch: string; readonly event: StoreEvent };

/** How long an owner that ends waits for its guests, and guests for it. */
export const PARTING_MS = 300;
