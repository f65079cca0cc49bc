import { drawn, expect, explore, test, withDemo } from "./fixture.ts";

test("works without a network once it was loaded", async ({ page, context }) => {
  await withDemo(page);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect
    .poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null))
    .toBe(true);
  await context.setOffline(true);
  await page.reload();
  await drawn(page);
  await page.goto(explore(["pi.cpu.load"], "last=1d"));
  await drawn(page);
  await page.goto("/engine");
  await expect(page.locator(".facts")).toContainText("Data");
  await page.goto("/dashboard/edit");
  await expect(page.getByRole("heading", { name: "Edit dashboard" })).toBeVisible();
  await context.setOffline(false);
});

test("two tabs: one owns, the other works through it and takes over", async ({ page, context }) => {
  await withDemo(page);
  const second = await context.newPage();
  await second.goto("/engine");
  await expect(second.locator(".facts")).toContainText("Guest");
  await second.goto(explore(["pi.cpu.load"], "last=1d"));
  await drawn(second);
  await page.close();
  await second.goto("/engine");
  await expect(second.locator(".facts")).toContainText("Owner");
  await second.goto(explore(["pi.cpu.load"], "last=1d"));
  await drawn(second);
});

test("without file storage, memory is offered openly", async ({ page, complaints }) => {
  await page.addInitScript(() => {
    Object.defineProperty(StorageManager.prototype, "getDirectory", { value: undefined });
  });
  await page.goto("/");
  await expect(page.getByRole("alert")).toContainText("no file storage");
  await page.getByRole("button", { name: "Go on in memory only" }).click();
  await expect(page.getByText("In memory", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Try it with demo data" }).click();
  await drawn(page);
  expect(complaints).toEqual([]);
});

test("by keyboard only", async ({ page }) => {
  await withDemo(page);
  await page.goto("/explore?db=demo&last=7d");
  await drawn(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.getByRole("searchbox", { name: "Search metrics" }).focus();
  await page.keyboard.type("cpu load");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press(" ");
  await expect(page).toHaveURL(/m=pi\.cpu\.load/);
  await page.locator(".chart").focus();
  const before = page.url();
  await page.keyboard.press("+");
  await expect.poll(() => page.url()).not.toBe(before);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press(".");
  await expect(page.locator(".tooltip")).toBeVisible();
  await expect(page.locator(".chart [aria-live]")).toContainText("pi.cpu.load");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect.poll(() => page.url()).toBe(before);
  await page.getByRole("button", { name: "Download" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem").first()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Download" })).toBeFocused();
});

test("an address that leads nowhere says so", async ({ page, complaints }) => {
  await page.goto("/");
  await page.evaluate(() => history.pushState(null, "", "/nowhere"));
  await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  expect(complaints).toEqual([]);
});
