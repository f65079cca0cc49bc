//! Whole files: the format's examples, the reference's files, damage at every byte.

use super::testing::{content, hex, metric, opened, without_compression, written};
use super::*;
use crate::compress::CodecId;
use crate::error::{Error, Result};
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use proptest::prelude::*;

const REFERENCE_FILES: [(&str, &[u8]); 4] = [
    ("shapes", include_bytes!("testdata/v2-time-shapes-zstd.dat")),
    ("v2 staggered", include_bytes!("testdata/v2-staggered-s2.dat")),
    ("v1 staggered", include_bytes!("testdata/v1-staggered-s2.dat")),
    ("v1", include_bytes!("testdata/v1-zstd.dat")),
];

/// The worked example of format §9.6.
fn example_v1() -> Vec<u8> {
    hex("4e544d46 0100 4000 01000000 01 000000 6400000000000000 9001000000000000
         03000000 03000000 00000000 00000000 00000000 00000000 00000000 053ef992
         4d504731 3000 0100 0100 02 00 2c01000000000000 9001000000000000
         02000000 1a000000 18000000 00000000 7bca5fa2
         18 5c 2c01000000000000 9001000000000000 0000c03f 00002040 31475568
         4d504731 3000 0100 0200 01 00 6400000000000000 9001000000000000
         04000000 23000000 30000000 00000000 6c392dc3
         30 046400 0901 00c8 0907 08002c01 0908 0090 0d00 0107 2c020000000300000004000000
         8394c536
         4d504731 3000 0100 0300 01 00 9600000000000000 9600000000000000
         01000000 0e000000 0c000000 00000000 8d6636d3
         0c 2c 9600000000000000 ffffffff fb1dd38f
         0100 02 00 4000000000000000 2c01000000000000 9001000000000000
         02000000 18000000 1a000000 00000000
         0200 01 00 8e00000000000000 6400000000000000 9001000000000000
         04000000 30000000 23000000 00000000
         0300 01 00 e500000000000000 9600000000000000 9600000000000000
         01000000 0c000000 0e000000 00000000
         4e544654 01000000 03000000 cac4e508")
}

/// The worked example of format §10.9.
fn example_v2() -> Vec<u8> {
    hex("4e544d46 0200 4000 01000000 01 000000 6400000000000000 9001000000000000
         02000000 03000000 9201000000000000 e201000000000000 00000000 0ba8c846
         54504732 3000 0100 0100 01 00 6400000000000000 9001000000000000
         04000000 22000000 20000000 00000000 a4f992cc
         20 7c 6400000000000000 c800000000000000 2c01000000000000 9001000000000000 811ef4da
         54504732 3000 0100 0200 01 00 9600000000000000 9600000000000000
         01000000 0a000000 08000000 00000000 ef414b4d
         08 1c 9600000000000000 91244653
         4d504732 3000 0100 0100 02 00 2c01000000000000 9001000000000000
         0100 0000 02000000 0a000000 08000000 904ce099
         08 1c 0000c03f 00002040 36cd686b
         4d504732 3000 0100 0200 01 00 6400000000000000 9001000000000000
         0100 0000 00000000 12000000 10000000 6468d8de
         10 3c 01000000 02000000 03000000 04000000 39cfeca6
         4d504732 3000 0100 0300 01 00 9600000000000000 9600000000000000
         0200 0000 00000000 06000000 04000000 5c3d24ee
         04 0c ffffffff 572e1831
         0100 0000 4000000000000000 6400000000000000 9001000000000000 04000000 20000000 22000000
         0200 0000 9600000000000000 9600000000000000 9600000000000000 01000000 08000000 0a000000
         0100 02 00 d400000000000000 2c01000000000000 9001000000000000
         0100 0000 02000000 08000000 0a000000
         0200 01 00 1201000000000000 6400000000000000 9001000000000000
         0100 0000 00000000 10000000 12000000
         0300 01 00 5801000000000000 9600000000000000 9600000000000000
         0200 0000 00000000 04000000 06000000
         4e544654 02000000 00000000 c76cdf94")
}

/// The series of both examples.
fn example_series() -> [SeriesInput<'static>; 3] {
    let series =
        |id, value_type, times, raws| SeriesInput { metric: metric(id), value_type, times, raws };
    [
        series(1, ValueType::F32, &[300, 400], &[0x3fc0_0000, 0x4020_0000]),
        series(2, ValueType::I32, &[100, 200, 300, 400], &[1, 2, 3, 4]),
        series(3, ValueType::I32, &[150], &[u32::MAX]),
    ]
}

#[test]
fn writes_the_examples_byte_for_byte() {
    let v1 = written(CodecId::S2, 1, |target| write_v1(target, &example_series())).unwrap();
    assert_eq!(v1, example_v1());
    assert_eq!(v1.len(), 443);
    let v2 = written(CodecId::S2, 1, |target| write_v2(target, &example_series())).unwrap();
    assert_eq!(v2, example_v2());
    assert_eq!(v2.len(), 630);
}

#[test]
fn reads_the_examples() {
    for (bytes, version, times) in [(example_v1(), Version::V1, 0), (example_v2(), Version::V2, 2)]
    {
        let file = opened(&bytes).unwrap();
        let summary = file.summary();
        assert_eq!((summary.version, summary.time_frames), (version, times));
        assert_eq!((summary.partition_kind, summary.codec), (1, Some(CodecId::S2)));
        assert_eq!((summary.frames, summary.metrics, summary.points), (3, 3, 7));
        assert_eq!((summary.range.from.0, summary.range.to.0), (100, 400));
        let frames: Vec<Frame> = file.frames().collect::<Result<_>>().unwrap();
        for (frame, series) in frames.iter().zip(example_series()) {
            assert_eq!(frame.info.metric, series.metric);
            assert_eq!(frame.info.value_type, series.value_type);
            assert_eq!((&*frame.times, &*frame.raws), (series.times, series.raws));
            assert_eq!(&file.read_frame(&frame.info).unwrap(), frame);
        }
    }
}

#[test]
fn a_time_vector_is_read_once_and_shared() {
    let file = opened(&example_v2()).unwrap();
    let of = |id| file.entries_of(metric(id)).unwrap()[0];
    assert_eq!(of(1).times_key(), of(2).times_key());
    assert_ne!(of(1).times_key(), of(3).times_key());
    let times = file.read_times(&of(2)).unwrap();
    assert_eq!(times, [100, 200, 300, 400]);
    assert_eq!(file.entry_times(&of(1), &times).unwrap(), [300, 400]);
    assert_eq!(file.read_values(&of(1)).unwrap(), [0x3fc0_0000, 0x4020_0000]);
    assert!(file.entry_times(&of(3), &times).is_err(), "these are not its times");
    assert_eq!(file.entries_of(metric(4)).unwrap(), []);
}

#[test]
fn files_of_the_reference_are_written_the_same() {
    for (name, bytes) in REFERENCE_FILES {
        let file = opened(bytes).unwrap();
        let frames: Vec<Frame> = file.frames().collect::<Result<_>>().unwrap();
        let series: Vec<SeriesInput<'_>> = frames
            .iter()
            .rev()
            .map(|frame| SeriesInput {
                metric: frame.info.metric,
                value_type: frame.info.value_type,
                times: &frame.times,
                raws: &frame.raws,
            })
            .collect();
        let codec = file.codec().unwrap();
        let again = written(codec, file.partition_kind(), |target| match file.version() {
            Version::V1 => write_v1(target, &series),
            Version::V2 => write_v2(target, &series),
            Version::V3 => write_v3(target, &series),
        });
        let again = without_compression(&again.unwrap());
        assert_eq!(again, without_compression(bytes), "{name}");
    }
}

#[test]
fn odd_shapes_of_time_are_shared_as_the_reference_does() {
    let file = opened(REFERENCE_FILES[0].1).unwrap();
    assert_eq!(file.summary().time_frames, 4);
    let counts: Vec<u32> = file.entries().iter().map(|entry| entry.point_count).collect();
    assert_eq!(counts, [60, 60, 20, 30, 20, 20, 36, 27, 1, 15]);
    let keys: Vec<usize> = file.entries().iter().map(FrameInfo::times_key).collect();
    assert_eq!(keys[..2], [1, 1], "same times");
    assert_eq!(keys[4], keys[5], "same sparse times");
    assert_eq!([keys[2], keys[7], keys[8], keys[9]], [1; 4], "contiguous parts");
}

/// What a reader of one metric gets: its frames without reading others.
fn of_metric(bytes: &[u8], id: MetricId) -> Result<Vec<Frame>> {
    let file = opened(bytes)?;
    let entries = file.entries_of(id)?.to_vec();
    entries.iter().map(|entry| file.read_frame(entry)).collect()
}

/// What a query learns before it decides to skip all frames of a metric.
fn ranges_of_metric(bytes: &[u8], id: MetricId) -> Result<Vec<FrameInfo>> {
    Ok(opened(bytes)?.entries_of(id)?.to_vec())
}

fn assert_detected_or_harmless(damaged: &[u8], intact: &[u8], what: &str) {
    if let Ok(found) = content(damaged) {
        assert_eq!(found, content(intact).unwrap(), "{what}");
    }
    for id in (0..5).filter_map(MetricId::new) {
        if let Ok(found) = of_metric(damaged, id) {
            assert_eq!(found, of_metric(intact, id).unwrap(), "{what}, metric {id}");
        }
        if let Ok(found) = ranges_of_metric(damaged, id) {
            assert_eq!(found, ranges_of_metric(intact, id).unwrap(), "{what}, metric {id}");
        }
    }
}

#[test]
fn every_flipped_bit_is_detected_or_harmless() {
    for intact in [example_v1(), example_v2()] {
        for bit in 0..intact.len() * 8 {
            let mut damaged = intact.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_detected_or_harmless(&damaged, &intact, &format!("bit {bit}"));
        }
    }
}

#[test]
fn every_changed_byte_is_detected_by_reading_everything() {
    for intact in [example_v1(), example_v2()] {
        // The reference does not check this byte of a v1 index entry; it means nothing.
        let unused = |at: usize| intact[4] == 1 && [0x12a, 0x156, 0x182].contains(&at);
        for at in (0..intact.len()).filter(|at| !unused(*at)) {
            for value in [0, 1, 0x7f, 0x80, 0xff, !intact[at]] {
                let mut damaged = intact.clone();
                damaged[at] = value;
                let detected = content(&damaged).is_err();
                assert_eq!(detected, value != intact[at], "byte {at:#x} set to {value:#x}");
            }
        }
    }
}

#[test]
fn a_file_that_was_cut_or_has_grown_is_not_opened() {
    let mut files: Vec<Vec<u8>> = alloc::vec![example_v1(), example_v2()];
    files.extend(REFERENCE_FILES.iter().map(|(_, bytes)| bytes.to_vec()));
    for intact in files {
        for cut in 0..intact.len() {
            assert!(opened(&intact[..cut]).is_err(), "cut to {cut}");
        }
        for more in 1..100 {
            let mut grown = intact.clone();
            grown.extend(&intact[intact.len() - more.min(intact.len())..]);
            assert!(opened(&grown).is_err(), "grown by {more}");
        }
    }
}

#[test]
fn two_frames_cannot_swap_their_ids_in_the_index() {
    let intact = example_v2();
    for (first, second) in [(0x1e2, 0x20e), (0x20e, 0x23a)] {
        // The entry takes the id of its neighbour, so ids still ascend.
        let mut damaged = intact.clone();
        damaged[first] = intact[second];
        let hidden = metric(intact[first].into());
        let error = ranges_of_metric(&damaged, hidden).unwrap_err().to_string();
        let found = intact[first];
        let expected = intact[second];
        let field = format!("metric id: found {found}, expected {expected} as in the index");
        assert!(error.contains(&field), "{error}");
        let mut damaged = intact.clone();
        damaged[second] = intact[first];
        assert!(ranges_of_metric(&damaged, metric(intact[second].into())).is_err());
    }
}

#[test]
fn errors_say_where_and_what() {
    let intact = example_v2();
    let message = |at: usize, value: u8| {
        let mut damaged = intact.clone();
        damaged[at] = value;
        content(&damaged).unwrap_err().to_string()
    };
    let file = "metric-2026-02-10.dat";
    assert_eq!(
        message(0x74, 1),
        format!(
            "{file}: damaged at byte 64: payload checksum: found 0xdaf41e81, expected 0xe694fd89"
        )
    );
    assert_eq!(
        message(0x196, 0x41),
        format!("{file}: damaged at byte 402: index: found a frame at 65, expected at 64")
    );
    assert_eq!(
        message(0x20e, 9),
        format!(
            "{file}: damaged at byte 570: metric index: found metric 3 after 9, expected ascending ids"
        )
    );
    let error = {
        let mut damaged = intact.clone();
        damaged[4] = 4;
        opened(&damaged).unwrap_err()
    };
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("{file}: metric file version 4 is unknown, expected 1 to 3")
    );
}

/// The example with the header of the frame at `at` changed, its checksum made right, and the
/// same change made to its index entry where it has one.
fn with_frame_field(at: usize, field: usize, value: &[u8], entry: Option<usize>) -> Vec<u8> {
    let mut bytes = example_v2();
    bytes[at + field..at + field + value.len()].copy_from_slice(value);
    let crc = crate::codec::checksum::crc32(&bytes[at..at + 44]).to_le_bytes();
    bytes[at + 44..at + 48].copy_from_slice(&crc);
    if let Some(entry) = entry {
        bytes[entry..entry + value.len()].copy_from_slice(value);
    }
    bytes
}

#[test]
fn an_unknown_codec_is_unsupported() {
    let first = with_frame_field(0x40, 6, &[9, 0], None);
    let later = with_frame_field(0x112, 6, &[9, 0], None);
    assert!(matches!(opened(&first), Err(Error::Unsupported { .. })));
    assert!(opened(&later).is_ok());
    let error = content(&later).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("codec 9 of the frame at byte 274"), "{error}");
}

