//! Columns of values.

use super::{BLOCK_LEN, ColumnError, Description, Encoded, block_range};
use crate::types::ValueType;
use alloc::string::String;
use alloc::vec::Vec;

/// The values as they are, 4 bytes each.
const RAW: u8 = 0;

/// Encodes up to [`MAX_POINTS`](super::MAX_POINTS) values, at least one, into `out`.
pub fn encode(_value_type: ValueType, raws: &[u32], out: &mut Encoded) {
    out.clear();
    out.head.push(RAW);
    for block in raws.chunks(BLOCK_LEN) {
        out.body.extend(block.iter().flat_map(|raw| raw.to_le_bytes()));
        out.end_block();
    }
}

/// Decodes the blocks of one column.
#[derive(Debug, Clone)]
pub struct Decoder {
    points: usize,
}

impl Decoder {
    /// A decoder for the column with this head and so many points.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when the head is damaged or of a later version.
    pub fn new(head: &[u8], _value_type: ValueType, points: usize) -> Result<Self, ColumnError> {
        match head {
            [] => Err(ColumnError::Truncated),
            [RAW] => Ok(Self { points }),
            [RAW, rest @ ..] => Err(ColumnError::TrailingBytes(rest.len())),
            [id, ..] => Err(ColumnError::Unknown { what: "value encoding", id: *id }),
        }
    }

    /// Appends the values of the block with this index to `out`.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when `bytes` are no such block; `out` may then have more values.
    pub fn block(&self, index: usize, bytes: &[u8], out: &mut Vec<u32>) -> Result<(), ColumnError> {
        let expected = block_range(index, self.points).len() * 4;
        if bytes.len() < expected {
            return Err(ColumnError::Truncated);
        }
        let (values, behind) = bytes.as_chunks::<4>();
        if bytes.len() > expected || !behind.is_empty() {
            return Err(ColumnError::TrailingBytes(bytes.len() - expected));
        }
        out.extend(values.iter().map(|raw| u32::from_le_bytes(*raw)));
        Ok(())
    }

    /// How the column is encoded.
    pub fn describe(&self) -> Description {
        Description { numbers: String::from("bytes"), divisor: 1, delta: 0, body: "raw" }
    }
}
