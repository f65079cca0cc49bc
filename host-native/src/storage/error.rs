//! What the operating system says, in the engine's terms.

use nanotdb_core::storage::{StorageError, StorageErrorKind};
use std::io::{Error, ErrorKind};
use std::path::Path;

/// The failed operation, the file and the system's message.
pub(crate) fn failed(operation: &str, path: &Path, error: &Error) -> StorageError {
    StorageError::new(kind(error), format!("{operation} {}: {error}", path.display()))
}

/// A mutation in a directory that was opened for reading only.
pub(super) fn read_only(operation: &str, path: &Path) -> StorageError {
    let detail = format!("{operation} {}: opened for reading only", path.display());
    StorageError::new(StorageErrorKind::ReadOnly, detail)
}

fn kind(error: &Error) -> StorageErrorKind {
    match error.kind() {
        ErrorKind::NotFound => StorageErrorKind::NotFound,
        ErrorKind::AlreadyExists => StorageErrorKind::AlreadyExists,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StorageErrorKind::NoSpace
        }
        ErrorKind::ReadOnlyFilesystem => StorageErrorKind::ReadOnly,
        // A refused permission is not `ReadOnly`: it may concern reading as well.
        _ => StorageErrorKind::Io,
    }
}
