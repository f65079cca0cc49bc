//! Block compression: one trait, numbered implementations.
//!
//! | id | name | block format | default encoder here |
//! |---:|---|---|---|
//! | 1 | `s2` | S2 block | greedy matcher |
//! | 2 | `s2_better` | S2 block | searches harder, same decoder |
//! | 3 | `zstd_fastest` | one Zstandard frame | `ruzstd` |
//! | 4 | `zstd_default` | one Zstandard frame | `ruzstd` |
//! | 0x8001 | `lz4` | LZ4 block | `lz4_flex`; not readable by the reference engine |
//!
//! A file stores the id beside each block, so a host may register a faster encoder for an id
//! ([`Codecs::with`]) and every other host still reads what it wrote.

pub mod s2;
#[cfg(test)]
mod w84;

use alloc::vec::Vec;

/// What a block was compressed with, as files number it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u16)]
pub enum CodecId {
    /// `s2`
    S2 = 1,
    /// `s2_better`
    S2Better = 2,
    /// `zstd_fastest`, the reference's default for metric files.
    #[default]
    ZstdFastest = 3,
    /// `zstd_default`
    ZstdDefault = 4,
    /// `lz4`: ours, unknown to the reference engine.
    Lz4 = 0x8001,
}

/// Why a block could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockError {
    /// The block ends before it is complete, or does not follow its format.
    Malformed,
    /// The block decodes to another length than its frame says (both in bytes).
    Length {
        /// What the frame says.
        expected: usize,
        /// What the block says, or how far decoding came.
        found: usize,
    },
    /// The checksum inside the block does not match its content.
    Checksum,
}

/// Compresses and decompresses single blocks.
pub trait BlockCodec: core::fmt::Debug + Sync {
    /// The id this codec is registered under.
    fn id(&self) -> CodecId;

    /// Appends the compressed form of `input` to `out`.
    fn encode(&self, input: &[u8], out: &mut Vec<u8>);

    /// Appends exactly `decoded_len` bytes to `out`: the content of `block`.
    ///
    /// Never allocates more than `decoded_len` and a bounded amount of scratch memory, whatever
    /// the block claims.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the block is damaged; `out` then holds what it held before.
    fn decode(&self, block: &[u8], decoded_len: usize, out: &mut Vec<u8>)
    -> Result<(), BlockError>;
}
