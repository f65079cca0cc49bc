import { useEffect, useState } from "preact/hooks";
import type { Dashboard, Widget } from "../dashboard/model.ts";
import { checkWidget } from "../dashboard/validate.ts";
import { WidgetView } from "../dashboard/widget.tsx";
import type { Source } from "../source.ts";
import { Empty } from "../ui/controls.tsx";
import type { Selection } from "./outline.tsx";
import "../dashboard/dashboard.css";

/** After this long without a key, what is being typed is probably meant. */
const REST_MS = 350;

interface PreviewProps {
  readonly source: Source;
  readonly draft: Dashboard;
  readonly selection: Selection;
}

/** The chosen widgets as they will look, with real data. */
export function Preview({ source, draft, selection }: PreviewProps) {
  const [settled, setSettled] = useState(draft);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(draft), REST_MS);
    return () => clearTimeout(timer);
  }, [draft]);
  const ids =
    selection.kind === "widget"
      ? [selection.id]
      : (settled.groups[selection.kind === "group" ? selection.index : 0]?.widgets ?? []);
  return (
    <section class="preview" aria-label="Preview">
      {ids.length === 0 ? (
        <Empty title="Nothing to preview">Add a widget with the plus.</Empty>
      ) : null}
      {ids.map((id) => {
        const widget = settled.widgets[id];
        return widget === undefined ? null : (
          <OnePreview key={id} source={source} dashboard={settled} id={id} widget={widget} />
        );
      })}
    </section>
  );
}

function OnePreview(props: {
  readonly source: Source;
  readonly dashboard: Dashboard;
  readonly id: string;
  readonly widget: Widget;
}) {
  const { source, dashboard, id, widget } = props;
  if (checkWidget(id, widget).length > 0) {
    return (
      <section class="panel widget">
        <h3>{widget.title ?? id}</h3>
        <p class="muted">Not complete yet.</p>
      </section>
    );
  }
  return (
    <WidgetView
      source={source}
      dashboard={dashboard}
      widget={widget}
      lookback=""
      round={0}
      isPaused={false}
    />
  );
}
