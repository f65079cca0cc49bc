import { Icon, Mark, type IconName } from "../ui/icon.tsx";
import { Button } from "../ui/controls.tsx";
import { openImport } from "../import/request.ts";
import { live, stopLive } from "../demo/live-state.ts";
import { paths } from "./config.ts";
import { session } from "./session.ts";
import { theme, type Theme } from "./theme.ts";

const LINKS: readonly (readonly [path: string, text: string, icon: IconName])[] = [
  [paths.dashboard, "Dashboard", "grid"],
  [paths.explore, "Explore", "chart"],
  [paths.engine, "Engine", "disk"],
];

const NEXT_THEME: Readonly<Record<Theme, readonly [next: Theme, icon: IconName, text: string]>> = {
  system: ["light", "auto", "Theme: as the system. Switch to light"],
  light: ["dark", "sun", "Theme: light. Switch to dark"],
  dark: ["system", "moon", "Theme: dark. Switch to the system’s"],
};

/** Whether a page is this one or below it. */
function isAt(path: string, page: string): boolean {
  return path === page || path.startsWith(`${page === "/" ? "" : page}/edit`);
}

/** The bar on top: where one is, where one can go, and what always works. */
export function Header({ path }: { readonly path: string }) {
  const state = session.value;
  const source = state.kind === "ready" ? state.source : undefined;
  const [next, icon, text] = NEXT_THEME[theme.value];
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="NanoTDB, start page">
        <Mark />
        <span>NanoTDB</span>
      </a>
      <nav class="nav" aria-label="Pages">
        {LINKS.map(([to, label, picture]) => (
          <a key={to} href={to} aria-current={isAt(path, to) ? "page" : undefined}>
            <Icon name={picture} />
            {label}
          </a>
        ))}
      </nav>
      <div class="top-actions">
        {source?.capabilities.storageKind === "memory" ? (
          <span class="badge warning" title="Data is gone when this tab closes">
            <Icon name="warning" />
            In memory
          </span>
        ) : null}
        {live.value ? (
          <Button icon="live" label="Stop live demo" pressed onClick={stopLive} />
        ) : null}
        {source?.capabilities.canWrite === true ? (
          <Button icon="upload" label="Import" onClick={() => openImport()} />
        ) : null}
        <Button
          kind="quiet"
          icon={icon}
          iconOnly
          label={text}
          onClick={() => {
            theme.value = next;
          }}
        />
      </div>
    </header>
  );
}
