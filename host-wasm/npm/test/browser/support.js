/** What the tests in a browser share. */
import { launch, servePackage } from "../support/chromium.js";

/** A browser and a server that go with the test. */
export async function begin(context) {
  const server = await servePackage();
  const browser = await launch();
  context.after(async () => {
    await browser.close();
    await server.close();
  });
  return { browser, url: server.url, page: () => browser.page(server.url) };
}

/** Opens the store `root` in a page as `stores[root]`, and says which role it got. */
export function openIn(page, root, options = {}) {
  return page.evaluate(
    async ([root, options]) => {
      window.stores[root] = await window.nanotdb.open(root, options);
      return (await window.stores[root].stats()).role;
    },
    [root, options],
  );
}

/** The code that a call in a page rejects with. */
export function codeOf(page, script) {
  return page.evaluate(async (script) => {
    try {
      await new Function(`return (async () => { ${script} })()`)();
      return undefined;
    } catch (error) {
      return error.code ?? String(error);
    }
  }, script);
}
