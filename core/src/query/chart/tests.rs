//! Charts against the same from all samples.
#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "compares with numbers computed in the same way, of few samples"
)]

use super::{Chart, ChartMethod, ChartQuery, slice_ns};
use crate::query::testing::*;
use crate::query::{RangeQuery, Series};
use crate::types::{TimeRange, Timestamp, ValueType};
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use proptest::prelude::*;

fn values(series: &Series) -> Vec<f64> {
    series.iter().map(|sample| sample.value.as_f64()).collect()
}

/// Positions of the samples of each slice.
fn slices(all: &Series, slice_ns: i64) -> Vec<Vec<usize>> {
    let mut slices: Vec<Vec<usize>> = vec![];
    for at in 0..all.len() {
        let slice = |at: usize| all.times[at].div_euclid(slice_ns);
        match slices.last_mut().filter(|slice_of| slice(slice_of[0]) == slice(at)) {
            Some(last) => last.push(at),
            None => slices.push(vec![at]),
        }
    }
    slices
}

/// The first of the smallest, and the first of the largest.
fn extremes(values: &[f64], slice: &[usize]) -> Option<(usize, usize)> {
    let numbers = slice.iter().copied().filter(|&at| !values[at].is_nan());
    let least = numbers.clone().reduce(|a, b| if values[b] < values[a] { b } else { a })?;
    let greatest = numbers.reduce(|a, b| if values[b] > values[a] { b } else { a })?;
    Some((least, greatest))
}

/// Positions of what each slice comes to.
fn min_max(all: &Series, slice_ns: i64) -> Vec<Vec<usize>> {
    let values = values(all);
    let of_slice = |slice: Vec<usize>| {
        let (first, last) = (slice[0], slice[slice.len() - 1]);
        let mut kept = vec![first];
        if let Some((least, greatest)) = extremes(&values, &slice) {
            let is_new = |at: usize| values[at] != values[first] && values[at] != values[last];
            let mut between: Vec<usize> =
                [least, greatest].into_iter().filter(|&at| is_new(at)).collect();
            between.sort_unstable();
            between.dedup_by_key(|at| values[*at].to_bits());
            kept.extend(between);
        }
        kept.extend((last != first).then_some(last));
        kept
    };
    slices(all, slice_ns).into_iter().map(of_slice).collect()
}

/// Positions of what is left.
fn lttb(all: &Series, range: TimeRange, points: NonZeroUsize) -> Vec<usize> {
    let values = values(all);
    let mut left: Vec<usize> = (0..all.len()).filter(|&at| values[at].is_finite()).collect();
    if left.len() > 4 * points.get() {
        let finite = Series {
            value_type: all.value_type,
            times: left.iter().map(|&at| all.times[at]).collect(),
            raws: left.iter().map(|&at| all.raws[at]).collect(),
        };
        let slice_ns = slice_ns(range, points.saturating_mul(NonZeroUsize::new(2).unwrap()));
        let values: Vec<f64> = left.iter().map(|&at| values[at]).collect();
        let mut kept = vec![0, left.len() - 1];
        for slice in slices(&finite, slice_ns) {
            let (least, greatest) = extremes(&values, &slice).unwrap();
            kept.extend([least, greatest]);
        }
        kept.sort_unstable();
        kept.dedup();
        left = kept.into_iter().map(|at| left[at]).collect();
    }
    let wanted = points.get().max(2);
    if left.len() <= wanted {
        return left;
    }
    let x = |at: usize| (all.times[at] - all.times[left[0]]) as f64;
    let (count, buckets) = (left.len(), wanted - 2);
    // Where a bucket begins: the one behind the last is the last point.
    let start = |bucket: usize| {
        if bucket >= buckets { count - 1 } else { 1 + bucket * (count - 2) / buckets }
    };
    let mut kept = vec![left[0]];
    for bucket in 0..buckets {
        let a = kept[bucket];
        let behind = if bucket + 1 == buckets { count } else { start(bucket + 2) };
        let behind = &left[start(bucket + 1)..behind];
        let mean_x = behind.iter().map(|&at| x(at)).sum::<f64>() / behind.len() as f64;
        let mean_y = behind.iter().map(|&at| values[at]).sum::<f64>() / behind.len() as f64;
        let mut best = (f64::NEG_INFINITY, 0);
        for &b in &left[start(bucket)..start(bucket + 1)] {
            let area =
                (x(a) - mean_x) * (values[b] - values[a]) - (x(a) - x(b)) * (mean_y - values[a]);
            if area.abs() > best.0 {
                best = (area.abs(), b);
            }
        }
        kept.push(best.1);
    }
    kept.push(left[count - 1]);
    kept
}

