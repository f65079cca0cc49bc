//! Heads and blocks of columns: points u16, length of the head u8, head, first block.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nanotdb_core::ValueType;
use nanotdb_core::column::{MAX_POINTS, block_range, times, values};

fuzz_target!(|bytes: &[u8]| {
    let [low, high, head_len, rest @ ..] = bytes else { return };
    let points = usize::from(u16::from_le_bytes([*low, *high])).clamp(1, MAX_POINTS);
    let (head, block) = rest.split_at(usize::from(*head_len).min(rest.len()));
    let expected = block_range(0, points).len();
    for value_type in [ValueType::I32, ValueType::F32] {
        let Ok(decoder) = values::Decoder::new(head, value_type, points) else { continue };
        let mut out = Vec::new();
        if decoder.block(0, block, &mut out).is_ok() {
            assert_eq!(out.len(), expected);
        }
    }
    if let Ok(decoder) = times::Decoder::new(head, points) {
        let mut out = Vec::new();
        if decoder.block(0, block, &mut out).is_ok() {
            assert_eq!(out.len(), expected);
        }
    }
});
