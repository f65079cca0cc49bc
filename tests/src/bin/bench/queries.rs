//! Asking a day.

use crate::measure::{millis, timed};
use crate::report::{Bench, Unit};
use crate::stores::{self, Kind, Wal, create, day, settings};
use nanotdb::aggregate::{Aggregate, Arithmetic};
use nanotdb::compress::CodecId;
use nanotdb::engine::Row;
use nanotdb::metric_file::Version;
use nanotdb::query::{AggregateQuery, RangeQuery, Series};
use nanotdb::settings::Durability;
use nanotdb::{Database, TimeRange, Timestamp};
use nanotdb_tests::workload::{self, DATABASE, METRICS, Point, SAMPLES_PER_DAY, START, Shape};
use std::cell::OnceCell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const CALLS: usize = 21;
/// A gauge, and a counter for what asks for integers.
const FLOAT: usize = 30;
const INTEGER: usize = 5;
const BASIC: [Aggregate; 5] =
    [Aggregate::Min, Aggregate::Max, Aggregate::Sum, Aggregate::Avg, Aggregate::Count];

/// One question, and how many rows answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    Day1hAll,
    Day1mAll,
    Day1mBasic,
    Each84Day,
    Day,
    DayInteger,
    DayStride60,
    Hour,
    Many84Day,
    Many84Hour,
}

impl Query {
    const ALL: [Self; 10] = [
        Self::Day1hAll,
        Self::Day1mAll,
        Self::Day1mBasic,
        Self::Each84Day,
        Self::Day,
        Self::DayInteger,
        Self::DayStride60,
        Self::Hour,
        Self::Many84Day,
        Self::Many84Hour,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Day1hAll => "aggregate_day_1h_all",
            Self::Day1mAll => "aggregate_day_1m_all",
            Self::Day1mBasic => "aggregate_day_1m_basic5",
            Self::Each84Day => "each_of_84_metrics_day_separately",
            Self::Day => "query_range_day_1metric",
            Self::DayInteger => "query_range_day_1metric_int",
            Self::DayStride60 => "query_range_day_1metric_stride60",
            Self::Hour => "query_range_hour_1metric",
            Self::Many84Day => "query_range_many84_day",
            Self::Many84Hour => "query_range_many84_hour",
        }
    }

    const fn rows(self) -> usize {
        match self {
            Self::Day1hAll => 24 * 11,
            Self::Day1mAll => 1440 * 11,
            Self::Day1mBasic => 1440 * 5,
            Self::Each84Day | Self::Many84Day => SAMPLES_PER_DAY,
            Self::Day | Self::DayInteger => 8640,
            Self::DayStride60 => 144,
            Self::Hour => 360,
            Self::Many84Hour => 360 * METRICS,
        }
    }

    fn ask(self, database: &Database, names: &[String]) -> Answer {
        let every = |n| NonZeroUsize::new(n).expect("more than 0");
        let one = |metric: usize, range, stride| {
            let query = RangeQuery { range, stride: every(stride) };
            let series = database.range_query(&names[metric], query).expect("readable");
            Answer::Series(vec![series])
        };
        let many = |range| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Answer::Series(database.range_many(&names, RangeQuery::all(range)).expect("readable"))
        };
        match self {
            Self::Day1hAll => windows(database, &names[FLOAT], HOUR, &all_aggregates()),
            Self::Day1mAll => windows(database, &names[FLOAT], HOUR / 60, &all_aggregates()),
            Self::Day1mBasic => windows(database, &names[FLOAT], HOUR / 60, &BASIC),
            Self::Each84Day => {
                // Each answer is let go before the next question.
                let count = |name: &String| {
                    let query = RangeQuery::all(whole_day());
                    black_box(database.range_query(name, query).expect("readable")).len()
                };
                Answer::Rows(names.iter().map(count).sum())
            }
            Self::Day => one(FLOAT, whole_day(), 1),
            Self::DayInteger => one(INTEGER, whole_day(), 1),
            Self::DayStride60 => one(FLOAT, whole_day(), 60),
            Self::Hour => one(FLOAT, noon(), 1),
            Self::Many84Day => many(whole_day()),
            Self::Many84Hour => many(noon()),
        }
    }
}

/// All names, so that aliases are computed twice, as the reference does.
fn all_aggregates() -> Vec<Aggregate> {
    Aggregate::NAMES.iter().map(|name| name.parse().expect("a name")).collect()
}

fn whole_day() -> TimeRange {
    range(START, START + 24 * HOUR - 1)
}

fn noon() -> TimeRange {
    range(START + 12 * HOUR, START + 13 * HOUR - 1)
}

