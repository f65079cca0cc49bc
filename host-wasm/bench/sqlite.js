/** SQLite in a worker, with its own pool of files. */
import { DURABLE_TICKS, END, METRICS, MINUTE, START, TICKS, TICK_VALUES, columns, median, timed, times } from "./workload.js";
import sqlite3InitModule from "@sqlite.org/sqlite-wasm";

self.onmessage = async ({ data: round }) => {
  try {
    self.postMessage({ figures: await run(round) });
  } catch (error) {
    self.postMessage({ error: String(error?.stack ?? error) });
  }
};

async function run(round) {
  const figures = {};
  const data = await columns();
  const day = times();
  let sqlite3, pool, db;
  figures["start, ms"] = await timed(async () => {
    sqlite3 = await sqlite3InitModule();
    pool = await sqlite3.installOpfsSAHPoolVfs({ name: `pool-${round}`, directory: `/pool-${round}` });
    db = new pool.OpfsSAHPoolDb("/bench.db");
    db.exec("CREATE TABLE points(metric INTEGER, time INTEGER, value REAL, PRIMARY KEY(metric, time)) WITHOUT ROWID");
  });
  const { capi, wasm } = sqlite3;
  const insert = (table) => db.prepare(`INSERT INTO ${table} VALUES(?, ?, ?)`);
  const put = (statement, metric, time, value) => {
    capi.sqlite3_bind_int(statement, 1, metric);
    capi.sqlite3_bind_int64(statement, 2, time);
    capi.sqlite3_bind_double(statement, 3, value);
    capi.sqlite3_step(statement);
    capi.sqlite3_reset(statement);
  };
  const bulk = await timed(() => {
    const statement = insert("points");
    db.exec("BEGIN");
    for (let metric = 0; metric < METRICS; metric += 1) {
      const { values } = data[metric];
      for (let tick = 0; tick < TICKS; tick += 1) {
        put(statement.pointer, metric, day[tick], values[tick]);
      }
    }
    db.exec("COMMIT");
    statement.finalize();
  });
  figures["insert by columns, rows/s"] = ((METRICS * TICKS) / bulk) * 1000;

  const select = db.prepare("SELECT time, value FROM points WHERE metric = ? AND time BETWEEN ? AND ?");
  const queryDay = (metric) => {
    const found = { times: new BigInt64Array(TICKS), values: new Float64Array(TICKS) };
    const { pointer } = select;
    capi.sqlite3_bind_int(pointer, 1, metric);
    capi.sqlite3_bind_int64(pointer, 2, START);
    capi.sqlite3_bind_int64(pointer, 3, END);
    let row = 0;
    while (capi.sqlite3_step(pointer) === capi.SQLITE_ROW) {
      found.times[row] = capi.sqlite3_column_int64(pointer, 0);
      found.values[row] = capi.sqlite3_column_double(pointer, 1);
      row += 1;
    }
    capi.sqlite3_reset(pointer);
    if (row !== TICKS) throw new Error(`${row} rows found`);
  };
  figures["a metric's day, first time, ms"] = await timed(() => queryDay(50));
  figures["a metric's day, ms"] = await median(21, () => queryDay(30));
  const windows = (filter, expected) => {
    const statement = db.prepare(
      `SELECT metric, time / ${MINUTE} AS w, min(value), max(value), avg(value), count(*) FROM points ${filter} GROUP BY metric, w`,
    );
    let row = 0;
    let sum = 0;
    while (capi.sqlite3_step(statement.pointer) === capi.SQLITE_ROW) {
      sum += capi.sqlite3_column_double(statement.pointer, 4);
      row += 1;
    }
    statement.finalize();
    if (row !== expected) throw new Error(`${row} windows found, sum ${sum}`);
  };
  figures["its minutes, ms"] = await median(21, () => windows("WHERE metric = 30", 1440));
  figures["minutes of all 84, ms"] = await median(7, () => windows("", 1440 * METRICS));
  select.finalize();
  figures["bytes in storage"] = db.selectValue("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");

  const first = BigInt(Date.now()) * 1_000_000n;
  db.exec("CREATE TABLE ticks(metric INTEGER, time INTEGER, value REAL, PRIMARY KEY(metric, time)) WITHOUT ROWID");
  const statement = insert("ticks");
  const ticks = [];
  for (let tick = 0; tick < DURABLE_TICKS; tick += 1) {
    ticks.push(
      await timed(() => {
        db.exec("BEGIN");
        for (let metric = 0; metric < TICK_VALUES; metric += 1) {
          put(statement.pointer, metric, first + BigInt(tick), metric + (tick % 7) / 10);
        }
        db.exec("COMMIT");
      }),
    );
  }
  statement.finalize();
  ticks.sort((a, b) => a - b);
  figures["durable tick of 80, ms"] = ticks[DURABLE_TICKS / 2];
  figures["durable tick of 80, p99 ms"] = ticks[Math.floor(DURABLE_TICKS * 0.99)];
  db.close();
  figures["re-open and first day, ms"] = await timed(() => {
    db = new pool.OpfsSAHPoolDb("/bench.db");
    const rows = db.selectArrays("SELECT time, value FROM points WHERE metric = 30");
    if (rows.length !== TICKS) throw new Error(`${rows.length} rows found`);
  });
  db.close();
  await pool.removeVfs();
  void wasm;
  return figures;
}
