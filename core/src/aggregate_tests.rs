use super::*;
use alloc::vec;
use core::convert::Infallible;
use proptest::prelude::*;

const ALL: [Aggregate; 10] = [
    Aggregate::Min,
    Aggregate::Max,
    Aggregate::Sum,
    Aggregate::Avg,
    Aggregate::Count,
    Aggregate::P50,
    Aggregate::Median,
    Aggregate::P95,
    Aggregate::P99,
    Aggregate::TrimmedAvg,
];
const RUNNING: [Aggregate; 5] =
    [Aggregate::Min, Aggregate::Max, Aggregate::Sum, Aggregate::Avg, Aggregate::Count];

/// The query under test: samples of one metric, in time order.
#[derive(Debug, Clone)]
struct Query<'a> {
    range: (i64, i64),
    window_ns: i64,
    offset_ns: i64,
    aggregates: &'a [Aggregate],
    arithmetic: Arithmetic,
    value_type: ValueType,
}

impl Query<'_> {
    /// Feeds the samples in batches that end at `cuts`.
    fn run(&self, times: &[i64], raws: &[u32], cuts: &[usize]) -> Vec<Bucket> {
        let range = TimeRange { from: Timestamp(self.range.0), to: Timestamp(self.range.1) };
        let grid = Grid::new(self.window_ns, self.offset_ns).unwrap();
        let mut windows = Windows::new(range, grid, self.aggregates, self.arithmetic);
        let mut buckets = vec![];
        let mut emit = |bucket: &Bucket| -> Result<(), Infallible> {
            buckets.push(bucket.clone());
            Ok(())
        };
        let mut done = 0;
        for end in cuts.iter().copied().chain([times.len()]).map(|cut| cut.min(times.len())) {
            let end = end.max(done);
            let Ok(()) =
                windows.add(self.value_type, &times[done..end], &raws[done..end], &mut emit);
            done = end;
        }
        let Ok(()) = windows.finish(&mut emit);
        buckets
    }

    /// The same from the definitions, in 128 bits.
    fn naive(&self, times: &[i64], raws: &[u32]) -> Vec<(i128, i128, Vec<f64>)> {
        let (width, offset) = (i128::from(self.window_ns), i128::from(self.offset_ns));
        let key_of = |time: i64| (i128::from(time) - offset).div_euclid(width);
        let mut keys: Vec<i128> = times.iter().map(|&time| key_of(time)).collect();
        keys.dedup();
        keys.iter()
            .map(|&key| {
                let inside: Vec<u32> = times
                    .iter()
                    .zip(raws)
                    .filter(|(time, _)| key_of(**time) == key)
                    .map(|(_, raw)| *raw)
                    .collect();
                let start = (key * width + offset).max(i128::from(self.range.0));
                let end = ((key + 1) * width + offset).min(i128::from(self.range.1));
                (
                    start,
                    end,
                    self.aggregates.iter().map(|a| self.naive_value(*a, &inside)).collect(),
                )
            })
            .collect()
    }

    fn naive_value(&self, aggregate: Aggregate, raws: &[u32]) -> f64 {
        let running = self.aggregates.iter().all(|aggregate| RUNNING.contains(aggregate));
        let (value_type, exact) = (self.value_type, self.arithmetic == Arithmetic::Exact);
        let as_f32 = |raw: &u32| match value_type {
            ValueType::I32 => to_f32(raw.cast_signed()),
            ValueType::F32 => f32::from_bits(*raw),
        };
        let values: Vec<f64> = match (value_type, exact) {
            (ValueType::I32, true) => raws.iter().map(|raw| f64::from(raw.cast_signed())).collect(),
            _ => raws.iter().map(|raw| f64::from(as_f32(raw))).collect(),
        };
        if exact {
            naive_exact(aggregate, &values)
        } else {
            naive_reference(aggregate, running, &values)
        }
    }
}

fn naive_exact(aggregate: Aggregate, values: &[f64]) -> f64 {
    let mut numbers: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let sum = numbers.iter().fold(0.0, |sum, value| sum + value);
    let count = f64::from(u32::try_from(numbers.len()).unwrap());
    if aggregate == Aggregate::Count {
        return count;
    }
    numbers.sort_by(f64::total_cmp);
    let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return f64::NAN };
    match aggregate {
        Aggregate::Min => first,
        Aggregate::Max => last,
        Aggregate::Sum => sum,
        Aggregate::Avg => sum / count,
        Aggregate::P50 | Aggregate::Median => naive_percentile(&numbers, 0.5),
        Aggregate::P95 => naive_percentile(&numbers, 0.95),
        Aggregate::P99 => naive_percentile(&numbers, 0.99),
        _ => naive_trimmed(&numbers),
    }
}

fn naive_percentile(sorted: &[f64], q: f64) -> f64 {
    let position = f64::from(u32::try_from(sorted.len() - 1).unwrap()) * q;
    let low = (0..sorted.len()).rev().find(|&n| f64::from(u32::try_from(n).unwrap()) <= position);
    let low = low.unwrap();
    let weight = position - f64::from(u32::try_from(low).unwrap());
    let (a, b) = (sorted[low], sorted[(low + 1).min(sorted.len() - 1)]);
    if weight <= 0.0 || a.to_bits() == b.to_bits() {
        a
    } else if a.is_infinite() || b.is_infinite() {
        a + b
    } else {
        a + (b - a) * weight
    }
}

