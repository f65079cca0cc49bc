import { useEffect } from "preact/hooks";
import type { Source } from "../source.ts";
import { Button } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { newestOf, type Place } from "../util/newest.ts";
import { formatAge, formatMoment, HOUR, parseDuration, SECOND } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import { expand } from "./expand.ts";
import { filled, isChart, type Dashboard, type Widget } from "./model.ts";

/** So often it is looked whether newer samples came. */
const REFRESH_MS = 30 * SECOND;

/** Where a dashboard's lookbacks end. */
export interface Newest {
  /** When the newest sample of the shown series was, once that is known. */
  readonly at: number | undefined;
  readonly isKnown: boolean;
  /** Whether it is so old that a chart is empty that would not be if time stood still. */
  readonly isOld: boolean;
}

/** Finds the newest sample of all that these widgets show. */
export function useNewest(
  source: Source,
  dashboard: Dashboard,
  widgets: readonly Widget[],
  lookback: string,
  round: number,
  isPaused: boolean,
): Newest {
  const places = placesOf(widgets, dashboard);
  const newest = useAsync(
    // Of a series without a database, say, its widget complains; here it has no samples.
    async (signal) => {
      const each = places.map((place) =>
        newestOf(source, [place], signal).catch(() => {
          signal.throwIfAborted();
          return undefined;
        }),
      );
      const times = (await Promise.all(each)).filter((time) => time !== undefined);
      return times.length === 0 ? undefined : Math.max(...times);
    },
    [source, JSON.stringify(places), round],
  );
  useEffect(() => {
    if (isPaused) return;
    const timer = setInterval(() => {
      if (!document.hidden) newest.reload();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [isPaused, newest.reload]);
  const at = newest.value;
  const span = shortestSpan(widgets, lookback);
  return {
    at,
    isKnown: at !== undefined || !newest.isLoading,
    isOld: at !== undefined && span !== undefined && at < Date.now() - span,
  };
}

/** Metrics that widgets show, each once. */
function placesOf(widgets: readonly Widget[], dashboard: Dashboard): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { database, metric } of widgets.flatMap((widget) => expand(widget, dashboard))) {
    if (filled(database) && filled(metric)) {
      places.set(`${database}/${metric}`, { database, metric });
    }
  }
  return [...places.values()];
}

/** What the shortest chart looks back, `undefined` without charts: numbers show old samples, too. */
export function shortestSpan(widgets: readonly Widget[], lookback: string): number | undefined {
  const charts = widgets.filter(isChart);
  if (charts.length === 0) return undefined;
  const spans = charts.map(
    (widget) => parseDuration(lookback) ?? parseDuration(widget.lookback ?? "") ?? HOUR,
  );
  return Math.min(...spans);
}

interface AsOfBarProps {
  readonly at: number;
  readonly isOn: boolean;
  onChange(isOn: boolean): void;
}

/** Offers to look at old data as it was when its newest sample came, and the way back. */
export function AsOfBar({ at, isOn, onChange }: AsOfBarProps) {
  return (
    <div class={`as-of panel ${isOn ? "on" : ""}`} role="note">
      <Icon name="info" />
      <p>
        {isOn ? "Shown as of " : "Newest sample: "}
        <strong>{formatMoment(at)}</strong> <span class="muted">{formatAge(at)}</span>
      </p>
      <Button
        label={isOn ? "Back to now" : "Show as of then"}
        icon={isOn ? "refresh" : "back"}
        onClick={() => onChange(!isOn)}
      />
    </div>
  );
}
