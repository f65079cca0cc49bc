//! Bit streams: fields of up to 57 bits, the first in the lowest bits of the first byte.

use alloc::vec::Vec;

/// Bits that one [`peek`] shows at least.
pub(super) const PEEK_BITS: u32 = 57;

/// Zero bytes that must stand behind a stream for [`peek`] to see its last bits.
pub(super) const PADDING: usize = 8;

/// Appends fields to a byte vector; [`finish`](Self::finish) writes the last bits.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    /// Bits in `held`, less than 64.
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    /// Appends the lowest `bits` bits of `value`, which has no others.
    #[inline]
    pub(super) fn push(&mut self, value: u64, bits: u32) {
        self.held |= value << self.count;
        let count = self.count + bits;
        if count >= 64 {
            self.out.extend_from_slice(&self.held.to_le_bytes());
            self.held = value.checked_shr(64 - self.count).unwrap_or(0);
        }
        self.count = count & 63;
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(self) {
        let bytes = self.held.to_le_bytes();
        let used = usize::try_from(self.count.div_ceil(8)).unwrap_or(bytes.len());
        self.out.extend(bytes.iter().take(used));
    }
}

/// At least [`PEEK_BITS`] bits from bit `position` on, in the lowest bits.
#[inline]
pub(super) fn peek(bytes: &[u8], position: usize) -> Option<u64> {
    let chunk = bytes.get(position >> 3..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk) >> (position & 7))
}

/// The lowest `bits` bits, fewer than 64 of them.
#[inline]
pub(super) const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// The lowest 32 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "what it is for")]
pub(super) const fn low(value: u64) -> u32 {
    value as u32
}

/// How often what `of` says of items occurs.
///
/// Four tables take turns: a count that was just written is not read at once.
pub(super) fn tally<T: Copy>(items: &[T], of: impl Fn(T) -> u8) -> [usize; 256] {
    let mut tables: [[u32; 256]; 4] = [[0; 256]; 4];
    let (fours, left) = items.as_chunks::<4>();
    let mut add = |items: &[T]| {
        for (table, &item) in tables.iter_mut().zip(items) {
            if let Some(count) = table.get_mut(usize::from(of(item))) {
                *count += 1;
            }
        }
    };
    for four in fours {
        add(four);
    }
    add(left);
    let mut sums = [0; 256];
    for table in tables {
        for (sum, count) in sums.iter_mut().zip(table) {
            *sum += usize::try_from(count).unwrap_or(0);
        }
    }
    sums
}

/// A count as a float.
#[expect(clippy::cast_precision_loss, reason = "counts of points stay below 2^24")]
pub(super) const fn precise(count: usize) -> f32 {
    count as f32
}

/// Bits that `value` takes: 0 for 0.
#[inline]
pub(super) const fn width(value: u32) -> u32 {
    u32::BITS - value.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(fields in proptest::collection::vec((0_u32..58, any::<u64>()), 0..200)) {
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            for (bits, value) in &fields {
                writer.push(value & mask(*bits), *bits);
            }
            writer.finish();
            let total: u32 = fields.iter().map(|(bits, _)| bits).sum();
            prop_assert_eq!(bytes.len(), usize::try_from(total.div_ceil(8)).unwrap());
            bytes.extend([0; PADDING]);
            let mut position = 0;
            for (bits, value) in fields {
                let found = peek(&bytes, position).unwrap() & mask(bits);
                prop_assert_eq!(found, value & mask(bits));
                position += usize::try_from(bits).unwrap();
            }
        }
    }
}