fn naive_trimmed(sorted: &[f64]) -> f64 {
    let cut = match sorted.len() {
        0..=2 => 0,
        3..=19 => 1,
        len => len / 20,
    };
    let kept = &sorted[cut..sorted.len() - cut];
    kept.iter().sum::<f64>() / f64::from(u32::try_from(kept.len()).unwrap())
}

/// What the reference computes, as a loop over `f32` and as one over a list.
fn naive_reference(aggregate: Aggregate, running: bool, values: &[f64]) -> f64 {
    let points: Vec<f32> = values.iter().map(|value| narrow(*value)).collect();
    let count = to_f32(i32::try_from(points.len()).unwrap());
    let (mut min, mut max) = if running { (points[0], points[0]) } else { (f32::MAX, f32::MIN) };
    for &point in &points {
        if point < min {
            min = point;
        }
        if point > max {
            max = point;
        }
    }
    let sum32 = points.iter().fold(0.0_f32, |sum, point| sum + point);
    let sum64 = values.iter().fold(0.0, |sum, value| sum + value);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let result = match aggregate {
        Aggregate::Min => min,
        Aggregate::Max => max,
        Aggregate::Sum if running => sum32,
        Aggregate::Avg if running => sum32 / count,
        Aggregate::Sum => narrow(sum64),
        Aggregate::Avg => narrow(sum64 / f64::from(count)),
        Aggregate::Count => count,
        Aggregate::TrimmedAvg => narrow(naive_trimmed(&sorted)),
        Aggregate::P50 | Aggregate::Median => narrow(reference_percentile(&sorted, 0.5)),
        Aggregate::P95 => narrow(reference_percentile(&sorted, 0.95)),
        Aggregate::P99 => narrow(reference_percentile(&sorted, 0.99)),
    };
    f64::from(result)
}

/// Equal, where any NaN equals any other and the zeros do as well.
fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.partial_cmp(b).map_or(a.is_nan() && b.is_nan(), core::cmp::Ordering::is_eq)
        })
}

fn floats(points: &[f32]) -> Vec<u32> {
    points.iter().map(|point| point.to_bits()).collect()
}

fn exact(aggregates: &[Aggregate], points: &[f32]) -> Vec<f64> {
    values_of(aggregates, points, Arithmetic::Exact)
}

fn values_of(aggregates: &[Aggregate], points: &[f32], arithmetic: Arithmetic) -> Vec<f64> {
    let query = Query {
        range: (0, i64::MAX),
        window_ns: i64::MAX,
        offset_ns: 0,
        aggregates,
        arithmetic,
        value_type: ValueType::F32,
    };
    let times = vec![0; points.len()];
    query.run(&times, &floats(points), &[]).remove(0).values
}

#[test]
fn names_are_sorted_and_parse_to_what_they_name() {
    assert!(Aggregate::NAMES.is_sorted());
    for aggregate in ALL {
        assert_eq!(aggregate.name().parse(), Ok(aggregate));
    }
    assert_eq!("trimmed_average".parse(), Ok(Aggregate::TrimmedAvg));
    assert_eq!("AVG".parse::<Aggregate>(), Err(UnknownAggregate));
}

#[test]
fn charts_show_averages_by_default() {
    assert_eq!(Aggregate::default().name(), "avg");
}

#[test]
fn numbers_by_hand() {
    let points = [4.0, 1.0, 3.0, 2.0];
    let expected = [1.0, 4.0, 10.0, 2.5, 4.0, 2.5, 2.5, 3.85, 3.97, 2.5];
    let found = exact(&ALL, &points);
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    assert_eq!(compute(Aggregate::P95, &points), Some(found[7]));
    assert_eq!(compute(Aggregate::Min, &[]), None);
}

#[test]
fn the_trimmed_mean_cuts_one_or_a_twentieth() {
    let mean_of = |len: u16| {
        let points: Vec<f32> = (0..len).map(|n| f32::from(n) * f32::from(n)).collect();
        exact(&[Aggregate::TrimmedAvg], &points)[0]
    };
    let mean = |from: u32, to: u32| {
        (from..to).map(|n| f64::from(n * n)).sum::<f64>() / f64::from(to - from)
    };
    for (len, from, to) in
        [(1, 0, 1), (2, 0, 2), (3, 1, 2), (19, 1, 18), (20, 1, 19), (39, 1, 38), (40, 2, 38)]
    {
        assert!((mean_of(len) - mean(from, to)).abs() < 1e-9, "{len}");
    }
}

