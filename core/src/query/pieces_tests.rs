//! Answers from statistics against answers from samples.
#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "compares with numbers computed in the same way, of few samples"
)]

use crate::aggregate::{Aggregate, Arithmetic, Bucket, Grid, Windows};
use crate::engine::testing::LocalHost;
use crate::engine::{Database, Row, Target};
use crate::metric_file::Version;
use crate::query::testing::*;
use crate::query::{AggregateQuery, ChartMethod, ChartQuery, RangeQuery, Series};
use crate::storage::MemoryStorage;
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use proptest::prelude::*;

const RUNNING: [Aggregate; 5] =
    [Aggregate::Min, Aggregate::Max, Aggregate::Sum, Aggregate::Avg, Aggregate::Count];

fn aggregate(database: &Database<Local>, metric: &str, query: &AggregateQuery<'_>) -> Vec<Bucket> {
    let mut buckets = vec![];
    let collected = database.aggregate(metric, query, |bucket| {
        buckets.push(bucket.clone());
        ControlFlow::Continue(())
    });
    collected.unwrap();
    buckets
}

/// The same from all samples.
fn naive(all: &Series, query: &AggregateQuery<'_>) -> Vec<Bucket> {
    let grid = Grid::new(query.window_ns, query.offset_ns).unwrap();
    let mut windows = Windows::new(query.range, grid, query.aggregates, query.arithmetic);
    let mut buckets = vec![];
    let mut emit = |bucket: &Bucket| -> Result<(), Infallible> {
        buckets.push(bucket.clone());
        Ok(())
    };
    let inside = within(all, query.range);
    let Ok(()) = windows.add(all.value_type, &inside.times, &inside.raws, &mut emit);
    let Ok(()) = windows.finish(&mut emit);
    buckets
}

fn are_alike(value_type: ValueType, all: &Series, found: &[Bucket], expected: &[Bucket]) -> bool {
    let largest = all.iter().map(|sample| sample.value.as_f64().abs());
    let largest = largest.filter(|value| value.is_finite()).fold(0.0, f64::max);
    // Of each sum, half a unit in the last place of what it may have reached on the way.
    let slack = largest * all.len() as f64 * all.len() as f64 * f64::EPSILON;
    let ends = |bucket: &Bucket| (bucket.start, bucket.end, bucket.values.len());
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            ends(found) == ends(expected)
                && found.values.iter().zip(&expected.values).all(|(a, b)| {
                    let is_same = a == b || a.is_nan() && b.is_nan();
                    is_same || value_type == ValueType::F32 && (a - b).abs() <= slack
                })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn windows_are_those_of_the_samples(
        acts in acts(),
        windows in proptest::collection::vec(
            prop_oneof![
                Just(MINUTE), Just(5 * MINUTE), Just(HOUR), Just(90 * MINUTE), Just(6 * HOUR),
                Just(DAY), Just(8 * DAY), Just(i64::MAX), SECOND..DAY,
            ],
            1..4,
        ),
        ranges in proptest::collection::vec((0_i64..100, 0_i64..100, 0_i64..HOUR, 0_i64..HOUR), 1..4),
    ) {
        let database = database(&acts);
        for (metric, value_type) in [("f", ValueType::F32), ("i", ValueType::I32)] {
            let all = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
            let (Some(&first), Some(&last)) = (all.times.first(), all.times.last()) else { continue };
            let long = last - first;
            let cut = |(from, len, a, b): (i64, i64, i64, i64)| TimeRange {
                from: Timestamp(first + long / 100 * from - a),
                to: Timestamp(first + long / 100 * from - a + long / 100 * len + b),
            };
            for range in ranges.iter().copied().map(cut).chain([TimeRange::ALL]) {
                let found = database.range_query(metric, RangeQuery::all(range)).unwrap();
                prop_assert_eq!(&found.times, &within(&all, range).times);
                prop_assert_eq!(&found.raws, &within(&all, range).raws);
                for &window_ns in &windows {
                    for arithmetic in [Arithmetic::Exact, Arithmetic::Reference] {
                        let offset_ns = if window_ns % 2 == 0 { window_ns / 3 } else { 0 };
                        let aggregates = &RUNNING;
                        let query =
                            AggregateQuery { range, window_ns, offset_ns, aggregates, arithmetic };
                        let found = aggregate(&database, metric, &query);
                        let expected = naive(&all, &query);
                        let is_alike = are_alike(value_type, &all, &found, &expected);
                        prop_assert!(is_alike, "{:?}: {:?}, expected {:?}", query, found, expected);
                    }
                }
            }
        }
    }
}

/// Thirty days at 10 s, each with a metric file that says what is known of its points.
fn thirty_days() -> Arc<Database<Local>> {
    let host = LocalHost::new(MemoryStorage::new);
    let database = open(&host, "day");
    for day in 0..30 {
        let rows = (0..8640).map(|at| Row {
            target: Target::Name("f"),
            time: Timestamp(START + day * DAY + at * 10 * SECOND),
            value: Value::F32(f32::from(i16::try_from(at % 777).unwrap()) / 10.0),
        });
        assert_eq!(database.add_rows(rows).unwrap().accepted, 8640);
    }
    build(&database, NEW, true);
    database
}

/// What a query read of metric files.
fn read<T>(database: &Database<Local>, ask: impl FnOnce() -> T) -> (T, u64, u64) {
    let before = database.stats().metric_files;
    let answer = ask();
    let after = database.stats().metric_files;
    (answer, after.payload_bytes - before.payload_bytes, after.spans - before.spans)
}

