import { parseDuration } from "../util/time.ts";
import {
  AGGREGATE_NAMES,
  filled,
  isBand,
  isChart,
  labelOf,
  sourceName,
  WIDGET_TYPES,
  type Dashboard,
  type SeriesConfig,
  type Widget,
} from "./model.ts";

/** What a check found. `dashboard` is there when its shape is right, even with wrong contents. */
export interface Check {
  readonly errors: readonly string[];
  readonly dashboard?: Dashboard;
}

type Json = Readonly<Record<string, unknown>>;

/** Checks a document against the rules of `dashboard.json`. */
export function checkDashboard(value: unknown): Check {
  const errors = checkShape(value);
  if (errors.length > 0) return { errors };
  const dashboard = value as Dashboard;
  return { errors: checkRules(dashboard), dashboard };
}

/** Types first: with these right, the rest can be read as a {@link Dashboard}. */
function checkShape(value: unknown): string[] {
  if (!isObject(value)) return ["A dashboard is a JSON object."];
  const errors: string[] = [];
  const expect = (isRight: boolean, message: string) => {
    if (!isRight) errors.push(message);
  };
  expect(isText(value["title"]), "title must be a text.");
  expect(isOptional(value["default_db"], isText), "default_db must be a text.");
  const groups = value["groups"];
  if (!Array.isArray(groups)) {
    errors.push("groups must be a list.");
  } else {
    groups.forEach((group: unknown, at) => {
      const isGroup =
        isObject(group) &&
        isText(group["id"]) &&
        isOptional(group["label"], isText) &&
        Array.isArray(group["widgets"]) &&
        group["widgets"].every(isText);
      expect(isGroup, `groups[${at}] needs a text id and a list of widget ids.`);
    });
  }
  const widgets = value["widgets"];
  if (!isObject(widgets)) {
    errors.push("widgets must be an object.");
  } else {
    for (const [id, widget] of Object.entries(widgets)) errors.push(...widgetShape(id, widget));
  }
  return errors;
}

const WIDGET_FIELDS: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ["title", isText, "a text"],
  ["refresh_sec", isNumber, "a number"],
  ["auto_refresh", isBoolean, "true or false"],
  ["lookback", isText, "a duration"],
  ["interval", isText, "a duration"],
  ["presentation", isText, "a text"],
];

const SERIES_FIELDS: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ...["label", "role", "db", "database", "query", "metric", "measurement", "field"].map(
    (name) => [name, isText, "a text"] as const,
  ),
  ...["aggregate", "window", "unit", "format"].map((name) => [name, isText, "a text"] as const),
  ...["scale", "offset", "decimals"].map((name) => [name, isNumber, "a number"] as const),
  ["transform", isObject, "an object"],
  ["thresholds", isObject, "an object"],
];

const FORMAT_FIELDS: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ...["factor", "offset", "decimals"].map((name) => [name, isNumber, "a number"] as const),
  ...["unit", "format"].map((name) => [name, isText, "a text"] as const),
];

const THRESHOLD_FIELDS: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ["direction", isText, "a text"],
  ["warning", isNumber, "a number"],
  ["critical", isNumber, "a number"],
];

function widgetShape(id: string, widget: unknown): string[] {
  const where = `widgets.${id}`;
  if (!isObject(widget)) return [`${where} must be an object.`];
  const errors = fields(where, widget, WIDGET_FIELDS);
  if (!isText(widget["type"])) errors.push(`${where}.type must be a text.`);
  const series = widget["series"];
  if (!Array.isArray(series)) return [...errors, `${where}.series must be a list.`];
  series.forEach((own: unknown, at) => {
    const place = `${where}.series[${at}]`;
    if (!isObject(own)) {
      errors.push(`${place} must be an object.`);
      return;
    }
    const wrong = fields(place, own, SERIES_FIELDS);
    errors.push(...wrong);
    const { transform, thresholds } = own;
    if (isObject(transform)) errors.push(...fields(`${place}.transform`, transform, FORMAT_FIELDS));
    if (isObject(thresholds)) {
      errors.push(...fields(`${place}.thresholds`, thresholds, THRESHOLD_FIELDS));
    }
  });
  return errors;
}

function fields(
  where: string,
  value: Json,
  known: readonly (readonly [string, (value: unknown) => boolean, string])[],
): string[] {
  return known.flatMap(([name, test, kind]) =>
    isOptional(value[name], test) ? [] : [`${where}.${name} must be ${kind}.`],
  );
}

