//! Finding bytes that occurred before.

use alloc::vec;
use alloc::vec::Vec;

/// The four bytes at `at`, or 0 past the end.
#[inline]
pub(super) fn load32(source: &[u8], at: usize) -> u32 {
    source.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_le_bytes(*four))
}

/// The eight bytes at `at`, or 0 past the end.
#[inline]
pub(super) fn load64(source: &[u8], at: usize) -> u64 {
    source.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// How many bytes from `later` on equal those from `earlier` on.
#[inline]
pub(super) fn common_len(source: &[u8], earlier: usize, later: usize) -> usize {
    let later = source.get(later..).unwrap_or_default();
    let earlier = source.get(earlier..).unwrap_or_default();
    let (later_words, later_rest) = later.as_chunks::<8>();
    let (earlier_words, _) = earlier.as_chunks::<8>();
    let mut len = 0;
    for (a, b) in later_words.iter().zip(earlier_words) {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return len + (differing.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    // `earlier` is the longer one, so `later` has fewer than eight bytes left.
    let earlier_rest = earlier.get(len..).unwrap_or_default();
    len + later_rest.iter().zip(earlier_rest).take_while(|(a, b)| a == b).count()
}

/// How many bytes before `later`, but not before `floor`, equal those before `earlier`.
#[inline]
pub(super) fn common_len_before(
    source: &[u8],
    earlier: usize,
    later: usize,
    floor: usize,
) -> usize {
    let later = source.get(floor..later).unwrap_or_default();
    let earlier = source.get(..earlier).unwrap_or_default();
    later.iter().rev().zip(earlier.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// Where groups of `LEN` bytes were last seen: a hash table that forgets.
///
/// An unused slot names position 0, which needs no special case: whoever asks compares the bytes.
#[derive(Debug)]
pub(super) struct Positions<const LEN: u32> {
    slots: Vec<u32>,
    shift: u32,
}

impl<const LEN: u32> Positions<LEN> {
    /// A table that suits `input_len` bytes, of at most `1 << max_bits` slots of four bytes.
    pub(super) fn new(input_len: usize, max_bits: u32) -> Self {
        let bits = input_len.max(1).ilog2().clamp(6, max_bits);
        Self { slots: vec![0; 1 << bits], shift: u64::BITS - bits }
    }

    /// Where the first `LEN` bytes of `word` were seen last, replaced by `at`.
    #[inline]
    pub(super) fn replace(&mut self, word: u64, at: usize) -> usize {
        let slot = self.slot(word);
        match self.slots.get_mut(slot) {
            Some(slot) => {
                let before = *slot;
                *slot = narrow(at);
                before as usize
            }
            None => 0,
        }
    }

    /// Remembers that the first `LEN` bytes of `word` are at `at`.
    #[inline]
    pub(super) fn insert(&mut self, word: u64, at: usize) {
        self.replace(word, at);
    }

    #[inline]
    fn slot(&self, word: u64) -> usize {
        // Odd and random-looking; the shift drops the bytes that do not count.
        const FACTOR: u64 = 0x9fb2_1c65_1e98_df25;
        let mixed = (word << (u64::BITS - 8 * LEN)).wrapping_mul(FACTOR);
        usize::try_from(mixed >> self.shift).unwrap_or(usize::MAX)
    }
}

/// Blocks have at most `u32::MAX` bytes, so nothing is lost.
#[inline]
fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
