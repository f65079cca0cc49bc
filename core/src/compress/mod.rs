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
//!
//! ```
//! use nanotdb_core::compress::{CodecId, Codecs};
//!
//! let codec = Codecs::portable().get(CodecId::S2);
//! let mut block = Vec::new();
//! codec.encode(&[7; 1000], &mut block);
//! assert!(block.len() < 20);
//!
//! let mut content = Vec::new();
//! codec.decode(&block, 1000, &mut content)?;
//! assert_eq!(content, [7; 1000]);
//! # Ok::<(), nanotdb_core::compress::BlockError>(())
//! ```

pub mod lz4;
pub mod s2;
pub mod zstd;

#[cfg(test)]
mod sizes;
#[cfg(test)]
mod w84;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

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

impl CodecId {
    /// Every codec there is, in the order of their ids.
    pub const ALL: [Self; 5] =
        [Self::S2, Self::S2Better, Self::ZstdFastest, Self::ZstdDefault, Self::Lz4];

    /// The codec that files number `id`.
    ///
    /// ```
    /// use nanotdb_core::compress::CodecId;
    /// assert_eq!(CodecId::from_u16(2), Some(CodecId::S2Better));
    /// assert_eq!(CodecId::from_u16(5), None);
    /// ```
    pub fn from_u16(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.to_u16() == id)
    }

    /// The number that files store.
    pub const fn to_u16(self) -> u16 {
        self as u16
    }

    /// The name that settings use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S2 => "s2",
            Self::S2Better => "s2_better",
            Self::ZstdFastest => "zstd_fastest",
            Self::ZstdDefault => "zstd_default",
            Self::Lz4 => "lz4",
        }
    }

    /// Whether the reference engine knows this codec, and so reads files that use it.
    pub const fn is_known_to_reference(self) -> bool {
        !matches!(self, Self::Lz4)
    }
}

impl fmt::Display for CodecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads a name as settings spell it: case and surrounding blanks do not count.
///
/// ```
/// use nanotdb_core::compress::CodecId;
/// assert_eq!(" Zstd_Fastest ".parse(), Ok(CodecId::ZstdFastest));
///
/// let error = "gzip".parse::<CodecId>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"unknown codec "gzip": expected s2, s2_better, zstd_fastest, zstd_default or lz4"#
/// );
/// ```
impl FromStr for CodecId {
    type Err = UnknownCodec;

    fn from_str(text: &str) -> Result<Self, UnknownCodec> {
        let name = text.trim();
        Self::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownCodec { name: name.to_owned() })
    }
}

/// A name that no codec has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCodec {
    /// The name, without surrounding blanks.
    pub name: String,
}

impl fmt::Display for UnknownCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown codec {:?}: expected ", self.name)?;
        for (index, codec) in CodecId::ALL.into_iter().enumerate() {
            let separator = match index {
                0 => "",
                _ if index + 1 == CodecId::ALL.len() => " or ",
                _ => ", ",
            };
            write!(f, "{separator}{codec}")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownCodec {}

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

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the compressed block is malformed"),
            Self::Length { expected, found } => {
                write!(f, "the compressed block holds {found} bytes, expected {expected}")
            }
            Self::Checksum => {
                f.write_str("the checksum inside the compressed block does not match its content")
            }
        }
    }
}

impl core::error::Error for BlockError {}

/// Compresses and decompresses single blocks.
///
/// `Sync`, because [`Codecs`] shares one instance between all threads; codecs have no state.
pub trait BlockCodec: fmt::Debug + Sync {
    /// The id this codec is registered under.
    fn id(&self) -> CodecId;

    /// Appends the compressed form of `input`, which has less than 4 GiB, to `out`.
    fn encode(&self, input: &[u8], out: &mut Vec<u8>);

    /// Appends exactly `decoded_len` bytes to `out`: the content of `block`.
    ///
    /// Never allocates more than a small multiple of `decoded_len` and a bounded amount of
    /// scratch memory, whatever the block claims. `decoded_len` itself is the caller's to check.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the block is damaged; `out` then holds what it held before.
    fn decode(&self, block: &[u8], decoded_len: usize, out: &mut Vec<u8>)
    -> Result<(), BlockError>;

    /// Appends the first `wanted` of the `decoded_len` bytes in `block` to `out`, all if there
    /// are no more. What follows them need not be intact.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the block is damaged before that; `out` then holds what it held before.
    fn decode_front(
        &self,
        block: &[u8],
        decoded_len: usize,
        wanted: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        let start = out.len();
        self.decode(block, decoded_len, out)?;
        out.truncate(start.saturating_add(wanted));
        Ok(())
    }
}

