import { useEffect, useState } from "preact/hooks";
import { exportLines } from "../explore/export-lines.ts";
import { contentRound, contentChanged } from "../shell/session.ts";
import { notify, report } from "../shell/toasts.tsx";
import type { DatabaseInfo, Setting, Source } from "../source.ts";
import { Button, Skeleton } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { collect, download } from "../util/download.ts";
import { formatBytes, formatCount, plural } from "../util/format.ts";
import { stamp } from "../util/time.ts";
import { useAsync } from "../util/use-async.ts";
import { Facts, Section, Table } from "./facts.tsx";

interface OverviewProps {
  readonly source: Source;
  readonly databases: readonly string[];
  onOpen(database: string): void;
}

const STORAGE: Readonly<Record<string, string>> = {
  opfs: "This browser",
  node: "Files",
  memory: "Memory only",
  server: "Server",
};

/** The store as a whole. */
export function OverviewTab({ source, databases, onOpen }: OverviewProps) {
  const [role, setRole] = useState(0);
  useEffect(
    () =>
      source.subscribe((event) => {
        if (event.kind === "role") setRole((old) => old + 1);
      }),
    [source],
  );
  const stats = useAsync((signal) => source.stats({ signal }), [source, role, contentRound.value]);
  const infos = useAsync(
    (signal) => Promise.all(databases.map((name) => source.inspect(name, { signal }))),
    [source, databases.join("\n"), contentRound.value],
  );
  const settings = useAsync((signal) => source.settings({ signal }), [source]);
  const { capabilities } = source;
  if (stats.error !== undefined) return <FailureNote error={stats.error} onRetry={stats.reload} />;
  if (stats.value === undefined) return <Skeleton lines={6} />;
  const { version, storage, fileBytes, storedBytes, memoryBytes, warnings } = stats.value;
  const isOwner = stats.value.role === "owner";
  return (
    <>
      <Facts
        facts={[
          ["Data", formatBytes(fileBytes), "Bytes of all files"],
          // Of files on a disk, a server knows no other size.
          ...(capabilities.storageKind === "server"
            ? []
            : [["In storage", formatBytes(storedBytes), "Bytes that they take"] as const]),
          ["Engine memory", formatBytes(memoryBytes)],
          ["Databases", formatCount(databases.length)],
          ...(capabilities.hasRoles
            ? [
                [
                  "This tab",
                  isOwner ? "Owner" : "Guest",
                  isOwner
                    ? "It has the files open; other tabs work through it."
                    : "It works through the tab that has the files open.",
                ] as const,
              ]
            : []),
          ["Storage", STORAGE[storage] ?? storage],
          ["Engine", version],
        ]}
      />
      {warnings.map((warning) => (
        <Note key={warning} kind="warning">
          {warning}
        </Note>
      ))}
      {capabilities.hasQuota ? <QuotaPart source={source} /> : null}
      <Section title="Databases" actions={<StoreActions source={source} />}>
        {infos.error === undefined ? null : (
          <FailureNote error={infos.error} onRetry={infos.reload} />
        )}
        <DatabaseTable infos={infos.value ?? []} source={source} onOpen={onOpen} />
      </Section>
      <Section title="Settings of the engine">
        <SettingsTable settings={settings.value ?? []} />
      </Section>
    </>
  );
}

function DatabaseTable(props: {
  readonly infos: readonly DatabaseInfo[];
  readonly source: Source;
  onOpen(database: string): void;
}) {
  return (
    <Table
      label="Databases"
      head={["Name", ">Metrics", ">Partitions", ">Bytes", "State", ""]}
      none="No database yet."
      rows={props.infos.map((info) => [
        <button type="button" class="link" onClick={() => props.onOpen(info.name)}>
          {info.name}
        </button>,
        formatCount(info.metrics),
        formatCount(info.partitions),
        formatBytes(info.bytes),
        info.problems.length === 0 ? (
          <span class="good">Sound</span>
        ) : (
          <span class="bad" title={info.problems.join("\n")}>
            {plural(info.problems.length, "problem")}
          </span>
        ),
        <Button
          kind="quiet"
          icon="download"
          label="Lines"
          title={`Download all samples of ${info.name} as line protocol`}
          onClick={() => {
            exportLines(props.source, info.name, {}, `${info.name}-${stamp(Date.now())}.lp`).catch(
              report,
            );
          }}
        />,
      ])}
    />
  );
}

