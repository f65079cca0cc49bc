import { signal } from "@preact/signals";

/** A file that was dropped or chosen. `path` has the folders it was in. */
export interface Entry {
  readonly path: string;
  readonly file: File;
}

/** What is to be imported; without entries the dialog asks for them. */
export const importRequest = signal<readonly Entry[] | undefined>(undefined);

/** Opens the import, by button or with what was dropped. */
export function openImport(entries: readonly Entry[] = []): void {
  importRequest.value = entries;
}

/** Lets the person choose files, or a folder with everything in it. */
export function choose(what: "files" | "folder"): void {
  const input = document.createElement("input");
  input.type = "file";
  if (what === "folder") input.webkitdirectory = true;
  else input.multiple = true;
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    if (files.length === 0) return;
    openImport(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })));
  });
  input.click();
}
