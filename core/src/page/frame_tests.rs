use super::*;
use crate::compress::{CodecId, Codecs};
use crate::page::Columns;
use alloc::vec;
use proptest::prelude::*;

/// The reference's worked examples.
pub(crate) const ONE: &[u8] = b"\xe8\x03\0\0\0\0\0\0\xe8\x03\0\0\0\0\0\0\x01\0\x10\
    \x0e\x34\x01\0\xe8\x03\0\0\0\0\0\0\x2a\0\0\0\x77\xc4\x19\x0f";
const THREE: &[u8] = b"\x00\x00\x2a\x36\xfe\x9c\x97\x17\x00\xe4\x35\x8a\x00\x9d\x97\x17\x03\x00\x2c\
    \x2a\xa4\x01\x00\x02\x00\x01\x00\x00\x00\x2a\x36\xfe\x9c\x97\x17\x00\x00\x2a\x36\xfe\x9c\x97\x17\
    \x00\xe4\x35\x8a\x00\x9d\x97\x17\x00\x00\xac\x41\xf9\xff\xff\xff\x00\x00\xae\x41\xe4\x56\x61\xbd";

fn s2() -> &'static dyn BlockCodec {
    Codecs::portable().get(CodecId::S2)
}

fn columns(rows: &[(u16, i64, u32)]) -> Columns {
    let mut columns = Columns::default();
    for &(id, time, raw) in rows {
        columns.push(id, time, raw);
    }
    columns
}

/// Header and page of a whole frame.
fn decoded(frame: &[u8]) -> Result<(FrameHeader, Columns), FrameError> {
    let header = FrameHeader::decode(frame)?;
    let mut payload = Payload::default();
    header.decode_page(frame, s2(), &mut payload)?;
    let mut columns = Columns::default();
    payload.copy_to(&mut columns);
    Ok((header, columns))
}

fn encoded(columns: &Columns) -> Vec<u8> {
    let mut out = vec![];
    encode(columns, s2(), &mut out);
    out
}

#[test]
fn golden_bytes() {
    let one = columns(&[(1, 1000, 42)]);
    let header =
        FrameHeader { start: 1000, end: 1000, record_count: 1, payload_len: 16, header_len: 19 };
    assert_eq!(decoded(ONE), Ok((header, one.clone())));
    assert_eq!(header.frame_len(), ONE.len());
    assert_eq!(encoded(&one), ONE);

    let (first, last) = (1_700_000_000_000_000_000, 1_700_000_010_000_000_000);
    let three =
        columns(&[(1, first, 0x41ac_0000), (2, first, 0xffff_fff9), (1, last, 0x41ae_0000)]);
    let (header, found) = decoded(THREE).unwrap();
    assert_eq!((header.start, header.end, header.record_count), (first, last, 3));
    assert_eq!(found, three);
    assert_eq!(decoded(&encoded(&three)).unwrap().1, three);
}

#[test]
fn the_fixed_part_is_as_long_as_the_reference_s_header() {
    assert_eq!(FIXED_LEN, 18);
    let header = encode_header(1000, 1000, 1, 16);
    assert_eq!(header.as_slice(), &ONE[..=FIXED_LEN], "and a byte of payload length");
}

#[test]
fn a_padded_length_is_read() {
    let mut padded = ONE.to_vec();
    padded.splice(18..19, [0x90, 0x80, 0]);
    let (header, found) = decoded(&padded).unwrap();
    assert_eq!((header.header_len, header.frame_len()), (21, 41));
    assert_eq!(found, columns(&[(1, 1000, 42)]));
}

#[test]
fn every_prefix_is_truncated() {
    for frame in [ONE, THREE] {
        for cut in 0..frame.len() {
            assert_eq!(decoded(&frame[..cut]), Err(FrameError::Truncated), "{cut}");
        }
    }
}

// No flip is harmless, though the header has no checksum: the times are compared with the page's,
// a count fixes the decoded length, and a length moves the checksum.
#[test]
fn every_flipped_bit_is_an_error() {
    for golden in [ONE, THREE] {
        for bit in 0..8 * golden.len() {
            let mut frame = golden.to_vec();
            frame[bit / 8] ^= 1 << (bit % 8);
            let alone = decoded(&frame).is_err();
            frame.extend_from_slice(&THREE.repeat(200));
            assert!(alone && decoded(&frame).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn each_error_is_its_own() {
    let with = |at: usize, bytes: &[u8]| {
        let mut frame = ONE.to_vec();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        decoded(&frame).unwrap_err()
    };
    assert_eq!(with(16, &[0, 0]), FrameError::NoRecords);
    assert_eq!(with(8, &[0xe7]), FrameError::TimesReversed { start: 1000, end: 999 });
    let payload = (1000, 1000);
    assert_eq!(with(8, &[0xe9]), FrameError::TimesDiffer { header: (1000, 1001), payload });
    assert!(matches!(with(16, &[2]), FrameError::Payload(_)));
    assert_eq!(with(18, &[0x7f]), FrameError::PayloadTooLarge { limit: 48, found: 127 });
    assert!(matches!(with(30, &[9]), FrameError::Checksum { stored: 0x0f19_c477, .. }));
    let mut hostile = ONE[..18].to_vec();
    hostile.extend([0xff; 9]);
    hostile.push(1);
    let error = FrameError::PayloadTooLarge { limit: 48, found: u64::MAX };
    assert_eq!(FrameHeader::decode(&hostile), Err(error), "D-06");
    hostile[27] = 2;
    assert_eq!(FrameHeader::decode(&hostile), Err(FrameError::LengthOverflow));
}

#[test]
fn no_records_make_no_frame() {
    assert!(encoded(&Columns::default()).is_empty());
}

#[test]
fn the_largest_page_has_a_frame() {
    let rows: Vec<_> = (0..u16::MAX).map(|n| (n, i64::from(n), u32::from(n) * 0x9e37)).collect();
    let full = columns(&rows);
    let frame = encoded(&full);
    let (header, found) = decoded(&frame).unwrap();
    assert_eq!((header.record_count, header.frame_len()), (u16::MAX, frame.len()));
    assert_eq!(found, full);
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -5_i64..5, Just(i64::MIN), Just(i64::MAX)]
}

proptest! {
    #[test]
    fn round_trips(
        mut rows in proptest::collection::vec((any::<u16>(), times(), any::<u32>()), 1..200),
        tail: Vec<u8>,
    ) {
        rows.sort_by_key(|row| row.1);
        let page = columns(&rows);
        let mut frame = encoded(&page);
        let len = frame.len();
        frame.extend(tail);
        let (header, found) = decoded(&frame).unwrap();
        prop_assert_eq!(header.frame_len(), len);
        prop_assert_eq!(found, page);
    }

    // What a header can make a reader allocate is bounded by its 16 bits of record count (D-06).
    #[test]
    fn arbitrary_bytes_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        small: bool,
    ) {
        if small && bytes.len() > 18 {
            bytes[7] = 0;
            bytes[15] = 1;
            bytes[18] &= 0x7f;
        }
        if let Ok(header) = FrameHeader::decode(&bytes) {
            prop_assert!(header.frame_len() <= 1_100_000 && header.decoded_len() <= 917_490);
        }
        let _ = decoded(&bytes);
    }
}
