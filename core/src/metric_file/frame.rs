//! Frame headers: the 48 bytes in front of every compressed payload.
//!
//! Behind the header stand `payload_len` bytes and their CRC-32. All three kinds begin alike:
//!
//! | offset | size | field          | type   | meaning                                       |
//! |-------:|-----:|----------------|--------|-----------------------------------------------|
//! |      0 |    4 | `magic`        | bytes  | `b"MPG1"`, `b"TPG2"` or `b"MPG2"`             |
//! |      4 |    2 | `header_len`   | u16 LE | 48                                            |
//! |      6 |    2 | `codec`        | u16 LE | what the payload is compressed with           |
//! |      8 |    2 | `id`           | u16 LE | `TPG2`: time frame, from 1; else metric       |
//! |     10 |    1 | `value_type`   | u8     | `TPG2`: 1 (raw i64); else 1 int32, 2 float32  |
//! |     11 |    1 | –              |        | 0; not checked                                |
//! |     12 |    8 | `start`        | i64 LE | first time of the frame                       |
//! |     20 |    8 | `end`          | i64 LE | last time of the frame                        |
//! |     44 |    4 | `checksum`     | u32 LE | CRC-32 of bytes 0..44                         |
//!
//! v1 page frame `MPG1`, payload n × i64 times, then n × 4-byte values; and v2 time frame `TPG2`,
//! payload n × i64 times:
//!
//! | offset | size | field          | type   | meaning                                       |
//! |-------:|-----:|----------------|--------|-----------------------------------------------|
//! |     28 |    4 | `point_count`  | u32 LE | n, at least 1                                 |
//! |     32 |    4 | `payload_len`  | u32 LE | compressed bytes                              |
//! |     36 |    4 | `decoded_len`  | u32 LE | `MPG1`: 12·n; `TPG2`: 8·n                     |
//! |     40 |    4 | reserved       | u32 LE | 0; checked in `TPG2`                          |
//!
//! v2 metric frame `MPG2`, payload n × 4-byte values whose times are n of the time frame's:
//!
//! | offset | size | field          | type   | meaning                                       |
//! |-------:|-----:|----------------|--------|-----------------------------------------------|
//! |     28 |    2 | `time_frame`   | u16 LE | the time frame                                |
//! |     30 |    2 | reserved       | u16 LE | 0                                             |
//! |     32 |    4 | `time_offset`  | u32 LE | index of the first time used                  |
//! |     36 |    4 | `payload_len`  | u32 LE | compressed bytes                              |
//! |     40 |    4 | `decoded_len`  | u32 LE | 4·n, n at least 1                             |
//!
//! The payload carries its own checksum, so a header can be checked without it.

use crate::codec::checksum::crc32;
use crate::codec::{Reader, Writer};
use crate::types::{MetricId, ValueType};
use alloc::vec::Vec;
use core::fmt;

/// Bytes of a frame header.
pub(crate) const HEADER_LEN: usize = 48;
/// Bytes of a frame beside its payload.
pub(crate) const OVERHEAD: u64 = 52;

/// Decoded bytes of one point in a v1 page frame, a v2 time frame and a v2 metric frame.
pub(crate) const PAGE_WIDTH: u32 = 12;
pub(crate) const TIME_WIDTH: u32 = 8;
pub(crate) const VALUE_WIDTH: u32 = 4;

const CHECKED_LEN: usize = HEADER_LEN - 4;
const RAW_TIMES: u8 = 1;

/// Magic bytes of a v1 page frame.
pub(crate) const PAGE_MAGIC: [u8; 4] = *b"MPG1";
/// Magic bytes of a v2 time frame.
pub(crate) const TIME_MAGIC: [u8; 4] = *b"TPG2";
/// Magic bytes of a v2 metric frame.
pub(crate) const METRIC_MAGIC: [u8; 4] = *b"MPG2";

/// What a v2 time frame and its index entry both say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeFrame {
    pub(crate) id: u16,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) point_count: u32,
    pub(crate) payload_len: u32,
    pub(crate) decoded_len: u32,
}

