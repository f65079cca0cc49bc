//! Unsigned LEB128: seven bits a byte, low group first, the high bit set on all but the last.
//!
//! At most ten bytes, the tenth at most 1. The writer is minimal; the reader also accepts
//! padded forms, because the reference does.

use alloc::vec::Vec;

/// Longest encoding in bytes.
pub const MAX_LEN: usize = 10;

/// Why no integer could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarintError {
    /// The bytes end before the last group.
    Truncated,
    /// The value does not fit 64 bits.
    Overflow,
}

/// Appends `value` to `out`.
pub fn encode(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(low_group(value) | 0x80);
        value >>= 7;
    }
    out.push(low_group(value));
}

/// The integer at the front of `bytes` and how many bytes it takes.
///
/// # Errors
///
/// [`VarintError`] when the bytes end too soon or the value needs more than 64 bits.
pub fn decode(bytes: &[u8]) -> Result<(u64, usize), VarintError> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(MAX_LEN).enumerate() {
        if index == MAX_LEN - 1 && byte > 1 {
            return Err(VarintError::Overflow);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok((value, index + 1));
        }
    }
    if bytes.len() < MAX_LEN { Err(VarintError::Truncated) } else { Err(VarintError::Overflow) }
}

const fn low_group(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, &mut out);
        out
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(127), [0x7f]);
        assert_eq!(encoded(128), [0x80, 1]);
        assert_eq!(encoded(300), [0xac, 2]);
        assert_eq!(encoded(u64::MAX), [255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn padded_forms_are_read() {
        assert_eq!(decode(&[0x80, 0x80, 0]), Ok((0, 3)));
    }

    #[test]
    fn every_prefix_is_truncated() {
        let bytes = encoded(u64::MAX);
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), Err(VarintError::Truncated));
        }
    }

    #[test]
    fn more_than_64_bits_is_an_overflow() {
        assert_eq!(
            decode(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]),
            Err(VarintError::Overflow)
        );
        assert_eq!(decode(&[0x80; 11]), Err(VarintError::Overflow));
    }

    proptest! {
        #[test]
        fn round_trips(value: u64, tail: Vec<u8>) {
            let mut bytes = encoded(value);
            let len = bytes.len();
            bytes.extend(tail);
            prop_assert_eq!(decode(&bytes), Ok((value, len)));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