fn range(from: i64, to: i64) -> TimeRange {
    TimeRange::new(Timestamp(from), Timestamp(to)).expect("in order")
}

enum Answer {
    Series(Vec<Series>),
    /// Start of a window, and its values.
    Windows(Vec<i64>, Vec<f64>),
    Rows(usize),
}

impl Answer {
    fn rows(&self) -> usize {
        match self {
            Self::Series(series) => series.iter().map(Series::len).sum(),
            Self::Windows(_, values) => values.len(),
            Self::Rows(rows) => *rows,
        }
    }
}

fn windows(database: &Database, metric: &str, window_ns: i64, aggregates: &[Aggregate]) -> Answer {
    let arithmetic = Arithmetic::Exact;
    let query =
        AggregateQuery { range: whole_day(), window_ns, offset_ns: 0, aggregates, arithmetic };
    let (mut starts, mut values) = (vec![], vec![]);
    let emit = |bucket: &nanotdb::aggregate::Bucket| {
        starts.push(bucket.start.0);
        values.extend_from_slice(&bucket.values);
        ControlFlow::Continue(())
    };
    database.aggregate(metric, &query, emit).expect("readable");
    Answer::Windows(starts, values)
}

/// One day in one form.
struct Form {
    name: String,
    shape: Shape,
    /// Raw pages when there is none.
    kind: Option<Kind>,
}

fn forms() -> Vec<Form> {
    let raw = |shape, name: &str| Form { name: format!("{name}/raw_dat"), shape, kind: None };
    let metric = |shape, name: &str, kind: Kind| {
        let name = format!("{name}/metric_{}", kind.name());
        Form { name, shape, kind: Some(kind) }
    };
    let mut forms =
        vec![raw(Shape::Regular, "regular"), metric(Shape::Regular, "regular", Kind::V3)];
    let v2 = |codec| metric(Shape::Regular, "regular", Kind { version: Version::V2, codec });
    forms.extend(CodecId::ALL.map(v2));
    let v1 = Kind { version: Version::V1, ..Kind::DEFAULT };
    forms.push(metric(Shape::Regular, "regular", v1));
    forms.push(raw(Shape::Stagger, "stagger"));
    forms.push(metric(Shape::Stagger, "stagger", Kind::V3));
    forms.push(metric(Shape::Stagger, "stagger", Kind::DEFAULT));
    forms
}

pub(crate) fn run(bench: &mut Bench) {
    let raw = [const { OnceCell::<TempDir>::new() }; 3];
    for form in forms() {
        let store = OnceCell::new();
        let points = OnceCell::new();
        for query in Query::ALL {
            let like = format!("queries/{}/{}", form.name, query.name());
            let cached = format!("{like}/cached");
            let first = format!("{like}/first_touch");
            let (cached_wanted, first_wanted) = (bench.wants(&cached), bench.wants(&first));
            if !cached_wanted && !first_wanted {
                continue;
            }
            let root = store.get_or_init(|| form.make(bench, &raw[form.shape as usize])).path();
            let points = points.get_or_init(|| day(form.shape));
            if cached_wanted {
                let times = ask_again(root, query, points);
                bench.figure_like(&cached, &like, Unit::Millis, times, vec![]);
            }
            if first_wanted {
                let times = ask_first(root, query);
                bench.figure_like(&first, &like, Unit::Millis, times, vec![]);
            }
        }
        let name = format!("queries/{}/first_call_in_a_fresh_process", form.name);
        if bench.wants(&name) {
            let root = store.get_or_init(|| form.make(bench, &raw[form.shape as usize])).path();
            let times = (0..CALLS).map(|_| in_a_fresh_process(root)).collect();
            bench.figure(&name, Unit::Millis, times);
        }
    }
    open_page(bench);
}

impl Form {
    fn make(&self, bench: &Bench, raw: &OnceCell<TempDir>) -> TempDir {
        let raw = raw.get_or_init(|| stores::raw_day(bench, self.shape)).path();
        match self.kind {
            None => stores::copy(bench, raw),
            Some(kind) => stores::metric_day(bench, raw, kind),
        }
    }
}

/// With whatever earlier calls have left in the caches.
fn ask_again(root: &Path, query: Query, points: &[Point]) -> Vec<f64> {
    let names = workload::names();
    let store = stores::open(root);
    let database = store.database(DATABASE).expect("there");
    check(query, &query.ask(&database, &names), points);
    for _ in 0..2 {
        black_box(query.ask(&database, &names));
    }
    (0..CALLS).map(|_| ask(query, &database, &names)).collect()
}

