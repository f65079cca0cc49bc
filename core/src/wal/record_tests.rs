use super::*;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

/// The reference's worked example: six records, none with a checksum.
pub(crate) const REFERENCE: &[u8] = b"\
    \x1d\x01\x00\x00\x00\x00\xc0\x00\x00\x2a\x36\xfe\x9c\x97\x17\x09room.temp\x02\x00\x00\xac\x41\
    \x0d\x02\x00\x05\x00\x00\x40\x01n\x01\xf9\xff\xff\xff\
    \x0a\x01\x00\x40\x42\x0f\x00\x00\x00\xae\x41\
    \x0a\x02\x00\xff\xff\xff\x00\x08\x00\x00\x00\
    \x12\x02\x00\x00\x00\x00\x80\x00\x00\x2a\x37\xfe\x9c\x97\x17\x09\x00\x00\x00\
    \x12\x02\x00\x00\x00\x00\x80\x28\xff\x29\x37\xfe\x9c\x97\x17\x0a\x00\x00\x00";

/// Id, time and raw value of the six.
pub(crate) const REFERENCE_SAMPLES: [(u16, i64, u32); 6] = [
    (1, 1_700_000_000_000_000_000, 0x41ac_0000),
    (2, 1_700_000_000_000_000_005, 0xffff_fff9),
    (1, 1_700_000_000_001_000_000, 0x41ae_0000),
    (2, 1_700_000_000_016_777_215, 8),
    (2, 1_700_000_000_016_777_216, 9),
    (2, 1_700_000_000_016_777_000, 10),
];

// Ours, by hand from the table; the checksums are zlib's of the bytes before them.
const GOLDEN: [&[u8]; 4] = [
    b"\x21\x01\x00\x00\x00\x00\xe0\x00\x00\x2a\x36\xfe\x9c\x97\x17\x09room.temp\x02\x00\x00\xac\x41\
      \x71\x5b\x49\xc0",
    b"\x0e\x02\x00\x05\x00\x00\x20\xf9\xff\xff\xff\x14\xe6\x8e\x95",
    b"\x1a\x02\x00\xff\xff\xff\x30\x08\x00\x00\x00\x38\xcf\x53\xd3\x27\x00\x00\x00\x00\x00\x00\x00\
      \x20\xad\x66\x88",
    b"\x22\x02\x00\x00\x00\x00\xb0\x00\x00\x2a\x37\xfe\x9c\x97\x17\x09\x00\x00\x00\x27\x6a\xd1\xba\
      \x55\x44\x33\x22\x11\x00\x00\x00\x3a\x53\x1d\x07",
];

/// What each of the golden records says.
fn golden_records() -> [Record<'static>; 4] {
    let name = Introduction { name: b"room.temp", value_type: Some(ValueType::F32) };
    let plain = Record {
        id: 2,
        time: REFERENCE_SAMPLES[1].1,
        raw: REFERENCE_SAMPLES[1].2,
        introduces: None,
        anchor: None,
        has_baseline: false,
        checked: true,
    };
    let first = Record {
        id: 1,
        time: REFERENCE_SAMPLES[0].1,
        raw: REFERENCE_SAMPLES[0].2,
        introduces: Some(name),
        has_baseline: true,
        ..plain
    };
    let anchored = Record { time: REFERENCE_SAMPLES[3].1, raw: 8, anchor: Some(39), ..plain };
    let both = Record {
        time: REFERENCE_SAMPLES[4].1,
        raw: 9,
        anchor: Some(0x0011_2233_4455),
        has_baseline: true,
        ..plain
    };
    [first, plain, anchored, both]
}

/// The baselines that the golden records count from.
const BEFORE: [Option<i64>; 4] = [
    None,
    Some(REFERENCE_SAMPLES[0].1),
    Some(REFERENCE_SAMPLES[0].1),
    Some(REFERENCE_SAMPLES[0].1),
];

/// Reads a log as the reference does, from its description: no checksums, flag bits 0 to 5 and
/// what follows the value ignored, a stop at the first thing that is no record.
pub(crate) fn as_the_reference(mut log: &[u8]) -> Vec<(u16, i64, u32, Option<Vec<u8>>)> {
    let mut samples = vec![];
    let mut baseline = None;
    while let Ok((len, prefix)) = varint::decode(log) {
        let Some(payload) = usize::try_from(len)
            .ok()
            .and_then(|len| log[prefix..].get(..len))
            .filter(|p| p.len() >= 10)
        else {
            break;
        };
        log = &log[prefix + payload.len()..];
        let (id, delta, flags) =
            (u16::from_le_bytes([payload[0], payload[1]]), &payload[2..5], payload[5]);
        let mut fields = &payload[6..];
        if flags & 0x80 == 0 && baseline.is_none() {
            continue;
        }
        let delta = i64::from(u32::from_le_bytes([delta[0], delta[1], delta[2], 0]));
        let mut time = baseline.map_or(0, |base: i64| base.wrapping_add(delta));
        if flags & 0x80 != 0 {
            let Some((found, rest)) = fields.split_first_chunk::<8>() else { break };
            time = i64::from_le_bytes(*found);
            baseline = Some(time);
            fields = rest;
        }
        let mut name = None;
        if flags & 0x40 != 0 {
            let Some((&len, rest)) = fields.split_first() else { break };
            let Some((found, rest)) = rest.split_at_checked(usize::from(len)) else { break };
            let Some((0..=2, rest)) = rest.split_first() else { break };
            name = Some(found.to_vec());
            fields = rest;
        }
        let Some(raw) = fields.first_chunk::<4>() else { break };
        samples.push((id, time, u32::from_le_bytes(*raw), name));
    }
    samples
}

