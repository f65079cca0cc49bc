import { useState } from "preact/hooks";
import { contentChanged } from "../shell/session.ts";
import type { PartitionInfo, Setting } from "../source.ts";
import { Button } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { formatBytes, formatCount, plural } from "../util/format.ts";
import { formatTime } from "../util/time.ts";
import { expired, expiresBefore, retentionOf } from "./expired.ts";
import { Section } from "./facts.tsx";
import type { DatabaseProps } from "./page.tsx";

/** So many partitions are named before they are only counted. */
const MOST_NAMED = 12;

/** What one of the jobs said when it ended. */
interface Said {
  readonly text: string;
  readonly problems: readonly string[];
}

type Job = "rollups" | "retention";

/** Rollups and retention, which the store does by itself, on demand. */
export function UpkeepPart(props: DatabaseProps & { readonly settings: readonly Setting[] }) {
  const { source, database, settings } = props;
  const [busy, setBusy] = useState<Job>();
  const [said, setSaid] = useState<Partial<Record<Job, Said>>>({});
  const [error, setError] = useState<unknown>();
  // What may go, while a person is asked about it.
  const [going, setGoing] = useState<readonly PartitionInfo[]>();

  const retention = retentionOf(settings);
  const isKept = retention.action === "keep";
  const isArchived = retention.action === "archive";
  const hasRollups = !settings.some(
    ({ key, value }) =>
      (key === "rollups.enabled" && value === "false") || (key === "rollups.jobs" && value === "0"),
  );

  const work = async (job: Job, run: () => Promise<Said | undefined>) => {
    setBusy(job);
    setError(undefined);
    try {
      const result = await run();
      setSaid((old) => ({ ...old, [job]: result }));
    } catch (reason) {
      setError(reason);
    }
    setBusy(undefined);
  };
  const runRollups = () =>
    work("rollups", async () => {
      const { rolledUp, problems } = await source.runRollups(database);
      contentChanged();
      const text =
        rolledUp === 0 ? "Nothing was due." : `${plural(rolledUp, "sample")} written by rollups.`;
      return { text, problems };
    });
  const ask = () =>
    work("retention", async () => {
      const partitions = await source.inspectPartitions(database);
      setGoing(expired(partitions, retention, Date.now()));
      return undefined;
    });
  const applyRetention = () => {
    setGoing(undefined);
    return work("retention", async () => {
      const gone = await source.applyRetention(database);
      contentChanged();
      if (gone.length === 0) return { text: "Nothing had expired.", problems: [] };
      const bytes = formatBytes(gone.reduce((sum, one) => sum + one.bytes, 0));
      const archives = new Set(gone.flatMap(({ archive }) => archive ?? []));
      const where = archives.size === 0 ? "deleted" : `moved into ${[...archives].join(", ")}`;
      return { text: `${plural(gone.length, "partition")}, ${bytes}, ${where}.`, problems: [] };
    });
  };

  return (
    <Section title="Upkeep">
      <p class="muted">The store does both by itself when they are due.</p>
      <div class="upkeep panel">
        <JobRow
          label="Run rollups"
          text={
            hasRollups
              ? "Writes what the rollup jobs make of the samples that came since."
              : "No rollup job is set up in manifest.toml."
          }
          isOff={!hasRollups || busy !== undefined}
          isBusy={busy === "rollups"}
          said={said.rollups}
          onRun={() => void runRollups()}
        />
        <JobRow
          label="Apply retention"
          text={
            isKept
              ? "This database keeps everything: its retention_action is keep."
              : `${isArchived ? "Archives" : "Deletes"} partitions that are older than ${plural(retention.days, "day")}.`
          }
          isOff={isKept || busy !== undefined}
          isBusy={busy === "retention"}
          said={said.retention}
          onRun={() => void ask()}
        />
      </div>
      {error === undefined ? null : <FailureNote error={error} />}
      {going === undefined ? null : (
        <Dialog
          title={`Apply retention to ${database}?`}
          onClose={() => setGoing(undefined)}
          footer={
            <>
              <Button label="Cancel" onClick={() => setGoing(undefined)} />
              <Button
                kind={isArchived || going.length === 0 ? "primary" : "danger"}
                label={
                  going.length === 0
                    ? "Apply"
                    : `${isArchived ? "Archive" : "Delete"} ${plural(going.length, "partition")}`
                }
                onClick={() => void applyRetention()}
              />
            </>
          }
        >
          <Going
            partitions={going}
            isArchived={isArchived}
            before={expiresBefore(retention, Date.now())}
          />
        </Dialog>
      )}
    </Section>
  );
}

/** Names what may be taken away. */
function Going(props: {
  readonly partitions: readonly PartitionInfo[];
  readonly isArchived: boolean;
  readonly before: number;
}) {
  const { partitions, isArchived, before } = props;
  if (partitions.length === 0) {
    return <p>Nothing has expired now: no partition ends before {formatTime(before)}.</p>;
  }
  const bytes = (one: PartitionInfo) => one.files.reduce((sum, file) => sum + file.bytes, 0);
  const total = partitions.reduce((sum, one) => sum + bytes(one), 0);
  const rest = partitions.length - MOST_NAMED;
  return (
    <>
      <p>
        {isArchived
          ? "These partitions are moved into tar archives beside the data. Charts do not show them any more:"
          : "These partitions are deleted. This cannot be undone; export first if in doubt:"}
      </p>
      <ul class="going">
        {partitions.slice(0, MOST_NAMED).map((one) => (
          <li key={one.partition}>
            <code>{one.partition}</code>
            <span class="muted num">{formatBytes(bytes(one))}</span>
          </li>
        ))}
        {rest > 0 ? <li class="muted">and {formatCount(rest)} newer ones</li> : null}
      </ul>
      <p class="muted">{formatBytes(total)} in all.</p>
    </>
  );
}

interface JobRowProps {
  readonly label: string;
  readonly text: string;
  readonly isOff: boolean;
  readonly isBusy: boolean;
  readonly said: Said | undefined;
  onRun(): void;
}

function JobRow({ label, text, isOff, isBusy, said, onRun }: JobRowProps) {
  return (
    <div class="job">
      <Button label={label} disabled={isOff} onClick={onRun} />
      <p class={said === undefined || isBusy ? "muted" : ""} role="status">
        {isBusy ? "Working…" : (said?.text ?? text)}
      </p>
      {said === undefined || said.problems.length === 0 ? null : (
        <Note kind="warning">
          <ul>
            {said.problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </Note>
      )}
    </div>
  );
}
