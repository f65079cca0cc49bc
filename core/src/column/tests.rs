use super::noise::noise;
use super::{BLOCK_LEN, ColumnError, Encoded, MAX_POINTS, block_count, times, values};
use crate::types::ValueType;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

fn decoded_values(encoded: &Encoded, value_type: ValueType, points: usize) -> Vec<u32> {
    let decoder = values::Decoder::new(&encoded.head, value_type, points).unwrap();
    let mut out = Vec::new();
    for (index, block) in encoded.blocks().enumerate() {
        decoder.block(index, block, &mut out).unwrap();
    }
    out
}

fn decoded_times(encoded: &Encoded, points: usize) -> Vec<i64> {
    let decoder = times::Decoder::new(&encoded.head, points).unwrap();
    let mut out = Vec::new();
    for (index, block) in encoded.blocks().enumerate() {
        decoder.block(index, block, &mut out).unwrap();
    }
    out
}

fn encoded_values(value_type: ValueType, raws: &[u32]) -> Encoded {
    let mut encoded = Encoded::default();
    values::encode(value_type, raws, &mut encoded);
    assert_eq!(encoded.ends.len(), block_count(raws.len()));
    assert!(encoded.head.len() + encoded.body.len() <= raws.len() * 4 + 1, "never larger than raw");
    encoded
}

fn encoded_times(times: &[i64]) -> Encoded {
    let mut encoded = Encoded::default();
    times::encode(times, &mut encoded);
    assert_eq!(encoded.ends.len(), block_count(times.len()));
    assert!(
        encoded.head.len() + encoded.body.len() <= times.len() * 8 + 1,
        "never larger than raw"
    );
    encoded
}

fn assert_values(value_type: ValueType, raws: &[u32]) -> Encoded {
    let encoded = encoded_values(value_type, raws);
    assert_eq!(decoded_values(&encoded, value_type, raws.len()), raws);
    encoded
}

fn describe(value_type: ValueType, raws: &[u32]) -> String {
    let encoded = assert_values(value_type, raws);
    let decoder = values::Decoder::new(&encoded.head, value_type, raws.len()).unwrap();
    let about = decoder.describe();
    alloc::format!("{} / {}, delta {}, {}", about.numbers, about.divisor, about.delta, about.body)
}

fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u32> {
    values.into_iter().map(f32::to_bits).collect()
}

/// Floats that codecs get wrong.
const ODD: [u32; 16] = [
    0x0000_0000, // 0
    0x8000_0000, // -0
    0x0000_0001, // the smallest subnormal
    0x807f_ffff, // the largest subnormal, negative
    0x0080_0000, // the smallest normal
    0x7f7f_ffff, // the largest
    0xff7f_ffff,
    0x7f80_0000, // infinity
    0xff80_0000,
    0x7fc0_0000, // the usual NaN
    0xffc0_0000,
    0x7f80_0001, // a signalling NaN
    0xffff_ffff, // a NaN of all ones
    0x3dcc_cccd, // 0.1
    0x4b80_0001, // above 2^24
    0xcf00_0000, // -2^31
];

#[expect(clippy::cast_possible_truncation, reason = "the nearest float is what a collector stores")]
fn decimal(number: u32, digits: u32) -> u32 {
    ((f64::from(number) / f64::from(10_u32.pow(digits))) as f32).to_bits()
}

fn value_column() -> impl Strategy<Value = (ValueType, Vec<u32>)> {
    let len = prop_oneof![1_usize..40, 1000_usize..1060, 2000_usize..5000];
    let float = prop_oneof![Just(ValueType::F32), Just(ValueType::I32)];
    (float, len, 0_u8..9, any::<u64>(), 0_u32..7).prop_map(|(value_type, len, kind, seed, odd)| {
        let mut random = noise(seed);
        let mut next = move || random.next().unwrap_or(0);
        let (mut level, scale) = (next() % 100_000, next() % 8);
        let raws = (0..len).map(|at| {
            if odd > 0 && next() % (1 << (odd * 2)) == 0 {
                return ODD[next() as usize % ODD.len()];
            }
            let step = next() % 9;
            let number = match kind {
                0 => next(),
                1 => level,
                2 => u32::try_from(at).unwrap(),
                3 => next() % 1000,
                4 => [7, 900_000, 4][next() as usize % 3],
                5 if next() % 300 == 0 => next(),
                5 => 1,
                6 => (next() % 30) * 4096,
                7 => u32::try_from(at * at).unwrap_or(0),
                _ => {
                    level = level.wrapping_add(step).wrapping_sub(4);
                    level
                }
            };
            match value_type {
                ValueType::I32 => number,
                ValueType::F32 if kind == 0 => number,
                ValueType::F32 => decimal(number, scale),
            }
        });
        (value_type, raws.collect())
    })
}

