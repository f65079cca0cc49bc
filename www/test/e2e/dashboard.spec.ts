import { drawn, drop, expect, test, withDemo } from "./fixture.ts";

test("the dashboard made of what exists", async ({ page }) => {
  await withDemo(page);
  await drawn(page);
  await expect(
    page.getByRole("region", { name: "Now" }).or(page.locator(".widget.numbers")),
  ).toContainText("°C");
  await page.getByRole("tab", { name: "Pi" }).click();
  await expect(page).toHaveURL(/group=pi/);
  await drawn(page);
  await page.getByLabel("Lookback of all charts").selectOption("7d");
  await expect(page).toHaveURL(/last=7d/);
  await page.getByRole("button", { name: "Pause refreshing" }).click();
  await expect(page.getByRole("button", { name: "Resume refreshing" })).toHaveAttribute(
    "aria-pressed",
    "true",
  );
  // The arrow keys of tabs.
  await page.getByRole("tab", { name: "Pi" }).press("ArrowLeft");
  await expect(page.getByRole("tab", { name: "Network" })).toBeFocused();
});

test("edit, save, reload, and a backup of the version before", async ({ page }) => {
  await withDemo(page);
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel("Title").fill("My house");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved", { exact: true }).first()).toBeVisible();

  // A widget of its own, with thresholds, in two groups.
  await page.getByRole("button", { name: "Add to Climate" }).click();
  await page.getByRole("menuitem", { name: "New number", exact: true }).click();
  await page.getByLabel("Title").fill("Living room");
  await page.getByLabel("Metric", { exact: true }).fill("climate.living.temperature");
  await page.getByLabel("Unit").fill("°C");
  await page.getByLabel("Decimals").fill("1");
  await page.getByLabel("Alarming when").selectOption("above");
  await page.getByLabel("Critical").fill("5");
  await page.getByRole("group", { name: "Shown in" }).getByLabel("Door").check();
  await expect(page.getByText("In 2 groups")).toBeVisible();
  const preview = page.getByRole("region", { name: "Preview" });
  await expect(preview.locator(".big-number.critical")).toContainText(/\d\d\.\d °C/);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(
    page.getByText(/The version before is in dashboard_backups\/dashboard\./),
  ).toBeVisible();

  await page.goto("/dashboard?group=door");
  await expect(page.getByRole("heading", { name: "My house" })).toBeVisible();
  await expect(page.locator(".widget.number")).toContainText("Living room");
});

test("what is not valid is said and not saved", async ({ page }) => {
  await withDemo(page);
  await page.goto("/dashboard/edit");
  await page.locator(".outline-widget button").filter({ hasText: "Humidity" }).first().click();
  await page.getByLabel("Lookback").fill("soon");
  await expect(page.getByText('lookback "soon" is no duration')).toBeVisible();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText("nothing was saved");
  await page.getByLabel("Lookback").fill("7D");
  await page.getByRole("button", { name: "Validate" }).click();
  await expect(page.getByText("The dashboard is valid")).toBeVisible();
});

test("old data is shown as of its newest sample", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  const lines = Array.from({ length: 120 }, (_, minute) => {
    const time = new Date(Date.UTC(2026, 2, 3, 10, minute)).toISOString().slice(0, 19);
    return `old/room.temperature ${20 + (minute % 7)} ${time.replace("T", " ")}`;
  });
  await drop(page, [{ name: "old.lp", content: lines.join("\n") }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();

  await page.goto("/dashboard");
  await expect(page.locator(".widget-none").first()).toHaveText("No samples in the last 1d");
  await expect(page.getByRole("note").filter({ hasText: "Newest sample" })).toContainText(
    "3 Mar 2026",
  );
  await page.getByRole("button", { name: "Show as of then" }).click();
  await expect(page).toHaveURL(/at=newest/);
  await drawn(page);
  await expect(page.locator(".widget-none")).toHaveCount(0);
  // A bookmark brings it back; a shorter lookback ends there, too.
  await page.reload();
  await page.getByLabel("Lookback of all charts").selectOption("15m");
  await drawn(page);
  await expect(page.locator(".widget-none")).toHaveCount(0);
  await page.getByRole("button", { name: "Back to now" }).click();
  await expect(page).not.toHaveURL(/at=newest/);
  await expect(page.locator(".widget-none").first()).toBeVisible();

  // The explorer, in a range that was asked for.
  await page.goto("/explore?db=old&m=room.temperature&last=6h");
  await page.getByRole("button", { name: "Go to newest" }).click();
  await expect(page).toHaveURL(/from=2026-03-03/);
  await drawn(page);
});

test("a dashboard file that is dropped, with names that are no HTML", async ({ page }) => {
  await withDemo(page);
  const evil = '<img src=x onerror="document.title=1">';
  const content = JSON.stringify({
    title: evil,
    default_db: "demo",
    later_field: [1],
    groups: [{ id: "g", label: evil, widgets: ["w", "c"] }],
    widgets: {
      w: {
        type: "number",
        title: evil,
        series: [{ metric: "pi.cpu.load", transform: { unit: evil } }],
      },
      c: {
        type: "line_chart",
        title: "Chart",
        lookback: "1D",
        interval: "5m",
        series: [{ metric: "pi.cpu.load", label: evil }],
      },
    },
  });
  await drop(page, [{ name: "dashboard.json", content }]);
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await expect(page.getByText("The dashboard was replaced")).toBeVisible();
  await page.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("heading", { name: evil }).first()).toBeVisible();
  await drawn(page);
  await page.locator(".widget .u-over").hover();
  await expect(page.locator(".tooltip").filter({ hasText: "onerror" })).toBeVisible();
  expect(await page.locator("main img").count()).toBe(0);
  expect(await page.title()).toContain("NanoTDB");
});
