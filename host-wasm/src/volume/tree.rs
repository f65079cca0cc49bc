//! Directories, files and the blocks these have.

use super::record::{FileId, Record};
use super::space::Extent;
use super::{BLOCK, blocks_for};
use nanotdb_core::storage::FileName;
use std::collections::BTreeMap;

/// A file.
#[derive(Debug, Default)]
pub(super) struct Inode {
    pub(super) directory: String,
    pub(super) name: Option<FileName>,
    pub(super) extents: Vec<Extent>,
    /// Bytes in it.
    pub(super) len: u64,
    /// Bytes that the journal knows of.
    pub(super) recorded: u64,
    /// Checksum of the bytes that the journal does not know of.
    pub(super) checksum: u32,
    /// Open handles.
    pub(super) handles: u32,
}

impl Inode {
    /// Blocks it has.
    pub(super) fn blocks(&self) -> u32 {
        self.extents.iter().fold(0, |blocks, extent| blocks.saturating_add(extent.count))
    }

    /// Bytes that it has room for.
    pub(super) fn capacity(&self) -> u64 {
        u64::from(self.blocks()) * BLOCK
    }

    /// Adds blocks, joining them to the last ones where they follow.
    pub(super) fn extend(&mut self, extent: Extent) {
        match self.extents.last_mut() {
            Some(last) if last.end() == extent.start => last.count += extent.count,
            _ => self.extents.push(extent),
        }
    }

    /// Takes away the blocks behind the first `keep`.
    pub(super) fn cut(&mut self, keep: u32) -> Vec<Extent> {
        let (mut left, mut cut) = (keep, Vec::new());
        self.extents.retain_mut(|extent| {
            let kept = extent.count.min(left);
            left -= kept;
            if kept < extent.count {
                cut.push(Extent { start: extent.start + kept, count: extent.count - kept });
            }
            extent.count = kept;
            kept > 0
        });
        cut
    }

    /// Where in the volume the bytes from `offset` on are: place and length of each piece, up to
    /// `len` bytes in all.
    pub(super) fn pieces(&self, offset: u64, len: u64) -> Vec<(u64, u64)> {
        let (mut pieces, mut start, end) = (Vec::new(), 0_u64, offset.saturating_add(len));
        for extent in &self.extents {
            let stop = start + u64::from(extent.count) * BLOCK;
            let (from, to) = (offset.max(start), end.min(stop));
            if from < to {
                pieces.push((u64::from(extent.start) * BLOCK + (from - start), to - from));
            }
            start = stop;
        }
        pieces
    }
}

/// All files, by number and by name.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: BTreeMap<FileId, Inode>,
    names: BTreeMap<String, BTreeMap<FileName, FileId>>,
    next: FileId,
}

/// A record that does not fit what went before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit;

impl Tree {
    /// A number for a new file.
    pub(super) const fn next_file(&self) -> FileId {
        self.next
    }

    /// The file of a name.
    pub(super) fn find(&self, directory: &str, name: &FileName) -> Option<FileId> {
        self.names.get(directory)?.get(name).copied()
    }