#[test]
fn golden_bytes_of_the_reference() {
    let mut rest = REFERENCE;
    let mut baseline = None;
    let mut found = vec![];
    while !rest.is_empty() {
        let (record, len) = decode(rest, &mut baseline).unwrap();
        assert!(!record.checked && record.anchor.is_none());
        found.push(record);
        rest = &rest[len..];
    }
    assert!(found.iter().map(|r| (r.id, r.time, r.raw)).eq(REFERENCE_SAMPLES));
    assert_eq!(
        found[0].introduces,
        Some(Introduction { name: b"room.temp", value_type: Some(ValueType::F32) })
    );
    assert_eq!(
        found[1].introduces,
        Some(Introduction { name: b"n", value_type: Some(ValueType::I32) })
    );
    assert!(found[2..].iter().all(|record| record.introduces.is_none()));
    let set: Vec<bool> = found.iter().map(|record| record.has_baseline).collect();
    assert_eq!(set, [true, false, false, false, true, true]);
}

#[test]
fn golden_bytes() {
    let mut encoder = Encoder::default();
    for ((record, golden), before) in golden_records().iter().zip(GOLDEN).zip(BEFORE) {
        let mut baseline = before;
        assert_eq!(decode(golden, &mut baseline), Ok((*record, golden.len())));
        assert_eq!(baseline, if record.has_baseline { Some(record.time) } else { before });
        let name = record.introduces.map(|_| ("room.temp", ValueType::F32));
        let encoded =
            encode_one(&mut encoder, (record.id, record.time, record.raw), name, record.anchor);
        assert_eq!(encoded, golden);
    }
}

