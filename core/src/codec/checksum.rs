//! CRC-32/ISO-HDLC, the checksum of every NanoTDB format.
//!
//! The parameters come from the `crc` crate's catalogue. Its ready-made tables would sit in the
//! wasm module as 16 KiB that no compressor shrinks, so the eight tables used here are computed
//! at the first call. With the feature `crc32fast` the host's SIMD instructions do the work.

/// The checksum of `bytes`.
#[cfg(not(feature = "crc32fast"))]
pub fn crc32(bytes: &[u8]) -> u32 {
    portable::crc32(bytes)
}

/// The checksum of `bytes`.
#[cfg(feature = "crc32fast")]
pub fn crc32(bytes: &[u8]) -> u32 {
    // Finding out what the processor can do takes longer than a log record.
    if bytes.len() < 64 { portable::crc32(bytes) } else { crc32fast::hash(bytes) }
}

/// The checksum of two texts behind each other. Given that of the whole instead of the second
/// text's, it is the second text's, so that a stretch can be checked whose bytes were read long
/// ago.
///
/// Checksums are remainders of polynomials over two elements: that of two texts is the first
/// one's, times x for each bit of the second, plus the second one's; and plus is minus.
pub fn crc32_joined(front: u32, behind: u32, len_behind: u64) -> u32 {
    let factors = POWERS.iter().enumerate().filter(|(k, _)| len_behind >> k & 1 == 1);
    factors.fold(front, |sum, (_, &power)| product(sum, power)) ^ behind
}

/// `x^1` and `x^0` in reflected bit order.
const X: u32 = 1 << 30;
const ONE: u32 = 1 << 31;
/// The polynomial without its highest power. `crc` states it in normal bit order; the algorithms
/// here are reflected.
const POLY: u32 = crc::CRC_32_ISO_HDLC.poly.reverse_bits();

/// `POWERS[k]` is `x^(8 * 2^k)`, the factor that stands for `2^k` bytes.
#[expect(clippy::indexing_slicing, reason = "in a constant, and inside the array")]
const POWERS: [u32; 32] = {
    let mut powers = [0; 32];
    let mut power = product(product(X, X), product(X, X));
    let mut k = 0;
    while k < powers.len() {
        power = product(power, power);
        powers[k] = power;
        k += 1;
    }
    powers
};

/// The product of two remainders.
const fn product(a: u32, mut b: u32) -> u32 {
    let mut sum = 0;
    let mut bit = ONE;
    while bit > 0 {
        if a & bit != 0 {
            sum ^= b;
        }
        b = if b & 1 == 1 { (b >> 1) ^ POLY } else { b >> 1 };
        bit >>= 1;
    }
    sum
}

/// Slicing-by-8 in safe, portable code.
mod portable {
    use super::POLY;
    use core::sync::atomic::Ordering::Release;
    use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Acquire, Ordering::Relaxed};
    use crc::CRC_32_ISO_HDLC as PARAMETERS;

    /// `TABLES[k][b]` is the checksum state after byte `b` and `k` zero bytes. Atomics, because
    /// that is how safe code fills a static after start-up; relaxed loads cost nothing.
    static TABLES: [[AtomicU32; 256]; 8] = [const { [const { AtomicU32::new(0) }; 256] }; 8];
    static READY: AtomicBool = AtomicBool::new(false);

    /// The checksum of `bytes`.
    #[expect(clippy::many_single_char_names, reason = "the eight bytes of a word")]
    pub(super) fn crc32(bytes: &[u8]) -> u32 {
        if !READY.load(Acquire) {
            fill_tables();
        }
        let (blocks, rest) = bytes.as_chunks::<8>();
        let state = blocks.iter().fold(PARAMETERS.init, |state, block| {
            let word = u64::from_le_bytes(*block) ^ u64::from(state);
            let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
            entry(7, a)
                ^ entry(6, b)
                ^ entry(5, c)
                ^ entry(4, d)
                ^ entry(3, e)
                ^ entry(2, f)
                ^ entry(1, g)
                ^ entry(0, h)
        });
        let state = rest.iter().fold(state, |state, &byte| {
            let [low, ..] = state.to_le_bytes();
            entry(0, low ^ byte) ^ (state >> 8)
        });
        state ^ PARAMETERS.xorout
    }

    #[expect(clippy::indexing_slicing, reason = "constant table index, and a byte into 256")]
    fn entry(table: usize, byte: u8) -> u32 {
        TABLES[table][usize::from(byte)].load(Relaxed)
    }

    /// Two threads may do this at once: both store the same numbers.
    fn fill_tables() {
        let mut previous: Option<&[AtomicU32; 256]> = None;
        for table in &TABLES {
            for (byte, slot) in (0..=u8::MAX).zip(table) {
                let state = match previous {
                    None => (0..8).fold(u32::from(byte), |s, _| (s >> 1) ^ (POLY * (s & 1))),
                    Some(shorter) => {
                        let state = shorter.get(usize::from(byte)).map_or(0, |s| s.load(Relaxed));
                        let [low, ..] = state.to_le_bytes();
                        entry(0, low) ^ (state >> 8)
                    }
                };
                slot.store(state, Relaxed);
            }
            previous = Some(table);
        }
        READY.store(true, Release);
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use alloc::vec::Vec;
        use proptest::prelude::*;

        #[test]
        fn check_value_of_the_catalogue() {
            assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
            assert_eq!(crc32(b""), 0);
        }

        proptest! {
            #[test]
            fn equals_the_crc_crate(bytes: Vec<u8>) {
                let oracle = crc::Crc::<u32>::new(&PARAMETERS).checksum(&bytes);
                prop_assert_eq!(crc32(&bytes), oracle);
                prop_assert_eq!(super::super::crc32(&bytes), oracle);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn checksums_of_parts_and_wholes(front: Vec<u8>, behind: Vec<u8>) {
            let whole = [&front[..], &behind[..]].concat();
            let len = u64::try_from(behind.len()).unwrap();
            let (front, behind, whole) = (crc32(&front), crc32(&behind), crc32(&whole));
            prop_assert_eq!(crc32_joined(front, behind, len), whole);
            prop_assert_eq!(crc32_joined(front, whole, len), behind);
        }
    }

    #[test]
    fn lengths_beyond_what_fits_a_test() {
        // A mebibyte behind another is two of them.
        let once = crc32_joined(0xdead_beef, 0, 1 << 20);
        assert_eq!(crc32_joined(once, 0, 1 << 20), crc32_joined(0xdead_beef, 0, 1 << 21));
    }
}
