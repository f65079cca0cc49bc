import { useState } from "preact/hooks";
import { contentChanged, contentRound } from "../shell/session.ts";
import { explain } from "../shell/explain.ts";
import {
  isAborted,
  type ColumnInfo,
  type MetricFormat,
  type PartitionInfo,
  type Progress,
} from "../source.ts";
import { Button, Skeleton } from "../ui/controls.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { formatBytes, formatCount, plural } from "../util/format.ts";
import { formatSpan, formatTime, toMs } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import { Section, Table } from "./facts.tsx";
import type { DatabaseProps } from "./page.tsx";

/** What a job said when it ended. */
interface Said {
  readonly isBad: boolean;
  readonly text: string;
}

/** Partitions with their files, what is in a file, and what can be done about them. */
export function FilesTab({ source, database }: DatabaseProps) {
  const partitions = useAsync(
    (signal) => source.inspectPartitions(database, { signal }),
    [source, database, contentRound.value],
  );
  const [file, setFile] = useState<string>();
  const [busy, setBusy] = useState<string>();
  const [said, setSaid] = useState<ReadonlyMap<string, Said>>(new Map());

  const work = async (partition: string, job: () => Promise<string>) => {
    setBusy(partition);
    let result: Said;
    try {
      result = { isBad: false, text: await job() };
    } catch (error) {
      const { title, text } = explain(error);
      result = { isBad: true, text: `${title}. ${text}` };
    }
    setSaid((old) => new Map(old).set(partition, result));
    setBusy(undefined);
    contentChanged();
  };
  const build = (partition: string) =>
    work(partition, async () => {
      const made = await source.build(database, partition);
      return `${made.metricFile}: ${formatCount(made.points)} samples, ${formatBytes(made.sourceBytes)} → ${formatBytes(made.metricBytes)}`;
    });
  const recompact = (partition: string) =>
    work(partition, async () => {
      const made = await source.recompact(database, partition);
      return `${plural(made.oldFrames, "frame")} → ${formatCount(made.newFrames)}, ${formatBytes(made.oldBytes)} → ${formatBytes(made.newBytes)}`;
    });

  const convert = (partition: string, format: MetricFormat) =>
    work(partition, async () => {
      const [made] = await source.convert(database, { partition, format });
      if (made === undefined) return "";
      const { oldFormat, oldBytes, newFormat, newBytes } = made;
      return `${oldFormat} → ${newFormat}, ${formatBytes(oldBytes)} → ${formatBytes(newBytes)}, compared bit for bit`;
    });

  if (partitions.error !== undefined) {
    return <FailureNote error={partitions.error} onRetry={partitions.reload} />;
  }
  if (partitions.value === undefined) return <Skeleton lines={8} />;
  return (
    <>
      <VerifyPart source={source} database={database} />
      <Section title={plural(partitions.value.length, "partition")}>
        <Table
          label="Partitions"
          class="partitions"
          head={["Partition", "Files", ">Bytes", "", ""]}
          none="No partition yet. The first sample begins one."
          rows={[...partitions.value].reverse().map((own) => [
            <span
              class="partition"
              title={`${formatTime(toMs(own.from))} to ${formatTime(toMs(own.to))}`}
            >
              {own.partition}
              {own.open ? <span class="badge on">Open</span> : null}
            </span>,
            <FileLinks partition={own} chosen={file} onChoose={setFile} />,
            formatBytes(own.files.reduce((sum, { bytes }) => sum + bytes, 0)),
            <span class="row tight">
              <Button
                kind="quiet"
                label="Build"
                title="Write the metric file, which is smaller and quicker to read"
                disabled={busy !== undefined}
                onClick={() => void build(own.partition)}
              />
              <Button
                kind="quiet"
                label="Recompact"
                title="Write the frames of the data file anew, larger ones"
                disabled={busy !== undefined || !own.files.some(({ kind }) => kind === "data")}
                onClick={() => void recompact(own.partition)}
              />
              <ConvertButton partition={own} isBusy={busy !== undefined} onConvert={convert} />
            </span>,
            <JobState isBusy={busy === own.partition} said={said.get(own.partition)} />,
          ])}
        />
      </Section>
      {file === undefined ? null : (
        <FramesPart key={file} source={source} database={database} file={file} />
      )}
    </>
  );
}

/** To the layout that the metric file has not. */
function ConvertButton(props: {
  readonly partition: PartitionInfo;
  readonly isBusy: boolean;
  onConvert(partition: string, format: MetricFormat): Promise<void>;
}) {
  const { partition, files } = props.partition;
  const metric = files.find(({ kind }) => kind === "metric");
  if (metric === undefined) return null;
  const format = metric.format === "v3" ? "v2" : "v3";
  return (
    <Button
      kind="quiet"
      label={`To ${format}`}
      title={
        format === "v2"
          ? "Write the metric file anew as NanoTDB for Go reads it"
          : "Write the metric file anew, about half as large; NanoTDB for Go does not read it"
      }
      disabled={props.isBusy}
      onClick={() => void props.onConvert(partition, format)}
    />
  );
}

function JobState({ isBusy, said }: { readonly isBusy: boolean; readonly said: Said | undefined }) {
  if (isBusy) return <span class="muted">Working…</span>;
  if (said === undefined) return null;
  return (
    <span role="status" class={said.isBad ? "bad" : "good"}>
      {said.text}
    </span>
  );
}

