import { Button, Select } from "../ui/controls.tsx";
import { Menu, type MenuItem } from "../ui/menu.tsx";
import { formatDuration, MINUTE, SECOND } from "../util/time.ts";
import { resolve } from "./range.ts";
import { RangePicker } from "./range-picker.tsx";
import { AGGREGATES, type ExploreState } from "./state.ts";
import { offeredWindows } from "./windows.ts";

const REFRESHES: readonly (readonly [ms: number, text: string])[] = [
  [0, "No refresh"],
  [SECOND, "Every second"],
  [5 * SECOND, "Every 5 s"],
  [15 * SECOND, "Every 15 s"],
  [MINUTE, "Every minute"],
];

interface ToolbarProps {
  readonly state: ExploreState;
  readonly canGoBack: boolean;
  readonly isLoading: boolean;
  readonly items: readonly MenuItem[];
  onChange(part: Partial<ExploreState>): void;
  onRange(range: ExploreState["range"]): void;
  onBack(): void;
  onRefresh(): void;
}

/** What is computed and over which time. */
export function Toolbar(props: ToolbarProps) {
  const { state, onChange } = props;
  const ends = resolve(state.range, 0);
  const windows = offeredWindows(ends.to - ends.from);
  const chosen = state.window === "auto" || windows.includes(state.window) ? [] : [state.window];
  return (
    <div class="toolbar">
      <RangePicker range={state.range} onChange={props.onRange} />
      <Button
        icon="back"
        iconOnly
        label="Back to the range before"
        disabled={!props.canGoBack}
        onClick={props.onBack}
      />
      <div class="toolbar-choices">
        <Select
          label="Aggregate"
          hideLabel
          value={state.aggregate}
          options={AGGREGATES}
          onChange={(aggregate) => onChange({ aggregate })}
        />
        <Select
          label="Window"
          hideLabel
          value={String(state.window)}
          options={[
            ["auto", "Window by width"],
            ...[...windows, ...chosen].map(
              (ms) => [String(ms), `Windows of ${formatDuration(ms)}`] as const,
            ),
          ]}
          onChange={(value) => onChange({ window: value === "auto" ? "auto" : Number(value) })}
        />
        <Select
          label="Refresh"
          hideLabel
          value={String(state.refresh)}
          options={REFRESHES.map(([ms, text]) => [String(ms), text] as const)}
          onChange={(value) => onChange({ refresh: Number(value) })}
        />
      </div>
      <div class="toolbar-end">
        <Button icon="refresh" iconOnly label="Refresh now" onClick={props.onRefresh} />
        <Menu icon="download" iconOnly label="Download" items={props.items} />
      </div>
    </div>
  );
}
