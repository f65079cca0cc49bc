//! Names of files, checked once.

use super::error::{StorageError, StorageErrorKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// A file's name inside its directory: one path component that cannot lead anywhere else.
///
/// 1 to 255 bytes, no `/`, `\` or control character, no leading dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Longest name in bytes, as the usual file systems have it.
    pub const MAX_LEN: usize = 255;

    /// The checked name.
    ///
    /// # Errors
    ///
    /// `InvalidName` when the rules above are broken.
    pub fn new(name: &str) -> Result<Self, StorageError> {
        let forbidden = |c: char| c == '/' || c == '\\' || c.is_control();
        if name.is_empty()
            || name.len() > Self::MAX_LEN
            || name.starts_with('.')
            || name.contains(forbidden)
        {
            let detail = format!(
                "file name {name:?}: expected 1 to {} bytes, no '/', '\\' or control character, no leading dot",
                Self::MAX_LEN
            );
            return Err(StorageError::new(StorageErrorKind::InvalidName, detail));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name under which a replacement is prepared: `<name>.tmp`, as the reference calls it.
    ///
    /// # Errors
    ///
    /// `InvalidName` when the suffix makes the name too long.
    pub fn temporary(&self) -> Result<Self, StorageError> {
        Self::new(&format!("{}.tmp", self.0))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
