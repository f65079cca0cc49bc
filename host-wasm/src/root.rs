//! The data directory, wherever it is.

use crate::node::{NodeDirectory, NodeFile, NodeRoot};
use crate::volume::medium::Medium;
use crate::volume::{Volume, VolumeDirectory, VolumeFile};
use nanotdb_core::engine::shows_database;
use nanotdb_core::sorted::sort_by;
use nanotdb_core::storage::StorageErrorKind;
use nanotdb_core::storage::{FileName, Result, Storage, StorageError, StorageFile};
use std::cell::RefCell;
use std::rc::Rc;

/// Where imported files wait until all of them are there. No database can have this name.
pub const STAGING: &str = ".import";

/// Bytes that are moved at a time to give room back: some ten milliseconds.
const TIDY_BYTES: u64 = 4 << 20;

/// A volume in whatever medium there is.
pub type AnyVolume = Volume<Box<dyn Medium>>;

/// A place for a data directory.
#[derive(Debug, Clone)]
pub enum Root {
    /// In one file of the browser, or in memory.
    Volume(Rc<RefCell<AnyVolume>>),
    /// Files of Node.
    Node(Rc<NodeRoot>),
}

/// A file and its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its directory; empty for the root.
    pub directory: String,
    /// Its name.
    pub name: FileName,
    /// Its length in bytes.
    pub bytes: u64,
}

impl Root {
    /// The volume in a medium.
    ///
    /// # Errors
    ///
    /// As [`Volume::open`].
    pub fn volume(medium: Box<dyn Medium>) -> Result<Self> {
        let mut volume = Volume::open(medium)?;
        // Left by an import that was cut short.
        volume.remove_directory(STAGING)?;
        Ok(Self::Volume(Rc::new(RefCell::new(volume))))
    }

    /// One directory; the root is the empty name.
    pub fn directory(&self, name: &str) -> Directory {
        match self {
            Self::Volume(volume) => Directory::Volume(VolumeDirectory::new(volume, name)),
            Self::Node(root) => Directory::Node(root.directory(name)),
        }
    }

    /// Names of the directories, in any order.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn directories(&self) -> Result<Vec<String>> {
        let mut names = match self {
            Self::Volume(volume) => volume.borrow().directories(),
            Self::Node(root) => root.directories()?,
        };
        names.retain(|name| !name.is_empty() && !name.starts_with('.'));
        Ok(names)
    }

    /// Names of the directories that look like databases: that have a manifest, a catalog, a log
    /// or raw data.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn databases(&self) -> Result<Vec<String>> {
        let mut databases = Vec::new();
        for name in self.directories()? {
            let files = self.directory(&name).list()?;
            if files.iter().any(|file| shows_database(&name, file.as_str())) {
                databases.push(name);
            }
        }
        Ok(databases)
    }

    /// All files, by directory and name.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn files(&self) -> Result<Vec<Listed>> {
        let mut directories = self.directories()?;
        directories.push(String::new());
        sort_by(&mut directories, |a, b| a < b);
        let mut files = Vec::new();
        for directory in directories {
            files.extend(self.files_in(&directory)?);
        }
        Ok(files)
    }

    /// The files of one directory, by name.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn files_in(&self, directory: &str) -> Result<Vec<Listed>> {
        let listed = |(name, bytes)| Listed { directory: directory.to_owned(), name, bytes };
        match self {
            Self::Volume(volume) => {
                Ok(volume.borrow().list(directory).into_iter().map(listed).collect())
            }
            Self::Node(root) => {
                let files = root.directory(directory);
                let mut names = files.list()?;
                sort_by(&mut names, |a, b| a < b);
                let sized = |name: FileName| {
                    let bytes = files.open(&name)?.len()?;
                    Ok(listed((name, bytes)))
                };
                names.into_iter().map(sized).collect()
            }
        }
    }

    /// Bytes of its volume, if it is in one.
    pub fn volume_bytes(&self) -> Option<u64> {
        match self {
            Self::Volume(volume) => Some(volume.borrow().stored_bytes()),
            Self::Node(_) => None,
        }
    }

    /// Makes sure that what was done survives the end of the tab or process.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn settle(&self) -> Result<()> {
        match self {
            Self::Volume(volume) => volume.borrow_mut().settle(),
            Self::Node(_) => Ok(()), // the operating system has it
        }
    }

    /// Makes what was done durable.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn flush(&self) -> Result<()> {
        match self {
            Self::Volume(volume) => volume.borrow_mut().flush(),
            Self::Node(root) => root.directory("").sync_dir(),
        }
    }

    /// Gives room back that removed files left, some of it each time.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn tidy(&self) -> Result<()> {
        match self {
            Self::Volume(volume) => volume.borrow_mut().shrink(TIDY_BYTES).map(drop),
            Self::Node(_) => Ok(()),
        }
    }

    /// Removes a directory with its files.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn remove_directory(&self, directory: &str) -> Result<()> {
        match self {
            Self::Volume(volume) => volume.borrow_mut().remove_directory(directory),
            Self::Node(root) => {
                let files = root.directory(directory);
                files.list()?.iter().try_for_each(|name| files.remove(name))
            }
        }
    }

    /// Gives files of the staging directory their names: pairs of the staged name, and directory
    /// and name to be. In a volume all of them at once.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn publish(&self, moves: Vec<(FileName, (String, FileName))>) -> Result<()> {
        match self {
            Self::Volume(volume) => {
                let moves = moves.into_iter().map(|(from, to)| ((STAGING.to_owned(), from), to));
                volume.borrow_mut().rename_all(moves)
            }
            Self::Node(root) => {
                moves.into_iter().try_for_each(|(from, to)| root.rename((STAGING, &from), &to))
            }
        }
    }
}

