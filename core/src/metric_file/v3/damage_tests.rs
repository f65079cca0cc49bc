//! What becomes of files that are damaged, cut short or made to harm.

use super::tests::{day_file, file_of, one};
use crate::codec::checksum::crc32;
use crate::error::Error;
use crate::metric_file::testing::{content, hex, metric, opened};
use crate::metric_file::{Frame, FrameInfo, Statistics};
use crate::types::ValueType;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use proptest::prelude::*;

/// The file of `docs/FORMAT.md` §9.
fn example() -> Vec<u8> {
    hex("4e544d46 0300 4000 01000000 01 000000 6400000000000000 9001000000000000
         02000000 03000000 e200000000000000 e200000000000000 00000000 7cbff382
         54504733 01 04 01 00 20 88d62e1e 2ea9ed22
         6400000000000000 c800000000000000 2c01000000000000 9001000000000000
         54504733 02 01 01 00 08 1f62cd8c dc22a32b
         9600000000000000
         4d504733 02 01 01 02 02 01 00 08 b88be3b4 55c78b6f
         0000c03f 00002040
         4d504733 01 02 01 00 04 01 00 10 efd405af f64d858a
         01000000 02000000 03000000 04000000
         4d504733 01 03 02 00 01 01 00 04 ffffffff 4eb0859c
         ffffffff
         00 11 20 04 c801 ac02 00
         00 11 08 01 64 00 00
         02 14 08 00 02 01 02 02 c801 00
         01 14 10 00 02 01 00 04 00 00
         01 14 04 00 02 00 00 01 00 00
         4e544654 03000000 0232e9d3 e75ef545")
}

/// A file with statistics: two metrics, the second without the first points.
fn with_statistics() -> Vec<u8> {
    let times: Vec<i64> = (0..70).map(|i| i * 11).collect();
    let raws: Vec<u32> = (0..70).map(|i| i % 5).collect();
    file_of(&[one(1, &times, &raws), one(2, &times[3..], &raws[3..])])
}

/// Everything a reader can learn: frames, and what is known of them.
fn learned(bytes: &[u8]) -> crate::Result<Vec<(Frame, Option<Statistics>)>> {
    let file = opened(bytes)?;
    let with_statistics = |frame: Frame| {
        let statistics = file.statistics(&frame.info)?;
        Ok((frame, statistics))
    };
    file.frames().map(|frame| frame.and_then(with_statistics)).collect()
}

#[test]
fn reads_the_example() {
    let found: Vec<(u16, ValueType, Vec<i64>, Vec<u32>)> = content(&example())
        .unwrap()
        .into_iter()
        .map(|frame| (frame.info.metric.get(), frame.info.value_type, frame.times, frame.raws))
        .collect();
    let all = [100, 200, 300, 400];
    assert_eq!(
        found[0],
        (1, ValueType::F32, all[2..].to_vec(), [0x3fc0_0000, 0x4020_0000].to_vec())
    );
    assert_eq!(found[1], (2, ValueType::I32, all.to_vec(), [1, 2, 3, 4].to_vec()));
    assert_eq!(found[2], (3, ValueType::I32, [150].to_vec(), [u32::MAX].to_vec()));
}

#[test]
fn every_flipped_bit_is_an_error_to_who_reads_all() {
    for intact in [example(), with_statistics()] {
        assert!(learned(&intact).is_ok());
        for bit in 0..intact.len() * 8 {
            let mut damaged = intact.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(learned(&damaged).is_err(), "bit {bit}");
        }
    }
}

/// What a query learns of one metric, without reading others.
fn of_metric(bytes: &[u8], id: u16) -> crate::Result<Vec<(Frame, Option<Statistics>)>> {
    let file = opened(bytes)?;
    let entries: Vec<FrameInfo> = file.entries_of(metric(id))?.to_vec();
    entries.iter().map(|entry| Ok((file.read_frame(entry)?, file.statistics(entry)?))).collect()
}

#[test]
fn every_flipped_bit_is_an_error_or_elsewhere() {
    for intact in [example(), with_statistics()] {
        for bit in 0..intact.len() * 8 {
            let mut damaged = intact.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            for id in 1..=3 {
                if let Ok(found) = of_metric(&damaged, id) {
                    assert_eq!(found, of_metric(&intact, id).unwrap(), "bit {bit}, metric {id}");
                }
            }
        }
    }
}

#[test]
fn every_prefix_is_an_error_and_so_is_a_longer_file() {
    for intact in [example(), with_statistics()] {
        for len in 0..intact.len() {
            assert!(opened(&intact[..len]).is_err(), "cut to {len}");
        }
        assert!(opened(&[&*intact, &[0]].concat()).is_err());
    }
}

#[test]
fn damage_in_one_block_leaves_the_others_readable() {
    let intact = day_file();
    let file = opened(&intact).unwrap();
    let entry = file.entries_of(metric(1)).unwrap()[0];
    let encoding = file.encoding(&entry).unwrap().unwrap();
    let first_points = file.read_points(&entry, 0..1024).unwrap();
    let last_byte = entry.offset + u64::from(encoding.front_len + encoding.body_len) - 1;
    let mut damaged = intact.clone();
    damaged[usize::try_from(last_byte).unwrap()] ^= 4;
    let file = opened(&damaged).unwrap();
    assert_eq!(file.read_points(&entry, 0..1024).unwrap(), first_points);
    assert_eq!(
        file.statistics(&entry).unwrap(),
        opened(&intact).unwrap().statistics(&entry).unwrap()
    );
    let error = file.read_points(&entry, 8639..8640).unwrap_err().to_string();
    assert!(error.contains("block checksum: found 0x"), "{error}");
    assert!(file.read_values(&entry).is_err());
}

/// The example with bytes replaced, and all checksums made right again.
fn forged(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut out = example();
    out[at..at + bytes.len()].copy_from_slice(bytes);
    seal(&mut out, 0..60);
    for front in [0x40..0x4d, 0x71..0x7e, 0x8a..0x9a, 0xa6..0xb6, 0xca..0xda] {
        seal(&mut out, front);
    }
    let index = crc32(&out[0xe2..0x111]).to_le_bytes();
    out[0x119..0x11d].copy_from_slice(&index);
    seal(&mut out, 0x111..0x11d);
    out
}

fn seal(bytes: &mut [u8], range: core::ops::Range<usize>) {
    let crc = crc32(&bytes[range.clone()]).to_le_bytes();
    bytes[range.end..range.end + 4].copy_from_slice(&crc);
}

fn message(at: usize, bytes: &[u8]) -> alloc::string::String {
    learned(&forged(at, bytes)).unwrap_err().to_string()
}

#[test]
fn what_checksums_do_not_tell_is_noticed() {
    assert_eq!(forged(0, b"N"), example());
    for (at, bytes, expected) in [
        (0x12, &[1][..], "273: earliest time: found 100, expected 65636"),
        (0x20, &[3], "273: time frames: found 2, expected 3"),
        (
            0x28,
            &[0xe3],
            "40: found statistics at 227 and index at 226, expected in order between 64 and 273",
        ),
        (
            0x30,
            &[0xe1],
            "40: found statistics at 226 and index at 225, expected in order between 64 and 273",
        ),
        (0x30, &[0xe3], "227: index checksum: found 0xd3e93202, expected 0x354f919c"),
        (
            0x44,
            &[2],
            "64: front: found Times { id: 2 }, 4 points, 32 bytes of blocks, \
                      expected Times { id: 1 }, 4 points, 32 bytes as in the index",
        ),
        (
            0x45,
            &[3],
            "64: front: found Times { id: 1 }, 3 points, 32 bytes of blocks, \
                      expected Times { id: 1 }, 4 points, 32 bytes as in the index",
        ),
        (
            0x48,
            &[0x1f],
            "64: front: found Times { id: 1 }, 4 points, 31 bytes of blocks, \
                         expected Times { id: 1 }, 4 points, 32 bytes as in the index",
        ),
        (0x49, &[0x89], "64: block checksum: found 0x1e2ed689, expected 0x1e2ed688"),
        (0xe3, &[0x12], "273: end of the frames: found 227, expected 226"),
        (0xf8, &[3], "242: time offset: found 3, expected points inside the time frame"),
    ] {
        let expected = format!("metric-2026-02-10.dat: damaged at byte {expected}");
        assert_eq!(message(at, bytes), expected, "at {at:#x}");
    }
}

#[test]
fn later_encodings_are_refused_by_name() {
    for (at, byte, expected) in [
        (0x47, 77, "byte 64: time encoding 77 is unknown"),
        (0x94, 78, "byte 138: value encoding 78 is unknown"),
        (0xf2, 3, "byte 242: kind of frame 3 is unknown"),
        (0xea, 11, "byte 226: span length 11 is unknown"),
    ] {
        let error = learned(&forged(at, &[byte])).unwrap_err();
        assert!(matches!(&error, Error::Unsupported { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("metric-2026-02-10.dat: {expected}"));
    }
}

#[test]
fn times_out_of_order_and_statistics_of_others_are_errors() {
    let mut bytes = example();
    bytes[0x59..0x61].copy_from_slice(&500_i64.to_le_bytes());
    let block = crc32(&bytes[0x51..0x71]).to_le_bytes();
    bytes[0x49..0x4d].copy_from_slice(&block);
    seal(&mut bytes, 0x40..0x4d);
    let error = learned(&bytes).unwrap_err().to_string();
    assert!(error.contains("times: found 300 after 500, expected non-decreasing"), "{error}");

    let times: Vec<i64> = (0..64).collect();
    let file = |last: u32| {
        let mut raws: Vec<u32> = (0..64).map(|i| i * 1_000_003).collect();
        raws[63] = last;
        file_of(&[one(2, &times, &raws)])
    };
    let (own, other) = (file(0x7000_0000), file(0x7000_0001));
    assert_eq!(own.len(), other.len());
    let places = |bytes: &[u8]| {
        let at = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        at(40)..at(48)
    };
    let mut mixed = own.clone();
    mixed[places(&own)].copy_from_slice(&other[places(&other)]);
    let error = learned(&mixed).unwrap_err().to_string();
    assert!(
        error.contains("statistics of metric 2: found other than those of its points"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn damage_is_noticed_wherever_it_is(
        damage in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..5),
    ) {
        let intact = with_statistics();
        let mut damaged = intact.clone();
        for (place, byte) in damage {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place somewhere in the file")]
            let at = (place * intact.len() as f64) as usize;
            damaged[at] = byte;
        }
        match learned(&damaged) {
            Ok(_) => prop_assert_eq!(damaged, intact),
            Err(error) => prop_assert!(error.is_unreadable()),
        }
    }

    #[test]
    fn forged_files_never_panic(at in 0_usize..280, bytes in prop::collection::vec(any::<u8>(), 1..9)) {
        let _ = learned(&forged(at, &bytes));
    }
}
