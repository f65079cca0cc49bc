//! Answers from statistics against answers from samples.

use crate::aggregate::{Aggregate, Arithmetic, Bucket, Windows};
use crate::engine::Database;
use crate::query::testing::*;
use crate::query::{AggregateQuery, RangeQuery, Series};
use crate::types::{TimeRange, Timestamp, ValueType};
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
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
    let mut windows =
        Windows::new(query.range, query.window_ns, query.aggregates, query.arithmetic);
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
                        let query =
                            AggregateQuery { range, window_ns, aggregates: &RUNNING, arithmetic };
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
