//! One directory of files.

use super::error::{failed, read_only};
use super::file::FsFile;
use super::log::LogFile;
use nanotdb_core::storage::{FileName, Result, Storage, StorageError, StorageErrorKind};
use std::fs::{self, DirBuilder, DirEntry, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What may be done with a directory and its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    ReadWrite,
    /// Reading. Nothing on the disk changes, so this is safe beside a process that writes.
    ReadOnly,
}

/// A directory of real files.
#[derive(Debug, Clone)]
pub struct FsStorage {
    path: PathBuf,
    access: Access,
}

impl FsStorage {
    /// An existing directory.
    ///
    /// # Errors
    ///
    /// `NotFound`, or `Io` when it is no directory or whatever else the system reports.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path.into(), Access::ReadWrite)
    }

    /// An existing directory, for reading only: every mutation answers `ReadOnly`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_read_only(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path.into(), Access::ReadOnly)
    }

    /// A directory that is made, with its parents and durably, when it is missing.
    ///
    /// # Errors
    ///
    /// Whatever the system reports.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        create_directories(&path)?;
        Self::open_with(path, Access::ReadWrite)
    }

    /// The files with their lengths in bytes, by name. One that goes away meanwhile is left out.
    ///
    /// # Errors
    ///
    /// When the directory cannot be listed.
    pub fn sizes(&self) -> Result<Vec<(FileName, u64)>> {
        let mut names = self.list()?;
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        let sized = |name: FileName| {
            let found = fs::metadata(self.file(&name)).ok()?;
            found.is_file().then_some((name, found.len()))
        };
        Ok(names.into_iter().filter_map(sized).collect())
    }

    /// Where the files are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn open_with(path: PathBuf, access: Access) -> Result<Self> {
        let metadata = fs::metadata(&path).map_err(|error| failed("open", &path, &error))?;
        if !metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(failed("open", &path, &error));
        }
        Ok(Self { path, access })
    }

    fn file(&self, name: &FileName) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// The path of a file that is about to change.
    fn writable(&self, operation: &str, name: &FileName) -> Result<PathBuf> {
        let path = self.file(name);
        match self.access {
            Access::ReadWrite => Ok(path),
            Access::ReadOnly => Err(read_only(operation, &path)),
        }
    }
}

impl Storage for FsStorage {
    type File = FsFile;

    fn list(&self) -> Result<Vec<FileName>> {
        let list_failed = |error: io::Error| failed("list", &self.path, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(list_failed)? {
            names.extend(file_name(&entry.map_err(list_failed)?));
        }
        Ok(names)
    }

    fn create(&self, name: &FileName) -> Result<FsFile> {
        let path = self.writable("create", name)?;
        let opened = new_files().read(true).append(true).create_new(true).open(&path);
        let file = opened.map_err(|error| failed("create", &path, &error))?;
        Ok(FsFile::writable(file, path))
    }

    fn open(&self, name: &FileName) -> Result<FsFile> {
        let path = self.file(name);
        let append = self.access == Access::ReadWrite;
        let opened = OpenOptions::new().read(true).append(append).open(&path);
        let file = opened.map_err(|error| failed("open", &path, &error))?;
        Ok(if append { FsFile::writable(file, path) } else { FsFile::read_only(file, path) })
    }

    /// A log whose appends are copies into mapped memory, where the system has that.
    ///
    /// Bytes are the system's as soon as `append` returns: they survive a killed process. No other
    /// process may cut the file meanwhile; [`RootLock`](super::RootLock) sees to that.
    fn open_log(&self, name: &FileName) -> Result<FsFile> {
        let path = match self.access {
            Access::ReadWrite => self.file(name),
            Access::ReadOnly => return self.open(name),
        };
        // Not in append mode: there, a positioned write ends up behind the reserved room.
        let opened = new_files().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| failed("open", &path, &error))?;
        LogFile::new(file, path).map(FsFile::log)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        let path = self.writable("rename", from)?;
        fs::rename(&path, self.file(to)).map_err(|error| failed("rename", &path, &error))
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        let path = self.writable("remove", name)?;
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
    }

    fn sync_dir(&self) -> Result<()> {
        match self.access {
            Access::ReadWrite => sync_directory(&self.path),
            Access::ReadOnly => Err(read_only("sync directory", &self.path)),
        }
    }
}

/// The one rule for names that come from outside: a single path component, nothing else.
pub(super) fn check_component(name: &str) -> Result<()> {
    match FileName::new(name) {
        Ok(_) if cfg!(windows) && name.contains(':') => {
            let detail = format!("name {name:?}: ':' leads elsewhere");
            Err(StorageError::new(StorageErrorKind::InvalidName, detail))
        }
        checked => checked.map(drop),
    }
}

/// The name of a file, also behind a link; nothing for directories and unusual names.
fn file_name(entry: &DirEntry) -> Option<FileName> {
    let name = FileName::new(entry.file_name().to_str()?).ok()?;
    let kind = entry.file_type().ok()?;
    let is_file = kind.is_file() || kind.is_symlink() && entry.path().is_file();
    is_file.then_some(name)
}

#[cfg(unix)]
fn new_files() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o644);
    options
}

#[cfg(not(unix))]
fn new_files() -> OpenOptions {
    OpenOptions::new()
}

/// Makes `path` and what is missing above it, each durable before the next.
fn create_directories(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    if parent != path {
        create_directories(parent)?;
    }
    match new_directories().create(path) {
        // Another thread was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made.map_err(|error| failed("create directory", path, &error))?,
    }
    sync_directory(parent)
}

#[cfg(unix)]
fn new_directories() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o755);
    builder
}

#[cfg(not(unix))]
fn new_directories() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    let sync_failed = |error: io::Error| failed("sync directory", path, &error);
    let directory = fs::File::open(path).map_err(sync_failed)?;
    directory.sync_all().map_err(|error| sync_failed(error).leaving_doubt())
}

/// Windows has no way to ask for it; NTFS journals directory changes by itself.
#[cfg(not(unix))]
pub(super) fn sync_directory(_path: &Path) -> Result<()> {
    Ok(())
}
