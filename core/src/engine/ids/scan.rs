//! Finding out which metric ids a file uses.

use super::set::IdMarks;
use super::usage::FileIds;
use crate::engine::files::{FileKind, FrameIndex, StoredFile, read_frame};
use crate::engine::host::{Host, Shared};
use crate::engine::state::{FileOf, Readable};
use crate::error::{Error, Result};
use crate::metric_file::{FrameInfo, MetricFile, Version};
use crate::partition::Partition;
use crate::storage::{StorageErrorKind, StorageFile};
use crate::types::ValueType;
use alloc::vec::Vec;

impl<H: Host> Readable<H> {
    /// The ids that a file uses. What is known of it, or of its front, is not read again if the
    /// checksum at its end is the same. What cannot be read has no ids.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or read now; not when it is gone or damaged.
    pub(super) fn look_at(
        &self,
        (partition, kind, file): &(Partition, FileKind, StoredFile),
    ) -> Result<FileIds> {
        let handle = match self.open_seen(file) {
            Err(Error::Storage(error)) if error.kind == StorageErrorKind::NotFound => {
                let gone = FileIds { len: file.len, partial: true, ..FileIds::default() };
                return Ok(gone.seen());
            }
            handle => handle?,
        };
        let known = self.state.read(|state| state.ids.get(&file.name).cloned());
        let known = match known {
            Some(known) if known.len <= file.len && known.is_front_of(&handle)? => known,
            _ => FileIds::default(),
        };
        let found = if known.len == file.len {
            known
        } else if *kind == FileKind::Metric {
            self.metric_file_ids(handle, file)?
        } else {
            self.page_ids(&handle, *partition, file, known)?
        };
        Ok(found.seen())
    }

    /// The ids of raw pages: those of the front that is known, and those of frames behind it, of
    /// which only the first column is unpacked.
    fn page_ids(
        &self,
        handle: &FileOf<H>,
        partition: Partition,
        file: &StoredFile,
        mut known: FileIds,
    ) -> Result<FileIds> {
        let mut index = FrameIndex { good_end: known.len, ..FrameIndex::default() };
        index.walk(handle, file.len, partition, self.page_codec())?;
        known.partial |= !index.damage.is_empty() || index.tail.is_some();
        let (mut marks, mut bytes, mut ids) = (IdMarks::default(), Vec::new(), Vec::new());
        for frame in &index.frames {
            read_frame(handle, frame, &mut bytes)?;
            match frame.header.decode_ids(&bytes, self.page_codec(), &mut ids) {
                Ok(ids) => marks.insert_all(ids.iter().map(|id| u16::from_le_bytes(*id))),
                Err(_) => known.partial = true,
            }
        }
        known.ids.add_all(&marks.to_set());
        (known.len, known.end) = (file.len, last_bytes(handle, file.len)?);
        Ok(known)
    }

    /// The ids of a metric file, from its index.
    fn metric_file_ids(&self, handle: FileOf<H>, file: &StoredFile) -> Result<FileIds> {
        let end = last_bytes(&handle, file.len)?;
        let found = FileIds { len: file.len, end, ..FileIds::default() };
        match MetricFile::open(handle, file.name.as_str(), &self.codecs) {
            Err(error) if error.is_unreadable() => Ok(FileIds { partial: true, ..found }),
            opened => {
                let (entries, partial) = believable(&opened?)?;
                Ok(FileIds { partial, ..found.with_types(entries.into_iter()) })
            }
        }
    }
}

impl FileIds {
    /// Whether the file begins with what this is about, by the checksum where that ends.
    fn is_front_of<F: StorageFile>(&self, file: &F) -> Result<bool> {
        Ok(last_bytes(file, self.len)? == self.end)
    }
}

/// Id and type of each entry that can be believed, and whether others were left out. The indexes of
/// versions 1 and 2 have no checksum, so they are compared with the frames.
fn believable<F: StorageFile>(file: &MetricFile<F>) -> Result<(Vec<(u16, ValueType)>, bool)> {
    let entry = |entry: &FrameInfo| (entry.metric.get(), entry.value_type);
    let all = || file.entries().iter().map(entry).collect();
    if file.version() == Version::V3 {
        return Ok((all(), false));
    }
    match file.verify_index() {
        Err(error) if error.is_unreadable() => {}
        verified => return verified.map(|()| (all(), false)),
    }
    let mut good = Vec::new();
    for entries in file.entries().chunk_by(|a, b| a.metric == b.metric) {
        let Some(first) = entries.first() else { continue };
        match file.entries_of(first.metric) {
            Err(error) if error.is_unreadable() => {}
            found => good.extend(found?.iter().map(entry)),
        }
    }
    Ok((good, true))
}

/// The last four of the first `len` bytes; zeros where there are not so many.
fn last_bytes<F: StorageFile>(file: &F, len: u64) -> Result<[u8; 4]> {
    let mut bytes = [0; 4];
    let Some(offset) = len.checked_sub(4) else { return Ok(bytes) };
    if file.read_at(offset, &mut bytes)? < bytes.len() {
        bytes = [0; 4];
    }
    Ok(bytes)
}
