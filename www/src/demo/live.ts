import { effect } from "@preact/signals";
import { failure, type Source } from "../source.ts";
import { report } from "../shell/toasts.tsx";
import { contentChanged } from "../shell/session.ts";
import { SECOND } from "../util/time.ts";
import { DEMO_DATABASE } from "./generate.ts";
import { live } from "./live-state.ts";
import { chance, SHAPES } from "./shapes.ts";

/** Failures that pass by themselves. */
const PASSING = new Set(["interrupted", "unresponsive"]);

/** Adds a sample of each metric each second until it is stopped or this tab closes. */
export function startLive(source: Source): void {
  if (live.value) return;
  live.value = true;
  const shapes = SHAPES.filter((shape) => shape.isEvent !== true);
  const running = shapes.map((shape, index) => shape.start(chance(Date.now() + index)));
  const floats = shapes.flatMap((shape, index) => (shape.type === "f32" ? [index] : []));
  const metrics = floats.map((index) => shapes[index]!.metric);
  let isBusy = false;
  let isFirst = true;
  const tick = async () => {
    // A tab in the background may be late; then ticks are left out rather than heaped up.
    if (isBusy) return;
    isBusy = true;
    try {
      const now = Date.now();
      const values = Float32Array.from(floats, (index) => running[index]!(now) ?? 0);
      await source.addRows(DEMO_DATABASE, { metrics, times: new Date(now), values });
      if (isFirst) contentChanged();
      isFirst = false;
    } catch (error) {
      // Another tab was closed or sleeps: that is said, and the next tick may come through.
      if (!PASSING.has(failure(error).code)) live.value = false;
      report(error);
    } finally {
      isBusy = false;
    }
  };
  const timer = setInterval(() => void tick(), SECOND);
  void tick();
  const stop = effect(() => {
    if (live.value) return;
    clearInterval(timer);
    queueMicrotask(() => stop());
  });
}
