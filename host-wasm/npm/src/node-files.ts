/** A directory on `node:fs`, as the engine wants it. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { NodeFiles } from "./engine.js";

/** The files of the directory `root`, which exists. */
export function nodeFiles(root: string): NodeFiles {
  const absolute = path.resolve(root);
  const at = (relative: string): string => path.join(absolute, ...relative.split("/"));
  const entries = (directory: string): fs.Dirent[] =>
    fs.readdirSync(at(directory), { withFileTypes: true });
  return {
    list: (directory) =>
      entries(directory)
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name),
    directories: () =>
      entries("")
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name),
    makeDirectory: (directory) => {
      fs.mkdirSync(at(directory), { recursive: true });
    },
    open: (file, create) => fs.openSync(at(file), create ? "wx+" : "r+"),
    close: (fd) => fs.closeSync(fd),
    read: (fd, offset, into) => fs.readSync(fd, into, 0, into.length, offset),
    write: (fd, offset, bytes) => fs.writeSync(fd, bytes, 0, bytes.length, offset),
    size: (fd) => fs.fstatSync(fd).size,
    truncate: (fd, length) => fs.ftruncateSync(fd, length),
    sync: (fd) => fs.fdatasyncSync(fd),
    rename: (from, to) => fs.renameSync(at(from), at(to)),
    remove: (file) => fs.unlinkSync(at(file)),
    syncDirectory: (directory) => syncDirectory(at(directory)),
  };
}

function syncDirectory(directory: string): void {
  // Windows has no such thing: there a rename is durable by itself.
  if (process.platform === "win32") {
    return;
  }
  const fd = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
