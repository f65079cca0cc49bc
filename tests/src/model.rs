//! What a store must answer, computed the obvious way: everything in memory, nothing clever.
//!
//! The model is one database. It knows no files, pages or logs, so it only knows rules that do not
//! depend on them:
//!
//! * a metric's type is that of its first accepted sample, also when that sample is gone;
//! * a metric's samples come in time order; equal times are kept in arrival order;
//! * a refused sample changes nothing;
//! * retention takes whole days, and what rollups made of them stays.

use crate::operations::DAY;
use nanotdb_core::{Value, ValueType};
use std::collections::{BTreeMap, BTreeSet};

/// One database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    metrics: BTreeMap<String, Metric>,
    /// How many samples were ever taken.
    taken: u64,
    /// The latest time of all samples there ever were.
    latest: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
struct Metric {
    value_type: ValueType,
    /// Of all samples it ever had.
    newest: i64,
    points: Vec<Point>,
}

/// Time and value.
pub type Point = (i64, Value);

/// Why a sample is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The metric has a sample that is newer.
    Stale {
        /// Its time.
        newest: i64,
    },
    /// The metric holds values of another type.
    Type {
        /// This one.
        expected: ValueType,
    },
}

impl Model {
    /// Adds a sample.
    pub fn ingest(&mut self, metric: &str, time: i64, value: Value) -> Result<(), Refusal> {
        if let Some(Metric { value_type, newest, .. }) = self.metrics.get(metric) {
            if *value_type != value.value_type() {
                return Err(Refusal::Type { expected: *value_type });
            }
            if time < *newest {
                return Err(Refusal::Stale { newest: *newest });
            }
        }
        let fresh = || Metric { value_type: value.value_type(), newest: time, points: Vec::new() };
        let entry = self.metrics.entry(metric.to_owned()).or_insert_with(fresh);
        entry.newest = time;
        entry.points.push((time, value));
        self.taken += 1;
        self.latest = self.latest.max(Some(time));
        Ok(())
    }

    /// Deletes the samples of a metric from the start to the end of a range, both included. What
    /// is left says what comes next: a metric's newest sample may become an older one. All of time
    /// takes the metric with it, so that it may have another type.
    pub fn delete(&mut self, metric: &str, from: i64, to: i64) {
        if (from, to) == (i64::MIN, i64::MAX) {
            self.metrics.remove(metric);
        }
        let Some(metric) = self.metrics.get_mut(metric) else { return };
        metric.points.retain(|(time, _)| !(from..=to).contains(time));
        if (from..=to).contains(&metric.newest) {
            metric.newest = metric.points.last().map_or(i64::MIN, |(time, _)| *time);
        }
    }

    /// The metrics by name.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, ValueType)> {
        self.metrics.iter().map(|(name, metric)| (name.as_str(), metric.value_type))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.metrics.values().map(|metric| metric.points.len()).sum()
    }

    /// How many samples were ever taken.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// The latest time of all samples there ever were.
    pub fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.metrics.values().all(|metric| metric.points.is_empty())
    }

    /// The newest sample of a metric, of equal times the one that came last.
    pub fn last(&self, metric: &str) -> Option<Point> {
        self.metrics.get(metric)?.points.last().copied()
    }

    /// The newest time a metric ever had.
    pub fn newest(&self, metric: &str) -> Option<i64> {
        self.metrics.get(metric).map(|metric| metric.newest)
    }

    /// Every `stride`-th sample of a metric, both ends of the range included.
    pub fn range(&self, metric: &str, from: i64, to: i64, stride: usize) -> Vec<Point> {
        let points = self.metrics.get(metric).map(|metric| metric.points.as_slice());
        let in_range = points.unwrap_or_default().iter().filter(|(t, _)| (from..=to).contains(t));
        in_range.step_by(stride.max(1)).copied().collect()
    }

    /// The aggregates of every window that has samples; windows begin `offset` after multiples of
    /// their length.
    pub fn aggregate(
        &self,
        metric: &str,
        from: i64,
        to: i64,
        window: i64,
        offset: i64,
        aggregates: &[Aggregate],
    ) -> Vec<Bucket> {
        let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (time, value) in self.range(metric, from, to, 1) {
            windows.entry((time - offset).div_euclid(window)).or_default().push(value.as_f64());
        }
        let bucket = |(number, points): (i64, Vec<f64>)| Bucket {
            start: (number.saturating_mul(window) + offset).max(from),
            end: (number.saturating_mul(window) + offset).saturating_add(window).min(to),
            values: aggregates.iter().map(|aggregate| aggregate.of(&points)).collect(),
            tolerance: tolerance(&points),
        };
        windows.into_iter().map(bucket).collect()
    }

    /// Every sample: by metric name, then by time, then as they came.
    pub fn export(&self) -> impl Iterator<Item = (&str, i64, Value)> {
        let of = |(name, metric): (_, &Metric)| -> Vec<_> {
            metric.points.iter().map(|&(time, value)| (name, time, value)).collect()
        };
        self.metrics.iter().map(|(name, metric)| (name.as_str(), metric)).flat_map(of)
    }

    /// The days (their first nanoseconds) that have samples and end before `time`.
    pub fn days_before(&self, time: i64) -> BTreeSet<i64> {
        let points = self.metrics.values().flat_map(|metric| &metric.points);
        let days = points.map(|(time, _)| time.div_euclid(DAY) * DAY);
        days.filter(|day| day + DAY - 1 < time).collect()
    }

    /// The samples of one day disappear; the names and types of metrics stay.
    pub fn drop_day(&mut self, day: i64) {
        for metric in self.metrics.values_mut() {
            metric.points.retain(|(time, _)| time.div_euclid(DAY) * DAY != day);
        }
    }
}

