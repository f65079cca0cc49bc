import { useEffect, useState } from "preact/hooks";
import type { PageProps } from "../shell/app.tsx";
import { useDatabases } from "../shell/databases.ts";
import { here, replaceQuery } from "../shell/router.ts";
import { contentChanged } from "../shell/session.ts";
import type { Source } from "../source.ts";
import { Empty, Select, Tabs } from "../ui/controls.tsx";
import { DatabaseTab } from "./database.tsx";
import { FilesTab } from "./files.tsx";
import { LogTab } from "./log.tsx";
import { OverviewTab } from "./overview.tsx";
import { PagesTab } from "./pages.tsx";
import "./inspector.css";

/** What the tabs about one database get. */
export interface DatabaseProps {
  readonly source: Source;
  readonly database: string;
}

const TABS = [
  ["overview", "Overview"],
  ["database", "Database"],
  ["files", "Files"],
  ["log", "Log"],
  ["pages", "Open pages"],
] as const;

type Tab = (typeof TABS)[number][0];

/** Looks into the engine: what it keeps, where, and how. */
export default function EnginePage({ source }: PageProps) {
  const query = new URLSearchParams(here.value.query);
  const [tab, setTab] = useState<Tab>(
    TABS.find(([name]) => name === query.get("tab"))?.[0] ?? "overview",
  );
  const [chosen, setChosen] = useState(query.get("db") ?? "");
  const databases = useDatabases(source);
  const all = databases.value ?? [];
  const database = all.includes(chosen) ? chosen : (all[0] ?? "");

  useEffect(() => {
    const next = new URLSearchParams();
    if (tab !== "overview") next.set("tab", tab);
    if (chosen !== "") next.set("db", chosen);
    replaceQuery(next.toString());
  }, [tab, chosen, here.value]);

  const { refreshMs } = source.capabilities;
  useEffect(() => {
    if (refreshMs === undefined) return;
    const timer = setInterval(() => {
      if (!document.hidden) contentChanged();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [refreshMs]);

  const open = (name: string) => {
    setChosen(name);
    setTab("database");
  };
  const own = { source, database };
  return (
    <div class="page inspector">
      <div class="page-head">
        <h1>Engine</h1>
        {tab === "overview" || all.length === 0 ? null : (
          <Select
            label="Database"
            hideLabel
            value={database}
            options={all.map((name) => [name, name] as const)}
            onChange={setChosen}
          />
        )}
      </div>
      <Tabs<Tab> label="Views" value={tab} tabs={TABS} onChange={setTab} />
      {tab === "overview" ? <OverviewTab source={source} databases={all} onOpen={open} /> : null}
      {tab !== "overview" && database === "" ? (
        <Empty icon="database" title="There is no database yet">
          <p>Databases come with their first sample.</p>
        </Empty>
      ) : null}
      {database === "" ? null : (
        <div class="inspector-tab" key={`${tab}:${database}`}>
          {tab === "database" ? <DatabaseTab {...own} /> : null}
          {tab === "files" ? <FilesTab {...own} /> : null}
          {tab === "log" ? <LogTab {...own} /> : null}
          {tab === "pages" ? <PagesTab {...own} /> : null}
        </div>
      )}
    </div>
  );
}
