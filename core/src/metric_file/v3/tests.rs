//! Whole v3 files.

use super::*;
use crate::compress::CodecId;
use crate::error::Result;
use crate::metric_file::testing::{Pages, metric, opened, type_of, written};
use crate::metric_file::{BuildOptions, Frame, FrameInfo, SeriesInput, Version};
use alloc::vec::Vec;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_770_681_600 * SECOND;

fn one<'a>(id: u16, times: &'a [i64], raws: &'a [u32]) -> SeriesInput<'a> {
    SeriesInput { metric: metric(id), value_type: type_of(id).unwrap(), times, raws }
}

fn file_of(series: &[SeriesInput<'_>]) -> Vec<u8> {
    written(CodecId::S2, 1, |target| write_v3(target, series)).unwrap()
}

fn built(samples: &[(u16, i64, u32)], budget: usize) -> Vec<u8> {
    let options = BuildOptions::default().memory_budget(budget);
    let mut scan = Pages::of(samples);
    written(CodecId::S2, 1, |target| build_v3(target, &mut scan, &type_of, &options)).unwrap()
}

/// A day at 10 s of two metrics, the second without the first hour.
fn day() -> (Vec<i64>, Vec<u32>, Vec<u32>) {
    let times: Vec<i64> = (0..8640).map(|i| START + i * 10 * SECOND).collect();
    let temperature = |i: u16| (20.0 + f32::from(i % 97) / 4.0).to_bits();
    let raws = (0..8640).map(temperature).collect();
    (times, raws, (0..8280).map(|i| i / 7).collect())
}

fn day_file() -> Vec<u8> {
    let (times, first, second) = day();
    file_of(&[one(1, &times, &first), one(2, &times[360..], &second)])
}

#[test]
fn a_day_is_read_as_it_was_written() {
    let (times, first, second) = day();
    let file = opened(&day_file()).unwrap();
    assert_eq!(file.version(), Version::V3);
    let summary = file.summary();
    assert_eq!((summary.codec, summary.time_frames, summary.frames), (None, 1, 2));
    assert_eq!((summary.metrics, summary.points), (2, 16_920));
    file.verify_index().unwrap();
    let frames: Vec<Frame> = file.frames().collect::<Result<_>>().unwrap();
    assert_eq!((&frames[0].times, &frames[0].raws), (&times, &first));
    assert_eq!((&frames[1].times[..], &frames[1].raws), (&times[360..], &second));
    let entry = &file.entries_of(metric(2)).unwrap()[0];
    assert_eq!(file.read_values(entry).unwrap(), second);
    let vector = file.read_times(entry).unwrap();
    assert_eq!(file.entry_times(entry, &vector).unwrap(), &times[360..]);
    assert_eq!(file.entries_of(metric(3)).unwrap(), []);
}

#[test]
fn points_are_read_by_the_block() {
    let (times, _, second) = day();
    let file = opened(&day_file()).unwrap();
    let entry = file.entries_of(metric(2)).unwrap()[0];
    for points in [0..0, 0..1, 1023..1025, 700..8280, 8279..8280, 0..8280, 4096..5120] {
        let before = file.payload_bytes_read();
        let (found_times, raws) = file.read_points(&entry, points.clone()).unwrap();
        assert_eq!(found_times, times[360..][points.clone()]);
        assert_eq!(raws, second[points.clone()]);
        let read = file.payload_bytes_read() - before;
        let blocks = u64::try_from(points.len().div_ceil(1024) + 1).unwrap();
        assert!(read <= 2 * blocks * 1024 * 12, "{points:?}: {read}");
        assert_eq!(read == 0, points.is_empty());
    }
    assert!(file.read_points(&entry, 8280..8281).unwrap_err().is_rejection());
}

#[test]
fn statistics_are_of_hours_and_read_no_payload() {
    let (times, first, second) = day();
    let file = opened(&day_file()).unwrap();
    for (id, from, raws) in [(1, 0, first), (2, 360, second)] {
        let entry = file.entries_of(metric(id)).unwrap()[0];
        let found = file.statistics(&entry).unwrap().unwrap();
        assert_eq!(found.span_ns, 3600 * SECOND);
        assert_eq!(found.spans.len(), 24 - from / 360);
        for (hour, span) in (0..).zip(&found.spans) {
            assert_eq!(span.slot, times[from] / (3600 * SECOND) + i64::try_from(hour).unwrap());
            assert_eq!((span.points.clone(), span.numbers), (hour * 360..hour * 360 + 360, 360));
            let numbers = raws[span.points.clone()].iter();
            let numbers = numbers
                .map(|&raw| crate::Value::from_raw(entry.value_type, raw).as_f64())
                .collect::<Vec<f64>>();
            assert_eq!(span.sum.to_bits(), numbers.iter().sum::<f64>().to_bits());
            let by_value = |a: &&f64, b: &&f64| a.total_cmp(b);
            let ends = (numbers.iter().min_by(by_value), numbers.iter().max_by(by_value));
            assert_eq!((Some(&span.min), Some(&span.max)), ends);
            assert_eq!((span.first, span.last), (raws[hour * 360], raws[hour * 360 + 359]));
            let range = found.range(span, entry.range);
            assert_eq!(range.from.0, times[from + hour * 360]);
            assert!(
                (times[from + hour * 360 + 359]..times[from] + 86400 * SECOND)
                    .contains(&range.to.0)
            );
        }
    }
    assert_eq!(file.payload_bytes_read(), 0);
}

#[test]
fn a_metric_has_as_many_frames_as_it_needs() {
    let times: Vec<i64> = (0..150_000).map(|i| START + i * SECOND).collect();
    let raws: Vec<u32> = (0..150_000).collect();
    let series = [one(1, &times, &raws), one(2, &times[70_000..], &raws[70_000..])];
    let file = opened(&file_of(&series)).unwrap();
    let counts: Vec<(u16, u32)> =
        file.entries().iter().map(|entry| (entry.metric.get(), entry.point_count)).collect();
    assert_eq!(counts, [(1, 65_536), (1, 65_536), (1, 18_928), (2, 61_072), (2, 18_928)]);
    assert_eq!(file.summary().time_frames, 3, "cut at the same instants, times are shared");
    let frames: Vec<Frame> = file.frames().collect::<Result<_>>().unwrap();
    let joined: Vec<u32> = frames[..3].iter().flat_map(|frame| frame.raws.clone()).collect();
    assert_eq!(joined, raws);
}

#[test]
fn groups_follow_one_another_and_metrics_come_together() {
    let samples: Vec<(u16, i64, u32)> =
        (0..300).map(|i| (i % 3 + 1, i64::from(i / 3), u32::from(i))).collect();
    let bytes = built(&samples, 24 * 90);
    let file = opened(&bytes).unwrap();
    assert_eq!(file.summary().frames, 12);
    assert_eq!(file.summary().time_frames, 4);
    let ids: Vec<u16> = file.entries().iter().map(|entry| entry.metric.get()).collect();
    assert_eq!(ids, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    let indexes: Vec<usize> = file.entries().iter().map(|entry| entry.index).collect();
    assert_eq!(indexes, (0..12).collect::<Vec<_>>());
    for id in 1..=3 {
        let entries: Vec<FrameInfo> = file.entries_of(metric(id)).unwrap().to_vec();
        assert!(entries.is_sorted_by(|a, b| a.range.to <= b.range.from));
        let found: Vec<(u16, i64, u32)> = entries
            .iter()
            .map(|entry| file.read_frame(entry).unwrap())
            .flat_map(|frame| frame.times.into_iter().zip(frame.raws))
            .map(|(time, raw)| (id, time, raw))
            .collect();
        let expected: Vec<_> = samples.iter().copied().filter(|sample| sample.0 == id).collect();
        assert_eq!(found, expected);
    }
    let stored: Vec<Frame> = file.stored_frames().collect::<Result<_>>().unwrap();
    assert!(stored.is_sorted_by_key(|frame| frame.info.offset));
}

#[test]
fn times_of_an_earlier_group_are_used_again() {
    let samples: Vec<(u16, i64, u32)> = (1..=3)
        .flat_map(|id| (0..100).map(move |i| (id, i64::from(i), i * u32::from(id))))
        .collect();
    let bytes = built(&samples, 24 * 100);
    let file = opened(&bytes).unwrap();
    assert_eq!((file.summary().frames, file.summary().time_frames), (3, 1));
    let frames: Vec<Frame> = file.frames().collect::<Result<_>>().unwrap();
    assert!(frames.iter().all(|frame| frame.times == (0..100).collect::<Vec<_>>()));
    assert_eq!(frames[2].raws, (0..100).map(|i| 3 * i).collect::<Vec<_>>());
    assert!(file.statistics(&frames[2].info).unwrap().is_some());
}
