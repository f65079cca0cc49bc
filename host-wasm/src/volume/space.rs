//! Which blocks of a volume are free.

use super::BLOCK;
use super::medium::Medium;
use super::superblock;
use nanotdb_core::sorted::{SortedMap, sort_by};
use nanotdb_core::storage::{Result, StorageErrorKind};

/// Neighbouring blocks: `count` of them from number `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    pub(super) start: u32,
    pub(super) count: u32,
}

impl Extent {
    /// The number behind the last block.
    pub(super) const fn end(self) -> u32 {
        self.start.saturating_add(self.count)
    }
}

impl Default for Extent {
    /// No blocks, behind the superblocks.
    fn default() -> Self {
        Self { start: superblock::BLOCKS, count: 0 }
    }
}

/// The free blocks, and where the volume ends.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// Start and count of free stretches; no two of them touch.
    free: SortedMap<u32, u32>,
    /// Blocks that become free with the next flush: until then a crash may bring back files that
    /// have them.
    released: Vec<Extent>,
    /// The number behind the last block in use or free.
    end: u32,
}

impl Space {
    /// The space between blocks in use, of which there are `first` at the beginning. Nothing when
    /// two of them overlap.
    pub(super) fn around(first: u32, mut used: Vec<Extent>) -> Option<Self> {
        sort_by(&mut used, |a, b| a < b);
        let mut space = Self { end: first, ..Self::default() };
        for extent in used {
            if extent.start < space.end {
                return None;
            }
            space.free(Extent { start: space.end, count: extent.start - space.end });
            space.end = extent.start.checked_add(extent.count)?;
        }
        Some(space)
    }

    /// Bytes up to the end of the volume.
    pub(super) const fn end_bytes(&self) -> u64 {
        self.end as u64 * BLOCK
    }

