import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    passWithNoTests: false,
    // Never the package: what is tested here needs no engine.
    alias: { nanotdb: new URL("test/double/nanotdb.ts", import.meta.url).pathname },
  },
});
