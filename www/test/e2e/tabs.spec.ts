import type { Page } from "@playwright/test";
import { drawn, drop, expect, explore, test, withDemo } from "./fixture.ts";

/** Keeps the worker that has the files open busy, so that its tab gives no sign of life. */
async function block(owner: Page, ms: number): Promise<void> {
  const busy = owner.workers()[0]!.evaluate((time) => {
    const end = performance.now() + time;
    while (performance.now() < end);
  }, ms);
  // A tab that is closed meanwhile never answers.
  busy.catch(() => undefined);
  // Until it began: nothing else that is evaluated there comes through.
  await owner.waitForTimeout(200);
}

test("a tab that does not answer is named, and work goes on when it does", async ({
  page,
  context,
}) => {
  await withDemo(page);
  const other = await context.newPage();
  await other.goto(explore(["pi.cpu.load"], "last=1d"));
  await drawn(other);
  await block(page, 10_000);
  await other.getByRole("button", { name: "Refresh now" }).click();
  const alert = other.getByRole("alert");
  await expect(alert).toContainText("Another tab holds the data and does not answer", {
    timeout: 9_000,
  });
  await expect(alert).toContainText("Bring that tab to the front or close it");
  // What was drawn stays.
  await drawn(other);
  await page.waitForTimeout(4_000);
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(alert).toHaveCount(0);
  await drawn(other);
});

test("a tab that is closed in the middle of a write is named, and another takes over", async ({
  page,
  context,
}) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  const other = await context.newPage();
  await other.goto("/");
  await expect(other.getByRole("button", { name: "Import data" })).toBeVisible();
  const lines = Array.from({ length: 400_000 }, (_, at) => `big/m${at % 7} ${at} ${at}000000`);
  await drop(other, [{ name: "big.lp", content: lines.join("\n") }]);
  const dialog = other.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await page.close();
  await expect(dialog).toContainText("The tab that held the data was closed");
  await expect(dialog).toContainText("This tab takes over");
  await other.goto("/engine");
  await expect(other.locator(".facts")).toContainText("Owner");
});
