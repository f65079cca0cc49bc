import { defineConfig } from "vite";
import { offline } from "./build/offline.ts";
import { routes } from "./build/routes.ts";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    // One request less on the way to the first chart than a preload polyfill would cost.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 200,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // By itself, so that its size is seen and a page's change does not change it.
        advancedChunks: { groups: [{ name: "nanotdb", test: /host-wasm|node_modules\/nanotdb/ }] },
      },
    },
  },
  // The package finds its worker and its wasm beside itself, which pre-bundling would move.
  optimizeDeps: { exclude: ["nanotdb"] },
  // The package is a link to a folder beside this one.
  server: { fs: { allow: [".."] } },
  plugins: [routes(), offline()],
});
