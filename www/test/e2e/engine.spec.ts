import { expect, test, withDemo } from "./fixture.ts";

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
  await expect(page.getByRole("heading", { name: "No page is open" })).toBeVisible();
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
  await page.getByRole("button", { name: "Verify all files" }).click();
  await expect(page.locator(".verify [role=status]")).toContainText("all sound", {
    timeout: 30_000,
  });
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
