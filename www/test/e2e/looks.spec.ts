import type { Page } from "@playwright/test";
import { drawn, expect, explore, test, withDemo } from "./fixture.ts";

const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1440, height: 900 },
} as const;

const FOUR = [
  "climate.living.temperature",
  "climate.outdoor.temperature",
  "power.house.watts",
  "pi.cpu.load",
];

/** Nothing may stick out: a page that scrolls sideways is broken. */
async function fits(page: Page): Promise<void> {
  const [inner, scroll] = await page.evaluate(() => [
    innerWidth,
    document.documentElement.scrollWidth,
  ]);
  expect(scroll).toBeLessThanOrEqual(inner!);
}

test("pictures of every page, on a phone and a desktop, light and dark", async ({ page }) => {
  const shoot = async (name: string) => {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await page.waitForTimeout(700);
      await fits(page);
      await page.screenshot({ path: `screenshots/${name}-${size}.png` });
    }
    await page.setViewportSize(SIZES.desktop);
  };
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  await shoot("welcome");
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await shoot("import");
  await page.keyboard.press("Escape");
  await withDemo(page);
  await drawn(page);
  await shoot("dashboard");
  await page.goto(explore(FOUR, "last=7d"));
  await drawn(page);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(".u-over").hover();
    await shoot(`explore-${colorScheme}`);
  }
  await page.goto("/dashboard?group=pi");
  await drawn(page);
  await shoot("dashboard-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/dashboard/edit");
  await page.locator(".outline-widget button").filter({ hasText: "Humidity" }).first().click();
  await drawn(page);
  await shoot("editor");
  for (const tab of ["overview", "database", "files", "log", "pages"]) {
    await page.goto(`/engine?tab=${tab}&db=demo`);
    await expect(page.getByRole("heading", { name: "Engine", exact: true })).toBeVisible();
    await shoot(`engine-${tab}`);
  }
});

test("from 360 to 2560 pixels nothing sticks out", async ({ page }) => {
  await withDemo(page);
  for (const path of [
    "/",
    explore(FOUR, "last=1d"),
    "/dashboard/edit",
    "/engine",
    "/engine?tab=files&db=demo",
  ]) {
    await page.goto(path);
    await expect(page.locator("main")).not.toBeEmpty();
    for (const width of [360, 600, 861, 1180, 1920, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(150);
      await fits(page);
    }
  }
  await page.goto(explore(FOUR, "last=1d"));
  await drawn(page);
  await page.screenshot({ path: "screenshots/explore-wide.png" });
});

test("the theme can be chosen and stays", async ({ page }) => {
  await page.goto("/");
  const button = page.getByRole("button", { name: /^Theme/ });
  await button.click();
  await button.click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.locator("body")).toHaveCSS("color-scheme", "dark");
});
