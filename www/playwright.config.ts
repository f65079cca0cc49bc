import { defineConfig } from "@playwright/test";

const PORT = Number(process.env["PORT"] ?? 4179);

/** A browser that is there already; nothing is downloaded. */
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

export default defineConfig({
  testDir: "test",
  // The page by itself, and the pages of a server.
  testMatch: ["e2e/*.spec.ts", "server/*.spec.ts"],
  outputDir: "test-results",
  timeout: 90_000,
  // Each test has a store of its own, but the machine's disk is one.
  workers: 1,
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    baseURL: `http://127.0.0.1:${PORT}`,
    viewport: { width: 1440, height: 900 },
    acceptDownloads: true,
    launchOptions: {
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
  webServer: {
    command: "node build/serve.mjs",
    env: { PORT: String(PORT) },
    port: PORT,
    reuseExistingServer: false,
  },
});
