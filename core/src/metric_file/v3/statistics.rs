//! Statistics: what is known of each span of a metric frame without decoding it.

use super::error::PartError;
use super::fields::Fields;
use super::sums;
use crate::codec::Writer;
use crate::codec::checksum::crc32;
use crate::column::Encoded;
use crate::column::values::{self, ordered, unordered};
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::vec::Vec;
use core::ops::Range;

/// Frames with fewer points have no statistics: reading the points costs no more.
pub(crate) const LEAST_POINTS: u32 = 64;

/// A frame with statistics takes at most one of so many parts more than its raw values: values that
/// are noise in every bit have none.
pub(crate) const MOST_GROWTH: usize = 100;

/// NaN counts follow.
const HAS_NANS: u8 = 1;

/// What is known of a stretch of a frame without decoding it.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Times are in `slot * span_ns .. (slot + 1) * span_ns`; see [`Statistics::range`].
    pub slot: i64,
    /// Positions in the entry, at least one.
    pub points: Range<usize>,
    /// How many of them are numbers, not NaN.
    pub numbers: usize,
    /// The first value as it is on disk, NaN or not.
    pub first: u32,
    /// The last value as it is on disk, NaN or not.
    pub last: u32,
    /// The least number; positive infinity where there is none.
    pub min: f64,
    /// The greatest number; negative infinity where there is none.
    pub max: f64,
    /// The numbers, added in order to 0.0.
    pub sum: f64,
}

/// The statistics of a metric frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// How long a slot is; `i64::MAX` where the whole frame is one span, with slot 0.
    pub span_ns: i64,
    /// All spans in order of time; together they have every point of the frame.
    pub spans: Vec<Span>,
}

impl Statistics {
    /// The stretch of time in which the points of a span are, of a frame with times in `frame`:
    /// the slot, as far as it is in the frame's.
    pub fn range(&self, span: &Span, frame: TimeRange) -> TimeRange {
        if self.span_ns == i64::MAX {
            return frame;
        }
        let first = span.slot.saturating_mul(self.span_ns);
        let next = span.slot.saturating_add(1).checked_mul(self.span_ns);
        let last = next.map_or(i64::MAX, |next| next.saturating_sub(1));
        let (from, to) = (first.max(frame.from.0), last.min(frame.to.0));
        TimeRange { from: Timestamp(from), to: Timestamp(to) }
    }
}

/// The statistics of a span as they are stored; what is equal is so in every bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    nans: u32,
    first: u32,
    last: u32,
    least: u32,
    greatest: u32,
    sum: u64,
}

impl Numbers {
    /// The statistics of these values, at least one.
    pub(crate) fn of(value_type: ValueType, raws: &[u32]) -> Self {
        let first = raws.first().copied().unwrap_or_default();
        let last = raws.last().copied().unwrap_or_default();
        let (nans, least, greatest) = match extremes(value_type, raws) {
            Some((least, greatest)) => (0, least, greatest),
            None => extremes_one_by_one(value_type, raws),
        };
        let numbers = raws.iter().map(|&raw| Value::from_raw(value_type, raw).as_f64());
        let sum: f64 = numbers.filter(|number| !number.is_nan()).fold(0.0, |sum, n| sum + n);
        // Which NaN an infinity less itself is depends on the machine.
        let sum = if sum.is_nan() { f64::NAN } else { sum };
        Self { nans, first, last, least, greatest, sum: sum.to_bits() }
    }

    /// The same for those who ask.
    pub(crate) fn span(&self, value_type: ValueType, slot: i64, points: Range<usize>) -> Span {
        let number = |raw| Value::from_raw(value_type, raw).as_f64();
        let nans = usize::try_from(self.nans).unwrap_or(usize::MAX);
        let numbers = points.len().saturating_sub(nans);
        let (min, max) = match numbers {
            0 => (f64::INFINITY, f64::NEG_INFINITY),
            _ => (number(self.least), number(self.greatest)),
        };
        let sum = f64::from_bits(self.sum);
        Span { slot, points, numbers, first: self.first, last: self.last, min, max, sum }
    }
}

/// The least and the greatest of values, the first of equals; nothing where this is not known by
/// comparing integers, which processors do many at once.
fn extremes(value_type: ValueType, raws: &[u32]) -> Option<(u32, u32)> {
    if value_type == ValueType::I32 {
        let (least, greatest) = bounds(raws, u32::cast_signed)?;
        return Some((least.cast_unsigned(), greatest.cast_unsigned()));
    }
    let (least, greatest) = bounds(raws, ordered)?;
    let of = |number: f32| ordered(number.to_bits());
    let has_nan = least < of(f32::NEG_INFINITY) || greatest > of(f32::INFINITY);
    // As numbers both zeros are the same, as keys they are not.
    let is_either_zero = least == of(-0.0) || (greatest == of(0.0) && least < of(0.0));
    (!has_nan && !is_either_zero).then(|| (unordered(least), unordered(greatest)))
}

