//! The same day in `DuckDB`, by its Python package.

use crate::report::{Bench, Unit};
use crate::stores;
use nanotdb::Value as Sample;
use nanotdb_tests::workload::{SAMPLES_PER_DAY, Shape};
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

/// Sorted as a metric file is, times and values as narrow as they are here.
const SCRIPT: &str = r#"
import duckdb, json, os, sys, time
csv, path = sys.argv[1:3]
db = duckdb.connect(path)
db.execute("set threads = 1")
start = time.perf_counter()
db.execute("create table samples (metric usmallint, time bigint, value float)")
db.execute("insert into samples select * from read_csv('%s', header = false, columns = "
    "{'metric': 'usmallint', 'time': 'bigint', 'value': 'float'}) order by metric, time" % csv)
db.execute("checkpoint")
built = time.perf_counter() - start
db.close()
size = os.path.getsize(path)
db = duckdb.connect(path, read_only = True)
db.execute("set threads = 1")
def ask(query, rows):
    times = []
    for _ in range(23):
        start = time.perf_counter()
        found = db.execute(query).fetchall()
        times.append((time.perf_counter() - start) * 1e3)
        assert len(found) == rows, len(found)
    return times[2:]
print(json.dumps({
    "samples": db.execute("select count(*) from samples").fetchone()[0],
    "bytes": [size],
    "load": [built * 1e3],
    "aggregate_day_1h": ask("select time // 3600000000000 as t, min(value), max(value), avg(value)"
        " from samples where metric = 30 group by t order by t", 24),
    "sum_of_day_1metric": ask("select sum(value) from samples where metric = 30", 1),
    "sum_of_day_84metrics": ask("select sum(value) from samples", 1),
}))
"#;

pub(crate) fn run(bench: &mut Bench) {
    let name = "peers/duckdb";
    if !bench.wants(name) {
        return;
    }
    let directory = bench.directory();
    let Some(found) = ask(directory.path()) else {
        eprintln!("{name}: not measured: python3, or NANOTDB_PYTHON, has no module duckdb");
        return;
    };
    assert_eq!(found["samples"], SAMPLES_PER_DAY);
    let mut show = |figure: &str, unit| {
        let values = found[figure].as_array().expect("measured").iter().filter_map(Value::as_f64);
        bench.figure(&format!("{name}/{figure}"), unit, values.collect());
    };
    show("bytes", Unit::Bytes);
    show("load", Unit::Millis);
    show("aggregate_day_1h", Unit::Millis);
    show("sum_of_day_1metric", Unit::Millis);
    show("sum_of_day_84metrics", Unit::Millis);
}

/// What the script prints, or nothing where it cannot run.
fn ask(directory: &Path) -> Option<Value> {
    let python = std::env::var_os("NANOTDB_PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", "import duckdb"]).output();
    if !has.is_ok_and(|has| has.status.success()) {
        return None;
    }
    let csv = directory.join("day.csv");
    write(&csv).expect("written");
    let mut script = Command::new(&python);
    let output = script.arg("-c").arg(SCRIPT).arg(&csv).arg(directory.join("day.duckdb")).output();
    let output = output.expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("figures"))
}

fn write(csv: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(csv)?);
    for point in stores::day(Shape::Regular) {
        let (metric, time) = (point.metric, point.time);
        match point.value {
            Sample::I32(value) => writeln!(out, "{metric},{time},{value}")?,
            Sample::F32(value) => writeln!(out, "{metric},{time},{value}")?,
        }
    }
    out.flush()
}