/// Which implementation serves each codec.
///
/// Files store ids, not implementations: whatever is registered here must read every block of its
/// id's format and write blocks that [`Codecs::portable`] reads.
#[derive(Debug, Clone, Copy)]
pub struct Codecs {
    s2: &'static dyn BlockCodec,
    s2_better: &'static dyn BlockCodec,
    zstd_fastest: &'static dyn BlockCodec,
    zstd_default: &'static dyn BlockCodec,
    lz4: &'static dyn BlockCodec,
}

impl Codecs {
    /// The implementations of this crate, which run everywhere.
    pub const fn portable() -> Self {
        Self {
            s2: &s2::S2,
            s2_better: &s2::S2Better,
            zstd_fastest: &zstd::ZstdFastest,
            zstd_default: &zstd::ZstdDefault,
            lz4: &lz4::Lz4,
        }
    }

    /// These implementations, with `codec` in the place of the one that has its id.
    #[must_use]
    pub fn with(mut self, codec: &'static dyn BlockCodec) -> Self {
        let slot = match codec.id() {
            CodecId::S2 => &mut self.s2,
            CodecId::S2Better => &mut self.s2_better,
            CodecId::ZstdFastest => &mut self.zstd_fastest,
            CodecId::ZstdDefault => &mut self.zstd_default,
            CodecId::Lz4 => &mut self.lz4,
        };
        *slot = codec;
        self
    }

    /// The implementation of `id`.
    pub const fn get(&self, id: CodecId) -> &'static dyn BlockCodec {
        match id {
            CodecId::S2 => self.s2,
            CodecId::S2Better => self.s2_better,
            CodecId::ZstdFastest => self.zstd_fastest,
            CodecId::ZstdDefault => self.zstd_default,
            CodecId::Lz4 => self.lz4,
        }
    }
}

impl Default for Codecs {
    fn default() -> Self {
        Self::portable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;
    use proptest::prelude::*;

    /// Stands for a host's own implementation: stores the input.
    #[derive(Debug)]
    struct Stored;

    impl BlockCodec for Stored {
        fn id(&self) -> CodecId {
            CodecId::ZstdDefault
        }

        fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
            out.extend(input);
        }

        fn decode(&self, block: &[u8], _: usize, out: &mut Vec<u8>) -> Result<(), BlockError> {
            out.extend(block);
            Ok(())
        }
    }

    #[test]
    fn ids_and_names_round_trip() {
        for codec in CodecId::ALL {
            assert_eq!(CodecId::from_u16(codec.to_u16()), Some(codec));
            assert_eq!(codec.name().parse(), Ok(codec));
            assert_eq!(Codecs::portable().get(codec).id(), codec);
        }
        let numbers = CodecId::ALL.map(CodecId::to_u16);
        assert_eq!(numbers, [1, 2, 3, 4, 0x8001]);
        let known = CodecId::ALL.map(CodecId::is_known_to_reference);
        assert_eq!(known, [true, true, true, true, false]);
    }

    #[test]
    fn codecs_have_the_names_of_the_reference() {
        let codecs = [CodecId::S2, CodecId::S2Better, CodecId::ZstdFastest, CodecId::ZstdDefault];
        let names = ["s2", "s2_better", "zstd_fastest", "zstd_default"];
        assert_eq!(codecs.map(CodecId::name), names);
        assert_eq!(names.map(|name| name.parse::<CodecId>().unwrap()), codecs);
        assert_eq!(CodecId::default(), CodecId::ZstdFastest);
    }

