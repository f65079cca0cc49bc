//! A directory tree inside one file, for platforms where obtaining a handle is asynchronous.
//!
//! In the browser's private file system every file needs a handle, every handle a round trip, and
//! there is no rename. A volume needs one handle, and everything in it is synchronous: files of
//! any number are there at once, and names change by a record in a journal.
//!
//! | blocks of 4,096 bytes | |
//! |---|---|
//! | 0 and 1 | superblocks (`superblock.rs`): where the journal is |
//! | any | the journal: frames of records (`record.rs`), the first one a snapshot |
//! | any | what is in files |
//!
//! Three rules make it safe against the end of the process and of the machine at any moment:
//!
//! - Bytes that a durable journal refers to are never written over: an append goes behind them, a
//!   cut copies the last block, and the blocks of what was removed stay untouched until the flush
//!   that makes the removal durable.
//! - A length is recorded with the checksum of the bytes that were added. Frames carry the number
//!   of flushes before them; growth that no later flush confirms counts only if its bytes are
//!   there. So one flush makes bytes and length durable together.
//! - A full journal is replaced by a snapshot elsewhere, which is durable before the superblock
//!   names it.

mod directory;
pub mod medium;
mod record;
mod shrink;
mod space;
mod superblock;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tree;

pub use directory::{VolumeDirectory, VolumeFile};

use crate::convert::path;
use medium::Medium;
use nanotdb_core::codec::Reader;
use nanotdb_core::codec::checksum::{crc32, crc32_joined};
use nanotdb_core::sorted::SortedSet;
use nanotdb_core::storage::{FileName, Result, StorageError, StorageErrorKind};
use record::{FileId, Record};
use space::{Extent, Space};
use superblock::{Found, Superblock};
use tree::{Inode, Misfit, Tree};

/// Bytes of a block.
const BLOCK: u64 = 4096;

/// Blocks of the smallest journal.
const MIN_JOURNAL: u32 = 16;

/// Most blocks that a file gets beyond those it needs.
const MAX_SURPLUS: u32 = 64;

/// A directory tree inside one file.
#[derive(Debug)]
pub struct Volume<M> {
    medium: M,
    tree: Tree,
    space: Space,
    journal: Journal,
    /// Records that no frame has yet.
    pending: Vec<u8>,
    /// Files with bytes that the journal does not know of.
    grown: SortedSet<FileId>,
    /// Files with bytes that were not flushed.
    /// Flushes so far.
    epoch: u64,
    /// Whether anything was written since the last flush.
    is_dirty: bool,
    /// Why nothing can be written any more.
    failed: Option<StorageError>,
}

/// Where the next frame goes.
#[derive(Debug, Default)]
struct Journal {
    /// Number of its superblock.
    number: u64,
    area: Extent,
    /// Bytes of the area that frames have.
    len: u64,
    /// Checksum of the last frame.
    chain: u32,
}

impl<M: Medium> Volume<M> {
    /// The volume in a medium, made when the medium is empty.
    ///
    /// # Errors
    ///
    /// `Io` when there is something else in the medium, or the volume is damaged; whatever the
    /// platform reports.
    pub fn open(medium: M) -> Result<Self> {
        match Superblock::read(&medium)? {
            Found::Superblock(superblock) => Self::mount(medium, superblock),
            Found::Nothing => {
                let space = Space::around(superblock::BLOCKS, Vec::new()).ok_or_else(too_large)?;
                let mut volume = Self::new(medium, Tree::default(), space, Journal::default(), 0);
                volume.checkpoint()?;
                Ok(volume)
            }
            Found::Foreign => {
                Err(io("the file is no NanoTDB volume: no superblock at byte 0 or 4096"))
            }
        }
    }

    fn new(medium: M, tree: Tree, space: Space, journal: Journal, epoch: u64) -> Self {
        Self {
            medium,
            tree,
            space,
            journal,
            pending: Vec::new(),
            grown: SortedSet::new(),
            epoch,
            is_dirty: true,
            failed: None,
        }
    }

