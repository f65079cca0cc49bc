import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatSpan, formatTime } from "../util/time.ts";
import { timeAxis, valueAxis } from "./axes.ts";
import { addGestures } from "./gestures.ts";
import type { Paint } from "./palette.ts";
import { assignScales, extentOf, padded } from "./scales.ts";
import { Tooltip, type ReadoutRow } from "./tooltip.ts";
import { align, gapLength, nearest, type Aligned, type Trace } from "./trace.ts";

/** A line of a chart. */
export interface Line {
  readonly label: string;
  readonly trace: Trace;
  /** Number of its colour. */
  readonly color: number;
  /** What its values are in. Lines of one unit have one scale. */
  readonly unit?: string;
  format(value: number): string;
}

/** What a chart tells whoever shows it. Times are milliseconds. */
export interface PlotEvents {
  /** Another range was asked for; `isFinal` when the gesture ended. */
  onRange?(from: number, to: number, isFinal: boolean): void;
  onBack?(): void;
}

export interface PlotOptions extends PlotEvents {
  readonly paint: Paint;
  /** Charts of one group move their cursors together. */
  readonly group?: string;
}

/** A chart on a canvas; the component around it is in `chart.tsx`. */
export class Plot {
  readonly #host: HTMLElement;
  readonly #options: PlotOptions;
  readonly #tooltip: Tooltip;
  #chart: uPlot | undefined;
  #removeGestures: (() => void) | undefined;
  #lines: readonly Line[] = [];
  /** How far each line reaches from one point to the next. */
  #gaps: readonly number[] = [];
  #shape = "";
  #axesThen = 0;
  #range: [number, number] = [0, 1];

  constructor(host: HTMLElement, options: PlotOptions) {
    this.#host = host;
    this.#options = options;
    this.#tooltip = new Tooltip(host);
  }

  /** Shows lines. What has the same shape as before only gets new data. */
  setLines(lines: readonly Line[]): void {
    this.#lines = lines;
    this.#gaps = lines.map((line) => gapLength(line.trace));
    const hasBands = lines.some((line) => line.trace.low !== undefined);
    const aligned = align(
      lines.map((line) => line.trace),
      hasBands,
    );
    const scales = assignScales(
      lines.map(({ trace }) => extentOf(trace.low ?? trace.values, trace.high)),
      lines.map(({ unit }) => unit),
    );
    this.#axesThen = this.#mostAxes();
    const shape = JSON.stringify([
      this.#axesThen,
      hasBands,
      scales,
      lines.map(({ label, color }) => [label, color]),
    ]);
    const data = toData(aligned);
    if (this.#chart !== undefined && shape === this.#shape) {
      this.#chart.setData(data, false);
      this.#applyRange();
      this.#readOut();
      return;
    }
    this.#shape = shape;
    this.#build(data, scales, hasBands);
  }

  /** Moves the visible range; the data stays until others come. Milliseconds. */
  setRange(from: number, to: number): void {
    this.#range = [from / 1000, to / 1000];
    this.#applyRange();
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === 0 || height === 0) return;
    this.#chart?.setSize({ width, height });
    // A phone that was turned has room for other axes.
    if (this.#mostAxes() !== this.#axesThen) this.setLines(this.#lines);
  }

  /** Moves the readout by points, for the keyboard. Answers what it says. */
  moveCursor(by: number): string | undefined {
    const chart = this.#chart;
    if (chart === undefined) return undefined;
    const times = chart.data[0];
    const [from, to] = this.#range;
    const now = chart.cursor.idx ?? nearest(times, by > 0 ? from : to);
    const next = Math.max(0, Math.min(times.length - 1, now + by));
    const time = times[next];
    if (time === undefined || time < from || time > to) return undefined;
    chart.setCursor({ left: chart.valToPos(time, "x"), top: chart.over.clientHeight / 2 });
    return this.#tooltip.text;
  }

  get canvas(): HTMLCanvasElement | undefined {
    return this.#chart?.ctx.canvas;
  }

  destroy(): void {
    this.#removeGestures?.();
    this.#chart?.destroy();
    this.#tooltip.remove();
  }

