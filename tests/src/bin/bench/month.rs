//! Thirty days, each phase in a process of its own, so that its memory can be told apart.

use crate::measure::{cpu_seconds, millis, peak_mib, timed};
use crate::report::{Bench, Unit};
use crate::stores::{self, Kind, Wal, create, settings};
use nanotdb::aggregate::{Aggregate, Arithmetic};
use nanotdb::query::{AggregateQuery, RangeQuery};
use nanotdb::settings::{Durability, RawAction};
use nanotdb::{Database, TimeRange, Timestamp};
use nanotdb_tests::workload::{self, DATABASE, SAMPLES_PER_DAY, START, Shape, Workload};
use serde_json::{Value, json};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DAYS: usize = 30;
const DAY_NS: i64 = 86_400_000_000_000;
const CALLS: usize = 5;
const METRIC: usize = 30;

pub(crate) fn run(bench: &mut Bench) {
    if !bench.wants("month") {
        return;
    }
    let root = bench.directory();
    // Later phases need what earlier ones have written.
    let ingest = spawn("ingest", root.path());
    show(bench, &ingest, "month/ingest", Unit::PerSecond);
    show(bench, &ingest, "month/ingest/seconds", Unit::Seconds);
    show(bench, &ingest, "month/ingest/cpu_seconds", Unit::Seconds);
    show(bench, &ingest, "month/ingest/peak_memory", Unit::Mib);
    let bytes = stores::bytes(root.path(), "data-");
    bench.figure("month/data/bytes", Unit::Bytes, vec![bytes as f64]);
    queries(bench, root.path(), "raw");
    let other = stores::copy(bench, root.path());
    build_and_query(bench, root.path(), ["build", "v2"]);
    build_and_query(bench, other.path(), ["build_v3", "v3"]);
}

fn build_and_query(bench: &mut Bench, root: &Path, [build, form]: [&str; 2]) {
    let found = spawn(build, root);
    show(bench, &found, &format!("month/{build}"), Unit::Seconds);
    show(bench, &found, &format!("month/{build}/peak_memory"), Unit::Mib);
    let bytes = if form == "v2" { "month/metric/bytes" } else { "month/metric_v3/bytes" };
    show(bench, &found, bytes, Unit::Bytes);
    queries(bench, root, form);
}

fn queries(bench: &mut Bench, root: &Path, form: &str) {
    let found = spawn(form, root);
    for name in [
        "one_metric_30_days/first_call",
        "one_metric_30_days",
        "1h_windows",
        "1h_windows/nothing_cached",
    ] {
        show(bench, &found, &format!("month/{form}/{name}"), Unit::Millis);
    }
    show(bench, &found, &format!("month/{form}/one_metric_last_day"), Unit::Millis);
    show(bench, &found, &format!("month/{form}/peak_memory_one_metric"), Unit::Mib);
    show(bench, &found, &format!("month/{form}/all_84_metrics"), Unit::Millis);
    show(bench, &found, &format!("month/{form}/peak_memory"), Unit::Mib);
}

fn show(bench: &mut Bench, found: &Value, name: &str, unit: Unit) {
    let values = found[name].as_array().expect("measured").iter().filter_map(Value::as_f64);
    bench.figure(name, unit, values.collect());
}

