import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

/** Files of `public` that a server's pages need. */
const PUBLIC = ["icon.svg", "theme.js"];

/** Libraries whose code is in these pages, which their licences want to be said. */
const LIBRARIES = ["preact", "@preact/signals", "@preact/signals-core", "papaparse", "uplot"];

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
      const licences = LIBRARIES.map((name) => {
        const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8");
        return `${name}\n\n${text.trim()}\n`;
      });
      const source = licences.join("\n\n");
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}
