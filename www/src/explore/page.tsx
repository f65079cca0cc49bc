import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Chart } from "../chart/chart.tsx";
import type { Line, Plot } from "../chart/plot.ts";
import { openImport } from "../import/request.ts";
import { useDatabases, useMetrics } from "../shell/databases.ts";
import { here, replaceQuery } from "../shell/router.ts";
import { contentRound } from "../shell/session.ts";
import { report } from "../shell/toasts.tsx";
import type { PageProps } from "../shell/app.tsx";
import { Button, Empty, Select } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { FailureNote } from "../ui/note.tsx";
import { download } from "../util/download.ts";
import { formatValue, plural } from "../util/format.ts";
import { formatSpan, formatTime, stamp } from "../util/time.ts";
import { useMedia, useWidth } from "../util/use-size.ts";
import { useAsync } from "../util/use-async.ts";
import { Cards } from "./cards.tsx";
import { exportLines } from "./export-lines.ts";
import { load, type Loaded } from "./load.ts";
import { NoSamples } from "./no-samples.tsx";
import { Picker } from "./picker.tsx";
import { endingAt, fixed, resolve } from "./range.ts";
import { MAX_METRICS, readState, writeState, type ExploreState } from "./state.ts";
import { toCsv, toPicture } from "./take-out.ts";
import { Toolbar } from "./toolbar.tsx";
import { useStart } from "./use-start.ts";
import "./explore.css";

