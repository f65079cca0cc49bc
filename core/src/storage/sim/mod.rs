//! A directory that loses power on request.
//!
//! ```
//! use nanotdb_core::storage::{FileName, SimStorage, Storage};
//!
//! let name = FileName::new("settings")?;
//! for step in 1..=5 {
//!     for seed in 0..8 {
//!         let storage = SimStorage::crashing_at(step);
//!         assert!(storage.replace(&name, b"new").is_err());
//!         let found = storage.after_crash(seed).read(&name)?;
//!         assert!(found.is_none() || found.as_deref() == Some(b"new"));
//!     }
//! }
//! # Ok::<(), nanotdb_core::storage::StorageError>(())
//! ```
//!
//! Assumptions about media: bytes before the last `sync` never change, directory operations reach
//! the disk in order, operations on one file reach it in order, and the last of them may have
//! left anything where they wrote.

mod fate;
mod inode;
mod state;
#[cfg(test)]
mod tests;

use super::memory::read_slice_at;
use super::{FileName, Result, Storage, StorageError, StorageErrorKind, StorageFile};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use fate::Fate;
use inode::{FileOp, Inode};
use state::{DirOp, State};

/// What goes wrong, counted in mutations: `create`, `rename`, `remove`, `sync_dir`, `append`,
/// `truncate` and `sync`, each from 1 and only where it had something to act on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimOptions {
    /// This mutation is interrupted; whatever the process tries afterwards fails.
    pub crash_at: Option<u64>,
    /// This mutation fails; later ones work. A failed sync leaves doubt.
    pub fail_at: Option<(u64, StorageErrorKind)>,
    /// During these mutations the disk is full: nothing is created, an append leaves a part of its
    /// bytes, everything else works.
    pub full: Option<Window>,
    /// How many bytes all files may have together: what goes beyond fails, and an append leaves a
    /// part of its bytes.
    pub quota: Option<u64>,
    /// These openings fail in this way, counted apart: `open`, `open_log`, `create`, `list`, and the
    /// directory for `sync_dir`.
    pub cannot_open: Option<(Window, StorageErrorKind)>,
    /// A mistake that tests have to notice.
    pub flaw: Option<Flaw>,
}

/// A stretch of operations, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first of them.
    pub from: u64,
    /// How many there are.
    pub count: u64,
}

impl Window {
    /// From an operation on, without an end.
    pub const fn since(from: u64) -> Self {
        Self { from, count: u64::MAX }
    }

    const fn contains(self, number: u64) -> bool {
        number >= self.from && number - self.from < self.count
    }
}

/// Mistakes in [`Storage::replace`], to prove that a test would find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The new content is not synced before the rename.
    ReplaceWithoutSync,
    /// The directory is not synced after the rename.
    ReplaceWithoutSyncDir,
}

/// A simulated directory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimStorage {
    state: Rc<RefCell<State>>,
}

/// A handle on a file of a [`SimStorage`].
#[derive(Debug)]
pub struct SimFile {
    state: Rc<RefCell<State>>,
    inode: u64,
}

impl SimStorage {
    /// An empty directory where nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory with these files, all durable.
    pub fn holding(files: BTreeMap<FileName, Vec<u8>>) -> Self {
        Self::from_state(State::holding(files))
    }

    /// An empty directory whose process dies during mutation number `step`.
    pub fn crashing_at(step: u64) -> Self {
        Self::new().with_options(SimOptions { crash_at: Some(step), ..SimOptions::default() })
    }

    /// An empty directory where mutation number `step` fails. An append that fails may leave a
    /// part of its bytes.
    pub fn failing_at(step: u64, kind: StorageErrorKind) -> Self {
        let fail_at = Some((step, kind));
        Self::new().with_options(SimOptions { fail_at, ..SimOptions::default() })
    }

    /// The same directory with these options; mutations count from 1 again.
    #[must_use]
    pub fn with_options(self, options: SimOptions) -> Self {
        {
            let mut state = self.state.borrow_mut();
            (state.options, state.steps, state.opens) = (options, 0, 0);
        }
        self
    }

    /// How many mutations have been tried.
    pub fn steps(&self) -> u64 {
        self.state.borrow().steps
    }

    /// Runs `look` while nothing goes wrong; then everything is as it was.
    pub fn undisturbed<T>(&self, look: impl FnOnce() -> T) -> T {
        let swap = |options, steps, opens| {
            let mut state = self.state.borrow_mut();
            let before = (state.options, state.steps, state.opens);
            (state.options, state.steps, state.opens) = (options, steps, opens);
            before
        };
        let (options, steps, opens) = swap(SimOptions::default(), 0, 0);
        let seen = look();
        swap(options, steps, opens);
        seen
    }

