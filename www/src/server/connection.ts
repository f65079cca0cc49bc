import { signal } from "@preact/signals";
import { contentChanged } from "../shell/session.ts";
import { SECOND } from "../util/time.ts";

/** Whether the server did not answer when it was asked last. */
export const isLost = signal(false);

/** So often it is looked whether the server is back. */
const AGAIN_MS = 2 * SECOND;

let timer: ReturnType<typeof setTimeout> | undefined;

/** Hears that the server did not answer; asks until it does, and then all pages go on. */
export function lost(address: string): void {
  isLost.value = true;
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    fetch(`${address}/health`, { cache: "no-store" }).then(
      (response) => (response.ok ? back() : lost(address)),
      () => lost(address),
    );
  }, AGAIN_MS);
}

/** Hears that the server answered. */
export function back(): void {
  if (!isLost.value) return;
  isLost.value = false;
  contentChanged();
}
