import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

interface ButtonProps {
  readonly icon?: IconName;
  readonly label: string;
  readonly kind?: "primary" | "plain" | "quiet" | "danger";
  /** Shows only the icon; the label stays for screen readers and as a hint. */
  readonly iconOnly?: boolean;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly title?: string;
  readonly class?: string;
  onClick(event: MouseEvent): void;
}

export function Button(props: ButtonProps) {
  const { icon, label, kind = "plain", iconOnly = false } = props;
  return (
    <button
      type="button"
      class={`button ${kind} ${iconOnly ? "icon-only" : ""} ${props.class ?? ""}`}
      disabled={props.disabled ?? false}
      aria-label={iconOnly ? label : undefined}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      title={props.title ?? (iconOnly ? label : undefined)}
      onClick={props.onClick}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {iconOnly ? null : <span>{label}</span>}
    </button>
  );
}

interface SelectProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, text: string])[];
  /** Keeps the label for screen readers only. */
  readonly hideLabel?: boolean;
  readonly disabled?: boolean;
  onChange(value: T): void;
}

export function Select<T extends string>(props: SelectProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={props.hideLabel === true ? "visually-hidden" : ""}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        disabled={props.disabled ?? false}
        onChange={(event) => props.onChange(event.currentTarget.value as T)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value} selected={value === props.value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface InputProps {
  readonly label: string;
  readonly value: string;
  readonly type?: "text" | "number" | "search" | "datetime-local";
  readonly placeholder?: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly list?: readonly string[];
  readonly step?: string;
  readonly hideLabel?: boolean;
  readonly disabled?: boolean;
  onInput(value: string): void;
}

export function Input(props: InputProps) {
  const id = useId();
  const note = props.error ?? props.hint;
  return (
    <div class="field">
      <label for={id} class={props.hideLabel === true ? "visually-hidden" : ""}>
        {props.label}
      </label>
      <input
        id={id}
        type={props.type ?? "text"}
        value={props.value}
        placeholder={props.placeholder}
        step={props.step}
        disabled={props.disabled ?? false}
        spellcheck={false}
        autocomplete="off"
        list={props.list === undefined ? undefined : `${id}-list`}
        aria-invalid={props.error !== undefined}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {props.list === undefined ? null : (
        <datalist id={`${id}-list`}>
          {props.list.map((value) => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
      {note === undefined ? null : (
        <p id={`${id}-note`} class={props.error === undefined ? "hint" : "hint bad"}>
          {note}
        </p>
      )}
    </div>
  );
}

interface CheckboxProps {
  readonly label: string;
  readonly checked: boolean;
  onChange(checked: boolean): void;
}

export function Checkbox(props: CheckboxProps) {
  return (
    <label class="checkbox">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

interface TabsProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly tabs: readonly (readonly [value: T, text: string])[];
  onChange(value: T): void;
}

/** Tabs with the arrow keys of the ARIA pattern: one stop for the tab key. */
export function Tabs<T extends string>({ label, value, tabs, onChange }: TabsProps<T>) {
  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex(([key]) => key === value);
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: tabs.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChange(next[0]);
    const list = event.currentTarget;
    if (list instanceof HTMLElement) {
      list.querySelectorAll("button")[(to + tabs.length) % tabs.length]?.focus();
    }
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {tabs.map(([key, text]) => (
        <button
          key={key}
          type="button"
          role="tab"
          aria-selected={key === value}
          tabIndex={key === value ? 0 : -1}
          onClick={() => onChange(key)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

interface EmptyProps {
  readonly icon?: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** What is shown where there is nothing yet: why, and what to do next. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="empty">
      {icon === undefined ? null : <Icon name={icon} />}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A box that holds the room of what is still loading. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}
