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
}

impl StorageError {
    /// An error of this kind.
    pub fn new(kind: StorageErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl core::error::Error for StorageError {}
