//! Writes S2 blocks tightly: looks for the best match at a position and at those behind it.

use super::elements::{Elements, MIN_COPY, copy_cost};
use super::matching::{Positions, common_len, common_len_before, load32, load64};

/// Largest table for long matches: 128 KiB.
const LONG_TABLE_BITS: u32 = 15;
/// Largest table for short matches: 64 KiB.
const SHORT_TABLE_BITS: u32 = 14;
/// After this many bytes without a match, positions begin to be skipped.
const SKIP_AFTER_BITS: u32 = 8;
/// A match this long is taken without looking further.
const LONG_ENOUGH: usize = 64;

/// A run of bytes that occurred before.
#[derive(Debug, Clone, Copy)]
struct Match {
    start: usize,
    offset: usize,
    size: usize,
    /// Bytes saved against leaving it to a literal; see [`Search::judge`].
    gain: usize,
}

struct Search<'a> {
    source: &'a [u8],
    long: Positions<6>,
    short: Positions<4>,
}

/// Writes the elements that stand for `source`.
pub(super) fn lazy(source: &[u8], elements: &mut Elements<'_>) {
    let mut search = Search {
        source,
        long: Positions::new(source.len(), LONG_TABLE_BITS),
        short: Positions::new(source.len(), SHORT_TABLE_BITS),
    };
    // The last position where eight bytes can be read.
    let limit = source.len().saturating_sub(8);
    let mut pending = 0; // start of what no element stands for yet
    let mut at = 1;
    while at <= limit {
        let last_offset = elements.last_offset();
        let Some(mut found) = search.best(at, pending, last_offset) else {
            at += 1 + ((at - pending) >> SKIP_AFTER_BITS);
            continue;
        };
        // Starting a byte later may save more. Looking further ahead than that gains nothing: the
        // later match then takes what the next search would have found anyway.
        let mut next = at + 1;
        if found.size < LONG_ENOUGH && next <= limit {
            match search.best(next, pending, last_offset) {
                Some(later) if later.gain > found.gain => found = later,
                _ => {}
            }
            next += 1;
        }
        elements.literal(source, pending, found.start);
        elements.copy(found.offset, found.size);
        pending = found.start + found.size;
        search.remember(next, pending.min(limit + 1));
        at = pending;
    }
    elements.literal(source, pending, source.len());
}

impl Search<'_> {
    /// The match around `at` that saves most, if any saves something. Remembers `at`.
    #[inline]
    fn best(&mut self, at: usize, pending: usize, last_offset: usize) -> Option<Match> {
        let word = load64(self.source, at);
        let long = self.long.replace(word, at);
        let short = self.short.replace(word, at);
        let mut best = None;
        let back = at.saturating_sub(last_offset);
        if last_offset != 0 {
            self.judge(back, at, pending, last_offset, &mut best);
        }
        if long != back {
            self.judge(long, at, pending, last_offset, &mut best);
        }
        if short != long && short != back {
            self.judge(short, at, pending, last_offset, &mut best);
        }
        best
    }

    /// Puts the match of `at` with `earlier` in the place of `best` if it saves more.
    #[inline]
    fn judge(
        &self,
        earlier: usize,
        at: usize,
        pending: usize,
        last_offset: usize,
        best: &mut Option<Match>,
    ) {
        if load32(self.source, earlier) != load32(self.source, at) || earlier >= at {
            return;
        }
        let before = common_len_before(self.source, earlier, at, pending);
        let size = before + MIN_COPY + common_len(self.source, earlier + MIN_COPY, at + MIN_COPY);
        let (start, offset) = (at - before, at - earlier);
        // A literal behind the copy needs a tag that it would share with the one before.
        let cost = copy_cost(offset, size, last_offset) + usize::from(start > pending);
        let gain = size.saturating_sub(cost);
        if gain > best.map_or(0, |best| best.gain) {
            *best = Some(Match { start, offset, size, gain });
        }
    }

    /// Enters the positions inside a match: all of a short one, some of a long one.
    fn remember(&mut self, from: usize, to: usize) {
        let step = 1 + (to.saturating_sub(from) >> 6);
        for at in (from..to).step_by(step) {
            let word = load64(self.source, at);
            self.long.insert(word, at);
            self.short.insert(word, at);
        }
    }
}
