//! Columns of arbitrary values and times come back as they were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::ValueType;
use nanotdb_core::column::{Encoded, times, values};

fuzz_target!(|bytes: &[u8]| {
    // The first byte repeats the column, so that short inputs make whole blocks.
    let [repeat, bytes @ ..] = bytes else { return };
    let repeat = usize::from(*repeat) + 1;
    let raws = bytes.as_chunks::<4>().0.iter().map(|raw| u32::from_le_bytes(*raw));
    let raws: Vec<u32> = raws.collect::<Vec<_>>().repeat(repeat);
    let raws = &raws[..raws.len().min(4000)];
    let mut encoded = Encoded::default();
    for value_type in [ValueType::I32, ValueType::F32] {
        if raws.is_empty() {
            return;
        }
        values::encode(value_type, raws, &mut encoded);
        assert!(encoded.head.len() + encoded.body.len() <= raws.len() * 4 + 1);
        let decoder = values::Decoder::new(&encoded.head, value_type, raws.len()).unwrap();
        let mut out = Vec::new();
        for (index, block) in encoded.blocks().enumerate() {
            decoder.block(index, block, &mut out).unwrap();
        }
        assert_eq!(out, raws);
    }
    let all = bytes.as_chunks::<8>().0.iter().map(|time| i64::from_le_bytes(*time));
    let mut all: Vec<i64> = all.collect::<Vec<_>>().repeat(repeat);
    all.truncate(4000);
    all.sort_unstable();
    if all.is_empty() {
        return;
    }
    times::encode(&all, &mut encoded);
    let decoder = times::Decoder::new(&encoded.head, all.len()).unwrap();
    let mut out = Vec::new();
    for (index, block) in encoded.blocks().enumerate() {
        decoder.block(index, block, &mut out).unwrap();
    }
    assert_eq!(out, all);
});
