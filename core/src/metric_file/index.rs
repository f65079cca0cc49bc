//! Index entries: where each frame is, and a copy of its header's fields.
//!
//! v1 `PAGE_INFO` (44 bytes), one for each frame, in the order of the frames:
//!
//! | offset | size | field          | type   | meaning                        |
//! |-------:|-----:|----------------|--------|--------------------------------|
//! |      0 |    2 | `metric`       | u16 LE |                                |
//! |      2 |    1 | `value_type`   | u8     | 1 int32, 2 float32             |
//! |      3 |    1 | –              |        | 0; not checked                 |
//! |      4 |    8 | `offset`       | u64 LE | of the frame, from file start  |
//! |     12 |    8 | `start`        | i64 LE |                                |
//! |     20 |    8 | `end`          | i64 LE |                                |
//! |     28 |    4 | `point_count`  | u32 LE |                                |
//! |     32 |    4 | `decoded_len`  | u32 LE |                                |
//! |     36 |    4 | `payload_len`  | u32 LE |                                |
//! |     40 |    4 | reserved       | u32 LE | 0                              |
//!
//! v2 time index entry (40 bytes) and metric index entry (44 bytes):
//!
//! | offset | size | time index     | offset | size | metric index   |
//! |-------:|-----:|----------------|-------:|-----:|----------------|
//! |      0 |    2 | `id`           |      0 |    2 | `metric`       |
//! |      2 |    2 | 0              |      2 |    1 | `value_type`   |
//! |      4 |    8 | `offset`       |      3 |    1 | 0              |
//! |     12 |    8 | `start`        |      4 |    8 | `offset`       |
//! |     20 |    8 | `end`          |     12 |    8 | `start`        |
//! |     28 |    4 | `point_count`  |     20 |    8 | `end`          |
//! |     32 |    4 | `decoded_len`  |     28 |    2 | `time_frame`   |
//! |     36 |    4 | `payload_len`  |     30 |    2 | 0              |
//! |        |      |                |     32 |    4 | `time_offset`  |
//! |        |      |                |     36 |    4 | `decoded_len`  |
//! |        |      |                |     40 |    4 | `payload_len`  |
//!
//! The two lengths stand in the other order than in frame headers. No checksum covers entries:
//! the file reader compares them with the frame headers, which are covered.

use super::frame::{FrameError, FrameTimes, MetricFields, MetricFrame, TimeFrame, number_v2};
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;

/// Bytes of a time index entry.
pub(crate) const TIME_LEN: usize = 40;
/// Bytes of a metric index entry, in both versions.
pub(crate) const METRIC_LEN: usize = 44;

impl TimeFrame {
    /// Appends the index entry of this frame, which is at `offset`, to `out`.
    pub(crate) fn encode_entry(&self, offset: u64, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u16(self.id).u16(0).u64(offset).i64(self.start).i64(self.end);
        w.u32(self.point_count).u32(self.decoded_len).u32(self.payload_len);
    }

    /// Decodes an index entry: where the frame is, and what it should say.
    pub(crate) fn decode_entry(bytes: &[u8]) -> Result<(u64, Self), FrameError> {
        let (reserved, offset, frame) = Self::read_entry(bytes)
            .ok_or(FrameError::Truncated { found: bytes.len(), expected: TIME_LEN })?;
        if reserved != 0 {
            return Err(FrameError::ReservedNotZero(reserved.into()));
        }
        frame.check()?;
        Ok((offset, frame))
    }

    fn read_entry(bytes: &[u8]) -> Option<(u16, u64, Self)> {
        let mut r = Reader::new(bytes);
        let (id, reserved, offset) = (r.u16()?, r.u16()?, r.u64()?);
        let (start, end) = (r.i64()?, r.i64()?);
        let (point_count, decoded_len, payload_len) = (r.u32()?, r.u32()?, r.u32()?);
        Some((reserved, offset, Self { id, start, end, point_count, payload_len, decoded_len }))
    }
}

impl MetricFrame {
    /// Appends the index entry of this frame, which is at `offset`, to `out`.
    pub(crate) fn encode_entry(&self, offset: u64, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u16(self.metric.get()).u8(self.value_type.byte()).u8(0).u64(offset);
        w.i64(self.start).i64(self.end);
        match self.times {
            FrameTimes::Own => {
                w.u32(self.point_count).u32(self.decoded_len).u32(self.payload_len).u32(0)
            }
            FrameTimes::Shared { frame, offset } => {
                w.u16(number_v2(frame)).u16(0).u32(offset);
                w.u32(self.decoded_len).u32(self.payload_len)
            }
        };
    }

    /// Decodes a v1 `PAGE_INFO` entry.
    pub(crate) fn decode_v1_entry(bytes: &[u8]) -> Result<(u64, Self), FrameError> {
        let (_unchecked, reserved, offset, fields) = read_v1(bytes).ok_or_else(|| short(bytes))?;
        if reserved != 0 {
            return Err(FrameError::ReservedNotZero(reserved));
        }
        Ok((offset, Self::from_fields(&fields)?))
    }

    /// Decodes a v2 metric index entry.
    pub(crate) fn decode_v2_entry(bytes: &[u8]) -> Result<(u64, Self), FrameError> {
        let (first, second, offset, fields) = read_v2(bytes).ok_or_else(|| short(bytes))?;
        for reserved in [u32::from(first), u32::from(second)] {
            if reserved != 0 {
                return Err(FrameError::ReservedNotZero(reserved));
            }
        }
        Ok((offset, Self::from_fields(&fields)?))
    }
}

const fn short(bytes: &[u8]) -> FrameError {
    FrameError::Truncated { found: bytes.len(), expected: METRIC_LEN }
}

