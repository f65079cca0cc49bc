use super::*;
use crate::metric_file::header::Layout;
use crate::metric_file::testing::{assert_every_prefix_fails, hex};
use alloc::vec;
use proptest::prelude::*;

const TIMES: &str = "00 0a 1b 04 c801 ac02 00"; // 4 points from 100 to 400
const FIRST: &str = "02 14 08 00 02 00 02 02 c801 00"; // metric 1, the last two of them
const SECOND: &str = "01 15 10 05 02 00 00 04 00 00"; // metric 2, all

fn places() -> Places {
    // 64 + 10 + 27 + 20 + 8 + 21 + 16
    Places { time_frames: 1, metric_frames: 2, statistics: 166, index: 171 }
}

fn header(places: Places) -> FileHeader {
    let layout = Layout::V3(places);
    FileHeader { partition_kind: 1, min_time: 100, max_time: 400, layout }
}

fn decoded(text: &str) -> Result<(Index, Vec<FrameInfo>), (usize, PartError)> {
    Index::decode(&hex(text), &header(places()), places())
}

fn whole() -> alloc::string::String {
    [TIMES, FIRST, SECOND].concat()
}

fn entry(metric: u16, value_type: ValueType) -> MetricEntry {
    MetricEntry {
        metric: MetricId::new(metric).unwrap(),
        value_type,
        front_len: 20,
        body_len: 8,
        statistics_len: 0,
        time_frame: 1,
        time_offset: 2,
        points: 2,
        start: 300,
        end: 400,
    }
}

fn time_frame() -> TimeFrame {
    let times = [100, 200, 300, 400];
    let spans = Spans::of(&times);
    TimeFrame { offset: 64, front_len: 10, body_len: 27, points: 4, start: 100, end: 400, spans }
}

#[test]
fn golden_bytes() {
    let (mut out, mut before) = (Vec::new(), Before::default());
    time_frame().encode(&mut before, &mut out);
    let first = entry(1, ValueType::F32);
    first.encode((100, 400), 1, &mut before, &mut out);
    let second = MetricEntry {
        front_len: 21,
        body_len: 16,
        statistics_len: 5,
        time_offset: 0,
        points: 4,
        start: 100,
        ..entry(2, ValueType::I32)
    };
    second.encode((100, 400), 1, &mut before, &mut out);
    assert_eq!(out, hex(&whole()));
    let (index, entries) = decoded(&whole()).unwrap();
    assert_eq!(index.time_frames, [time_frame()]);
    assert_eq!(entries, [first.info(101), FrameInfo { index: 1, ..second.info(129) }]);
    let extent = |front_len, statistics_len| Extent { front_len, statistics: 166, statistics_len };
    assert_eq!(index.extents, [extent(20, 0), extent(21, 5)]);
}

#[test]
fn entries_are_sorted_by_metric_then_as_stored() {
    let later_first = [TIMES, FIRST, "01 15 10 05 06 00 00 04 00 00"].concat(); // metric 4
    let places = Places { metric_frames: 3, statistics: 166 + 28, index: 171 + 28, ..places() };
    let third = "02 14 08 00 05 00 02 02 c801 00"; // metric 1 again
    let bytes = hex(&[&later_first, third].concat());
    let (index, entries) = Index::decode(&bytes, &header(places), places).unwrap();
    let found: Vec<(usize, u16, u64)> =
        entries.iter().map(|info| (info.index, info.metric.get(), info.offset)).collect();
    assert_eq!(found, [(0, 1, 101), (1, 1, 166), (2, 4, 129)]);
    let statistics: Vec<u32> = index.extents.iter().map(|extent| extent.statistics_len).collect();
    assert_eq!(statistics, [0, 0, 5], "extents come along");
}

