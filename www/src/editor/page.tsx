import { useEffect, useMemo, useState } from "preact/hooks";
import { defaultDashboard } from "../dashboard/default.ts";
import type { Dashboard } from "../dashboard/model.ts";
import { FILE, loadDashboard, saveDashboard, toText } from "../dashboard/storage.ts";
import { checkDashboard } from "../dashboard/validate.ts";
import type { PageProps } from "../shell/app.tsx";
import { useDatabases, useMetrics } from "../shell/databases.ts";
import { paths } from "../shell/config.ts";
import { guardLeaving } from "../shell/router.ts";
import { notify, report } from "../shell/toasts.tsx";
import { Button, Skeleton } from "../ui/controls.tsx";
import { Menu } from "../ui/menu.tsx";
import { Note } from "../ui/note.tsx";
import { download } from "../util/download.ts";
import { DashboardForm, GroupForm } from "./dashboard-form.tsx";
import { tidy } from "./edits.ts";
import { Outline, type Selection } from "./outline.tsx";
import { Preview } from "./preview.tsx";
import { WidgetForm } from "./widget-form.tsx";
import "./editor.css";

/** Changes a copy of the document and makes it the current one. */
export type Edit = (change: (draft: Dashboard) => void) => void;

/** Edits `dashboard.json`: nothing is written before it is saved. */
export default function EditorPage({ source }: PageProps) {
  const [draft, setDraft] = useState<Dashboard>();
  const [saved, setSaved] = useState("");
  const [trouble, setTrouble] = useState<string>();
  const [selection, setSelection] = useState<Selection>({ kind: "dashboard" });
  const [errors, setErrors] = useState<readonly string[]>();
  const databases = useDatabases(source);

  const load = async () => {
    try {
      const { dashboard, isDefault } = await loadDashboard(source);
      setDraft(dashboard);
      // A default is not saved yet, so there is something to save from the start.
      setSaved(isDefault ? "" : toText(dashboard));
    } catch (error) {
      setTrouble(error instanceof Error ? error.message : String(error));
      setDraft(defaultDashboard("", []));
    }
    setErrors(undefined);
  };
  useEffect(() => void load(), [source]);

  const text = useMemo(() => (draft === undefined ? "" : toText(tidy(draft))), [draft]);
  const isDirty = draft !== undefined && text !== saved;
  useEffect(() => {
    if (!isDirty || saved === "") return;
    const question = "Leave without saving the changes?";
    guardLeaving(() => confirm(question));
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => {
      guardLeaving(undefined);
      removeEventListener("beforeunload", warn);
    };
  }, [isDirty, saved]);

  const edit: Edit = (change) => {
    if (draft === undefined) return;
    const next = structuredClone(draft);
    change(next);
    setDraft(next);
  };

  const check = (): readonly string[] => {
    const found = checkDashboard(JSON.parse(text)).errors;
    setErrors(found);
    return found;
  };
  const save = async () => {
    if (draft === undefined || check().length > 0) return;
    try {
      const backup = await saveDashboard(source, tidy(draft));
      setSaved(text);
      setTrouble(undefined);
      notify("Saved", backup === undefined ? FILE : `The version before is in ${backup}`);
    } catch (error) {
      report(error);
    }
  };
  const importFile = () => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ".json,application/json";
    input.addEventListener("change", () => {
      const read = async () => {
        const content: unknown = JSON.parse((await input.files?.[0]?.text()) ?? "");
        const found = checkDashboard(content);
        setErrors(found.errors);
        if (found.dashboard === undefined) return;
        setDraft(found.dashboard);
        setSelection({ kind: "dashboard" });
        notify("Imported", "Nothing is saved yet.");
      };
      read().catch(report);
    });
    input.click();
  };

  if (draft === undefined) {
    return (
      <div class="page" aria-busy="true">
        <Skeleton lines={8} />
      </div>
    );
  }
  const all = databases.value ?? [];
  const shared = { draft, edit, databases: all };
  return (
    <div class="page editor">
      <div class="page-head">
        <div class="row">
          <h1>Edit dashboard</h1>
          {isDirty ? (
            <span class="badge warning">Not saved</span>
          ) : (
            <span class="badge">Saved</span>
          )}
        </div>
        <div class="row">
          <Menu
            label="File"
            icon="file"
            items={[
              { label: "Import JSON", icon: "upload", run: importFile },
              {
                label: "Export JSON",
                icon: "download",
                run: () => download(FILE, new Blob([text], { type: "application/json" })),
              },
            ]}
          />
          <Button
            label="Validate"
            icon="check"
            onClick={() => {
              if (check().length === 0) notify("The dashboard is valid");
            }}
          />
          <Button
            label="Revert"
            icon="back"
            disabled={!isDirty || saved === ""}
            onClick={() => void load()}
          />
          <Button kind="primary" label="Save" disabled={!isDirty} onClick={() => void save()} />
          <a class="button plain" href={paths.dashboard}>
            <span>View</span>
          </a>
        </div>
      </div>
      {trouble === undefined ? null : (
        <Note kind="warning" title="The file could not be read">
          {trouble} Saving keeps it as a backup.
        </Note>
      )}
      {errors === undefined || errors.length === 0 ? null : (
        <Note kind="error" title="Not valid yet, so nothing was saved">
          <ul>
            {errors.slice(0, 8).map((error) => (
              <li key={error}>{error}</li>
            ))}
          </ul>
        </Note>
      )}
      <div class="editor-columns">
        <Outline {...shared} source={source} selection={selection} onSelect={setSelection} />
        <div class="editor-form panel">
          <SelectedForm {...shared} source={source} selection={selection} onSelect={setSelection} />
        </div>
        <Preview source={source} draft={draft} selection={selection} />
      </div>
    </div>
  );
}

/** What forms get. */
export interface FormProps {
  readonly draft: Dashboard;
  readonly edit: Edit;
  readonly databases: readonly string[];
  readonly source: PageProps["source"];
  onSelect(selection: Selection): void;
}

function SelectedForm(props: FormProps & { readonly selection: Selection }) {
  const { draft, selection, databases, source } = props;
  const metrics = useMetrics(source, draft.default_db ?? databases[0] ?? "");
  const names = (metrics.value ?? []).map(({ name }) => name);
  if (selection.kind === "group" && draft.groups[selection.index] !== undefined) {
    return <GroupForm {...props} index={selection.index} />;
  }
  if (selection.kind === "widget" && draft.widgets[selection.id] !== undefined) {
    return <WidgetForm {...props} key={selection.id} id={selection.id} metrics={names} />;
  }
  return <DashboardForm {...props} />;
}
