import type { Plugin } from "vite";

/** Pages that people bookmark; a plain file server must answer each of them. */
export const ROUTES = ["explore", "dashboard", "dashboard/edit", "engine"];

/**
 * Writes the one page to each route's folder, so that a server which knows nothing but files
 * answers `/explore/` and, as most do by redirecting, `/explore`.
 */
export function routes(): Plugin {
  return {
    name: "routes",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("no index.html to copy");
        for (const route of ROUTES) {
          this.emitFile({ type: "asset", fileName: `${route}/index.html`, source: page.source });
        }
      },
    },
  };
}