    /// Takes `count` blocks: where `near` says if these are free, else the first stretch that is
    /// long enough, else behind the end; in pieces when the medium does not get any longer.
    ///
    /// # Errors
    ///
    /// `NoSpace`; then nothing was taken.
    pub(super) fn take<M: Medium>(
        &mut self,
        medium: &mut M,
        count: u32,
        near: Option<u32>,
    ) -> Result<Vec<Extent>> {
        let fits = |(_, free): &(&u32, &u32)| **free >= count;
        let start = near.filter(|start| self.free.get(start).is_some_and(|&free| free >= count));
        if let Some(start) = start.or_else(|| self.free.iter().find(fits).map(|(&at, _)| at)) {
            return Ok(self.cut(start, count).into_iter().collect());
        }
        match self.grow(medium, count) {
            Ok(extent) => Ok(vec![extent]),
            Err(error) if error.kind == StorageErrorKind::NoSpace => {
                self.gather(count).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Free blocks.
    pub(super) fn free_blocks(&self) -> u64 {
        self.free.values().map(|&free| u64::from(free)).sum()
    }

    /// The number behind the last block in use or free.
    pub(super) const fn end(&self) -> u32 {
        self.end
    }

    /// Takes up to `count` neighbouring blocks that lie before `limit`, the first there are.
    pub(super) fn take_before(&mut self, limit: u32, count: u32) -> Option<Extent> {
        let (&start, &free) = self.free.first_key_value().filter(|(start, _)| **start < limit)?;
        self.cut(start, free.min(count).min(limit - start))
    }

    /// As [`take`](Self::take), in one piece.
    pub(super) fn take_whole<M: Medium>(&mut self, medium: &mut M, count: u32) -> Result<Extent> {
        let fits = |(_, free): &(&u32, &u32)| **free >= count;
        let start = self.free.iter().find(fits).map(|(&start, _)| start);
        match start.and_then(|start| self.cut(start, count)) {
            Some(extent) => Ok(extent),
            None => self.grow(medium, count),
        }
    }

    fn grow<M: Medium>(&mut self, medium: &mut M, count: u32) -> Result<Extent> {
        // A free stretch at the end is used first.
        let tail = self.free.last_key_value().map(|(&start, &free)| Extent { start, count: free });
        let start = tail.filter(|tail| tail.end() == self.end).map_or(self.end, |tail| tail.start);
        let end = start.checked_add(count).ok_or_else(super::too_large)?;
        medium.set_len(u64::from(end) * BLOCK)?;
        self.free.remove(&start);
        self.end = end;
        Ok(Extent { start, count })
    }

    fn cut(&mut self, start: u32, count: u32) -> Option<Extent> {
        let free = self.free.remove(&start)?;
        if let Some(rest) = free.checked_sub(count).filter(|&rest| rest > 0) {
            self.free.insert(start + count, rest);
        }
        Some(Extent { start, count })
    }

    fn gather(&mut self, count: u32) -> Option<Vec<Extent>> {
        if self.free_blocks() < u64::from(count) {
            return None;
        }
        let (mut pieces, mut missing) = (Vec::new(), count);
        while missing > 0 {
            let (&start, &free) = self.free.first_key_value()?;
            let piece = self.cut(start, free.min(missing))?;
            missing -= piece.count;
            pieces.push(piece);
        }
        Some(pieces)
    }

    /// Gives blocks back once the next flush has made it durable that nobody has them.
    pub(super) fn release(&mut self, extents: impl IntoIterator<Item = Extent>) {
        self.released.extend(extents);
    }

    /// The flush has happened.
    pub(super) fn reclaim(&mut self) {
        for extent in core::mem::take(&mut self.released) {
            self.free(extent);
        }
    }

    /// Gives blocks back that were taken and never made part of anything.
    pub(super) fn free(&mut self, extent: Extent) {
        if extent.count == 0 {
            return;
        }
        let (mut start, mut end) = (extent.start, extent.end());
        if let Some((&before, &count)) = self.free.last_below(&start)
            && before + count == start
        {
            self.free.remove(&before);
            start = before;
        }
        if let Some(count) = self.free.remove(&end) {
            end += count;
        }
        self.free.insert(start, end - start);
    }

    /// Lets go of the free stretch at the end, and says whether there was one.
    pub(super) fn trim_end(&mut self) -> bool {
        match self.free.last_key_value() {
            Some((&start, &count)) if start + count == self.end => {
                self.free.remove(&start);
                self.end = start;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::testing::SimMedium;

    const fn extent(start: u32, count: u32) -> Extent {
        Extent { start, count }
    }

    #[test]
    fn blocks_are_taken_released_and_taken_again() {
        let mut medium = SimMedium::default();
        let mut space = Space::around(2, vec![extent(10, 2), extent(4, 3)]).unwrap();
        assert_eq!(space.end_bytes(), 12 * BLOCK);
        assert_eq!(space.take(&mut medium, 2, None).unwrap(), [extent(2, 2)]);
        assert_eq!(space.take(&mut medium, 1, Some(8)).unwrap(), [extent(7, 1)], "8 begins none");
        assert_eq!(space.take(&mut medium, 5, None).unwrap(), [extent(12, 5)]);
        space.release([extent(4, 3), extent(2, 2)]);
        assert_eq!(space.take(&mut medium, 3, None).unwrap(), [extent(17, 3)], "not free yet");
        space.reclaim();
        assert_eq!(
            space.take(&mut medium, 4, Some(2)).unwrap(),
            [extent(2, 4)],
            "they were joined"
        );
        space.free(extent(17, 3));
        assert!(space.trim_end());
        assert_eq!(space.end_bytes(), 17 * BLOCK);
    }

    #[test]
    fn a_full_medium_is_used_up_in_pieces() {
        let mut medium = SimMedium::with_room(20 * BLOCK);
        let mut space = Space::around(0, vec![extent(4, 4), extent(12, 8)]).unwrap();
        assert!(space.take(&mut medium, 9, None).is_err());
        assert_eq!(space.take(&mut medium, 6, None).unwrap(), [extent(0, 4), extent(8, 2)]);
        assert!(space.take_whole(&mut medium, 3).is_err());
        assert_eq!(space.take_whole(&mut medium, 2).unwrap(), extent(10, 2));
    }

    #[test]
    fn blocks_that_two_files_have_are_noticed() {
        assert!(Space::around(2, vec![extent(4, 3), extent(6, 1)]).is_none());
        assert!(Space::around(2, vec![extent(1, 1)]).is_none());
        assert!(Space::around(2, vec![extent(5, u32::MAX)]).is_none());
    }
}