/// The aggregates of one window, both ends clipped to the range asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// The window's start, or the start of the range if that is later.
    pub start: i64,
    /// The window's end, or the end of the range if that is earlier.
    pub end: i64,
    /// In the order asked for.
    pub values: Vec<f64>,
    /// How far from `values` a computation in double precision may be that adds in another order:
    /// each of n additions rounds by half a unit in the last place of a partial sum, and no
    /// partial sum is larger than the magnitudes together. Sums near zero of large values are why
    /// this is not relative to the result.
    pub tolerance: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn tolerance(points: &[f64]) -> f64 {
    let magnitudes: f64 = points.iter().filter(|p| !p.is_nan()).map(|p| p.abs()).sum();
    (points.len() + 1) as f64 * f64::EPSILON * magnitudes
}

/// What can be asked about the samples of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// `min`
    Min,
    /// `max`
    Max,
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `count`
    Count,
    /// `p50`, `median`
    Median,
    /// `p95`
    P95,
    /// `p99`
    P99,
    /// `trimmed_avg`, `trimmed_average`
    TrimmedAvg,
}

impl Aggregate {
    /// The aggregate with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "count" => Self::Count,
            "p50" | "median" => Self::Median,
            "p95" => Self::P95,
            "p99" => Self::P99,
            "trimmed_avg" | "trimmed_average" => Self::TrimmedAvg,
            _ => return None,
        })
    }

    /// One rule for all: NaN is left aside. Where nothing else is there, the count is 0, and all
    /// others are NaN. All is computed in double precision.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn of(self, points: &[f64]) -> f64 {
        let in_order: Vec<f64> = points.iter().copied().filter(|point| !point.is_nan()).collect();
        if self == Self::Count {
            return in_order.len() as f64;
        }
        let mut sorted = in_order.clone();
        sorted.sort_by(f64::total_cmp);
        let sum = |points: &[f64]| points.iter().sum::<f64>();
        let mean = |points: &[f64]| sum(points) / points.len() as f64;
        match (self, sorted.as_slice()) {
            (_, []) => f64::NAN,
            (Self::Min, [min, ..]) => *min,
            (Self::Max, [.., max]) => *max,
            (Self::Sum, _) => sum(&in_order),
            (Self::Median, sorted) => percentile(sorted, 0.50),
            (Self::P95, sorted) => percentile(sorted, 0.95),
            (Self::P99, sorted) => percentile(sorted, 0.99),
            (Self::TrimmedAvg, sorted) => mean(trimmed(sorted)),
            (Self::Avg | Self::Count, _) => mean(&in_order),
        }
    }

    /// What the reference answers when percentiles are among what it is asked: integers become
    /// single precision, so does the result, and so does each step of a percentile.
    #[expect(clippy::cast_possible_truncation, reason = "as the reference rounds")]
    pub fn of_reference(self, points: &[Value]) -> f32 {
        let points: Vec<f64> = points.iter().map(|value| as_single(*value)).collect();
        let q = match self {
            Self::Median => 0.50,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            _ => return self.of(&points) as f32,
        };
        let mut sorted: Vec<f64> = points.into_iter().filter(|point| !point.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return f32::NAN };
        let (low, high, weight) = neighbours(last, q);
        let (below, above) = (sorted[low] as f32, sorted[high] as f32);
        if low == high { below } else { below + (above - below) * weight as f32 }
    }
}

/// A value as aggregates of the reference see it: integers become single precision first.
#[expect(clippy::cast_precision_loss, reason = "as the rule says")]
fn as_single(value: Value) -> f64 {
    match value {
        Value::I32(value) => f64::from(value as f32),
        Value::F32(value) => f64::from(value),
    }
}

/// The indexes around a quantile, and the weight of the upper one.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
#[expect(clippy::cast_possible_truncation, reason = "0 <= position <= last")]
#[expect(clippy::cast_sign_loss, reason = "positions are not negative")]
fn neighbours(last: usize, q: f64) -> (usize, usize, f64) {
    let position = last as f64 * q;
    (position.floor() as usize, position.ceil() as usize, position - position.floor())
}

/// Between the two neighbours.
fn percentile(sorted: &[f64], q: f64) -> f64 {
    let (low, high, weight) = neighbours(sorted.len() - 1, q);
    if low == high {
        return sorted[low];
    }
    sorted[low] * (1.0 - weight) + sorted[high] * weight
}

