//! Which metric ids the files of a database use, as far as that is known.

use super::set::{IdMarks, IdSet};
use crate::engine::files::{FileKind, PartitionFiles, StoredFile};
use crate::partition::Partition;
use crate::sorted::SortedMap;
use crate::storage::FileName;
use crate::types::ValueType;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The files of each partition, as the state has them.
pub(crate) type Files = SortedMap<Partition, Arc<PartitionFiles>>;

/// What is known of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FileIds {
    /// How much of the file this is about, in bytes from its start.
    pub(crate) len: u64,
    /// The last four of those bytes: a checksum, in every kind of file.
    pub(crate) end: [u8; 4],
    /// The ids that samples in it have.
    pub(crate) ids: IdSet,
    /// Of a metric file: those whose values are floats; the others' are integers.
    pub(crate) floats: Option<IdSet>,
    /// Whether the file was looked at since the database was opened; else a cache says this.
    pub(crate) checked: bool,
    /// Whether something in it cannot be read, so that there may be more ids.
    pub(crate) partial: bool,
}

/// What is known of all files.
#[derive(Debug, Default)]
pub(crate) struct IdUsage {
    files: SortedMap<FileName, FileIds>,
    /// Whether every file was looked at since the database was opened. Files that are written
    /// after that have only ids that the catalog knows.
    complete: bool,
    /// Whether this says more than the cache on disk.
    changed: bool,
}

impl IdUsage {
    /// What a cache says, of which nothing has been compared with the files yet.
    pub(super) fn cached(files: impl IntoIterator<Item = (FileName, FileIds)>) -> Self {
        Self { files: files.into_iter().collect(), complete: false, changed: false }
    }

    /// Whether the ids in every file are known for certain.
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Notes that every file was looked at.
    pub(crate) const fn complete(&mut self) {
        self.complete = true;
    }

    /// Whether this says more than the cache on disk.
    pub(super) const fn is_changed(&self) -> bool {
        self.changed
    }

    /// Notes that the cache on disk says the same now, or that there will be none.
    pub(super) const fn stored(&mut self) {
        self.changed = false;
    }

    pub(super) fn get(&self, file: &FileName) -> Option<&FileIds> {
        self.files.get(file)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&FileName, &FileIds)> {
        self.files.iter()
    }

    /// Notes what was found in a file.
    pub(super) fn put(&mut self, file: FileName, found: FileIds) {
        let known = self.files.get(&file);
        self.changed |= known.is_none_or(|known| {
            (known.len, known.end, &known.ids) != (found.len, found.end, &found.ids)
        });
        self.files.insert(file, found);
    }

    /// Forgets files that are gone.
    pub(super) fn keep_only(&mut self, files: &Files) {
        let before = self.files.len();
        self.files.retain(|name, _| stored_file(files, name).is_some());
        self.changed |= self.files.len() != before;
    }

    /// Notes a frame that was just written behind the first `before` bytes of a data file.
    pub(crate) fn note_frame(&mut self, file: &FileName, before: u64, frame: &[u8], ids: &IdSet) {
        let Some(end) = frame.last_chunk::<4>() else { return };
        let len = before.saturating_add(u64::try_from(frame.len()).unwrap_or(u64::MAX));
        let known = match self.files.get_mut(file) {
            Some(known) => known,
            None if before == 0 => {
                self.files.get_or_insert_with(file.clone(), || FileIds::default().seen())
            }
            None => return,
        };
        if before == 0 {
            *known = FileIds::default().seen();
        } else if known.len != before || !known.checked {
            return; // it is looked at when somebody asks
        }
        known.ids.add_all(ids);
        (known.len, known.end) = (len, *end);
        self.changed = true;
    }

    /// The files that nobody has looked at since they became what they are, the newest first.
    pub(super) fn unknown(&self, files: &Files) -> Vec<(Partition, FileKind, StoredFile)> {
        let mut unknown = Vec::new();
        for (&partition, files) in files.iter().rev() {
            for kind in FileKind::ALL {
                let Some(file) = files.get(kind) else { continue };
                let known = self.files.get(&file.name);
                if known.is_none_or(|known| !known.checked || known.len != file.len) {
                    unknown.push((partition, kind, file.clone()));
                }
            }
        }
        unknown
    }

    /// Every id that a file uses.
    pub(crate) fn all(&self) -> IdSet {
        let mut all = IdSet::default();
        for known in self.files.values() {
            if all != known.ids {
                all.add_all(&known.ids);
            }
        }
        all
    }

    /// The type of an id's values, where metric files tell.
    pub(crate) fn type_of(&self, id: u16) -> Option<ValueType> {
        let known = self
            .files
            .values()
            .rev()
            .find(|known| known.floats.is_some() && known.ids.contains(id))?;
        let is_float = known.floats.as_ref().is_some_and(|floats| floats.contains(id));
        Some(if is_float { ValueType::F32 } else { ValueType::I32 })
    }
}

impl FileIds {
    /// The same, known to be true of the file.
    pub(super) const fn seen(mut self) -> Self {
        self.checked = true;
        self
    }

    /// The same with the ids of a metric file: each with its type.
    pub(super) fn with_types(mut self, entries: impl Iterator<Item = (u16, ValueType)>) -> Self {
        let entries: Vec<_> = entries.collect();
        let (mut ids, mut floats) = (IdMarks::default(), IdMarks::default());
        ids.insert_all(entries.iter().map(|entry| entry.0));
        let float = entries.iter().filter(|entry| entry.1 == ValueType::F32);
        floats.insert_all(float.map(|entry| entry.0));
        (self.ids, self.floats) = (ids.to_set(), Some(floats.to_set()));
        self
    }
}

/// The file of this name, if the state has it.
fn stored_file<'f>(files: &'f Files, name: &FileName) -> Option<&'f StoredFile> {
    let (kind, partition) = FileKind::parse(name.as_str())?;
    files.get(&partition)?.get(kind)
}
