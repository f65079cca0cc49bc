import type uPlot from "uplot";
import { formatTick } from "../util/format.ts";
import type { Paint } from "./palette.ts";

const [MINUTE, HOUR, DAY] = [60, 3600, 86_400];
const _ = null;

/** Labels of the time axis, by distance of ticks: 24 hours, and the date where it changes. */
const TIME_LABELS: uPlot.Axis.Values = [
  [DAY * 365, "{YYYY}", _, _, _, _, _, _, 1],
  [DAY * 28, "{MMM}", "\n{YYYY}", _, _, _, _, _, 1],
  [DAY, "{D} {MMM}", "\n{YYYY}", _, _, _, _, _, 1],
  [HOUR, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", _, "\n{D} {MMM}", _, _, _, 1],
  [MINUTE, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", _, "\n{D} {MMM}", _, _, _, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", _, "\n{D} {MMM}", _, _, _, 1],
  [0.001, "{ss}.{fff}", "\n{D} {MMM} {YYYY}", _, "\n{D} {MMM}", _, "\n{HH}:{mm}", _, 1],
];

export function timeAxis(paint: Paint): uPlot.Axis {
  return {
    stroke: paint.text,
    font: paint.font,
    gap: 4,
    size: 38,
    space: 76,
    grid: { stroke: paint.grid, width: 1 },
    ticks: { stroke: paint.grid, width: 1, size: 5 },
    values: TIME_LABELS,
  };
}

/**
 * The axis of a scale. The first one is on the left and has the grid; the others are on the right,
 * in the colour of their line where that is only one.
 */
export function valueAxis(paint: Paint, scale: number, color: string | undefined): uPlot.Axis {
  return {
    scale: `y${scale}`,
    side: scale === 0 ? 3 : 1,
    stroke: color ?? paint.text,
    font: paint.font,
    gap: 6,
    space: 34,
    grid: { show: scale === 0, stroke: paint.grid, width: 1 },
    ticks: { show: false },
    values: (_chart, splits) => {
      const step = splits.length > 1 ? Math.abs(splits[1]! - splits[0]!) : 1;
      return splits.map((value) => formatTick(value, step));
    },
    // As wide as its longest label; a changing width would shift the chart with each refresh,
    // so it comes in steps.
    size: (_chart, values) => {
      const longest = (values ?? []).reduce((most, text) => Math.max(most, text.length), 0);
      return Math.max(40, Math.ceil((longest * 6.6 + 14) / 8) * 8);
    },
  };
}
