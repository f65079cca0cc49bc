import { slug } from "../dashboard/default.ts";
import type { Dashboard, SeriesConfig, Widget } from "../dashboard/model.ts";

/** Changes of a dashboard. Each one changes the draft it is given, which is nobody else's. */

export function addGroup(draft: Dashboard, label: string): number {
  const used = new Set(draft.groups.map(({ id }) => id));
  return draft.groups.push({ id: slug(label, used), label, widgets: [] }) - 1;
}

/** Moves the item at `from` by `by` places, where there is room. */
export function move<T>(list: T[], from: number, by: number): number {
  const to = from + by;
  if (to < 0 || to >= list.length) return from;
  const [item] = list.splice(from, 1);
  list.splice(to, 0, item!);
  return to;
}

/** How many groups show a widget. */
export function usage(dashboard: Dashboard, id: string): number {
  return dashboard.groups.filter((group) => group.widgets.includes(id)).length;
}

/** Adds a widget to a group and answers its id. */
export function addWidget(draft: Dashboard, group: number, widget: Widget): string {
  const id = slug(widget.title ?? widget.type, new Set(Object.keys(draft.widgets)));
  draft.widgets[id] = widget;
  draft.groups[group]?.widgets.push(id);
  return id;
}

/** Shows a widget in a group, or no longer. The widget itself stays. */
export function setShown(draft: Dashboard, group: number, id: string, isShown: boolean): void {
  const own = draft.groups[group];
  if (own === undefined) return;
  if (!isShown) own.widgets = own.widgets.filter((other) => other !== id);
  else if (!own.widgets.includes(id)) own.widgets.push(id);
}

export function deleteWidget(draft: Dashboard, id: string): void {
  delete draft.widgets[id];
  for (const group of draft.groups) group.widgets = group.widgets.filter((other) => other !== id);
}

/** Copies a widget into the groups that show it and answers the copy's id. */
export function copyWidget(draft: Dashboard, id: string): string | undefined {
  const widget = draft.widgets[id];
  if (widget === undefined) return undefined;
  const copy = structuredClone(widget);
  copy.title = `${widget.title ?? id} copy`;
  const copyId = slug(copy.title, new Set(Object.keys(draft.widgets)));
  draft.widgets[copyId] = copy;
  for (const group of draft.groups) {
    const at = group.widgets.indexOf(id);
    if (at >= 0) group.widgets.splice(at + 1, 0, copyId);
  }
  return copyId;
}

/** Copies a series to the place behind it, under a label of its own. */
export function copySeries(widget: Widget, at: number): void {
  const own = widget.series[at];
  if (own === undefined) return;
  const copy = structuredClone(own);
  const labels = new Set(widget.series.map(({ label }) => label));
  const base = own.label ?? "Series";
  for (let count = 2; labels.has(copy.label) || copy.label === undefined; count++) {
    copy.label = `${base} ${count}`;
  }
  widget.series.splice(at + 1, 0, copy);
}

/** A widget to begin with. */
export function newWidget(type: Widget["type"], metric: string): Widget {
  const series: SeriesConfig[] = [{ metric }];
  const isChart = type === "line_chart" || type === "aggregate_band";
  return {
    type,
    title: metric === "" ? "New widget" : metric,
    refresh_sec: isChart ? 30 : 10,
    auto_refresh: true,
    ...(isChart ? { lookback: "24h", interval: "5m" } : {}),
    series,
  };
}

/**
 * Sets a field, or takes it away when it is empty: a file should say only what it means.
 *
 * Works on any object of the document, also on those of which this version knows no type.
 */
export function setField<T extends object, K extends keyof T>(
  object: T,
  field: K,
  value: T[K] | undefined,
): void {
  if (value === undefined || (value as unknown) === "") delete object[field];
  else object[field] = value;
}

/** The document as it is saved: without empty objects in its series. */
export function tidy(dashboard: Dashboard): Dashboard {
  const copy = structuredClone(dashboard);
  for (const widget of Object.values(copy.widgets)) {
    for (const series of widget.series) {
      if (series.transform !== undefined && Object.keys(series.transform).length === 0) {
        delete series.transform;
      }
      const { thresholds } = series;
      if (thresholds === undefined) continue;
      const { warning, critical } = thresholds;
      // A direction without a limit says nothing.
      if (warning === undefined && critical === undefined) delete series.thresholds;
    }
  }
  return copy;
}
