/** Chromium with a profile of its own, and pages that have the package. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.js";

const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
const folder = path.dirname(fileURLToPath(import.meta.url));

/** The package's own directory. */
export const packageRoot = path.resolve(folder, "../..");

/** Where browsers are, or why there is none. */
export function executable() {
  if (!fs.existsSync(EXECUTABLE)) {
    throw new Error(
      `there is no browser at ${EXECUTABLE}: set CHROMIUM, ` +
        "or: apt-get install -y chromium chromium-driver",
    );
  }
  return EXECUTABLE;
}

/** A server of the package and of the page that has it. */
export function servePackage() {
  return serve({ "/": path.join(folder, "site"), "/dist/": path.join(packageRoot, "dist") });
}

/**
 * A browser with a profile on disk: one in memory is slow and says nothing of durability.
 *
 * @param {string} [profile] that of an earlier browser
 */
export async function launch(profile) {
  const directory = profile ?? fs.mkdtempSync(path.join(os.tmpdir(), "nanotdb-chromium-"));
  // A browser that was killed leaves it, and the next would take it for a running one.
  fs.rmSync(path.join(directory, "SingletonLock"), { force: true });
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: executable(),
    args: ARGUMENTS,
  });
  return {
    context,
    profile: directory,
    /** @param {string} url */
    async page(url) {
      const page = await context.newPage();
      page.on("pageerror", (error) => console.error("page:", error));
      await page.goto(url);
      // By the clock: pages in the background paint no frames.
      await page.waitForFunction("window.nanotdb !== undefined", undefined, { polling: 20 });
      return page;
    },
    /** Kills the browser's own process, as a crash does. */
    async kill() {
      const pid = mainProcess(directory);
      const closed = new Promise((resolve) => context.once("close", resolve));
      process.kill(pid, "SIGKILL");
      await closed;
      await gone(directory);
    },
    async close() {
      await context.close();
      fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** The browser's process: the one of this profile that is nobody's child of the same profile. */
function mainProcess(directory) {
  const [pid] = processes(directory).filter(({ line }) => !line.includes("--type="));
  if (pid === undefined) {
    throw new Error(`no browser runs with the profile ${directory}`);
  }
  return pid.pid;
}

function processes(directory) {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), line: commandLine(name) }))
    .filter(({ line }) => line.includes(`--user-data-dir=${directory}`));
}

function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Waits until no process of the profile is left. */
async function gone(directory) {
  while (processes(directory).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
