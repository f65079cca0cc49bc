//! Payloads before compression: columns as little-endian bytes.

use alloc::vec::Vec;

/// Appends eight bytes for each time.
pub(crate) fn append_times(times: &[i64], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + times.len() * 8, 0);
    let (chunks, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<8>();
    for (chunk, time) in chunks.iter_mut().zip(times) {
        *chunk = time.to_le_bytes();
    }
}

/// Appends four bytes for each value.
pub(crate) fn append_values(raws: &[u32], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + raws.len() * 4, 0);
    let (chunks, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<4>();
    for (chunk, raw) in chunks.iter_mut().zip(raws) {
        *chunk = raw.to_le_bytes();
    }
}

/// The times in `bytes`; a last incomplete one is left out.
pub(crate) fn times(bytes: &[u8]) -> Vec<i64> {
    bytes.as_chunks::<8>().0.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect()
}

/// The values in `bytes`; a last incomplete one is left out.
pub(crate) fn values(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_bytes() {
        let mut out = alloc::vec![9];
        append_times(&[1, -1], &mut out);
        append_values(&[0x0403_0201], &mut out);
        assert_eq!(out[..9], [9, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(out[9..], [255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn round_trips(some: Vec<i64>, raws: Vec<u32>) {
            let mut out = Vec::new();
            append_times(&some, &mut out);
            prop_assert_eq!(times(&out), some);
            out.clear();
            append_values(&raws, &mut out);
            prop_assert_eq!(values(&out), raws);
        }
    }
}