/// The least and the greatest key.
fn bounds<K: Ord>(raws: &[u32], key: impl Fn(u32) -> K) -> Option<(K, K)> {
    let keys = || raws.iter().map(|&raw| key(raw));
    Some((keys().min()?, keys().max()?))
}

/// How many of these values are NaN, and the least and the greatest of the others, the first of
/// equals; the first value where there are no others.
fn extremes_one_by_one(value_type: ValueType, raws: &[u32]) -> (u32, u32, u32) {
    let (mut least, mut greatest) = ((f64::INFINITY, None), (f64::NEG_INFINITY, None));
    let mut nans = 0;
    for &raw in raws {
        let number = Value::from_raw(value_type, raw).as_f64();
        if number.is_nan() {
            nans += 1;
            continue;
        }
        if number < least.0 || least.1.is_none() {
            least = (number, Some(raw));
        }
        if number > greatest.0 || greatest.1.is_none() {
            greatest = (number, Some(raw));
        }
    }
    let first = raws.first().copied().unwrap_or_default();
    (nans, least.1.unwrap_or(first), greatest.1.unwrap_or(first))
}

/// Appends the record of these statistics to `out`; `column` is scratch memory.
pub(crate) fn encode(
    value_type: ValueType,
    spans: &[Numbers],
    column: &mut Encoded,
    out: &mut Vec<u8>,
) {
    let has_nans = spans.iter().any(|span| span.nans > 0);
    let mut w = Writer::new(out);
    w.u8(if has_nans { HAS_NANS } else { 0 });
    if has_nans {
        for span in spans {
            w.uvarint(span.nans.into());
        }
    }
    let firsts = spans.iter().map(|span| span.first);
    let values = firsts
        .chain(spans.iter().map(|span| span.last))
        .chain(spans.iter().map(|span| span.least))
        .chain(spans.iter().map(|span| span.greatest));
    values::encode(value_type, &values.collect::<Vec<u32>>(), column);
    w.uvarint(len(&column.head)).bytes(&column.head);
    for block in column.blocks() {
        w.uvarint(len(block)).bytes(block);
    }
    sums::encode(spans.iter().map(|span| span.sum), &mut w);
    w.crc32();
}

/// Decodes a record of as many spans as there are counts of points.
pub(crate) fn decode(
    value_type: ValueType,
    points: &[usize],
    bytes: &[u8],
) -> Result<Vec<Numbers>, PartError> {
    let (content, stored) = bytes.split_last_chunk::<4>().ok_or(PartError::Truncated)?;
    let (stored, computed) = (u32::from_le_bytes(*stored), crc32(content));
    if stored != computed {
        return Err(PartError::BadChecksum { what: "statistics", stored, computed });
    }
    let mut fields = Fields::new(content);
    let nans = nans(points, &mut fields)?;
    let values = column(value_type, points.len(), &mut fields)?;
    let sums = sums::decode(points.len(), &mut fields)?;
    fields.end()?;
    if values.len() != points.len().saturating_mul(4) {
        return Err(PartError::Truncated); // no decoder gives fewer
    }
    let column = |index: usize| values.iter().copied().skip(index * points.len());
    let ends = column(0).zip(column(1)).zip(column(2).zip(column(3)));
    let spans = nans.into_iter().zip(ends).zip(sums);
    Ok(spans
        .map(|((nans, ((first, last), (least, greatest))), sum)| Numbers {
            nans,
            first,
            last,
            least,
            greatest,
            sum,
        })
        .collect())
}

fn nans(points: &[usize], fields: &mut Fields<'_>) -> Result<Vec<u32>, PartError> {
    let flags = fields.u8()?;
    if flags & !HAS_NANS != 0 {
        return Err(PartError::Unknown { what: "statistics flags", id: flags });
    }
    let count = |points: &usize| {
        if flags == 0 {
            return Ok(0);
        }
        let (what, expected) = ("NaN count", "at most the points of the span");
        let nans = fields.u32(what)?;
        let fits = usize::try_from(nans).is_ok_and(|nans| nans <= *points);
        fits.then_some(nans).ok_or(PartError::Invalid { what, found: nans.into(), expected })
    };
    points.iter().map(count).collect()
}

fn column(
    value_type: ValueType,
    spans: usize,
    fields: &mut Fields<'_>,
) -> Result<Vec<u32>, PartError> {
    let count = spans.saturating_mul(4);
    let head_len = fields.uvarint()?;
    let decoder = values::Decoder::new(fields.bytes(head_len)?, value_type, count)?;
    let mut values = Vec::new();
    for index in 0..crate::column::block_count(count) {
        let block_len = fields.uvarint()?;
        decoder.block(index, fields.bytes(block_len)?, &mut values)?;
    }
    Ok(values)
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
mod tests;