  /** More axes than these would leave no room for the chart. */
  #mostAxes(): number {
    return this.#host.clientWidth < 480 ? 2 : 3;
  }

  #applyRange(): void {
    const [min, max] = this.#range;
    this.#chart?.setScale("x", { min, max });
  }

  #build(data: uPlot.AlignedData, scales: readonly number[], hasBands: boolean): void {
    // Who points at something goes on pointing at it, whatever was loaded meanwhile.
    const { left = -1, top = -1 } = this.#chart?.cursor ?? {};
    this.#removeGestures?.();
    this.#chart?.destroy();
    const { paint, group } = this.#options;
    const columns = hasBands ? 3 : 1;
    const count = Math.max(1, ...scales.map((scale) => scale + 1));
    const axes = Math.min(count, this.#mostAxes());
    const isInteractive = this.#options.onRange !== undefined;
    const chart = new uPlot(
      {
        width: Math.max(50, this.#host.clientWidth),
        height: Math.max(50, this.#host.clientHeight),
        padding: [10, count > 1 ? 0 : 14, 0, 0],
        legend: { show: false },
        cursor: {
          drag: { x: isInteractive, y: false, setScale: false, dist: 4 },
          points: { size: 7, width: 2 },
          focus: { prox: -1 },
          hover: { prox: 40 },
          ...(group === undefined ? {} : { sync: { key: group } }),
        },
        scales: {
          x: { time: true, range: () => this.#range },
          ...Object.fromEntries(
            Array.from({ length: count }, (_, scale) => [
              `y${scale}`,
              {
                range: (
                  _chart: uPlot,
                  min: number | null,
                  max: number | null,
                ): uPlot.Range.MinMax => (min === null || max === null ? [0, 1] : padded(min, max)),
              },
            ]),
          ),
        },
        axes: [
          timeAxis(paint),
          ...Array.from({ length: axes }, (_, scale) => {
            const owners = this.#lines.filter((_line, at) => scales[at] === scale);
            const only = owners.length === 1 && count > 1 ? owners[0] : undefined;
            return valueAxis(paint, scale, only === undefined ? undefined : paint.line(only.color));
          }),
        ],
        series: [
          {},
          ...this.#lines.flatMap((line, at) => this.#series(line, scales[at] ?? 0, hasBands)),
        ],
        bands: this.#lines.flatMap((line, at): uPlot.Band[] =>
          line.trace.low === undefined
            ? []
            : [{ series: [at * columns + 3, at * columns + 2], fill: paint.band(line.color) }],
        ),
        hooks: {
          setCursor: [() => this.#readOut()],
          setSelect: [(own) => this.#select(own)],
        },
      },
      data,
      this.#host,
    );
    this.#chart = chart;
    this.#applyRange();
    if (left >= 0) chart.setCursor({ left, top });
    const { onRange, onBack } = this.#options;
    if (onRange !== undefined) {
      this.#removeGestures = addGestures(chart, {
        show: (from, to, isFinal) => {
          this.setRange(from * 1000, to * 1000);
          onRange(from * 1000, to * 1000, isFinal);
        },
        back: () => onBack?.(),
      });
    }
  }

  #series(line: Line, scale: number, hasBands: boolean): uPlot.Series[] {
    const { paint } = this.#options;
    const own: uPlot.Series = {
      label: line.label,
      scale: `y${scale}`,
      stroke: paint.line(line.color),
      width: 1.5,
      points: { size: 4, fill: paint.line(line.color), width: 0 },
    };
    if (!hasBands) return [own];
    const edge: uPlot.Series = {
      scale: `y${scale}`,
      stroke: "transparent",
      width: 0,
      points: { show: false },
    };
    return [own, edge, { ...edge }];
  }

  /** A selection becomes the range and goes away. */
  #select(chart: uPlot): void {
    const { left, width } = chart.select;
    if (width < 4) return;
    const from = chart.posToVal(left, "x") * 1000;
    const to = chart.posToVal(left + width, "x") * 1000;
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.setRange(from, to);
    this.#options.onRange?.(from, to, true);
  }

  #readOut(): void {
    const chart = this.#chart;
    const { left = -1 } = chart?.cursor ?? {};
    if (chart === undefined || left < 0 || this.#lines.length === 0) {
      this.#tooltip.hide();
      return;
    }
    const time = chart.posToVal(left, "x");
    const [from, to] = this.#range;
    // A value from further away than this is not "here".
    const reach = Math.max(((to - from) / chart.over.clientWidth) * 40, 1e-6);
    const { paint } = this.#options;
    let shown: number | undefined;
    const rows = this.#lines.flatMap((line, index): ReadoutRow[] => {
      const { trace } = line;
      const at = nearest(trace.times, time);
      const own = trace.times[at];
      if (own === undefined) return [];
      // Where there is a line, there is a value: the nearest end of its segment.
      const isOnLine = time > trace.times[0]! && time < trace.times.at(-1)!;
      const far = isOnLine ? Math.max(reach, this.#gaps[index]!) : reach;
      if (Math.abs(own - time) > far) return [];
      if (shown === undefined || Math.abs(own - time) < Math.abs(shown - time)) shown = own;
      const low = trace.low?.[at];
      const high = trace.high?.[at];
      const row = {
        color: paint.line(line.color),
        label: line.label,
        value: line.format(trace.values[at]!),
      };
      if (low === undefined || high === undefined || low === high) return [row];
      return [{ ...row, extra: `${line.format(low)} … ${line.format(high)}` }];
    });
    if (shown === undefined) {
      this.#tooltip.hide();
      return;
    }
    const window = this.#lines[0]?.trace.window;
    const title =
      window === undefined
        ? formatTime(shown * 1000, to - from < 600)
        : `${formatTime((shown - window / 2) * 1000)} + ${formatSpan(window * 1000)}`;
    this.#tooltip.show(title, rows, left + chart.over.offsetLeft, this.#host.clientWidth);
  }
}

function toData(aligned: Aligned): uPlot.AlignedData {
  return [aligned.times, ...aligned.columns];
}
