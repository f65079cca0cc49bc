import { useEffect, useMemo, useState } from "preact/hooks";
import { Chart } from "../chart/chart.tsx";
import { colorVariable } from "../chart/palette.ts";
import type { Line } from "../chart/plot.ts";
import { explain } from "../shell/explain.ts";
import type { Source } from "../source.ts";
import { Icon } from "../ui/icon.tsx";
import { formatAge, formatSpan, formatTime, SECOND } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import { loadWidget, type NumberData, type WidgetData } from "./data.ts";
import { formatOf, levelOf, show } from "./expand.ts";
import { isChart, labelOf, type Dashboard, type Widget } from "./model.ts";

interface WidgetViewProps {
  readonly source: Source;
  readonly dashboard: Dashboard;
  readonly widget: Widget;
  /** A reader's lookback; empty for the configured one. */
  readonly lookback: string;
  /** Where lookbacks end, in milliseconds; now without one. */
  readonly end?: number | undefined;
  /** Changes when everything is to be refreshed. */
  readonly round: number;
  readonly isPaused: boolean;
}

/** Milliseconds between refreshes where neither the file nor the source says any. */
const USUAL_REFRESH_MS = 30 * SECOND;

/** One widget: keeps itself fresh, and shows its last state when a refresh fails. */
export function WidgetView(props: WidgetViewProps) {
  const { source, dashboard, widget, lookback, end, round } = props;
  const [isPaused, setPaused] = useState(false);
  const data = useAsync(
    (signal) => loadWidget(source, dashboard, widget, lookback, end, signal),
    [source, dashboard.default_db, JSON.stringify(widget), lookback, end, round],
  );
  const isStill = isPaused || props.isPaused || widget.auto_refresh === false;
  const usual = source.capabilities.refreshMs ?? USUAL_REFRESH_MS;
  const every = widget.refresh_sec ? Math.max(1, widget.refresh_sec) * SECOND : usual;
  useEffect(() => {
    if (isStill) return;
    const timer = setInterval(() => {
      if (!document.hidden) data.reload();
    }, every);
    return () => clearInterval(timer);
  }, [isStill, every, data.reload]);

  const title = widget.title ?? "";
  return (
    <section class={`panel widget ${widget.type}`} aria-label={title}>
      <header>
        <h3>{title}</h3>
        <div class="widget-actions">
          <button
            type="button"
            class="icon-button"
            aria-label={`Refresh ${title}`}
            title="Refresh"
            onClick={data.reload}
          >
            <Icon name="refresh" />
          </button>
          <button
            type="button"
            class={`icon-button ${isPaused ? "kept" : ""}`}
            aria-label={`${isPaused ? "Resume" : "Pause"} ${title}`}
            aria-pressed={isPaused}
            title={isPaused ? "Resume" : "Pause"}
            onClick={() => setPaused(!isPaused)}
          >
            <Icon name={isPaused ? "play" : "pause"} />
          </button>
        </div>
      </header>
      {data.error === undefined ? null : <Failed error={data.error} />}
      <Content {...props} data={data.value} />
    </section>
  );
}

function Failed({ error }: { readonly error: unknown }) {
  const { title, text } = explain(error);
  return (
    <p class="widget-error" role="alert" title={text}>
      <Icon name="warning" />
      <span>
        {title}. {text}
      </span>
    </p>
  );
}

function Content(props: WidgetViewProps & { readonly data: WidgetData | undefined }) {
  const { widget, data, end } = props;
  if (isChart(widget)) {
    return <ChartContent widget={widget} data={data} isPast={end !== undefined} />;
  }
  const numbers =
    data?.numbers ?? widget.series.map((config) => ({ plan: { config } }) as NumberData);
  if (widget.type === "number") {
    const [first] = numbers;
    return first === undefined ? null : <BigNumber data={first} isLoading={data === undefined} />;
  }
  return (
    <dl class="numbers-list">
      {numbers.map((number, index) => (
        <div key={index}>
          <dt>{labelOf(widget.series[index] ?? {}, index)}</dt>
          <dd class={levelFor(number)} title={timeFor(number)}>
            {textFor(number)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function BigNumber({
  data,
  isLoading,
}: {
  readonly data: NumberData;
  readonly isLoading: boolean;
}) {
  return (
    <div class={`big-number ${levelFor(data)}`}>
      <div class="big-value">{textFor(data)}</div>
      <div class="faint" title={timeFor(data)}>
        {data.at === undefined ? (isLoading ? "\u00a0" : "No samples yet") : formatAge(data.at)}
      </div>
    </div>
  );
}

function textFor({ plan, value }: NumberData): string {
  return value === undefined ? "–" : show(plan.config, value);
}

function levelFor({ plan, value }: NumberData): string {
  return value === undefined ? "normal" : levelOf(plan.config.thresholds, value);
}

function timeFor({ at }: NumberData): string | undefined {
  return at === undefined ? undefined : formatTime(at);
}

function ChartContent(props: {
  readonly widget: Widget;
  readonly data: WidgetData | undefined;
  /** Whether it ends before now. */
  readonly isPast: boolean;
}) {
  const { widget, data, isPast } = props;
  const lines = useMemo(
    (): readonly Line[] =>
      (data?.lines ?? []).map(({ plan, trace }, color) => ({
        label: plan.label,
        trace,
        color,
        unit: formatOf(plan.config).unit ?? "",
        format: (value) => show(plan.config, value),
      })),
    [data],
  );
  const isEmpty = data !== undefined && lines.every((line) => line.trace.times.length === 0);
  return (
    <>
      <div class="widget-chart">
        {data === undefined ? null : (
          <Chart
            lines={lines}
            from={data.from}
            to={data.to}
            label={`${widget.title ?? ""}: ${lines.map((line) => line.label).join(", ")}`}
            group="dashboard"
          />
        )}
        {isEmpty ? (
          <p class="widget-none">
            No samples in the {isPast ? "" : "last "}
            {formatSpan(data.to - data.from)}
            {isPast ? " before then" : ""}
          </p>
        ) : null}
      </div>
      <ul class="legend">
        {widget.series.length > 0 && lines.length === 0 ? <li>&nbsp;</li> : null}
        {lines.map((line) => {
          const last = line.trace.values.at(-1);
          return (
            <li key={line.label}>
              <i class="swatch" style={{ background: `var(${colorVariable(line.color)})` }} />
              <span>{line.label}</span>
              <b class="num">{last === undefined ? "" : line.format(last)}</b>
            </li>
          );
        })}
      </ul>
    </>
  );
}
