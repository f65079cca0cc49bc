//! Columns of times and values in as few bytes as what they are allows.
//!
//! A column is encoded as a *head*, which says how, and *blocks* of [`BLOCK_LEN`] points, each of
//! which can be decoded without the others. Nothing here knows files: no lengths, no checksums;
//! `metric_file` adds those.
//!
//! | column | module | of |
//! |---|---|---|
//! | times | [`times`] | non-decreasing `i64` |
//! | values | [`values`] | the 4 bytes of an `i32` or `f32`, every bit kept |
//!
//! ```
//! use nanotdb_core::ValueType;
//! use nanotdb_core::column::{Encoded, values};
//!
//! let raws: Vec<u32> = [21.5_f32, 21.75, f32::NAN].map(f32::to_bits).to_vec();
//! let mut encoded = Encoded::default();
//! values::encode(ValueType::F32, &raws, &mut encoded);
//!
//! let decoder = values::Decoder::new(&encoded.head, ValueType::F32, raws.len())?;
//! let mut decoded = Vec::new();
//! for (index, block) in encoded.blocks().enumerate() {
//!     decoder.block(index, block, &mut decoded)?;
//! }
//! assert_eq!(decoded, raws);
//! # Ok::<(), nanotdb_core::column::ColumnError>(())
//! ```

mod bins;
mod bits;
mod delta;
mod fields;
mod gcd;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod noise;
mod numbers;
mod pack;
mod raw;
pub mod times;
pub mod values;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// Points of a block; only a column's last block has fewer.
pub const BLOCK_LEN: usize = 1024;

/// Points that one column has at most.
pub const MAX_POINTS: usize = 64 * BLOCK_LEN;

/// An encoded column. Kept for the next one, it is emptied first and its memory used again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    /// How the blocks are encoded.
    pub head: Vec<u8>,
    /// The blocks, one behind the other.
    pub body: Vec<u8>,
    /// Where in `body` each block ends.
    pub ends: Vec<usize>,
}

impl Encoded {
    /// The blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.body.get(start..end).unwrap_or_default())
    }

    fn clear(&mut self) {
        self.head.clear();
        self.body.clear();
        self.ends.clear();
    }

    fn end_block(&mut self) {
        self.ends.push(self.body.len());
    }
}

/// How a column is encoded, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What its points were taken for, as in `decimal 2`.
    pub numbers: String,
    /// By what the numbers, or their differences, were divided.
    pub divisor: u64,
    /// How often differences of neighbours were taken: 0, 1 or 2.
    pub delta: u8,
    /// What the numbers were stored as, as in `pack`.
    pub body: &'static str,
}

/// Why bytes are no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnError {
    /// The bytes end before what they should hold.
    Truncated,
    /// Bytes are left behind what they should hold.
    TrailingBytes(usize),
    /// An id of something that a later version may know.
    Unknown {
        /// What has this id.
        what: &'static str,
        /// The id.
        id: u8,
    },
    /// A field has a value that no encoder writes.
    Invalid {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u64,
        /// What is allowed.
        expected: &'static str,
    },
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "column cut short"),
            Self::TrailingBytes(count) => write!(f, "column: found {count} bytes behind its end"),
            Self::Unknown { what, id } => write!(f, "{what} {id} is unknown"),
            Self::Invalid { what, found, expected } => {
                write!(f, "{what}: found {found}, expected {expected}")
            }
        }
    }
}

impl core::error::Error for ColumnError {}

/// Number of blocks of a column with so many points.
pub const fn block_count(points: usize) -> usize {
    points.div_ceil(BLOCK_LEN)
}

/// Which points of a column are in a block: an empty range where there is no such block.
pub const fn block_range(index: usize, points: usize) -> Range<usize> {
    let start = index.saturating_mul(BLOCK_LEN);
    let end = start.saturating_add(BLOCK_LEN);
    let start = if start < points { start } else { points };
    start..(if end < points { end } else { points })
}

#[cfg(test)]
mod tests;
