//! Aggregates over windows of one metric.
//!
//! One numeric rule (D-14; the reference has two that disagree): values become `f64`, sums are kept in
//! `f64`, and NaN is "no measurement", which all aggregates skip. So the sum is always the average
//! times the count. Where nothing else is left, the count is 0, and everything else NaN.
//! [`Arithmetic::Reference`] computes what the reference computes, bit for bit, but for percentiles
//! of NaN, which it sorts anywhere; there, the count has the samples that are NaN, too.

mod custom;
mod grid;
mod windows;

pub(crate) use custom::Custom;
pub use custom::{Accumulator, CustomAggregate};
pub use grid::Grid;
pub(crate) use windows::{Cut, Fold};

use crate::sorted::sort_numbers;
use crate::types::{TimeRange, Timestamp, ValueType};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// What to compute from the samples of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Aggregate {
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Sum of the values.
    Sum,
    /// Mean of the values: what a step of a chart shows unless somebody says otherwise.
    #[default]
    Avg,
    /// Number of samples that are not NaN.
    Count,
    /// 50th percentile.
    P50,
    /// 50th percentile by another name.
    Median,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// Mean without the extremes: one value at each end, or a twentieth from 20 values on.
    TrimmedAvg,
}

/// A name that no aggregate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownAggregate;

impl fmt::Display for UnknownAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown aggregate, expected one of")?;
        let mut separator = ' ';
        for name in Aggregate::NAMES {
            write!(f, "{separator}{name}")?;
            separator = ',';
        }
        Ok(())
    }
}

impl core::error::Error for UnknownAggregate {}

impl Aggregate {
    /// Every accepted name, sorted; `trimmed_average` is an alias.
    pub const NAMES: [&'static str; 11] = [
        "avg",
        "count",
        "max",
        "median",
        "min",
        "p50",
        "p95",
        "p99",
        "sum",
        "trimmed_average",
        "trimmed_avg",
    ];

    /// The aggregate's own name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::P50 => "p50",
            Self::Median => "median",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::TrimmedAvg => "trimmed_avg",
        }
    }

    /// Whether a running count, sum, minimum and maximum suffice.
    const fn is_running(self) -> bool {
        matches!(self, Self::Min | Self::Max | Self::Sum | Self::Avg | Self::Count)
    }
}

impl FromStr for Aggregate {
    type Err = UnknownAggregate;

    fn from_str(name: &str) -> Result<Self, UnknownAggregate> {
        Ok(match name {
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "count" => Self::Count,
            "p50" => Self::P50,
            "median" => Self::Median,
            "p95" => Self::P95,
            "p99" => Self::P99,
            "trimmed_avg" | "trimmed_average" => Self::TrimmedAvg,
            _ => return Err(UnknownAggregate),
        })
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How numbers are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// The rule at the top of this module.
    #[default]
    Exact,
    /// The reference's: `f32` running sums when only running aggregates are asked, `f64` sums
    /// rounded to `f32` otherwise. For output that must equal the reference's.
    Reference,
}

/// One window's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// The window's start, not before the query's.
    pub start: Timestamp,
    /// The window's end (excluded), or the query's end (included) if that is earlier.
    pub end: Timestamp,
    /// One value for each requested aggregate, in request order.
    pub values: Vec<f64>,
}

/// Cuts a time-ordered stream of samples into windows and hands on each window's results.
///
/// Windows without samples are left out.
#[derive(Debug)]
pub struct Windows<'a>(Cut<BuiltIn<'a>>);

impl<'a> Windows<'a> {
    /// The windows of a grid over `range`.
    pub fn new(
        range: TimeRange,
        grid: Grid,
        aggregates: &'a [Aggregate],
        arithmetic: Arithmetic,
    ) -> Self {
        Self(Cut::new(range, grid, BuiltIn::new(aggregates, arithmetic)))
    }

    /// Adds samples, all within the range and none before an earlier one.
    ///
    /// # Errors
    ///
    /// What `emit` returns.
    pub fn add<E>(
        &mut self,
        value_type: ValueType,
        times: &[i64],
        raws: &[u32],
        emit: &mut dyn FnMut(&Bucket) -> Result<(), E>,
    ) -> Result<(), E> {
        self.0.add(value_type, times, raws, emit)
    }

    /// Emits the last window, if it has samples.
    ///
    /// # Errors
    ///
    /// What `emit` returns.
    pub fn finish<E>(&mut self, emit: &mut dyn FnMut(&Bucket) -> Result<(), E>) -> Result<(), E> {
        self.0.finish(emit)
    }
}

