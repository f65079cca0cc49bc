import { useEffect, useRef, useState } from "preact/hooks";
import { useDatabases } from "../shell/databases.ts";
import { contentChanged } from "../shell/session.ts";
import type { Progress, Source } from "../source.ts";
import { failure } from "../source.ts";
import { Button, Skeleton } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Icon } from "../ui/icon.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { formatBytes, formatCount } from "../util/format.ts";
import { detect, KIND_TEXT, unpacked, type Found } from "./detect.ts";
import { guessMapping } from "./csv-map.ts";
import { readHead } from "./csv-run.ts";
import { ItemOptions } from "./item-options.tsx";
import type { Outcome } from "./outcome.ts";
import { choose, importRequest, type Entry } from "./request.ts";
import { run, type Choice } from "./run.ts";
import "./import.css";

/** Something to import and how far it is. */
interface Item {
  readonly found: Found;
  readonly choice: Choice;
  readonly state:
    | { readonly kind: "waiting" }
    | { readonly kind: "running"; readonly progress: Progress }
    | { readonly kind: "done"; readonly outcome: Outcome }
    | { readonly kind: "failed"; readonly error: unknown };
}

interface ImportDialogProps {
  readonly source: Source;
  readonly entries: readonly Entry[];
}

/** Shows what is about to come in, lets it be adjusted, and does it. */
export function ImportDialog({ source, entries }: ImportDialogProps) {
  const databases = useDatabases(source);
  const [items, setItems] = useState<readonly Item[]>();
  const [isRunning, setRunning] = useState(false);
  const controller = useRef<AbortController | undefined>(undefined);

  useEffect(() => {
    let isCurrent = true;
    setItems(undefined);
    const prepare = async () => {
      const found = await detect(entries);
      const prepared = await Promise.all(found.map((one) => toItem(one)));
      if (isCurrent) setItems(prepared);
    };
    prepare().catch((error: unknown) => {
      if (!isCurrent) return;
      setItems(
        entries.slice(0, 1).map(({ path, file }) => ({
          found: { kind: "lines", name: path, file },
          choice: { database: "", replace: false },
          state: { kind: "failed", error },
        })),
      );
    });
    return () => {
      isCurrent = false;
    };
  }, [entries]);
  // Leaving the dialog by any way ends its work.
  useEffect(() => () => controller.current?.abort(), []);

  const close = () => {
    controller.current?.abort();
    importRequest.value = undefined;
  };
  const update = (index: number, part: Partial<Item>) =>
    setItems((old) => old?.map((item, at) => (at === index ? { ...item, ...part } : item)));

  const start = async () => {
    const own = new AbortController();
    controller.current = own;
    setRunning(true);
    for (const [index, item] of (items ?? []).entries()) {
      if (item.state.kind === "done" || own.signal.aborted) continue;
      try {
        update(index, { state: { kind: "running", progress: { bytes: 0 } } });
        const outcome = await run(source, item.found, item.choice, {
          signal: own.signal,
          onProgress: (progress) => update(index, { state: { kind: "running", progress } }),
        });
        update(index, { state: { kind: "done", outcome } });
      } catch (error) {
        update(index, { state: { kind: "failed", error } });
      }
    }
    // Also after a failure: part of it may have come in.
    await source.flush().catch(() => undefined);
    setRunning(false);
    contentChanged();
  };

  const isDone = items?.every((item) => item.state.kind === "done") ?? false;
  const isReady = items?.every(isComplete) ?? false;
  if (entries.length === 0) return <ChooseDialog onClose={close} />;
  return (
    <Dialog
      title="Import"
      size="large"
      onClose={close}
      footer={
        isDone ? (
          <>
            <Button label="Import more" onClick={() => (importRequest.value = [])} />
            <Button kind="primary" label="Done" onClick={close} />
          </>
        ) : isRunning ? (
          <Button label="Cancel" onClick={() => controller.current?.abort()} />
        ) : (
          <>
            <Button label="Cancel" onClick={close} />
            <Button
              kind="primary"
              icon="upload"
              label="Import"
              disabled={!isReady}
              onClick={() => void start()}
            />
          </>
        )
      }
    >
      {items === undefined ? <Skeleton /> : null}
      {items?.map((item, index) => (
        <section key={`${index}:${item.found.name}`} class="import-item">
          <header>
            <Icon name={item.found.kind === "folder" ? "folder" : "file"} />
            <div>
              <h3>{item.found.name}</h3>
              <p class="muted">{describe(item.found)}</p>
            </div>
          </header>
          <State item={item} />
          {item.state.kind === "waiting" || item.state.kind === "failed" ? (
            <ItemOptions
              found={item.found}
              choice={item.choice}
              databases={databases.value ?? []}
              onChange={(choice) => update(index, { choice, state: { kind: "waiting" } })}
            />
          ) : null}
        </section>
      ))}
    </Dialog>
  );
}

