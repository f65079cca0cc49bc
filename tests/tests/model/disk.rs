//! A disk that is full for a while.
//!
//! What is acknowledged meanwhile is there, what is refused is not, and both stay so when there is
//! room again.

use super::{Pair, open};
use nanotdb_core::storage::{
    FileName, MemoryFile, MemoryStorage, Result, Storage, StorageError, StorageErrorKind,
    StorageFile,
};
use nanotdb_core::{Error, Timestamp};
use nanotdb_tests::random::Random;
use std::cell::Cell;
use std::rc::Rc;

/// Memory that can be full.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    files: MemoryStorage,
    is_full: Rc<Cell<bool>>,
}

/// A file of a [`Disk`].
#[derive(Debug)]
pub(super) struct DiskFile {
    file: MemoryFile,
    is_full: Rc<Cell<bool>>,
}

impl Disk {
    /// Another directory on the same disk.
    pub(super) fn directory(&self) -> Self {
        Self { files: MemoryStorage::new(), is_full: Rc::clone(&self.is_full) }
    }

    pub(super) fn set_full(&self, is_full: bool) {
        self.is_full.set(is_full);
    }

    fn file(&self, file: MemoryFile) -> DiskFile {
        DiskFile { file, is_full: Rc::clone(&self.is_full) }
    }

    fn take_room(is_full: &Cell<bool>) -> Result<()> {
        let full = || StorageError::new(StorageErrorKind::NoSpace, "the disk is full");
        if is_full.get() { Err(full()) } else { Ok(()) }
    }
}

impl Storage for Disk {
    type File = DiskFile;

    fn list(&self) -> Result<Vec<FileName>> {
        self.files.list()
    }

    fn create(&self, name: &FileName) -> Result<DiskFile> {
        Self::take_room(&self.is_full)?;
        self.files.create(name).map(|file| self.file(file))
    }

    fn open(&self, name: &FileName) -> Result<DiskFile> {
        self.files.open(name).map(|file| self.file(file))
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        self.files.rename(from, to)
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        self.files.remove(name)
    }

    fn sync_dir(&self) -> Result<()> {
        self.files.sync_dir()
    }
}

impl StorageFile for DiskFile {
    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.file.read_at(offset, buf)
    }

    /// On a full disk a part of the bytes finds room.
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = Disk::take_room(&self.is_full) {
            self.file.append(&bytes[..bytes.len() / 3])?;
            return Err(error);
        }
        self.file.append(bytes)
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        self.file.truncate(len)
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }
}

impl Pair {
    /// Some operations on a full disk, after which there is room. They draw their own numbers.
    pub(super) fn fill_disk(&mut self, random: &mut Random) {
        let kept = std::mem::replace(&mut self.random, random.clone());
        self.disk.set_full(true);
        self.tally.full_disks += 1;
        for _ in 0..self.random.below(30) {
            self.step_on_full_disk();
        }
        self.disk.set_full(false);
        self.compare_everything();
        *random = std::mem::replace(&mut self.random, kept);
    }

    fn step_on_full_disk(&mut self) {
        match self.random.below(20) {
            0 => refused(self.database.flush()),
            1 => self.build_on_full_disk(),
            2 => {
                // Every sample is logged: a process that ends loses none.
                (self.engine, self.database) = open(&self.host);
                self.tally.reopenings += 1;
                self.handles.clear();
            }
            3 => self.range(),
            4 => self.last(),
            _ => self.add_on_full_disk(),
        }
    }

    fn add_on_full_disk(&mut self) {
        let (metric, time, value) = self.sample();
        match self.database.add(&metric, Timestamp(time), value) {
            Ok(()) => assert_eq!(self.model.ingest(&metric, time, value), Ok(())),
            Err(Error::Rejected(_)) => {
                assert!(self.model.ingest(&metric, time, value).is_err(), "{metric} {time}");
            }
            Err(error) => refused(Err(error)),
        }
    }

    fn build_on_full_disk(&mut self) {
        let partitions = self.database.partitions();
        if !partitions.is_empty() {
            let partition = self.random.pick::<String>(&partitions);
            let built = self.database.compact(partition).map(drop);
            let recompacted = self.database.recompact(partition).map(drop);
            for done in [built, recompacted] {
                if !matches!(done, Err(Error::Rejected(_))) {
                    refused(done);
                }
            }
        }
    }
}

/// It worked, or there was no room and nothing has changed.
fn refused(done: core::result::Result<(), Error>) {
    match done {
        Ok(()) => {}
        Err(Error::Storage(error)) => {
            assert_eq!((error.kind, error.in_doubt), (StorageErrorKind::NoSpace, false), "{error}");
        }
        Err(error) => panic!("{error}"),
    }
}
