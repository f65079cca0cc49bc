use super::*;
use crate::metric_file::testing::{
    assert_every_flip_fails, assert_every_prefix_fails, hex, patched,
};
use proptest::prelude::*;

pub(crate) const TIMES: TimeFrame =
    TimeFrame { id: 1, start: 100, end: 400, point_count: 4, payload_len: 34, decoded_len: 32 };

pub(crate) fn metric_1() -> MetricFrame {
    MetricFrame {
        metric: MetricId::new(1).unwrap(),
        value_type: ValueType::F32,
        start: 300,
        end: 400,
        times: FrameTimes::Shared { frame: 1, offset: 2 },
        point_count: 2,
        payload_len: 10,
        decoded_len: 8,
    }
}

pub(crate) fn page_1() -> MetricFrame {
    MetricFrame { times: FrameTimes::Own, payload_len: 26, decoded_len: 24, ..metric_1() }
}

fn golden_times() -> Vec<u8> {
    hex("54504732 3000 0100 0100 01 00 6400000000000000 9001000000000000
         04000000 22000000 20000000 00000000 a4f992cc")
}

fn golden_metric() -> Vec<u8> {
    hex("4d504732 3000 0100 0100 02 00 2c01000000000000 9001000000000000
         0100 0000 02000000 0a000000 08000000 904ce099")
}

fn golden_page() -> Vec<u8> {
    hex("4d504731 3000 0100 0100 02 00 2c01000000000000 9001000000000000
         02000000 1a000000 18000000 00000000 7bca5fa2")
}

fn encoded(frame: &MetricFrame, codec: u16) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode_header(codec, &mut out);
    out
}

fn encoded_times(frame: &TimeFrame, codec: u16) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode_header(codec, &mut out);
    out
}

#[test]
fn golden_bytes() {
    assert_eq!(encoded_times(&TIMES, 1), golden_times());
    assert_eq!(TimeFrame::decode_header(&golden_times()), Ok((1, TIMES)));
    assert_eq!(encoded(&metric_1(), 1), golden_metric());
    assert_eq!(MetricFrame::decode_v2_header(&golden_metric()), Ok((1, metric_1())));
    assert_eq!(encoded(&page_1(), 1), golden_page());
    assert_eq!(MetricFrame::decode_v1_header(&golden_page()), Ok((1, page_1())));
}

#[test]
fn every_prefix_is_truncated() {
    let short = |found| FrameError::Truncated { found, expected: HEADER_LEN };
    assert_every_prefix_fails(&golden_times(), |bytes| {
        TimeFrame::decode_header(bytes) == Err(short(bytes.len()))
    });
    assert_every_prefix_fails(&golden_metric(), |bytes| {
        MetricFrame::decode_v2_header(bytes) == Err(short(bytes.len()))
    });
    assert_every_prefix_fails(&golden_page(), |bytes| {
        MetricFrame::decode_v1_header(bytes) == Err(short(bytes.len()))
    });
}

#[test]
fn every_flipped_bit_is_an_error() {
    assert_every_flip_fails(&golden_times(), |bytes| TimeFrame::decode_header(bytes).is_err());
    assert_every_flip_fails(&golden_metric(), |b| MetricFrame::decode_v2_header(b).is_err());
    assert_every_flip_fails(&golden_page(), |b| MetricFrame::decode_v1_header(b).is_err());
}

#[test]
fn each_check_of_a_time_frame_reports_what_it_found() {
    let decode = |at, bytes: &[u8]| {
        TimeFrame::decode_header(&patched(&golden_times(), at, bytes, 44)).expect_err("damaged")
    };
    let expected = *b"TPG2";
    assert_eq!(decode(0, b"MPG2"), FrameError::BadMagic { found: *b"MPG2", expected });
    assert_eq!(decode(4, &[49]), FrameError::BadHeaderLen(49));
    assert_eq!(decode(40, &[0, 1]), FrameError::ReservedNotZero(256));
    assert_eq!(decode(10, &[2]), FrameError::BadTimeEncoding(2));
    assert_eq!(decode(8, &[0]), FrameError::NoTimeFrame);
    assert_eq!(decode(12, &[0x91, 1]), FrameError::TimesReversed { start: 401, end: 400 });
    let error = FrameError::BadDecodedLen { found: 32, width: 8, points: 5 };
    assert_eq!(decode(28, &[5]), error);
    assert_eq!(
        decode(28, &[0, 0, 0, 0x20]),
        FrameError::BadDecodedLen { found: 32, width: 8, points: 0x2000_0000 },
        "8 * n wraps to a small number"
    );
}

#[test]
fn each_check_of_a_metric_frame_reports_what_it_found() {
    let decode = |at, bytes: &[u8]| {
        let bytes = patched(&golden_metric(), at, bytes, 44);
        MetricFrame::decode_v2_header(&bytes).expect_err("damaged")
    };
    assert_eq!(decode(30, &[3]), FrameError::ReservedNotZero(3));
    assert_eq!(decode(8, &[0]), FrameError::NoMetric);
    assert_eq!(decode(10, &[3]), FrameError::BadValueType(3));
    assert_eq!(decode(40, &[0]), FrameError::NoPoints);
    let error = FrameError::BadDecodedLen { found: 9, width: 4, points: 2 };
    assert_eq!(decode(40, &[9]), error);
}

proptest! {
    #[test]
    fn round_trips(codec: u16, id in 1..=u16::MAX, times: (i64, i64), points in 1_u32..1 << 28,
        payload_len: u32, frame: u16, offset: u32, own: bool,
    ) {
        let (start, end) = (times.0.min(times.1), times.0.max(times.1));
        let decoded_len = points * 8;
        let time = TimeFrame { id, start, end, point_count: points, payload_len, decoded_len };
        prop_assert_eq!(TimeFrame::decode_header(&encoded_times(&time, codec)), Ok((codec, time)));

        let times = if own { FrameTimes::Own } else { FrameTimes::Shared { frame: frame.into(), offset } };
        let decoded_len = points * if own { 12 } else { 4 };
        let metric = MetricId::new(id).unwrap();
        let metric = MetricFrame {
            metric, start, end, times, payload_len, decoded_len, point_count: points, ..metric_1()
        };
        let bytes = encoded(&metric, codec);
        let decoded = if own {
            MetricFrame::decode_v1_header(&bytes)
        } else {
            MetricFrame::decode_v2_header(&bytes)
        };
        prop_assert_eq!(decoded, Ok((codec, metric)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = TimeFrame::decode_header(&bytes);
        let _ = MetricFrame::decode_v1_header(&bytes);
        let _ = MetricFrame::decode_v2_header(&bytes);
    }
}