fn read_v1(bytes: &[u8]) -> Option<(u8, u32, u64, MetricFields)> {
    let mut r = Reader::new(bytes);
    let (metric, value_type, unchecked, offset) = (r.u16()?, r.u8()?, r.u8()?, r.u64()?);
    let (start, end) = (r.i64()?, r.i64()?);
    let (point_count, decoded_len, payload_len) = (Some(r.u32()?), r.u32()?, r.u32()?);
    let times = FrameTimes::Own;
    let fields = MetricFields {
        metric,
        value_type,
        start,
        end,
        times,
        point_count,
        payload_len,
        decoded_len,
    };
    Some((unchecked, r.u32()?, offset, fields))
}

fn read_v2(bytes: &[u8]) -> Option<(u8, u16, u64, MetricFields)> {
    let mut r = Reader::new(bytes);
    let (metric, value_type, first, offset) = (r.u16()?, r.u8()?, r.u8()?, r.u64()?);
    let (start, end) = (r.i64()?, r.i64()?);
    let (frame, second, time_offset) = (r.u16()?, r.u16()?, r.u32()?);
    let (decoded_len, payload_len) = (r.u32()?, r.u32()?);
    let times = FrameTimes::Shared { frame: frame.into(), offset: time_offset };
    let fields = MetricFields {
        metric,
        value_type,
        start,
        end,
        times,
        point_count: None,
        payload_len,
        decoded_len,
    };
    Some((first, second, offset, fields))
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::{TIMES, metric_1, page_1};
    use super::*;
    use crate::metric_file::testing::{assert_every_prefix_fails, hex};
    use proptest::prelude::*;

    fn golden_times() -> Vec<u8> {
        hex("0100 0000 4000000000000000 6400000000000000 9001000000000000
             04000000 20000000 22000000")
    }

    fn golden_metric() -> Vec<u8> {
        hex("0100 02 00 d400000000000000 2c01000000000000 9001000000000000
             0100 0000 02000000 08000000 0a000000")
    }

    fn golden_page() -> Vec<u8> {
        hex("0100 02 00 4000000000000000 2c01000000000000 9001000000000000
             02000000 18000000 1a000000 00000000")
    }

    fn encoded(frame: &MetricFrame, offset: u64) -> Vec<u8> {
        let mut out = Vec::new();
        frame.encode_entry(offset, &mut out);
        out
    }

    fn encoded_times(frame: &TimeFrame, offset: u64) -> Vec<u8> {
        let mut out = Vec::new();
        frame.encode_entry(offset, &mut out);
        out
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded_times(&TIMES, 64), golden_times());
        assert_eq!(TimeFrame::decode_entry(&golden_times()), Ok((64, TIMES)));
        assert_eq!(encoded(&metric_1(), 0xd4), golden_metric());
        assert_eq!(MetricFrame::decode_v2_entry(&golden_metric()), Ok((0xd4, metric_1())));
        assert_eq!(encoded(&page_1(), 64), golden_page());
        assert_eq!(MetricFrame::decode_v1_entry(&golden_page()), Ok((64, page_1())));
    }

    #[test]
    fn every_prefix_is_truncated() {
        let short = |found, expected| FrameError::Truncated { found, expected };
        assert_every_prefix_fails(&golden_times(), |bytes| {
            TimeFrame::decode_entry(bytes) == Err(short(bytes.len(), TIME_LEN))
        });
        assert_every_prefix_fails(&golden_metric(), |bytes| {
            MetricFrame::decode_v2_entry(bytes) == Err(short(bytes.len(), METRIC_LEN))
        });
        assert_every_prefix_fails(&golden_page(), |bytes| {
            MetricFrame::decode_v1_entry(bytes) == Err(short(bytes.len(), METRIC_LEN))
        });
    }

    #[test]
    fn reserved_fields_must_be_zero() {
        let set = |mut bytes: Vec<u8>, at: usize| {
            bytes[at] = 5;
            bytes
        };
        let error = Err(FrameError::ReservedNotZero(5));
        assert_eq!(TimeFrame::decode_entry(&set(golden_times(), 2)), error);
        let error = Err(FrameError::ReservedNotZero(5));
        assert_eq!(MetricFrame::decode_v2_entry(&set(golden_metric(), 3)), error);
        assert_eq!(MetricFrame::decode_v2_entry(&set(golden_metric(), 30)), error);
        assert_eq!(MetricFrame::decode_v1_entry(&set(golden_page(), 40)), error);
        let ignored = MetricFrame::decode_v1_entry(&set(golden_page(), 3));
        assert_eq!(ignored, Ok((64, page_1())), "the reference does not check this byte");
    }

    proptest! {
        #[test]
        fn round_trips(offset: u64, times: (i64, i64), points in 1_u32..1 << 28, payload_len: u32) {
            let (start, end) = (times.0.min(times.1), times.0.max(times.1));
            let point_count = points;
            let time = TimeFrame {
                start, end, point_count, payload_len, decoded_len: points * 8, ..TIMES
            };
            prop_assert_eq!(TimeFrame::decode_entry(&encoded_times(&time, offset)), Ok((offset, time)));
            let page = MetricFrame {
                start, end, point_count, payload_len, decoded_len: points * 12, ..page_1()
            };
            prop_assert_eq!(MetricFrame::decode_v1_entry(&encoded(&page, offset)), Ok((offset, page)));
            let metric = MetricFrame { decoded_len: points * 4, times: metric_1().times, ..page };
            prop_assert_eq!(
                MetricFrame::decode_v2_entry(&encoded(&metric, offset)),
                Ok((offset, metric))
            );
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = TimeFrame::decode_entry(&bytes);
            let _ = MetricFrame::decode_v1_entry(&bytes);
            let _ = MetricFrame::decode_v2_entry(&bytes);
        }
    }
}
