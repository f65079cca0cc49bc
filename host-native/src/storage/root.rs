//! The directory that databases are in.

use super::directory::{Access, FsStorage, check_component};
use super::error::{failed, read_only};
use nanotdb_core::engine::shows_database;
use nanotdb_core::storage::{Result, Storage};
use std::fs;
use std::path::{Path, PathBuf};

/// A directory with one directory for each database, and the engine's settings.
#[derive(Debug, Clone)]
pub struct FsRoot {
    path: PathBuf,
    access: Access,
}

impl FsRoot {
    /// An existing root.
    ///
    /// # Errors
    ///
    /// As [`FsStorage::open`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path.into(), Access::ReadWrite)
    }

    /// An existing root, for reading only: it and its databases refuse every mutation.
    ///
    /// # Errors
    ///
    /// As [`FsStorage::open`].
    pub fn open_read_only(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path.into(), Access::ReadOnly)
    }

    /// A root that is made when it is missing.
    ///
    /// # Errors
    ///
    /// As [`FsStorage::create`].
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let storage = FsStorage::create(path)?;
        Ok(Self { path: storage.path().to_owned(), access: Access::ReadWrite })
    }

    /// Where the root is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What may be done with it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The root's own files, such as `engine.toml`.
    ///
    /// # Errors
    ///
    /// As [`FsStorage::open`].
    pub fn storage(&self) -> Result<FsStorage> {
        FsStorage::open_with(self.path.clone(), self.access)
    }

    /// The names of all databases, sorted: the directories that have a manifest, a catalog, a log
    /// or raw data in them.
    ///
    /// # Errors
    ///
    /// Whatever the system reports.
    pub fn databases(&self) -> Result<Vec<String>> {
        let list_failed = |error| failed("list", &self.path, &error);
        let mut databases = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(list_failed)? {
            let entry = entry.map_err(list_failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // What cannot be listed is no database of ours: think of `lost+found`.
            if self.has_database(&name).unwrap_or(false) {
                databases.push(name);
            }
        }
        databases.sort();
        Ok(databases)
    }

    /// Whether there is a directory of this name that looks like a database.
    ///
    /// # Errors
    ///
    /// `InvalidName`, or whatever the system reports.
    pub fn has_database(&self, name: &str) -> Result<bool> {
        let path = self.database_path(name)?;
        if path.is_dir() { self.holds(name) } else { Ok(false) }
    }

    /// The files of an existing database.
    ///
    /// # Errors
    ///
    /// `InvalidName`, or as [`FsStorage::open`].
    pub fn database(&self, name: &str) -> Result<FsStorage> {
        FsStorage::open_with(self.database_path(name)?, self.access)
    }

    /// The files of a database whose directory is made when it is missing.
    ///
    /// # Errors
    ///
    /// `InvalidName`, `ReadOnly`, or as [`FsStorage::create`].
    pub fn create_database(&self, name: &str) -> Result<FsStorage> {
        let path = self.database_path(name)?;
        match self.access {
            Access::ReadWrite => FsStorage::create(path),
            Access::ReadOnly => Err(read_only("create directory", &path)),
        }
    }

    fn open_with(path: PathBuf, access: Access) -> Result<Self> {
        let storage = FsStorage::open_with(path, access)?;
        Ok(Self { path: storage.path().to_owned(), access })
    }

    fn database_path(&self, name: &str) -> Result<PathBuf> {
        check_component(name)?;
        Ok(self.path.join(name))
    }

    fn holds(&self, name: &str) -> Result<bool> {
        let files = self.database(name)?.list()?;
        Ok(files.iter().any(|file| shows_database(name, file.as_str())))
    }
}
