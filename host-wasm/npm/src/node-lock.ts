/**
 * One process for each directory.
 *
 * The native program holds an advisory lock of the system (`flock`) on `.nanotdb.lock` and notes
 * its process number there. Node has no such locks, so here:
 *
 * - A number noted in `.nanotdb.lock` whose process lives refuses the directory: the native
 *   program has it open.
 * - Node processes keep each other out with `.nanotdb.node.lock`, which is made only if there is
 *   none, and notes the process. That of a process that is gone is put aside.
 *
 * The native program reads that note, too, where it can tell who lives (on Linux).
 *
 * What this cannot do: two processes of different kinds that open the directory in the same moment
 * may both get it; it sees no process of another machine or container that shares the directory; and where a dead process' number was given to another one before the
 * machine says when that one began (anywhere but on Linux), the directory stays refused until
 * `.nanotdb.node.lock` is removed by hand.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { NanotdbError } from "./error.js";

const NATIVE_FILE = ".nanotdb.lock";
const NODE_FILE = ".nanotdb.node.lock";
const ATTEMPTS = 10;

/** A directory that no other process that asks writes to. */
export class NodeLock {
  readonly #file: string;
  readonly #text: string;

  private constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** Locks `directory` without waiting; `locked` when a process has it. */
  static acquire(directory: string): NodeLock {
    refuseNative(path.join(directory, NATIVE_FILE));
    const file = path.join(directory, NODE_FILE);
    const text = `${process.pid} ${startOf(process.pid) ?? ""}\n`;
    // Made complete under a name of its own and then linked, so that nobody reads half of it.
    const own = `${file}.${process.pid}.${Date.now().toString(36)}`;
    fs.writeFileSync(own, text, { flag: "wx" });
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (linked(own, file)) {
          return new NodeLock(file, text);
        }
        const holder = read(file);
        if (holder !== undefined && isAlive(holder)) {
          throw heldBy(holder);
        }
        setStaleAside(file, own, holder);
      }
    } finally {
      fs.rmSync(own, { force: true });
    }
    throw new NanotdbError("locked", `${file} changes all the time: other processes want it too`);
  }

  /** Lets the directory go. */
  release(): void {
    // Somebody who took this process for dead has it now: it is theirs.
    if (read(this.#file) === this.#text) {
      fs.rmSync(this.#file, { force: true });
    }
  }
}

function refuseNative(file: string): void {
  const noted = read(file);
  if (noted === undefined || noted.trim() === "") {
    return;
  }
  const pid = Number.parseInt(noted, 10);
  if (!isAlive(noted)) {
    return;
  }
  // The number of a process that was killed stays; a process that began after it was noted is
  // another one.
  const began = startOf(pid);
  if (began === undefined || began <= fs.statSync(file).mtimeMs + 1000) {
    throw heldBy(noted);
  }
}

/** Puts a lock aside that is nobody's, and back when it turns out to be another one. */
function setStaleAside(file: string, own: string, stale: string | undefined): void {
  const aside = `${own}.stale`;
  try {
    fs.renameSync(file, aside);
  } catch (thrown) {
    if (isCode(thrown, "ENOENT")) {
      return;
    }
    throw thrown;
  }
  if (read(aside) !== stale) {
    linked(aside, file);
  }
  fs.rmSync(aside, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (thrown) {
    if (isCode(thrown, "EEXIST")) {
      return false;
    }
    if (!isCode(thrown, "EPERM") && !isCode(thrown, "ENOTSUP") && !isCode(thrown, "ENOSYS")) {
      throw thrown;
    }
  }
  // A file system without links (FAT): another process may read the file before it is written,
  // take it for stale, and then finds it changed.
  try {
    fs.writeFileSync(to, fs.readFileSync(from), { flag: "wx" });
    return true;
  } catch (thrown) {
    if (isCode(thrown, "EEXIST")) {
      return false;
    }
    throw thrown;
  }
}

function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (thrown) {
    if (isCode(thrown, "ENOENT")) {
      return undefined;
    }
    throw thrown;
  }
}

/** Whether the process that `text` notes lives, and is still the one that wrote it. */
function isAlive(text: string): boolean {
  const [number = "", began = ""] = text.trim().split(" ");
  const pid = Number.parseInt(number, 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    return false;
  }
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    // Anything but "no such process": it lives and belongs to someone else.
    if (isCode(thrown, "ESRCH")) {
      return false;
    }
  }
  const now = startOf(pid);
  // Both are rounded to the system's clock ticks, from the same start of the machine.
  return began === "" || now === undefined || Math.abs(now - Number(began)) < 1500;
}

/** When a process began, in milliseconds since the epoch, where the system says. */
function startOf(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const boot = /^btime (\d+)$/m.exec(fs.readFileSync("/proc/stat", "utf8"))?.[1];
    // The name in brackets may hold blanks; what follows has none. The start is field 22.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    if (boot === undefined || ticks === undefined) {
      return undefined;
    }
    return Number(boot) * 1000 + Number(ticks) * 10;
  } catch {
    return undefined;
  }
}

function heldBy(text: string): NanotdbError {
  const pid = text.trim().split(" ")[0] ?? "";
  return new NanotdbError("locked", `process ${pid} has the directory open`);
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