#[test]
fn thirty_days_in_hours_read_no_payload() {
    let database = thirty_days();
    let all = TimeRange { from: Timestamp(START), to: Timestamp(START + 30 * DAY - 1) };
    let hours = |range, aggregates| AggregateQuery {
        range,
        window_ns: HOUR,
        offset_ns: 0,
        aggregates,
        arithmetic: Arithmetic::Exact,
    };
    for _ in 0..3 {
        let (buckets, bytes, spans) =
            read(&database, || aggregate(&database, "f", &hours(all, &RUNNING)));
        assert_eq!((buckets.len(), bytes, spans), (720, 0, 720));
    }
    let (_, bytes, spans) =
        read(&database, || aggregate(&database, "f", &hours(all, &[Aggregate::P50])));
    assert!(bytes > 0 && spans == 0, "{bytes} bytes, {spans} spans");
    let (last, bytes, _) = read(&database, || database.last("f").unwrap().unwrap());
    assert_eq!((last.time.0, bytes), (START + 30 * DAY - 10 * SECOND, 0));
    let (chart, bytes, spans) = read(&database, || {
        let points = NonZeroUsize::new(240).unwrap();
        let query = ChartQuery { range: all, points, method: ChartMethod::MinMax };
        database.chart("f", &query).unwrap()
    });
    assert_eq!((bytes, spans, chart.slack_ns), (0, 720, HOUR - 1));
}

#[test]
fn edges_are_decoded_and_nothing_else() {
    let database = thirty_days();
    let range = TimeRange {
        from: Timestamp(START + 10 * MINUTE),
        to: Timestamp(START + 30 * DAY - 10 * MINUTE),
    };
    let query = AggregateQuery {
        range,
        window_ns: HOUR,
        offset_ns: 0,
        aggregates: &RUNNING,
        arithmetic: Arithmetic::Exact,
    };
    let all = database.range_query("f", RangeQuery::all(TimeRange::ALL)).unwrap();
    let (found, bytes, spans) = read(&database, || aggregate(&database, "f", &query));
    assert_eq!((found, spans), (naive(&all, &query), 718));
    let (part, of_part, _) = read(&database, || {
        let day = TimeRange { from: range.from, to: Timestamp(START + DAY - 1) };
        database.range_query("f", RangeQuery::all(day)).unwrap()
    });
    assert_eq!(part.len(), 8640 - 60);
    assert!(0 < bytes && bytes < of_part, "{bytes} bytes of two edges, {of_part} of a day");
}

#[test]
fn a_part_that_is_asked_for_again_and_again_is_read_no_more() {
    let database = thirty_days();
    let hour = |hour: i64| {
        let from = START + hour * HOUR;
        read(&database, || {
            let range = TimeRange { from: Timestamp(from), to: Timestamp(from + HOUR - 1) };
            database.range_query("f", RangeQuery::all(range)).unwrap().len()
        })
    };
    let (points, part, _) = hour(30);
    assert!(points == 360 && part > 0);
    // As soon as the parts come to a day, all of it is kept.
    let asks = (1..24).find(|_| hour(30).1 != part).unwrap();
    assert!((3..10).contains(&asks), "after {asks} asks");
    assert_eq!((hour(30).1, hour(40).1), (0, 0));
    assert!(hour(50).1 > 0, "another day");
}

#[test]
fn frames_that_meet_at_an_instant() {
    let host = LocalHost::new(MemoryStorage::new);
    let database = open(&host, "month");
    // Three frames of at most 65,536 points; ten samples of each instant, one of them in both of
    // two frames.
    let time = |at: i64| START + 1234 * SECOND + at / 10 * SECOND;
    let rows = (0..150_000).map(|at| Row {
        target: Target::Name("i"),
        time: Timestamp(time(at)),
        value: Value::I32(i32::try_from(at % 1013).unwrap()),
    });
    assert_eq!(database.add_rows(rows).unwrap().accepted, 150_000);
    build(&database, NEW, true);
    let all = database.range_query("i", RangeQuery::all(TimeRange::ALL)).unwrap();
    assert_eq!(all.len(), 150_000);
    let range = TimeRange { from: Timestamp(START), to: Timestamp(time(149_000)) };
    for window_ns in [MINUTE, HOUR, DAY] {
        let query = AggregateQuery {
            range,
            window_ns,
            offset_ns: 0,
            aggregates: &RUNNING,
            arithmetic: Arithmetic::Exact,
        };
        let (found, bytes, spans) = read(&database, || aggregate(&database, "i", &query));
        assert_eq!(found, naive(&all, &query));
        assert!(bytes > 0 && spans > 100, "{bytes} bytes, {spans} spans");
    }
}

#[test]
fn a_hole_of_a_frame_has_samples_of_another_partition() {
    // In a file of its month there are samples between two spans of a file of their day.
    let add = |gap, step, count| Act::Add { ints: true, gap, step, count, values: 1 };
    let acts = [
        add(0, 10 * SECOND, 2000),
        Act::Repartition,
        add(2 * HOUR, SECOND, 100),
        Act::Build { version: Version::V2, delete: false },
        Act::Repartition,
        add(2 * HOUR, 10 * SECOND, 2000),
        Act::Build { version: NEW, delete: false },
    ];
    let database = database(&acts);
    let all = database.range_query("i", RangeQuery::all(TimeRange::ALL)).unwrap();
    assert_eq!(all.len(), 4100);
    for window_ns in [HOUR, DAY] {
        let query = AggregateQuery {
            range: TimeRange::ALL,
            window_ns,
            offset_ns: 0,
            aggregates: &RUNNING,
            arithmetic: Arithmetic::Exact,
        };
        let (found, _, spans) = read(&database, || aggregate(&database, "i", &query));
        assert_eq!(found, naive(&all, &query));
        assert!(spans > 0);
    }
}
