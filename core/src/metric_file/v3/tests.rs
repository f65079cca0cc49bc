//! Whole v3 files.

use super::*;
use crate::column::noise::noise;
use crate::column::{Encoded, values};
use crate::compress::CodecId;
use crate::error::Result;
use crate::metric_file::testing::{Pages, content, metric, opened, type_of, written};
use crate::metric_file::{
    BuildOptions, Frame, FrameInfo, SampleScan, SeriesInput, Version, Visit, compare,
};
use alloc::vec::Vec;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_770_681_600 * SECOND;

pub(super) fn one<'a>(id: u16, times: &'a [i64], raws: &'a [u32]) -> SeriesInput<'a> {
    SeriesInput { metric: metric(id), value_type: type_of(id).unwrap(), times, raws }
}

pub(super) fn file_of(series: &[SeriesInput<'_>]) -> Vec<u8> {
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

pub(super) fn day_file() -> Vec<u8> {
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
fn noise_takes_no_more_than_a_hundredth_beside_its_bytes() {
    let (times, ..) = day();
    let column = |seed| noise(seed).zip(noise(seed + 1)).map(|(high, low)| (high << 1) ^ low);
    let columns = [1, 2].map(|id| (id, column(id.into()).take(times.len()).collect::<Vec<u32>>()));
    let bytes = file_of(&columns.each_ref().map(|(id, raws)| one(*id, &times, raws)));
    let raw_len = 2 * times.len() * 4;
    assert!((raw_len..raw_len * 101 / 100).contains(&bytes.len()), "{} bytes", bytes.len());
    let file = opened(&bytes).unwrap();
    for (id, raws) in columns {
        let entry = &file.entries_of(metric(id)).unwrap()[0];
        assert_eq!(file.statistics(entry).unwrap(), None);
        assert_eq!(file.read_values(entry).unwrap(), raws);
    }
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

/// Bits that encoders may stumble over.
fn raw() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        any::<f32>().prop_map(f32::to_bits),
        (-1000_i32..1000).prop_map(i32::cast_unsigned),
        (-1000_i16..1000).prop_map(|tenths| (f32::from(tenths) / 10.0).to_bits()),
        prop::sample::select(
            &[
                0,
                0x8000_0000, // -0.0
                0x7f80_0000,
                0xff80_0000, // infinities
                0x7fc0_0000,
                0x7f80_0001,
                0xffff_ffff, // NaN: quiet, signalling, all bits
                1,
                0x8000_0001,
                0x007f_ffff, // subnormal
                0x7f7f_ffff,
            ][..]
        ),
    ]
}

/// Times with repetitions, gaps and extremes, in storage order of a partition.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        0_i64..20,
        (-50_i64..50).prop_map(|i| i * SECOND),
        (0_i64..500).prop_map(|i| START + i * 10 * SECOND),
        any::<i64>(),
        prop::sample::select(&[i64::MIN, i64::MIN + 1, -1, i64::MAX - 1, i64::MAX][..]),
    ]
}

/// The samples by metric, stably sorted by time.
fn by_metric(samples: &[(u16, i64, u32)]) -> Vec<(u16, i64, u32)> {
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|sample| (sample.0, sample.1));
    sorted
}

fn read(bytes: &[u8]) -> Vec<(u16, i64, u32)> {
    let mut found = Vec::new();
    for frame in content(bytes).unwrap() {
        let id = frame.info.metric.get();
        found.extend(frame.times.iter().zip(&frame.raws).map(|(&time, &raw)| (id, time, raw)));
    }
    by_metric(&found)
}

proptest! {
    #[test]
    fn every_sample_is_read_bit_for_bit(
        samples in prop::collection::vec((1_u16..4, time(), raw()), 1..600),
        budget in prop_oneof![Just(24 << 20), 0_usize..9000],
        in_order: bool,
    ) {
        let mut samples = samples;
        if in_order {
            samples.sort_by_key(|sample| sample.1);
        }
        let bytes = built(&samples, budget);
        let file = opened(&bytes).unwrap();
        file.verify_index().unwrap();
        prop_assert_eq!(read(&bytes), by_metric(&samples));
        let found = compare(&mut Pages::of(&samples), &type_of, &file, 4000).unwrap();
        prop_assert_eq!(found.mismatch, None);
        prop_assert_eq!(usize::try_from(found.points).unwrap(), samples.len());
        if in_order {
            let metrics = file.entries().chunk_by(|a, b| a.metric == b.metric);
            for entries in metrics {
                prop_assert!(entries.is_sorted_by(|a, b| a.range.to <= b.range.from));
            }
        }
    }

    #[test]
    fn statistics_are_those_of_the_points(
        samples in prop::collection::vec((1_u16..3, time(), raw()), 64..900),
        id in 1_u16..3,
    ) {
        let bytes = built(&samples, 24 << 20);
        let file = opened(&bytes).unwrap();
        for entry in file.entries_of(metric(id)).unwrap() {
            let Some(statistics) = file.statistics(entry).unwrap() else {
                let raws = file.read_values(entry).unwrap();
                let mut column = Encoded::default();
                values::encode(entry.value_type, &raws, &mut column);
                let is_noise = column.head.len() + column.body.len() + 200 > raws.len() * 4;
                prop_assert!(raws.len() < 64 || is_noise);
                continue;
            };
            let mut next = 0;
            for span in &statistics.spans {
                prop_assert_eq!(span.points.start, next);
                prop_assert!(!span.points.is_empty());
                next = span.points.end;
                let (times, raws) = file.read_points(entry, span.points.clone()).unwrap();
                let range = statistics.range(span, entry.range);
                prop_assert!(times.iter().all(|&time| range.contains(crate::Timestamp(time))));
                let numbers: Vec<f64> = raws
                    .iter()
                    .map(|&raw| crate::Value::from_raw(entry.value_type, raw).as_f64())
                    .filter(|number| !number.is_nan())
                    .collect();
                prop_assert_eq!(span.numbers, numbers.len());
                prop_assert_eq!((span.first, span.last), (raws[0], raws[raws.len() - 1]));
                let sum = numbers.iter().fold(0.0, |sum, number| sum + number);
                prop_assert!(sum.to_bits() == span.sum.to_bits() || sum.is_nan() && span.sum.is_nan());
                prop_assert!(numbers.iter().all(|&number| span.min <= number && number <= span.max));
                let is_there = |end: f64| numbers.is_empty() || numbers.contains(&end);
                prop_assert!(is_there(span.min) && is_there(span.max));
            }
            prop_assert_eq!(next, usize::try_from(entry.point_count).unwrap());
        }
    }

    #[test]
    fn any_points_are_read_alone(
        samples in prop::collection::vec((Just(1_u16), time(), raw()), 1..3000),
        ends in (0.0..=1.0_f64, 0.0..=1.0_f64),
    ) {
        let file = opened(&built(&samples, 24 << 20)).unwrap();
        let entry = file.entries()[0];
        let frame = file.read_frame(&entry).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place somewhere in the frame")]
        let place = |part: f64| (part * samples.len() as f64) as usize;
        let (from, to) = (place(ends.0).min(place(ends.1)), place(ends.0).max(place(ends.1)));
        let (times, raws) = file.read_points(&entry, from..to).unwrap();
        prop_assert_eq!(times, &frame.times[from..to]);
        prop_assert_eq!(raws, &frame.raws[from..to]);
    }
}