function FileLinks(props: {
  readonly partition: PartitionInfo;
  readonly chosen: string | undefined;
  onChoose(file: string): void;
}) {
  if (props.partition.files.length === 0) {
    return (
      <span class="muted" title="The page is written when it is full or old enough">
        open page only
      </span>
    );
  }
  return (
    <span class="row tight">
      {props.partition.files.map(({ name, kind, format }) => (
        <button
          key={name}
          type="button"
          class="link"
          aria-pressed={props.chosen === name}
          title={`What is in ${name}${format === undefined ? "" : `, ${format}`}`}
          onClick={() => props.onChoose(name)}
        >
          {kind}
        </button>
      ))}
    </span>
  );
}

/** So many frames are listed at once. */
const STEP = 200;

function FramesPart({ source, database, file }: DatabaseProps & { readonly file: string }) {
  const [most, setMost] = useState(STEP);
  const info = useAsync(
    (signal) => source.inspectFile(database, file, { signal }),
    [source, database, file, contentRound.value],
  );
  if (info.error !== undefined) return <FailureNote error={info.error} onRetry={info.reload} />;
  if (info.value === undefined) return <Skeleton lines={5} />;
  const { name, bytes, format, frames, times = [], problems } = info.value;
  const samples = frames.reduce((sum, frame) => sum + frame.samples, 0);
  const perSample = samples === 0 ? "" : `, ${(bytes / samples).toFixed(2)} bytes each`;
  const isMetric = frames.some((frame) => frame.metric !== undefined);
  const hasColumns = frames.some((frame) => frame.encoding !== undefined);
  return (
    <Section title={name}>
      <p class="muted">
        {format}, {formatBytes(bytes)}, {plural(frames.length, isMetric ? "metric" : "frame")},{" "}
        {plural(samples, "sample")}
        {perSample}
      </p>
      {problems.map((problem) => (
        <Note key={problem} kind="warning">
          {problem}
        </Note>
      ))}
      {times.length === 0 ? null : (
        <p class="muted">
          {plural(times.length, "column")} of times: {times.slice(0, 3).map(timesText).join("; ")}
          {times.length > 3 ? "…" : ""}
        </p>
      )}
      <Table
        label={`Frames of ${name}`}
        head={[
          ">Offset",
          ...(isMetric ? ["Metric"] : []),
          ">Samples",
          ">Bytes",
          ...(hasColumns ? [">Each", "Encoding", ">Spans"] : ["Codec"]),
          "From",
          "Length",
        ]}
        none="No frame."
        rows={frames
          .slice(0, most)
          .map((frame) => [
            formatCount(frame.offset),
            ...(isMetric ? [frame.metric ?? ""] : []),
            formatCount(frame.samples),
            formatCount(frame.bytes),
            ...(hasColumns
              ? [
                  (frame.bytes / frame.samples).toFixed(2),
                  frame.encoding?.text ?? "",
                  formatCount(frame.encoding?.spans ?? 0),
                ]
              : [frame.codec]),
            formatTime(toMs(frame.from)),
            formatSpan(toMs(frame.to - frame.from)),
          ])}
      />
      {frames.length > most ? (
        <div class="row">
          <Button
            label={`Show more of ${formatCount(frames.length)}`}
            onClick={() => setMost(most + 1000)}
          />
        </div>
      ) : null}
    </Section>
  );
}

function timesText({ text, samples, frontBytes, bodyBytes }: ColumnInfo): string {
  return `${plural(samples, "time")} in ${formatBytes(frontBytes + bodyBytes)} (${text})`;
}

function VerifyPart({ source, database }: DatabaseProps) {
  const [progress, setProgress] = useState<Progress>();
  const [controller, setController] = useState<AbortController>();
  const [result, setResult] = useState<{ good: string; bad: readonly string[] }>();
  const [error, setError] = useState<unknown>();
  const verify = async () => {
    const own = new AbortController();
    setController(own);
    setResult(undefined);
    setError(undefined);
    try {
      const checks = await source.verify(database, { signal: own.signal, onProgress: setProgress });
      const samples = checks.reduce((sum, check) => sum + check.samples, 0);
      setResult({
        good: `${plural(checks.length, "file")} read, ${plural(samples, "sample")}`,
        bad: checks.flatMap((check) =>
          check.problems.map((problem) => `${check.file}: ${problem}`),
        ),
      });
    } catch (reason) {
      if (!isAborted(reason)) setError(reason);
    }
    setController(undefined);
    setProgress(undefined);
  };
  return (
    <div class="verify">
      <div class="row">
        {controller === undefined ? (
          <Button icon="check" label="Verify all files" onClick={() => void verify()} />
        ) : (
          <Button icon="close" label="Stop" onClick={() => controller.abort()} />
        )}
        <span class="muted num" role="status">
          {controller !== undefined
            ? `${formatBytes(progress?.bytes ?? 0)} ${progress?.item ?? ""}`
            : result === undefined
              ? "Reads every byte and says what is damaged."
              : `${result.good}: ${result.bad.length === 0 ? "all sound." : plural(result.bad.length, "problem")}`}
        </span>
      </div>
      {result === undefined || result.bad.length === 0 ? null : (
        <Note kind="warning" title="Damage">
          <ul>
            {result.bad.slice(0, 50).map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </Note>
      )}
      {error === undefined ? null : <FailureNote error={error} />}
    </div>
  );
}
