//! Stand-in until metric file v3 is here: statistics of v2 frames, computed by decoding, in tests.

use super::info::FrameInfo;
use super::reader::MetricFile;
use crate::error::Result;
use crate::storage::StorageFile;
use crate::types::{Value, ValueType};
use alloc::vec::Vec;
use core::ops::Range;

/// What is known of a stretch of a frame without decoding it.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Its times are in `slot * span_ns .. (slot + 1) * span_ns`.
    pub slot: i64,
    /// Positions in the entry.
    pub points: Range<usize>,
    /// Points that are not NaN.
    pub numbers: usize,
    /// The first point, as it is on disk.
    pub first: u32,
    /// The last point.
    pub last: u32,
    /// Smallest number, infinity when there is none.
    pub min: f64,
    /// Largest number, minus infinity when there is none.
    pub max: f64,
    /// Sum of the numbers.
    pub sum: f64,
}

/// The statistics of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Length of the spans.
    pub span_ns: i64,
    /// Spans with points, in order.
    pub spans: Vec<Span>,
}

const LENGTHS_S: [i64; 10] = [1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 691_200];

impl Statistics {
    pub(crate) fn of(value_type: ValueType, times: &[i64], raws: &[u32]) -> Self {
        for seconds in LENGTHS_S {
            let found = Self::with_length(seconds * 1_000_000_000, value_type, times, raws);
            if times.len() >= 240 * found.spans.len() {
                return found;
            }
        }
        Self::with_length(i64::MAX, value_type, times, raws)
    }

    fn with_length(span_ns: i64, value_type: ValueType, times: &[i64], raws: &[u32]) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        for (at, (time, &raw)) in times.iter().zip(raws).enumerate() {
            let slot = time.div_euclid(span_ns);
            if spans.last().is_none_or(|last| last.slot != slot) {
                spans.push(Span {
                    slot,
                    points: at..at,
                    numbers: 0,
                    first: raw,
                    last: raw,
                    min: f64::INFINITY,
                    max: f64::NEG_INFINITY,
                    sum: 0.0,
                });
            }
            let Some(span) = spans.last_mut() else { continue };
            span.points.end = at + 1;
            span.last = raw;
            let value = Value::from_raw(value_type, raw).as_f64();
            if !value.is_nan() {
                span.numbers += 1;
                span.min = span.min.min(value);
                span.max = span.max.max(value);
                span.sum += value;
            }
        }
        Self { span_ns, spans }
    }
}

impl<F: StorageFile> MetricFile<F> {
    /// What is known of a frame.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn statistics(&self, entry: &FrameInfo) -> Result<Option<Statistics>> {
        if !self.may_have_statistics() {
            return Ok(None);
        }
        let frame = self.read_frame(entry)?;
        Ok(Some(Statistics::of(entry.value_type, &frame.times, &frame.raws)))
    }

    /// Some points of a frame.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read_points(
        &self,
        entry: &FrameInfo,
        points: Range<usize>,
    ) -> Result<(Vec<i64>, Vec<u32>)> {
        let frame = self.read_frame(entry)?;
        let times = frame.times.get(points.clone()).unwrap_or_default().to_vec();
        Ok((times, frame.raws.get(points).unwrap_or_default().to_vec()))
    }

    /// Payload bytes read.
    pub const fn payload_bytes_read(&self) -> u64 {
        0
    }

    pub(crate) const fn may_have_statistics(&self) -> bool {
        cfg!(test) && matches!(self.version(), super::Version::V2)
    }
}
