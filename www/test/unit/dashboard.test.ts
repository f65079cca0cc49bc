import { describe, expect, it } from "vitest";
import { defaultDashboard, slug } from "../../src/dashboard/default.ts";
import { expand, levelOf, show, transform } from "../../src/dashboard/expand.ts";
import type { Dashboard, SeriesConfig, Widget } from "../../src/dashboard/model.ts";
import { backupStamp, loadDashboard, saveDashboard, toText } from "../../src/dashboard/storage.ts";
import { checkDashboard } from "../../src/dashboard/validate.ts";
import type { Source } from "../../src/source.ts";
import { copyWidget, deleteWidget, move, setShown, tidy, usage } from "../../src/editor/edits.ts";
import { makeDouble } from "../double/nanotdb.ts";

const chart = (part: Partial<Widget> = {}): Widget => ({
  type: "line_chart",
  title: "Chart",
  lookback: "1h",
  interval: "1m",
  series: [{ metric: "a" }],
  ...part,
});

const dashboard = (widget: Widget): Dashboard => ({
  title: "T",
  default_db: "home",
  groups: [{ id: "main", label: "Main", widgets: ["w"] }],
  widgets: { w: widget },
});

const errorsOf = (widget: Widget) => checkDashboard(dashboard(widget)).errors.join("\n");

describe("validation", () => {
  it("passes what is right", () => {
    expect(checkDashboard(dashboard(chart())).errors).toEqual([]);
    expect(errorsOf({ type: "number", series: [{ query: "m" }] })).toBe("");
    expect(errorsOf({ type: "numbers", series: [{ measurement: "m", field: "f" }] })).toBe("");
  });

  it("takes days and weeks", () => {
    expect(errorsOf(chart({ lookback: "7d", interval: "1W" }))).toBe("");
  });

  it.each<[string, unknown, RegExp]>([
    ["no object", [], /JSON object/],
    ["no title", { groups: [], widgets: {} }, /title/],
    ["no groups", { title: "t", groups: [], widgets: {} }, /needs a group/],
    ["groups of another type", { title: "t", groups: {}, widgets: {} }, /groups must be a list/],
    [
      "widgets of another type",
      { title: "t", groups: [], widgets: [] },
      /widgets must be an object/,
    ],
    [
      "equal ids",
      {
        title: "t",
        groups: [
          { id: "a", widgets: [] },
          { id: "a", widgets: [] },
        ],
        widgets: {},
      },
      /Two groups/,
    ],
    [
      "an unknown widget",
      { title: "t", groups: [{ id: "a", widgets: ["x"] }], widgets: {} },
      /does not exist/,
    ],
    [
      "a widget from the prototype",
      { title: "t", groups: [{ id: "a", widgets: ["constructor"] }], widgets: {} },
      /does not exist/,
    ],
    [
      "a text as number",
      {
        title: "t",
        groups: [{ id: "a", widgets: [] }],
        widgets: { w: { type: "number", refresh_sec: "5", series: [] } },
      },
      /refresh_sec must be a number/,
    ],
  ])("finds %s", (_name, value, message) => {
    expect(checkDashboard(value).errors.join("\n")).toMatch(message);
  });

  it.each<[string, Widget, RegExp]>([
    ["an unknown type", { ...chart(), type: "pie" as "number" }, /type "pie"/],
    ["a chart without lookback", chart({ lookback: "" }), /needs lookback/],
    ["a bad interval", chart({ interval: "5x" }), /no duration/],
    ["negative refresh", chart({ refresh_sec: -1 }), /negative/],
    ["no series", chart({ series: [] }), /needs a series/],
    ["no source", chart({ series: [{ label: "a" }] }), /needs one of/],
    ["two sources", chart({ series: [{ metric: "a", query: "b" }] }), /needs one of/],
    [
      "an unknown aggregate",
      chart({ series: [{ metric: "a", aggregate: "mode" }] }),
      /does not exist/,
    ],
    [
      "a window alone",
      { type: "number", series: [{ metric: "a", window: "5m" }] },
      /needs an aggregate/,
    ],
    [
      "an aggregate alone",
      { type: "number", series: [{ metric: "a", aggregate: "avg" }] },
      /needs a window/,
    ],
    ["equal labels", chart({ series: [{ metric: "a" }, { metric: "a" }] }), /two series/],
    [
      "limits without direction",
      chart({ series: [{ metric: "a", thresholds: { warning: 1 } }] }),
      /direction/,
    ],
    ["a presentation of another type", chart({ presentation: "pie" }), /presentation/],
    [
      "a band of two",
      chart({ type: "aggregate_band", series: [{ metric: "a" }, { metric: "b" }] }),
      /roles/,
    ],
    [
      "a band of different sources",
      chart({
        type: "aggregate_band",
        series: [
          { metric: "a", role: "min", label: "1" },
          { metric: "a", role: "max", label: "2" },
          { metric: "b", role: "avg", label: "3" },
        ],
      }),
      /same source/,
    ],
    [
      "a band with an aggregate",
      chart({ presentation: "aggregate_band", series: [{ metric: "a", aggregate: "avg" }] }),
      /neither/,
    ],
  ])("finds %s", (_name, widget, message) => {
    expect(errorsOf(widget)).toMatch(message);
  });

  it("takes a window of a band's one series, as the reference's own dashboard has it", () => {
    const series = [{ label: "CPU", metric: "cpu.busy_pct", window: "10s" }];
    expect(errorsOf(chart({ type: "aggregate_band", series }))).toBe("");
    expect(errorsOf(chart({ presentation: "aggregate_band", series }))).toBe("");
    expect(errorsOf(chart({ series }))).toMatch(/needs an aggregate/);
  });
});

