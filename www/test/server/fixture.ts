import { expect as base, test as plain, type Page } from "@playwright/test";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const expect = base;

const WORKSPACE = fileURLToPath(new URL("../../../", import.meta.url));

/** The program, with the pages that were built last. */
function program(): string {
  const named = process.env["NANOTDB"];
  if (named !== undefined) return named;
  execFileSync("cargo", ["build", "--quiet", "-p", "nanotdb"], {
    cwd: WORKSPACE,
    stdio: "inherit",
  });
  return join(process.env["CARGO_TARGET_DIR"] ?? join(WORKSPACE, "target"), "debug", "nanotdb");
}

/** A server on a directory of its own. */
export class Server {
  readonly root = mkdtempSync(join(tmpdir(), "nanotdb-pages-"));
  address = "";
  token: string | undefined;
  #process: ChildProcess | undefined;
  readonly #program: string;

  constructor(path: string) {
    this.#program = path;
  }

  /** Starts it, also again at the address that it had. */
  async start(settings = "", options: readonly string[] = []): Promise<void> {
    if (settings !== "") writeFileSync(join(this.root, "engine.toml"), settings);
    const listen = this.address === "" ? "127.0.0.1:0" : this.address.replace("http://", "");
    const own = spawn(this.#program, [
      ...["--root", this.root, "serve", "--create", "--listen", listen],
      ...options,
    ]);
    this.#process = own;
    this.address = await new Promise<string>((resolve, reject) => {
      let said = "";
      const hear = (text: Buffer) => {
        said += text.toString();
        const found = /http:\/\/[0-9.]+:\d+/.exec(said);
        if (found !== null) resolve(found[0]);
      };
      own.stdout.on("data", hear);
      own.stderr.on("data", hear);
      own.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
  }

  async stop(): Promise<void> {
    const own = this.#process;
    if (own === undefined || own.exitCode !== null) return;
    const ended = new Promise((resolve) => own.once("exit", resolve));
    own.kill("SIGTERM");
    await ended;
    this.#process = undefined;
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true });
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== undefined) headers.set("authorization", `Bearer ${this.token}`);
    return fetch(`${this.address}${path}`, { ...init, headers });
  }

  /** Takes lines in, all of them. */
  async send(lines: readonly string[]): Promise<void> {
    const answer = await this.ask("/api/v1/import", { method: "POST", body: lines.join("\n") });
    expect(await answer.text()).toContain(`"imported":${lines.length}`);
  }
}

/** Complaints that are expected of a browser whose server refuses it or is away. */
const EXPECTED = /Failed to load resource|ERR_CONNECTION_REFUSED/;

let built: string | undefined;

/** What a test gets. */
interface Fixtures {
  readonly server: Server;
  /** Its `engine.toml`. */
  readonly settings: string;
  /** Further options of the program. */
  readonly options: readonly string[];
  /** What its file `token` says, and what the test itself asks with. */
  readonly token: string;
  /** Whether the browser may complain of requests that fail. */
  readonly mayFail: boolean;
}

/** A page of a server of its own; every complaint fails its test. */
export const test = plain.extend<Fixtures>({
  settings: ["[web]\nrefresh_seconds = 1\n", { option: true }],
  options: [[], { option: true }],
  token: ["", { option: true }],
  mayFail: [false, { option: true }],
  server: async ({ context, mayFail, options, settings, token }, use) => {
    built ??= program();
    const server = new Server(built);
    if (token !== "") {
      server.token = token;
      writeFileSync(join(server.root, "token"), `${token}\n`);
    }
    await server.start(settings, options);
    const complaints: string[] = [];
    context.on("page", (page) => {
      page.on("console", (message) => {
        const text = message.text();
        if (text.includes("willReadFrequently")) return;
        if (mayFail && EXPECTED.test(text)) return;
        if (["error", "warning"].includes(message.type())) complaints.push(text);
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
    });
    context.on("request", (request) => {
      const url = request.url();
      const isOwn = url.startsWith(server.address) || /^(blob|data):/.test(url);
      if (!isOwn) complaints.push(`asked for ${url}`);
    });
    await use(server);
    await context.close();
    await server.end();
    expect(complaints).toEqual([]);
  },
});

/** Lines of some metrics over the last minutes, a sample each ten seconds. */
export function history(minutes: number, now = Date.now()): string[] {
  const lines: string[] = [];
  for (let ms = now - minutes * 60_000; ms <= now; ms += 10_000) {
    const time = BigInt(Math.floor(ms)) * 1_000_000n;
    const wave = Math.sin(ms / 90_000);
    lines.push(
      `metrics/cpu.busy_pct ${(24 + 18 * wave).toFixed(2)} ${time}`,
      `metrics/mem.available ${Math.round(2_400_000 + 150_000 * wave)}i ${time}`,
      `metrics/mem.free ${Math.round(900_000 - 90_000 * wave)}i ${time}`,
      `metrics/sys.load1 ${(0.9 + 0.5 * wave).toFixed(2)} ${time}`,
      `metrics/sys.load5 ${(0.8 + 0.2 * wave).toFixed(2)} ${time}`,
      `metrics/sys.load15 ${(0.7 + 0.1 * wave).toFixed(2)} ${time}`,
      `metrics/cpu.temp_mdeg ${Math.round(48_000 + 3000 * wave)}i ${time}`,
    );
  }
  return lines;
}

/** Waits until lines are drawn. */
export async function drawn(page: Page): Promise<void> {
  await expect
    .poll(
      () =>
        page
          .locator(".explore-chart canvas, .widget canvas")
          .first()
          .evaluate((element) => {
            const canvas = element as HTMLCanvasElement;
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
            let count = 0;
            for (let at = 0; at < data.length; at += 4) {
              const color = [data[at]!, data[at + 1]!, data[at + 2]!];
              if (data[at + 3]! > 200 && Math.max(...color) - Math.min(...color) > 60) count++;
            }
            return count;
          }),
      { intervals: [20] },
    )
    .toBeGreaterThan(100);
}