/// What is known of samples beside each other that nobody has to look at any more.
///
/// Windows made of tallies have the results they would have from the samples, but for the sum,
/// and with it the average, of numbers that `f64` cannot add exactly: it depends on the order, so
/// its last digits may differ. Sums of integers, and of floats of similar size, are exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tally {
    /// Samples.
    pub(crate) samples: usize,
    /// Samples that are not NaN.
    pub(crate) numbers: usize,
    /// Smallest number, infinity when there is none.
    pub(crate) min: f64,
    /// Largest number, minus infinity when there is none.
    pub(crate) max: f64,
    /// Sum of the numbers.
    pub(crate) sum: f64,
}

/// Folds windows with aggregates of ours.
#[derive(Debug)]
pub(crate) struct BuiltIn<'a> {
    aggregates: &'a [Aggregate],
    points: Points,
}

impl<'a> BuiltIn<'a> {
    pub(crate) fn new(aggregates: &'a [Aggregate], arithmetic: Arithmetic) -> Self {
        let running = aggregates.iter().all(|aggregate| aggregate.is_running());
        Self { aggregates, points: Points::new(arithmetic, running) }
    }
}

impl Fold for BuiltIn<'_> {
    fn push(&mut self, value_type: ValueType, raw: u32) {
        self.points.push(value_type, raw);
    }

    fn takes_tallies(&self) -> bool {
        // The reference's sums are rounded at each sample.
        self.points.running && self.points.arithmetic == Arithmetic::Exact
    }

    fn push_tally(&mut self, tally: &Tally) {
        self.points.push_tally(tally);
    }

    fn finish(&mut self, values: &mut Vec<f64>) {
        self.points.compute(self.aggregates, values);
        self.points.clear();
    }
}

/// The value of one aggregate over points, by the exact rule; nothing when there are no points.
pub fn compute(aggregate: Aggregate, points: &[f32]) -> Option<f64> {
    if points.is_empty() {
        return None;
    }
    let mut collected = Points::new(Arithmetic::Exact, aggregate.is_running());
    for point in points {
        collected.push(ValueType::F32, point.to_bits());
    }
    let mut values = Vec::new();
    collected.compute(&[aggregate], &mut values);
    values.first().copied()
}

/// The points of one window.
#[derive(Debug)]
struct Points {
    arithmetic: Arithmetic,
    /// Only running aggregates were asked, so the points themselves are not kept.
    running: bool,
    count: u64,
    numbers: u64,
    sum: f64,
    sum_f32: f32,
    min: f64,
    max: f64,
    first: f64,
    /// The points that are numbers, when percentiles are asked; sorted by `compute`.
    kept: Vec<f64>,
}

impl Points {
    fn new(arithmetic: Arithmetic, running: bool) -> Self {
        let mut points = Self {
            arithmetic,
            running,
            count: 0,
            numbers: 0,
            sum: 0.0,
            sum_f32: 0.0,
            min: 0.0,
            max: 0.0,
            first: 0.0,
            kept: Vec::new(),
        };
        points.clear();
        points
    }

    fn clear(&mut self) {
        self.count = 0;
        self.numbers = 0;
        self.sum = 0.0;
        self.sum_f32 = 0.0;
        self.min = f64::INFINITY;
        self.max = f64::NEG_INFINITY;
        self.kept.clear();
    }

    fn push(&mut self, value_type: ValueType, raw: u32) {
        let value = match (value_type, self.arithmetic) {
            (ValueType::I32, Arithmetic::Exact) => f64::from(raw.cast_signed()),
            (ValueType::I32, Arithmetic::Reference) => f64::from(to_f32(raw.cast_signed())),
            (ValueType::F32, _) => f64::from(f32::from_bits(raw)),
        };
        self.push_value(value);
    }