describe("expansion", () => {
  it("makes three aggregates of a band, however it is written", () => {
    const short = expand(chart({ type: "aggregate_band" }), { default_db: "home" });
    const long = expand(
      chart({
        presentation: "aggregate_band",
        series: ["min", "max", "avg"].map((role) => ({ metric: "a", role })),
      }),
      { default_db: "home" },
    );
    for (const plans of [short, long]) {
      expect(plans).toHaveLength(1);
      expect(plans[0]).toMatchObject({
        metric: "a",
        database: "home",
        aggregates: ["avg", "min", "max"],
        window: 60_000,
      });
    }
  });

  it("gives charts their interval as window, and averages", () => {
    expect(expand(chart(), {})[0]).toMatchObject({ aggregates: ["avg"], window: 60_000 });
  });

  it("knows the longer name of an aggregate", () => {
    const [plan] = expand(chart({ series: [{ metric: "a", aggregate: "trimmed_average" }] }), {});
    expect(plan!.aggregates).toEqual(["trimmed_avg"]);
  });

  it("finds the database: the series' own, the default, or in the name", () => {
    const of = (series: SeriesConfig, default_db?: string) => {
      const [plan] = expand(
        { type: "number", series: [series] },
        default_db === undefined ? {} : { default_db },
      );
      return `${plan!.database}|${plan!.metric}`;
    };
    expect(of({ query: "a/b", db: "x" }, "home")).toBe("x|a/b");
    expect(of({ query: "a/b", database: "x" })).toBe("x|a/b");
    expect(of({ query: "a/b" }, "home")).toBe("home|a/b");
    expect(of({ query: "a/b/c" })).toBe("a|b/c");
    expect(of({ measurement: "cpu", field: "load" }, "home")).toBe("home|cpu.load");
  });
});

describe("numbers", () => {
  it("are multiplied, then moved", () => {
    expect(transform({ transform: { factor: 1.8, offset: 32 } }, 100)).toBe(212);
    expect(transform({ scale: 2, offset: 1 }, 5)).toBe(11);
    expect(transform({ scale: 2, transform: { factor: 3 } }, 5)).toBe(15);
  });

  it("are shown with unit, decimals and format", () => {
    expect(show({ transform: { unit: "°C", decimals: 1 } }, 21.04)).toBe("21.0 °C");
    expect(show({ unit: "%", decimals: 0 }, 45.6)).toBe("46%");
    expect(show({ transform: { format: "up {duration}" } }, 90_000)).toBe("up 1d 1h");
    expect(show({ transform: { format: "{value} of {value}", decimals: 0 } }, 3)).toBe("3 of 3");
    expect(show({ transform: { format: "<b>{value}</b>" } }, 3)).toBe("<b>3</b>");
    expect(show({}, 3.5)).toBe("3.5");
  });

  it("alarm above or below", () => {
    const above = { direction: "above", warning: 60, critical: 80 } as const;
    expect([59, 60, 80].map((value) => levelOf(above, value))).toEqual([
      "normal",
      "warning",
      "critical",
    ]);
    const below = { direction: "below", warning: 20, critical: 10 } as const;
    expect([21, 20, 5].map((value) => levelOf(below, value))).toEqual([
      "normal",
      "warning",
      "critical",
    ]);
    expect(levelOf(undefined, 5)).toBe("normal");
  });
});

