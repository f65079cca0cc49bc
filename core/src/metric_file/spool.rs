//! Frames on their way into a file whose header cannot be written yet.
//!
//! A file's header holds offsets that are known last, and published files are only ever appended
//! to. So frames wait here: the newest in memory, older ones in `<name>.spool.tmp` once there are
//! more than memory should hold.

use crate::error::Result;
use crate::storage::{FileName, Storage, StorageError, StorageErrorKind, StorageFile};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes moved at once from the spool to the final file.
const COPY_LEN: usize = 256 << 10;

/// The kind of spool that frames are in.
pub(crate) const FRAMES: &str = "spool";

/// A byte sequence that grows at its end, in memory up to a limit.
pub(crate) struct Spool<'s, S: Storage> {
    storage: &'s S,
    name: FileName,
    file: Option<S::File>,
    /// Bytes in the file; what follows them is in `memory`.
    flushed: u64,
    memory: Vec<u8>,
    memory_limit: usize,
}

impl<'s, S: Storage> Spool<'s, S> {
    /// An empty spool of this kind for the file `target`.
    pub(crate) fn new(
        storage: &'s S,
        target: &FileName,
        kind: &str,
        memory_limit: usize,
    ) -> Result<Self> {
        let name = Self::name_of(target, kind)?;
        Ok(Self { storage, name, file: None, flushed: 0, memory: Vec::new(), memory_limit })
    }

    /// The name of such a spool.
    pub(crate) fn name_of(target: &FileName, kind: &str) -> Result<FileName> {
        Ok(FileName::new(&format!("{target}.{kind}.tmp"))?)
    }

    /// The name of this spool, whether it has a file or not.
    pub(crate) const fn name(&self) -> &FileName {
        &self.name
    }

    /// Bytes appended so far.
    pub(crate) fn len(&self) -> u64 {
        self.flushed.saturating_add(u64::try_from(self.memory.len()).unwrap_or(u64::MAX))
    }

    /// Adds `bytes` at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.memory.len().saturating_add(bytes.len()) > self.memory_limit {
            self.flush()?;
        }
        self.memory.extend_from_slice(bytes);
        Ok(())
    }

    /// The `len` bytes at `offset`, which have been appended.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let from_file = usize::try_from(self.flushed.saturating_sub(offset)).unwrap_or(len);
        let (old, new) = bytes.split_at_mut(from_file.min(len));
        if let Some(file) = self.file.as_ref().filter(|_| !old.is_empty())
            && file.read_at(offset, old)? < old.len()
        {
            return Err(self.lost().into());
        }
        let start = usize::try_from(offset.saturating_sub(self.flushed)).unwrap_or(usize::MAX);
        let end = start.saturating_add(new.len());
        let memory = self.memory.get(start..end).ok_or_else(|| self.lost())?;
        new.copy_from_slice(memory);
        Ok(bytes)
    }

    /// Appends everything to `out`, piece by piece.
    pub(crate) fn copy_to(&self, out: &mut S::File) -> Result<()> {
        let mut offset = 0;
        while offset < self.flushed {
            let len = usize::try_from(self.flushed - offset).unwrap_or(COPY_LEN).min(COPY_LEN);
            out.append(&self.read(offset, len)?)?;
            offset += u64::try_from(len).unwrap_or_default();
        }
        Ok(out.append(&self.memory)?)
    }

    fn flush(&mut self) -> Result<()> {
        let mut file = if let Some(file) = self.file.take() {
            file
        } else {
            self.storage.create_anew(&self.name)?
        };
        file.append(&self.memory)?;
        self.flushed = self.len();
        self.memory.clear();
        self.file = Some(file);
        Ok(())
    }

    fn lost(&self) -> StorageError {
        let detail = format!("{}: bytes that were written cannot be read back", self.name);
        StorageError::new(StorageErrorKind::Io, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn what_was_appended_is_read_across_the_file_and_memory() {
        let storage = MemoryStorage::new();
        let name = FileName::new("metric-forever.dat").unwrap();
        for limit in [0, 1, 7, 64, 1000] {
            let mut spool = Spool::new(&storage, &name, FRAMES, limit).unwrap();
            let all: Vec<u8> = (0..200).collect();
            for piece in all.chunks(9) {
                spool.append(piece).unwrap();
            }
            assert_eq!(spool.len(), 200);
            for from in 0..200 {
                for to in from..=200 {
                    let read = spool.read(u64::try_from(from).unwrap(), to - from).unwrap();
                    assert_eq!(read, all[from..to], "limit {limit}");
                }
            }
            assert!(spool.read(190, 11).is_err());
            let copy = FileName::new("copy").unwrap();
            let mut out = storage.create_anew(&copy).unwrap();
            spool.copy_to(&mut out).unwrap();
            assert_eq!(out.read_all().unwrap(), all);
        }
        let file = Spool::<MemoryStorage>::name_of(&name, FRAMES).unwrap();
        assert!(storage.open(&file).is_ok(), "small limits used the file");
    }
}
