//! Writes S2 blocks fast: takes the first match it finds.

use super::elements::{Elements, MIN_COPY, copy_cost};
use super::matching::{Positions, common_len, common_len_before, load32, load64};

/// Largest table: 64 KiB.
const MAX_TABLE_BITS: u32 = 14;

/// After this many bytes without a match, positions begin to be skipped.
const SKIP_AFTER_BITS: u32 = 6;

/// At most this many positions are skipped: a column that compresses may follow one that does
/// not, and its start should not be missed.
const MAX_SKIP: usize = 31;

/// Writes the elements that stand for `source`.
pub(super) fn greedy(source: &[u8], elements: &mut Elements<'_>) {
    let mut positions = Positions::<6>::new(source.len(), MAX_TABLE_BITS);
    // The last position where eight bytes can be read.
    let limit = source.len().saturating_sub(8);
    let mut pending = 0; // start of what no element stands for yet
    let mut at = 1;
    while at <= limit {
        let word = load64(source, at);
        let Some(earlier) = candidate(source, word, at, elements, &mut positions) else {
            at += 1 + ((at - pending) >> SKIP_AFTER_BITS).min(MAX_SKIP);
            continue;
        };
        let before = common_len_before(source, earlier, at, pending);
        let size = before + MIN_COPY + common_len(source, earlier + MIN_COPY, at + MIN_COPY);
        let (start, offset) = (at - before, at - earlier);
        // A literal that goes on after a copy costs a byte more than one that was not interrupted.
        if size <= copy_cost(offset, size, elements.last_offset()) + 1 {
            at += 1;
            continue;
        }
        elements.literal(source, pending, start);
        elements.copy(offset, size);
        at = start + size;
        pending = at;
        if at <= limit {
            positions.insert(load64(source, at - 2), at - 2);
        }
    }
    elements.literal(source, pending, source.len());
}

/// An earlier position with the same four bytes: one copy back, or from the table.
#[inline]
fn candidate(
    source: &[u8],
    word: u64,
    at: usize,
    elements: &Elements<'_>,
    positions: &mut Positions<6>,
) -> Option<usize> {
    let [b0, b1, b2, b3, ..] = word.to_le_bytes();
    let four = u32::from_le_bytes([b0, b1, b2, b3]);
    let seen = positions.replace(word, at);
    let back = elements.last_offset();
    if back != 0 && load32(source, at - back) == four {
        return Some(at - back);
    }
    (load32(source, seen) == four).then_some(seen)
}
