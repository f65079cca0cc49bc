import type uPlot from "uplot";

/** What gestures ask for. Times are seconds. */
export interface GestureTarget {
  /** Shows another range; `isFinal` when the gesture ended. */
  show(from: number, to: number, isFinal: boolean): void;
  back(): void;
}

/** A wheel has no end; after this long without a turn it is taken as one. */
const WHEEL_REST_MS = 140;

/**
 * Wheel and pinch zoom, shift-drag and two-finger pan, double click to go back.
 *
 * Dragging without shift selects and is the chart library's own. One finger scrolls the page and
 * moves the readout: a chart must not be a trap on a phone.
 */
export function addGestures(chart: uPlot, target: GestureTarget): () => void {
  const { over } = chart;
  const controller = new AbortController();
  const { signal } = controller;
  let rest: ReturnType<typeof setTimeout> | undefined;

  const ends = (): [number, number] => [chart.scales["x"]?.min ?? 0, chart.scales["x"]?.max ?? 1];
  const settle = () => {
    clearTimeout(rest);
    rest = setTimeout(() => target.show(...ends(), true), WHEEL_REST_MS);
  };

  over.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const [from, to] = ends();
      const span = to - from;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const by = (event.deltaX / over.clientWidth) * span;
        target.show(from + by, to + by, false);
      } else {
        const lines = event.deltaMode === 1 ? 16 : 1;
        const turn = Math.max(-240, Math.min(240, event.deltaY * lines));
        const factor = Math.exp(turn * (event.ctrlKey ? 0.01 : 0.0022));
        const at = event.offsetX / over.clientWidth;
        const middle = from + span * at;
        target.show(middle - span * factor * at, middle + span * factor * (1 - at), false);
      }
      settle();
    },
    { signal, passive: false },
  );

  over.addEventListener(
    "mousedown",
    (event) => {
      if (!event.shiftKey || event.button !== 0) return;
      // Before the library's own listener, which would start a selection.
      event.stopImmediatePropagation();
      event.preventDefault();
      const [from, to] = ends();
      const start = event.clientX;
      const drag = new AbortController();
      const shift = (now: MouseEvent, isFinal: boolean) => {
        const by = ((start - now.clientX) / over.clientWidth) * (to - from);
        target.show(from + by, to + by, isFinal);
      };
      addEventListener("mousemove", (now) => shift(now, false), { signal: drag.signal });
      addEventListener(
        "mouseup",
        (now) => {
          drag.abort();
          shift(now, true);
        },
        { signal: drag.signal },
      );
    },
    { signal, capture: true },
  );

  addTouch(chart, target, ends, signal);
  over.addEventListener("dblclick", () => target.back(), { signal });

  return () => {
    clearTimeout(rest);
    controller.abort();
  };
}

/** Two fingers: what was under them stays under them. */
function addTouch(
  chart: uPlot,
  target: GestureTarget,
  ends: () => [number, number],
  signal: AbortSignal,
): void {
  const { over } = chart;
  let held: { from: number; to: number; left: number; right: number } | undefined;
  let last: [number, number] | undefined;
  const fingers = (event: TouchEvent): [number, number] => {
    const box = over.getBoundingClientRect();
    const at = [...event.touches]
      .slice(0, 2)
      .map((touch) => (touch.clientX - box.left) / box.width);
    return [Math.min(...at), Math.max(...at)];
  };
  over.addEventListener(
    "touchstart",
    (event) => {
      if (event.touches.length !== 2) return;
      const [from, to] = ends();
      const [left, right] = fingers(event);
      const span = to - from;
      held = { from, to, left: from + left * span, right: from + right * span };
    },
    { signal, passive: true },
  );
  over.addEventListener(
    "touchmove",
    (event) => {
      if (event.touches.length === 2 && held !== undefined) {
        event.preventDefault();
        const [left, right] = fingers(event);
        const span = (held.right - held.left) / Math.max(0.02, right - left);
        const from = held.left - left * span;
        last = [from, from + span];
        target.show(from, from + span, false);
      } else if (event.touches.length === 1) {
        const box = over.getBoundingClientRect();
        const touch = event.touches[0]!;
        chart.setCursor({ left: touch.clientX - box.left, top: touch.clientY - box.top });
      }
    },
    { signal, passive: false },
  );
  over.addEventListener(
    "touchend",
    (event) => {
      if (held === undefined || event.touches.length >= 2) return;
      held = undefined;
      if (last !== undefined) target.show(...last, true);
      last = undefined;
    },
    { signal, passive: true },
  );
}
