/** What a store does, in Node, where everything but the tabs is the same as in a browser. */
import assert from "node:assert/strict";
import test from "node:test";
import { NanotdbError, open } from "nanotdb";
import { bytesOf, column, rejects, SECOND, START, temporary, textOf } from "./support.js";

for (const storage of ["files", "memory"]) {
  test(`in ${storage}`, async (t) => {
    const store = await open(temporary(), { storage });
    t.after(() => store.close());

    await t.test("a sample comes back as it went in", async () => {
      await store.add("home", "kitchen", 21.5, { time: START });
      await store.add("home", "doors", 3, { time: START, type: "i32" });
      await store.add("home", "kitchen", 22, { time: new Date(Number(START / 1_000_000n) + 1000) });
      assert.deepEqual(await store.last("home", "kitchen"), {
        time: START + SECOND,
        value: 22,
        type: "f32",
      });
      assert.deepEqual(await store.last("home", "doors"), { time: START, value: 3, type: "i32" });
      assert.equal(await store.last("home", "nothing"), undefined);
      assert.deepEqual(await store.databases(), ["home"]);
      const metrics = [...(await store.metrics("home"))].sort((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(metrics, [
        { name: "doors", type: "i32" },
        { name: "kitchen", type: "f32" },
      ]);
    });

    await t.test("a sample without a time is of now", async () => {
      const before = BigInt(Date.now()) * 1_000_000n;
      await store.add("now", "m", 1);
      const { time } = await store.last("now", "m");
      assert.ok(time >= before && time <= BigInt(Date.now() + 1) * 1_000_000n);
    });

    await t.test("columns and rows", async () => {
      const ints = {
        metric: "i",
        times: BigInt64Array.of(START, START + SECOND),
        values: Int32Array.of(-5, 7),
      };
      const report = await store.addColumns("columns", [column("f", 100), ints]);
      assert.deepEqual(report, { accepted: 102, rejected: 0, rejections: [] });
      const [f, i, none] = await store.queryMany("columns", ["f", "i", "none"]);
      assert.deepEqual([...f.values], [...column("f", 100).values]);
      assert.deepEqual(f.times, column("f", 100).times);
      assert.ok(f.values instanceof Float32Array);
      assert.deepEqual(i, {
        ...{ metric: "i", type: "i32" },
        ...{ times: ints.times, values: ints.values },
      });
      assert.equal(none.times.length, 0);

      const rows = await store.addRows("rows", {
        metrics: ["a", "b"],
        index: Uint32Array.of(0, 1, 0),
        times: BigInt64Array.of(START, START, START + SECOND),
        values: Float32Array.of(1, 2, 3),
      });
      assert.equal(rows.accepted, 3);
      assert.deepEqual([...(await store.query("rows", "a")).values], [1, 3]);
      const tick = { metrics: ["a", "b"], times: new Date(1_800_000_000_000) };
      const more = await store.addRows("rows", { ...tick, values: Float32Array.of(8, 9) });
      assert.equal(more.accepted, 2);
      assert.equal((await store.last("rows", "b")).value, 9);
    });

    await t.test("callers keep their arrays", async () => {
      const mine = column("m", 10);
      await store.addColumns("keeps", mine);
      assert.equal(mine.times.length, 10);
      const part = column("part", 10);
      const view = {
        ...part,
        times: part.times.subarray(2, 4),
        values: part.values.subarray(2, 4),
      };
      await store.addColumns("keeps", view);
      assert.deepEqual([...(await store.query("keeps", "part")).values], [0.5, 0.75]);
    });

    await t.test("rejected rows are named and the others are kept", async () => {
      const times = BigInt64Array.of(START, START - SECOND, START + SECOND);
      const values = Float32Array.of(1, 2, 3);
      const good = column("good", 2);
      const report = await store.addColumns("some", [good, { metric: "m", times, values }]);
      assert.equal(report.accepted, 4);
      assert.equal(report.rejected, 1);
      assert.equal(report.rejections[0].row, 3);
      assert.deepEqual([...(await store.query("some", "m")).values], [1, 3]);
    });

    await t.test("ranges and strides", async () => {
      await store.addColumns("range", column("m", 100));
      const options = { from: START + 10n * SECOND, to: START + 19n * SECOND, stride: 3 };
      const { times } = await store.query("range", "m", options);
      assert.deepEqual(
        [...times],
        [10n, 13n, 16n, 19n].map((at) => START + at * SECOND),
      );
      const all = await store.query("range", "m", { from: -(2n ** 80n), to: 2n ** 80n });
      assert.equal(all.times.length, 100);
    });

    await t.test("windows", async () => {
      await store.addColumns("windows", column("m", 120));
      const windows = await store.aggregate("windows", "m", {
        ...{ from: START, to: START + 119n * SECOND },
        ...{ window: "1m", aggregates: ["min", "max", "count"] },
      });
      assert.deepEqual([...windows.times], [START, START + 60n * SECOND]);
      assert.deepEqual(
        windows.values.map((column) => [...column]),
        [
          [0, 15],
          [14.75, 29.75],
          [60, 60],
        ],
      );
      const numeric = await store.aggregate("windows", "m", {
        ...{ from: new Date(Number(START / 1_000_000n)), to: START + 119n * SECOND },
        ...{ window: 60n * SECOND, aggregates: ["avg"] },
      });
      assert.deepEqual([...numeric.values[0]], [7.375, 22.375]);
    });

    await t.test("charts", async () => {
      await store.addColumns("charts", column("m", 1000));
      const range = { from: START, to: START + 999n * SECOND };
      const chart = await store.chart("charts", "m", { ...range, points: 10 });
      assert.deepEqual([chart.metric, chart.type, chart.slack], ["m", "f32", 0n]);
      // Slices of 105 seconds; each value is larger than the one before.
      assert.equal(chart.times.length, 20);
      assert.deepEqual([...chart.values.slice(0, 2)], [0, Number(chart.times[1] - START) / 4e9]);
      const few = await store.chart("charts", "m", { ...range, points: 10, method: "lttb" });
      assert.equal(few.times.length, 10);
      assert.deepEqual([few.times[0], few.times[9]], [range.from, range.to]);
      await rejects(store.chart("charts", "m", { ...range, points: 0 }), "invalid");
      await rejects(store.chart("charts", "m", { ...range, points: 9, method: "x" }), "invalid");
    });

    await t.test("lines in every form", async () => {
      const text = `lines/a 1 ${START}\n# a comment\n\nlines/b 2i ${START}\nlines/a wrong ${START}\n`;
      const expected = { totalLines: 5, importedLines: 2, skippedLines: 2, rejectedLines: 1 };
      const sources = [
        text,
        new TextEncoder().encode(text),
        new Blob([text]),
        new Blob([text]).stream(),
      ];
      for (const [at, source] of sources.entries()) {
        const { rejections, databases, ...counts } = await store.addLines(source, {
          database: `lines${at}`,
        });
        assert.deepEqual(counts, expected);
        assert.deepEqual(databases, [`lines${at}`]);
        assert.equal(rejections.length, 1);
        assert.equal(rejections[0].line, 5);
        assert.equal((await store.last(`lines${at}`, "b")).value, 2);
      }
    });

    await t.test("lines out are lines in", async () => {
      await store.addColumns("out", [column("a", 50), column("b", 20)]);
      const text = await textOf(await store.exportLines("out"));
      assert.equal(text.trim().split("\n").length, 70);
      await store.addLines(text, { database: "again" });
      const [a, b] = await store.queryMany("again", ["a", "b"]);
      assert.deepEqual([a.times.length, b.times.length], [50, 20]);
      const some = await textOf(
        await store.exportLines("out", { from: START, to: START + 4n * SECOND, metrics: ["b"] }),
      );
      assert.equal(some.trim().split("\n").length, 5);
      assert.ok(some.startsWith("out/b "));
    });

    await t.test("a directory of its own files", async () => {
      await store.createDatabase("made", { manifest: "" });
      assert.ok((await store.databases()).includes("made"));
      await store.writeFile("dashboard.json", '{"panels":[]}');
      const content = await store.readFile("dashboard.json");
      assert.equal(new TextDecoder().decode(content), '{"panels":[]}');
      assert.equal(await store.readFile("nothing.json"), undefined);
      assert.ok((await store.files()).some(({ path }) => path === "dashboard.json"));
      await store.writeFile("dashboard.json", new Uint8Array(0));
      assert.equal((await store.readFile("dashboard.json")).length, 0);
    });

    await t.test("maintenance and what is inside", async () => {
      await store.addColumns("inside", column("m", 1000));
      await store.flush();
      const [partition] = await store.inspectPartitions("inside");
      assert.ok(partition.from <= START && partition.to >= START + 999n * SECOND);
      const checks = await store.verify("inside", {
        onProgress: ({ bytes, total }) => assert.ok(bytes <= total),
      });
      assert.ok(checks.some(({ samples }) => samples === 1000));
      await store.add("inside", "now", 1);
      assert.ok((await store.verify("inside")).some(({ file }) => file === "inside.wal"));
      assert.deepEqual(
        checks.flatMap(({ problems }) => problems),
        [],
      );
      await store.recompact("inside", partition.partition);
      const built = await store.build("inside", partition.partition);
      assert.equal(built.points, 1000);
      // A directory may be another engine's, too; what is in memory is nobody else's.
      assert.equal(built.format, storage === "files" ? "v2" : "v3");
      const info = await store.inspect("inside");
      assert.equal(info.name, "inside");
      assert.equal(info.metrics, 2);
      const [after] = await store.inspectPartitions("inside");
      const file = await store.inspectFile("inside", after.files[0].name);
      assert.ok(file.frames.length > 0);
      await store.inspectLog("inside", { limit: 3 });
      assert.ok((await store.settings()).length > 0);
      await store.runRollups("inside");
      await store.applyRetention("inside");
      assert.deepEqual((await store.tick()).problems, []);
      assert.equal((await store.query("inside", "m")).times.length, 1000);
      const stats = await store.stats();
      assert.equal(stats.role, "owner");
      assert.equal(stats.storage, storage === "files" ? "node" : "memory");
      assert.ok(stats.memoryBytes > 0);
    });

    await t.test("metric files change their layout and nothing else", async () => {
      await store.addColumns("layout", [column("m", 3000), column("n", 3000)]);
      const day = 86_400n * SECOND;
      await store.addColumns("layout", [column("m", 10, START + day)]);
      const partitions = await store.inspectPartitions("layout");
      for (const { partition } of partitions) {
        await store.build("layout", partition);
      }
      const samples = await store.query("layout", "m");
      const formats = async () =>
        (await store.inspectPartitions("layout")).map(
          ({ files }) => files.find(({ kind }) => kind === "metric")?.format,
        );
      const seen = [];
      const v3 = await store.convert("layout", {
        format: "v3",
        onProgress: ({ bytes, total, item }) => seen.push([bytes / total, item]),
      });
      assert.deepEqual(await formats(), ["v3", "v3"]);
      assert.deepEqual(
        v3.map(({ newFormat, points }) => [newFormat, points]),
        [
          ["v3", 6000],
          ["v3", 10],
        ],
      );
      assert.deepEqual(seen.at(-1), [1, partitions[1].partition]);
      assert.deepEqual(await store.query("layout", "m"), samples);
      const file = await store.inspectFile("layout", v3[0].metricFile);
      assert.equal(file.format, "metric v3");
      assert.equal(file.times.length, 1);
      for (const { metric, codec, samples: points, bytes, encoding } of file.frames) {
        assert.equal(codec, "columns", metric);
        assert.equal(encoding.samples, points);
        const { frontBytes, bodyBytes, statisticsBytes } = encoding;
        assert.equal(frontBytes + bodyBytes + statisticsBytes, bytes);
        assert.equal(typeof encoding.text, "string");
      }
      const one = { format: "v2", partition: partitions[0].partition };
      const [v2] = await store.convert("layout", one);
      assert.deepEqual([v2.oldFormat, v2.converted], ["v3", true]);
      assert.equal((await store.convert("layout", one))[0].converted, false);
      assert.deepEqual(await formats(), ["v2", "v3"]);
      assert.deepEqual(await store.query("layout", "m"), samples);
      const checks = await store.verify("layout");
      assert.deepEqual(
        checks.flatMap(({ problems }) => problems),
        [],
      );
      assert.deepEqual(
        checks.flatMap(({ format }) => format ?? []),
        ["v2", "v3"],
      );
      await rejects(store.convert("layout", { ...one, format: "v9" }), "invalid");
      await rejects(store.convert("layout", { ...one, partition: "2000-01-01" }), "invalid");
    });

    await t.test("each refusal has its code", async () => {
      await store.add("codes", "f", 1, { time: START });
      await rejects(store.add("codes", "f", 1, { time: START - 1n }), "stale");
      await rejects(store.add("codes", "f", 1, { time: START, type: "i32" }), "type-mismatch");
      await rejects(store.add("codes", "", 1), "invalid-name");
      await rejects(store.query("nowhere", "m"), "unknown-database");
      await rejects(store.query("codes", "f", { from: START, to: START - 1n }), "invalid-range");
      await rejects(store.query("codes", "f", { stride: 0 }), "invalid");
      await rejects(store.build("codes", "never"), "invalid-partition");
      await store.add("codes", "now", 1);
      const open = (await store.inspectPartitions("codes")).findLast(({ open }) => open);
      assert.equal((await store.recompact("codes", open.partition)).records, 1);
      await rejects(store.add("codes", "f", 1, { time: new Date(Number.NaN) }), "invalid");
      await rejects(store.add("codes", "f", 1, { time: 2n ** 63n }), "invalid");
      await rejects(store.addLines(42), "invalid");
      await rejects(store.importRoot(new Blob(["no tar file at all".repeat(100)])), "corrupt");
      const aggregates = ["avg"];
      const range = { from: START, to: START + SECOND, aggregates };
      await rejects(store.aggregate("codes", "f", { ...range, window: "never" }), "invalid");
      const short = { metric: "f", times: new BigInt64Array(2), values: new Float32Array(1) };
      await rejects(store.addColumns("codes", short), "invalid");
    });

    await t.test("a tar file of everything", async (t) => {
      const tar = await bytesOf(await store.exportRoot());
      const before = await store.databases();
      for (const packed of [false, true]) {
        const other = await open(temporary(), { storage });
        const blob = new Blob([tar]);
        const gzip = new CompressionStream("gzip");
        const source = packed ? blob.stream().pipeThrough(gzip) : blob;
        const seen = [];
        const report = await other.importRoot(source, { onProgress: (now) => seen.push(now) });
        assert.deepEqual([...report.databases].sort(), [...before].sort());
        assert.ok(seen.length > 0);
        for (const name of before) {
          const metrics = (await store.metrics(name)).map((metric) => metric.name);
          assert.deepEqual(
            await other.queryMany(name, metrics),
            await store.queryMany(name, metrics),
          );
        }
        await rejects(other.importRoot(new Blob([tar])), "exists");
        await other.importRoot(new Blob([tar]), { replace: true });
        assert.deepEqual(await other.databases(), before);
        await other.close();
      }
    });

    await t.test("files one by one", async (t) => {
      const other = await open(temporary(), { storage });
      const files = [];
      await store.flush();
      for (const { path } of await store.files()) {
        files.push({ path, content: await store.readFile(path) });
      }
      await other.importRoot(files);
      assert.deepEqual(await other.databases(), await store.databases());
      await other.close();
    });
  });
}

test("the layout of metric files is chosen on opening", async (t) => {
  for (const metricFormat of ["v2", "v3"]) {
    const store = await open(temporary(), { metricFormat });
    t.after(() => store.close());
    await store.addColumns("home", column("m", 100));
    const [{ partition }] = await store.inspectPartitions("home");
    assert.equal((await store.build("home", partition)).format, metricFormat);
    const settings = await store.settings();
    assert.equal(settings.find(({ key }) => key === "metrics.format").value, metricFormat);
    assert.ok(!new TextDecoder().decode(await store.readFile("engine.toml")).includes("format"));
  }
  await rejects(open("other", { storage: "memory", metricFormat: "v1" }), "invalid");
});

test("a closed store refuses", async (t) => {
  const store = await open(temporary());
  const running = store.add("home", "m", 1);
  await store.close();
  await running;
  await store.close();
  await rejects(store.add("home", "m", 1), "closed");
  await rejects(store.destroy(), "closed");
});

test("the error is exported", () => {
  assert.equal(new NanotdbError("io", "message").code, "io");
});
