//! Directories of real files.
//!
//! [`FsRoot`] is where the databases are, [`RootLock`] keeps a second process out of it, and
//! [`FsStorage`] is one directory as the engine wants it.
//!
//! ```
//! use nanotdb::storage::{FsRoot, RootLock};
//! use nanotdb_core::storage::{FileName, Storage};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("data");
//! let root = FsRoot::create(&path)?;
//! let _lock = RootLock::acquire(&path)?;
//! let garden = root.create_database("garden")?;
//! garden.replace(&FileName::new("manifest.toml")?, b"")?;
//! assert_eq!(root.databases()?, ["garden"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;
mod error;
mod file;
mod lock;
mod log;
mod root;
#[cfg(test)]
mod tests;

pub use directory::{Access, FsStorage};
pub use file::FsFile;
pub use lock::RootLock;
pub use nanotdb_core::storage::{Result, StorageError, StorageErrorKind};
pub use root::FsRoot;

pub(crate) use error::failed;
