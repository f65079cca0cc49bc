import { isChart, WIDGET_TYPES, type WidgetType } from "../dashboard/model.ts";
import { useMetrics } from "../shell/databases.ts";
import type { Dashboard } from "../dashboard/model.ts";
import type { Source } from "../source.ts";
import { Button } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { Menu } from "../ui/menu.tsx";
import { addGroup, addWidget, move, newWidget, setShown, usage } from "./edits.ts";
import type { Edit } from "./page.tsx";

/** What is being edited. */
export type Selection =
  | { readonly kind: "dashboard" }
  | { readonly kind: "group"; readonly index: number }
  | { readonly kind: "widget"; readonly id: string; readonly group?: number };

export const TYPE_TEXT: Readonly<Record<WidgetType, string>> = {
  number: "Number",
  numbers: "Numbers",
  line_chart: "Line chart",
  aggregate_band: "Band of min, avg, max",
};

interface OutlineProps {
  readonly draft: Dashboard;
  readonly edit: Edit;
  readonly source: Source;
  readonly databases: readonly string[];
  readonly selection: Selection;
  onSelect(selection: Selection): void;
}

/** The dashboard as a list: groups, their widgets, and widgets that no group shows. */
export function Outline(props: OutlineProps) {
  const { draft, edit, selection, onSelect } = props;
  const metrics = useMetrics(props.source, draft.default_db ?? props.databases[0] ?? "");
  const first = metrics.value?.[0]?.name ?? "";
  const unused = Object.keys(draft.widgets).filter((id) => usage(draft, id) === 0);
  const add = (group: number, type: WidgetType) => {
    let id = "";
    edit((own) => {
      id = addWidget(own, group, newWidget(type, first));
      onSelect({ kind: "widget", id, group });
    });
  };
  return (
    <nav class="outline panel" aria-label="Parts of the dashboard">
      <button
        type="button"
        class="outline-row"
        aria-current={selection.kind === "dashboard"}
        onClick={() => onSelect({ kind: "dashboard" })}
      >
        <Icon name="grid" />
        <span>{draft.title === "" ? "Untitled" : draft.title}</span>
      </button>
      {draft.groups.map((group, index) => (
        <section key={group.id}>
          <div class="outline-group">
            <button
              type="button"
              class="outline-row"
              aria-current={selection.kind === "group" && selection.index === index}
              onClick={() => onSelect({ kind: "group", index })}
            >
              <Icon name="folder" />
              <span>{group.label ?? group.id}</span>
            </button>
            <Menu
              label={`Add to ${group.label ?? group.id}`}
              icon="plus"
              iconOnly
              items={[
                ...WIDGET_TYPES.map((type) => ({
                  label: `New ${TYPE_TEXT[type].toLowerCase()}`,
                  icon: isChart({ type, series: [] }) ? ("chart" as const) : ("list" as const),
                  run: () => add(index, type),
                })),
                ...Object.entries(draft.widgets)
                  .filter(([id]) => !group.widgets.includes(id))
                  .slice(0, 12)
                  .map(([id, widget]) => ({
                    label: `Show “${widget.title ?? id}” here, too`,
                    icon: "copy" as const,
                    run: () => edit((own) => setShown(own, index, id, true)),
                  })),
              ]}
            />
          </div>
          <ul>
            {group.widgets.map((id, at) => (
              <WidgetRow
                key={id}
                {...props}
                id={id}
                group={index}
                onMove={(by) => edit((own) => void move(own.groups[index]!.widgets, at, by))}
              />
            ))}
          </ul>
        </section>
      ))}
      {unused.length === 0 ? null : (
        <section>
          <p class="outline-title">In no group</p>
          <ul>
            {unused.map((id) => (
              <WidgetRow key={id} {...props} id={id} />
            ))}
          </ul>
        </section>
      )}
      <Button
        kind="quiet"
        icon="plus"
        label="Add a group"
        onClick={() =>
          edit((own) => {
            onSelect({ kind: "group", index: addGroup(own, "New group") });
          })
        }
      />
    </nav>
  );
}

interface WidgetRowProps extends OutlineProps {
  readonly id: string;
  readonly group?: number;
  readonly onMove?: (by: number) => void;
}

function WidgetRow({ draft, selection, onSelect, id, group, onMove }: WidgetRowProps) {
  const widget = draft.widgets[id];
  const count = usage(draft, id);
  const name = widget?.title ?? id;
  return (
    <li class="outline-widget">
      <button
        type="button"
        class="outline-row"
        aria-current={
          selection.kind === "widget" && selection.id === id && selection.group === group
        }
        onClick={() => onSelect({ kind: "widget", id, ...(group === undefined ? {} : { group }) })}
      >
        <Icon name={widget !== undefined && isChart(widget) ? "chart" : "list"} />
        <span>{name}</span>
        {count > 1 ? (
          <span class="badge" title={`${count} groups show it`}>
            {count}×
          </span>
        ) : null}
      </button>
      {onMove === undefined ? null : (
        <span class="outline-moves">
          <button
            type="button"
            class="icon-button"
            aria-label={`Move ${name} up`}
            onClick={() => onMove(-1)}
          >
            <Icon name="up" />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label={`Move ${name} down`}
            onClick={() => onMove(1)}
          >
            <Icon name="down" />
          </button>
        </span>
      )}
    </li>
  );
}