describe("the file", () => {
  it("has two spaces and a line feed, and keeps what this version does not know", () => {
    const text = '{\n  "title": "T",\n  "later": {\n    "x": 1\n  },\n  "groups": []\n}\n';
    expect(toText(JSON.parse(text))).toBe(text);
  });

  it("is made of the metrics that exist when there is none, and is valid", async () => {
    const double = makeDouble();
    const names = ["a.temperature", "b.x.load", "b.y.load", "<img/src=x>", "lonely"];
    await double.addColumns(
      "d",
      names.map((metric) => ({ metric, times: BigInt64Array.of(1n), values: Float32Array.of(1) })),
    );
    const { dashboard: made, isDefault } = await loadDashboard(double as unknown as Source);
    expect(isDefault).toBe(true);
    expect(made.default_db).toBe("d");
    expect(checkDashboard(made).errors).toEqual([]);
  });

  it("is valid for many metrics, too", () => {
    const metrics = Array.from({ length: 3000 }, (_, at) => ({
      name: `g${at % 40}.m${at}.v`,
      type: "f32" as const,
    }));
    expect(checkDashboard(defaultDashboard("d", metrics)).errors).toEqual([]);
    expect(checkDashboard(defaultDashboard("", [])).errors).toEqual([]);
  });

  it("is kept as a backup when it is replaced", async () => {
    const double = makeDouble();
    const source = double as unknown as Source;
    expect(await saveDashboard(source, dashboard(chart()))).toBeUndefined();
    const backup = await saveDashboard(source, { ...dashboard(chart()), title: "New" });
    expect(backup).toMatch(/^dashboard_backups\/dashboard\.\d{8}T\d{6}\.\d{9}Z\.json$/);
    expect(new TextDecoder().decode(await double.readFile(backup!))).toContain('"title": "T"');
    expect((await loadDashboard(source)).dashboard.title).toBe("New");
  });

  it("names backups by time", () => {
    expect(backupStamp(new Date("2026-05-14T08:09:10.123Z"))).toBe("20260514T080910.123000000Z");
  });

  it("that is no dashboard is an error", async () => {
    const double = makeDouble();
    await double.writeFile("dashboard.json", "{");
    await expect(loadDashboard(double as unknown as Source)).rejects.toThrow("no JSON");
    await double.writeFile("dashboard.json", "[]");
    await expect(loadDashboard(double as unknown as Source)).rejects.toThrow("no dashboard");
  });
});

describe("edits", () => {
  it("make unique ids", () => {
    const used = new Set(["cpu_load"]);
    expect(slug("CPU Load!", used)).toBe("cpu_load_2");
    expect(slug("Ünï", used)).toBe("uni");
    expect(slug("…", used)).toBe("item");
  });

  it("share, copy and delete widgets", () => {
    const own = dashboard(chart());
    own.groups.push({ id: "other", widgets: [] });
    setShown(own, 1, "w", true);
    setShown(own, 1, "w", true);
    expect(usage(own, "w")).toBe(2);
    const copy = copyWidget(own, "w")!;
    expect(own.groups[0]!.widgets).toEqual(["w", copy]);
    deleteWidget(own, "w");
    expect(own.groups.map(({ widgets }) => widgets)).toEqual([[copy], [copy]]);
    expect(checkDashboard(own).errors).toEqual([]);
  });

  it("move within a list", () => {
    const list = ["a", "b", "c"];
    expect(move(list, 0, 1)).toBe(1);
    expect(list).toEqual(["b", "a", "c"]);
    expect(move(list, 2, 1)).toBe(2);
  });

  it("drop empty objects", () => {
    const own = tidy(
      dashboard(
        chart({ series: [{ metric: "a", transform: {}, thresholds: { direction: "above" } }] }),
      ),
    );
    expect(own.widgets["w"]!.series[0]).toEqual({ metric: "a" });
  });
});
