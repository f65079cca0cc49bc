//! Which metrics can share a time vector.
//!
//! The layout is fixed by what the reference does: vectors are taken longest first, and each is
//! looked up in every frame made so far, in the order they were made; the first frame that
//! contains it, at the smallest offset, is the one. This module gives exactly that answer without
//! comparing everything with everything:
//!
//! * Frames of the same length are found by a hash of their times, then compared.
//! * In a longer frame both sequences are non-decreasing, so only one offset is possible: where
//!   the run of the vector's first time ends.

use alloc::vec::Vec;
use hashbrown::HashMap;

/// A hash of a time sequence, computed as it arrives.
///
/// 128 bits, so that equal hashes mean equal times for every partition that was not built to
/// prove otherwise; whoever relies on it compares the times, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TimeHash {
    a: u64,
    b: u64,
}

impl TimeHash {
    /// The hash of no times.
    pub(crate) const EMPTY: Self = Self { a: 0x243f_6a88_85a3_08d3, b: 0x1319_8a2e_0370_7344 };

    /// Takes the next time.
    pub(crate) const fn push(&mut self, time: i64) {
        let time = time.cast_unsigned();
        self.a = (self.a ^ time).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        self.b = self.b.rotate_left(23).wrapping_add(time).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    }

    /// The hash of `times`.
    pub(crate) fn of(times: &[i64]) -> Self {
        let mut hash = Self::EMPTY;
        for &time in times {
            hash.push(time);
        }
        hash
    }
}

/// Where a vector was found: in which frame, counted from 0, and from which of its times on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) frame: usize,
    pub(crate) offset: usize,
}

/// Where frames are kept, numbered from 0 in the order they are made.
pub(crate) trait TimeFrames {
    /// Why a frame could not be kept or read.
    type Error;

    /// The times of a frame.
    fn load(&self, index: usize) -> Result<Vec<i64>, Self::Error>;

    /// Keeps a new frame.
    fn make(&mut self, times: &[i64]) -> Result<(), Self::Error>;
}

/// What is remembered of each frame.
#[derive(Debug, Clone, Copy)]
struct Known {
    len: usize,
    first: i64,
    last: i64,
    hash: TimeHash,
}

/// The frames made so far, without their times.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    /// By descending length, because vectors come longest first.
    frames: Vec<Known>,
    exact: HashMap<(usize, TimeHash), Vec<usize>>,
}

impl Matcher {
    /// Finds or makes the frames of `group`, whose vectors come longest first, none longer than
    /// those of earlier groups, each non-decreasing and not empty.
    pub(crate) fn assign<T: TimeFrames>(
        &mut self,
        group: &[&[i64]],
        store: &mut T,
    ) -> Result<Vec<Slot>, T::Error> {
        let hashes = hashes(group);
        let mut slots = self.find_earlier(group, &hashes, store)?;
        let earlier = self.frames.len();
        let mut made: Vec<&[i64]> = Vec::new();
        for ((slot, times), hash) in slots.iter_mut().zip(group).zip(hashes) {
            if slot.is_some() {
                continue;
            }
            *slot = self.find_made(times, hash, earlier, &made);
            if slot.is_none() {
                store.make(times)?;
                *slot = Some(self.insert(times, hash));
                made.push(times);
            }
        }
        Ok(slots.into_iter().flatten().collect())
    }

    /// Looks in the frames of earlier groups, each loaded once at most.
    fn find_earlier<T: TimeFrames>(
        &self,
        group: &[&[i64]],
        hashes: &[TimeHash],
        store: &T,
    ) -> Result<Vec<Option<Slot>>, T::Error> {
        let mut slots = alloc::vec![None; group.len()];
        for (frame, known) in self.frames.iter().enumerate() {
            let vectors = slots.iter_mut().zip(group.iter().zip(hashes));
            let mut open: Vec<_> = vectors
                .filter(|(slot, (times, hash))| slot.is_none() && known.may_hold(times, **hash))
                .collect();
            if open.is_empty() {
                continue;
            }
            let frame_times = store.load(frame)?;
            for (slot, (times, _)) in &mut open {
                **slot = find_in(&frame_times, times).map(|offset| Slot { frame, offset });
            }
        }
        Ok(slots)
    }

    /// Looks in the frames made by this group: `made[i]` is frame `earlier + i`.
    fn find_made(
        &self,
        times: &[i64],
        hash: TimeHash,
        earlier: usize,
        made: &[&[i64]],
    ) -> Option<Slot> {
        let known = self.frames.get(earlier..).unwrap_or_default();
        let longer = known.partition_point(|frame| frame.len > times.len());
        let contains = |index: usize| find_in(made.get(index)?, times);
        let candidates = known.iter().take(longer).enumerate();
        let found = candidates
            .filter(|(_, frame)| frame.may_hold(times, hash))
            .find_map(|(index, _)| Some((index + earlier, contains(index)?)));
        let same = || {
            let frames = self.exact.get(&(times.len(), hash))?;
            frames.iter().find_map(|&frame| Some((frame, contains(frame.checked_sub(earlier)?)?)))
        };
        found.or_else(same).map(|(frame, offset)| Slot { frame, offset })
    }

    fn insert(&mut self, times: &[i64], hash: TimeHash) -> Slot {
        let frame = self.frames.len();
        let first = times.first().copied().unwrap_or_default();
        let last = times.last().copied().unwrap_or_default();
        self.frames.push(Known { len: times.len(), first, last, hash });
        self.exact.entry((times.len(), hash)).or_default().push(frame);
        Slot { frame, offset: 0 }
    }
}

impl Known {
    /// Whether these times, not more than the frame's, can be in it.
    fn may_hold(&self, times: &[i64], hash: TimeHash) -> bool {
        if times.len() == self.len {
            return hash == self.hash;
        }
        times.first().is_some_and(|&first| first >= self.first)
            && times.last().is_some_and(|&last| last <= self.last)
    }
}

/// The hash of each vector. Neighbours often are the same, and to compare is faster than to hash.
fn hashes(group: &[&[i64]]) -> Vec<TimeHash> {
    let mut before: (&[i64], TimeHash) = (&[], TimeHash::EMPTY);
    let mut hash = |times| {
        if times != before.0 {
            before = (times, TimeHash::of(times));
        }
        before.1
    };
    group.iter().map(|times| hash(times)).collect()
}

/// The smallest offset at which `frame` contains `times`; both are non-decreasing.
pub(crate) fn find_in(frame: &[i64], times: &[i64]) -> Option<usize> {
    if frame.len() == times.len() {
        return (frame == times).then_some(0);
    }
    let first = *times.first()?;
    let run = times.partition_point(|&time| time <= first);
    let start = frame.partition_point(|&time| time < first);
    let offset = if run == times.len() {
        start // all equal: any place in the frame's run will do, so the first
    } else {
        // A later time follows the run in `times`, so it must follow the run in `frame`.
        frame.partition_point(|&time| time <= first).checked_sub(run)?
    };
    let part = frame.get(offset..offset.checked_add(times.len())?)?;
    // The last time first: vectors of one clock differ there more often than at the start.
    (offset >= start && part.last() == times.last() && part == times).then_some(offset)
}

#[cfg(test)]
#[path = "time_match_tests.rs"]
mod tests;
