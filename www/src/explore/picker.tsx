import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { colorVariable } from "../chart/palette.ts";
import type { Metric } from "../source.ts";
import { Icon } from "../ui/icon.tsx";
import { useMedia } from "../util/use-size.ts";
import { buildRows, groupOf, type PickerRow } from "./picker-rows.ts";
import "./picker.css";

interface PickerProps {
  readonly metrics: readonly Metric[];
  readonly selected: readonly string[];
  readonly isLoading: boolean;
  readonly most: number;
  onToggle(metric: string): void;
}

/** Rows beyond the visible ones that are drawn, so that quick scrolling shows no holes. */
const SPARE = 6;

/**
 * All metrics, searchable and grouped by the first part of their names. Draws only the rows in
 * sight: a database may have tens of thousands.
 */
export function Picker({ metrics, selected, isLoading, most, onToggle }: PickerProps) {
  const [filter, setFilter] = useState("");
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState(0);
  const [scroll, setScroll] = useState(0);
  const [height, setHeight] = useState(400);
  const list = useRef<HTMLDivElement>(null);
  const rowHeight = useMedia("(pointer: coarse)") ? 40 : 28;

  const rows = useMemo(
    () => buildRows(metrics, filter, toggled, selected),
    [metrics, filter, toggled, selected],
  );
  const at = Math.min(active, rows.length - 1);

  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const moveTo = (index: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setActive(next);
    const element = list.current;
    if (element === null) return;
    const top = next * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight - element.clientHeight;
    }
  };
  const flip = (group: string) => {
    const next = new Set(toggled);
    if (!next.delete(group)) next.add(group);
    setToggled(next);
  };
  const act = (row: PickerRow) => {
    if (row.kind === "group") flip(row.name);
    else if (selected.includes(row.name) || selected.length < most) onToggle(row.name);
  };
  const onKey = (event: KeyboardEvent) => {
    const row = rows[at];
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const keys: Readonly<Record<string, () => void>> = {
      ArrowDown: () => moveTo(at + 1),
      ArrowUp: () => moveTo(at - 1),
      PageDown: () => moveTo(at + page),
      PageUp: () => moveTo(at - page),
      Home: () => moveTo(0),
      End: () => moveTo(rows.length - 1),
      Enter: () => row !== undefined && act(row),
      " ": () => row !== undefined && act(row),
      ArrowRight: () => row?.kind === "group" && !row.isOpen && flip(row.name),
      ArrowLeft: () => row?.kind === "group" && row.isOpen && flip(row.name),
    };
    const run = keys[event.key];
    if (run === undefined) return;
    event.preventDefault();
    run();
  };

  const first = Math.max(0, Math.floor(scroll / rowHeight) - SPARE);
  const shown = rows.slice(first, first + Math.ceil(height / rowHeight) + 2 * SPARE);
  return (
    <div class="picker">
      <div class="search">
        <Icon name="search" />
        <input
          type="search"
          placeholder={`Search ${metrics.length} metrics`}
          aria-label="Search metrics"
          value={filter}
          spellcheck={false}
          onInput={(event) => {
            setFilter(event.currentTarget.value);
            setActive(0);
            if (list.current !== null) list.current.scrollTop = 0;
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") {
              event.preventDefault();
              list.current?.focus();
            }
          }}
        />
      </div>
      <div
        class="picker-list"
        ref={list}
        role="tree"
        aria-label="Metrics"
        aria-multiselectable="true"
        aria-activedescendant={rows.length === 0 ? undefined : `metric-row-${at}`}
        tabIndex={0}
        onKeyDown={onKey}
        onScroll={(event) => setScroll(event.currentTarget.scrollTop)}
      >
        <div class="picker-space" style={{ height: `${rows.length * rowHeight}px` }}>
          {shown.map((row, index) => (
            <Row
              key={`${row.kind}:${row.name}`}
              row={row}
              index={first + index}
              top={(first + index) * rowHeight}
              height={rowHeight}
              isActive={first + index === at}
              color={row.kind === "metric" ? selected.indexOf(row.name) : -1}
              onAct={() => {
                setActive(first + index);
                act(row);
              }}
            />
          ))}
        </div>
        {rows.length === 0 && !isLoading ? (
          <p class="picker-none">
            {metrics.length === 0 ? "No metrics yet." : "No metric has this in its name."}
          </p>
        ) : null}
      </div>
      {selected.length >= most ? (
        <p class="hint picker-hint">
          {most} metrics are shown, which is as many as can be told apart.
        </p>
      ) : null}
    </div>
  );
}

interface RowProps {
  readonly row: PickerRow;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly isActive: boolean;
  readonly color: number;
  onAct(): void;
}

function Row({ row, index, top, height, isActive, color, onAct }: RowProps) {
  const place = { transform: `translateY(${top}px)`, height: `${height}px` };
  if (row.kind === "group") {
    return (
      <div
        id={`metric-row-${index}`}
        class={`picker-row group ${isActive ? "active" : ""} ${row.isOpen ? "open" : ""}`}
        style={place}
        role="treeitem"
        aria-level={1}
        aria-expanded={row.isOpen}
        onClick={onAct}
      >
        <Icon name="chevron" />
        <span class="picker-name">{row.name}</span>
        <span class="faint num">{row.count}</span>
      </div>
    );
  }
  return (
    <div
      id={`metric-row-${index}`}
      class={`picker-row ${isActive ? "active" : ""} ${row.isNested ? "nested" : ""}`}
      style={place}
      role="treeitem"
      aria-level={row.isNested ? 2 : 1}
      aria-selected={color >= 0}
      title={row.name}
      onClick={onAct}
    >
      <i
        class="swatch"
        style={
          color < 0
            ? {}
            : { background: `var(${colorVariable(color)})`, borderColor: "transparent" }
        }
      />
      <span class="picker-name">
        {row.isNested ? row.name.slice(groupOf(row.name).length + 1) : row.name}
      </span>
      {row.type === "i32" ? <span class="faint">int</span> : null}
    </div>
  );
}
