//! What the tests of this module share.

use crate::codec::checksum::crc32;
use alloc::vec::Vec;

/// The bytes that `text` writes in hexadecimal, white space ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// `golden` with `bytes` written over it at `at`, and the checksum at `checksum_at` made right.
pub(crate) fn patched(golden: &[u8], at: usize, bytes: &[u8], checksum_at: usize) -> Vec<u8> {
    let mut out = golden.to_vec();
    out[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32(&out[..checksum_at]).to_le_bytes();
    out[checksum_at..checksum_at + 4].copy_from_slice(&crc);
    out
}

/// Cuts `bytes` at every length.
pub(crate) fn assert_every_prefix_fails(bytes: &[u8], fails: impl Fn(&[u8]) -> bool) {
    for cut in 0..bytes.len() {
        assert!(fails(&bytes[..cut]), "accepted when cut to {cut} bytes");
    }
}

/// Flips each bit of `bytes` in turn.
pub(crate) fn assert_every_flip_fails(bytes: &[u8], fails: impl Fn(&[u8]) -> bool) {
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(fails(&damaged), "accepted with bit {bit} flipped");
    }
}