#[test]
fn d14_nan_is_no_measurement_so_the_sum_is_the_average_times_the_count() {
    let found = exact(&ALL, &[f32::NAN, 2.0, f32::NAN, 4.0]);
    assert_eq!(found[..7], [2.0, 4.0, 6.0, 3.0, 2.0, 3.0, 3.0]);
    let nothing = exact(&ALL, &[f32::NAN, f32::NAN]);
    let is_right = |at: usize, value: f64| if at == 4 { value == 0.0 } else { value.is_nan() };
    assert!(nothing.iter().enumerate().all(|(at, value)| is_right(at, *value)), "{nothing:?}");
}

#[test]
fn infinities_are_values() {
    let (inf, neg) = (f64::INFINITY, f64::NEG_INFINITY);
    let median = |points: &[f32]| exact(&[Aggregate::P50], points)[0];
    assert!(same(&[median(&[f32::INFINITY, f32::INFINITY])], &[inf]));
    assert!(same(&[median(&[f32::NEG_INFINITY, 5.0])], &[neg]));
    assert!(same(&[median(&[5.0, f32::INFINITY])], &[inf]));
    assert!(median(&[f32::NEG_INFINITY, f32::INFINITY]).is_nan(), "nothing lies between");
}

#[test]
fn the_reference_keeps_two_kinds_of_sum() {
    let points = [16_777_216.0, 1.0, 1.0, 1.0];
    let running = values_of(&[Aggregate::Sum], &points, Arithmetic::Reference);
    let listed = values_of(&[Aggregate::Sum, Aggregate::P50], &points, Arithmetic::Reference);
    assert!(same(&running, &[16_777_216.0]));
    assert!(same(&listed[..1], &[16_777_220.0]));
    assert!(same(&exact(&[Aggregate::Sum], &points), &[16_777_219.0]));
}

#[test]
fn a_window_that_starts_before_time_does_ends_where_it_ends() {
    let query = Query {
        range: (i64::MIN, i64::MAX),
        window_ns: i64::MAX,
        offset_ns: 0,
        aggregates: &[Aggregate::Count],
        arithmetic: Arithmetic::Exact,
        value_type: ValueType::I32,
    };
    let times = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX];
    let spans: Vec<(i64, i64)> =
        query.run(&times, &[0; 5], &[]).iter().map(|b| (b.start.0, b.end.0)).collect();
    assert_eq!(
        spans,
        [(i64::MIN, i64::MIN + 1), (i64::MIN + 1, 0), (0, i64::MAX), (i64::MAX, i64::MAX)]
    );
}

fn values() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (-1000_i16..1000).prop_map(|v| f32::from(v).to_bits()),
        1 => any::<u32>(),
        1 => Just(f32::NAN.to_bits()),
        1 => Just(f32::INFINITY.to_bits()),
        1 => Just(f32::NEG_INFINITY.to_bits()),
    ]
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![
        -100_i64..100,
        any::<i64>(),
        (0_i64..50).prop_map(|n| i64::MIN + n),
        (0_i64..50).prop_map(|n| i64::MAX - n)
    ]
}

fn widths() -> impl Strategy<Value = i64> {
    prop_oneof![1_i64..40, 1..=i64::MAX, Just(i64::MAX), Just(i64::MAX / 2 + 1)]
}

proptest! {
    #[test]
    fn equals_the_definitions(
        samples in proptest::collection::vec((times(), values()), 0..60),
        window_ns in widths(),
        offset_ns in prop_oneof![2 => Just(0_i64), 1 => -100_i64..100, 1 => any::<i64>()],
        some in proptest::sample::subsequence(&ALL, 1..=10),
        only_running: bool,
        exact: bool,
        floats: bool,
        cuts in proptest::collection::vec(0_usize..60, 0..6),
    ) {
        let mut samples = samples;
        samples.sort_by_key(|sample| sample.0);
        let (times, raws): (Vec<i64>, Vec<u32>) = samples.into_iter().unzip();
        let range = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
        let arithmetic = if exact { Arithmetic::Exact } else { Arithmetic::Reference };
        // The order of NaN among the reference's percentiles is its own affair.
        let has_nan = floats && raws.iter().any(|raw| f32::from_bits(*raw).is_nan());
        let aggregates: &[Aggregate] =
            if only_running || (has_nan && !exact) { &RUNNING } else { &some };
        let value_type = if floats { ValueType::F32 } else { ValueType::I32 };
        let query = Query { range, window_ns, offset_ns, aggregates, arithmetic, value_type };
        let whole = query.run(&times, &raws, &[]);
        let naive = query.naive(&times, &raws);
        prop_assert_eq!(whole.len(), naive.len());
        for (bucket, (start, end, values)) in whole.iter().zip(&naive) {
            prop_assert_eq!((i128::from(bucket.start.0), i128::from(bucket.end.0)), (*start, *end));
            prop_assert!(same(&bucket.values, values), "{:?} {:?}", bucket.values, values);
        }
        let mut cuts = cuts;
        cuts.sort_unstable();
        let cut = query.run(&times, &raws, &cuts);
        prop_assert_eq!(cut.len(), whole.len());
        for (a, b) in cut.iter().zip(&whole) {
            prop_assert!((a.start, a.end) == (b.start, b.end) && same(&a.values, &b.values));
        }
    }
}
