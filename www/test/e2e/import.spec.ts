import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Page } from "@playwright/test";
import { drawn, drop, expect, test, withDemo } from "./fixture.ts";

const LINES = `# a kitchen
home/kitchen.temperature 21.5  2026-05-14 08:00:00
home/kitchen.temperature 21.75 2026-05-14 08:05:00
home/kitchen.temperature warm  2026-05-14 08:10:00
home/<img/src=x/onerror=document.title=1> 7 2026-05-14 08:05:00
home/kitchen.temperature 22.5  2026-05-14 08:15:00
`;

test("lines that are dropped; rejected ones are shown; names are no HTML", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  await drop(page, [{ name: "kitchen.lp", content: LINES }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText("4 of 6 lines into home");
  await expect(dialog).toContainText("1 not taken");
  await expect(dialog).toContainText("line 4");
  await dialog.getByRole("button", { name: "Done" }).click();

  await page.goto(
    "/explore?db=home&m=kitchen.temperature&m=%3Cimg%2Fsrc%3Dx%2Fonerror%3Ddocument.title%3D1%3E&from=2026-05-14T08:00:00Z&to=2026-05-14T08:20:00Z",
  );
  await drawn(page);
  // A quarter in, where the single sample of the other metric is.
  const box = (await page.locator(".u-over").boundingBox())!;
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
  await expect(page.locator(".tooltip")).toContainText("onerror");
  await page.goto("/engine?tab=database&db=home");
  await expect(page.getByRole("link", { name: "onerror" })).toBeVisible();
  expect(await page.locator("main img").count()).toBe(0);
  expect(await page.title()).toBe("Engine · NanoTDB");
});

test("packed lines into another database", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  await drop(page, [{ name: "kitchen.lp.gz", content: gzipSync(LINES) }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Database, instead").fill("other");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText("4 of 6 lines into other");
});

test("tables: wide by guess, long by choice", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  const rows = Array.from({ length: 3000 }, (_, at) => {
    const time = new Date(Date.UTC(2026, 4, 14) + at * 60_000).toISOString();
    return `${time};${20 + Math.sin(at / 60)};${at === 7 ? "broken" : 40}`;
  });
  // The newest first, as many exports are.
  await drop(page, [
    { name: "office.csv", content: ["time;temp;hum", ...rows.reverse()].join("\n") },
  ]);
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByLabel("Database")).toHaveValue("office");
  await expect(dialog.getByRole("table")).toContainText("temp");
  await dialog.getByLabel("Prefix").fill("desk.");
  await expect(dialog.getByRole("table")).toContainText("desk.temp");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText("5\u202f999 samples into office");
  await expect(dialog).toContainText('"broken" is no number');
  await dialog.getByRole("button", { name: "Import more" }).click();
  await page.keyboard.press("Escape");

  const long = "at,sensor,value\n1778745600,a,1\n1778745600,b,2\n1778745660,a,3\n";
  await drop(page, [{ name: "long.csv", content: long }]);
  await expect(dialog.getByLabel("Metrics are")).toHaveValue("long");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText("3 samples into long");
});

test("everything out as tar, deleted, and in again", async ({ page }) => {
  await withDemo(page);
  await page.goto("/engine");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export all as tar" }).click();
  const tar = await readFile(await (await download).path());
  expect(tar.subarray(257, 262).toString()).toBe("ustar");
  await page.getByRole("button", { name: "Delete all" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete everything" }).click();
  await expect(page.getByRole("heading", { name: "Your metrics, in this browser" })).toBeVisible();

  await drop(page, [{ name: "nanotdb.tar.gz", content: gzipSync(tar, { level: 1 }) }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText(/demo.*: \d+ files/, { timeout: 60_000 });
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.goto("/explore?db=demo&m=power.house.watts&last=30d");
  await drawn(page);

  // A second time there is something in the way, which is said; nothing is lost.
  await drop(page, [{ name: "nanotdb.tar", content: tar }]);
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog.getByRole("alert")).toContainText("It exists already");
});

/** The data directory as a tar file. */
async function exported(page: Page): Promise<{ path: string; bytes: Buffer }> {
  await page.goto("/engine");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export all as tar" }).click();
  const path = await (await download).path();
  return { path, bytes: await readFile(path) };
}

async function deleteAll(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Delete all" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete everything" }).click();
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
}

test("a data directory that is chosen as a folder", async ({ page }, info) => {
  await withDemo(page);
  const { path } = await exported(page);
  const folder = info.outputPath("my data");
  mkdirSync(folder, { recursive: true });
  execFileSync("tar", ["-xf", path, "-C", folder]);
  await deleteAll(page);
  await page.getByRole("button", { name: "Import data" }).click();
  const dialog = page.getByRole("dialog");
  const chooser = page.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "Choose a folder" }).click();
  await (await chooser).setFiles(folder);
  await expect(dialog).toContainText("NanoTDB data directory");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText(/demo.*: \d+ files/, { timeout: 60_000 });
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.goto("/explore?db=demo&m=power.house.watts&last=30d");
  await drawn(page);
});

test("a damaged file is said calmly, and the rest is shown", async ({ page }) => {
  await withDemo(page);
  const { bytes } = await exported(page);
  // In the middle of a metric file's samples: past its head, before its end.
  const at = bytes.indexOf("/metric-", 0, "latin1");
  expect(at).toBeGreaterThan(0);
  for (let by = 0; by < 64; by++) bytes[at + 120_000 + by]! ^= 0xff;
  await deleteAll(page);
  await drop(page, [{ name: "damaged.tar", content: bytes }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText(/demo.*: \d+ files/, { timeout: 60_000 });
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.goto("/engine?tab=files&db=demo");
  await page.getByRole("button", { name: "Verify all files" }).click();
  await expect(page.locator(".verify")).toContainText("Damage", { timeout: 30_000 });
  await page.goto("/explore?db=demo&m=climate.living.temperature&last=1d");
  await drawn(page);
});

test("a full disk is said calmly, and what was stored stays", async ({ page, context }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  const session = await context.newCDPSession(page);
  const origin = new URL(page.url()).origin;
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 3_000_000 });
  await page.getByRole("button", { name: "Try it with demo data" }).click();
  // Upkeep may meet it first: then the next write says that writing is stopped, and why.
  const full = page.locator(".toast.error", { hasText: /The storage is full|no space left/ });
  await expect(full.first()).toBeVisible({ timeout: 60_000 });
  await page.reload();
  // The log fills the room with the first metrics of the first day, which begins over 30 days ago.
  await page.goto("/explore?db=demo&m=climate.living.temperature&last=32d");
  await drawn(page);
});

test("an import that is cancelled keeps what came in", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  const lines = Array.from({ length: 400_000 }, (_, at) => `big/m${at % 7} ${at} ${at}000000`);
  await drop(page, [{ name: "big.lp", content: lines.join("\n") }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toContainText("Cancelled");
});
