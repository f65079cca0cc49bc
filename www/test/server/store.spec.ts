import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { drawn, expect, history, test } from "./fixture.ts";

test("explore: choose, zoom and take out", async ({ page, server }) => {
  await server.send(history(300));
  await page.goto(`${server.address}/explore`);
  await drawn(page);
  await page.getByRole("treeitem", { name: "busy_pct" }).click();
  await expect(page).toHaveURL(/m=cpu\.busy_pct/);
  const facts = page.locator(".explore-facts");
  await expect(facts).toContainText("samples");
  const box = (await page.locator(".u-over").boundingBox())!;
  const y = box.y + box.height / 2;
  const before = page.url();
  await page.mouse.move(box.x + box.width * 0.9, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.93, y, { steps: 4 });
  await page.mouse.move(box.x + box.width * 0.97, y, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => page.url()).not.toBe(before);
  await drawn(page);
  await page.getByRole("button", { name: "Download" }).click();
  const coming = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "All samples of this range, as lines" }).click();
  const path = await (await coming).path();
  expect(readFileSync(path, "utf8")).toMatch(/^metrics\/cpu\.\w+ \d+/m);
});

test("the engine from inside, and upkeep", async ({ page, server }) => {
  const day = 24 * 60;
  await server.send(history(10, Date.now() - 2 * day * 60_000));
  await server.send(history(10));
  await page.goto(`${server.address}/engine`);
  await expect(page.locator(".facts")).toContainText("Server");
  await expect(page.getByText("durability.profile")).toBeVisible();
  for (const name of ["Delete all", "Ask to keep the data"]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
  await page.getByRole("button", { name: "Flush" }).click();
  await expect(page.getByText("Everything so far is durable")).toBeVisible();
  await page.getByRole("tab", { name: "Files" }).click();
  const rows = page.getByRole("region", { name: "Partitions" }).locator("tbody tr");
  await expect(rows).toHaveCount(2);
  await rows.last().getByRole("button", { name: "Recompact" }).click();
  await expect(rows.last().getByRole("status")).toContainText("frame");
  await rows.last().getByRole("button", { name: "Build" }).click();
  await expect(rows.last().getByRole("status")).toContainText(/metric-.*: [\d\u202f]+ samples/);
  await rows.last().getByRole("button", { name: "metric", exact: true }).click();
  const frames = page.getByRole("region", { name: /Frames of metric-/ });
  await expect(frames).toContainText("cpu.busy_pct");
  await page.getByRole("button", { name: "Verify all files" }).click();
  await expect(page.locator(".verify [role=status]")).toContainText("all sound");
  await server.send(["metrics/cpu.busy_pct 3"]);
  await page.getByRole("tab", { name: "Log" }).click();
  await expect(page.locator(".inspector-tab")).toContainText("cpu.busy_pct");
  await page.getByRole("tab", { name: "Open pages" }).click();
  await expect(page.locator(".inspector-tab")).toContainText("Samples1 of");
});

test("the whole store as a tar file, which opens again", async ({ page, server }) => {
  await server.send(history(10));
  writeFileSync(join(server.root, "token"), "nobody's business\n");
  await page.goto(`${server.address}/engine`);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export all as tar" }).click();
  const tar = await (await coming).path();
  const names = execFileSync("tar", ["-tf", tar]).toString().split("\n");
  expect(names).toContain("engine.toml");
  expect(names).toContain("metrics/manifest.toml");
  expect(names).not.toContain("token");
  // Logs first and catalogs last: see the server's export.
  expect(names.indexOf("metrics/metrics.wal")).toBeLessThan(names.indexOf("engine.toml"));
  const folder = test.info().outputPath("copy");
  execFileSync("mkdir", ["-p", folder]);
  execFileSync("tar", ["-xf", tar, "-C", folder]);
  const query = "/api/store/last?db=metrics&metric=cpu.busy_pct";
  const last = await (await server.ask(query)).json();
  await server.stop();
  execFileSync("cp", ["-r", `${folder}/.`, server.root]);
  await server.start();
  expect(await (await server.ask(query)).json()).toEqual(last);
});

test("lines and tables are imported", async ({ page, server }) => {
  await page.goto(server.address);
  await page.getByRole("button", { name: "Import data" }).click();
  const files = {
    "a.lp": `home/room.temperature 20.5\nhome/room.temperature nonsense\n`,
    "b.csv": "time,power\n2026-01-01T00:00:00Z,5\n2026-01-01T00:01:00Z,6.5\n",
  };
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /files/i }).first().click();
  await (
    await chooser
  ).setFiles(
    Object.entries(files).map(([name, text]) => ({
      name,
      mimeType: "text/plain",
      buffer: Buffer.from(text),
    })),
  );
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Database", { exact: true }).fill("tables");
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await expect(dialog).toContainText("1 of 2 lines into home");
  await dialog.getByRole("button", { name: "Done" }).click();
  const answer = await server.ask("/api/store/last?db=tables&metric=power");
  expect(await answer.json()).toMatchObject({ data: { value: 6.5, time: "1767225660000000000" } });
});

