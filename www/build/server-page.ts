import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

/** Files of `public` that a server's pages need. */
const PUBLIC = ["icon.svg", "theme.js"];

/** What is another in the page of a server; each must be there. */
const CHANGES: readonly (readonly [from: RegExp, to: string])[] = [
  // The server sends the policy, and keeps its settings where the page finds them.
  [
    /<meta\s+http-equiv="Content-Security-Policy"[^>]*>/,
    '<script id="config" type="application/json">null</script>',
  ],
  [/Look at metrics that stay in this browser\./, "Metrics of this server."],
  [/\s*<link rel="manifest"[^>]*>/, ""],
  [/: the database runs in it\./, "."],
  [/\/src\/main\.tsx/, "/src/main-server.tsx"],
];

/** Makes the page of a server out of the one page. */
export function serverPage(): Plugin {
  return {
    name: "server-page",
    apply: "build",
    transformIndexHtml: {
      order: "pre",
      handler(html) {
        return CHANGES.reduce((page, [from, to]) => {
          if (!from.test(page)) throw new Error(`index.html has no ${from.source}`);
          return page.replace(from, to);
        }, html);
      },
    },
    generateBundle() {
      for (const name of PUBLIC) {
        this.emitFile({ type: "asset", fileName: name, source: readFileSync(`public/${name}`) });
      }
    },
  };
}