    #[test]
    fn unknown_ids_and_names() {
        assert_eq!(CodecId::from_u16(0), None);
        assert_eq!(CodecId::from_u16(0x8000), None);
        let error = " zstd ".parse::<CodecId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown codec \"zstd\": expected s2, s2_better, zstd_fastest, zstd_default or lz4"
        );
    }

    #[test]
    fn a_registered_codec_replaces_its_id_only() {
        let codecs = Codecs::default().with(&Stored);
        let mut out = Vec::new();
        codecs.get(CodecId::ZstdDefault).encode(b"as is", &mut out);
        assert_eq!(out, b"as is");
        for id in CodecId::ALL {
            assert_eq!(codecs.get(id).id(), id);
        }
        let replaced = alloc::format!("{codecs:?}");
        assert!(replaced.contains("Stored") && replaced.contains("ZstdFastest"), "{replaced}");
    }

    #[test]
    fn errors_say_what_was_found() {
        let error = BlockError::Length { expected: 5, found: 7 };
        assert_eq!(error.to_string(), "the compressed block holds 7 bytes, expected 5");
    }

    /// Encodes and decodes with every codec, behind bytes that must stay.
    fn round_trip(input: &[u8]) {
        for id in CodecId::ALL {
            let codec = Codecs::portable().get(id);
            let mut block = vec![1, 2];
            codec.encode(input, &mut block);
            assert_eq!(block[..2], [1, 2], "{id}");
            let block = &block[2..];
            assert!(block.len() <= input.len() + 30 + input.len() / 200, "{id} {}", block.len());

            let mut out = vec![3];
            assert_eq!(codec.decode(block, input.len(), &mut out), Ok(()), "{id}");
            assert_eq!(out[..1], [3]);
            assert!(out[1..] == *input, "{id} changes {} bytes", input.len());

            let mut out = vec![3];
            for wrong in [input.len().wrapping_sub(1), input.len() + 1] {
                if wrong <= input.len() + 1 {
                    assert!(codec.decode(block, wrong, &mut out).is_err(), "{id} {wrong}");
                    assert_eq!(out, [3]);
                }
            }
            for cut in [block.len() / 2, block.len() - 1] {
                let shorter = &block[..cut];
                assert!(codec.decode(shorter, input.len(), &mut out).is_err(), "{id} {cut}");
                assert_eq!(out, [3]);
            }
        }
    }

    #[test]
    fn tiny_inputs_round_trip() {
        for len in 0..=40_u8 {
            round_trip(&(0..len).collect::<Vec<_>>());
            round_trip(&(0..len).map(|at| at / 3 % 2).collect::<Vec<_>>());
            round_trip(&vec![len; usize::from(len)]);
        }
    }

    #[test]
    fn large_inputs_round_trip() {
        for len in [65535, 65536, 65537, 131_072, 200_000, (1 << 20) + 77] {
            round_trip(&vec![9; len]);
            round_trip(&noise(len));
            // Noise that comes again: copies from far back.
            let mut twice = noise(len / 2);
            twice.extend_from_within(..);
            round_trip(&twice);
            let counters: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(len).collect();
            round_trip(&counters);
        }
    }

    #[test]
    fn a_run_longer_than_any_element_round_trips() {
        round_trip(&vec![0; 20_000_000]);
    }

    /// Bytes without repetition.
    pub(super) fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u64;
        core::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(len)
        .collect()
    }

    /// Inputs made of stretches that repeat what came before or do not.
    pub(super) fn structured() -> impl Strategy<Value = Vec<u8>> {
        let stretch =
            (prop::collection::vec(any::<u8>(), 1..30), 0_usize..400, any::<prop::sample::Index>());
        prop::collection::vec(stretch, 0..40).prop_map(|stretches| {
            let mut bytes = Vec::new();
            for (literal, repeat, index) in stretches {
                bytes.extend(literal);
                let from = index.index(bytes.len());
                for at in 0..repeat {
                    bytes.push(bytes[from + at]);
                }
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn arbitrary_inputs_round_trip(input: Vec<u8>) {
            round_trip(&input);
        }

        #[test]
        fn structured_inputs_round_trip(input in structured()) {
            round_trip(&input);
        }

        #[test]
        fn few_symbols_round_trip(input in prop::collection::vec(0_u8..3, 0..2000)) {
            round_trip(&input);
        }

        #[test]
        fn damaged_blocks_never_panic(
            input in structured(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            for id in CodecId::ALL {
                let codec = Codecs::portable().get(id);
                let mut block = Vec::new();
                codec.encode(&input, &mut block);
                for (index, value) in &damage {
                    let at = index.index(block.len());
                    block[at] = *value;
                }
                let mut out = Vec::new();
                match codec.decode(&block, input.len(), &mut out) {
                    Ok(()) => prop_assert_eq!(out.len(), input.len()),
                    Err(_) => prop_assert!(out.is_empty()),
                }
            }
        }

        #[test]
        fn arbitrary_blocks_never_panic(block: Vec<u8>, decoded_len in 0_usize..5000) {
            for id in CodecId::ALL {
                let _ = Codecs::portable().get(id).decode(&block, decoded_len, &mut Vec::new());
            }
        }
    }
}
