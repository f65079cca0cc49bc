/** DuckDB, whose worker and module are its own. */
import * as duckdb from "@duckdb/duckdb-wasm";
import * as arrow from "apache-arrow";
import {
  DURABLE_TICKS, END, METRICS, MINUTE, START, TICKS, TICK_VALUES, columns, median, timed, times,
} from "./workload.js";

export async function run(round) {
  const figures = {};
  const data = await columns();
  const path = `opfs://bench-${round}.db`;
  let db, connection;
  const start = async () => {
    const worker = new Worker("/duckdb-browser-eh.worker.js");
    db = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
    await db.instantiate("/duckdb-eh.wasm");
    await db.open({ path, accessMode: duckdb.DuckDBAccessMode.READ_WRITE });
    connection = await db.connect();
  };
  figures["start, ms"] = await timed(start);
  const rows = METRICS * TICKS;
  const table = (count, metricOf, timeOf, valueOf) => {
    const metric = new Int32Array(count);
    const time = new BigInt64Array(count);
    const value = new Float32Array(count);
    for (let row = 0; row < count; row += 1) {
      metric[row] = metricOf(row);
      time[row] = timeOf(row);
      value[row] = valueOf(row);
    }
    return arrow.tableToIPC(arrow.tableFromArrays({ metric, time, value }), "stream");
  };
  const day = times();
  await connection.query("CREATE TABLE points(metric INTEGER, time BIGINT, value REAL)");
  const bulk = table(
    rows,
    (row) => Math.floor(row / TICKS),
    (row) => day[row % TICKS],
    (row) => data[Math.floor(row / TICKS)].values[row % TICKS],
  );
  const insert = await timed(async () => {
    await connection.insertArrowFromIPCStream(bulk, { name: "points", create: false });
    await connection.query("CHECKPOINT");
  });
  figures["insert by columns, rows/s"] = (rows / insert) * 1000;
  const select = await connection.prepare(
    // Its bindings take no BigInt.
    `SELECT time, value FROM points WHERE metric = ? AND time BETWEEN ${START} AND ${END} ORDER BY time`,
  );
  const queryDay = async (metric) => {
    const found = await select.query(metric);
    const all = [found.getChild("time").toArray(), found.getChild("value").toArray()];
    if (all[0].length !== TICKS) throw new Error(`${all[0].length} rows found`);
  };
  figures["a metric's day, first time, ms"] = await timed(() => queryDay(50));
  figures["a metric's day, ms"] = await median(21, () => queryDay(30));
  const windows = async (filter, expected) => {
    const found = await connection.query(
      `SELECT metric, time // ${MINUTE} AS w, min(value), max(value), avg(value), count(*) FROM points ${filter} GROUP BY metric, w ORDER BY metric, w`,
    );
    if (found.numRows !== expected) throw new Error(`${found.numRows} windows found`);
  };
  figures["its minutes, ms"] = await median(21, () => windows("WHERE metric = 30", 1440));
  figures["minutes of all 84, ms"] = await median(7, () => windows("", 1440 * METRICS));
  await select.close();
  figures["bytes in storage"] = await fileBytes(`bench-${round}.db`);

  await connection.query("CREATE TABLE ticks(metric INTEGER, time BIGINT, value REAL)");
  const first = BigInt(Date.now()) * 1_000_000n;
  const ticks = [];
  for (let tick = 0; tick < DURABLE_TICKS; tick += 1) {
    ticks.push(
      await timed(async () => {
        const batch = table(
          TICK_VALUES,
          (row) => row,
          () => first + BigInt(tick),
          (row) => row + (tick % 7) / 10,
        );
        await connection.insertArrowFromIPCStream(batch, { name: "ticks", create: false });
      }),
    );
  }
  ticks.sort((a, b) => a - b);
  figures["durable tick of 80, ms"] = ticks[DURABLE_TICKS / 2];
  figures["durable tick of 80, p99 ms"] = ticks[Math.floor(DURABLE_TICKS * 0.99)];
  await connection.query("CHECKPOINT");
  await connection.close();
  await db.terminate();
  figures["re-open and first day, ms"] = await timed(async () => {
    await start();
    const found = await connection.query("SELECT time, value FROM points WHERE metric = 30 ORDER BY time");
    if (found.numRows !== TICKS) throw new Error(`${found.numRows} rows found`);
  });
  await connection.close();
  await db.terminate();
  return figures;
}

async function fileBytes(name) {
  const top = await navigator.storage.getDirectory();
  let bytes = 0;
  for await (const [file, handle] of top.entries()) {
    if (file.startsWith(name) && handle.kind === "file") bytes += (await handle.getFile()).size;
  }
  return bytes;
}
