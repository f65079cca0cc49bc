//! The one error of every storage implementation.

use alloc::string::String;
use core::fmt;

/// What kind of failure it was; the engine branches on this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// No such file or directory.
    NotFound,
    /// `create` found a file of that name.
    AlreadyExists,
    /// The disk, the quota or the handle pool is exhausted.
    NoSpace,
    /// Another process holds the directory.
    Locked,
    /// The directory was opened for reading only.
    ReadOnly,
    /// A name that cannot name a file here.
    InvalidName,
    /// The system does not let this process do it: permissions.
    Denied,
    /// So many files are open that no other can be, now.
    TooManyFiles,
    /// Anything else the platform reported.
    Io,
}

/// A failed storage operation: its kind for the program, its detail for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageError {
    /// What kind of failure it was.
    pub kind: StorageErrorKind,
    /// The operation, the file and what the platform said.
    pub detail: String,
    /// Whether it is unknown what the disk holds now: a sync failed, or a failed write could not be
    /// undone. Otherwise everything is as it was before the operation.
    pub in_doubt: bool,
}

impl StorageError {
    /// An error of this kind, of an operation that has changed nothing.
    pub fn new(kind: StorageErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), in_doubt: false }
    }

    /// The same error, of an operation after which nobody knows what the disk holds.
    #[must_use]
    pub fn leaving_doubt(mut self) -> Self {
        self.in_doubt = true;
        self
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl core::error::Error for StorageError {}