/** What can be done with everything at once. */
function StoreActions({ source }: { readonly source: Source }) {
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const exportAll = async () => {
    setBusy(true);
    try {
      await source.flush();
      const content = await collect(await source.exportRoot(), "application/x-tar");
      const name = `nanotdb-${stamp(Date.now())}.tar`;
      download(name, content);
      notify("Exported", `${name}, ${formatBytes(content.size)}`);
    } catch (error) {
      report(error);
    }
    setBusy(false);
  };
  const destroy = async () => {
    try {
      await source.destroy();
      // The store is gone in every tab; a fresh page is the simplest true state.
      location.assign("/");
    } catch (error) {
      report(error);
    }
  };
  return (
    <>
      {source.capabilities.storageKind === "memory" ? null : (
        <Button
          icon="check"
          label="Flush"
          title="Make sure that a power cut takes nothing that came so far"
          onClick={() => {
            source.flush().then(() => {
              notify("Everything so far is durable", "What is in the log stays in open pages.");
              contentChanged();
            }, report);
          }}
        />
      )}
      <Button
        icon="download"
        label="Export all as tar"
        disabled={isBusy}
        onClick={() => void exportAll()}
      />
      {source.capabilities.canDestroy ? (
        <Button icon="trash" kind="danger" label="Delete all" onClick={() => setAsking(true)} />
      ) : null}
      {isAsking ? (
        <Dialog
          title="Delete everything?"
          onClose={() => setAsking(false)}
          footer={
            <>
              <Button label="Keep it" onClick={() => setAsking(false)} />
              <Button
                kind="danger"
                icon="trash"
                label="Delete everything"
                onClick={() => void destroy()}
              />
            </>
          }
        >
          <p>
            All databases, the dashboard and its backups are removed from this browser, in every
            tab. This cannot be undone; export first if in doubt.
          </p>
        </Dialog>
      ) : null}
    </>
  );
}

function QuotaPart({ source }: { readonly source: Source }) {
  const quota = useAsync(() => source.quota(), [source, contentRound.value]);
  const { value } = quota;
  const persist = async () => {
    try {
      const after = await source.persist();
      if (after.persisted) notify("The browser keeps the data", "Only you can remove it now.");
      else
        notify(
          "The browser did not promise it",
          "Install this page or bookmark it, then ask again.",
        );
      quota.reload();
    } catch (error) {
      report(error);
    }
  };
  return (
    <section class="quota panel" aria-label="Storage of this browser">
      <div class="quota-bar">
        <p>
          {value === undefined
            ? "\u00a0"
            : `${formatBytes(value.usage)} of ${formatBytes(value.quota)} that this browser allows`}
        </p>
        <progress
          value={value?.usage ?? 0}
          max={Math.max(1, value?.quota ?? 1)}
          aria-label="Used"
        />
      </div>
      {value?.persisted === true ? (
        <span class="badge on">Kept until you remove it</span>
      ) : (
        <Button
          label="Ask to keep the data"
          title="Without a promise, the browser may remove data when the disk runs short"
          onClick={() => void persist()}
        />
      )}
    </section>
  );
}

/** Settings with what they mean. */
export function SettingsTable({ settings }: { readonly settings: readonly Setting[] }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Settings">
      <table class="settings">
        <tbody>
          {settings.map(({ key, value, help }) => (
            <tr key={key}>
              <td>
                <code>{key}</code>
              </td>
              <td>
                <code>{value}</code>
              </td>
              <td class="wrap muted">{help}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
