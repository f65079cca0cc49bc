import { Button } from "../ui/controls.tsx";
import { Icon } from "../ui/icon.tsx";
import { edition } from "./edition.ts";
import { explain } from "./explain.ts";
import { start } from "./session.ts";

/** Failures of files that memory does not have. */
const OTHERWISE = new Set(["unavailable", "locked", "unresponsive"]);

/** The store could not be opened: why, and what can be done about it. */
export function OpenFailed({ error }: { readonly error: unknown }) {
  const { code, title, text } = explain(error);
  return (
    <div class="empty" role="alert">
      <Icon name="warning" />
      <h2>{title}</h2>
      <p>{text}</p>
      <div class="row">
        <Button kind="primary" icon="refresh" label="Try again" onClick={() => void start()} />
        {edition().hasMemory && OTHERWISE.has(code) ? (
          <Button label="Go on in memory only" onClick={() => void start("memory")} />
        ) : null}
      </div>
      <p class="faint">({code})</p>
    </div>
  );
}
