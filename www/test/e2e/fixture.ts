import { test as base, expect, type Page } from "@playwright/test";

export { expect };

/** A page whose every complaint fails its test, as does every request to somewhere else. */
export const test = base.extend<{ complaints: string[] }>({
  complaints: [
    async ({ context, baseURL }, use) => {
      const complaints: string[] = [];
      context.on("page", (page) => {
        page.on("console", (message) => {
          // Of reading pixels, which only tests do.
          if (message.text().includes("willReadFrequently")) return;
          if (["error", "warning"].includes(message.type())) complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
      });
      context.on("request", (request) => {
        const url = request.url();
        const isOwn = url.startsWith(baseURL!) || /^(blob|data):/.test(url);
        if (!isOwn) complaints.push(`asked for ${url}`);
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

/** Makes the demo data, from the first visit on. */
export async function withDemo(page: Page): Promise<void> {
  await page.goto("/");
  await page.getByRole("button", { name: "Try it with demo data" }).click();
  await expect(page.getByText("Climate", { exact: true })).toBeVisible({ timeout: 60_000 });
}

/** An address of the explorer with demo metrics. */
export function explore(metrics: readonly string[], rest: string): string {
  const query = metrics.map((metric) => `m=${encodeURIComponent(metric)}`).join("&");
  return `/explore?db=demo&${query}&${rest}`;
}

/** Waits until lines are drawn: pixels in the colour of the first series. */
export async function drawn(page: Page): Promise<void> {
  await expect
    .poll(() => page.locator(".explore-chart canvas, .widget canvas").first().evaluate(countInk), {
      intervals: [20],
    })
    .toBeGreaterThan(100);
}

function countInk(element: Element): number {
  const canvas = element as HTMLCanvasElement;
  const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = [data[at]!, data[at + 1]!, data[at + 2]!, data[at + 3]!];
    // Lines are colourful; axes, labels and the grid are grey.
    if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count++;
  }
  return count;
}

/** Drops files onto the page. */
export async function drop(
  page: Page,
  files: readonly { name: string; content: string | Uint8Array }[],
): Promise<void> {
  await page.evaluate(
    (all) => {
      const transfer = new DataTransfer();
      for (const { name, content } of all) {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
      }
      for (const type of ["dragenter", "dragover", "drop"]) {
        dispatchEvent(
          new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }),
        );
      }
    },
    files.map(({ name, content }) => ({ name, content: Buffer.from(content).toString("base64") })),
  );
}
