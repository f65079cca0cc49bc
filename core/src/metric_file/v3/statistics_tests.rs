use super::*;
use crate::metric_file::testing::{assert_every_flip_fails, assert_every_prefix_fails};
use alloc::vec;
use proptest::prelude::*;

const NAN: u32 = 0x7fc1_2345;

fn bits<const N: usize>(values: [f32; N]) -> [u32; N] {
    values.map(f32::to_bits)
}

fn encoded(value_type: ValueType, spans: &[Numbers]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value_type, spans, &mut Encoded::default(), &mut out);
    out
}

/// `content` with the checksum that makes it a record.
fn checked(content: &[u8]) -> Vec<u8> {
    [content, &crc32(content).to_le_bytes()].concat()
}

#[test]
fn nan_is_no_number_but_may_be_first_or_last() {
    let [two, minus, zero, minus_zero] = bits([2.5, -1.0, 0.0, -0.0]);
    let numbers = Numbers::of(ValueType::F32, &[NAN, two, minus, NAN]);
    let span = numbers.span(ValueType::F32, 7, 3..7);
    assert_eq!((span.slot, span.points.clone(), span.numbers), (7, 3..7, 2));
    assert_eq!((span.first, span.last), (NAN, NAN));
    assert_eq!(
        [span.min, span.max, span.sum].map(f64::to_bits),
        [-1.0, 2.5, 1.5].map(f64::to_bits)
    );

    let none = Numbers::of(ValueType::F32, &[NAN]).span(ValueType::F32, 0, 0..1);
    let expected = [f64::INFINITY, f64::NEG_INFINITY, 0.0].map(f64::to_bits);
    assert_eq!(none.numbers, 0);
    assert_eq!([none.min, none.max, none.sum].map(f64::to_bits), expected);

    let zeros = Numbers::of(ValueType::F32, &[minus_zero, zero, minus_zero]);
    assert_eq!((zeros.least, zeros.greatest), (minus_zero, minus_zero), "the first of equals");
    assert_eq!(zeros.sum, 0, "added to 0.0");
}

proptest! {
    #[test]
    fn many_at_once_are_as_one_by_one(
        value_type in prop_oneof![Just(ValueType::F32), Just(ValueType::I32)],
        raws in proptest::collection::vec(
            prop_oneof![
                any::<u32>(),
                (-3.0_f32..3.0).prop_map(f32::to_bits),
                proptest::sample::select(bits([0.0, -0.0, 1.0, -1.0, f32::INFINITY, -f32::INFINITY]).to_vec()),
            ],
            1..9,
        ),
    ) {
        let found = Numbers::of(value_type, &raws);
        let found_extremes = (found.nans, found.least, found.greatest);
        prop_assert_eq!(found_extremes, extremes_one_by_one(value_type, &raws));
        let mut sum = 0.0;
        for &raw in &raws {
            let number = Value::from_raw(value_type, raw).as_f64();
            if !number.is_nan() {
                sum += number;
            }
        }
        let sum = if sum.is_nan() { f64::NAN } else { sum };
        let ends = (found.first, found.last, found.sum);
        prop_assert_eq!(ends, (raws[0], raws[raws.len() - 1], sum.to_bits()));
    }
}

#[test]
fn infinities_are_numbers() {
    let [most, least] = bits([f32::INFINITY, f32::NEG_INFINITY]);
    let both = Numbers::of(ValueType::F32, &[most, least, most]);
    let span = both.span(ValueType::F32, 0, 0..3);
    assert_eq!((span.numbers, both.nans), (3, 0));
    assert_eq!(
        [span.min, span.max].map(f64::to_bits),
        [f64::NEG_INFINITY, f64::INFINITY].map(f64::to_bits)
    );
    assert_eq!(both.sum, 0x7ff8_0000_0000_0000, "on every machine");
    let only = Numbers::of(ValueType::F32, &[most, most]).span(ValueType::F32, 0, 0..2);
    assert_eq!(only.min.to_bits(), f64::INFINITY.to_bits());
}

#[test]
fn integers_are_signed() {
    let numbers = Numbers::of(ValueType::I32, &[5, u32::MAX, 7]);
    let span = numbers.span(ValueType::I32, 0, 0..3);
    assert_eq!(
        [span.min, span.max, span.sum].map(f64::to_bits),
        [-1.0, 7.0, 11.0].map(f64::to_bits)
    );
}

