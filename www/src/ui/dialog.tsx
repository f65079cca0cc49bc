import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly footer?: ComponentChildren;
  readonly size?: "small" | "large";
  /** Comes in from the edge of a phone, for lists. */
  readonly isSheet?: boolean;
  /** Has to be answered: there is no way to close it. */
  readonly isFirm?: boolean;
  onClose(): void;
}

/** A modal: the browser's own `<dialog>` keeps the focus in and gives it back. */
export function Dialog(props: DialogProps) {
  const { title, children, footer, size = "small", isSheet, isFirm, onClose } = props;
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    // The dialog itself, not its close button, which comes first.
    dialog?.querySelector<HTMLElement>(".dialog-box")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog ${size} ${isSheet === true ? "sheet" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        // The backdrop belongs to the dialog; its content is inside of the inner box.
        if (event.target === element.current) onClose();
      }}
    >
      <div class="dialog-box" tabIndex={-1}>
        <header>
          <h2 id={id}>{title}</h2>
          {isFirm === true ? null : (
            <button
              type="button"
              class="button quiet icon-only"
              aria-label="Close"
              onClick={onClose}
            >
              <Icon name="close" />
            </button>
          )}
        </header>
        <div class="dialog-body">{children}</div>
        {footer === undefined ? null : <footer>{footer}</footer>}
      </div>
    </dialog>
  );
}
