//! Making a volume smaller: what lies at its end moves to free blocks before it.

use super::medium::Medium;
use super::record::{FileId, Record};
use super::space::Extent;
use super::tree::Inode;
use super::{BLOCK, Volume, to_usize};
use nanotdb_core::storage::Result;

/// Free blocks below which it is not worth the work: new files need some.
const WORTH: u64 = 128;

/// Blocks that move at a time.
const PIECE: u32 = 64;

impl<M: Medium> Volume<M> {
    /// Moves up to about `max_bytes` from the end of a volume that is to a third free or more,
    /// and gives the platform back what is free then. Returns whether anything was done, and so
    /// more might be.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports; what was not moved is where it was.
    pub fn shrink(&mut self, max_bytes: u64) -> Result<bool> {
        self.check()?;
        let free = self.space.free_blocks();
        if free < WORTH || free * 3 < u64::from(self.space.end()) {
            return Ok(false);
        }
        self.shrink_now(max_bytes)
    }

    /// As [`shrink`](Self::shrink), whatever is free.
    pub(super) fn shrink_now(&mut self, max_bytes: u64) -> Result<bool> {
        // Before the first move, everything a record will refer to is durable.
        self.flush()?;
        let before = self.space.end();
        let mut moves = Vec::new();
        let mut left = max_bytes / BLOCK;
        while left > 0
            && let Some((file, from)) = self.last_extent(&moves)
        {
            let count = from.count.min(PIECE);
            let tail = Extent { start: from.end() - count, count };
            let Some(to) = self.space.take_before(tail.start, count) else { break };
            // The hole may be smaller: then only the end of the piece goes there.
            let from = Extent { start: tail.end() - to.count, count: to.count };
            if let Err(error) = self.copy(from, to) {
                let unused = moves.iter().map(|&(_, _, to)| to).chain([to]);
                unused.for_each(|extent| self.space.free(extent));
                return Err(error);
            }
            left = left.saturating_sub(to.count.into());
            moves.push((file, from, to));
        }
        // The copies, then the records that refer to them.
        self.flush()?;
        for &(file, from, to) in &moves {
            let inode = self.inode(file)?;
            let (len, extents) = (inode.len, moved(inode, from, to));
            self.change(&Record::Place { file, len, extents })?;
        }
        // A new journal goes to the first place there is.
        self.checkpoint()?;
        Ok(self.space.end() < before)
    }

    /// The extent that ends last, without the blocks that are about to move.
    fn last_extent(&self, moves: &[(FileId, Extent, Extent)]) -> Option<(FileId, Extent)> {
        let stays = |extent: &Extent| {
            let gone = moves.iter().map(|(_, from, _)| from.start);
            let end = gone.filter(|&at| extent.start <= at && at < extent.end()).min();
            Extent { start: extent.start, count: end.unwrap_or(extent.end()) - extent.start }
        };
        let all = self.tree.files.iter().flat_map(|(&file, inode)| {
            inode.extents.iter().map(move |extent| (file, stays(extent)))
        });
        all.filter(|(_, extent)| extent.count > 0).max_by_key(|(_, extent)| extent.end())
    }

    fn copy(&mut self, from: Extent, to: Extent) -> Result<()> {
        let mut bytes = vec![0; to_usize(u64::from(from.count) * BLOCK)];
        let read = self.medium.read_at(u64::from(from.start) * BLOCK, &mut bytes)?;
        self.is_dirty = true;
        let there = bytes.get(..read).unwrap_or_default();
        self.medium.write_at(u64::from(to.start) * BLOCK, there)
    }
}

/// The extents of a file after a part of one has moved.
fn moved(inode: &Inode, from: Extent, to: Extent) -> Vec<Extent> {
    let mut extents = Vec::new();
    for &extent in &inode.extents {
        if from.start < extent.start || from.end() > extent.end() {
            extents.push(extent);
            continue;
        }
        let front = Extent { start: extent.start, count: from.start - extent.start };
        let back = Extent { start: from.end(), count: extent.end() - from.end() };
        extents.extend([front, to, back].into_iter().filter(|piece| piece.count > 0));
    }
    extents
}