#[test]
fn counts_of_nan_are_there_only_where_there_is_any() {
    let [one, two] = bits([1.0, 2.0]);
    let without = [Numbers::of(ValueType::F32, &[one, two]), Numbers::of(ValueType::F32, &[two])];
    assert_eq!(encoded(ValueType::F32, &without)[0], 0);
    let with = [Numbers::of(ValueType::F32, &[one, NAN]), Numbers::of(ValueType::F32, &[two])];
    assert_eq!(encoded(ValueType::F32, &with)[..3], [1, 1, 0]);
}

#[test]
fn every_prefix_and_every_flipped_bit_is_an_error() {
    let spans = [Numbers::of(ValueType::F32, &[NAN, 1]), Numbers::of(ValueType::F32, &[2])];
    let bytes = encoded(ValueType::F32, &spans);
    let fails = |bytes: &[u8]| decode(ValueType::F32, &[2, 1], bytes).is_err();
    assert!(!fails(&bytes));
    assert_every_prefix_fails(&bytes, fails);
    assert_every_flip_fails(&bytes, fails);
}

#[test]
fn what_no_writer_writes_is_an_error() {
    let spans = [Numbers::of(ValueType::F32, &[NAN, 1, 2])];
    let bytes = encoded(ValueType::F32, &spans);
    let content = &bytes[..bytes.len() - 4];
    let decoded = |content: &[u8]| decode(ValueType::F32, &[3], &checked(content));
    assert_eq!(decoded(content), Ok(spans.to_vec()));
    let patched = |at: usize, byte: u8| {
        let mut content = content.to_vec();
        content[at] = byte;
        decoded(&content)
    };
    assert_eq!(patched(0, 2), Err(PartError::Unknown { what: "statistics flags", id: 2 }));
    let (what, expected) = ("NaN count", "at most the points of the span");
    assert_eq!(patched(1, 4), Err(PartError::Invalid { what, found: 4, expected }));
    assert_eq!(patched(1, 3).map(|spans| spans[0].nans), Ok(3));
    assert_eq!(decoded(&[content, &[0]].concat()), Err(PartError::TrailingBytes(1)));
}

#[test]
fn a_range_is_the_slot_as_far_as_the_frame_goes() {
    let range = |from, to| TimeRange { from: Timestamp(from), to: Timestamp(to) };
    let span = |slot| Numbers::of(ValueType::I32, &[0]).span(ValueType::I32, slot, 0..1);
    let of = |span_ns, slot, frame| Statistics { span_ns, spans: vec![] }.range(&span(slot), frame);
    assert_eq!(of(10, 2, range(0, 100)), range(20, 29));
    assert_eq!(of(10, -1, range(-5, 100)), range(-5, -1));
    assert_eq!(of(10, 2, range(0, 25)), range(20, 25));
    assert_eq!(of(i64::MAX, 0, range(-9, 25)), range(-9, 25));
    let second = 1_000_000_000;
    let (least, most) = (i64::MIN.div_euclid(second), i64::MAX.div_euclid(second));
    let all = range(i64::MIN, i64::MAX);
    assert_eq!(of(second, least, all), range(i64::MIN, (least + 1) * second - 1));
    assert_eq!(of(second, most, all), range(most * second, i64::MAX));
}

proptest! {
    #[test]
    fn round_trips(
        spans in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<u32>(), any::<f32>().prop_map(f32::to_bits), Just(NAN), 0_u32..3], 1..9), 1..300),
        value_type in prop::sample::select(&[ValueType::I32, ValueType::F32][..]),
    ) {
        let counts: Vec<usize> = spans.iter().map(Vec::len).collect();
        let numbers: Vec<Numbers> = spans.iter().map(|raws| Numbers::of(value_type, raws)).collect();
        let bytes = encoded(value_type, &numbers);
        prop_assert_eq!(decode(value_type, &counts, &bytes), Ok(numbers));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, spans in 0_usize..300) {
        let _ = decode(ValueType::F32, &vec![3; spans], &bytes);
        let _ = decode(ValueType::F32, &vec![3; spans], &checked(&bytes));
    }
}

/// The record of `docs/FORMAT.md` §9.
#[test]
fn reads_the_example() {
    let record = crate::metric_file::testing::hex(
        "01 01 00 01 00
         20 0000c03f 00008040 00002040 00008040 0000c03f 00008040 00002040 00008040
         01 9501 08 00 f9e2349a",
    );
    let spans = [bits([1.5, f32::NAN, 2.5]).to_vec(), bits([4.0]).to_vec()];
    let numbers = spans.map(|raws| Numbers::of(ValueType::F32, &raws));
    assert_eq!(decode(ValueType::F32, &[3, 1], &record), Ok(numbers.to_vec()));
}
