import type { ComponentChildren } from "preact";
import { explain } from "../shell/explain.ts";
import { Icon } from "./icon.tsx";

interface NoteProps {
  readonly kind?: "info" | "warning" | "error";
  readonly title?: string;
  readonly children?: ComponentChildren;
}

/** A calm message in the place it is about. */
export function Note({ kind = "info", title, children }: NoteProps) {
  return (
    <div class={`note ${kind}`} role={kind === "error" ? "alert" : "note"}>
      <Icon name={kind === "info" ? "info" : "warning"} />
      <div>
        {title === undefined ? null : <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

interface FailureNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

/** A failed call, in words. */
export function FailureNote({ error, onRetry }: FailureNoteProps) {
  const { title, text, code } = explain(error);
  return (
    <Note kind="error" title={title}>
      <p>
        {text} <span class="faint">({code})</span>
      </p>
      {onRetry === undefined ? null : (
        <button type="button" class="button plain" onClick={onRetry}>
          <span>Try again</span>
        </button>
      )}
    </Note>
  );
}
