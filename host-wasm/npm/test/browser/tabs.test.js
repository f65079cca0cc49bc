/** Several tabs, one store. */
import assert from "node:assert/strict";
import test from "node:test";
import { begin, codeOf, openIn } from "./support.js";

test("tabs", async (t) => {
  const { page: newPage } = await begin(t);

  await t.test("a guest can do everything through the owner", async () => {
    const [a, b, c] = [await newPage(), await newPage(), await newPage()];
    assert.equal(await openIn(a, "shared"), "owner");
    assert.equal(await openIn(b, "shared"), "guest");
    assert.equal(await openIn(c, "shared"), "guest");
    const seen = await b.evaluate(async () => {
      const store = window.stores["shared"];
      await store.add("home", "m", 1.5);
      const rows = Array.from(
        { length: 30_000 },
        (_, at) => `home/l ${at} ${10n ** 18n + BigInt(at)}`,
      );
      const bytes = [];
      const lines = await store.addLines(rows.join("\n"), {
        onProgress: (progress) => bytes.push(progress.bytes),
      });
      const tar = await new Response(await store.exportRoot()).blob();
      const text = await new Response(await store.exportLines("home")).text();
      const report = await store.importRoot(tar, { replace: true });
      return {
        imported: lines.importedLines,
        progress: bytes.length > 1,
        last: (await store.last("home", "m")).value,
        text: text.trim().split("\n").length,
        databases: report.databases.includes("home"),
      };
    });
    assert.deepEqual(seen, {
      ...{ imported: 30_000, progress: true, last: 1.5, text: 30_001, databases: true },
    });
    const last = await c.evaluate(() => window.stores["shared"].last("home", "m"));
    assert.equal(last.value, 1.5);
    assert.equal(
      await codeOf(c, 'await stores["shared"].query("nowhere", "m")'),
      "unknown-database",
    );
    await Promise.all([a.close(), b.close(), c.close()]);
  });

  await t.test("when the owner closes in good order nothing is interrupted", async () => {
    const [a, b, c] = [await newPage(), await newPage(), await newPage()];
    await openIn(a, "orderly");
    await openIn(b, "orderly");
    await openIn(c, "orderly");
    const writes = [b, c].map((page, at) =>
      page.evaluate(async (at) => {
        const store = window.stores["orderly"];
        const roles = [];
        store.subscribe((event) => event.kind === "role" && roles.push(event.role));
        const codes = [];
        let count = 0;
        const end = performance.now() + 1500;
        while (performance.now() < end) {
          try {
            // Several at once, so that some are on their way when the owner closes.
            const batch = Array.from({ length: 8 }, (_, k) =>
              store.add("home", `m${at}`, count + k),
            );
            await Promise.all(batch);
            count += batch.length;
          } catch (error) {
            codes.push(error.code);
            break;
          }
        }
        return { count, codes, roles };
      }, at),
    );
    await new Promise((resolve) => setTimeout(resolve, 400));
    await a.evaluate(() => window.stores["orderly"].close());
    const results = await Promise.all(writes);
    assert.deepEqual(
      results.map(({ codes }) => codes),
      [[], []],
    );
    assert.deepEqual(
      results.flatMap(({ roles }) => roles),
      ["owner"],
    );
    for (const [at, { count }] of results.entries()) {
      const values = await c.evaluate(
        async (at) => [...(await window.stores["orderly"].query("home", `m${at}`)).values],
        at,
      );
      assert.deepEqual(
        values,
        Array.from({ length: count }, (_, k) => k),
        "none lost, none doubled",
      );
    }
    await Promise.all([a.close(), b.close(), c.close()]);
  });

  await t.test("when the owner dies a guest takes over, and reads go on", async () => {
    for (const end of ["page", "worker"]) {
      const [a, b, c] = [await newPage(), await newPage(), await newPage()];
      const root = `dies-${end}`;
      await openIn(a, root);
      await openIn(b, root);
      await openIn(c, root);
      await b.evaluate((root) => window.stores[root].add("home", "m", 1), root);
      const reads = [b, c].map((page) =>
        page.evaluate(async (root) => {
          let reads = 0;
          const end = performance.now() + 1000;
          while (performance.now() < end) {
            const [one] = await Promise.all([
              window.stores[root].query("home", "m"),
              window.stores[root].databases(),
            ]);
            reads += one.times.length;
          }
          return reads;
        }, root),
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (end === "page") {
        await a.close();
      } else {
        await a.evaluate(() => window.workers.forEach((worker) => worker.terminate()));
        // The tab itself gets a new worker and is a guest now.
        const databases = await a.evaluate((root) => window.stores[root].databases(), root);
        // The new owner's first tick may have begun to record the engine's own metrics.
        assert.deepEqual(
          databases.filter((name) => name !== "internal"),
          ["home"],
        );
      }
      assert.ok((await Promise.all(reads)).every((count) => count > 0));
      const roles = await Promise.all(
        [b, c].map((page) =>
          page.evaluate(async (root) => (await window.stores[root].stats()).role, root),
        ),
      );
      assert.deepEqual(roles.sort(), ["guest", "owner"]);
      await Promise.all([b.close(), c.close(), ...(end === "page" ? [] : [a.close()])]);
    }
  });

  await t.test("a guest that leaves in the middle of an import leaves nothing", async () => {
    const [a, b] = [await newPage(), await newPage()];
    await openIn(a, "leaves");
    await openIn(b, "leaves");
    await b.evaluate(() => {
      const endless = (async function* () {
        yield { path: "home/manifest.toml", content: new Uint8Array(0) };
        window.begun = true;
        await new Promise(() => {});
      })();
      void window.stores["leaves"].importRoot(endless).catch(() => {});
    });
    await b.waitForFunction("window.begun === true", undefined, { polling: 20 });
    await b.close();
    const databases = await a.evaluate(async () => {
      await window.stores["leaves"].add("home", "m", 1);
      return window.stores["leaves"].databases();
    });
    assert.deepEqual(databases, ["home"]);
    await a.close();
  });

  await t.test("an import that loses its owner is interrupted and changes nothing", async () => {
    const [a, b] = [await newPage(), await newPage()];
    await openIn(a, "import");
    await openIn(b, "import");
    const code = b.evaluate(async () => {
      const files = (async function* () {
        yield { path: "home/manifest.toml", content: new Uint8Array(0) };
        window.begun = true;
        await new Promise((resolve) => (window.goOn = resolve));
        yield { path: "home/catalog.json", content: new Uint8Array(10) };
      })();
      return window.stores["import"].importRoot(files).catch((error) => error.code);
    });
    await b.waitForFunction("window.begun === true", undefined, { polling: 20 });
    await a.close();
    await b.evaluate(() => window.goOn());
    assert.equal(await code, "interrupted");
    assert.deepEqual(await b.evaluate(() => window.stores["import"].databases()), []);
    await b.close();
  });

  await t.test("deleting closes every tab", async () => {
    const pages = [await newPage(), await newPage(), await newPage()];
    for (const deleter of [0, 1]) {
      for (const page of pages) {
        await openIn(page, "deleted");
      }
      await pages[1].evaluate(() => window.stores["deleted"].add("home", "m", 1));
      await pages[deleter].evaluate(() => window.stores["deleted"].destroy());
      for (const page of pages) {
        await page.waitForFunction(
          async () => {
            const code = await window.stores["deleted"].databases().catch(({ code }) => code);
            return code === "closed";
          },
          undefined,
          { polling: 20 },
        );
      }
      assert.equal(await openIn(pages[2], "deleted"), "owner");
      const databases = await pages[2].evaluate(() => window.stores["deleted"].databases());
      assert.deepEqual(databases, []);
      await pages[2].evaluate(() => window.stores["deleted"].close());
    }
    await Promise.all(pages.map((page) => page.close()));
  });

  await t.test("an owner that is to be frozen hands the store over", async () => {
    const [a, b] = [await newPage(), await newPage()];
    await openIn(a, "frozen");
    await openIn(b, "frozen", { patience: 400 });
    await a.evaluate(() => document.dispatchEvent(new Event("freeze")));
    await b.evaluate(() => window.stores["frozen"].add("home", "m", 1));
    assert.equal(
      await b.evaluate(async () => (await window.stores["frozen"].stats()).role),
      "owner",
      "the store was handed over",
    );
    const held = a.evaluate(() => window.stores["frozen"].databases());
    await a.evaluate(() => document.dispatchEvent(new Event("resume")));
    assert.deepEqual(await held, ["home"]);
    assert.equal(
      await a.evaluate(async () => (await window.stores["frozen"].stats()).role),
      "guest",
    );
    await Promise.all([a.close(), b.close()]);
  });

  await t.test("an owner that gives no sign of life is named", async () => {
    const [a, b] = [await newPage(), await newPage()];
    await b.evaluate(async () => {
      // As a tab that was frozen with the store in its hands.
      await new Promise((held) => {
        void navigator.locks.request("nanotdb:silent", () => {
          held();
          return new Promise((release) => (window.release = release));
        });
      });
    });
    const code = await a.evaluate(() =>
      window.nanotdb.open("silent", { patience: 200 }).catch((error) => error.code),
    );
    assert.equal(code, "unresponsive");
    await b.evaluate(() => window.release());
    assert.equal(await openIn(a, "silent", { patience: 200 }), "owner");
    await Promise.all([a.close(), b.close()]);
  });

  await t.test("aborting ends a call that waits for an owner", async () => {
    const [a, b] = [await newPage(), await newPage()];
    await openIn(a, "waits");
    await openIn(b, "waits");
    const code = await b.evaluate(async () => {
      const controller = new AbortController();
      const call = window.stores["waits"].add("home", "m", 1, { signal: controller.signal });
      controller.abort();
      return call.catch((error) => error.code);
    });
    assert.equal(code, "aborted");
    await Promise.all([a.close(), b.close()]);
  });
});
