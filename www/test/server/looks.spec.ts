import type { Page } from "@playwright/test";
import { drawn, expect, history, test } from "./fixture.ts";

const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1440, height: 900 },
} as const;

test("pictures of a server's pages", async ({ page, server }) => {
  const shoot = async (name: string) => {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await page.waitForTimeout(700);
      await fits(page);
      await page.screenshot({ path: `screenshots/server-${name}-${size}.png` });
    }
    await page.setViewportSize(SIZES.desktop);
  };
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "No samples yet" })).toBeVisible();
  await shoot("welcome");
  await server.send(history(300));
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${server.address}/dashboard`);
    await drawn(page);
    await shoot(`dashboard-${colorScheme}`);
    await page.goto(
      `${server.address}/explore?db=metrics&m=cpu.busy_pct&m=sys.load1&m=sys.load5&last=3h`,
    );
    await drawn(page);
    await shoot(`explore-${colorScheme}`);
    await page.goto(`${server.address}/engine`);
    await expect(page.locator(".facts")).toContainText("Server");
    await shoot(`engine-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`${server.address}/engine?tab=files&db=metrics`);
  await expect(page.getByRole("region", { name: "Partitions" })).toBeVisible();
  await shoot("files");
  await page.goto(`${server.address}/dashboard/edit`);
  await page.locator(".outline-widget button").filter({ hasText: "Memory" }).first().click();
  await drawn(page);
  await shoot("editor");
});

/** Nothing may stick out: a page that scrolls sideways is broken. */
async function fits(page: Page): Promise<void> {
  const [inner, scroll] = await page.evaluate(() => [
    innerWidth,
    document.documentElement.scrollWidth,
  ]);
  expect(scroll).toBeLessThanOrEqual(inner!);
}
