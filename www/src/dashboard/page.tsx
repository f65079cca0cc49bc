import { useEffect, useState } from "preact/hooks";
import type { PageProps } from "../shell/app.tsx";
import { paths } from "../shell/config.ts";
import { here, replaceQuery } from "../shell/router.ts";
import { contentRound } from "../shell/session.ts";
import { Button, Empty, Select, Skeleton, Tabs } from "../ui/controls.tsx";
import { FailureNote, Note } from "../ui/note.tsx";
import { Icon } from "../ui/icon.tsx";
import { useMedia } from "../util/use-size.ts";
import { useAsync } from "../util/use-async.ts";
import { AsOfBar, useNewest } from "./as-of.tsx";
import { LOOKBACKS } from "./data.ts";
import type { Dashboard, Group } from "./model.ts";
import { loadDashboard } from "./storage.ts";
import { WidgetView } from "./widget.tsx";
import "./dashboard.css";

/** Shows the dashboard: groups as tabs, or one below the other on a narrow screen. */
export default function DashboardPage({ source }: PageProps) {
  const stored = useAsync((signal) => loadDashboard(source, signal), [source, contentRound.value]);
  const query = new URLSearchParams(here.value.query);
  const [groupId, setGroup] = useState(query.get("group") ?? "");
  const [lookback, setLookback] = useState(
    LOOKBACKS.find(([text]) => text === query.get("last"))?.[0] ?? "",
  );
  // Whether lookbacks end at the newest sample instead of now.
  const [isAsOf, setAsOf] = useState(query.get("at") === "newest");
  const [round, setRound] = useState(0);
  const [isPaused, setPaused] = useState(false);
  const isNarrow = useMedia("(max-width: 720px)");
  const dashboard = stored.value?.dashboard;
  const group = dashboard?.groups.find(({ id }) => id === groupId) ?? dashboard?.groups[0];

  useEffect(() => {
    const next = new URLSearchParams();
    if (groupId !== "") next.set("group", groupId);
    if (lookback !== "") next.set("last", lookback);
    if (isAsOf) next.set("at", "newest");
    replaceQuery(next.toString());
  }, [groupId, lookback, isAsOf, here.value]);

  if (stored.error !== undefined && dashboard === undefined) {
    return (
      <div class="page">
        <FailureNote error={stored.error} onRetry={stored.reload} />
        <p>
          <a href={paths.editor}>Open the editor</a> to make a new dashboard. The old file is kept.
        </p>
      </div>
    );
  }
  if (dashboard === undefined) {
    return (
      <div class="page" aria-busy="true">
        <Skeleton lines={8} />
      </div>
    );
  }
  const shared = {
    source,
    dashboard,
    lookback,
    round: round + contentRound.value,
    isPaused,
    isAsOf,
    onAsOf: setAsOf,
  };
  return (
    <div class="page">
      <div class="page-head">
        <h1>{dashboard.title}</h1>
        <div class="row dashboard-tools">
          <Select
            label="Lookback of all charts"
            hideLabel
            value={lookback}
            options={LOOKBACKS}
            onChange={setLookback}
          />
          <Button
            icon={isPaused ? "play" : "pause"}
            iconOnly
            label={isPaused ? "Resume refreshing" : "Pause refreshing"}
            pressed={isPaused}
            onClick={() => setPaused(!isPaused)}
          />
          <Button
            icon="refresh"
            iconOnly
            label="Refresh everything"
            onClick={() => setRound(round + 1)}
          />
          <a class="button plain" href={paths.editor}>
            <Icon name="edit" />
            <span>Edit</span>
          </a>
        </div>
      </div>
      {(stored.value?.errors.length ?? 0) > 0 ? (
        <Note kind="warning" title="The dashboard’s file has mistakes">
          <ul>
            {stored.value?.errors.slice(0, 5).map((error) => (
              <li key={error}>{error}</li>
            ))}
          </ul>
        </Note>
      ) : null}
      {stored.value?.isDefault === true ? (
        <p class="hint">
          {stored.value.isUsual === true
            ? "What a machine records of itself. "
            : "Made from the metrics that exist. "}
          <a href={paths.editor}>Edit and save it</a> to make it yours.
        </p>
      ) : null}
      {isNarrow ? (
        <Accordion dashboard={dashboard} first={group?.id ?? ""} shared={shared} />
      ) : (
        <>
          <Tabs
            label="Groups"
            value={group?.id ?? ""}
            tabs={dashboard.groups.map(({ id, label }) => [id, label ?? id] as const)}
            onChange={setGroup}
          />
          {group === undefined ? null : <GroupView key={group.id} group={group} shared={shared} />}
        </>
      )}
    </div>
  );
}

interface Shared {
  readonly source: PageProps["source"];
  readonly dashboard: Dashboard;
  readonly lookback: string;
  readonly round: number;
  readonly isPaused: boolean;
  readonly isAsOf: boolean;
  onAsOf(isAsOf: boolean): void;
}

function Accordion(props: {
  readonly dashboard: Dashboard;
  readonly first: string;
  readonly shared: Shared;
}) {
  // Only open groups are in the page: closed ones would go on asking for data.
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set([props.first]));
  return (
    <div class="accordion">
      {props.dashboard.groups.map((group) => (
        <details
          key={group.id}
          open={open.has(group.id)}
          onToggle={(event) => {
            const isOpen = event.currentTarget.open;
            if (isOpen === open.has(group.id)) return;
            const next = new Set(open);
            if (isOpen) next.add(group.id);
            else next.delete(group.id);
            setOpen(next);
          }}
        >
          <summary>
            <Icon name="chevron" />
            {group.label ?? group.id}
          </summary>
          {open.has(group.id) ? <GroupView group={group} shared={props.shared} /> : null}
        </details>
      ))}
    </div>
  );
}

function GroupView({ group, shared }: { readonly group: Group; readonly shared: Shared }) {
  const { source, dashboard, lookback, round, isPaused, isAsOf } = shared;
  const shown = group.widgets.flatMap((id) => dashboard.widgets[id] ?? []);
  const newest = useNewest(source, dashboard, shown, lookback, round, isPaused);
  const end = isAsOf ? newest.at : undefined;
  if (group.widgets.length === 0) {
    return (
      <Empty icon="grid" title="This group has no widgets">
        <p>
          <a href={paths.editor}>Add some in the editor</a>, or import data for them.
        </p>
      </Empty>
    );
  }
  const own = { source, dashboard, lookback, end, round, isPaused };
  return (
    <div class="group">
      {newest.at !== undefined && (isAsOf || newest.isOld) ? (
        <AsOfBar at={newest.at} isOn={isAsOf} onChange={shared.onAsOf} />
      ) : null}
      {isAsOf && !newest.isKnown ? (
        // Until it is known, charts up to now would only flash.
        <Skeleton lines={8} />
      ) : (
        <div class="widgets">
          {group.widgets.map((id) => {
            const widget = dashboard.widgets[id];
            return widget === undefined ? null : <WidgetView key={id} widget={widget} {...own} />;
          })}
        </div>
      )}
    </div>
  );
}
