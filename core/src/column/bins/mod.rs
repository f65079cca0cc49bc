//! The small body: which bin a number is in, entropy-coded, and where in the bin, as plain bits.
//!
//! A *bin* is a stretch of numbers from its lower bound on, `2^offset_bits` long. How often each
//! occurs gives it a weight; the weights of a table add up to a power of two. Bins are coded with
//! tabled asymmetric numeral systems (J. Duda, *Asymmetric numeral systems*, arXiv:1311.2540):
//! what a bin takes is close to the logarithm of how rare it is, in fractions of bits.
//!
//! Four states take turns, so that a processor decodes four numbers at a time.

mod ans;
mod choose;

pub(super) use ans::{Coder, Table};
pub(super) use choose::{Chosen, bits_each, choose};

use super::ColumnError;
use super::bits::width;
use super::fields::narrow;
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;

/// Bins that a table has at most.
pub(super) const MAX_BINS: usize = 255;
/// Binary logarithms of a table's size.
const MIN_LOG: u32 = 5;
const MAX_LOG: u32 = 10;

/// A stretch of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) lower: u32,
    pub(super) offset_bits: u32,
    /// States of the table that stand for this bin, at least one.
    pub(super) weight: u32,
}

impl Bin {
    /// The bin from `lower` up to `upper`.
    pub(super) const fn of(lower: u32, upper: u32) -> Self {
        Self { lower, offset_bits: width(upper.wrapping_sub(lower)), weight: 0 }
    }
}

/// Bins by ascending lower bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bins {
    pub(super) log: u32,
    pub(super) list: Vec<Bin>,
}

impl Bins {
    /// Gives each bin the weight that fits how often it occurs; none of `counts` is 0.
    pub(super) fn weigh(&mut self, counts: &[u32]) {
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let bins = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.log = (width(bins) + 4).clamp(MIN_LOG, MAX_LOG);
        if counts.iter().any(|&count| u64::from(count) * 16 < total) {
            self.log = MAX_LOG; // rare bins would otherwise get more than they need
        }
        let size = 1_u32 << self.log;
        let mut left = size;
        for (bin, &count) in self.list.iter_mut().zip(counts) {
            let exact = u64::from(count) * u64::from(size) + total / 2;
            let share = exact.checked_div(total).unwrap_or(0);
            bin.weight = u32::try_from(share).unwrap_or(size).clamp(1, size);
            left = left.wrapping_sub(bin.weight);
        }
        // Rounding is made up for where it matters least: at the heaviest.
        while left != 0 {
            let Some(heaviest) = self.list.iter_mut().max_by_key(|bin| bin.weight) else { return };
            let change = if left.cast_signed() > 0 {
                left
            } else {
                // Never below 1: then the next heaviest gives the rest.
                left.max((heaviest.weight / 2).wrapping_neg())
            };
            heaviest.weight = heaviest.weight.wrapping_add(change);
            left = left.wrapping_sub(change);
        }
    }

    /// Appends the table to a head.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let count = u64::try_from(self.list.len()).unwrap_or(u64::MAX);
        let mut writer = Writer::new(out);
        writer.u8(u8::try_from(self.log).unwrap_or(0)).uvarint(count);
        let mut before = 0;
        for bin in &self.list {
            writer.uvarint(u64::from(bin.lower - before));
            writer.u8(u8::try_from(bin.offset_bits).unwrap_or(0));
            writer.uvarint(u64::from(bin.weight));
            before = bin.lower;
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ColumnError> {
        let log = u32::from(reader.u8().ok_or(ColumnError::Truncated)?);
        if !(MIN_LOG..=MAX_LOG).contains(&log) {
            let (what, expected) = ("table logarithm", "5 to 10");
            return Err(ColumnError::Invalid { what, found: log.into(), expected });
        }
        let count = reader.uvarint().ok_or(ColumnError::Truncated)?;
        let bins = usize::try_from(count).ok().filter(|bins| (1..=MAX_BINS).contains(bins));
        let Some(bins) = bins else {
            let (what, expected) = ("bins", "1 to 255");
            return Err(ColumnError::Invalid { what, found: count, expected });
        };
        let mut list = Vec::with_capacity(bins);
        let (mut lower, mut left) = (0_u64, 1_u64 << log);
        for _ in 0..bins {
            lower += u64::from(narrow(reader, "bin distance")?);
            let offset_bits = u32::from(reader.u8().ok_or(ColumnError::Truncated)?);
            let weight = narrow(reader, "bin weight")?;
            if offset_bits > 32 {
                let (what, expected) = ("offset bits", "at most 32");
                return Err(ColumnError::Invalid { what, found: offset_bits.into(), expected });
            }
            let rest = left.checked_sub(weight.into()).filter(|_| weight > 0);
            let (what, expected) = ("bin weight", "at least 1, together the table's size");
            let found = u64::from(weight);
            left = rest.ok_or(ColumnError::Invalid { what, found, expected })?;
            let (what, expected) = ("lower bound", "at most 32 bits");
            let lower = u32::try_from(lower).map_err(|_| ColumnError::Invalid {
                what,
                found: lower,
                expected,
            })?;
            list.push(Bin { lower, offset_bits, weight });
        }
        if left > 0 {
            let (what, expected) = ("table states without a bin", "none");
            return Err(ColumnError::Invalid { what, found: left, expected });
        }
        Ok(Self { log, list })
    }
}
