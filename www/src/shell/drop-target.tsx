import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { readDropped } from "../import/dropped.ts";
import { importRequest, openImport, type Entry } from "../import/request.ts";
import type { Source } from "../source.ts";
import { Icon } from "../ui/icon.tsx";
import { session } from "./session.ts";
import { report } from "./toasts.tsx";

type ImportDialog = ComponentType<{ source: Source; entries: readonly Entry[] }>;

/** Takes files that are dropped anywhere, and opens the import for them. */
export function DropTarget() {
  const [isOver, setOver] = useState(false);
  const [Dialog, setDialog] = useState<ImportDialog>();

  useEffect(() => {
    // Enter and leave come for every element on the way; only their balance says anything.
    let depth = 0;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth++;
      setOver(true);
    };
    const over = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    };
    const leave = () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event) || event.dataTransfer === null) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      readDropped(event.dataTransfer).then(openImport, report);
    };
    addEventListener("dragenter", enter);
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);

  const entries = importRequest.value;
  useEffect(() => {
    if (entries === undefined || Dialog !== undefined) return;
    import("../import/dialog.tsx").then((module) => setDialog(() => module.ImportDialog), report);
  }, [entries]);

  const state = session.value;
  return (
    <>
      {isOver ? (
        <div class="drop-veil">
          <div>
            <Icon name="upload" />
            Drop to import
            <p>Line protocol, CSV, or a NanoTDB data directory</p>
          </div>
        </div>
      ) : null}
      {entries !== undefined && Dialog !== undefined && state.kind === "ready" ? (
        <Dialog source={state.source} entries={entries} />
      ) : null}
    </>
  );
}
