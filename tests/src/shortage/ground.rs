//! Files whose calls fail when it is their turn.

use nanotdb_core::storage::{
    FileName, Result, SimStorage, Storage, StorageError, StorageErrorKind, StorageFile,
};
use std::cell::Cell;
use std::rc::Rc;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room.
    FullDisk,
    /// The process has as many files open as it may.
    TooManyFiles,
    /// The process lacks the permission.
    Denied,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FullDisk, Self::TooManyFiles, Self::Denied];

    /// How storage tells it.
    pub const fn kind(self) -> StorageErrorKind {
        match self {
            Self::FullDisk => StorageErrorKind::NoSpace,
            Self::TooManyFiles => StorageErrorKind::TooManyFiles,
            Self::Denied => StorageErrorKind::Denied,
        }
    }
}

/// Where calls can be made to fail.
pub trait Ground: Storage + Clone + 'static {
    /// Makes a file, while there is no room.
    fn create_without_room(&self, name: &FileName) -> Result<Self::File>;

    /// Appends to a file, while there is no room for more than a third of the bytes.
    fn append_without_room(file: &mut Self::File, bytes: &[u8]) -> Result<()>;

    /// Does what opens something, while nothing can be opened.
    fn open_in_vain<T>(&self, trouble: Trouble, call: impl FnOnce() -> Result<T>) -> Result<T>;
}

/// What fails, and what was called. Shared by all directories of a store.
#[derive(Debug)]
pub(super) struct Shortage {
    trouble: Trouble,
    /// The calls that fail: the first one, and how many.
    fails: Cell<Option<(u64, u64)>>,
    calls: Cell<u64>,
}

impl Shortage {
    /// Nothing fails yet.
    pub(super) fn new(trouble: Trouble) -> Rc<Self> {
        Rc::new(Self { trouble, fails: Cell::new(None), calls: Cell::new(0) })
    }

    /// From now on `count` calls fail, beginning with number `from`, the next one being 1.
    pub(super) fn begin(&self, from: u64, count: u64) {
        self.calls.set(0);
        self.fails.set(Some((from, count)));
    }

    /// From now on nothing fails. Returns how many calls there were that could have failed.
    pub(super) fn end(&self) -> u64 {
        self.fails.set(None);
        self.calls.get()
    }

    /// Counts a call that trouble of this kind concerns; whether it fails.
    fn strikes(&self, concerns: bool) -> bool {
        let Some((from, count)) = self.fails.get().filter(|_| concerns) else { return false };
        self.calls.set(self.calls.get() + 1);
        self.calls.get().checked_sub(from).is_some_and(|since| since < count)
    }

    fn opening<T>(&self, ground: &impl Ground, call: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.strikes(self.trouble != Trouble::FullDisk) {
            ground.open_in_vain(self.trouble, call)
        } else {
            call()
        }
    }
}

/// A directory in which there is a shortage now and then.
#[derive(Debug, Clone)]
pub(super) struct Short<G> {
    ground: G,
    shortage: Rc<Shortage>,
}

/// A file of a [`Short`] directory.
#[derive(Debug)]
pub(super) struct ShortFile<G: Ground> {
    file: G::File,
    shortage: Rc<Shortage>,
}

impl<G: Ground> Short<G> {
    /// Around a directory.
    pub(super) fn new(ground: G, shortage: &Rc<Shortage>) -> Self {
        Self { ground, shortage: Rc::clone(shortage) }
    }

    fn file(&self, file: G::File) -> ShortFile<G> {
        ShortFile { file, shortage: Rc::clone(&self.shortage) }
    }
}

impl<G: Ground> Storage for Short<G> {
    type File = ShortFile<G>;

    fn list(&self) -> Result<Vec<FileName>> {
        self.shortage.opening(&self.ground, || self.ground.list())
    }

    fn create(&self, name: &FileName) -> Result<ShortFile<G>> {
        let created = if self.shortage.strikes(self.shortage.trouble == Trouble::FullDisk) {
            self.ground.create_without_room(name)
        } else {
            self.shortage.opening(&self.ground, || self.ground.create(name))
        };
        created.map(|file| self.file(file))
    }

    fn open(&self, name: &FileName) -> Result<ShortFile<G>> {
        let opened = self.shortage.opening(&self.ground, || self.ground.open(name));
        opened.map(|file| self.file(file))
    }

    fn open_log(&self, name: &FileName) -> Result<ShortFile<G>> {
        let opened = self.shortage.opening(&self.ground, || self.ground.open_log(name));
        opened.map(|file| self.file(file))
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        self.ground.rename(from, to)
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        self.ground.remove(name)
    }

    fn sync_dir(&self) -> Result<()> {
        self.shortage.opening(&self.ground, || self.ground.sync_dir())
    }
}

impl<G: Ground> StorageFile for ShortFile<G> {
    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.file.read_at(offset, buf)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.shortage.strikes(self.shortage.trouble == Trouble::FullDisk) {
            G::append_without_room(&mut self.file, bytes)
        } else {
            self.file.append(bytes)
        }
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        self.file.truncate(len)
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }

    fn recheck(&mut self) {
        self.file.recheck();
    }
}

fn injected(trouble: Trouble) -> StorageError {
    StorageError::new(trouble.kind(), format!("injected {trouble:?}"))
}

impl Ground for SimStorage {
    fn create_without_room(&self, _: &FileName) -> Result<Self::File> {
        Err(injected(Trouble::FullDisk))
    }

    fn append_without_room(file: &mut Self::File, bytes: &[u8]) -> Result<()> {
        file.append(&bytes[..bytes.len() / 3])?;
        Err(injected(Trouble::FullDisk))
    }

    fn open_in_vain<T>(&self, trouble: Trouble, _: impl FnOnce() -> Result<T>) -> Result<T> {
        Err(injected(trouble))
    }
}
