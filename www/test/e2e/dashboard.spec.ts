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
