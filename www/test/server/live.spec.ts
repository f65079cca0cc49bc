import { drawn, expect, history, test } from "./fixture.ts";

test("an empty store waits, and what comes in appears", async ({ page, server }) => {
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "No samples yet" })).toBeVisible();
  await expect(page.getByText(`nanotdb collect --to ${server.address}`)).toBeVisible();
  await server.send(history(30));
  await expect(page.getByRole("heading", { name: "This machine" })).toBeVisible();
  await drawn(page);
  await expect(page.getByRole("region", { name: "Now" })).toContainText("%");
  await page.getByRole("tab", { name: "Temperatures" }).click();
  await expect(page.locator(".widget").filter({ hasText: "Temperature" })).toContainText("°C");
});

test("samples that arrive meanwhile are shown", async ({ page, server }) => {
  await server.send(history(10, Date.now() - 60_000));
  await page.goto(`${server.address}/dashboard`);
  const now = page.getByRole("region", { name: "Now" });
  await expect(now).toContainText("Processor");
  await server.send(["metrics/cpu.busy_pct 77.7", "metrics/sys.load1 3.21"]);
  await expect(now).toContainText("77.7%", { timeout: 20_000 });
  await expect(now).toContainText("3.21");

  // The explorer's list and its chart, too.
  await page.goto(`${server.address}/explore?db=metrics&m=cpu.busy_pct&last=15m&refresh=1s`);
  await drawn(page);
  const cards = page.locator(".explore-main");
  await server.send(["metrics/brand.new 1", "metrics/cpu.busy_pct 12.25"]);
  await expect(page.getByRole("treeitem", { name: /brand/ }).first()).toBeVisible();
  await expect(cards).toContainText("12.25");
});

test("data of other names gets a dashboard made of what exists", async ({ page, server }) => {
  await server.send(["home/room.temperature 21.5", "home/room.humidity 48"]);
  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  await expect(page.getByText("Made from the metrics that exist.")).toBeVisible();
  await expect(page.locator(".widget.numbers")).toContainText("21.5 °C");
});

test.describe("the demo", () => {
  test.use({ options: ["--demo"] });

  test("is what the usual dashboard shows", async ({ page, server }) => {
    await page.goto(server.address);
    await expect(page.getByRole("heading", { name: "This machine" })).toBeVisible();
    const now = page.getByRole("region", { name: "Now" });
    // Of seconds there is no line yet that could be seen, but there are values of all of them.
    for (const [name, unit] of [
      ["Processor", "%"],
      ["Memory", "MiB"],
      ["Load", "15 minutes"],
    ] as const) {
      const legend = page.getByRole("region", { name, exact: true }).locator(".legend");
      await expect(legend).toContainText(unit, { timeout: 20_000 });
      await expect(legend).toContainText(/\d/, { timeout: 20_000 });
    }
    await expect(now).toContainText(/Processor[\d.]+%/);
    await expect(now).toContainText(/Memory free[\d\u202f]+ MiB/);
    await expect(now).toContainText(/Load[\d.]+/);
    await page.screenshot({ path: "screenshots/server-demo.png" });
  });
});

test.describe("a server that goes away", () => {
  test.use({ mayFail: true });

  test("is said, and pages go on when it is back", async ({ page, server }) => {
    await server.send(history(10));
    await page.goto(`${server.address}/dashboard`);
    await drawn(page);
    await server.stop();
    await expect(page.getByText("The server does not answer. This page goes on")).toBeVisible({
      timeout: 20_000,
    });
    // What was there stays.
    await expect(page.getByRole("region", { name: "Now" })).toContainText("MiB");
    await server.start();
    await expect(page.getByText("This page goes on when it is back")).toHaveCount(0, {
      timeout: 20_000,
    });
    await server.send(["metrics/sys.load1 9.87"]);
    await expect(page.getByRole("region", { name: "Now" })).toContainText("9.87", {
      timeout: 20_000,
    });
    await expect(page.locator(".widget-error")).toHaveCount(0);
  });
});
