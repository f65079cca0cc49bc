import { colorVariable } from "../chart/palette.ts";
import type { Sample, Source } from "../source.ts";
import { Icon } from "../ui/icon.tsx";
import { formatValue } from "../util/format.ts";
import { formatAge, formatTime, toMs } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";

interface CardsProps {
  readonly source: Source;
  readonly database: string;
  readonly metrics: readonly string[];
  /** Changes with every refresh. */
  readonly round: number;
  onRemove(metric: string): void;
}

/** The newest value of each metric that is shown. */
export function Cards({ source, database, metrics, round, onRemove }: CardsProps) {
  const newest = useAsync(
    async (signal) => {
      const samples = await Promise.all(
        metrics.map((metric) => source.last(database, metric, { signal })),
      );
      return new Map<string, Sample | undefined>(
        metrics.map((metric, index) => [metric, samples[index]]),
      );
    },
    [source, database, metrics.join("\n"), round],
  );
  return (
    <ul class="cards" aria-label="Newest values">
      {metrics.map((metric, index) => {
        const sample = newest.value?.get(metric);
        const ms = sample === undefined ? undefined : toMs(sample.time);
        return (
          <li key={metric} class="card">
            <div class="card-head">
              <i class="swatch" style={{ background: `var(${colorVariable(index)})` }} />
              <span class="card-name" title={metric}>
                <bdi>{metric}</bdi>
              </span>
              <button
                type="button"
                class="icon-button"
                aria-label={`Remove ${metric}`}
                onClick={() => onRemove(metric)}
              >
                <Icon name="close" />
              </button>
            </div>
            <div class="card-value">{sample === undefined ? "–" : formatValue(sample.value)}</div>
            <div class="card-age" title={ms === undefined ? undefined : formatTime(ms)}>
              {ms === undefined ? (newest.isLoading ? "\u00a0" : "No samples") : formatAge(ms)}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
