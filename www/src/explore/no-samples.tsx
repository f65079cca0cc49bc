import type { Source } from "../source.ts";
import { Button, Empty } from "../ui/controls.tsx";
import { newestOf } from "../util/newest.ts";
import { formatAge, formatMoment } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";

interface NoSamplesProps {
  readonly source: Source;
  readonly database: string;
  readonly metrics: readonly string[];
  onGo(newest: number): void;
}

/** An empty range, and the way to where samples are. */
export function NoSamples({ source, database, metrics, onGo }: NoSamplesProps) {
  const newest = useAsync(
    (signal) =>
      newestOf(
        source,
        metrics.map((metric) => ({ database, metric })),
        signal,
      ),
    [source, database, metrics.join("\n")],
  );
  const at = newest.value;
  if (at === undefined) {
    const isNone = !newest.isLoading && newest.error === undefined;
    return (
      <Empty title={isNone ? "These metrics have no samples yet" : "No samples in this range"} />
    );
  }
  return (
    <Empty title="No samples in this range">
      <p>
        Newest sample: {formatMoment(at)}, {formatAge(at)}
      </p>
      <Button label="Go to newest" onClick={() => onGo(at)} />
    </Empty>
  );
}
