//! The fast body: numbers as plain fields of one width, with the few that need more set apart.
//!
//! ```text
//! base uvarint | width u8 | patches uvarint | patch position u16, number u32 … | fields
//! ```
//!
//! A field is the lowest `width` bits of a number less the base. In a block of 1,024 numbers,
//! number `i` is in lane `i % 32`, and word `k` of the 32 lanes stand together: a row of 32 numbers is
//! decoded by the same shifts, which processors do in wide registers. (The layout is that of
//! A. Afroozeh and P. Boncz, *The `FastLanes` Compression Layout*, PVLDB 16(9), without its order of
//! rows.) In a shorter block fields stand one behind the other.

use super::bits::{BitWriter, PADDING, low, mask, peek, precise, tally, width};
use super::fields::{list, narrow};
use super::{BLOCK_LEN, ColumnError};
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;

const LANES: usize = 32;
/// Bytes of a patch.
const PATCH_LEN: usize = 6;

/// How one block is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packing {
    base: u32,
    width: u32,
    patches: usize,
    /// Bytes that the block takes.
    pub(super) len: usize,
}

impl Packing {
    /// The packing of `numbers` that takes least.
    pub(super) fn of(numbers: &[u32]) -> Self {
        let base = numbers.iter().copied().min().unwrap_or(0);
        let widths = tally(numbers, |number| u8::try_from(width(number - base)).unwrap_or(32));
        let mut patches = 0;
        let mut best = Self { base, width: 32, patches: 0, len: usize::MAX };
        for (width, count) in (0..=32_u32).rev().zip(widths.into_iter().take(33).rev()) {
            let len = fields_len(numbers.len(), width) + patches * PATCH_LEN + 7;
            if len < best.len {
                best = Self { base, width, patches, len };
            }
            patches += count;
        }
        best
    }

    /// Appends `numbers`, which this packing was made for.
    pub(super) fn encode(&self, numbers: &[u32], out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.uvarint(self.base.into()).u8(u8::try_from(self.width).unwrap_or(32));
        writer.uvarint(u64::try_from(self.patches).unwrap_or(0));
        let over = |number: u32| width(number.wrapping_sub(self.base)) > self.width;
        for (position, &number) in (0_u16..).zip(numbers).filter(|(_, number)| over(**number)) {
            writer.u16(position).u32(number);
        }
        let field = |number: u32| u64::from(number.wrapping_sub(self.base)) & mask(self.width);
        match <&[u32; BLOCK_LEN]>::try_from(numbers) {
            Ok(block) => lanes(block, self.width, field, out),
            Err(_) => {
                let mut bits = BitWriter::new(out);
                for &number in numbers {
                    bits.push(field(number), self.width);
                }
                bits.finish();
            }
        }
    }
}

/// About how many bytes each number takes, from a sorted sample, with one packing for all.
pub(super) fn bytes_each(sorted: &[u32]) -> f32 {
    let base = sorted.first().copied().unwrap_or(0);
    let each = (0..=32_u32).map(|width| {
        let most = u64::from(base) + mask(width);
        let fitting = sorted.partition_point(|&number| u64::from(number) <= most);
        let patches = precise(sorted.len() - fitting) / precise(sorted.len().max(1));
        patches * precise(PATCH_LEN) + precise(usize::try_from(width).unwrap_or(32)) / 8.0
    });
    each.fold(f32::INFINITY, f32::min)
}

/// Bytes of so many fields.
fn fields_len(numbers: usize, width: u32) -> usize {
    (numbers * usize::try_from(width).unwrap_or(32)).div_ceil(8)
}

/// Appends the fields of a whole block, lane by lane in words of 32 bits.
fn lanes(block: &[u32; BLOCK_LEN], width: u32, field: impl Fn(u32) -> u64, out: &mut Vec<u8>) {
    let (rows, _) = block.as_chunks::<LANES>();
    let mut words = [0_u64; LANES];
    let mut held = 0;
    for row in rows {
        for (word, &number) in words.iter_mut().zip(row) {
            *word |= field(number) << held;
        }
        held += width;
        if held >= 32 {
            out.extend(words.iter().flat_map(|word| low(*word).to_le_bytes()));
            for word in &mut words {
                *word >>= 32;
            }
            held -= 32;
        }
    }
}

/// Fills `out` with the numbers packed in `bytes`.
pub(super) fn decode(bytes: &[u8], out: &mut [u32]) -> Result<(), ColumnError> {
    let mut reader = Reader::new(bytes);
    let base = narrow(&mut reader, "packing base")?;
    let width = u32::from(reader.u8().ok_or(ColumnError::Truncated)?);
    if width > 32 {
        let (what, expected) = ("packing width", "at most 32");
        return Err(ColumnError::Invalid { what, found: width.into(), expected });
    }
    let about = ("patches", "at most one for each number");
    let patches: &[[u8; PATCH_LEN]] = list(&mut reader, out.len(), about)?;
    let len = fields_len(out.len(), width);
    let fields = reader.bytes(len).ok_or(ColumnError::Truncated)?;
    if !reader.rest().is_empty() {
        return Err(ColumnError::TrailingBytes(reader.rest().len()));
    }
    match <&mut [u32; BLOCK_LEN]>::try_from(&mut *out) {
        Ok(block) => unpack_lanes(fields, width, base, block),
        Err(_) => {
            let padded = [fields, &[0; PADDING]].concat();
            unpack(&padded, width, base, out);
        }
    }
    for patch in patches {
        let mut reader = Reader::new(patch);
        let (Some(position), Some(number)) = (reader.u16(), reader.u32()) else { continue };
        let (what, found, expected) = ("patch position", position.into(), "inside the block");
        let slot = out.get_mut(usize::from(position));
        *slot.ok_or(ColumnError::Invalid { what, found, expected })? = number;
    }
    Ok(())
}

fn unpack(padded: &[u8], width: u32, base: u32, out: &mut [u32]) {
    let step = usize::try_from(width).unwrap_or(32);
    let mut position = 0;
    for number in out {
        let field = low(peek(padded, position).unwrap_or(0) & mask(width));
        *number = base.wrapping_add(field);
        position += step;
    }
}

fn unpack_lanes(fields: &[u8], width: u32, base: u32, block: &mut [u32; BLOCK_LEN]) {
    // One word more than there is, for rows that end with a word.
    let mut words = [[0_u32; LANES]; 33];
    for (row, bytes) in words.iter_mut().zip(fields.as_chunks::<{ LANES * 4 }>().0) {
        for (word, bytes) in row.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
    }
    let keep = low(mask(width));
    let (rows, _) = block.as_chunks_mut::<LANES>();
    for (row, first_bit) in
        rows.iter_mut().zip((0_u32..).step_by(usize::try_from(width.max(1)).unwrap_or(1)))
    {
        let first_bit = if width == 0 { 0 } else { first_bit };
        let word = usize::try_from(first_bit / 32).unwrap_or(0);
        let shift = first_bit % 32;
        let Some([first, second]) = words.get(word..).and_then(|words| words.first_chunk::<2>())
        else {
            continue;
        };
        // Twice by half, because a shift by all 32 bits is none.
        let up = 31 - shift;
        for ((number, &first), &second) in row.iter_mut().zip(first).zip(second) {
            let field = (first >> shift) | ((second << 1) << up);
            *number = base.wrapping_add(field & keep);
        }
    }
}
