//! One process for each cursor.

use super::ForwardError;
use crate::storage::failed;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A cursor that nobody else moves while this value lives. The system drops the lock with the
/// process; the file stays, since removing it could leave two processes holding different files.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the cursor of this name, without waiting.
    pub(super) fn acquire(root: &Path, name: &str) -> Result<Self, ForwardError> {
        let path = root.join(format!(".forward-{name}.lock"));
        let file = File::create(&path).map_err(|error| failed("lock", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ForwardError::Locked(format!(
                "another process forwards by the name {name:?}: stop it, or choose another name"
            ))),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path, &error).into()),
        }
    }
}
