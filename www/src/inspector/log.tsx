import { contentRound } from "../shell/session.ts";
import { Button, Skeleton } from "../ui/controls.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { formatBytes, formatCount, formatValue } from "../util/format.ts";
import { formatAge, formatTime, toMs } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import { Facts, Section, Table } from "./facts.tsx";
import type { DatabaseProps } from "./page.tsx";

const NEWEST = 50;

/** The log: what the open pages would be made of again after a crash right now. */
export function LogTab({ source, database }: DatabaseProps) {
  const log = useAsync(
    (signal) => source.inspectLog(database, { signal, limit: NEWEST }),
    [source, database, contentRound.value],
  );
  const info = useAsync(
    (signal) => source.inspect(database, { signal }),
    [source, database, contentRound.value],
  );
  if (log.error !== undefined) return <FailureNote error={log.error} onRetry={log.reload} />;
  if (log.value === undefined) return <Skeleton lines={8} />;
  const { bytes, records, newest, problems } = log.value;
  const stats = info.value?.stats;
  return (
    <>
      <Facts
        facts={[
          ["Size", formatBytes(bytes)],
          ["Records", formatCount(records)],
          ["Replayed on opening", formatCount(stats?.replayedRecords ?? 0)],
          ["Resets", formatCount(stats?.logResets.length ?? 0), "Since the store was opened"],
        ]}
      />
      {problems.map((problem) => (
        <Note key={problem} kind="warning">
          {problem}
        </Note>
      ))}
      <Section
        title="Newest records"
        actions={<Button icon="refresh" label="Refresh" onClick={log.reload} />}
      >
        <Table
          label="Newest records of the log"
          head={[">Offset", "Metric", "Time", ">Value"]}
          none="The log is empty: what it had is in files."
          rows={[...newest]
            .reverse()
            .map((record) => [
              formatCount(record.offset),
              record.metric,
              formatTime(toMs(record.time), true),
              formatValue(record.value),
            ])}
        />
      </Section>
      <Section title="Resets">
        <Table
          label="Resets of the log"
          head={["Time", "Age", ">Bytes let go"]}
          none="None since the store was opened."
          rows={[...(stats?.logResets ?? [])]
            .reverse()
            .map(({ at, bytes: gone }) => [
              formatTime(toMs(at)),
              formatAge(toMs(at)),
              formatBytes(gone),
            ])}
        />
      </Section>
    </>
  );
}
