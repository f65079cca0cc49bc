import { readFile } from "node:fs/promises";
import { drawn, drop, expect, explore, test, withDemo } from "./fixture.ts";

test("from the first visit to a chart", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Your metrics, in this browser" })).toBeVisible();
  await withDemo(page);
  await page.getByRole("link", { name: "Explore" }).click();
  await drawn(page);
  // Its own choice: the first database and metric.
  await expect(page).toHaveURL(/db=demo&m=climate\.bedroom\.humidity&last=1d/);
  await expect(page.getByRole("treeitem", { name: "bedroom.humidity" })).toHaveAttribute(
    "aria-selected",
    "true",
  );
});

test("a million samples: zoom, pan, hover and back", async ({ page }) => {
  await withDemo(page);
  const start = Date.now();
  await page.goto(
    explore(
      ["power.house.watts", "pi.cpu.load", "pi.cpu.temperature", "climate.living.temperature"],
      "last=30d",
    ),
  );
  await drawn(page);
  console.log(`first chart after ${Date.now() - start} ms`);
  const facts = page.locator(".explore-facts");
  await expect(facts).toContainText("windows of");
  const samples = Number(
    (await facts.innerText()).match(/^[\d\u202f]+/)![0].replaceAll("\u202f", ""),
  );
  expect(samples).toBeGreaterThan(800_000);

  const box = (await page.locator(".u-over").boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.5, y);
  const tooltip = page.locator(".tooltip");
  await expect(tooltip).toContainText("power.house.watts");
  await expect(tooltip).toContainText("climate.living.temperature");

  // Drag to zoom until single samples are drawn.
  for (let times = 0; times < 3; times++) {
    const before = page.url();
    await page.mouse.move(box.x + box.width * 0.45, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, y, { steps: 4 });
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => page.url()).not.toBe(before);
  }
  await expect(facts).toContainText("every sample");
  await expect(page).toHaveURL(/from=.*&to=/);
  const zoomed = page.url();

  // Shift-drag pans, the wheel zooms, a double click goes back each time.
  await page.keyboard.down("Shift");
  await page.mouse.move(box.x + box.width * 0.6, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, y, { steps: 5 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await expect.poll(() => page.url()).not.toBe(zoomed);
  await page.mouse.dblclick(box.x + box.width * 0.3, y);
  await expect.poll(() => page.url()).toBe(zoomed);
  await page.mouse.wheel(0, -240);
  await expect.poll(() => page.url()).not.toBe(zoomed);
  await page.locator(".chart").focus();
  await page.keyboard.press("Escape");
  await expect.poll(() => page.url()).toBe(zoomed);

  // A bookmark brings the same back.
  await page.reload();
  await expect(facts).toContainText("every sample");
  await drawn(page);
});

test("choosing metrics, aggregate, window and range", async ({ page }) => {
  await withDemo(page);
  await page.goto("/explore?db=demo&last=7d&m=climate.living.temperature");
  await drawn(page);
  await page.getByRole("searchbox", { name: "Search metrics" }).fill("out temp");
  await page.getByRole("treeitem", { name: "outdoor.temperature" }).click();
  await expect(page).toHaveURL(/m=climate\.outdoor\.temperature/);
  await expect(page.locator(".card")).toHaveCount(2);
  await page.getByLabel("Aggregate").selectOption("max");
  await page.getByLabel("Window").selectOption(String(6 * 3_600_000));
  await expect(page).toHaveURL(/agg=max&window=6h/);
  await expect(page.locator(".explore-facts")).toContainText("windows of 6h");
  await page.getByRole("button", { name: "Last 7 days" }).click();
  await page.getByRole("button", { name: "Last 24 hours" }).click();
  await expect(page).toHaveURL(/last=1d/);
  await page.getByRole("button", { name: "Remove climate.living.temperature" }).click();
  await expect(page.locator(".card")).toHaveCount(1);
});

test("taking out what is shown", async ({ page }) => {
  await withDemo(page);
  await page.goto(explore(["climate.living.temperature", "door.front.open"], "last=1d"));
  await drawn(page);
  const take = async (item: string) => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    await page.getByRole("menuitem", { name: item }).click();
    return readFile(await (await download).path());
  };
  const csv = (await take("What is shown, as CSV")).toString();
  expect(csv).toMatch(/^time,climate\.living\.temperature/);
  expect(csv.split("\r\n").length).toBeGreaterThan(500);
  const png = await take("The chart, as PNG");
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  const lines = (await take("All samples of this range")).toString();
  expect(lines).toMatch(/^demo\/climate\.living\.temperature -?[\d.]+ \d{4}-/m);
  expect(lines).toMatch(/^demo\/door\.front\.open [01]i /m);
});

test("live demo", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Start live demo" }).click();
  await expect(page).toHaveURL(/refresh=1s/);
  const samples = async () =>
    Number((await page.locator(".explore-facts").innerText()).match(/^[\d]+/)?.[0] ?? 0);
  await expect.poll(samples, { timeout: 20_000 }).toBeGreaterThan(6);
  await page.getByRole("button", { name: "Stop live demo" }).click();
  await expect(page.getByRole("button", { name: "Stop live demo" })).toHaveCount(0);
});

test("thousands of metrics are searched and scrolled", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Import data" })).toBeVisible();
  const lines = Array.from(
    { length: 5000 },
    (_, at) => `plant/line${at % 50}.sensor${at}.level ${at} 2026-05-14 08:00:00`,
  );
  await drop(page, [{ name: "many.lp", content: lines.join("\n") }]);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Import" }).click();
  await expect(dialog).toContainText("5\u202f000 of 5\u202f000 lines");
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.getByRole("link", { name: "Explore" }).click();
  const search = page.getByRole("searchbox", { name: "Search metrics" });
  await expect(search).toHaveAttribute("placeholder", "Search 5000 metrics");
  // Only what is in sight is in the page.
  expect(await page.getByRole("treeitem").count()).toBeLessThan(100);
  await search.fill("sensor4321");
  await page.getByRole("treeitem", { name: "sensor4321.level" }).click();
  await expect(page).toHaveURL(/line21\.sensor4321\.level/);
});

test.describe("with fingers", () => {
  test.use({ hasTouch: true, viewport: { width: 390, height: 844 } });

  test("two zoom and pan, one reads", async ({ page }) => {
    await withDemo(page);
    await page.goto(explore(["climate.outdoor.temperature"], "last=7d"));
    await drawn(page);
    const box = (await page.locator(".u-over").boundingBox())!;
    const y = box.y + box.height / 2;
    const at = (part: number) => ({ x: box.x + box.width * part, y });
    const session = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...parts: number[]) =>
      session.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: parts.map((part, id) => ({ ...at(part), id })),
      });
    const before = page.url();
    await touch("touchStart", 0.4, 0.6);
    for (const step of [0.05, 0.1, 0.2]) await touch("touchMove", 0.4 - step, 0.6 + step);
    await touch("touchEnd");
    await expect.poll(() => page.url()).not.toBe(before);
    const { searchParams } = new URL(page.url());
    const [from, to] = ["from", "to"].map((name) => {
      const text = searchParams.get(name)!;
      return Number(text) || Date.parse(text);
    });
    expect(to! - from!).toBeLessThan(7 * 86_400_000 * 0.5);
    expect(to! - from!).toBeGreaterThan(0);
    await touch("touchStart", 0.3);
    await touch("touchMove", 0.35);
    await expect(page.locator(".tooltip")).toContainText("climate.outdoor.temperature");
    await touch("touchEnd");
  });
});
