//! The values everything else speaks of: timestamps, ids, samples. No logic beyond conversion.

use core::fmt;
use core::num::NonZeroU16;

/// An instant in UTC: nanoseconds since 1970-01-01T00:00:00Z, negative before it.
///
/// `Display` and `FromStr` use the forms of [`crate::text::timestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The earliest instant, 1677-09-21.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant, 2262-04-11.
    pub const MAX: Self = Self(i64::MAX);

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }
}

/// Number of a metric within its database; 0 is never assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(NonZeroU16);

impl MetricId {
    /// The id `raw`, or nothing for 0.
    pub const fn new(raw: u16) -> Option<Self> {
        match NonZeroU16::new(raw) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The id as files hold it.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for MetricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The type of a metric's values, fixed by its first sample. Both are four bytes wide on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// Signed 32-bit integer, two's complement.
    I32 = 1,
    /// IEEE-754 single precision; NaN payloads survive.
    F32 = 2,
}

impl ValueType {
    /// Bytes one value occupies in a page or a frame.
    pub const WIDTH: usize = 4;

    /// The type with this byte on disk.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::I32),
            2 => Some(Self::F32),
            _ => None,
        }
    }

    /// The byte on disk.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// `int32` or `float32`, as reports and tables print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I32 => "int32",
            Self::F32 => "float32",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// See [`ValueType::I32`].
    I32(i32),
    /// See [`ValueType::F32`].
    F32(f32),
}

impl Value {
    /// The type this value belongs to.
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::I32(_) => ValueType::I32,
            Self::F32(_) => ValueType::F32,
        }
    }

    /// The four bytes on disk, as a number.
    pub const fn to_raw(self) -> u32 {
        match self {
            Self::I32(v) => v.cast_unsigned(),
            Self::F32(v) => v.to_bits(),
        }
    }

    /// The value whose four bytes on disk are `raw`.
    pub const fn from_raw(value_type: ValueType, raw: u32) -> Self {
        match value_type {
            ValueType::I32 => Self::I32(raw.cast_signed()),
            ValueType::F32 => Self::F32(f32::from_bits(raw)),
        }
    }

    /// The value as a number; exact for both types.
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::I32(v) => v as f64,
            Self::F32(v) => v as f64,
        }
    }
}

impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Self::I32(v)
    }
}

impl From<f32> for Value {
    fn from(v: f32) -> Self {
        Self::F32(v)
    }
}

/// A value at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was measured.
    pub time: Timestamp,
    /// What was measured.
    pub value: Value,
}

/// Instants from `from` to `to`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first instant of the range.
    pub from: Timestamp,
    /// The last instant of the range, not before `from`.
    pub to: Timestamp,
}

impl TimeRange {
    /// Every instant there is.
    pub const ALL: Self = Self { from: Timestamp::MIN, to: Timestamp::MAX };

    /// The range of these two ends, or nothing when `to` is before `from`.
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }

    /// Whether `time` is in the range.
    pub fn contains(self, time: Timestamp) -> bool {
        self.from <= time && time <= self.to
    }

    /// Whether the two ranges share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_types_have_the_bytes_of_the_reference() {
        assert_eq!((ValueType::I32.byte(), ValueType::F32.byte(), ValueType::WIDTH), (1, 2, 4));
        for value_type in [ValueType::I32, ValueType::F32] {
            assert_eq!(ValueType::from_byte(value_type.byte()), Some(value_type));
        }
        assert_eq!([0, 3, 255].map(ValueType::from_byte), [None; 3]);
    }

    #[test]
    fn values_come_from_numbers_and_back_from_their_bits() {
        let values: [Value; 3] = [(-7).into(), 21.5_f32.into(), i32::MIN.into()];
        assert_eq!(values.map(Value::value_type), [ValueType::I32, ValueType::F32, ValueType::I32]);
        assert_eq!(values.map(Value::to_raw), [0xffff_fff9, 0x41ac_0000, 0x8000_0000]);
        let numbers = [-7.0, 21.5, -2_147_483_648.0_f64];
        assert_eq!(values.map(|value| value.as_f64().to_bits()), numbers.map(f64::to_bits));
        for value in values {
            assert_eq!(Value::from_raw(value.value_type(), value.to_raw()), value);
        }
    }

    #[test]
    fn zero_is_no_metric_id() {
        assert_eq!(MetricId::new(0), None);
        assert_eq!(MetricId::new(u16::MAX).map(MetricId::get), Some(65_535));
    }
}