/** Looks at any metrics over any time. */
export default function ExplorePage({ source }: PageProps) {
  const [state, setState] = useState(() => readState(here.value.query));
  const [past, setPast] = useState<readonly ExploreState["range"][]>([]);
  const [round, setRound] = useState(0);
  const [isPicking, setPicking] = useState(false);
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const isLoading = useRef(false);
  const width = useWidth(host);
  const isNarrow = useMedia("(max-width: 860px)");
  const databases = useDatabases(source);
  const metrics = useMetrics(source, state.database);

  const change = (part: Partial<ExploreState>) => setState((old) => ({ ...old, ...part }));
  const changeRange = (range: ExploreState["range"]) => {
    setPast((old) => [...old.slice(-49), state.range]);
    change({ range });
  };
  const goBack = () => {
    const last = past.at(-1);
    if (last === undefined) {
      // Nothing to go back to: what a failed gesture moved is put right.
      plot.current?.setRange(ends.from, ends.to);
      return;
    }
    setPast(past.slice(0, -1));
    change({ range: last });
  };
  const toggle = (metric: string) =>
    setState((old) => ({
      ...old,
      metrics: old.metrics.includes(metric)
        ? old.metrics.filter((name) => name !== metric)
        : [...old.metrics, metric].slice(0, MAX_METRICS),
    }));

  useStart(source, state, databases.value, metrics.value, change);
  // Also when a link to this page itself took the query away.
  useEffect(() => replaceQuery(writeState(state)), [state, here.value]);
  useEffect(() => {
    // The browser's own back and forward.
    const follow = () => setState(readState(location.search));
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);
  useEffect(() => {
    if (state.refresh === 0) return;
    const timer = setInterval(() => {
      if (!document.hidden && !isLoading.current) setRound((old) => old + 1);
    }, state.refresh);
    return () => clearInterval(timer);
  }, [state.refresh]);

  const ends = useMemo(() => resolve(state.range, Date.now()), [state.range, round]);
  const shown = useRef<Loaded | undefined>(undefined);
  const data = useAsync(
    async (signal) => {
      if (state.database === "" || width === 0) return undefined;
      const { database, metrics: names, aggregate, window } = state;
      const request = { database, metrics: names, ...ends, aggregate, window, pixels: width };
      const loaded = await load(source, request, signal, shown.current);
      if (!signal.aborted) shown.current = loaded;
      return loaded;
    },
    [
      source,
      state.database,
      state.metrics.join("\n"),
      ends,
      state.aggregate,
      state.window,
      // A few pixels more change nothing that could be seen.
      Math.ceil(width / 50),
      contentRound.value,
    ],
  );

  isLoading.current = data.isLoading;
  const loaded = data.value;
  const lines = useMemo(
    (): readonly Line[] =>
      (loaded?.traces ?? []).flatMap((trace) => {
        const color = state.metrics.indexOf(trace.metric);
        return color < 0
          ? []
          : [{ label: trace.metric, trace, color, format: (value) => formatValue(value) }];
      }),
    [loaded, state.metrics],
  );
  const isEmpty = loaded !== undefined && loaded.samples === 0 && !data.isLoading;

  const name = `${state.database}-${stamp(ends.from)}-${stamp(ends.to)}`;
  const items = [
    {
      label: "What is shown, as CSV",
      icon: "list" as const,
      disabled: lines.length === 0,
      run: () => {
        const text = toCsv(loaded?.traces ?? [], ends.from, ends.to);
        download(`${name}.csv`, new Blob([text], { type: "text/csv" }));
      },
    },
    {
      label: "The chart, as PNG",
      icon: "image" as const,
      disabled: lines.length === 0,
      run: () => {
        if (plot.current === undefined || host.current === null) return;
        const title = `${state.database}, ${formatTime(ends.from)} – ${formatTime(ends.to)}`;
        toPicture(
          plot.current,
          host.current,
          title,
          lines.map(({ label, color }) => [label, color]),
        ).then((picture) => download(`${name}.png`, picture), report);
      },
    },
    {
      label: "All samples of this range, as lines",
      icon: "file" as const,
      disabled: state.metrics.length === 0,
      run: () => {
        exportLines(
          source,
          state.database,
          { ...ends, metrics: state.metrics },
          `${name}.lp`,
        ).catch(report);
      },
    },
  ];

  const side = (
    <>
      <Select
        label="Database"
        hideLabel
        value={state.database}
        options={(databases.value ?? [state.database]).map(
          (database) => [database, database] as const,
        )}
        onChange={(database) => change({ database, metrics: [] })}
      />
      <Picker
        metrics={metrics.value ?? []}
        selected={state.metrics}
        isLoading={metrics.isLoading}
        most={MAX_METRICS}
        onToggle={toggle}
      />
    </>
  );

  return (
    <div class="explore">
      <h1 class="visually-hidden">Explore</h1>
      {isNarrow ? null : (
        <aside class="explore-side" aria-label="Metrics">
          {side}
        </aside>
      )}
      <section class="explore-main" aria-label="Chart">
        {isNarrow ? (
          <Button
            icon="list"
            class="pick-button"
            label={`${state.database === "" ? "Metrics" : state.database} · ${state.metrics.length} shown`}
            onClick={() => setPicking(true)}
          />
        ) : null}
        <Toolbar
          state={state}
          canGoBack={past.length > 0}
          isLoading={data.isLoading}
          items={items}
          onChange={change}
          onRange={changeRange}
          onBack={goBack}
          onRefresh={() => setRound(round + 1)}
        />
        {data.error === undefined ? null : (
          <FailureNote error={data.error} onRetry={() => setRound(round + 1)} />
        )}
        <div class="panel explore-panel">
          <div class="explore-chart" ref={host} aria-busy={data.isLoading}>
            {width > 0 ? (
              <Chart
                lines={lines}
                from={ends.from}
                to={ends.to}
                label={`${state.metrics.join(", ")} from ${formatTime(ends.from)} to ${formatTime(ends.to)}`}
                onPlot={(own) => {
                  plot.current = own;
                }}
                onRange={(from, to, isFinal) => {
                  if (isFinal) changeRange(fixed(from, to));
                }}
                onBack={goBack}
                onHome={() => {
                  const first = past[0];
                  if (first === undefined) return;
                  setPast([]);
                  change({ range: first });
                }}
              />
            ) : null}
            {state.metrics.length === 0 && databases.value !== undefined ? (
              <div class="explore-empty">
                <Empty icon="chart" title="Choose metrics to draw">
                  <p>
                    Pick one or more {isNarrow ? "metrics" : "on the left"}. Up to {MAX_METRICS}{" "}
                    share a chart.
                  </p>
                  {isNarrow ? (
                    <Button
                      kind="primary"
                      label="Choose metrics"
                      onClick={() => setPicking(true)}
                    />
                  ) : null}
                  {databases.value.length === 0 ? (
                    <Button icon="upload" label="Import data" onClick={() => openImport()} />
                  ) : null}
                </Empty>
              </div>
            ) : null}
            {isEmpty && state.metrics.length > 0 ? (
              <div class="explore-empty">
                <NoSamples
                  source={source}
                  database={state.database}
                  metrics={state.metrics}
                  onGo={(newest) => changeRange(endingAt(newest, ends.to - ends.from))}
                />
              </div>
            ) : null}
          </div>
          <p class="explore-facts" aria-live="polite">
            <Facts loaded={loaded} isLoading={data.isLoading} />
          </p>
        </div>
        {state.metrics.length === 0 ? null : (
          <Cards
            source={source}
            database={state.database}
            metrics={state.metrics}
            round={round + contentRound.value}
            onRemove={toggle}
          />
        )}
      </section>
      {isPicking && isNarrow ? (
        <Dialog
          title="Metrics"
          isSheet
          onClose={() => setPicking(false)}
          footer={<Button kind="primary" label="Done" onClick={() => setPicking(false)} />}
        >
          <div class="picker-sheet">{side}</div>
        </Dialog>
      ) : null}
    </div>
  );
}

/** What the picture is made of: windows or samples. */
function Facts(props: { readonly loaded: Loaded | undefined; readonly isLoading: boolean }) {
  const { loaded } = props;
  if (loaded === undefined || loaded.traces.length === 0) return <>&nbsp;</>;
  const kind =
    loaded.window === undefined ? "every sample" : `windows of ${formatSpan(loaded.window)}`;
  return (
    <>
      <span>
        {plural(loaded.samples, "sample")}, {kind}
      </span>
      <span class="explore-keys">
        Drag to zoom · wheel or + − · shift-drag or ← → to pan · double-click or Esc to go back
      </span>
      <span>{formatSpan(loaded.tookMs)}</span>
    </>
  );
}
