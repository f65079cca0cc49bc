/** All calls on the origin's private file system. */
import assert from "node:assert/strict";
import test from "node:test";
import { begin, codeOf, openIn } from "./support.js";

test("in a browser", async (t) => {
  const { page: newPage, url } = await begin(t);
  const page = await newPage();

  await t.test("every call", async () => {
    assert.equal(await openIn(page, "all"), "owner");
    const seen = await page.evaluate(async () => {
      const store = window.stores["all"];
      // Another day than today: one that still has open pages cannot be recompacted.
      const day = 86_400_000;
      const start = BigInt(Math.floor(Date.now() / day) * day - 2 * day) * 1_000_000n;
      const times = BigInt64Array.from({ length: 1000 }, (_, at) => start + BigInt(at) * 10n ** 9n);
      const values = Float32Array.from({ length: 1000 }, (_, at) => at);
      await store.add("home", "one", 1, { time: start, type: "i32" });
      await store.addColumns("home", { metric: "m", times, values });
      await store.addRows("home", {
        ...{ metrics: ["a", "b"], index: Uint32Array.of(0, 1) },
        ...{ times: start, values: Float32Array.of(5, 6) },
      });
      const lines = await store.addLines(new Blob([`home/l 1 ${start}\nwrong\n`]));
      const last = await store.last("home", "m");
      const series = await store.query("home", "m", { from: times[10], to: times[19] });
      const windows = await store.aggregate("home", "m", {
        ...{ from: times[0], to: times[999], window: "1m", aggregates: ["count", "max"] },
      });
      await store.createDatabase("made");
      await store.writeFile("dashboard.json", "{}");
      await store.flush();
      const partitions = await store.inspectPartitions("home");
      const [partition] = partitions;
      const text = await new Response(await store.exportLines("home")).text();
      const tar = await new Response(await store.exportRoot()).blob();
      await store.recompact("home", partition.partition);
      const built = await store.build("home", partition.partition);
      const info = await store.inspect("home");
      const file = (await store.inspectPartitions("home"))[0].files[0].name;
      const detail = await store.inspectFile("home", file);
      const [converted] = await store.convert("home", { format: "v2" });
      const unchanged = await store.query("home", "m");
      await store.inspectLog("home");
      await store.runRollups("home");
      await store.applyRetention("home");
      const other = await window.nanotdb.open("other");
      const report = await other.importRoot(tar);
      const copied = await other.query("home", "m");
      const otherNames = await other.databases();
      await other.destroy();
      return {
        lines: [lines.importedLines, lines.rejectedLines],
        last: last.value,
        some: [...series.values],
        counted: windows.values[0].reduce((sum, value) => sum + value),
        databases: await store.databases(),
        metrics: (await store.metrics("home")).map(({ name }) => name).sort(),
        file: new TextDecoder().decode(await store.readFile("dashboard.json")),
        files: (await store.files()).length,
        text: text.trim().split("\n").length,
        points: built.points,
        format: built.format,
        converted: [converted.oldFormat, converted.newFormat, unchanged.times.length],
        problems: (await store.verify("home")).flatMap(({ problems }) => problems),
        settings: (await store.settings()).length,
        info: info.metrics,
        frames: detail.frames.length,
        copied: copied.times.length,
        imported: report.databases.length === otherNames.length,
        tick: (await store.tick()).problems,
        stats: (await store.stats()).storage,
        quota: (await store.quota()).quota,
        persist: typeof (await store.persist()).persisted,
      };
    });
    assert.ok(seen.files > 0 && seen.settings > 0 && seen.frames > 0 && seen.quota > 0);
    const { files, settings, frames, quota, ...exact } = seen;
    assert.deepEqual(exact, {
      lines: [1, 1],
      last: 999,
      some: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
      counted: 1000,
      databases: ["home", "made"],
      metrics: ["a", "b", "l", "m", "one"],
      file: "{}",
      text: 1004,
      points: 1004,
      format: "v3",
      converted: ["v3", "v2", 1000],
      problems: [],
      info: 5,
      copied: 1000,
      imported: true,
      tick: [],
      stats: "opfs",
      persist: "boolean",
    });
  });

  await t.test("it is there after a reload, closed or not", async () => {
    for (const close of [true, false]) {
      await openIn(page, "kept");
      await page.evaluate(async (close) => {
        await window.stores["kept"].add("home", "m", 1);
        if (close) {
          await window.stores["kept"].close();
        }
      }, close);
      await page.reload();
      await page.waitForFunction("window.nanotdb !== undefined", undefined, { polling: 20 });
      await openIn(page, "kept");
      const length = await page.evaluate(
        async () => (await window.stores["kept"].query("home", "m")).times.length,
      );
      assert.equal(length, close ? 1 : 2);
      await page.evaluate(() => window.stores["kept"].close());
    }
  });

  await t.test("in memory it is the page's alone", async () => {
    assert.equal(await openIn(page, "memory", { storage: "memory" }), "owner");
    const other = await newPage();
    assert.equal(await openIn(other, "memory", { storage: "memory" }), "owner");
    await page.evaluate(() => window.stores["memory"].add("home", "m", 1));
    assert.deepEqual(await other.evaluate(() => window.stores["memory"].databases()), []);
    await page.evaluate(() => window.stores["memory"].close());
    assert.equal(await codeOf(page, 'await stores["memory"].databases()'), "closed");
    await other.close();
  });

  await t.test("errors keep their codes on the way", async () => {
    await openIn(page, "codes");
    const codes = {
      'await stores["codes"].query("nowhere", "m")': "unknown-database",
      'await stores["codes"].add("", "m", 1)': "invalid-name",
      'await stores["codes"].importRoot(new Blob(["x".repeat(2000)]))': "corrupt",
      'await nanotdb.open("")': "invalid",
      'await stores["codes"].databases({ signal: AbortSignal.abort() })': "aborted",
    };
    for (const [script, code] of Object.entries(codes)) {
      assert.equal(await codeOf(page, script), code, script);
    }
  });

  await t.test("without file storage opening is refused", async () => {
    const bare = await newPage();
    const refused = await bare.evaluate(async () => {
      const codes = [];
      const attempt = async () => {
        await window.nanotdb.open("never").catch((error) => codes.push(error.code));
      };
      const { locks, storage } = navigator;
      Object.defineProperty(navigator, "locks", { value: undefined, configurable: true });
      await attempt();
      Object.defineProperty(navigator, "locks", { value: locks, configurable: true });
      Object.defineProperty(navigator, "storage", { value: undefined, configurable: true });
      await attempt();
      Object.defineProperty(navigator, "storage", { value: storage, configurable: true });
      return codes;
    });
    assert.deepEqual(refused, ["unavailable", "unavailable"]);
    await bare.close();
  });

  await t.test("a full quota leaves what was there before", async () => {
    const full = await newPage();
    const session = await full.context().newCDPSession(full);
    const origin = new URL(url).origin;
    await openIn(full, "full");
    const before = await full.evaluate(async () => {
      const store = window.stores["full"];
      const first = BigInt(Date.now() - 600_000) * 1_000_000n;
      for (let at = 0; at < 100; at++) {
        await store.add("home", "m", at, { time: first + BigInt(at) });
      }
      await store.flush();
      return (await store.query("home", "m")).times.length;
    });
    assert.equal(before, 100);
    const { usage } = await session.send("Storage.getUsageAndQuota", { origin });
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 200_000 });
    const { acknowledged, code } = await full.evaluate(async () => {
      const store = window.stores["full"];
      let acknowledged = 0;
      try {
        for (let round = 0; round < 2000; round++) {
          const times = BigInt64Array.from({ length: 2000 }, (_, at) => {
            return BigInt(Date.now()) * 1_000_000n + BigInt(at);
          });
          const values = Float32Array.from(times, () => Math.random());
          await store.addColumns("home", { metric: `noise${round}`, times, values });
          acknowledged += 1;
        }
        return { acknowledged, code: undefined };
      } catch (error) {
        return { acknowledged, code: error.code };
      }
    });
    assert.equal(code, "no-space");
    const reads = await full.evaluate(
      async () => (await window.stores["full"].query("home", "m")).times.length,
    );
    assert.equal(reads, 100, "reads go on");
    await full.close();
    await session.detach().catch(() => undefined);
    const again = await newPage();
    const other = await again.context().newCDPSession(again);
    await other.send("Storage.overrideQuotaForOrigin", { origin });
    await openIn(again, "full");
    const after = await again.evaluate(async (rounds) => {
      const store = window.stores["full"];
      const lengths = [];
      for (let round = 0; round < rounds; round++) {
        lengths.push((await store.query("home", `noise${round}`)).times.length);
      }
      const { values } = await store.query("home", "m");
      await store.add("home", "m", 1);
      return { lengths, values: [...values] };
    }, acknowledged);
    assert.deepEqual(
      after.values,
      Array.from({ length: 100 }, (_, at) => at),
    );
    assert.ok(after.lengths.every((length) => length === 2000));
    await again.close();
  });
});