    fn mount(medium: M, superblock: Superblock) -> Result<Self> {
        let area = superblock.journal;
        let bytes = read_area(&medium, area)?;
        let mut reader = Reader::new(&bytes);
        let mut journal = Journal {
            number: superblock.number,
            area,
            len: 0,
            chain: first_chain(superblock.number),
        };
        let mut frames = Vec::new();
        while let Some(frame) = record::read_frame(journal.chain, &mut reader) {
            (journal.chain, journal.len) = (frame.chain, as_u64(reader.position()));
            frames.push(frame);
        }
        let Some(epoch) = frames.last().map(|frame| frame.epoch) else {
            return Err(damaged(area, "its first frame is not whole"));
        };
        let mut tree = Tree::default();
        let mut torn = SortedSet::new();
        for (at, frame) in frames.iter().enumerate() {
            let is_sure = at == 0 || frame.epoch < epoch;
            for record in &frame.records {
                match replay(&medium, &mut tree, record, is_sure)? {
                    Replayed::Applied => {
                        if let Record::Place { file, .. } = record {
                            torn.remove(file);
                        }
                    }
                    Replayed::Torn(file) => {
                        torn.insert(file);
                    }
                    Replayed::Misfit(file) if torn.contains(&file) => {}
                    Replayed::Misfit(_) => {
                        return Err(damaged(area, &format!("frame {at} does not fit: {record:?}")));
                    }
                }
            }
        }
        let trims = trim_to(&mut tree, medium.len()?)
            .ok_or_else(|| damaged(area, "it refers to blocks behind the end of the volume"))?;
        let mut used = vec![area];
        used.extend(tree.files.values().flat_map(|inode| inode.extents.iter().copied()));
        let space = Space::around(superblock::BLOCKS, used)
            .ok_or_else(|| damaged(area, "it gives one block to two files"))?;
        let mut volume = Self::new(medium, tree, space, journal, epoch);
        for record in trims {
            record.encode(&mut volume.pending);
        }
        if torn.is_empty() {
            // From here on, the growth that was just checked is confirmed.
            volume.flush()?;
        } else {
            volume.checkpoint()?;
        }
        Ok(volume)
    }

    /// Bytes that the volume takes.
    pub fn stored_bytes(&self) -> u64 {
        self.space.end_bytes()
    }

    /// Names of the directories that have files.
    pub fn directories(&self) -> Vec<String> {
        self.tree.directories().map(ToOwned::to_owned).collect()
    }

    /// Names and lengths of a directory's files.
    pub fn list(&self, directory: &str) -> Vec<(FileName, u64)> {
        let len = |file| self.tree.files.get(&file).map_or(0, |inode| inode.len);
        self.tree.list(directory).map(|(name, file)| (name.clone(), len(file))).collect()
    }