function checkRules(dashboard: Dashboard): string[] {
  const errors: string[] = [];
  if (!filled(dashboard.title)) errors.push("The dashboard needs a title.");
  if (dashboard.groups.length === 0) errors.push("The dashboard needs a group.");
  const ids = new Set<string>();
  for (const group of dashboard.groups) {
    if (!filled(group.id)) errors.push("Every group needs an id.");
    if (ids.has(group.id)) errors.push(`Two groups have the id "${group.id}".`);
    ids.add(group.id);
    for (const id of group.widgets) {
      if (!Object.hasOwn(dashboard.widgets, id)) {
        errors.push(`Group "${group.id}" shows the widget "${id}", which does not exist.`);
      }
    }
  }
  for (const [id, widget] of Object.entries(dashboard.widgets)) {
    errors.push(...checkWidget(id, widget));
  }
  return errors;
}

/** The rules of one widget. */
export function checkWidget(id: string, widget: Widget): string[] {
  const errors: string[] = [];
  const say = (message: string) => errors.push(`Widget "${id}": ${message}`);
  if (!(WIDGET_TYPES as readonly string[]).includes(widget.type)) {
    say(`the type "${widget.type}" is none of ${WIDGET_TYPES.join(", ")}.`);
    return errors;
  }
  if ((widget.refresh_sec ?? 0) < 0) say("refresh_sec must not be negative.");
  const { presentation = "" } = widget;
  if (presentation !== "" && !(presentation === "aggregate_band" && widget.type === "line_chart")) {
    say(`the presentation "${presentation}" does not exist for ${widget.type}.`);
  }
  for (const name of ["lookback", "interval"] as const) {
    const text = widget[name];
    if (isChart(widget) && !filled(text)) say(`a chart needs ${name}.`);
    else if (filled(text) && parseDuration(text) === undefined) {
      say(`${name} "${text}" is no duration such as 30s, 5m, 1h, 7d or 1w.`);
    }
  }
  if (widget.series.length === 0) say("it needs a series.");
  widget.series.forEach((series, at) => checkSeries(widget, series, at, say));
  if (isChart(widget)) {
    const labels = widget.series.map(labelOf);
    const twice = labels.find((label, at) => labels.indexOf(label) !== at);
    if (twice !== undefined) say(`two series are called "${twice}".`);
  }
  if (isBand(widget) && widget.series.length > 0) checkBand(widget, say);
  return errors;
}

function checkSeries(
  widget: Widget,
  series: SeriesConfig,
  at: number,
  say: (message: string) => void,
): void {
  const name = `series ${at + 1}`;
  const isPair = filled(series.measurement) && filled(series.field);
  const sources = [filled(series.query), filled(series.metric), isPair].filter(Boolean).length;
  if (sources !== 1) say(`${name} needs one of query, metric, or measurement and field.`);
  if (filled(series.aggregate)) {
    if (!(AGGREGATE_NAMES as readonly string[]).includes(series.aggregate)) {
      say(`${name}: the aggregate "${series.aggregate}" does not exist.`);
    }
    if (!isChart(widget) && !filled(series.window))
      say(`${name} has an aggregate and needs a window.`);
  } else if (filled(series.window) && !(isBand(widget) && widget.series.length === 1)) {
    // Only the one series of a band may: it stands for three aggregates.
    say(`${name} has a window and needs an aggregate.`);
  }
  if (filled(series.window) && parseDuration(series.window) === undefined) {
    say(`${name}: the window "${series.window}" is no duration.`);
  }
  const { thresholds } = series;
  if (thresholds === undefined) return;
  const { direction, warning, critical } = thresholds;
  const isSet = warning !== undefined || critical !== undefined;
  const isDirection = direction === "above" || direction === "below";
  if ((isSet || (direction as string | undefined) !== undefined) && !isDirection) {
    say(`${name}: thresholds need the direction above or below.`);
  }
}

/** A band is one series, or three with the roles min, max and avg of the same source. */
function checkBand(widget: Widget, say: (message: string) => void): void {
  const { series } = widget;
  const [first] = series;
  if (series.length === 1 && first !== undefined) {
    if (filled(first.aggregate) || filled(first.role)) {
      say("a band of one series takes neither aggregate nor role.");
    }
    return;
  }
  const roles = series.map((own) => own.role ?? "").sort();
  if (roles.join() !== "avg,max,min") {
    say("a band has one series, or three with the roles min, max and avg.");
    return;
  }
  const sources = series.map((own) =>
    JSON.stringify([own.db ?? own.database ?? "", sourceName(own)]),
  );
  if (new Set(sources).size !== 1) say("the three series of a band must have the same source.");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function isOptional(value: unknown, test: (value: unknown) => boolean): boolean {
  return value === undefined || test(value);
}