    /// Names of the directories that have files.
    pub(super) fn directories(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Names and numbers of a directory's files.
    pub(super) fn list(&self, directory: &str) -> impl Iterator<Item = (&FileName, FileId)> {
        self.names.get(directory).into_iter().flatten().map(|(name, &file)| (name, file))
    }

    /// Makes a change, and returns the blocks that nobody has any more.
    ///
    /// # Errors
    ///
    /// When the record does not fit; then nothing has changed.
    pub(super) fn apply(&mut self, record: &Record) -> Result<Vec<Extent>, Misfit> {
        match record {
            Record::Create { file, directory, name } => {
                if self.files.contains_key(file) || self.find(directory, name).is_some() {
                    return Err(Misfit);
                }
                self.next = self.next.max(file.checked_add(1).ok_or(Misfit)?);
                self.files.insert(*file, Inode::default());
                self.name(*file, directory, name);
                Ok(Vec::new())
            }
            Record::Rename { file, directory, name } => {
                if !self.files.contains_key(file) {
                    return Err(Misfit);
                }
                let freed = match self.find(directory, name) {
                    Some(replaced) if replaced != *file => self.remove(replaced),
                    _ => Vec::new(),
                };
                self.unname(*file);
                self.name(*file, directory, name);
                Ok(freed)
            }
            Record::Remove { file } => {
                if !self.files.contains_key(file) {
                    return Err(Misfit);
                }
                Ok(self.remove(*file))
            }
            Record::Extend { file, extent } => {
                self.files.get_mut(file).ok_or(Misfit)?.extend(*extent);
                Ok(Vec::new())
            }
            Record::Grow { file, from, to, .. } => {
                let inode = self.files.get_mut(file).ok_or(Misfit)?;
                if *from != inode.len || to < from || *to > inode.capacity() {
                    return Err(Misfit);
                }
                (inode.len, inode.recorded, inode.checksum) = (*to, *to, 0);
                Ok(Vec::new())
            }
            Record::Place { file, len, extents } => {
                let inode = self.files.get_mut(file).ok_or(Misfit)?;
                let blocks: u64 = extents.iter().map(|extent| u64::from(extent.count)).sum();
                if blocks_for(*len).is_none_or(|needed| u64::from(needed) > blocks) {
                    return Err(Misfit);
                }
                (inode.len, inode.recorded, inode.checksum) = (*len, *len, 0);
                let before = core::mem::take(&mut inode.extents);
                extents.iter().for_each(|&extent| inode.extend(extent));
                Ok(difference(before, &inode.extents))
            }
            Record::Trim { file, blocks } => {
                let inode = self.files.get_mut(file).ok_or(Misfit)?;
                if blocks_for(inode.len).is_none_or(|needed| needed > *blocks) {
                    return Err(Misfit);
                }
                Ok(inode.cut(*blocks))
            }
        }
    }

    fn name(&mut self, file: FileId, directory: &str, name: &FileName) {
        self.names.entry(directory.to_owned()).or_default().insert(name.clone(), file);
        if let Some(inode) = self.files.get_mut(&file) {
            inode.directory = directory.to_owned();
            inode.name = Some(name.clone());
        }
    }

    fn unname(&mut self, file: FileId) {
        let Some(inode) = self.files.get(&file) else { return };
        let Some(names) = self.names.get_mut(&inode.directory) else { return };
        if let Some(name) = &inode.name {
            names.remove(name);
        }
        if names.is_empty() {
            self.names.remove(&inode.directory);
        }
    }

    fn remove(&mut self, file: FileId) -> Vec<Extent> {
        self.unname(file);
        self.files.remove(&file).map(|inode| inode.extents).unwrap_or_default()
    }

    /// The records that make this tree out of nothing.
    pub(super) fn snapshot(&self) -> impl Iterator<Item = Record> {
        self.files
            .iter()
            .filter_map(|(&file, inode)| Some((file, inode, inode.name.clone()?)))
            .flat_map(|(file, inode, name)| {
                let directory = inode.directory.clone();
                let (len, extents) = (inode.len, inode.extents.clone());
                [Record::Create { file, directory, name }, Record::Place { file, len, extents }]
            })
    }
}

/// The blocks that were in `before` and are not in `after`.
fn difference(before: Vec<Extent>, after: &[Extent]) -> Vec<Extent> {
    let mut gone = before;
    for kept in after {
        gone = gone.into_iter().flat_map(|extent| without(extent, *kept)).collect();
    }
    gone
}

fn without(extent: Extent, kept: Extent) -> impl Iterator<Item = Extent> {
    let (start, end) = (extent.start, extent.end());
    let front = Extent { start, count: kept.start.clamp(start, end) - start };
    let back_start = kept.end().clamp(start, end);
    // Where they do not meet, one of the two is all of it and the other must not be.
    let back = Extent { start: back_start, count: end - back_start };
    let meets = kept.start < end && start < kept.end();
    let pieces = if meets { [Some(front), Some(back)] } else { [Some(extent), None] };
    pieces.into_iter().flatten().filter(|piece| piece.count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn extent(start: u32, count: u32) -> Extent {
        Extent { start, count }
    }

    #[test]
    fn blocks_that_stay_are_not_given_back() {
        let before = vec![extent(10, 5), extent(20, 5)];
        assert_eq!(
            difference(before.clone(), &[extent(12, 1), extent(30, 2)]),
            [extent(10, 2), extent(13, 2), extent(20, 5)]
        );
        assert_eq!(difference(before.clone(), &[extent(5, 30)]), []);
        assert_eq!(difference(before.clone(), &[]), before);
    }

    #[test]
    fn bytes_are_found_in_pieces() {
        let mut inode = Inode { extents: vec![extent(10, 1), extent(5, 2)], ..Inode::default() };
        let at = |block: u64| block * BLOCK;
        assert_eq!(inode.pieces(100, 50), [(at(10) + 100, 50)]);
        assert_eq!(inode.pieces(BLOCK - 1, 2 * BLOCK + 1), [(at(11) - 1, 1), (at(5), 2 * BLOCK)]);
        assert_eq!(inode.pieces(3 * BLOCK, 1), []);
        assert_eq!(inode.cut(2), [extent(6, 1)]);
        assert_eq!(inode.extents, [extent(10, 1), extent(5, 1)]);
        assert_eq!(inode.cut(0), [extent(10, 1), extent(5, 1)]);
    }
}