/// One directory of a [`Root`].
#[derive(Debug)]
pub enum Directory {
    /// Of a volume.
    Volume(VolumeDirectory<Box<dyn Medium>>),
    /// Of Node.
    Node(NodeDirectory),
}

/// An open file of a [`Directory`].
#[derive(Debug)]
pub enum AnyFile {
    /// Of a volume.
    Volume(VolumeFile<Box<dyn Medium>>),
    /// Of Node.
    Node(NodeFile),
}

impl Storage for Directory {
    type File = AnyFile;

    fn list(&self) -> Result<Vec<FileName>> {
        match self {
            Self::Volume(directory) => directory.list(),
            Self::Node(directory) => directory.list(),
        }
    }

    fn create(&self, name: &FileName) -> Result<AnyFile> {
        match self {
            Self::Volume(directory) => directory.create(name).map(AnyFile::Volume),
            Self::Node(directory) => directory.create(name).map(AnyFile::Node),
        }
    }

    fn open(&self, name: &FileName) -> Result<AnyFile> {
        match self {
            Self::Volume(directory) => directory.open(name).map(AnyFile::Volume),
            Self::Node(directory) => directory.open(name).map(AnyFile::Node),
        }
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        match self {
            Self::Volume(directory) => directory.rename(from, to),
            Self::Node(directory) => directory.rename(from, to),
        }
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        match self {
            Self::Volume(directory) => directory.remove(name),
            Self::Node(directory) => directory.remove(name),
        }
    }

    fn sync_dir(&self) -> Result<()> {
        match self {
            Self::Volume(directory) => directory.sync_dir(),
            Self::Node(directory) => directory.sync_dir(),
        }
    }
}

impl StorageFile for AnyFile {
    fn len(&self) -> Result<u64> {
        match self {
            Self::Volume(file) => file.len(),
            Self::Node(file) => file.len(),
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        match self {
            Self::Volume(file) => file.read_at(offset, buf),
            Self::Node(file) => file.read_at(offset, buf),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Volume(file) => file.append(bytes),
            Self::Node(file) => file.append(bytes),
        }
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        match self {
            Self::Volume(file) => file.truncate(len),
            Self::Node(file) => file.truncate(len),
        }
    }

    fn sync(&mut self) -> Result<()> {
        match self {
            Self::Volume(file) => file.sync(),
            Self::Node(file) => file.sync(),
        }
    }
}

/// A directory that does not exist.
pub(crate) fn no_directory(name: &str) -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, format!("{name}: no such directory"))
}
