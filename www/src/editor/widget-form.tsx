import {
  isChart,
  labelOf,
  WIDGET_TYPES,
  type Widget,
  type WidgetType,
} from "../dashboard/model.ts";
import { checkWidget } from "../dashboard/validate.ts";
import { Button, Checkbox, Input, Select } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { copySeries, copyWidget, deleteWidget, move, setField, setShown, usage } from "./edits.ts";
import { TYPE_TEXT } from "./outline.tsx";
import type { FormProps } from "./page.tsx";
import { SeriesForm } from "./series-form.tsx";

interface WidgetFormProps extends FormProps {
  readonly id: string;
  readonly metrics: readonly string[];
}

/** A widget: what it is, how often it asks, where it is shown, and its series. */
export function WidgetForm({ draft, edit, id, metrics, databases, onSelect }: WidgetFormProps) {
  const widget = draft.widgets[id]!;
  const change = (part: (own: Widget) => void) => edit((own) => part(own.widgets[id]!));
  const errors = checkWidget(id, widget).map((error) => error.replace(`Widget "${id}": `, ""));
  const count = usage(draft, id);
  return (
    <div class="form">
      <header class="form-head">
        <h2>Widget</h2>
        <code class="faint">{id}</code>
        <span class="badge">{count === 1 ? "In one group" : `In ${count} groups`}</span>
      </header>
      <div class="two">
        <Input
          label="Title"
          value={widget.title ?? ""}
          onInput={(title) => change((own) => setField(own, "title", title))}
        />
        <Select<WidgetType>
          label="Type"
          value={widget.type}
          options={WIDGET_TYPES.map((type) => [type, TYPE_TEXT[type]] as const)}
          onChange={(type) => change((own) => changeType(own, type))}
        />
        {isChart(widget) ? (
          <>
            <Input
              label="Lookback"
              hint="Digits and s, m, h, d or w."
              value={widget.lookback ?? ""}
              onInput={(text) => change((own) => setField(own, "lookback", text.trim()))}
            />
            <Input
              label="Interval"
              hint="The window of each point."
              value={widget.interval ?? ""}
              onInput={(text) => change((own) => setField(own, "interval", text.trim()))}
            />
          </>
        ) : null}
        <Input
          label="Refresh every (seconds)"
          type="number"
          value={widget.refresh_sec === undefined ? "" : String(widget.refresh_sec)}
          onInput={(text) =>
            change((own) => setField(own, "refresh_sec", text === "" ? undefined : Number(text)))
          }
        />
        {widget.type === "line_chart" ? (
          <Select
            label="Presentation"
            value={widget.presentation ?? ""}
            options={[
              ["", "Lines"],
              ["aggregate_band", TYPE_TEXT.aggregate_band],
            ]}
            onChange={(presentation) =>
              change((own) => setField(own, "presentation", presentation))
            }
          />
        ) : null}
      </div>
      <Checkbox
        label="Refresh by itself"
        checked={widget.auto_refresh !== false}
        onChange={(checked) =>
          change((own) => {
            own.auto_refresh = checked;
          })
        }
      />
      <fieldset class="shown-in">
        <legend>Shown in</legend>
        {draft.groups.map((group, index) => (
          <Checkbox
            key={group.id}
            label={group.label ?? group.id}
            checked={group.widgets.includes(id)}
            onChange={(checked) => edit((own) => setShown(own, index, id, checked))}
          />
        ))}
      </fieldset>
      {errors.length === 0 ? null : (
        <ul class="form-errors" role="status">
          {errors.map((error) => (
            <li key={error}>
              <Icon name="warning" /> {error}
            </li>
          ))}
        </ul>
      )}
      <h3>Series</h3>
      {widget.series.map((series, at) => (
        <details key={at} class="series" open={widget.series.length === 1}>
          <summary>
            <Icon name="chevron" />
            <span>{labelOf(series, at)}</span>
            <span class="series-tools">
              <SeriesTool
                name="up"
                text="Move up"
                run={() => change((own) => void move(own.series, at, -1))}
              />
              <SeriesTool
                name="down"
                text="Move down"
                run={() => change((own) => void move(own.series, at, 1))}
              />
              <SeriesTool
                name="copy"
                text="Duplicate"
                run={() => change((own) => copySeries(own, at))}
              />
              <SeriesTool
                name="trash"
                text="Delete"
                run={() => change((own) => void own.series.splice(at, 1))}
              />
            </span>
          </summary>
          <SeriesForm
            series={series}
            isChart={isChart(widget)}
            metrics={metrics}
            databases={databases}
            change={(part) => change((own) => part(own.series[at]!))}
          />
        </details>
      ))}
      <div class="row">
        <Button
          icon="plus"
          label="Add a series"
          onClick={() => change((own) => void own.series.push({ metric: metrics[0] ?? "" }))}
        />
      </div>
      <div class="row form-end">
        <Button
          icon="copy"
          label="Duplicate widget"
          onClick={() =>
            edit((own) => {
              const copy = copyWidget(own, id);
              if (copy !== undefined) onSelect({ kind: "widget", id: copy });
            })
          }
        />
        <Button
          icon="trash"
          kind="danger"
          label="Delete widget"
          title={count > 1 ? `From all ${count} groups` : undefined}
          onClick={() =>
            edit((own) => {
              deleteWidget(own, id);
              onSelect({ kind: "dashboard" });
            })
          }
        />
      </div>
    </div>
  );
}

function SeriesTool(props: {
  readonly name: "up" | "down" | "copy" | "trash";
  readonly text: string;
  run(): void;
}) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={props.text}
      title={props.text}
      onClick={(event) => {
        // The button is in a summary, which would open or close.
        event.preventDefault();
        props.run();
      }}
    >
      <Icon name={props.name} />
    </button>
  );
}

/** Another type keeps what both have, and gets what it cannot be without. */
function changeType(widget: Widget, type: WidgetType): void {
  widget.type = type;
  if (type !== "line_chart") delete widget.presentation;
  if (!isChart(widget)) return;
  widget.lookback ??= "24h";
  widget.interval ??= "5m";
}
