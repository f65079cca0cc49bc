//! Columns of times.

use super::{BLOCK_LEN, ColumnError, Description, Encoded, block_range};
use alloc::string::String;
use alloc::vec::Vec;

/// The times as they are, 8 bytes each.
const RAW: u8 = 0;

/// Encodes up to [`MAX_POINTS`](super::MAX_POINTS) non-decreasing times, at least one, into `out`.
pub fn encode(times: &[i64], out: &mut Encoded) {
    out.clear();
    out.head.push(RAW);
    for block in times.chunks(BLOCK_LEN) {
        out.body.extend(block.iter().flat_map(|time| time.to_le_bytes()));
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
    pub fn new(head: &[u8], points: usize) -> Result<Self, ColumnError> {
        match head {
            [] => Err(ColumnError::Truncated),
            [RAW] => Ok(Self { points }),
            [RAW, rest @ ..] => Err(ColumnError::TrailingBytes(rest.len())),
            [id, ..] => Err(ColumnError::Unknown { what: "time encoding", id: *id }),
        }
    }

    /// Appends the times of the block with this index to `out`.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when `bytes` are no such block; `out` may then have more times.
    pub fn block(&self, index: usize, bytes: &[u8], out: &mut Vec<i64>) -> Result<(), ColumnError> {
        let expected = block_range(index, self.points).len() * 8;
        if bytes.len() < expected {
            return Err(ColumnError::Truncated);
        }
        let (times, behind) = bytes.as_chunks::<8>();
        if bytes.len() > expected || !behind.is_empty() {
            return Err(ColumnError::TrailingBytes(bytes.len() - expected));
        }
        out.extend(times.iter().map(|time| i64::from_le_bytes(*time)));
        Ok(())
    }

    /// How the column is encoded.
    pub fn describe(&self) -> Description {
        Description { numbers: String::from("bytes"), divisor: 1, delta: 0, body: "raw" }
    }
}
