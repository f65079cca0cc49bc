//! What the engine asks of a host: flat directories of append-only files.
//!
//! It fits POSIX files and the browser's synchronous access handles alike. Obtaining a handle is
//! the only asynchronous step there, so that host keeps a pool of opened ones.

#[cfg(feature = "testing")]
pub mod conformance;
mod error;
mod forward;
mod memory;
mod name;
#[cfg(feature = "testing")]
pub mod sim;
#[cfg(test)]
mod tests;

pub use error::{StorageError, StorageErrorKind};
pub use memory::{MemoryFile, MemoryStorage};
pub use name::FileName;
#[cfg(feature = "testing")]
pub use sim::{Flaw, SimFile, SimOptions, SimStorage, Window};

use alloc::vec;
use alloc::vec::Vec;

/// What storage operations return.
pub type Result<T> = core::result::Result<T, StorageError>;

/// One flat directory, written by one process at a time.
///
/// Every implementation promises, and the conformance suite checks:
///
/// 1. [`append`](StorageFile::append) adds all bytes or fails. After a failure some of the bytes
///    may be there; [`truncate`](StorageFile::truncate) takes them away again. After a crash, what
///    follows the last synced byte may be missing, cut short or garbage; everything before it is
///    untouched.
/// 2. When [`sync`](StorageFile::sync) returns, bytes and length are as durable as the platform
///    makes them. When it fails, its error is [`in_doubt`](StorageError::in_doubt), and so is that
///    of `sync_dir`, unless the platform was not even asked.
/// 3. [`create`](Self::create), [`rename`](Self::rename), [`remove`](Self::remove) and `truncate`
///    each happen entirely or not at all, and the first three are durable once
///    [`sync_dir`](Self::sync_dir) returns. `rename` replaces an existing target.
/// 4. Handles on the same name see the same bytes.
///
/// The engine promises in return: one writing handle for each file, and no `remove` of, or
/// `rename` over, a file whose handle it still holds.
pub trait Storage {
    /// An open file.
    type File: StorageFile;

    /// The names of all files, in any order. Directories and names that are no [`FileName`] are
    /// left out.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn list(&self) -> Result<Vec<FileName>>;

    /// Makes an empty file and opens it for writing.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, or whatever the platform reports.
    fn create(&self, name: &FileName) -> Result<Self::File>;

    /// Opens a file for reading and writing; for reading only where the directory was opened so.
    ///
    /// # Errors
    ///
    /// `NotFound`, or whatever the platform reports.
    fn open(&self, name: &FileName) -> Result<Self::File>;

