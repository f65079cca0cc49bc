/** A damaged file: what it alone holds is missing, the answer says so, and the rest is there. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import test from "node:test";
import { open } from "nanotdb";
import { column, rejects, SECOND, START, temporary } from "./support.js";

const DAY = 86_400n * SECOND;

test("queries answer around a damaged file, with warnings", async () => {
  const directory = temporary();
  const store = await open(directory);
  for (let day = 0n; day < 3n; day += 1n) {
    await store.addColumns("home", column("m", 10, START + day * DAY));
  }
  await store.flush();
  for (const { partition } of (await store.inspectPartitions("home")).slice(0, 2)) {
    await store.build("home", partition);
  }
  await store.close();
  const home = path.join(directory, "home");
  const files = fs.readdirSync(home);
  assert.ok(files.includes("metric-2026-01-01.dat"), files.join());
  fs.rmSync(path.join(home, "data-2026-01-01.dat"), { force: true });
  fs.rmSync(path.join(home, "raw-2026-01-01.dat"), { force: true });
  fs.writeFileSync(path.join(home, "metric-2026-01-01.dat"), "");

  const again = await open(directory);
  const names = ({ warnings }) => {
    assert.equal(warnings?.length, 1);
    assert.match(warnings[0], /home\/metric-2026-01-01\.dat: damaged at byte 0: /);
  };
  const all = await again.query("home", "m");
  assert.equal(all.times.length, 20);
  names(all);
  const window = { window: "1d", aggregates: ["count"] };
  const days = await again.aggregate("home", "m", { from: START, to: START + 3n * DAY, ...window });
  assert.deepEqual([...days.values[0]], [10, 10]);
  names(days);
  const drawn = { from: START, to: START + 3n * DAY, points: 100 };
  names(await again.chart("home", "m", drawn));
  // What does not need the file is as ever.
  const later = await again.query("home", "m", { from: START + DAY });
  assert.ok(!("warnings" in later) && later.times.length === 20);
  assert.ok(!("warnings" in (await again.last("home", "m"))));
  await rejects(
    (async () => {
      for await (const _ of await again.exportLines("home")) {
        // all of it
      }
    })(),
    "corrupt",
  );
  await again.close();
});

test("a clock may be confirmed", async () => {
  const directory = temporary();
  const store = await open(directory);
  await store.confirmClock();
  await store.close();
});

test("rollups follow a delete", async () => {
  const store = await open(temporary());
  await store.createDatabase("home", {
    manifest: `
      [rollups]
      enabled = true
      default_grace = "0s"
      default_interval = "1h"
      default_destination_db = "hourly"
      default_aggregates = ["count"]
      [[rollups.jobs]]
      id = "all"
      source_pattern = "*"
    `,
  });
  const hour = 3600n * SECOND;
  for (let at = 0n; at < 5n; at += 1n) {
    await store.addColumns("home", column("m", 10, START + at * hour));
  }
  await store.runRollups("home");
  // The last hour, too: it is long ago, so the metric counts as silent.
  assert.equal((await store.query("hourly", "m.count")).times.length, 5);
  const { samples } = await store.delete("home", "m", { from: START, to: START + 2n * hour - 1n });
  assert.equal(samples, 20);
  await store.tick();
  assert.equal((await store.query("hourly", "m.count")).times.length, 3);
  await store.close();
});
