import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./controls.tsx";
import { Icon, type IconName } from "./icon.tsx";

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly disabled?: boolean;
  run(): void;
}

interface MenuProps {
  readonly label: string;
  readonly icon: IconName;
  readonly iconOnly?: boolean;
  readonly items: readonly MenuItem[];
}

/** A button that opens a list of actions; arrow keys move, Escape closes. */
export function Menu({ label, icon, iconOnly = false, items }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    root.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const closeOutside = (event: Event) => {
      if (event.target instanceof Node && root.current?.contains(event.target)) return;
      setOpen(false);
    };
    document.addEventListener("pointerdown", closeOutside);
    return () => document.removeEventListener("pointerdown", closeOutside);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (!isOpen) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const all = [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
      const at = all.findIndex((item) => item === document.activeElement);
      all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]?.focus();
    } else if (event.key === "Tab") {
      setOpen(false);
    }
  };
  return (
    <div class="menu" ref={root} onKeyDown={onKey}>
      <Button
        icon={icon}
        label={label}
        iconOnly={iconOnly}
        expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      />
      {isOpen ? (
        <div class="menu-list" role="menu" aria-label={label}>
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              disabled={item.disabled ?? false}
              onClick={() => {
                close();
                item.run();
              }}
            >
              {item.icon === undefined ? null : <Icon name={item.icon} />}
              {item.label}
            </button>
          ))}
        </div>
      ) : null}
    </div>
  );
}