    /// Opens a file that will get many small appends, creating it when missing.
    ///
    /// A host may reserve room ahead of the end. Then such a file ends in zero bytes that nobody
    /// appended after a crash or a kill, and for other handles while this one is open. Dropping
    /// the handle cuts them off.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn open_log(&self, name: &FileName) -> Result<Self::File> {
        Ok(self.open_or_create(name)?.0)
    }

    /// Gives a file another name, replacing a file that has it.
    ///
    /// # Errors
    ///
    /// `NotFound`, or whatever the platform reports.
    fn rename(&self, from: &FileName, to: &FileName) -> Result<()>;

    /// Deletes a file.
    ///
    /// # Errors
    ///
    /// `NotFound`, or whatever the platform reports.
    fn remove(&self, name: &FileName) -> Result<()>;

    /// Makes every earlier `create`, `rename` and `remove` durable.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn sync_dir(&self) -> Result<()>;

    /// Deletes a file if there is one.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports, but not `NotFound`.
    fn remove_if_present(&self, name: &FileName) -> Result<()> {
        match self.remove(name) {
            Err(error) if error.kind == StorageErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes an empty file and opens it for writing. A file that has the name is deleted before:
    /// one that an earlier attempt has left.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn create_anew(&self, name: &FileName) -> Result<Self::File> {
        self.remove_if_present(name)?;
        self.create(name)
    }

    /// Opens a file for reading and writing, creating it when missing; says whether it was.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports, but not `NotFound`.
    fn open_or_create(&self, name: &FileName) -> Result<(Self::File, bool)> {
        match self.open(name) {
            Ok(file) => Ok((file, false)),
            Err(error) if error.kind == StorageErrorKind::NotFound => {
                Ok((self.create(name)?, true))
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces a small file whole: a reader, or a restart, finds the old bytes or the new.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports; the file then still has its old content, or the new one, and
    /// what was written beside it is gone where that can be.
    fn replace(&self, name: &FileName, bytes: &[u8]) -> Result<()> {
        replace_by_rename(self, name, bytes)
    }

    /// A whole small file, or nothing when there is none.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports, but not `NotFound`.
    fn read(&self, name: &FileName) -> Result<Option<Vec<u8>>> {
        match self.open(name) {
            Ok(file) => file.read_all().map(Some),
            Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The steps of [`Storage::replace`], for implementations that override it only sometimes.
fn replace_by_rename<S: Storage + ?Sized>(
    storage: &S,
    name: &FileName,
    bytes: &[u8],
) -> Result<()> {
    let temporary = name.temporary()?;
    let written = write_new(storage, &temporary, bytes);
    if let Err(error) = written.and_then(|()| storage.rename(&temporary, name)) {
        return Err(abandon(storage, &temporary, error));
    }
    storage.sync_dir()
}

/// A new file with these bytes, which are durable; its name is not.
fn write_new<S: Storage + ?Sized>(storage: &S, name: &FileName, bytes: &[u8]) -> Result<()> {
    let mut file = storage.create_anew(name)?;
    file.append(bytes)?;
    file.sync() // before the rename: a name must never reach bytes that are not durable
}

/// Takes a file away that could not be finished: on a full disk it would keep room from others.
/// Nobody is in doubt about a file that nobody refers to.
pub(crate) fn abandon<S: Storage + ?Sized>(
    storage: &S,
    temporary: &FileName,
    mut error: StorageError,
) -> StorageError {
    let _ = storage.remove_if_present(temporary); // the next attempt replaces it
    error.in_doubt = false;
    error
}

/// Appends to a file of `len` bytes, or leaves it as it was.
///
/// # Errors
///
/// As [`append`](StorageFile::append); in doubt when a part of the bytes could not be cut off again.
#[inline]
pub(crate) fn append_or_undo(file: &mut impl StorageFile, len: u64, bytes: &[u8]) -> Result<()> {
    file.append(bytes).map_err(|error| undo(file, len, error))
}

/// Cuts off what a failed operation has left after the first `len` bytes.
#[cold]
pub(crate) fn undo(file: &mut impl StorageFile, len: u64, error: StorageError) -> StorageError {
    if file.truncate(len).is_ok() { error } else { error.leaving_doubt() }
}

/// An open file. Readers share it by separate handles; one handle writes.
pub trait StorageFile {
    /// Length in bytes.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn len(&self) -> Result<u64>;

    /// Whether the file is empty.
    ///
    /// # Errors
    ///
    /// As [`len`](Self::len).
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buf` from `offset` on and says how far; short only at the end of the file.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize>;

    /// Adds `bytes` at the end, all or an error.
    ///
    /// # Errors
    ///
    /// `NoSpace`, `ReadOnly`, or whatever the platform reports.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;

    /// Cuts the file to `len` bytes, which is not more than it has.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn truncate(&mut self, len: u64) -> Result<()>;

    /// Makes bytes and length durable.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports, [in doubt](StorageError::in_doubt): a second attempt that
    /// succeeds proves nothing about the first.
    fn sync(&mut self) -> Result<()>;

    /// Time has passed: a host that trusts that nobody else changes the file may look again before
    /// the next append, and refuse it.
    fn recheck(&mut self) {}

    /// The whole file.
    ///
    /// # Errors
    ///
    /// `NoSpace` when it does not fit memory, or whatever the platform reports.
    fn read_all(&self) -> Result<Vec<u8>> {
        let len = usize::try_from(self.len()?).map_err(|_| {
            StorageError::new(StorageErrorKind::NoSpace, "file is larger than the address space")
        })?;
        let mut bytes = vec![0; len];
        let read = self.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}