    /// Writes down what the journal does not know yet: what was done so far survives the end of
    /// the process, though not of the machine.
    ///
    /// # Errors
    ///
    /// `NoSpace`, or whatever the platform reports; it can be tried again.
    pub fn settle(&mut self) -> Result<()> {
        self.check()?;
        for file in core::mem::take(&mut self.grown) {
            self.record_growth(file);
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let (bytes, chain) =
            record::frame(self.journal.chain, self.epoch, &self.pending).ok_or_else(too_large)?;
        let len = self.journal.len + as_u64(bytes.len());
        if len > u64::from(self.journal.area.count) * BLOCK {
            return self.checkpoint();
        }
        self.is_dirty = true;
        let place = u64::from(self.journal.area.start) * BLOCK + self.journal.len;
        self.medium.write_at(place, &bytes)?;
        (self.journal.len, self.journal.chain) = (len, chain);
        self.pending.clear();
        Ok(())
    }

    /// Makes everything durable that was done so far.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports. After a flush of the medium that failed nothing can be written
    /// any more: what is on the disk is not known, and the error says so. Any other failure, such as
    /// a full disk, leaves everything as it was.
    pub fn flush(&mut self) -> Result<()> {
        self.settle()?;
        if self.is_dirty {
            self.flush_medium()?;
            self.confirm();
        }
        Ok(())
    }

    /// Moves files to other names, all or none of them when a crash comes between. `from` is the
    /// old directory and name, `to` the new; a file that has the new name is removed.
    ///
    /// # Errors
    ///
    /// `NotFound`; then nothing has changed.
    pub fn rename_all(
        &mut self,
        moves: impl IntoIterator<Item = ((String, FileName), (String, FileName))>,
    ) -> Result<()> {
        self.check()?;
        let find = |((from, old), to): ((String, FileName), _)| {
            self.tree.find(&from, &old).map(|file| (file, to)).ok_or_else(|| not_found(&from, &old))
        };
        let moves = moves.into_iter().map(find).collect::<Result<Vec<_>>>()?;
        for (file, (directory, name)) in moves {
            self.change(&Record::Rename { file, directory, name })?;
        }
        Ok(())
    }

    /// Removes every file of a directory.
    ///
    /// # Errors
    ///
    /// When nothing can be written any more.
    pub fn remove_directory(&mut self, directory: &str) -> Result<()> {
        self.check()?;
        let files: Vec<FileId> = self.tree.list(directory).map(|(_, file)| file).collect();
        files.into_iter().try_for_each(|file| self.change(&Record::Remove { file }))
    }

    fn create(&mut self, directory: &str, name: &FileName) -> Result<FileId> {
        self.check()?;
        if self.tree.find(directory, name).is_some() {
            let detail = format!("{}: file exists", path(directory, name));
            return Err(StorageError::new(StorageErrorKind::AlreadyExists, detail));
        }
        let file = self.tree.next_file();
        let (directory, name) = (directory.to_owned(), name.clone());
        self.change(&Record::Create { file, directory, name })?;
        Ok(file)
    }

    fn find(&self, directory: &str, name: &FileName) -> Result<FileId> {
        self.tree.find(directory, name).ok_or_else(|| not_found(directory, name))
    }

    fn remove(&mut self, directory: &str, name: &FileName) -> Result<()> {
        self.check()?;
        let file = self.find(directory, name)?;
        self.change(&Record::Remove { file })
    }

    fn inode(&self, file: FileId) -> Result<&Inode> {
        self.tree.files.get(&file).ok_or_else(gone)
    }

    fn inode_mut(&mut self, file: FileId) -> Result<&mut Inode> {
        self.tree.files.get_mut(&file).ok_or_else(gone)
    }

    fn read_at(&self, file: FileId, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let inode = self.inode(file)?;
        let wanted = as_u64(buf.len()).min(inode.len.saturating_sub(offset));
        let mut rest = buf;
        for (place, count) in inode.pieces(offset, wanted) {
            let (piece, behind) =
                rest.split_at_mut_checked(to_usize(count)).ok_or_else(too_large)?;
            let read = self.medium.read_at(place, piece)?;
            if read < piece.len() {
                return Err(io(&format!(
                    "the volume ends at byte {}: a file has {count} bytes at {place}",
                    place + as_u64(read)
                )));
            }
            rest = behind;
        }
        Ok(to_usize(wanted))
    }

    fn append(&mut self, file: FileId, bytes: &[u8]) -> Result<()> {
        self.check()?;
        if bytes.is_empty() {
            return Ok(());
        }
        let inode = self.inode(file)?;
        let (from, count) = (inode.len, as_u64(bytes.len()));
        let needed = from.checked_add(count).and_then(blocks_for).ok_or_else(too_large)?;
        if let Some(missing) = needed.checked_sub(inode.blocks()).filter(|&missing| missing > 0) {
            self.extend(file, missing)?;
        }
        self.is_dirty = true;
        let mut rest = bytes;
        for (place, count) in self.inode(file)?.pieces(from, count) {
            let (piece, behind) = rest.split_at_checked(to_usize(count)).ok_or_else(too_large)?;
            self.medium.write_at(place, piece)?;
            rest = behind;
        }
        let inode = self.inode_mut(file)?;
        inode.len += count;
        inode.checksum = crc32_joined(inode.checksum, crc32(bytes), count);
        self.grown.insert(file);
        Ok(())
    }

    /// Gives a file more room: some more than it needs, the more the larger it is.
    fn extend(&mut self, file: FileId, missing: u32) -> Result<()> {
        let inode = self.inode(file)?;
        let near = inode.extents.last().map(|last| last.end());
        let wanted = missing.max(inode.blocks().min(MAX_SURPLUS));
        self.is_dirty = true;
        let extents = match self.space.take(&mut self.medium, wanted, near) {
            Err(error) if error.kind == StorageErrorKind::NoSpace && wanted > missing => {
                self.space.take(&mut self.medium, missing, near)?
            }
            taken => taken?,
        };
        extents.into_iter().try_for_each(|extent| self.change(&Record::Extend { file, extent }))
    }

    fn truncate(&mut self, file: FileId, len: u64) -> Result<()> {
        self.check()?;
        let inode = self.inode(file)?;
        if len >= inode.len {
            return Ok(());
        }
        if len == 0 {
            self.grown.remove(&file);
            return self.change(&Record::Place { file, len, extents: Vec::new() });
        }
        let whole = u32::try_from(len / BLOCK).map_err(|_| too_large())?;
        let mut kept = Inode { extents: inode.extents.clone(), ..Inode::default() };
        kept.cut(whole);
        let mut tail = vec![0; to_usize(len % BLOCK)];
        if !tail.is_empty() {
            // The last block is copied: the old one counts until the new length is durable.
            self.read_at(file, u64::from(whole) * BLOCK, &mut tail)?;
            self.is_dirty = true;
            let block = self.space.take_whole(&mut self.medium, 1)?;
            if let Err(error) = self.medium.write_at(u64::from(block.start) * BLOCK, &tail) {
                self.space.free(block);
                return Err(error);
            }
            kept.extend(block);
        }
        // The record carries no checksum, so that all it refers to has to be durable before it.
        self.flush()?;
        self.change(&Record::Place { file, len, extents: kept.extents })
    }

    fn opened(&mut self, file: FileId) {
        if let Some(inode) = self.tree.files.get_mut(&file) {
            inode.handles += 1;
        }
    }

    /// With its last handle, a file gives the room back that it does not use.
    fn released(&mut self, file: FileId) {
        let Some(inode) = self.tree.files.get_mut(&file) else { return };
        inode.handles = inode.handles.saturating_sub(1);
        let needed = blocks_for(inode.len).unwrap_or(u32::MAX);
        if inode.handles == 0 && inode.blocks() > needed && self.failed.is_none() {
            self.record_growth(file);
            self.grown.remove(&file);
            // A record that is only put down cannot fail.
            let _ = self.change(&Record::Trim { file, blocks: needed });
        }
    }

    /// Makes a change and notes it for the journal.
    fn change(&mut self, record: &Record) -> Result<()> {
        let freed = self.tree.apply(record).map_err(|Misfit| gone())?;
        record.encode(&mut self.pending);
        self.space.release(freed);
        Ok(())
    }

    /// Notes a file's new length for the journal.
    fn record_growth(&mut self, file: FileId) {
        let Some(inode) = self.tree.files.get_mut(&file) else { return };
        let (from, to, checksum) = (inode.recorded, inode.len, inode.checksum);
        if to > from {
            Record::Grow { file, from, to, checksum }.encode(&mut self.pending);
            (inode.recorded, inode.checksum) = (to, 0);
        }
    }

    /// Writes a snapshot elsewhere and makes it the journal.
    fn checkpoint(&mut self) -> Result<()> {
        let mut records = Vec::new();
        self.tree.snapshot().for_each(|record| record.encode(&mut records));
        let number = self.journal.number + 1;
        let (bytes, chain) =
            record::frame(first_chain(number), self.epoch + 1, &records).ok_or_else(too_large)?;
        let len = as_u64(bytes.len());
        let blocks = blocks_for(len.saturating_mul(2)).ok_or_else(too_large)?.max(MIN_JOURNAL);
        self.is_dirty = true;
        let area = self.space.take_whole(&mut self.medium, blocks)?;
        if let Err(error) = self.medium.write_at(u64::from(area.start) * BLOCK, &bytes) {
            self.space.free(area);
            return Err(error);
        }
        self.flush_medium()?;
        let written = Superblock { number, journal: area }.write(&mut self.medium);
        written.map_err(|error| self.fail(error))?;
        self.flush_medium()?;
        for inode in self.tree.files.values_mut() {
            (inode.recorded, inode.checksum) = (inode.len, 0);
        }
        self.pending.clear();
        self.grown.clear();
        self.confirm();
        let old = core::mem::replace(&mut self.journal, Journal { number, area, len, chain });
        self.space.free(old.area);
        if self.space.trim_end() {
            // A file that stays longer than it needs to be does no harm.
            let _ = self.medium.set_len(self.space.end_bytes());
        }
        Ok(())
    }

    /// Everything written so far is durable.
    fn confirm(&mut self) {
        self.epoch += 1;
        self.is_dirty = false;
        self.space.reclaim();
    }

    fn flush_medium(&mut self) -> Result<()> {
        self.medium.flush().map_err(|error| self.fail(error))
    }

    fn fail(&mut self, error: StorageError) -> StorageError {
        self.failed.get_or_insert(error.leaving_doubt()).clone()
    }

    fn check(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

/// What became of a record of the journal.
enum Replayed {
    Applied,
    /// The bytes that the file should have are not there.
    Torn(FileId),
    Misfit(FileId),
}

fn replay<M: Medium>(
    medium: &M,
    tree: &mut Tree,
    record: &Record,
    is_sure: bool,
) -> Result<Replayed> {
    if let Record::Grow { file, from, to, checksum } = *record
        && !is_sure
        && let Some(inode) = tree.files.get(&file)
        && inode.len == from
        && to <= inode.capacity()
        && !holds(medium, inode, from, to, checksum)?
    {
        return Ok(Replayed::Torn(file));
    }
    Ok(match tree.apply(record) {
        Ok(_) => Replayed::Applied,
        Err(Misfit) => Replayed::Misfit(record.file()),
    })
}

/// Takes room away that lies behind the end of the volume: the journal's frame arrived before a
/// crash, the new length of the volume did not. Nothing when a file has bytes there.
fn trim_to(tree: &mut Tree, len: u64) -> Option<Vec<Record>> {
    let end = len.div_ceil(BLOCK);
    let is_behind = |inode: &Inode| inode.extents.iter().any(|e| u64::from(e.end()) > end);
    let behind = tree.files.iter().filter(|(_, inode)| is_behind(inode));
    let trim = |(&file, inode): (&FileId, &Inode)| {
        Some(Record::Trim { file, blocks: blocks_for(inode.len)? })
    };
    let trims = behind.map(trim).collect::<Option<Vec<_>>>()?;
    for record in &trims {
        tree.apply(record).ok()?;
    }
    (!tree.files.values().any(is_behind)).then_some(trims)
}

/// Whether the bytes from `from` to `to` have this checksum.
fn holds<M: Medium>(medium: &M, inode: &Inode, from: u64, to: u64, checksum: u32) -> Result<bool> {
    let mut buffer = vec![0; 64 << 10];
    let mut found = 0;
    for (place, count) in inode.pieces(from, to.saturating_sub(from)) {
        let mut done = 0;
        while done < count {
            let wanted = to_usize(count - done).min(buffer.len());
            let piece = buffer.get_mut(..wanted).unwrap_or_default();
            if medium.read_at(place + done, piece)? < wanted {
                return Ok(false);
            }
            found = crc32_joined(found, crc32(piece), as_u64(wanted));
            done += as_u64(wanted);
        }
    }
    Ok(found == checksum)
}

fn read_area<M: Medium>(medium: &M, area: Extent) -> Result<Vec<u8>> {
    let start = u64::from(area.start) * BLOCK;
    let there = medium.len()?.saturating_sub(start).min(u64::from(area.count) * BLOCK);
    let mut bytes = vec![0; to_usize(there)];
    let read = medium.read_at(start, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// What the first frame of a journal starts from: nothing that an earlier journal ended with.
fn first_chain(number: u64) -> u32 {
    crc32(&number.to_le_bytes())
}

/// Blocks that so many bytes need; nothing when a volume cannot have as many.
fn blocks_for(len: u64) -> Option<u32> {
    u32::try_from(len.div_ceil(BLOCK)).ok()
}

fn io(detail: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Io, detail)
}

fn damaged(journal: Extent, detail: &str) -> StorageError {
    let place = u64::from(journal.start) * BLOCK;
    io(&format!("the volume's journal at byte {place} is damaged: {detail}"))
}

fn not_found(directory: &str, name: &FileName) -> StorageError {
    let detail = format!("{}: no such file", path(directory, name));
    StorageError::new(StorageErrorKind::NotFound, detail)
}

fn gone() -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, "the file of this handle was removed")
}

fn too_large() -> StorageError {
    StorageError::new(StorageErrorKind::NoSpace, "a volume has at most 16 TiB")
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn to_usize(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