/// Each call in a store just opened; the system has the files in memory.
fn ask_first(root: &Path, query: Query) -> Vec<f64> {
    let names = workload::names();
    let call = |_| {
        let store = stores::open(root);
        let database = store.database(DATABASE).expect("there");
        ask(query, &database, &names)
    };
    (0..CALLS).map(call).collect()
}

/// Milliseconds of one call, with letting its answer go.
fn ask(query: Query, database: &Database, names: &[String]) -> f64 {
    let (rows, time) = timed(|| black_box(query.ask(database, names)).rows());
    assert_eq!(rows, query.rows());
    millis(time)
}

/// Compares an answer with the workload.
fn check(query: Query, answer: &Answer, points: &[Point]) {
    assert_eq!(answer.rows(), query.rows(), "{query:?}");
    let of = |metric: usize| points.iter().filter(move |point| point.metric == metric);
    match answer {
        Answer::Rows(_) => {}
        Answer::Windows(starts, values) => {
            let windows = starts.len();
            assert!(starts.is_sorted());
            if query == Query::Day1mBasic {
                let counted: f64 = values.chunks(5).map(|window| window[4]).sum();
                assert!((counted - of(FLOAT).count() as f64).abs() < 0.5, "{windows} windows");
            }
        }
        Answer::Series(series) => {
            let (range, stride) = match query {
                Query::Hour | Query::Many84Hour => (noon(), 1),
                Query::DayStride60 => (whole_day(), 60),
                _ => (whole_day(), 1),
            };
            for (i, series) in series.iter().enumerate() {
                let metric = match query {
                    Query::Many84Day | Query::Many84Hour => i,
                    Query::DayInteger => INTEGER,
                    _ => FLOAT,
                };
                let inside = of(metric).filter(|point| range.contains(Timestamp(point.time)));
                let expected = inside.step_by(stride).map(|p| (p.time, p.value.to_raw()));
                let found = series.times.iter().copied().zip(series.raws.iter().copied());
                assert!(found.eq(expected), "{query:?}: other samples than the workload's");
            }
        }
    }
}

fn in_a_fresh_process(root: &Path) -> f64 {
    let me = std::env::current_exe().expect("a path");
    let output = Command::new(me).args(["child", "first-call"]).arg(root).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().parse().expect("a number")
}

/// In the fresh process: opens, asks once, prints milliseconds.
pub(crate) fn first_call(root: &Path) {
    let names = workload::names();
    let (rows, time) = timed(|| {
        let store = stores::open(root);
        let database = store.database(DATABASE).expect("there");
        let rows = black_box(Query::Day.ask(&database, &names)).rows();
        (rows, store)
    });
    assert_eq!(rows.0, Query::Day.rows());
    println!("{}", millis(time));
}

/// Queries for what is not yet in a file.
fn open_page(bench: &mut Bench) {
    let (last, minute) = ("queries/open_page/query_last", "queries/open_page/last_minute");
    let (wants_last, wants_minute) = (bench.wants(last), bench.wants(minute));
    if !wants_last && !wants_minute {
        return;
    }
    let root = bench.directory();
    let names = workload::names();
    let store = create(root.path(), &settings(Durability::Strict, Wal::Segment));
    let database = store.create_database(DATABASE).expect("a database");
    // 89 pages' worth ends with one nearly full.
    let points = day(Shape::Regular);
    let points = &points[..9_072 * 10 + 84 * 107];
    for batch in points.chunks(METRICS) {
        let rows: Vec<Row<'_>> = batch.iter().map(|point| stores::row(&names, point)).collect();
        assert!(database.add_rows(rows).expect("taken in").rejected.is_empty());
    }
    let newest = points.last().expect("some").time;
    if wants_last {
        const LOOPS: usize = 100_000;
        let call = |_| {
            let ((), time) = timed(|| {
                for i in 0..LOOPS {
                    let found = database.last(black_box(&names[i % METRICS])).expect("readable");
                    assert_eq!(black_box(found).expect("there").time.0, newest);
                }
            });
            time.as_secs_f64() * 1e9 / LOOPS as f64
        };
        let times = (0..CALLS).map(call).collect();
        bench.figure(last, Unit::Nanos, times);
    }
    if wants_minute {
        let call = |_| {
            let (from, to) = (Timestamp(newest - 60 * SECOND), Timestamp(newest));
            let (found, time) = timed(|| database.range(&names[FLOAT], from, to));
            assert_eq!(black_box(found).expect("readable").len(), 7);
            millis(time)
        };
        let times = (0..CALLS).map(call).collect();
        bench.figure(minute, Unit::Millis, times);
    }
}
