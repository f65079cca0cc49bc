import { useEffect } from "preact/hooks";
import { contentRound } from "../shell/session.ts";
import type { OpenPage } from "../source.ts";
import { Empty, Skeleton } from "../ui/controls.tsx";
import { FailureNote } from "../ui/note.tsx";
import { formatBytes, formatCount } from "../util/format.ts";
import { formatSpan, formatTime, toMs } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import type { DatabaseProps } from "./page.tsx";

const REFRESH_MS = 2000;

/** Pages that are still being filled. */
export function PagesTab({ source, database }: DatabaseProps) {
  const info = useAsync(
    (signal) => source.inspect(database, { signal }),
    [source, database, contentRound.value],
  );
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) info.reload();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [info.reload]);
  if (info.value === undefined) {
    return info.error === undefined ? (
      <Skeleton />
    ) : (
      <FailureNote error={info.error} onRetry={info.reload} />
    );
  }
  const { openPages } = info.value;
  if (openPages.length === 0) {
    return (
      <Empty icon="file" title="No page is open">
        <p>Every sample is in a file. The next sample opens a page.</p>
      </Empty>
    );
  }
  return (
    <div class="open-pages">
      {openPages.map((page) => (
        <PageCard key={page.partition} page={page} />
      ))}
    </div>
  );
}

function PageCard({ page }: { readonly page: OpenPage }) {
  return (
    <section class="panel open-page" aria-label={`Open page of ${page.partition}`}>
      <header class="row">
        <h2>{page.partition}</h2>
        {page.full ? <span class="badge warning">Full</span> : null}
        <span class="badge">{page.logged ? "In the log" : "Not in the log"}</span>
      </header>
      <Fill name="Samples" value={page.samples} most={page.maxSamples} show={formatCount} />
      <Fill name="Bytes" value={page.bytes} most={page.maxBytes} show={formatBytes} />
      <Fill
        name="Age"
        value={toMs(page.ageNs)}
        most={toMs(page.maxAgeNs)}
        show={(ms) => formatSpan(ms)}
      />
      <p class="muted">
        {formatCount(page.metrics)} metrics, {formatTime(toMs(page.from))} –{" "}
        {formatTime(toMs(page.to)).slice(11)}
      </p>
    </section>
  );
}

interface FillProps {
  readonly name: string;
  readonly value: number;
  readonly most: number;
  show(value: number): string;
}

function Fill({ name, value, most, show }: FillProps) {
  return (
    <div class="fill">
      <span>{name}</span>
      <progress value={Math.min(value, most)} max={Math.max(1, most)} aria-label={name} />
      <span class="num muted">
        {show(value)} of {show(most)}
      </span>
    </div>
  );
}
