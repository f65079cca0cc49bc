import { signal } from "@preact/signals";
import { explain } from "./explain.ts";
import { isAborted } from "../source.ts";
import { Icon } from "../ui/icon.tsx";

interface Toast {
  readonly id: number;
  readonly kind: "info" | "error";
  readonly title: string;
  readonly text?: string;
}

const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

function show(toast: Omit<Toast, "id">): void {
  const id = nextId++;
  // The same words once: a failing refresh must not fill the screen.
  const others = toasts.value.filter((old) => old.title !== toast.title || old.text !== toast.text);
  toasts.value = [...others.slice(-2), { ...toast, id }];
  if (toast.kind === "info") setTimeout(() => dismiss(id), 5000);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says briefly that something was done. */
export function notify(title: string, text?: string): void {
  show(text === undefined ? { kind: "info", title } : { kind: "info", title, text });
}

/** Says what nobody asked for and somebody should know, until it is dismissed. */
export function warn(title: string, text: string): void {
  show({ kind: "error", title, text });
}

/** Says what went wrong, until it is dismissed. Aborted calls are not worth a word. */
export function report(error: unknown): void {
  if (isAborted(error)) return;
  const { title, text } = explain(error);
  show({ kind: "error", title, text });
}

/** The corner where short messages appear. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <div class="toast-body">
            <strong>{toast.title}</strong>
            {toast.text === undefined ? null : <p>{toast.text}</p>}
          </div>
          <button
            type="button"
            class="icon-button"
            aria-label="Dismiss"
            onClick={() => dismiss(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
