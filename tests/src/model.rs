//! What a store must answer, computed the obvious way: everything in memory, nothing clever.
//!
//! The model is one database. It knows no files, pages or logs, so it only knows rules that do not
//! depend on them:
//!
//! * a metric's type is that of its first accepted sample;
//! * a metric's samples come in time order; equal times are kept in arrival order;
//! * a refused sample changes nothing.

use nanotdb_core::{Value, ValueType};
use std::collections::BTreeMap;

/// One database.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    metrics: BTreeMap<String, Vec<Point>>,
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
        if let Some(&(newest, last)) = self.metrics.get(metric).and_then(|points| points.last()) {
            if last.value_type() != value.value_type() {
                return Err(Refusal::Type { expected: last.value_type() });
            }
            if time < newest {
                return Err(Refusal::Stale { newest });
            }
        }
        self.metrics.entry(metric.to_owned()).or_default().push((time, value));
        Ok(())
    }

    /// The metrics by name.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, ValueType)> {
        self.metrics.iter().map(|(name, points)| (name.as_str(), points[0].1.value_type()))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.metrics.values().map(Vec::len).sum()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// The newest sample of a metric, of equal times the one that came last.
    pub fn last(&self, metric: &str) -> Option<Point> {
        self.metrics.get(metric)?.last().copied()
    }

    /// Every `stride`-th sample of a metric, both ends of the range included.
    pub fn range(&self, metric: &str, from: i64, to: i64, stride: usize) -> Vec<Point> {
        let points = self.metrics.get(metric).map(Vec::as_slice).unwrap_or_default();
        let in_range = points.iter().filter(|(time, _)| (from..=to).contains(time));
        in_range.step_by(stride.max(1)).copied().collect()
    }

    /// The aggregates of every window that has samples.
    pub fn aggregate(
        &self,
        metric: &str,
        from: i64,
        to: i64,
        window: i64,
        aggregates: &[Aggregate],
    ) -> Vec<Bucket> {
        let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (time, value) in self.range(metric, from, to, 1) {
            windows.entry(time.div_euclid(window)).or_default().push(as_single(value));
        }
        let bucket = |(number, points): (i64, Vec<f64>)| Bucket {
            start: number.saturating_mul(window).max(from),
            end: number.saturating_mul(window).saturating_add(window).min(to),
            values: aggregates.iter().map(|aggregate| aggregate.of(&points)).collect(),
        };
        windows.into_iter().map(bucket).collect()
    }

    /// Every sample: by metric name, then by time, then as they came.
    pub fn export(&self) -> impl Iterator<Item = (&str, i64, Value)> {
        let of = |(name, points): (_, &Vec<Point>)| -> Vec<_> {
            points.iter().map(|&(time, value)| (name, time, value)).collect()
        };
        self.metrics.iter().map(|(name, points)| (name.as_str(), points)).flat_map(of)
    }

    /// Everything older than `time` disappears; metrics that lose everything do, too.
    pub fn drop_before(&mut self, time: i64) {
        for points in self.metrics.values_mut() {
            points.retain(|point| point.0 >= time);
        }
        self.metrics.retain(|_, points| !points.is_empty());
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
    pub values: Vec<f32>,
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

    /// One rule for all: `count` counts every sample. Everything else leaves NaN aside, and is
    /// NaN when nothing is left. Sums are of 64-bit floats and rounded once, at the end.
    #[expect(clippy::cast_precision_loss, reason = "a count is a float32 on disk")]
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
    pub fn of(self, points: &[f64]) -> f32 {
        if self == Self::Count {
            return points.len() as f32;
        }
        let mut sorted: Vec<f64> = points.iter().copied().filter(|point| !point.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let sum = |points: &[f64]| points.iter().sum::<f64>();
        let mean = |points: &[f64]| sum(points) / points.len() as f64;
        let in_order: Vec<f64> = points.iter().copied().filter(|point| !point.is_nan()).collect();
        match (self, sorted.as_slice()) {
            (_, []) => f32::NAN,
            (Self::Min, [min, ..]) => *min as f32,
            (Self::Max, [.., max]) => *max as f32,
            (Self::Sum, _) => sum(&in_order) as f32,
            (Self::Median, sorted) => percentile(sorted, 0.50),
            (Self::P95, sorted) => percentile(sorted, 0.95),
            (Self::P99, sorted) => percentile(sorted, 0.99),
            (Self::TrimmedAvg, sorted) => mean(trimmed(sorted)) as f32,
            (Self::Avg | Self::Count, _) => mean(&in_order) as f32,
        }
    }
}

/// A value as aggregates see it: integers become single precision first, as in the reference.
#[expect(clippy::cast_precision_loss, reason = "as the rule says")]
fn as_single(value: Value) -> f64 {
    match value {
        Value::I32(value) => f64::from(value as f32),
        Value::F32(value) => f64::from(value),
    }
}

/// Between the two neighbours in single precision, as the reference does it.
#[expect(clippy::cast_precision_loss, reason = "as the rule says")]
#[expect(clippy::cast_possible_truncation, reason = "every point was a float32 or becomes one")]
#[expect(clippy::cast_sign_loss, reason = "positions are not negative")]
fn percentile(sorted: &[f64], q: f64) -> f32 {
    let position = (sorted.len() - 1) as f64 * q;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    let (below, above) = (sorted[low] as f32, sorted[high] as f32);
    if low == high {
        return below;
    }
    let weight = (position - low as f64) as f32;
    below + (above - below) * weight
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
        let found = model.aggregate("a", -100, 9, 10, &[Aggregate::Count]);
        let bucket = |start, end, count| Bucket { start, end, values: vec![count] };
        assert_eq!(found, [bucket(-20, -10, 1.0), bucket(-10, 0, 2.0), bucket(0, 9, 2.0)]);
    }

    #[test]
    fn nan_is_counted_and_otherwise_left_aside() {
        let points = [f64::NAN, 3.0, f64::NAN, 1.0];
        assert_eq!(Aggregate::Count.of(&points).to_bits(), 4_f32.to_bits());
        assert_eq!(Aggregate::Avg.of(&points).to_bits(), 2_f32.to_bits());
        assert_eq!(Aggregate::Min.of(&points).to_bits(), 1_f32.to_bits());
        assert_eq!(Aggregate::Median.of(&points).to_bits(), 2_f32.to_bits());
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
        let found =
            model.aggregate(&query.metric, query.from, query.to, query.window_ns, &aggregates);
        assert_eq!(found.len(), query.buckets.len(), "{fixture} {query:?}");
        for (found, expected) in found.iter().zip(&query.buckets) {
            assert_eq!((found.start, found.end), (expected.start, expected.end), "{fixture}");
            let points = model.range(&query.metric, found.start, found.end, 1);
            if points.iter().any(|(_, value)| !value.as_f64().is_finite()) {
                continue;
            }
            let bits: Vec<u32> = found.values.iter().map(|value| value.to_bits()).collect();
            assert_eq!(bits, expected.bits, "{fixture} {query:?} {found:?}");
        }
        found.len()
    }
}
