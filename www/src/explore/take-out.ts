import type { Plot } from "../chart/plot.ts";
import { readPaint } from "../chart/palette.ts";
import { csvField } from "../util/csv.ts";
import { align, type Trace } from "../chart/trace.ts";

/** What is shown as CSV: a row for each time, a column for each metric or each of its extremes. */
export function toCsv(traces: readonly Trace[], from: number, to: number): string {
  const hasBands = traces.some((trace) => trace.low !== undefined);
  // Windows are named by their start, though charts draw them in their middle.
  const shifted = traces.map((trace) =>
    trace.window === undefined
      ? trace
      : { ...trace, times: trace.times.map((time) => time - trace.window! / 2) },
  );
  const { times, columns } = align(shifted, hasBands);
  const heads = traces.flatMap(({ metric }) =>
    hasBands ? [`${metric} avg`, `${metric} min`, `${metric} max`] : [metric],
  );
  const lines = [["time", ...heads].map(csvField).join(",")];
  for (let row = 0; row < times.length; row++) {
    const ms = times[row]! * 1000;
    if (ms < from || ms > to) continue;
    const values = columns.map((column) => column[row] ?? "");
    // A row without any value only marks where a line breaks.
    if (values.every((value) => value === "")) continue;
    lines.push([new Date(ms).toISOString(), ...values].join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** A picture of the chart with its legend, in the colours of the page. */
export function toPicture(
  plot: Plot,
  host: Element,
  title: string,
  labels: readonly (readonly [name: string, color: number])[],
): Promise<Blob> {
  const chart = plot.canvas;
  if (chart === undefined) return Promise.reject(new Error("There is no chart yet."));
  const ratio = devicePixelRatio;
  const [edge, line] = [16 * ratio, 18 * ratio];
  const head = edge + line * (labels.length + 1) + edge / 2;
  const picture = document.createElement("canvas");
  picture.width = chart.width + edge * 2;
  picture.height = chart.height + head + edge;
  const paint = readPaint(host);
  const context = picture.getContext("2d")!;
  context.fillStyle = paint.surface;
  context.fillRect(0, 0, picture.width, picture.height);
  const family = getComputedStyle(host).fontFamily;
  context.textBaseline = "middle";
  context.fillStyle = paint.strong;
  context.font = `600 ${13 * ratio}px ${family}`;
  context.fillText(title, edge, edge + line / 2);
  context.font = `${12 * ratio}px ${family}`;
  labels.forEach(([name, color], index) => {
    const y = edge + line * (index + 1.5);
    context.fillStyle = paint.line(color);
    context.fillRect(edge, y - 4 * ratio, 8 * ratio, 8 * ratio);
    context.fillStyle = paint.strong;
    context.fillText(name, edge + 14 * ratio, y);
  });
  context.drawImage(chart, edge, head);
  return new Promise((resolve, reject) => {
    picture.toBlob((blob) => {
      if (blob === null) reject(new Error("The picture could not be made."));
      else resolve(blob);
    }, "image/png");
  });
}
