import { useState } from "preact/hooks";
import { Button, Input } from "../ui/controls.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { toInput } from "../util/time.ts";
import { describe, fixed, PRESETS, resolve, type Range } from "./range.ts";

interface RangePickerProps {
  readonly range: Range;
  onChange(range: Range): void;
}

/** The button that says which time is shown, and the choice behind it. */
export function RangePicker({ range, onChange }: RangePickerProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        label={describe(range)}
        icon="down"
        class="range-button"
        title="Choose the time range"
        expanded={isOpen}
        onClick={() => setOpen(true)}
      />
      {isOpen ? (
        <RangeDialog
          range={range}
          onClose={() => setOpen(false)}
          onChange={(next) => {
            setOpen(false);
            onChange(next);
          }}
        />
      ) : null}
    </>
  );
}

function RangeDialog(props: RangePickerProps & { onClose(): void }) {
  const ends = resolve(props.range, Date.now());
  const [from, setFrom] = useState(toInput(ends.from));
  const [to, setTo] = useState(toInput(ends.to));
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const error = !(start < end) ? "The end must be after the start." : undefined;
  return (
    <Dialog
      title="Time range"
      onClose={props.onClose}
      footer={
        <Button
          kind="primary"
          label="Show this range"
          disabled={error !== undefined}
          onClick={() => props.onChange(fixed(start, end))}
        />
      }
    >
      <div class="presets" role="group" aria-label="The last while">
        {PRESETS.map(([span, text]) => (
          <Button
            key={span}
            label={`Last ${text}`}
            pressed={props.range.kind === "last" && props.range.span === span}
            onClick={() => props.onChange({ kind: "last", span })}
          />
        ))}
      </div>
      <div class="two">
        <Input label="From" type="datetime-local" step="1" value={from} onInput={setFrom} />
        <Input label="To" type="datetime-local" step="1" value={to} error={error} onInput={setTo} />
      </div>
      <p class="hint">
        Local time. In an address, give <code>from</code> and <code>to</code> as ISO dates.
      </p>
    </Dialog>
  );
}
