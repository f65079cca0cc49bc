/** The package in a browser. */
import type { OpenOptions, Store } from "./api.js";
import { openInBrowser } from "./browser.js";

export * from "./api.js";
export { NanotdbError, type ErrorCode } from "./error.js";

/**
 * Opens the store `root`, making it if there is none.
 *
 * In a browser it is a directory of the origin's private file system. Every tab can open it: one
 * of them has the files open and works for the others, and another takes over when it goes away.
 * In Node it is a directory, which one process at a time has open.
 *
 * @example
 * ```ts
 * const store = await open("greenhouse");
 * await store.add("home", "kitchen.temperature", 21.5);
 * const { times, values } = await store.query("home", "kitchen.temperature");
 * await store.close();
 * ```
 */
export function open(root: string, options: OpenOptions = {}): Promise<Store> {
  return openInBrowser(root, options);
}