    fn push_value(&mut self, value: f64) {
        if self.count == 0 {
            self.first = value;
        }
        self.count += 1;
        if self.arithmetic == Arithmetic::Reference {
            self.sum_f32 += narrow(value);
            self.sum += value;
        } else if !value.is_nan() {
            self.sum += value;
        }
        if !value.is_nan() {
            self.numbers += 1;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
        if !self.running && (!value.is_nan() || self.arithmetic == Arithmetic::Reference) {
            self.kept.push(value);
        }
    }

    fn push_tally(&mut self, tally: &Tally) {
        let to_u64 = |count| u64::try_from(count).unwrap_or(u64::MAX);
        self.count += to_u64(tally.samples);
        if tally.numbers > 0 {
            self.numbers += to_u64(tally.numbers);
            self.sum += tally.sum;
            self.min = self.min.min(tally.min);
            self.max = self.max.max(tally.max);
        }
    }

    fn compute(&mut self, aggregates: &[Aggregate], values: &mut Vec<f64>) {
        values.clear();
        sort_numbers(&mut self.kept);
        values.extend(aggregates.iter().map(|&aggregate| match self.arithmetic {
            Arithmetic::Exact => self.exact(aggregate),
            Arithmetic::Reference => self.reference(aggregate),
        }));
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn exact(&self, aggregate: Aggregate) -> f64 {
        match aggregate {
            Aggregate::Count => self.numbers as f64,
            _ if self.numbers == 0 => f64::NAN,
            Aggregate::Min => self.min,
            Aggregate::Max => self.max,
            Aggregate::Sum => self.sum,
            Aggregate::Avg => self.sum / self.numbers as f64,
            Aggregate::P50 | Aggregate::Median => percentile(&self.kept, 0.50),
            Aggregate::P95 => percentile(&self.kept, 0.95),
            Aggregate::P99 => percentile(&self.kept, 0.99),
            Aggregate::TrimmedAvg => mean(trimmed(&self.kept)),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn reference(&self, aggregate: Aggregate) -> f64 {
        let count = self.count as f64;
        let value = match aggregate {
            Aggregate::Count => count,
            Aggregate::Sum if self.running => return f64::from(self.sum_f32),
            Aggregate::Avg if self.running => return f64::from(self.sum_f32 / narrow(count)),
            // Running: a NaN in first place stays, because nothing compares with it.
            Aggregate::Min | Aggregate::Max if self.running && self.first.is_nan() => f64::NAN,
            Aggregate::Min if self.running => self.min,
            Aggregate::Max if self.running => self.max,
            Aggregate::Min => self.min.min(f64::from(f32::MAX)),
            Aggregate::Max => self.max.max(f64::from(f32::MIN)),
            Aggregate::Sum => self.sum,
            Aggregate::Avg => self.sum / count,
            Aggregate::P50 | Aggregate::Median => reference_percentile(&self.kept, 0.50),
            Aggregate::P95 => reference_percentile(&self.kept, 0.95),
            Aggregate::P99 => reference_percentile(&self.kept, 0.99),
            Aggregate::TrimmedAvg => mean(trimmed(&self.kept)),
        };
        f64::from(narrow(value))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
const fn narrow(value: f64) -> f32 {
    value as f32
}

#[expect(clippy::cast_precision_loss, reason = "the reference rounds so")]
const fn to_f32(value: i32) -> f32 {
    value as f32
}

/// The neighbours of quantile `q` in sorted points, and the weight of the upper one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 <= position < sorted.len(), far below 2^53"
)]
fn neighbours(sorted: &[f64], q: f64) -> (f64, f64, f64) {
    let position = sorted.len().saturating_sub(1) as f64 * q;
    let low = position as usize; // truncation is floor here
    let at = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or(f64::NAN);
    let weight = position - low as f64;
    if weight == 0.0 { (at(low), at(low), 0.0) } else { (at(low), at(low + 1), weight) }
}

fn percentile(sorted: &[f64], q: f64) -> f64 {
    let (low, high, weight) = neighbours(sorted, q);
    // Equal neighbours as they are: the difference of two infinities is no number.
    if weight == 0.0 || low.total_cmp(&high).is_eq() {
        low
    } else if low.is_infinite() || high.is_infinite() {
        low + high // between an infinity and a number lies that infinity
    } else {
        low + (high - low) * weight
    }
}

/// The same in `f32` steps.
fn reference_percentile(sorted: &[f64], q: f64) -> f64 {
    let (low, high, weight) = neighbours(sorted, q);
    if weight == 0.0 {
        return low;
    }
    f64::from(narrow(low) + (narrow(high) - narrow(low)) * narrow(weight))
}

/// Sorted points without those that [`Aggregate::TrimmedAvg`] cuts at each end.
fn trimmed(sorted: &[f64]) -> &[f64] {
    let count = sorted.len();
    let cut = if count < 20 { 1 } else { count / 20 };
    let cut = if 2 * cut >= count { 0 } else { cut };
    sorted.get(cut..count - cut).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn mean(points: &[f64]) -> f64 {
    points.iter().sum::<f64>() / points.len() as f64
}

#[cfg(test)]
#[path = "aggregate_tests.rs"]
mod tests;
