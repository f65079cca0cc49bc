//! Compressed blocks, decoded by libraries that the engine does not use for this.

/// How a block is compressed, as metric files number it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// 1
    S2,
    /// 2
    S2Better,
    /// 3
    ZstdFastest,
    /// 4
    ZstdDefault,
    /// `0x8001`, an LZ4 block without a length in front: an extension of ours.
    Lz4,
}

impl Codec {
    pub(super) const fn from_id(id: u16) -> Option<Self> {
        match id {
            1 => Some(Self::S2),
            2 => Some(Self::S2Better),
            3 => Some(Self::ZstdFastest),
            4 => Some(Self::ZstdDefault),
            0x8001 => Some(Self::Lz4),
            _ => None,
        }
    }

    /// The number files hold.
    pub const fn id(self) -> u16 {
        match self {
            Self::S2 => 1,
            Self::S2Better => 2,
            Self::ZstdFastest => 3,
            Self::ZstdDefault => 4,
            Self::Lz4 => 0x8001,
        }
    }

    /// The content of `block`, which must be `decoded_len` bytes.
    pub(super) fn decode(self, block: &[u8], decoded_len: usize) -> Result<Vec<u8>, String> {
        let decoded = match self {
            Self::S2 | Self::S2Better => s2(block, decoded_len)?,
            Self::ZstdFastest | Self::ZstdDefault => {
                zstd::bulk::decompress(block, decoded_len).map_err(|e| e.to_string())?
            }
            Self::Lz4 => {
                lz4_flex::block::decompress(block, decoded_len).map_err(|e| e.to_string())?
            }
        };
        if decoded.len() != decoded_len {
            return Err(format!("decodes to {} bytes instead of {decoded_len}", decoded.len()));
        }
        Ok(decoded)
    }
}

fn s2(block: &[u8], decoded_len: usize) -> Result<Vec<u8>, String> {
    // Asked first: the decoder allocates what the block claims.
    let (claimed, _) = minlz::decode_len(block).map_err(|e| e.to_string())?;
    if claimed != decoded_len {
        return Err(format!("says it decodes to {claimed} bytes instead of {decoded_len}"));
    }
    minlz::decode(block).map_err(|e| e.to_string())
}
