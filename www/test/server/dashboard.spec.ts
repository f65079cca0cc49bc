import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { drawn, expect, history, test } from "./fixture.ts";

test("edit, save, and a backup of the version before", async ({ page, server }) => {
  await server.send(history(30));
  await page.goto(`${server.address}/dashboard`);
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await expect(page).toHaveURL(`${server.address}/dashboard/edit`);
  await page.getByLabel("Title").fill("My box");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved", { exact: true }).first()).toBeVisible();
  const file = join(server.root, "dashboard.json");
  const first = readFileSync(file, "utf8");
  expect(first).toMatch(/^\{\n {2}"title": "My box",\n/);
  expect(first.endsWith("}\n")).toBe(true);

  await page.getByLabel("Title").fill("My other box");
  await page.getByRole("button", { name: "Save" }).click();
  const said = page.getByText(/The version before is in dashboard_backups\/dashboard\./);
  await expect(said).toBeVisible();
  const backups = readdirSync(join(server.root, "dashboard_backups"));
  expect(backups).toEqual([expect.stringMatching(/^dashboard\.\d{8}T\d{6}\.\d{9}Z\.json$/)]);
  expect(readFileSync(join(server.root, "dashboard_backups", backups[0]!), "utf8")).toBe(first);

  await page.goto(server.address);
  await expect(page.getByRole("heading", { name: "My other box" })).toBeVisible();
  await drawn(page);
});

test("the server refuses what is not valid, and names it", async ({ server }) => {
  const put = (body: string, path = "") =>
    server.ask(`/api/dashboard-config${path}`, {
      method: path === "" ? "PUT" : "POST",
      body,
    });
  const wrong = JSON.stringify({ title: " ", groups: [], widgets: { w: { type: "pie" } } });
  for (const answer of [await put(wrong), await put(wrong, "/validate")]) {
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      ok: false,
      errors: ["widgets.w.series must be a list"],
    });
  }
  const usual = await server.ask("/api/dashboard-config");
  expect(usual.headers.get("nanotdb-dashboard")).toBe("default");
  const text = await usual.text();
  const valid = await put(text, "/validate");
  expect(await valid.json()).toEqual({ ok: true, config: JSON.parse(text), payload: text });
  expect((await put(" ".repeat(1024 * 1024 + 1))).status).toBe(413);
  const other = await server.ask("/api/dashboard-config", { method: "DELETE" });
  expect([other.status, other.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT"]);
});

test("hostile names are text", async ({ page, server }) => {
  const evil = "<img/src=x/onerror=document.title=1>";
  const now = BigInt(Date.now()) * 1_000_000n;
  const lines = Array.from({ length: 60 }, (_, at) => {
    const time = now - BigInt(60 - at) * 10_000_000_000n;
    return `home/${evil} ${at % 9} ${time}`;
  });
  await server.send(lines);
  await page.goto(`${server.address}/?last=15m`);
  await drawn(page);
  await expect(page.getByText("onerror").first()).toBeVisible();
  await page.locator(".widget .u-over").first().hover();
  const address = `${server.address}/explore?db=home&m=${encodeURIComponent(evil)}&last=15m`;
  await page.goto(address);
  await drawn(page);
  await page.locator(".u-over").hover();
  await expect(page.locator(".tooltip").filter({ hasText: "onerror" })).toBeVisible();
  await page.goto(`${server.address}/engine?tab=database&db=home`);
  await expect(page.getByRole("link", { name: evil })).toBeVisible();
  await page.goto(`${server.address}/engine?tab=log&db=home`);
  await expect(page.getByText(evil).first()).toBeVisible();
  expect(await page.locator("img").count()).toBe(0);
  expect(await page.title()).toContain("NanoTDB");
});

test.describe("other paths and a title", () => {
  const title = "</script><script>document.title=1</script>";
  test.use({
    settings: `[web]
refresh_seconds = 1
base_path = "/ui/home"
explore_path = "/ui/look"
engine_path = "/ui/inside"
title = "${title}"
`,
  });

  test("are where the pages are", async ({ page, server }) => {
    await server.send(history(10));
    await page.goto(`${server.address}/ui/home`);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
    expect(await page.title()).toBe(`Dashboard · ${title}`);
    await page.getByRole("link", { name: "Explore" }).click();
    await expect(page).toHaveURL(/\/ui\/look/);
    await drawn(page);
    await page.getByRole("link", { name: "Engine" }).click();
    await expect(page).toHaveURL(/\/ui\/inside/);
    await page.reload();
    await page.getByRole("button", { name: "metrics", exact: true }).click();
    await page.getByRole("link", { name: "cpu.busy_pct" }).click();
    await expect(page).toHaveURL(/\/ui\/look\?db=metrics/);
    await page.goto(`${server.address}/ui/home/edit`);
    await expect(page.getByRole("heading", { name: "Edit dashboard" })).toBeVisible();
    expect((await server.ask("/dashboard")).status).toBe(404);
  });
});
