import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

/**
 * Writes the service worker with the list of everything that was built.
 *
 * The list is content-addressed as a whole: any change of any file gives another cache name, so a
 * page never runs with half of an old and half of a new build.
 */
export function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const digest = createHash("sha256");
        const paths: string[] = ["/"];
        for (const name of Object.keys(bundle).sort()) {
          const file = bundle[name]!;
          digest.update(name).update(file.type === "asset" ? file.source : file.code);
          // Every route is served from "/", and the worker itself must not be cached by itself.
          if (!name.endsWith("index.html")) paths.push(`/${name}`);
        }
        for (const name of readdirSync("public").sort()) {
          digest.update(readFileSync(`public/${name}`));
          paths.push(`/${name}`);
        }
        const template = readFileSync("src/offline/worker.js", "utf8");
        this.emitFile({
          type: "asset",
          fileName: "sw.js",
          source: template
            .replace("__VERSION__", digest.digest("hex").slice(0, 12))
            .replace('["__ASSETS__"]', JSON.stringify(paths)),
        });
      },
    },
  };
}
