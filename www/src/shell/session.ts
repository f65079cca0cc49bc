import { signal } from "@preact/signals";
import type { Source } from "../source.ts";
import { edition } from "./edition.ts";
import { warn } from "./toasts.tsx";

/** How far opening the source is. */
export type Session =
  | { readonly kind: "opening" }
  | { readonly kind: "ready"; readonly source: Source }
  | { readonly kind: "failed"; readonly error: unknown };

export const session = signal<Session>({ kind: "opening" });

/** Counts changes of which databases and metrics there are; lists are read again with each. */
export const contentRound = signal(0);

/** Says that data came or went. */
export function contentChanged(): void {
  contentRound.value++;
}

/** Opens the source. The engine's code is asked for while the page is already being drawn. */
export async function start(storage: "files" | "memory" = "files"): Promise<void> {
  session.value = { kind: "opening" };
  try {
    const source = await edition().open(storage);
    source.subscribe((event) => {
      if (event.kind === "problem") warn("The store met a problem", event.message);
    });
    session.value = { kind: "ready", source };
  } catch (error) {
    session.value = { kind: "failed", error };
  }
}