#[test]
fn every_prefix_is_an_error() {
    for (golden, before) in GOLDEN.into_iter().zip(BEFORE) {
        assert_eq!(decode(&[], &mut None), Err(RecordError::BadLength));
        for cut in 1..golden.len() {
            let expected = u64::from(golden[0]);
            let error = RecordError::Truncated { expected, found: cut - 1 };
            assert_eq!(decode(&golden[..cut], &mut before.clone()), Err(error));
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    for (golden, before) in GOLDEN.into_iter().zip(BEFORE) {
        for bit in 0..8 * golden.len() {
            let mut bytes = golden.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // With more log behind it, too: a length that grew finds its bytes there.
            let alone = decode(&bytes, &mut before.clone()).is_err();
            bytes.extend(core::iter::repeat_n(GOLDEN[1], 2000).flatten());
            let followed = decode(&bytes, &mut before.clone()).is_err();
            assert!(alone && followed, "bit {bit} of {golden:x?}");
        }
    }
}

#[test]
fn a_record_without_checksum_has_no_bytes_left_over() {
    let mut bytes = b"\x0b\x02\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00".to_vec();
    assert_eq!(decode(&bytes, &mut Some(0)), Err(RecordError::Leftover(1)));
    bytes[0] = 10;
    assert!(decode(&bytes, &mut Some(0)).is_ok());
}

#[test]
fn each_error_is_its_own() {
    let decoded = |bytes: &[u8]| decode(bytes, &mut None).map(|(record, _)| record.time);
    assert_eq!(decoded(&[0x80; 11]), Err(RecordError::BadLength));
    assert_eq!(decoded(&[0; 40]), Err(RecordError::TooShort(0)));
    assert_eq!(decoded(b"\x09aaaaaaaaaaaa"), Err(RecordError::TooShort(9)));
    assert_eq!(decoded(b"\x0a\x01\0\0\0\0\0\x08\0\0\0"), Err(RecordError::NoBaseline(11)));
    assert_eq!(decoded(b"\x0a\x01\0\0\0\0\x80\x08\0\0\0"), Err(RecordError::FieldOutside));
    assert_eq!(decoded(GOLDEN[1]), Err(RecordError::LostBaseline));
    let bad_type = b"\x14\x01\0\0\0\0\xc0\0\0\0\0\0\0\0\0\0\x03\0\0\0\0";
    assert_eq!(decoded(bad_type), Err(RecordError::BadType(3)));
    let most = u64::MAX;
    let hostile = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0];
    assert_eq!(decoded(&hostile), Err(RecordError::Truncated { expected: most, found: 1 }));
}

#[test]
fn baselines_reach_as_far_as_24_bits() {
    let mut encoder = Encoder::default();
    let mut set = |time| {
        let record = encode_one(&mut encoder, (1, time, 0), None, None);
        decode(&record, &mut Some(0)).unwrap().0.has_baseline
    };
    assert!(set(100));
    assert!(!set(100));
    assert!(!set(100 + 0x00ff_ffff));
    assert!(set(101 + 0x00ff_ffff));
    assert!(set(100 + 0x00ff_ffff), "before the baseline");
    assert!(set(i64::MAX));
    assert!(set(i64::MIN), "the distance does not fit 64 bits");
    assert!(!set(i64::MIN + 0x00ff_ffff));
    assert!(set(i64::MAX));
}

#[test]
fn the_longest_record_fits() {
    let name = "n".repeat(MAX_NAME_LEN);
    let longest = encode_one(
        &mut Encoder::default(),
        (1, 2, 3),
        Some((&name, ValueType::I32)),
        Some(u64::MAX),
    );
    assert_eq!(longest.len(), MAX_RECORD_LEN);
    let (record, len) = decode(&longest, &mut None).unwrap();
    assert_eq!((len, record.introduces.unwrap().name), (longest.len(), name.as_bytes()));
}

/// One sample, what introduces it, and its anchor.
pub(crate) type Row = ((u16, i64, u32), Option<(String, ValueType)>, Option<u64>);

pub(crate) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let time = prop_oneof![
        (0_i64..3, -2_i64..3).prop_map(|(step, off)| step * 0x00ff_ffff + off),
        -2_000_000_000_i64..0,
        Just(i64::MIN),
        Just(i64::MAX),
        any::<i64>(),
    ];
    let name = prop_oneof![Just(0), Just(1), Just(255), 0_usize..256].prop_flat_map(|len| {
        proptest::string::string_regex(&alloc::format!("[a-z]{{{len}}}")).unwrap()
    });
    let value_type = prop_oneof![Just(ValueType::I32), Just(ValueType::F32)];
    let introduces = proptest::option::weighted(0.3, (name, value_type));
    let row = (
        (any::<u16>(), time, any::<u32>()),
        introduces,
        proptest::option::weighted(0.3, any::<u64>()),
    );
    proptest::collection::vec(row, 0..30)
}

/// The bytes of one record.
pub(crate) fn encode_one(
    encoder: &mut Encoder,
    sample: (u16, i64, u32),
    introduces: Option<(&str, ValueType)>,
    anchor: Option<u64>,
) -> Vec<u8> {
    let mut out = vec![];
    encoder.encode(sample, introduces, anchor, &mut out);
    out
}

pub(crate) fn encoded(rows: &[Row]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    rows.iter()
        .flat_map(|(sample, name, anchor)| {
            let name = name.as_ref().map(|(name, value_type)| (name.as_str(), *value_type));
            encode_one(&mut encoder, *sample, name, *anchor)
        })
        .collect()
}

proptest! {
    #[test]
    fn round_trips(rows in rows()) {
        let log = encoded(&rows);
        let mut rest = log.as_slice();
        let mut baseline = None;
        for (sample, name, anchor) in &rows {
            let (record, len) = decode(rest, &mut baseline).unwrap();
            prop_assert_eq!((record.id, record.time, record.raw), *sample);
            let name = name.as_ref().map(|(name, value_type)| Introduction {
                name: name.as_bytes(),
                value_type: Some(*value_type),
            });
            prop_assert_eq!(record.introduces, name);
            prop_assert_eq!(record.anchor, *anchor);
            rest = &rest[len..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn the_reference_reads_the_same(rows in rows()) {
        let expected: Vec<_> = rows.iter().map(|((id, time, raw), name, _)| {
            (*id, *time, *raw, name.as_ref().map(|(name, _)| name.as_bytes().to_vec()))
        }).collect();
        prop_assert_eq!(as_the_reference(&encoded(&rows)), expected);
    }

    // Nothing is allocated either: what is decoded borrows from the bytes.
    #[test]
    fn arbitrary_bytes_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..400),
        has_length: bool,
        base: Option<i64>,
    ) {
        if has_length && !bytes.is_empty() {
            bytes[0] = u8::try_from((bytes.len() - 1).min(127)).unwrap();
        }
        let mut baseline = base;
        match decode(&bytes, &mut baseline) {
            Ok((_, len)) => prop_assert!(len <= bytes.len()),
            Err(_) => prop_assert_eq!(baseline, base),
        }
    }
}
