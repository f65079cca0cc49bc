import { signal } from "@preact/signals";

/** Whether the live demo adds samples in this tab. Apart from its code, which loads when asked. */
export const live = signal(false);

export function stopLive(): void {
  live.value = false;
}