    /// Whether the process is dead: it was interrupted, and whatever it tries fails.
    pub fn has_crashed(&self) -> bool {
        self.state.borrow().check_alive().is_err()
    }

    /// How many openings have been tried.
    pub fn opens(&self) -> u64 {
        self.state.borrow().opens
    }

    /// Every file as the process sees it.
    pub fn files(&self) -> BTreeMap<FileName, Vec<u8>> {
        self.state.borrow().files()
    }

    /// What a power cut leaves: everything synced, a prefix of the later directory operations,
    /// and unsynced tails that are whole, cut, zeroed or garbage.
    ///
    /// Seed 0 keeps nothing else, seed 1 keeps everything; other seeds choose.
    #[must_use]
    pub fn after_crash(&self, seed: u64) -> Self {
        Self::from_state(self.state.borrow().after_crash(&mut Fate::new(seed)))
    }

    /// What a killed process leaves under a running system: every completed operation, and
    /// perhaps a part of the one in flight. What was not synced still is not.
    #[must_use]
    pub fn after_kill(&self, seed: u64) -> Self {
        Self::from_state(self.state.borrow().after_kill(&mut Fate::new(seed)))
    }

    fn from_state(state: State) -> Self {
        Self { state: Rc::new(RefCell::new(state)) }
    }

    fn handle(&self, inode: u64) -> SimFile {
        SimFile { state: Rc::clone(&self.state), inode }
    }

    fn replace_with_flaw(&self, name: &FileName, bytes: &[u8], flaw: Flaw) -> Result<()> {
        let temporary = name.temporary()?;
        let mut file = self.create_anew(&temporary)?;
        file.append(bytes)?;
        if flaw != Flaw::ReplaceWithoutSync {
            file.sync()?;
        }
        self.rename(&temporary, name)?;
        if flaw != Flaw::ReplaceWithoutSyncDir {
            self.sync_dir()?;
        }
        Ok(())
    }
}

impl Storage for SimStorage {
    type File = SimFile;

    fn list(&self) -> Result<Vec<FileName>> {
        let mut state = self.state.borrow_mut();
        state.check_opens("the directory")?;
        Ok(state.live.keys().cloned().collect())
    }

    fn create(&self, name: &FileName) -> Result<SimFile> {
        let mut state = self.state.borrow_mut();
        state.check_opens(name.as_str())?;
        if state.find(name).is_ok() {
            let detail = format!("{name}: file exists");
            return Err(StorageError::new(StorageErrorKind::AlreadyExists, detail));
        }
        let inode = state.add(Inode::default());
        state.change_directory(DirOp::Create(name.clone(), inode))?;
        Ok(self.handle(inode))
    }

    fn open(&self, name: &FileName) -> Result<SimFile> {
        let mut state = self.state.borrow_mut();
        state.check_opens(name.as_str())?;
        Ok(self.handle(state.find(name)?))
    }

    fn open_log(&self, name: &FileName) -> Result<SimFile> {
        let (file, _) = self.open_or_create(name)?;
        self.state.borrow_mut().inode_mut(file.inode)?.log = true;
        Ok(file)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.check_alive()?;
        state.find(from)?;
        state.change_directory(DirOp::Rename(from.clone(), to.clone()))
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.check_alive()?;
        state.find(name)?;
        state.change_directory(DirOp::Remove(name.clone()))
    }

    fn sync_dir(&self) -> Result<()> {
        self.state.borrow_mut().sync_directory()
    }

    fn replace(&self, name: &FileName, bytes: &[u8]) -> Result<()> {
        let flaw = self.state.borrow().options.flaw;
        match flaw {
            None => super::replace_by_rename(self, name, bytes),
            Some(flaw) => self.replace_with_flaw(name, bytes, flaw),
        }
    }
}

impl StorageFile for SimFile {
    fn len(&self) -> Result<u64> {
        let state = self.state.borrow();
        state.check_alive()?;
        let len = state.inode(self.inode)?.live.len();
        Ok(u64::try_from(len).unwrap_or(u64::MAX))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let state = self.state.borrow();
        state.check_alive()?;
        Ok(read_slice_at(&state.inode(self.inode)?.live, offset, buf))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.state.borrow_mut().change_file(self.inode, FileOp::Append(bytes.to_vec()))
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.state.borrow_mut().change_file(self.inode, FileOp::Truncate(len))
    }

    fn sync(&mut self) -> Result<()> {
        self.state.borrow_mut().sync_file(self.inode)
    }
}