/// What a metric's frame and its index entry both say, in either version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MetricFrame {
    pub(crate) metric: MetricId,
    pub(crate) value_type: ValueType,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) times: FrameTimes,
    pub(crate) point_count: u32,
    pub(crate) payload_len: u32,
    pub(crate) decoded_len: u32,
}

/// Where a metric frame's times are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameTimes {
    /// v1: in the frame itself.
    Own,
    /// v2 and v3: in time frame `frame`, from index `offset` on.
    Shared { frame: u32, offset: u32 },
}

/// One variant for each check of a frame header or an index entry, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameError {
    Truncated { found: usize, expected: usize },
    BadMagic { found: [u8; 4], expected: [u8; 4] },
    BadHeaderLen(u16),
    BadChecksum { stored: u32, computed: u32 },
    ReservedNotZero(u32),
    BadTimeEncoding(u8),
    NoTimeFrame,
    NoMetric,
    BadValueType(u8),
    TimesReversed { start: i64, end: i64 },
    NoPoints,
    BadDecodedLen { found: u32, width: u32, points: u32 },
}

impl TimeFrame {
    /// Names and values, to say in which two frames differ.
    pub(crate) fn fields(&self) -> [(&'static str, i64); 6] {
        [
            ("time frame id", self.id.into()),
            ("start", self.start),
            ("end", self.end),
            ("point count", self.point_count.into()),
            ("payload length", self.payload_len.into()),
            ("decoded length", self.decoded_len.into()),
        ]
    }

    /// Appends the encoded frame header to `out`.
    pub(crate) fn encode_header(&self, codec: u16, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.bytes(&TIME_MAGIC).u16(48).u16(codec).u16(self.id).u8(RAW_TIMES).u8(0);
        w.i64(self.start).i64(self.end).u32(self.point_count).u32(self.payload_len);
        w.u32(self.decoded_len).u32(0).crc32();
    }

    /// Decodes the frame header at the front of `bytes`: the codec's number, and the rest.
    pub(crate) fn decode_header(bytes: &[u8]) -> Result<(u16, Self), FrameError> {
        let common = Common::decode(bytes, TIME_MAGIC)?;
        let tail = common.counts();
        if tail.reserved != 0 {
            return Err(FrameError::ReservedNotZero(tail.reserved));
        }
        if common.kind != RAW_TIMES {
            return Err(FrameError::BadTimeEncoding(common.kind));
        }
        let frame = Self {
            id: common.id,
            start: common.start,
            end: common.end,
            point_count: tail.point_count,
            payload_len: tail.payload_len,
            decoded_len: tail.decoded_len,
        };
        frame.check()?;
        Ok((common.codec, frame))
    }

    /// What must hold wherever these fields come from.
    pub(crate) fn check(&self) -> Result<(), FrameError> {
        if self.id == 0 {
            return Err(FrameError::NoTimeFrame);
        }
        check_range(self.start, self.end)?;
        check_len(self.decoded_len, TIME_WIDTH, self.point_count)
    }
}

impl MetricFrame {
    /// Names and values, to say in which two frames differ.
    pub(crate) fn fields(&self) -> [(&'static str, i64); 9] {
        let (frame, offset) = match self.times {
            FrameTimes::Own => (0, 0),
            FrameTimes::Shared { frame, offset } => (frame, offset),
        };
        [
            ("metric id", self.metric.get().into()),
            ("value type", self.value_type.byte().into()),
            ("start", self.start),
            ("end", self.end),
            ("time frame id", frame.into()),
            ("time offset", offset.into()),
            ("point count", self.point_count.into()),
            ("payload length", self.payload_len.into()),
            ("decoded length", self.decoded_len.into()),
        ]
    }

    /// Appends the encoded frame header to `out`.
    pub(crate) fn encode_header(&self, codec: u16, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        let magic = if self.times == FrameTimes::Own { PAGE_MAGIC } else { METRIC_MAGIC };
        w.bytes(&magic).u16(48).u16(codec).u16(self.metric.get()).u8(self.value_type.byte()).u8(0);
        w.i64(self.start).i64(self.end);
        match self.times {
            FrameTimes::Own => {
                w.u32(self.point_count).u32(self.payload_len).u32(self.decoded_len).u32(0)
            }
            FrameTimes::Shared { frame, offset } => {
                w.u16(number_v2(frame)).u16(0).u32(offset);
                w.u32(self.payload_len).u32(self.decoded_len)
            }
        };
        w.crc32();
    }

    /// Decodes the v1 page frame header at the front of `bytes`.
    pub(crate) fn decode_v1_header(bytes: &[u8]) -> Result<(u16, Self), FrameError> {
        let common = Common::decode(bytes, PAGE_MAGIC)?;
        let tail = common.counts();
        let lens = (tail.payload_len, tail.decoded_len);
        let frame = Self::checked(&common, FrameTimes::Own, Some(tail.point_count), lens)?;
        Ok((common.codec, frame))
    }

    /// Decodes the v2 metric frame header at the front of `bytes`.
    pub(crate) fn decode_v2_header(bytes: &[u8]) -> Result<(u16, Self), FrameError> {
        let common = Common::decode(bytes, METRIC_MAGIC)?;
        let tail = common.shared();
        if tail.reserved != 0 {
            return Err(FrameError::ReservedNotZero(tail.reserved.into()));
        }
        let times = FrameTimes::Shared { frame: tail.time_frame.into(), offset: tail.time_offset };
        let frame = Self::checked(&common, times, None, (tail.payload_len, tail.decoded_len))?;
        Ok((common.codec, frame))
    }

    /// The frame of these fields, or why there can be none.
    ///
    /// v2 stores no point count: it follows from `decoded_len`.
    pub(crate) fn from_fields(fields: &MetricFields) -> Result<Self, FrameError> {
        let metric = MetricId::new(fields.metric).ok_or(FrameError::NoMetric)?;
        let value_type = ValueType::from_byte(fields.value_type)
            .ok_or(FrameError::BadValueType(fields.value_type))?;
        check_range(fields.start, fields.end)?;
        let width = match fields.times {
            FrameTimes::Own => PAGE_WIDTH,
            FrameTimes::Shared { .. } => VALUE_WIDTH,
        };
        let point_count = fields.point_count.unwrap_or(fields.decoded_len / width);
        check_len(fields.decoded_len, width, point_count)?;
        Ok(Self {
            metric,
            value_type,
            start: fields.start,
            end: fields.end,
            times: fields.times,
            point_count,
            payload_len: fields.payload_len,
            decoded_len: fields.decoded_len,
        })
    }

    fn checked(
        common: &Common,
        times: FrameTimes,
        point_count: Option<u32>,
        (payload_len, decoded_len): (u32, u32),
    ) -> Result<Self, FrameError> {
        Self::from_fields(&MetricFields {
            metric: common.id,
            value_type: common.kind,
            start: common.start,
            end: common.end,
            times,
            point_count,
            payload_len,
            decoded_len,
        })
    }
}

/// A time frame's id as v2 stores it. Its writer makes no higher ones; 0 would be refused.
pub(crate) fn number_v2(frame: u32) -> u16 {
    u16::try_from(frame).unwrap_or(0)
}

/// The fields of a [`MetricFrame`] as read, unchecked.
pub(crate) struct MetricFields {
    pub(crate) metric: u16,
    pub(crate) value_type: u8,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) times: FrameTimes,
    pub(crate) point_count: Option<u32>,
    pub(crate) payload_len: u32,
    pub(crate) decoded_len: u32,
}

const fn check_range(start: i64, end: i64) -> Result<(), FrameError> {
    if start > end { Err(FrameError::TimesReversed { start, end }) } else { Ok(()) }
}

const fn check_len(decoded_len: u32, width: u32, points: u32) -> Result<(), FrameError> {
    match points.checked_mul(width) {
        Some(expected) if expected == decoded_len => {
            if points == 0 {
                return Err(FrameError::NoPoints);
            }
            Ok(())
        }
        _ => Err(FrameError::BadDecodedLen { found: decoded_len, width, points }),
    }
}

/// The fields that all frame headers share, and the 16 bytes in which they differ.
struct Common {
    codec: u16,
    id: u16,
    kind: u8,
    start: i64,
    end: i64,
    tail: [u32; 4],
}

struct Counts {
    point_count: u32,
    payload_len: u32,
    decoded_len: u32,
    reserved: u32,
}

struct SharedTail {
    time_frame: u16,
    reserved: u16,
    time_offset: u32,
    payload_len: u32,
    decoded_len: u32,
}

impl Common {
    fn decode(bytes: &[u8], expected: [u8; 4]) -> Result<Self, FrameError> {
        let (magic, header_len, stored, common) = Self::read(bytes)
            .ok_or(FrameError::Truncated { found: bytes.len(), expected: HEADER_LEN })?;
        if magic != expected {
            return Err(FrameError::BadMagic { found: magic, expected });
        }
        if usize::from(header_len) != HEADER_LEN {
            return Err(FrameError::BadHeaderLen(header_len));
        }
        let computed = crc32(bytes.get(..CHECKED_LEN).unwrap_or_default());
        if stored != computed {
            return Err(FrameError::BadChecksum { stored, computed });
        }
        Ok(common)
    }

