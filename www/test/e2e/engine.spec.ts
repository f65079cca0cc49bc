import { mkdirSync, writeFileSync } from "node:fs";
import { drop, expect, test, withDemo } from "./fixture.ts";

test("overview, database, log and open pages", async ({ page }) => {
  await withDemo(page);
  await page.goto("/engine");
  await expect(page.locator(".facts")).toContainText("Owner");
  await expect(page.getByText(/that this browser allows/)).toBeVisible();
  await expect(page.getByText("durability.profile")).toBeVisible();
  await page.getByRole("button", { name: "demo" }).click();
  await expect(page).toHaveURL(/tab=database&db=demo/);
  await expect(page.getByRole("link", { name: "pi.cpu.load" })).toBeVisible();
  await page.getByRole("searchbox", { name: "Search metrics" }).fill("garage");
  await expect(page.getByRole("link", { name: "door.garage.open" })).toBeVisible();
  await expect(page.getByRole("link", { name: "pi.cpu.load" })).toHaveCount(0);
  await page.getByRole("tab", { name: "Log" }).click();
  await expect(page.getByRole("heading", { name: "Resets" })).toBeVisible();
  await page.getByRole("tab", { name: "Open pages" }).click();
  // In the first hour of a day all of that day is younger than what the log leaves out.
  const none = page.getByRole("heading", { name: "No page is open" });
  const today = page.getByRole("region", { name: /^Open page of \d{4}-\d\d-\d\d$/ });
  await expect(none.or(today)).toBeVisible();
  if (await today.isVisible()) await expect(today).toContainText("In the log");
});

test("build, recompact, verify, and the frames of a file", async ({ page }) => {
  await withDemo(page);
  await page.goto("/engine?tab=files&db=demo");
  const rows = page.getByRole("region", { name: "Partitions" }).locator("tbody tr");
  await expect(rows.nth(5)).toBeVisible();
  await rows.nth(2).getByRole("button", { name: "Build" }).click();
  await expect(rows.nth(2).getByRole("status")).toContainText(
    /metric-\d{4}-\d\d-\d\d\.dat: [\d\u202f]+ samples/,
    {
      timeout: 20_000,
    },
  );
  await rows.nth(1).getByRole("button", { name: "Recompact" }).click();
  await expect(rows.nth(1).getByRole("status")).toContainText("frames →");
  await rows.nth(2).getByRole("button", { name: "metric", exact: true }).click();
  await expect(page.getByRole("region", { name: /Frames of metric-/ })).toContainText(
    "pi.cpu.load",
  );
  const frames = page.getByRole("region", { name: /Frames of metric-/ });
  await expect(frames).toContainText("Encoding");
  await rows.nth(2).getByRole("button", { name: "To v2" }).click();
  await expect(rows.nth(2).getByRole("status")).toContainText("v3 → v2");
  await expect(frames).toContainText("Codec");
  await rows.nth(2).getByRole("button", { name: "To v3" }).click();
  await expect(rows.nth(2).getByRole("status")).toContainText("v2 → v3");
  await page.getByRole("button", { name: "Verify all files" }).click();
  await expect(page.locator(".verify [role=status]")).toContainText("all sound", {
    timeout: 30_000,
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  test("the actions of a partition are in sight", async ({ page }) => {
    await withDemo(page);
    await page.goto("/engine?tab=files&db=demo");
    const table = page.getByRole("region", { name: "Partitions" });
    const row = table.locator("tbody tr").nth(2);
    await expect(row.getByRole("button", { name: "Recompact" })).toBeInViewport({ ratio: 1 });
    expect(await table.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    await row.getByRole("button", { name: "Build" }).tap();
    await expect(row.getByRole("status")).toContainText("samples", { timeout: 20_000 });
    expect(await table.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    await page.screenshot({ path: "screenshots/engine-partitions-phone.png" });
  });
});

const MANIFEST = `[retention]
retention_days = 30
retention_action = "delete"

[rollups]
enabled = true
default_interval = "1h"
default_destination_db = "hourly"
default_aggregates = ["avg"]

[[rollups.jobs]]
id = "all"
source_pattern = "*"
`;

test("rollups and retention on demand, with what they did", async ({ page }, info) => {
  const folder = info.outputPath("data");
  mkdirSync(`${folder}/house`, { recursive: true });
  writeFileSync(`${folder}/house/manifest.toml`, MANIFEST);
  await page.goto("/");
  await page.getByRole("button", { name: "Import data" }).click();
  const dialog = page.getByRole("dialog");
  const chooser = page.waitForEvent("filechooser");
  await dialog.getByRole("button", { name: "Choose a folder" }).click();
  await (await chooser).setFiles(folder);
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  const lines = Array.from({ length: 300 }, (_, minute) => {
    const time = new Date(Date.now() - (360 - minute) * 60_000).toISOString().slice(0, 19);
    return `house/room.temperature ${20 + (minute % 7)} ${time.replace("T", " ")}`;
  });
  await drop(page, [{ name: "room.lp", content: lines.join("\n") }]);
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();

  await page.goto("/engine?tab=database&db=house");
  const upkeep = page.locator(".upkeep");
  await upkeep.getByRole("button", { name: "Run rollups" }).click();
  // The store may have been quicker.
  await expect(upkeep).toContainText(/samples? written by rollups|Nothing was due/);
  await page.goto("/engine");
  await expect(page.getByRole("button", { name: "hourly" })).toBeVisible();

  await page.goto("/engine?tab=database&db=house");
  await expect(upkeep).toContainText("older than 30 days");
  await upkeep.getByRole("button", { name: "Apply retention" }).click();
  await expect(dialog).toContainText("Nothing has expired now");
  await dialog.getByRole("button", { name: "Apply", exact: true }).click();
  await expect(upkeep).toContainText("Nothing had expired.");
  await page.goto("/engine?tab=database&db=hourly");
  await expect(upkeep.getByRole("button", { name: "Apply retention" })).toBeDisabled();
});

test("flush makes all durable and leaves pages open, and everything can be deleted", async ({
  page,
}) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Start live demo" }).click();
  await expect(page.locator(".card-value").first()).toHaveText(/\d/);
  await page.getByRole("link", { name: "Engine" }).click();
  await page.getByRole("tab", { name: "Open pages" }).click();
  await expect(page.locator(".open-page")).toContainText("Samples");
  await page.getByRole("button", { name: "Stop live demo" }).click();
  await page.getByRole("tab", { name: "Overview" }).click();
  await page.getByRole("button", { name: "Flush" }).click();
  await expect(page.getByText("Everything so far is durable")).toBeVisible();
  await page.getByRole("tab", { name: "Open pages" }).click();
  await expect(page.locator(".open-page")).toContainText("In the log");
  await page.getByRole("tab", { name: "Overview" }).click();
  await page.getByRole("button", { name: "Delete all" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete everything" }).click();
  await expect(page.getByRole("heading", { name: "Your metrics, in this browser" })).toBeVisible();
});