fn time_column() -> impl Strategy<Value = Vec<i64>> {
    let len = prop_oneof![1_usize..40, 1000_usize..1060, 2000_usize..4000];
    let start =
        prop_oneof![Just(1_767_225_600_000_000_000_i64), Just(i64::MIN), Just(-7), any::<i64>(),];
    (len, start, 0_u8..7, any::<u64>(), 0_u32..5).prop_map(|(len, start, kind, seed, gaps)| {
        let mut random = noise(seed);
        let mut next = move || i64::from(random.next().unwrap_or(0));
        let mut time = start;
        let times = (0..len).map(|_| {
            let step = match kind {
                0 => 10_000_000_000,
                1 => 0,
                2 => next(),
                3 => 15_000_000_000 + next() % 3 * 1_000_000,
                4 => next() * next(),
                5 => 1,
                _ => next() % 2 * 1_000_000_000,
            };
            let gap =
                if gaps > 0 && next() % (1 << (gaps * 3)) == 0 { next() << (gaps * 6) } else { 0 };
            let late = if kind == 0 { next() % 2_000_000 } else { 0 };
            time = time.saturating_add(step).saturating_add(gap);
            time.saturating_add(late)
        });
        let mut times: Vec<i64> = times.collect();
        times.sort_unstable();
        times
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back_bit_for_bit((value_type, raws) in value_column()) {
        let encoded = encoded_values(value_type, &raws);
        prop_assert_eq!(decoded_values(&encoded, value_type, raws.len()), raws);
    }

    #[test]
    fn times_come_back(times in time_column()) {
        let encoded = encoded_times(&times);
        prop_assert_eq!(decoded_times(&encoded, times.len()), times);
    }

    #[test]
    fn each_block_is_decoded_alone((value_type, raws) in value_column(), times in time_column()) {
        let encoded = encoded_values(value_type, &raws);
        let decoder = values::Decoder::new(&encoded.head, value_type, raws.len()).unwrap();
        let blocks: Vec<_> = encoded.blocks().collect();
        for (index, expected) in raws.chunks(BLOCK_LEN).enumerate().rev() {
            let mut out = vec![5];
            decoder.block(index, blocks[index], &mut out).unwrap();
            prop_assert_eq!(&out[1..], expected);
        }
        let encoded = encoded_times(&times);
        let decoder = times::Decoder::new(&encoded.head, times.len()).unwrap();
        let blocks: Vec<_> = encoded.blocks().collect();
        for (index, expected) in times.chunks(BLOCK_LEN).enumerate().rev() {
            let mut out = vec![5];
            decoder.block(index, blocks[index], &mut out).unwrap();
            prop_assert_eq!(&out[1..], expected);
        }
    }

    #[test]
    fn cut_and_changed_blocks_never_panic(
        (value_type, raws) in value_column(),
        times in time_column(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let damage = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            for (at, value) in &changes {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = *value;
                }
            }
            bytes
        };
        let encoded = encoded_values(value_type, &raws);
        let heads = [damage(&encoded.head), encoded.head.clone()];
        for head in &heads {
            let Ok(decoder) = values::Decoder::new(head, value_type, raws.len()) else { continue };
            let _ = decoder.describe();
            for (index, block) in encoded.blocks().enumerate().take(2) {
                let mut out = Vec::new();
                let _ = decoder.block(index, block, &mut out);
                let _ = decoder.block(index, &damage(block), &mut out);
                let _ = decoder.block(index, &block[..cut.index(block.len() + 1)], &mut out);
                prop_assert!(out.len() <= 3 * BLOCK_LEN);
            }
        }
        let encoded = encoded_times(&times);
        for head in [damage(&encoded.head), encoded.head.clone()] {
            let Ok(decoder) = times::Decoder::new(&head, times.len()) else { continue };
            let _ = decoder.describe();
            for (index, block) in encoded.blocks().enumerate().take(2) {
                let mut out = Vec::new();
                let _ = decoder.block(index, block, &mut out);
                let _ = decoder.block(index, &damage(block), &mut out);
                let _ = decoder.block(index, &block[..cut.index(block.len() + 1)], &mut out);
                prop_assert!(out.len() <= 3 * BLOCK_LEN);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(head: Vec<u8>, block: Vec<u8>, points in 0..3 * BLOCK_LEN) {
        for value_type in [ValueType::I32, ValueType::F32] {
            if let Ok(decoder) = values::Decoder::new(&head, value_type, points) {
                let _ = decoder.block(0, &block, &mut Vec::new());
            }
        }
        if let Ok(decoder) = times::Decoder::new(&head, points) {
            let _ = decoder.block(0, &block, &mut Vec::new());
        }
    }
}

#[test]
fn odd_floats_survive() {
    for len in [1, 2, 3, 4, 5, 16] {
        for odd in ODD.windows(len) {
            assert_values(ValueType::F32, odd);
        }
    }
    let mut among = floats((0_u16..3000).map(|n| f32::from(n) / 100.0));
    for (at, odd) in ODD.into_iter().enumerate() {
        among[at * 170] = odd;
    }
    among[0] = ODD[12];
    assert_eq!(describe(ValueType::F32, &among), "decimal 2 / 1, delta 1, bins");
}

#[test]
fn what_is_chosen() {
    let integers = |values: &mut dyn Iterator<Item = u32>| {
        describe(ValueType::I32, &values.collect::<Vec<_>>())
    };
    let counts = || 0_u32..5000;
    assert_eq!(integers(&mut counts().map(|_| 77)), "integer / 1, delta 0, constant");
    assert_eq!(integers(&mut counts().map(|n| n * 4096 + 3)), "integer / 4096, delta 1, constant");
    assert_eq!(integers(&mut counts().map(|n| n * n)), "integer / 1, delta 2, constant");
    assert_eq!(integers(&mut noise(1).take(5000)), "integer / 1, delta 0, pack");
    assert_eq!(
        integers(&mut noise(2).take(5000).map(|n| n % 3 * n % 7)),
        "integer / 1, delta 0, bins"
    );
    let decimals: Vec<u32> = noise(3).take(5000).map(|n| decimal(n % 1000, 2)).collect();
    assert_eq!(describe(ValueType::F32, &decimals), "decimal 2 / 1, delta 0, pack");
    let thirds = floats((0_u16..5000).map(|n| f32::from(n) / 3.0));
    assert!(describe(ValueType::F32, &thirds).starts_with("float"));
}

#[test]
fn white_noise_does_not_grow() {
    for value_type in [ValueType::I32, ValueType::F32] {
        let raws: Vec<u32> =
            noise(4).zip(noise(5)).map(|(a, b)| a << 16 ^ b).take(MAX_POINTS).collect();
        let encoded = assert_values(value_type, &raws);
        assert!(encoded.body.len() + encoded.head.len() <= MAX_POINTS * 4 + 1);
    }
}

#[test]
fn times_of_collectors_take_next_to_nothing() {
    let start = 1_767_225_600_000_000_000_i64;
    let regular: Vec<i64> = (0..8640).map(|tick| start + tick * 10_000_000_000).collect();
    let encoded = encoded_times(&regular);
    assert!(encoded.head.len() + encoded.body.len() < 200);
    // A restart in between, ticks missing.
    let gaps: Vec<i64> =
        regular.iter().copied().filter(|time| time / 10_000_000_000 % 777 > 30).collect();
    let encoded = encoded_times(&gaps);
    assert_eq!(decoded_times(&encoded, gaps.len()), gaps);
    assert!(encoded.head.len() + encoded.body.len() < 500);
    // Milliseconds of jitter: some 11 bits a time, of which none is in a common unit of 1 ms.
    let late: Vec<i64> = regular
        .iter()
        .zip(noise(6))
        .map(|(time, n)| time + i64::from(n % 2000) * 1_000_000)
        .collect();
    let encoded = encoded_times(&late);
    assert_eq!(decoded_times(&encoded, late.len()), late);
    assert!(encoded.body.len() < 8640 * 12 / 8);
    let about = times::Decoder::new(&encoded.head, late.len()).unwrap().describe();
    assert_eq!((about.numbers.as_str(), about.divisor), ("grid 10000000000 ns", 1_000_000));
}

#[test]
fn later_ids_are_refused_by_name() {
    let error =
        |head: &[u8]| values::Decoder::new(head, ValueType::F32, 1).unwrap_err().to_string();
    assert_eq!(error(&[9]), "value encoding 9 is unknown");
    assert_eq!(error(&[1, 9]), "way of counting 9 is unknown");
    assert_eq!(error(&[1, 2, 0, 0, 0, 0, 0, 1, 9]), "order of differences 9 is unknown");
    assert_eq!(error(&[1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9]), "body 9 is unknown");
    assert_eq!(error(&[1, 0]), "way of counting: found 0, expected one of the metric's type");
    let error = times::Decoder::new(&[9], 1).unwrap_err();
    assert_eq!(error, ColumnError::Unknown { what: "time encoding", id: 9 });
}

/// Head and body in hexadecimal.
fn hex(encoded: &Encoded) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15];
    let digit = |digit: u8| char::from_digit(digit.into(), 16);
    let hex = |bytes: &[u8]| bytes.iter().flat_map(digits).filter_map(digit).collect::<String>();
    alloc::format!("{} {}", hex(&encoded.head), hex(&encoded.body))
}

/// What is written stays readable: the bytes of each encoding.
#[test]
fn golden_bytes() {
    let integers = |raws: &[u32]| hex(&assert_values(ValueType::I32, raws));
    assert_eq!(integers(&[3; 9]), "0100000300008001000000000000 ");
    assert_eq!(integers(&[1, 4, 7, 10, 13, 16, 19, 22]), "0100000100008003010100000000 00");
    assert_eq!(
        integers(&[0, 0, 1, 4, 9, 16, 25, 36, 49, 64, 81]),
        "0100000000008001020100000001 0000000100f807"
    );
    assert_eq!(
        integers(&[5, 1, 7, 2, 6, 0, 3, 4, 1, 6, 2, 7, 5, 0, 3, 4]),
        "0100000000008001000000000001 000300cd658cb15e8c"
    );
    let sparse: Vec<u32> = (0..64).map(|n| if n % 9 == 4 { n } else { 0 }).collect();
    assert_eq!(
        integers(&sparse),
        "01000000000080010000000000020602000039040607 dfdc6a0272d2a46d9904ed6d"
    );
    let mut decimals: Vec<u32> = (0..40).map(|n| decimal(2150 + n * n * 31 % 997, 2)).collect();
    decimals[11] = 0x7fc0_0001;
    assert_eq!(
        hex(&assert_values(ValueType::F32, &decimals)),
        "0102000000acc10102cbcc0684020a0600001ae7ccb9dd070280028f85bf0202ff039085bf0201b301a6e19dec03001a8f85bf02001a 00c2eb13d84ae49cf2648b531ee5b10d8bc6ca96d6ac98138b1402"
    );
    let halves =
        floats([1.0 / 3.0, 2.0 / 3.0, -1.0 / 3.0, 1.0 / 7.0, 5.0 / 9.0, 1e30, -1e-30, 0.7]);
    assert_eq!(
        hex(&assert_values(ValueType::F32, &halves)),
        "00 abaaaa3eabaa2a3fabaaaabe2549123ee4380e3fcaf249716042a28d3333333f"
    );
    let noise: Vec<u32> = noise(7).take(3).map(|n| n * 2 + 1).collect();
    assert_eq!(integers(&noise), "00 bd28437e7f1aa6f4635a15e8");

    let golden = |times: &[i64]| {
        let encoded = encoded_times(times);
        assert_eq!(decoded_times(&encoded, times.len()), times);
        hex(&encoded)
    };
    let start = 1_767_225_600_000_000_000;
    assert_eq!(golden(&[start]), "00 0000faed51728618");
    let ticks: Vec<i64> = (0..30).map(|n| start + (n + n / 20 * 7) * 10_000_000_000).collect();
    assert_eq!(golden(&ticks), "0280c8afa02500000100000001 0000faed51728618000001140007000000");
    let late: Vec<i64> =
        ticks.iter().zip(0..).map(|(time, n)| time + n * n % 5 * 1_000_000).collect();
    assert_eq!(
        golden(&late),
        "02c0843d000192eefeff020a03000022eba20403bc07f5a2040022 0000faed51728618914e2aaa97679e5b81b6405ba02d807181b600"
    );
    let events: Vec<i64> = (0..12).map(|n| start + n * n * n * 1_000_003).collect();
    assert_eq!(golden(&events), "02c3843d00020600000000 0000faed517286180100");
    let extremes = "00 0000000000000080ffffffffffffffff0000000000000000ffffffffffffff7f";
    assert_eq!(golden(&[i64::MIN, -1, 0, i64::MAX]), extremes);
}

/// The same for whole blocks, by checksums: lanes and long streams.
#[test]
fn golden_blocks() {
    let crc = |encoded: &Encoded| {
        (encoded.head.len(), encoded.body.len(), crate::codec::checksum::crc32(&encoded.body))
    };
    let packed: Vec<u32> = noise(8).take(BLOCK_LEN + 5).map(|n| n % 10_000).collect();
    assert_eq!(crc(&assert_values(ValueType::I32, &packed)), (23, 1720, 1_989_616_761));
    let classes: Vec<u32> =
        noise(9).take(2 * BLOCK_LEN + 3).map(|n| decimal(n.leading_zeros() * 3, 1)).collect();
    assert_eq!(crc(&assert_values(ValueType::F32, &classes)), (38, 554, 2_086_496_464));
    let decimals: Vec<u32> = noise(10).take(2000).map(|n| decimal(n % 9999, 2)).collect();
    assert_eq!(crc(&assert_values(ValueType::F32, &decimals)), (29, 3340, 1_206_385_609));
    let mut exceptions = decimals;
    exceptions[11] = 0x7fc0_0001;
    exceptions[1700] = 0x8000_0000;
    assert_eq!(crc(&assert_values(ValueType::F32, &exceptions)), (29, 3354, 1_763_721_196));
}
