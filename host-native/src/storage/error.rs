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
        // A zero byte, or more bytes than a name may have.
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename => StorageErrorKind::InvalidName,
        ErrorKind::PermissionDenied => StorageErrorKind::Denied,
        _ if is_out_of_files(error) => StorageErrorKind::TooManyFiles,
        _ => StorageErrorKind::Io,
    }
}

/// Whether the process, or the whole system, has as many files open as it may.
#[cfg(unix)]
fn is_out_of_files(error: &Error) -> bool {
    // `EMFILE` and `ENFILE`, the same on every Unix.
    matches!(error.raw_os_error(), Some(24 | 23))
}

/// `ERROR_TOO_MANY_OPEN_FILES`.
#[cfg(not(unix))]
fn is_out_of_files(error: &Error) -> bool {
    error.raw_os_error() == Some(4)
}