#[test]
fn times_outside_their_frame_are_found() {
    // Offsets that end behind the frame, also where 32 bits would wrap.
    for offset in [3_u32, 4, u32::MAX - 1] {
        let bytes = with_frame_field(0xd4, 32, &offset.to_le_bytes(), Some(0x1e2 + 32));
        let error = opened(&bytes).unwrap_err().to_string();
        assert!(error.contains(&format!("2 points from time {offset} on")), "{error}");
    }
    // An offset inside the frame, but not where the metric's times are.
    let bytes = with_frame_field(0xd4, 32, &1_u32.to_le_bytes(), Some(0x1e2 + 32));
    let error = content(&bytes).unwrap_err().to_string();
    assert!(error.contains("found 200 to 300, expected 300 to 400"), "{error}");
    let bytes = with_frame_field(0xd4, 28, &7_u16.to_le_bytes(), Some(0x1e2 + 28));
    let error = opened(&bytes).unwrap_err().to_string();
    assert!(error.contains("found time frame 7, expected 1 to 2"), "{error}");
}

#[test]
fn a_hostile_length_is_refused_before_anything_is_allocated() {
    let points = 1_u32 << 24;
    let bytes = with_frame_field(0x40, 28, &points.to_le_bytes(), Some(0x192 + 28));
    let mut bytes = bytes;
    let decoded = (points * 8).to_le_bytes();
    bytes[0x40 + 36..0x40 + 40].copy_from_slice(&decoded);
    bytes[0x192 + 32..0x192 + 36].copy_from_slice(&decoded);
    let crc = crate::codec::checksum::crc32(&bytes[0x40..0x40 + 44]).to_le_bytes();
    bytes[0x40 + 44..0x40 + 48].copy_from_slice(&crc);
    let error = opened(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("decoded length: found 134217728, expected at most 67108864"),
        "{error}"
    );
}

