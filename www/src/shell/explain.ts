import { failure } from "../source.ts";
import { editionWords } from "./edition.ts";

/** A failure in words for people: what it is and what to do. */
export interface Explanation {
  readonly code: string;
  readonly title: string;
  readonly text: string;
}

/** For each code a title and what to do; `{}` is the error's own message. */
const WORDS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  "no-space": [
    "The storage is full",
    "Nothing that was stored is lost. Free disk space or remove old data, then try again. {}",
  ],
  corrupt: [
    "A file is damaged",
    "Everything that can be read is shown. Engine, Verify says what is affected. {}",
  ],
  unsupported: ["A file is newer than this page", "Reload the page to get its newest version. {}"],
  unresponsive: [
    "Another tab holds the data and does not answer",
    "The browser may have put it to sleep. Bring that tab to the front or close it.",
  ],
  interrupted: [
    "The tab that held the data was closed",
    "This tab takes over. If you were saving something, check whether it arrived.",
  ],
  locked: [
    "The data is in use",
    "A tab that was closed may still hold it for a few seconds. Try again shortly.",
  ],
  unavailable: [
    "This browser offers no file storage here",
    "That is usual in private windows. You can go on in memory: data is gone when the tab closes.",
  ],
  poisoned: [
    "Writing is stopped after a failed write",
    "What is stored can still be read. Reload the page to go on writing. {}",
  ],
  stale: ["A sample is older than its metric’s newest", "Times of a metric cannot step back. {}"],
  "type-mismatch": ["A value has another type than its metric", "{}"],
  "name-lost": ["This metric has lost its name", "It can be read, and takes no samples. {}"],
  "too-many-metrics": ["The database has too many metrics", "{}"],
  "invalid-name": ["This name is not allowed", "{}"],
  "unknown-database": ["There is no such database", "It may have been removed in another tab. {}"],
  "unknown-metric": ["There is no such metric", "{}"],
  "partition-open": [
    "This partition is still being written",
    "Samples for it came meanwhile. Try again in a moment.",
  ],
  exists: ["It exists already", "{}"],
  "not-found": ["It is not there", "{}"],
  settings: ["A settings file is not valid", "{}"],
  closed: ["The store was closed", "Another tab may have deleted the data. Reload the page."],
  "read-only": ["This source cannot be written to", "{}"],
  io: ["Reading or writing failed", "{}"],
};

/** Explains whatever was thrown. */
export function explain(error: unknown): Explanation {
  const { code, message } = failure(error);
  const words = editionWords(code) ?? WORDS[code];
  if (words === undefined) return { code, title: "Something went wrong", text: message };
  return { code, title: words[0], text: words[1].replace("{}", message).trim() };
}
