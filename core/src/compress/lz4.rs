//! LZ4 blocks, without a length in front: the file that holds the block states it.
//!
//! An extension: the reference engine does not know id 0x8001. For files that other tools are to
//! read; S2 is both smaller and faster here.

use super::{BlockCodec, BlockError, CodecId};
use alloc::vec::Vec;
use lz4_flex::block::{DecompressError, compress_into, decompress_into, get_maximum_output_size};

/// The `lz4` codec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lz4;

impl BlockCodec for Lz4 {
    fn id(&self) -> CodecId {
        CodecId::Lz4
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + get_maximum_output_size(input.len()), 0);
        // There is always room, so this never fails; if it did, an empty block is never valid.
        let written =
            out.get_mut(start..).map_or(0, |room| compress_into(input, room).unwrap_or_default());
        out.truncate(start + written);
    }

    fn decode(
        &self,
        block: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        let start = out.len();
        out.resize(start + decoded_len, 0);
        let target = out.get_mut(start..).unwrap_or_default();
        let result = match decompress_into(block, target) {
            Ok(found) if found == decoded_len => Ok(()),
            Ok(found) => Err(BlockError::Length { expected: decoded_len, found }),
            Err(DecompressError::OutputTooSmall { expected, .. }) => {
                Err(BlockError::Length { expected: decoded_len, found: expected })
            }
            Err(_) => Err(BlockError::Malformed),
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn decoded(block: &[u8], decoded_len: usize) -> Result<Vec<u8>, BlockError> {
        let mut out = Vec::new();
        Lz4.decode(block, decoded_len, &mut out).map(|()| out)
    }

    #[test]
    fn golden_bytes() {
        // Token: 1 literal, match of 4 + 15 + 0; offset 1; then the last 5 literals.
        let block = [0x1f, b'a', 1, 0, 0, 0x50, b'b', b'c', b'd', b'e', b'f'];
        let mut expected = vec![b'a'; 20];
        expected.extend(b"bcdef");
        assert_eq!(decoded(&block, 25), Ok(expected));
        assert_eq!(decoded(&[0], 0), Ok(vec![]));
    }

    #[test]
    fn every_prefix_and_every_other_length_is_refused() {
        let block = [0x1f, b'a', 1, 0, 0, 0x50, b'b', b'c', b'd', b'e', b'f'];
        for cut in 0..block.len() {
            assert!(decoded(&block[..cut], 25).is_err(), "{cut}");
        }
        assert_eq!(decoded(&block, 26), Err(BlockError::Length { expected: 26, found: 25 }));
        assert!(matches!(decoded(&block, 24), Err(BlockError::Length { expected: 24, .. })));
    }

    #[test]
    fn flipped_bits_never_panic() {
        let mut block = Vec::new();
        Lz4.encode(&[1, 2, 3, 4, 5, 6, 7].repeat(20), &mut block);
        for bit in 0..block.len() * 8 {
            let mut damaged = block.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(content) = decoded(&damaged, 140) {
                assert_eq!(content.len(), 140);
            }
        }
    }
}
