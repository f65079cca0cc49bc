use super::*;
use crate::metric_file::testing::{assert_every_flip_fails, assert_every_prefix_fails, hex};
use proptest::prelude::*;

/// A column of 1,030 points whose encoding nobody looks at here.
fn column() -> Encoded {
    Encoded { head: hex("aabb"), body: hex("010203040506"), ends: alloc::vec![4, 6] }
}

fn values() -> Whose {
    let metric = MetricId::new(300).unwrap();
    Whose::Values { metric, value_type: ValueType::F32, time_frame: 2, time_offset: 129 }
}

fn golden_times() -> Vec<u8> {
    hex("54504733 02 8608 02aabb 04cdfb3cb6 028f43cdd5 d013cdd9")
}

fn golden_values() -> Vec<u8> {
    hex("4d504733 02 ac02 02 8101 8608 02aabb 04cdfb3cb6 028f43cdd5 686d3c13")
}

fn encoded(whose: Whose) -> Vec<u8> {
    let mut out = Vec::new();
    encode(whose, 1030, &column(), &mut out);
    out
}

/// `content` with the checksum that makes it a front.
fn checked(content: &[u8]) -> Vec<u8> {
    [content, &crc32(content).to_le_bytes()].concat()
}

#[test]
fn golden_bytes() {
    assert_eq!(encoded(Whose::Times { id: 2 }), golden_times());
    assert_eq!(encoded(values()), golden_values());
    let bytes = golden_values();
    let front = Front::decode(&bytes).unwrap();
    assert_eq!((front.whose, front.points, front.head), (values(), 1030, &hex("aabb")[..]));
    assert_eq!((front.body_len(), front.place(&(0..1)), front.place(&(1..2))), (6, 0..4, 4..6));
    assert_eq!(Front::decode(&golden_times()).unwrap().whose, Whose::Times { id: 2 });
}

#[test]
fn every_prefix_and_every_flipped_bit_is_an_error() {
    for golden in [golden_times(), golden_values()] {
        assert_every_prefix_fails(&golden, |bytes| Front::decode(bytes).is_err());
        assert_every_flip_fails(&golden, |bytes| Front::decode(bytes).is_err());
    }
}

#[test]
fn each_check_reports_what_it_found() {
    let error = |at: usize, bytes: &str, len: usize| {
        let golden = golden_values();
        let content = [&golden[..at], &hex(bytes), &golden[at + len..golden.len() - 4]].concat();
        Front::decode(&checked(&content)).map(|_| ()).unwrap_err()
    };
    let invalid = |what, found, expected| PartError::Invalid { what, found, expected };
    let bad_magic = PartError::BadMagic { found: *b"MPG4", expected: *b"MPG3" };
    assert_eq!(error(3, "34", 1), bad_magic);
    assert_eq!(error(4, "03", 1), PartError::Unknown { what: "value type", id: 3 });
    assert_eq!(error(5, "00", 2), invalid("metric", 0, "1 to 65535"));
    assert_eq!(error(5, "808004", 2), invalid("metric", 65_536, "1 to 65535"));
    assert_eq!(error(10, "00", 2), invalid("points", 0, "1 to 65536"));
    assert_eq!(error(10, "818004", 2), invalid("points", 65_537, "1 to 65536"));
    assert_eq!(error(10, "8008", 2), PartError::TrailingBytes(5), "1,024 points have one block");
    assert_eq!(error(10, "8110", 2), PartError::Truncated, "2,049 points have three");
    assert_eq!(error(12, "ffffffffffffffffff01", 1), PartError::Truncated);
    let long = invalid("block length", 1 << 32, "at most 32 bits");
    assert_eq!(error(15, "8080808010", 1), long);
}

#[test]
fn damaged_blocks_are_not_decoded() {
    let raws: Vec<u32> = (0..1030).map(|i| i * i).collect();
    let mut column = Encoded::default();
    values::encode(ValueType::I32, &raws, &mut column);
    let mut bytes = Vec::new();
    encode(values(), 1030, &column, &mut bytes);
    let front = Front::decode(&bytes).unwrap();
    let decoder = values::Decoder::new(front.head, ValueType::I32, 1030).unwrap();
    let decode = |blocks: Range<usize>, body: &[u8]| {
        let mut out = Vec::new();
        let place = front.place(&blocks);
        let part = body.get(place).unwrap_or_default();
        front.decode_blocks(&decoder, blocks, part, &mut out).map(|()| out)
    };
    assert_eq!(decode(0..2, &column.body), Ok(raws.clone()));
    assert_eq!(decode(1..2, &column.body), Ok(raws[1024..].to_vec()));
    let mut damaged = column.body.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(decode(1..2, &damaged), Err(PartError::BadChecksum { what: "block", .. })));
    assert_eq!(decode(0..1, &damaged), Ok(raws[..1024].to_vec()), "each is on its own");
    assert_eq!(decode(0..2, &column.body[1..]), Err(PartError::Truncated));
}

proptest! {
    #[test]
    fn round_trips(
        id: u32,
        metric in 1_u16..,
        frame: (u32, u32),
        head: Vec<u8>,
        lens in prop::collection::vec(0_usize..9, 1..=64),
        is_times: bool,
    ) {
        let ends: Vec<usize> = lens.iter().scan(0, |end, len| { *end += len; Some(*end) }).collect();
        let body = alloc::vec![7; lens.iter().sum()];
        let points = u32::try_from(lens.len() * 1024).unwrap();
        let column = Encoded { head, body, ends };
        let metric = MetricId::new(metric).unwrap();
        let whose = if is_times { Whose::Times { id } } else {
            let (time_frame, time_offset) = frame;
            Whose::Values { metric, value_type: ValueType::I32, time_frame, time_offset }
        };
        let mut bytes = Vec::new();
        encode(whose, points, &column, &mut bytes);
        let front = Front::decode(&bytes).unwrap();
        prop_assert_eq!((front.whose, front.points, front.head), (whose, points, &*column.head));
        prop_assert_eq!(front.body_len(), column.body.len());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Front::decode(&bytes);
        let _ = Front::decode(&checked(&bytes));
        let _ = Front::decode(&checked(&[&METRIC_MAGIC, &*bytes].concat()));
    }
}