test("paths lead nowhere else", async ({ server }) => {
  await server.send(["home/a 1"]);
  writeFileSync(join(server.root, "token"), "nobody's business\n");
  const file = (path: string, init?: RequestInit) =>
    server.ask(`/api/store/file?path=${encodeURIComponent(path)}`, init);
  for (const path of ["token", "../etc/passwd", "home/../token", "/etc/passwd", "a/b/c", ".lock"]) {
    expect((await file(path)).ok, path).toBe(false);
  }
  expect((await file("home/manifest.toml")).ok).toBe(true);
  const put = { method: "PUT", body: "{}" };
  for (const path of ["engine.toml", "home/manifest.toml", "../x.json", "new/x.json", "token"]) {
    const answer = await file(path, put);
    expect(answer.ok, path).toBe(false);
  }
  expect((await file("dashboard_backups/x.json", put)).ok).toBe(true);
  for (const path of ["/assets/../../Cargo.toml", "/assets/%2e%2e/index.html", "/../token"]) {
    expect(await statusOf(server.address, path), path).toBe(404);
  }
});

/** The status of a path that is sent as it is; `fetch` would tidy it up. */
function statusOf(address: string, path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    get({ hostname, port, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on("error", reject);
  });
}

test("pages are asked for again only when they changed", async ({ server }) => {
  const page = await server.ask("/explore");
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("cache-control")).toBe("no-cache");
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(page.headers.get("x-frame-options")).toBe("SAMEORIGIN");
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self';");
  const known = { headers: { "if-none-match": page.headers.get("etag")! } };
  expect((await server.ask("/explore", known)).status).toBe(304);
  const script = await server.ask("/assets/index.js");
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
});

test.describe("with a directory of its own pages", () => {
  test.use({ settings: '[web]\nweb_root = "web"\n' });

  test("those are served instead", async ({ server }) => {
    mkdirSync(join(server.root, "web/assets"), { recursive: true });
    writeFileSync(join(server.root, "web/index.html"), "<!doctype html><p>Own page");
    writeFileSync(join(server.root, "web/assets/own.css"), "p {}");
    expect(await (await server.ask("/explore")).text()).toBe("<!doctype html><p>Own page");
    const style = await server.ask("/assets/own.css");
    expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
    expect((await server.ask("/assets/index.js")).status).toBe(404);
    for (const path of ["/../engine.toml", "/assets/../../engine.toml", "/%2e%2e/engine.toml"]) {
      expect(await statusOf(server.address, path), path).toBe(404);
    }
  });
});

test.describe("without pages", () => {
  test.use({ settings: "[web]\nenabled = false\n" });

  test("there are none", async ({ server }) => {
    for (const path of ["/", "/dashboard", "/assets/index.js", "/api/dashboard-config"]) {
      expect((await server.ask(path)).status, path).toBe(404);
    }
    expect((await server.ask("/health")).status).toBe(200);
  });
});

test.describe("with a token", () => {
  test.use({
    settings: '[server]\ntoken_file = "token"\n[web]\nrefresh_seconds = 1\n',
    token: "open sesame",
    mayFail: true,
  });

  test("the page asks for it", async ({ page, server }) => {
    await server.send(history(10));
    await page.goto(server.address);
    const dialog = page.getByRole("dialog", { name: "This server wants a token" });
    await dialog.getByLabel("Token").fill("wrong");
    await page.keyboard.press("Enter");
    await expect(dialog.getByText("The server did not take it.")).toBeVisible();
    await page.screenshot({ path: "screenshots/server-token.png" });
    await dialog.getByLabel("Token").fill("open sesame");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await drawn(page);
    await expect(dialog).toHaveCount(0);
    // It is kept in this tab, and only there.
    await page.reload();
    await drawn(page);
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain("sesame");
    const next = await page.context().newPage();
    await next.goto(server.address);
    await expect(next.getByRole("dialog")).toBeVisible();
  });
});