fn spawn(phase: &str, root: &Path) -> Value {
    let me = std::env::current_exe().expect("a path");
    let output = Command::new(me).args(["child", "month", phase]).arg(root).output();
    let output = output.expect("this program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("figures")
}

/// In another process: does a phase and prints its figures.
pub(crate) fn phase(phase: &str, root: &Path) {
    let figures = match phase {
        "ingest" => ingest(root),
        "build" => build(root, "month/build", "month/metric", Kind::DEFAULT),
        "build_v3" => build(root, "month/build_v3", "month/metric_v3", Kind::V3),
        form => ask(form, root),
    };
    println!("{figures}");
}

/// Samples come from the generator as they are needed, so that memory is the engine's.
fn ingest(root: &Path) -> Value {
    let store = create(root, &settings(Durability::Strict, Wal::Segment));
    let database = store.create_database(DATABASE).expect("a database");
    let names = workload::names();
    let samples = DAYS * SAMPLES_PER_DAY;
    let ((), time) = timed(|| {
        for point in Workload::new(Shape::Regular).take(samples) {
            let name = &names[point.metric];
            database.add(name, Timestamp(point.time), point.value).expect("taken in");
        }
    });
    drop(database);
    store.close().expect("closed");
    json!({
        "month/ingest": [samples as f64 / time.as_secs_f64()],
        "month/ingest/seconds": [time.as_secs_f64()],
        "month/ingest/cpu_seconds": [cpu_seconds()],
        "month/ingest/peak_memory": [peak_mib()],
    })
}

/// Raw pages are dropped, so that queries use the metric files.
fn build(root: &Path, name: &str, metric: &str, kind: Kind) -> Value {
    let store = stores::open(root);
    let database = store.database(DATABASE).expect("there");
    let days = database.partitions();
    assert_eq!(days.len(), DAYS);
    let mut bytes = 0;
    let ((), time) = timed(|| {
        for day in days {
            let options = kind.options(RawAction::Delete);
            bytes += database.build_metric_file(&day, options).expect("built").metric_bytes;
        }
    });
    json!({
        name: [time.as_secs_f64()],
        format!("{name}/peak_memory"): [peak_mib()],
        format!("{metric}/bytes"): [bytes],
    })
}

fn ask(form: &str, root: &Path) -> Value {
    let names = workload::names();
    let metric = names[METRIC].as_str();
    let store = stores::open(root);
    let database = store.database(DATABASE).expect("there");
    let all = days(0, DAYS);
    let mut figures = serde_json::Map::new();
    let mut note = |name: &str, values: Vec<f64>| {
        figures.insert(format!("month/{form}/{name}"), json!(values));
    };
    let one = |range, expected| {
        let time = times(1, || rows(&database, metric, range), expected);
        time[0]
    };
    note("one_metric_30_days/first_call", vec![one(all, DAYS * 8640)]);
    let month = times(CALLS, || rows(&database, metric, all), DAYS * 8640);
    note("one_metric_30_days", month);
    let hours = |database: &Database| times(CALLS, || windows(database, metric, all), DAYS * 24);
    note("1h_windows", hours(&database));
    one(days(DAYS - 1, 1), 8640);
    let last_day = times(CALLS, || rows(&database, metric, days(DAYS - 1, 1)), 8640);
    note("one_metric_last_day", last_day);
    note("peak_memory_one_metric", vec![peak_mib()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let every = || (0..DAYS).map(|day| rows_of_all(&database, &names, days(day, 1))).sum();
    note("all_84_metrics", times(CALLS, every, DAYS * SAMPLES_PER_DAY));
    note("peak_memory", vec![peak_mib()]);
    drop(database);
    store.close().expect("closed");
    let store = stores::open_without_cache(root);
    let database = store.database(DATABASE).expect("there");
    hours(&database); // the files are open from now on
    note("1h_windows/nothing_cached", hours(&database));
    Value::Object(figures)
}

fn times(calls: usize, mut ask: impl FnMut() -> usize, expected: usize) -> Vec<f64> {
    let call = |_| {
        let (rows, time): (usize, Duration) = timed(&mut ask);
        assert_eq!(rows, expected);
        millis(time)
    };
    (0..calls).map(call).collect()
}

fn days(first: usize, count: usize) -> TimeRange {
    let at = |day: usize| START + i64::try_from(day).expect("few") * DAY_NS;
    let (from, to) = (Timestamp(at(first)), Timestamp(at(first + count) - 1));
    TimeRange::new(from, to).expect("in order")
}

fn rows(database: &Database, metric: &str, range: TimeRange) -> usize {
    let mut rows = 0;
    let visit = |batch: nanotdb::query::Batch<'_>| {
        rows += black_box(batch.times).len();
        ControlFlow::Continue(())
    };
    database.visit_range(metric, RangeQuery::all(range), visit).expect("readable");
    rows
}

fn windows(database: &Database, metric: &str, range: TimeRange) -> usize {
    let aggregates = &[Aggregate::Min, Aggregate::Max, Aggregate::Avg];
    let arithmetic = Arithmetic::Exact;
    let query =
        AggregateQuery { range, window_ns: DAY_NS / 24, offset_ns: 0, aggregates, arithmetic };
    let mut count = 0;
    let emit = |bucket: &nanotdb::aggregate::Bucket| {
        count += usize::from(!black_box(&bucket.values).is_empty());
        ControlFlow::Continue(())
    };
    database.aggregate(metric, &query, emit).expect("readable");
    count
}

fn rows_of_all(database: &Database, names: &[&str], range: TimeRange) -> usize {
    let mut rows = 0;
    let visit = |_, batch: nanotdb::query::Batch<'_>| {
        rows += black_box(batch.times).len();
        ControlFlow::Continue(())
    };
    database.visit_many(names, RangeQuery::all(range), visit).expect("readable");
    rows
}
