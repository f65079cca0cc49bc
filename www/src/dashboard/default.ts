import type { Metric } from "../source.ts";
import { groupOf } from "../explore/picker-rows.ts";
import type { Dashboard, SeriesConfig, Widget } from "./model.ts";

const MOST_GROUPS = 6;
const MOST_NUMBERS = 8;
const MOST_CHARTS = 6;
const MOST_LINES = 6;

/** Units that names give away; nothing is shown where they do not. */
const UNITS: readonly (readonly [name: RegExp, unit: string, decimals: number])[] = [
  [/temp(erature)?(_c|_celsius)?$/i, "°C", 1],
  [/humidity|percent|_pct$/i, "%", 1],
  [/watts?$|power$/i, "W", 0],
  [/kwh$/i, "kWh", 1],
  [/volts?$|voltage$/i, "V", 2],
  [/pressure|hpa$/i, "hPa", 1],
  [/_kib$/i, "KiB", 0],
  [/_mb$/i, "MB", 0],
  [/bytes$/i, "B", 0],
];

/** A dashboard of the metrics that exist: numbers and charts for each group of names. */
export function defaultDashboard(database: string, metrics: readonly Metric[]): Dashboard {
  const groups = new Map<string, string[]>();
  for (const { name } of metrics) {
    const group = groupOf(name);
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  // Names without company share a group.
  const alone: string[] = [];
  const shared = [...groups].filter(([, names]) => {
    if (names.length > 1) return true;
    alone.push(...names);
    return false;
  });
  if (alone.length > 0) shared.push([shared.length === 0 ? "metrics" : "more", alone]);
  const dashboard: Dashboard = {
    title: "Overview",
    default_db: database,
    groups: [],
    widgets: {},
  };
  const used = new Set<string>();
  for (const [group, names] of shared.slice(0, MOST_GROUPS)) {
    const widgets = widgetsOf(group, names);
    const ids = widgets.map(([name, widget]) => {
      const id = slug(name, used);
      dashboard.widgets[id] = widget;
      return id;
    });
    dashboard.groups.push({
      id: slug(group, new Set(dashboard.groups.map(({ id }) => id))),
      label: title(group),
      widgets: ids,
    });
  }
  if (dashboard.groups.length === 0)
    dashboard.groups.push({ id: "main", label: "Main", widgets: [] });
  return dashboard;
}

function widgetsOf(group: string, names: readonly string[]): [string, Widget][] {
  const widgets: [string, Widget][] = [];
  const series = names.slice(0, MOST_NUMBERS).map((name) => toSeries(name, group));
  widgets.push([
    `${group}_now`,
    { type: "numbers", title: "Now", refresh_sec: 10, auto_refresh: true, series },
  ]);
  // Metrics that end alike measure alike, so they share a chart.
  const byEnd = new Map<string, string[]>();
  for (const name of names) {
    const end = name.split(/[./:]/).at(-1)!;
    byEnd.set(end, [...(byEnd.get(end) ?? []), name]);
  }
  for (const [end, members] of [...byEnd].slice(0, MOST_CHARTS)) {
    const isSingle = members.length === 1;
    widgets.push([
      `${group}_${end}`,
      {
        type: isSingle ? "aggregate_band" : "line_chart",
        title: title(end),
        refresh_sec: 30,
        auto_refresh: true,
        lookback: "24h",
        interval: "5m",
        series: members.slice(0, MOST_LINES).map((name) => {
          const { label, ...rest } = toSeries(name, group, end);
          return { label: label ?? name, ...rest };
        }),
      },
    ]);
  }
  return widgets;
}

function toSeries(name: string, group: string, end?: string): SeriesConfig {
  let label = name.startsWith(group) ? name.slice(group.length + 1) : name;
  if (end !== undefined && label !== end && label.endsWith(end)) {
    label = label.slice(0, -end.length - 1);
  }
  const unit = UNITS.find(([pattern]) => pattern.test(name));
  return {
    label: label === "" ? name : label.replaceAll(/[._]/g, " "),
    metric: name,
    ...(unit === undefined ? {} : { transform: { unit: unit[1], decimals: unit[2] } }),
  };
}

function title(name: string): string {
  const words = name.replaceAll(/[._]+/g, " ").trim();
  return words === "" ? name : words[0]!.toUpperCase() + words.slice(1);
}

/** An id made of a name, and not one of `used`; adds it to them. */
export function slug(name: string, used: Set<string>): string {
  const base =
    name
      .normalize("NFKD")
      .replaceAll(/\p{M}/gu, "")
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "_")
      .replaceAll(/^_+|_+$/g, "") || "item";
  let id = base;
  for (let count = 2; used.has(id); count++) id = `${base}_${count}`;
  used.add(id);
  return id;
}