#[test]
fn damage_of_a_time_frame_that_nobody_uses_is_found() {
    // Both metrics of time frame 1 move to frame 2, so frame 1 is without users.
    let series = |id, times| SeriesInput {
        metric: metric(id),
        value_type: ValueType::I32,
        times,
        raws: &[1],
    };
    let series = [series(1, &[10]), series(2, &[20])];
    let mut bytes = written(CodecId::S2, 1, |target| write_v2(target, &series)).unwrap();
    let frame = bytes.windows(4).position(|part| part == b"MPG2").unwrap();
    let entry = bytes.len() - 16 - 88;
    for (at, value) in [(12, 20), (20, 20), (28, 2)] {
        bytes[frame + at] = value;
        bytes[entry + at] = value;
    }
    let crc = crate::codec::checksum::crc32(&bytes[frame..frame + 44]).to_le_bytes();
    bytes[frame + 44..frame + 48].copy_from_slice(&crc);
    bytes[16] = 20;
    let crc = crate::codec::checksum::crc32(&bytes[..60]).to_le_bytes();
    bytes[60..64].copy_from_slice(&crc);
    assert_eq!(content(&bytes).unwrap().len(), 2);
    bytes[64 + 50] ^= 1;
    assert!(content(&bytes).is_err());
}

/// Any file of the reference or example, with some bytes replaced.
fn mutated() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let files = (0..6_usize).prop_map(|index| match index {
        0 => example_v1(),
        1 => example_v2(),
        _ => REFERENCE_FILES[index - 2].1.to_vec(),
    });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (files, changes).prop_map(|(intact, changes)| {
        let mut damaged = intact.clone();
        for (at, value) in changes {
            damaged[at.index(intact.len())] = value;
        }
        (damaged, intact)
    })
}

proptest! {
    #[test]
    fn several_changed_bytes_are_detected_or_harmless((damaged, intact) in mutated()) {
        assert_detected_or_harmless(&damaged, &intact, "several bytes");
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(content(&bytes).is_err());
        let header = &example_v2()[..64];
        let len = header.len().min(bytes.len());
        bytes[..len].copy_from_slice(&header[..len]);
        prop_assert!(content(&bytes).is_err());
    }
}
