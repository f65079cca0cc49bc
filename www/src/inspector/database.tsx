import { useState } from "preact/hooks";
import { paths } from "../shell/config.ts";
import { useMetrics } from "../shell/databases.ts";
import { contentRound } from "../shell/session.ts";
import type { Sample } from "../source.ts";
import { Button, Input, Skeleton } from "../ui/controls.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { formatBytes, formatCount, formatValue } from "../util/format.ts";
import { formatAge, formatTime, toMs } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import { Facts, Section, Table } from "./facts.tsx";
import { SettingsTable } from "./overview.tsx";
import type { DatabaseProps } from "./page.tsx";
import { UpkeepPart } from "./upkeep.tsx";

/** So many metrics are listed at once. */
const STEP = 50;

/** One database: its metrics with newest samples, counters and settings. */
export function DatabaseTab({ source, database }: DatabaseProps) {
  const info = useAsync(
    (signal) => source.inspect(database, { signal }),
    [source, database, contentRound.value],
  );
  if (info.error !== undefined) return <FailureNote error={info.error} onRetry={info.reload} />;
  if (info.value === undefined) return <Skeleton lines={8} />;
  const { metrics, partitions, bytes, problems, settings, stats } = info.value;
  return (
    <>
      <Facts
        facts={[
          ["Metrics", formatCount(metrics)],
          ["Partitions", formatCount(partitions)],
          ["Size", formatBytes(bytes)],
          ["Samples taken", formatCount(stats.samples), "Since the store was opened"],
          ["Pages written", formatCount(stats.pagesWritten), "Since the store was opened"],
          ["Log", formatBytes(stats.logBytes)],
          [
            "Cache",
            formatBytes(stats.cacheBytes),
            `${stats.cacheEntries} entries, ${stats.cacheHits} hits, ${stats.cacheMisses} misses`,
          ],
        ]}
      />
      {problems.map((problem) => (
        <Note key={problem} kind="warning" title="Found on opening">
          {problem}
        </Note>
      ))}
      <MetricsPart source={source} database={database} />
      {source.capabilities.canWrite ? (
        <UpkeepPart source={source} database={database} settings={settings} />
      ) : null}
      <Section title="Settings">
        <SettingsTable settings={settings} />
      </Section>
    </>
  );
}

function MetricsPart({ source, database }: DatabaseProps) {
  const metrics = useMetrics(source, database);
  const [filter, setFilter] = useState("");
  const [most, setMost] = useState(STEP);
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = (metrics.value ?? []).filter(({ name }) =>
    words.every((word) => name.toLowerCase().includes(word)),
  );
  const shown = matching.slice(0, most);
  const newest = useAsync(
    async (signal) => {
      const samples = await Promise.all(
        shown.map(({ name }) => source.last(database, name, { signal })),
      );
      return new Map<string, Sample | undefined>(
        shown.map(({ name }, index) => [name, samples[index]]),
      );
    },
    [source, database, shown.map(({ name }) => name).join("\n"), contentRound.value],
  );
  const rows = shown.map(({ name, type }) => {
    const sample = newest.value?.get(name);
    const ms = sample === undefined ? undefined : toMs(sample.time);
    const link = new URLSearchParams([
      ["db", database],
      ["m", name],
    ]);
    return [
      <a href={`${paths.explore}?${link.toString()}`}>{name}</a>,
      type === "i32" ? "integer" : "float",
      sample === undefined ? "" : formatValue(sample.value),
      ms === undefined ? "" : <span title={formatTime(ms)}>{formatAge(ms)}</span>,
    ];
  });
  return (
    <Section
      title="Metrics"
      actions={
        <Input
          type="search"
          label="Search metrics"
          hideLabel
          placeholder={`Search ${formatCount(metrics.value?.length ?? 0)} metrics`}
          value={filter}
          onInput={setFilter}
        />
      }
    >
      <Table
        label="Metrics"
        head={["Name", "Type", ">Newest value", "Age"]}
        rows={rows}
        none={metrics.isLoading ? "" : "No metric matches."}
      />
      {matching.length > most ? (
        <div class="row">
          <Button
            label={`Show more of ${formatCount(matching.length)}`}
            onClick={() => setMost(most + 200)}
          />
        </div>
      ) : null}
    </Section>
  );
}