    fn read(bytes: &[u8]) -> Option<([u8; 4], u16, u32, Self)> {
        let mut r = Reader::new(bytes);
        let (magic, header_len, codec) = (r.array()?, r.u16()?, r.u16()?);
        let (id, [kind, _]) = (r.u16()?, r.array()?);
        let (start, end) = (r.i64()?, r.i64()?);
        let tail = [r.u32()?, r.u32()?, r.u32()?, r.u32()?];
        Some((magic, header_len, r.u32()?, Self { codec, id, kind, start, end, tail }))
    }

    const fn counts(&self) -> Counts {
        let [point_count, payload_len, decoded_len, reserved] = self.tail;
        Counts { point_count, payload_len, decoded_len, reserved }
    }

    const fn shared(&self) -> SharedTail {
        let [first, time_offset, payload_len, decoded_len] = self.tail;
        let [a, b, c, d] = first.to_le_bytes();
        SharedTail {
            time_frame: u16::from_le_bytes([a, b]),
            reserved: u16::from_le_bytes([c, d]),
            time_offset,
            payload_len,
            decoded_len,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { found, expected } => {
                write!(f, "cut short: found {found} bytes, expected {expected}")
            }
            Self::BadMagic { found, expected } => write!(
                f,
                "frame magic: found {}, expected {}",
                found.escape_ascii(),
                expected.escape_ascii()
            ),
            Self::BadHeaderLen(found) => {
                write!(f, "frame header length: found {found}, expected {HEADER_LEN}")
            }
            Self::BadChecksum { stored, computed } => {
                write!(f, "frame header checksum: found {stored:#010x}, expected {computed:#010x}")
            }
            Self::ReservedNotZero(found) => write!(f, "reserved field: found {found}, expected 0"),
            Self::BadTimeEncoding(found) => {
                write!(f, "time encoding: found {found}, expected {RAW_TIMES} (raw)")
            }
            Self::NoTimeFrame => f.write_str("time frame id: found 0, expected 1 or more"),
            Self::NoMetric => f.write_str("metric id: found 0, expected 1 or more"),
            Self::BadValueType(found) => {
                write!(f, "value type: found {found}, expected 1 (int32) or 2 (float32)")
            }
            Self::TimesReversed { start, end } => {
                write!(f, "times reversed: found start {start} and end {end}")
            }
            Self::NoPoints => f.write_str("point count: found 0, expected 1 or more"),
            Self::BadDecodedLen { found, width, points } => {
                write!(f, "decoded length: found {found}, expected {width} x {points} points")
            }
        }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
pub(crate) mod tests;
