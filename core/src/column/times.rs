//! Columns of times.
//!
//! | id | encoding | a time is |
//! |---:|---|---|
//! | 0 | raw | 8 bytes |
//! | 1 | grid | the block's origin + tick × period + least + lateness × unit |
//! | 2 | steps | the time before + step × unit |
//!
//! Ticks and latenesses, or steps, are columns of numbers (`numbers`), so that ticks which are
//! one after the other, or latenesses that are all 0, take nothing.
//!
//! ```text
//! grid   head   1 | period uvarint | unit uvarint | least i64 | ticks … | latenesses …
//!        block  origin i64 | ticks' length uvarint | ticks … | latenesses …
//! steps  head   2 | unit uvarint | long steps u8 | steps …
//!        block  first i64 | (long steps uvarint | position u16, step u64 …) | steps …
//! ```

mod grid;
mod steps;

use super::raw::{self, RAW};
use super::{ColumnError, Description, Encoded, block_range};
use crate::codec::Reader;
use alloc::vec::Vec;
use grid::Grid;
use steps::Steps;

/// Ticks of a period, and how late each is.
const GRID: u8 = 1;
/// The steps from time to time.
const STEPS: u8 = 2;

/// A grid that takes fewer bytes for each block needs no comparison.
const SMALL: usize = 24;

/// Encodes up to [`MAX_POINTS`](super::MAX_POINTS) non-decreasing times, at least one, into `out`.
pub fn encode(times: &[i64], out: &mut Encoded) {
    let size = |encoded: &Encoded| encoded.head.len() + encoded.body.len();
    let mut found = false;
    let mut keep = |encoded: Encoded, out: &mut Encoded| {
        if !found || size(&encoded) < size(out) {
            *out = encoded;
        }
        found = true;
    };
    if let Some(encoded) = grid::encode(times) {
        keep(encoded, out);
        if size(out) <= SMALL * out.ends.len() {
            return;
        }
    }
    keep(steps::encode(times), out);
    if size(out) > times.len() * 8 {
        raw::encode(times, i64::to_le_bytes, out);
    }
}

/// Decodes the blocks of one column.
#[derive(Debug, Clone)]
pub struct Decoder {
    points: usize,
    column: Column,
}

#[derive(Debug, Clone)]
enum Column {
    Raw,
    Grid(Grid),
    Steps(Steps),
}

impl Decoder {
    /// A decoder for the column with this head and so many points.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when the head is damaged or of a later version.
    pub fn new(head: &[u8], points: usize) -> Result<Self, ColumnError> {
        let mut reader = Reader::new(head);
        let column = match reader.u8().ok_or(ColumnError::Truncated)? {
            RAW => Column::Raw,
            GRID => Column::Grid(Grid::read(&mut reader)?),
            STEPS => Column::Steps(Steps::read(&mut reader)?),
            id => return Err(ColumnError::Unknown { what: "time encoding", id }),
        };
        match reader.rest().len() {
            0 => Ok(Self { points, column }),
            behind => Err(ColumnError::TrailingBytes(behind)),
        }
    }

    /// Appends the times of the block with this index to `out`.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when `bytes` are no such block; `out` may then have more times.
    pub fn block(&self, index: usize, bytes: &[u8], out: &mut Vec<i64>) -> Result<(), ColumnError> {
        let len = block_range(index, self.points).len();
        match &self.column {
            Column::Raw => {
                let fields = raw::fields(bytes, len)?;
                out.extend(fields.iter().map(|time| i64::from_le_bytes(*time)));
                Ok(())
            }
            Column::Grid(grid) => grid.block(bytes, len, out),
            Column::Steps(steps) => steps.block(bytes, len, out),
        }
    }

    /// How the column is encoded.
    pub fn describe(&self) -> Description {
        match &self.column {
            Column::Raw => raw::describe(),
            Column::Grid(grid) => grid.describe(),
            Column::Steps(steps) => steps.describe(),
        }
    }
}
