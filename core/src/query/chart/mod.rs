//! What a chart of so many pixels needs of a metric.

mod lttb;
mod min_max;
mod triangles;

use super::{OnDamage, Series, pieces::Condensed};
use crate::engine::{Host, Readable};
use crate::error::Result;
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::str::FromStr;

/// What to draw, and how fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartQuery {
    /// The instants asked for.
    pub range: TimeRange,
    /// Pixels across.
    pub points: NonZeroUsize,
    /// Which samples stand for the others.
    pub method: ChartMethod,
}

/// Which samples stand for all samples of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ChartMethod {
    /// The extremes: a line through them covers the pixels that a line through all samples
    /// covers.
    ///
    /// The range is cut into [slices](slice_ns) no narrower than a pixel. Of each with samples
    /// come the first, the smallest, the largest and the last, in order of time; an extreme that
    /// equals the first, the last or the other extreme is left out. Smallest and largest are
    /// among the numbers; first and last are what they are, NaN, too, so that gaps remain. That
    /// is at most four samples for each pixel, and four more.
    ///
    /// Values are those of samples. Of stretches that metric files of version 3 know without
    /// decoding, the instants of samples are not known: their first sample is placed where the
    /// stretch begins, the last where it ends, both extremes in its middle.
    /// [`Chart::slack_ns`] says how far off that may be. It is never out of the slice.
    #[default]
    MinMax,
    /// Largest triangle three buckets (S. Steinarsson, 2013): as many samples as there are pixels,
    /// those that keep the line's shape. At least the first and the last.
    ///
    /// Samples that are not finite are left out; they have no place in a triangle. Where there are
    /// more than four samples for each pixel, only the smallest and largest of each of twice as
    /// many [slices](slice_ns) as pixels are looked at, and the first and the last of all. These
    /// are found without decoding everything; all that come out are samples with their instants.
    Lttb,
}

impl FromStr for ChartMethod {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> core::result::Result<Self, UnknownMethod> {
        match name {
            "minmax" => Ok(Self::MinMax),
            "lttb" => Ok(Self::Lttb),
            _ => Err(UnknownMethod),
        }
    }
}

/// A name that no chart method has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMethod;

impl fmt::Display for UnknownMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown chart method, expected one of minmax,lttb")
    }
}

impl core::error::Error for UnknownMethod {}

/// The samples that stand for all in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// These samples.
    pub series: Series,
    /// No sample was taken further from where it is placed than so many nanoseconds: 0 when all
    /// are where they were.
    pub slack_ns: i64,
}

impl Chart {
    const fn empty(value_type: ValueType) -> Self {
        let times = Vec::new();
        let raws = Vec::new();
        Self { series: Series { value_type, times, raws }, slack_ns: 0 }
    }
}

impl<H: Host> Readable<H> {
    /// The samples of a metric that a chart needs; none when it is unknown.
    pub(crate) fn chart(
        &self,
        metric: &str,
        query: &ChartQuery,
        on: OnDamage<'_>,
    ) -> Result<Chart> {
        let Some((_, value_type)) = self.find(metric) else {
            return Ok(Chart::empty(ValueType::F32));
        };
        match query.method {
            ChartMethod::MinMax => self.min_max(metric, value_type, query, on),
            ChartMethod::Lttb => self.lttb(metric, value_type, query, on),
        }
    }
}

/// Round lengths in nanoseconds, each of which divides the next. Metric files know what there is in
/// stretches of these lengths, so slices that are made of them cut through none.
const ROUND: [u64; 10] = {
    const S: u64 = 1_000_000_000;
    [S, 5 * S, 15 * S, 60 * S, 300 * S, 900 * S, 3600 * S, 21_600 * S, 86_400 * S, 691_200 * S]
};

/// The length of a chart's slices in nanoseconds: at least a pixel's share of the range, and at
/// most one and a half times that, so that it is a multiple of a round length where the share is
/// two seconds or more. Slices begin at multiples of it from the epoch, whatever the range: while
/// a chart moves, its slices stay.
pub fn slice_ns(range: TimeRange, points: NonZeroUsize) -> i64 {
    let points = u64::try_from(points.get()).unwrap_or(u64::MAX);
    let share = (range.to.0.abs_diff(range.from.0) / points).saturating_add(1);
    let round = ROUND.iter().rev().find(|&&round| round.saturating_mul(2) <= share);
    let slice = round.map_or(share, |&round| share.div_ceil(round).saturating_mul(round));
    i64::try_from(slice).unwrap_or(i64::MAX)
}

/// Whether a stretch of time is in one slice.
const fn is_in_one(slice_ns: i64, reach: TimeRange) -> bool {
    slice_of(slice_ns, reach.from) == slice_of(slice_ns, reach.to)
}

const fn slice_of(slice_ns: i64, time: Timestamp) -> i64 {
    time.0.div_euclid(slice_ns)
}

/// The instant in the middle.
const fn middle(reach: TimeRange) -> i64 {
    reach.from.0.midpoint(reach.to.0)
}

fn number(value_type: ValueType, raw: u32) -> f64 {
    Value::from_raw(value_type, raw).as_f64()
}

impl<F> Condensed<'_, F> {
    /// A smallest or largest number, as it is on disk.
    #[expect(clippy::cast_possible_truncation, reason = "it was of this type")]
    fn raw_of(&self, extreme: f64) -> u32 {
        match self.value_type {
            ValueType::I32 => (extreme as i32).cast_unsigned(),
            ValueType::F32 => (extreme as f32).to_bits(),
        }
    }
}

#[cfg(test)]
mod tests;
