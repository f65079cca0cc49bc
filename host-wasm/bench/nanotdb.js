/** This package. */
import { open } from "/nanotdb/index.js";
import {
  DURABLE_TICKS, END, METRICS, MINUTE, START, STEP, TICKS, TICK_VALUES, columns, median, timed,
  times,
} from "./workload.js";

const FOUR = ["min", "max", "avg", "count"];

export async function run(round) {
  const root = `bench-${round}`;
  const figures = {};
  const data = await columns();
  const day = times();
  const names = data.map(({ name }) => name);
  let store;
  figures["start, ms"] = await timed(async () => {
    store = await open(root);
    await store.databases();
  });

  const batch = data.map(({ name, values }) => ({ metric: name, times: day, values }));
  const rows = METRICS * TICKS;
  const insert = await timed(async () => {
    const report = await store.addColumns("bench", batch);
    if (report.accepted !== rows) throw new Error(`${report.accepted} rows accepted`);
    await store.flush();
  });
  figures["insert by columns, rows/s"] = (rows / insert) * 1000;
  await questions(store, names, figures, "");

  // A day that is over gets its metric file by itself; here it is asked for.
  figures["seal the day, ms"] = await timed(async () => {
    const [partition] = await store.inspectPartitions("bench");
    if (partition.files.every((file) => file.kind !== "metric")) {
      await store.build("bench", partition.partition);
    }
  });
  await questions(store, names, figures, "sealed: ");
  const files = await store.files();
  const bytes = files.filter(({ path }) => path.startsWith("bench/"));
  figures["files of the database, bytes"] = bytes.reduce((sum, file) => sum + file.bytes, 0);

  const pieces = [];
  const lines = await store.exportLines("bench");
  for await (const chunk of lines) pieces.push(chunk);
  const text = new Blob(pieces);
  const took = await timed(async () => {
    const report = await store.addLines(text, { database: "lines" });
    if (report.importedLines !== rows) throw new Error(`${report.importedLines} lines imported`);
    await store.flush();
  });
  figures["insert lines, rows/s"] = (rows / took) * 1000;

  const metrics = names.slice(0, TICK_VALUES);
  const first = BigInt(Date.now()) * 1_000_000n;
  const ticks = [];
  for (let tick = 0; tick < DURABLE_TICKS; tick += 1) {
    const values = Float32Array.from({ length: TICK_VALUES }, (_, n) => n + (tick % 7) / 10);
    ticks.push(
      await timed(async () => {
        await store.addRows("ticks", { metrics, times: first + BigInt(tick) * 1_000_000n, values });
        await store.flush();
      }),
    );
  }
  ticks.sort((a, b) => a - b);
  figures["durable tick of 80, ms"] = ticks[DURABLE_TICKS / 2];
  figures["durable tick of 80, p99 ms"] = ticks[Math.floor(DURABLE_TICKS * 0.99)];

  await store.close();
  figures["re-open and first day, ms"] = await timed(async () => {
    store = await open(root);
    const { times: found } = await store.query("bench", names[30], { from: START, to: END });
    if (found.length !== TICKS) throw new Error(`${found.length} rows found`);
  });
  const { storedBytes } = await store.stats();
  figures["bytes in storage, with lines and ticks"] = storedBytes;
  await store.destroy();
  figures["bytes in storage"] = await alone(`alone-${round}`, batch);
  return figures;
}

/** Bytes that a store with nothing but the sealed day takes. */
async function alone(root, batch) {
  const store = await open(root);
  await store.addColumns("bench", batch);
  await store.flush();
  const [partition] = await store.inspectPartitions("bench");
  if (partition.files.every((file) => file.kind !== "metric")) {
    await store.build("bench", partition.partition);
  }
  await store.close();
  const again = await open(root);
  const { storedBytes } = await again.stats();
  await again.destroy();
  return storedBytes;
}

async function questions(store, names, figures, prefix) {
  const range = { from: START, to: END };
  const windows = { ...range, window: MINUTE, aggregates: FOUR };
  figures[`${prefix}a metric's day, first time, ms`] = await timed(() =>
    store.query("bench", names[50], range),
  );
  figures[`${prefix}a metric's day, ms`] = await median(21, async () => {
    const { times: found } = await store.query("bench", names[30], range);
    if (found.length !== TICKS) throw new Error(`${found.length} rows found`);
  });
  figures[`${prefix}its minutes, ms`] = await median(21, async () => {
    const { times: found } = await store.aggregate("bench", names[30], windows);
    if (found.length !== 1440) throw new Error(`${found.length} windows found`);
  });
  figures[`${prefix}minutes of all 84, ms`] = await median(7, async () => {
    const all = await store.aggregateMany("bench", names, windows);
    if (all.length !== METRICS) throw new Error(`${all.length} metrics found`);
  });
}