#[test]
fn each_check_reports_where_and_what_it_found() {
    let error = |from: &str, to: &str| decoded(&whole().replacen(from, to, 1)).unwrap_err();
    let invalid = |what, found, expected| PartError::Invalid { what, found, expected };
    let differs = |what, found, expected| PartError::Differs { what, found, expected };
    assert_eq!(error("02 14", "03 14"), (9, PartError::Unknown { what: "kind of frame", id: 3 }));
    assert_eq!(error("04 c801", "00 c801"), (0, invalid("points", 0, "1 to 65536")));
    assert_eq!(
        error("00 02 00 02 02", "00 01 00 02 02"),
        (9, invalid("metric", u64::MAX, "1 to 65535"))
    );
    let back = invalid("time frames back", 1, "one of those before");
    assert_eq!(error("00 02 00 02 02", "00 02 01 02 02"), (9, back));
    let offset = invalid("time offset", 3, "points inside the time frame");
    assert_eq!(error("00 02 00 02 02", "00 02 00 03 02"), (9, offset));
    let after = invalid("start after the end by", 100, "0");
    assert_eq!(error("02 c801 00", "02 c801 c801"), (9, after));
    let far = invalid("distance of times", u64::MAX, "one to a time of 64 bits");
    assert_eq!(error("02 c801 00", "02 ffffffffffffffffff01 00"), (9, far));
    assert_eq!(error("14 08", "14 09"), (30, differs("end of the frames", 167, 166)));
    assert_eq!(error("10 05", "10 04"), (30, differs("end of the statistics", 170, 171)));
    assert_eq!(error(SECOND, ""), (20, differs("metric frames", 1, 2)));
    assert_eq!(error("04 00 00", "04 01 00"), (30, differs("earliest time", 101, 100)));
    let no_times = Index::decode(&hex(SECOND), &header(places()), places()).unwrap_err();
    assert_eq!(no_times, (0, invalid("time frames back", 0, "one of those before")));
}

#[test]
fn every_prefix_is_an_error() {
    assert_every_prefix_fails(&hex(&whole()), |bytes| {
        Index::decode(bytes, &header(places()), places()).is_err()
    });
}

#[test]
fn what_the_header_counts_is_not_believed() {
    let places = Places { time_frames: u32::MAX, metric_frames: u32::MAX, ..places() };
    let error = Index::decode(&hex(&whole()), &header(places), places).unwrap_err();
    let found = PartError::Differs { what: "time frames", found: 1, expected: u32::MAX.into() };
    assert_eq!(error, (30, found));
}

proptest! {
    #[test]
    fn round_trips(
        frames in prop::collection::vec(
            (prop::collection::vec(any::<i64>(), 1..9), 1_u16.., any::<(u16, u16, u16)>(), any::<(usize, usize)>()), 1..20),
    ) {
        let (mut out, mut before) = (Vec::new(), Before::default());
        let mut made: Vec<TimeFrame> = Vec::new();
        let mut expected: Vec<MetricEntry> = Vec::new();
        let (mut offset, mut statistics) = (64, 0);
        let (mut min, mut max) = (i64::MAX, i64::MIN);
        for (mut times, metric, lens, part) in frames {
            times.sort_unstable();
            let points = u32::try_from(times.len()).unwrap();
            let (start, end) = (times[0], times[times.len() - 1]);
            let (front_len, body_len) = (u32::from(lens.0), u32::from(lens.1));
            let spans = Spans::of(&times);
            let frame = TimeFrame { offset, front_len, body_len, points, start, end, spans };
            frame.encode(&mut before, &mut out);
            offset += u64::from(front_len + body_len);
            made.push(frame);
            let used = part.0 % made.len();
            let (times, time_frame) = (&made[used], u32::try_from(used + 1).unwrap());
            let entry = MetricEntry {
                metric: MetricId::new(metric).unwrap(),
                value_type: ValueType::I32,
                front_len,
                body_len,
                statistics_len: lens.2.into(),
                time_frame,
                time_offset: times.points - 1,
                points: 1,
                start: times.start,
                end: times.end,
            };
            let frames_so_far = u32::try_from(made.len()).unwrap();
            entry.encode((times.start, times.end), frames_so_far, &mut before, &mut out);
            (min, max) = (min.min(entry.start), max.max(entry.end));
            offset += u64::from(front_len + body_len);
            statistics += u64::from(entry.statistics_len);
            expected.push(entry);
        }
        let places = Places {
            time_frames: u32::try_from(made.len()).unwrap(),
            metric_frames: u32::try_from(expected.len()).unwrap(),
            statistics: offset,
            index: offset + statistics,
        };
        let header = FileHeader { min_time: min, max_time: max, ..header(places) };
        let (index, entries) = Index::decode(&out, &header, places).unwrap();
        prop_assert_eq!(&index.time_frames, &made);
        expected.sort_by_key(|entry| entry.metric);
        for (info, entry) in entries.iter().zip(&expected) {
            let found = FrameInfo { index: 0, ..*info };
            prop_assert_eq!(found, entry.info(info.offset));
        }
        prop_assert_eq!(entries.len(), expected.len());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Index::decode(&bytes, &header(places()), places());
        let _ = Index::decode(&[&hex(TIMES), &*bytes].concat(), &header(places()), places());
        let _ = Index::decode(&[&[0], &*bytes].concat(), &header(places()), places());
        let spare = vec![0; 3];
        let _ = Index::decode(&spare, &header(places()), places());
    }
}