async function toItem(found: Found): Promise<Item> {
  const base = { found, state: { kind: "waiting" } } as const;
  if (found.kind !== "csv") return { ...base, choice: { database: "", replace: false } };
  const content = unpacked(found.file);
  const head = await readHead(
    content instanceof Blob ? content : await new Response(content).blob(),
  );
  const name = found.file.name.replace(/\..*$/, "").replace(/[^A-Za-z0-9_-]+/g, "_");
  const database = name.replace(/^[-_]+/, "").slice(0, 64) || "table";
  return {
    ...base,
    choice: {
      database,
      replace: false,
      csv: { head, mapping: guessMapping(head.header, head.rows) },
    },
  };
}

function isComplete({ found, choice }: Item): boolean {
  if (found.kind !== "csv") return true;
  const { csv } = choice;
  if (csv === undefined || choice.database === "") return false;
  return csv.mapping.form === "long"
    ? csv.mapping.names.length > 0
    : csv.mapping.columns.length > 0;
}

function describe(found: Found): string {
  const files = found.kind === "folder" ? found.entries.map((entry) => entry.file) : [found.file];
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const count = files.length === 1 ? "" : `${formatCount(files.length)} files, `;
  return `${KIND_TEXT[found.kind]}, ${count}${formatBytes(bytes)}`;
}

function State({ item }: { readonly item: Item }) {
  const { state } = item;
  if (state.kind === "waiting") return null;
  if (state.kind === "failed") {
    return failure(state.error).code === "aborted" ? (
      <Note title="Cancelled">What came in until then stays.</Note>
    ) : (
      <FailureNote error={state.error} />
    );
  }
  if (state.kind === "running") {
    const { bytes, total, item: name } = state.progress;
    return (
      <div class="import-progress">
        <progress
          aria-label="Progress"
          {...(total === undefined ? {} : { value: bytes, max: total })}
        />
        <p class="hint num">
          {formatBytes(bytes)}
          {total === undefined ? "" : ` of ${formatBytes(total)}`} {name ?? ""}
        </p>
      </div>
    );
  }
  const { title, rejected, rejectedCount } = state.outcome;
  return (
    <>
      <p class="import-done">
        <Icon name="check" /> {title}
      </p>
      {rejectedCount > 0 ? (
        <details class="rejected" open={rejected.length <= 5}>
          <summary>{formatCount(rejectedCount)} not taken</summary>
          <ul>
            {rejected.slice(0, 200).map(({ line, reason }, index) => (
              <li key={index}>
                {line === undefined ? null : <span class="faint num">line {line}</span>} {reason}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  );
}

function ChooseDialog({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Import" onClose={onClose}>
      <div class="import-choose">
        <Icon name="upload" />
        <p>
          <strong>Drop files or a folder anywhere on this page</strong>
        </p>
        <div class="row">
          <Button kind="primary" icon="file" label="Choose files" onClick={() => choose("files")} />
          <Button icon="folder" label="Choose a folder" onClick={() => choose("folder")} />
        </div>
      </div>
      <dl class="import-kinds">
        <dt>Line protocol</dt>
        <dd>
          <code>home/kitchen.temperature 21.5 2026-05-14 08:00:00</code>
        </dd>
        <dt>CSV</dt>
        <dd>A column for each metric, or columns of names and values. You choose what is what.</dd>
        <dt>NanoTDB data</dt>
        <dd>
          A data directory as a folder, or as <code>.tar</code> or <code>.tar.gz</code>.
        </dd>
      </dl>
      <p class="hint">
        Nothing is sent anywhere: files are read by this page and stay in this browser.
      </p>
    </Dialog>
  );
}