/// Many samples that nobody holds: each is made when it is asked for.
struct Endless {
    count: u32,
}

impl SampleScan for Endless {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        for instant in 0..self.count / 4 {
            let time = START + i64::from(instant) * SECOND;
            visit(&[1, 2, 3, 4], &[time; 4], &[instant, instant / 60, 7, instant % 1000])?;
        }
        Ok(())
    }
}

#[test]
fn memory_does_not_depend_on_the_length_of_the_partition() {
    // What a build holds is one group, the spools' memory and the index: so no group may be larger
    // than the budget, however many there are.
    let options = BuildOptions::default().memory_budget(24 * 4096).spool_memory(1 << 12);
    for (count, groups) in [(16_384, 4), (262_144, 64)] {
        let mut scan = Endless { count };
        let bytes =
            written(CodecId::S2, 1, |t| build_v3(t, &mut scan, &type_of, &options)).unwrap();
        let file = opened(&bytes).unwrap();
        assert_eq!((file.summary().frames, file.summary().time_frames), (4 * groups, groups));
        assert!(file.entries().iter().all(|entry| entry.point_count == 1024));
        assert_eq!(file.point_count(), u64::from(count));
        assert_eq!(
            file.frames().map(|frame| frame.unwrap().times.len()).sum::<usize>(),
            count as usize
        );
    }
}

#[test]
fn a_visit_larger_than_the_budget_is_cut() {
    let samples: Vec<(u16, i64, u32)> = (0..5000).map(|i| (1, i64::from(i), i)).collect();
    let ids = samples.iter().map(|sample| sample.0).collect();
    let times = samples.iter().map(|sample| sample.1).collect();
    let mut scan = Pages(alloc::vec![(ids, times, samples.iter().map(|s| s.2).collect())]);
    let options = BuildOptions::default().memory_budget(24 * 1000);
    let bytes = written(CodecId::S2, 1, |t| build_v3(t, &mut scan, &type_of, &options)).unwrap();
    let counts: Vec<u32> =
        opened(&bytes).unwrap().entries().iter().map(|e| e.point_count).collect();
    assert_eq!(counts, [1000; 5]);
    assert_eq!(read(&bytes), samples);
}

#[test]
fn frames_of_late_samples_reach_into_each_other_and_are_read_in_order() {
    let samples: Vec<(u16, i64, u32)> = (0..200).map(|i| (2, i64::from(i % 10), i)).collect();
    let bytes = built(&samples, 24 * 50);
    let file = opened(&bytes).unwrap();
    let entries = file.entries_of(metric(2)).unwrap();
    assert_eq!(entries.len(), 4);
    assert!(entries.windows(2).all(|pair| pair[0].range.overlaps(pair[1].range)));
    assert_eq!(read(&bytes), by_metric(&samples));
    let found = compare(&mut Pages::of(&samples), &type_of, &file, 0).unwrap();
    assert_eq!((found.mismatch, found.points), (None, 200));
    let mut other = samples.clone();
    other[123].2 = 7;
    let found = compare(&mut Pages::of(&other), &type_of, &file, 0).unwrap();
    assert_eq!(found.mismatch.map(|mismatch| mismatch.position), Some(3 * 20 + 12));
}

#[test]
fn a_run_of_equal_times_longer_than_a_frame_is_cut_anyhow() {
    let (times, raws) = (alloc::vec![START; 70_000], (0..70_000).collect::<Vec<u32>>());
    let file = opened(&file_of(&[one(1, &times, &raws), one(2, &times, &raws)])).unwrap();
    let counts: Vec<u32> = file.entries().iter().map(|entry| entry.point_count).collect();
    assert_eq!(counts, [65_536, 4464, 65_536, 4464]);
    assert_eq!(file.summary().time_frames, 1, "the shorter vector is a part of the longer");
}
