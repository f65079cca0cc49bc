import type { Entry } from "./request.ts";

/** Reads what was dropped, folders with all that is in them. */
export async function readDropped(transfer: DataTransfer): Promise<readonly Entry[]> {
  // All handles first: the transfer is emptied as soon as this task ends.
  const roots = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (roots.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  const found: Entry[] = [];
  for (const root of roots) await walk(root, "", found);
  return found;
}

async function walk(entry: FileSystemEntry, folder: string, found: Entry[]): Promise<void> {
  const path = `${folder}${entry.name}`;
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    found.push({ path, file });
  } else if (isDirectory(entry)) {
    const reader = entry.createReader();
    for (;;) {
      // A directory comes in portions; an empty one is the end.
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      );
      if (some.length === 0) break;
      for (const child of some) await walk(child, `${path}/`, found);
    }
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
