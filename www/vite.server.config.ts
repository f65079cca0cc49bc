import { defineConfig } from "vite";
import { serverPage } from "./build/server-page.ts";

/** The pages that a server serves: no package, no worker, and names that stay. */
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  publicDir: false,
  build: {
    target: "es2022",
    outDir: process.env["OUT_DIR"] ?? "../host-native/pages",
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 200,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // The server says by their content whether files have changed, and the repository keeps them.
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  plugins: [serverPage()],
});