/// Whether a chart has what each slice comes to, as far as it says where.
fn is_min_max(chart: &Chart, all: &Series, slice_ns: i64) -> bool {
    let expected = min_max(all, slice_ns);
    let (found, values) = (slices(&chart.series, slice_ns), values(all));
    let found_values = self::values(&chart.series);
    let slack = chart.slack_ns;
    chart.series.times.is_sorted()
        && found.len() == expected.len()
        && found.iter().zip(&expected).all(|(found, expected)| {
            let same = |found: usize, expected: usize| {
                let (a, b) = (found_values[found], values[expected]);
                a == b || a.is_nan() && b.is_nan()
            };
            let near = |found: usize| {
                all.times.iter().enumerate().any(|(at, time)| {
                    same(found, at)
                        && time.abs_diff(chart.series.times[found]) <= slack.cast_unsigned()
                })
            };
            let ends = |places: &[usize]| (places[0], places[places.len() - 1]);
            let (first, last) = ends(found);
            let (expected_first, expected_last) = ends(expected);
            let sorted = |places: &[usize], values: &[f64]| {
                let mut sorted: Vec<f64> = places.iter().map(|&at| values[at]).collect();
                sorted.sort_unstable_by(f64::total_cmp);
                sorted
            };
            let mut pairs = found.iter().zip(expected);
            let in_place = pairs.all(|(&found, &at)| chart.series.times[found] == all.times[at]);
            let alike = sorted(found, &found_values)
                .iter()
                .zip(&sorted(expected, &values))
                .all(|(a, b)| a == b || a.is_nan() && b.is_nan());
            found.len() == expected.len()
                && same(first, expected_first)
                && same(last, expected_last)
                && alike
                && (slack > 0 || in_place)
                && found.iter().all(|&at| near(at))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn charts_are_those_of_the_samples(
        acts in acts(),
        points in 1_usize..300,
        ranges in proptest::collection::vec((0_i64..100, 0_i64..100, 0_i64..HOUR), 1..4),
    ) {
        let database = database(&acts);
        let points = NonZeroUsize::new(points).unwrap();
        for metric in ["f", "i"] {
            let all = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
            let (Some(&first), Some(&last)) = (all.times.first(), all.times.last()) else { continue };
            let long = last - first;
            let cut = |(from, len, a): (i64, i64, i64)| TimeRange {
                from: Timestamp(first + long / 100 * from - a),
                to: Timestamp(first + long / 100 * (from + len)),
            };
            for range in ranges.iter().copied().map(cut).chain([TimeRange::ALL]) {
                let inside = within(&all, range);
                let chart = |method| database.chart(metric, &ChartQuery { range, points, method });
                let found = chart(ChartMethod::MinMax).unwrap();
                let slice_ns = slice_ns(range, points);
                prop_assert!(
                    is_min_max(&found, &inside, slice_ns),
                    "{found:?}, expected {:?}", min_max(&inside, slice_ns)
                );
                let found = chart(ChartMethod::Lttb).unwrap();
                let kept = lttb(&inside, range, points);
                let times: Vec<i64> = kept.iter().map(|&at| inside.times[at]).collect();
                let raws: Vec<u32> = kept.iter().map(|&at| inside.raws[at]).collect();
                prop_assert_eq!(found.series, Series { times, raws, ..inside.clone() });
                prop_assert_eq!(found.slack_ns, 0);
            }
        }
    }

    #[test]
    fn slices_are_a_share_of_the_range_or_a_little_more(
        from in any::<i64>(),
        to in any::<i64>(),
        points in 1_usize..5000,
    ) {
        let range = TimeRange { from: Timestamp(from.min(to)), to: Timestamp(from.max(to)) };
        let slice = slice_ns(range, NonZeroUsize::new(points).unwrap());
        let share = (i128::from(range.to.0) - i128::from(range.from.0) + 1) as f64 / points as f64;
        prop_assert!(slice as f64 >= share.min(i64::MAX as f64) * 0.999_999, "{slice} {share}");
        prop_assert!(slice as f64 <= share * 1.500_001 + 1.0, "{slice} {share}");
    }
}

#[test]
fn slices_are_of_round_lengths() {
    let slices = |range_s: i64, points: usize| {
        let range = TimeRange { from: Timestamp(0), to: Timestamp(range_s * SECOND - 1) };
        slice_ns(range, NonZeroUsize::new(points).unwrap())
    };
    assert_eq!(slices(365 * 86_400, 1000), 9 * HOUR);
    assert_eq!(slices(30 * 86_400, 1000), 45 * MINUTE);
    assert_eq!(slices(30 * 86_400, 300), 3 * HOUR);
    assert_eq!(slices(86_400, 1000), 90 * SECOND);
    assert_eq!(slices(1500, 1000), 3 * SECOND / 2, "shorter than two seconds: as it comes");
    assert_eq!(slices(1, 1), SECOND);
}

#[test]
fn a_constant_is_its_first_and_last_of_each_slice() {
    let add = Act::Add { ints: true, gap: 0, step: SECOND, count: 1, values: 1 };
    let acts: Vec<Act> = (0..4).map(|_| add.clone()).collect();
    let database = database(&acts);
    let range = TimeRange { from: Timestamp(0), to: Timestamp(i64::MAX) };
    let query = ChartQuery { range, points: NonZeroUsize::MIN, method: ChartMethod::MinMax };
    let chart = database.chart("i", &query).unwrap();
    assert_eq!((chart.series.raws, chart.slack_ns), (vec![(-500_i32).cast_unsigned(); 2], 0));
    let none = database.chart("unknown", &query).unwrap();
    assert_eq!((none.series.value_type, none.series.len()), (ValueType::F32, 0));
}
