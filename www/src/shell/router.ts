import { signal } from "@preact/signals";

/** Where the page is. Pages put their own state into the query. */
export interface Location {
  readonly path: string;
  readonly query: string;
}

/** The address, without the slash that a folder of a file server ends with. */
function read(): Location {
  const path = location.pathname.replace(/\/(index\.html)?$/, "");
  return { path: path === "" ? "/" : path, query: location.search };
}

export const here = signal<Location>(read());

/** Asked before leaving; answers whether that is all right. */
let guard: (() => boolean) | undefined;

/** Sets who is asked before this page is left, for instance with unsaved changes. */
export function guardLeaving(ask: (() => boolean) | undefined): void {
  guard = ask;
}

/** Goes to another page. */
export function go(address: string): void {
  if (guard !== undefined && !guard()) return;
  guard = undefined;
  history.pushState(null, "", address);
  here.value = read();
  scrollTo(0, 0);
}

/** Replaces the query: the page stays, its bookmark follows. */
export function replaceQuery(query: string): void {
  const next = query === "" ? location.pathname : `?${query}`;
  history.replaceState(null, "", next);
  // Not announced: the page that wrote it knows it already.
}

/** Follows clicks on links within the page and the browser's own back and forward. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    here.value = read();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin) return;
    if (link.target !== "" || link.hasAttribute("download") || link.hash !== "") return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