/// Without the smallest and largest values: a twentieth at each end, at least one, unless nothing
/// would be left.
fn trimmed(sorted: &[f64]) -> &[f64] {
    let cut = if sorted.len() < 20 { 1 } else { sorted.len() / 20 };
    if 2 * cut >= sorted.len() { sorted } else { &sorted[cut..sorted.len() - cut] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, Fixture};
    use crate::independent::{Directory, Number};

    #[test]
    fn refused_samples_change_nothing() {
        let mut model = Model::default();
        model.ingest("a", 10, 1.into()).unwrap();
        model.ingest("a", 10, 2.into()).unwrap();
        let before = model.clone();
        assert_eq!(model.ingest("a", 9, 3.into()), Err(Refusal::Stale { newest: 10 }));
        let refused = Refusal::Type { expected: ValueType::I32 };
        assert_eq!(model.ingest("a", 11, 3.0.into()), Err(refused));
        assert_eq!(model, before);
        model.ingest("b", 9, 3.0.into()).unwrap();
        assert_eq!(model.last("a"), Some((10, 2.into())));
        assert_eq!((model.last("c"), model.len()), (None, 3));
    }

    #[test]
    fn windows_below_zero_are_as_long_as_others() {
        let mut model = Model::default();
        for time in [-11, -10, -1, 0, 9, 10] {
            model.ingest("a", time, 1.into()).unwrap();
        }
        let found = model.aggregate("a", -100, 9, 10, 0, &[Aggregate::Count]);
        let bucket = |start, end, count| (start, end, vec![count]);
        let found: Vec<_> = found.into_iter().map(|b| (b.start, b.end, b.values)).collect();
        assert_eq!(found, [bucket(-20, -10, 1.0), bucket(-10, 0, 2.0), bucket(0, 9, 2.0)]);
    }

    #[test]
    fn nan_is_neither_counted_nor_looked_at() {
        let points = [f64::NAN, 3.0, f64::NAN, 1.0];
        assert_eq!(Aggregate::Count.of(&points).to_bits(), 2_f64.to_bits());
        assert_eq!(Aggregate::Avg.of(&points).to_bits(), 2_f64.to_bits());
        assert_eq!(Aggregate::Min.of(&points).to_bits(), 1_f64.to_bits());
        assert_eq!(Aggregate::Median.of(&points).to_bits(), 2_f64.to_bits());
        assert!(Aggregate::Max.of(&points[..1]).is_nan());
    }

    /// The model of a database that the reference wrote, if it follows the model's rules.
    fn model_of(db: &crate::independent::Db) -> Model {
        let mut model = Model::default();
        for (name, points) in db.streams().unwrap() {
            for (time, number) in points {
                let value = match number {
                    Number::Int(value) => Value::I32(value),
                    Number::Float(bits) => Value::F32(f32::from_bits(bits)),
                };
                model.ingest(&name, time, value).unwrap();
            }
        }
        model
    }

    /// Asked for all aggregates, the reference sums in double precision, too. It differs where
    /// values are not finite.
    #[test]
    fn aggregates_of_the_reference() {
        let mut compared = 0;
        for fixture in Fixture::all() {
            let directory = Directory::read(&fixture.root()).unwrap();
            for (name, expected) in &fixture.expected.databases {
                // It replays twice, stops at the ends of time, or does not see late samples.
                if expected.export_sha256.is_none()
                    || ["07", "11", "41"].contains(&&fixture.name()[..2])
                {
                    continue;
                }
                let model = model_of(&directory.databases[name]);
                for query in &expected.query_aggregate_range {
                    compared += compare(fixture.name(), &model, query);
                }
            }
        }
        assert!(compared > 1000, "{compared}");
    }

    fn compare(fixture: &str, model: &Model, query: &fixtures::AggregateQuery) -> usize {
        let names = query.aggregates.iter();
        let aggregates: Vec<_> = names.map(|name| Aggregate::from_name(name).unwrap()).collect();
        if query.error.is_some() || aggregates.len() == 5 {
            return 0;
        }
        let found = model.aggregate(&query.metric, query.from, query.to, query.window_ns, 0, &[]);
        assert_eq!(found.len(), query.buckets.len(), "{fixture} {query:?}");
        for (found, expected) in found.iter().zip(&query.buckets) {
            assert_eq!((found.start, found.end), (expected.start, expected.end), "{fixture}");
            // The end of a window is the start of the next; that of the range belongs to it.
            let window = found.start.div_euclid(query.window_ns);
            let points = model.range(&query.metric, found.start, found.end, 1).into_iter();
            let within = points.filter(|(time, _)| time.div_euclid(query.window_ns) == window);
            let points: Vec<Value> = within.map(|(_, value)| value).collect();
            if points.iter().any(|value| !value.as_f64().is_finite()) {
                continue;
            }
            let bits = aggregates.iter().map(|a| a.of_reference(&points).to_bits());
            let bits: Vec<u32> = bits.collect();
            assert_eq!(bits, expected.bits, "{fixture} {query:?} {found:?}");
        }
        found.len()
    }
}
