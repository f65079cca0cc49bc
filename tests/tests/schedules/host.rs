//! A host whose locks and files hand over to the scheduler. Locks are used as the native host
//! uses its own.

use nanotdb::Timestamp;
use nanotdb::engine::{Clock, Host, Shared};
use nanotdb_core::storage::{
    FileName, Result, Storage, StorageError, StorageErrorKind, StorageFile,
};
use shuttle::sync::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Locked<T>(RwLock<T>);

impl<T> Shared<T> for Locked<T> {
    fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.0.read().unwrap())
    }

    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.write().unwrap())
    }
}

#[derive(Debug)]
pub(crate) struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

type Content = Arc<Mutex<Vec<u8>>>;

/// A directory in memory, as the engine's own, for several threads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<BTreeMap<FileName, Content>>>);

#[derive(Debug)]
pub(crate) struct File(Content);

fn not_found(name: &FileName) -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, name.to_string())
}

impl Storage for Directory {
    type File = File;

    fn list(&self) -> Result<Vec<FileName>> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }

    fn create(&self, name: &FileName) -> Result<File> {
        let mut files = self.0.lock().unwrap();
        if files.contains_key(name) {
            return Err(StorageError::new(StorageErrorKind::AlreadyExists, name.to_string()));
        }
        let content = Content::default();
        files.insert(name.clone(), Arc::clone(&content));
        Ok(File(content))
    }

    fn open(&self, name: &FileName) -> Result<File> {
        let files = self.0.lock().unwrap();
        files.get(name).cloned().map(File).ok_or_else(|| not_found(name))
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        let mut files = self.0.lock().unwrap();
        let content = files.remove(from).ok_or_else(|| not_found(from))?;
        files.insert(to.clone(), content);
        Ok(())
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        self.0.lock().unwrap().remove(name).map(drop).ok_or_else(|| not_found(name))
    }

    fn sync_dir(&self) -> Result<()> {
        Ok(())
    }
}

impl StorageFile for File {
    fn len(&self) -> Result<u64> {
        Ok(u64::try_from(self.0.lock().unwrap().len()).unwrap())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let content = self.0.lock().unwrap();
        let rest = content.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        self.0.lock().unwrap().truncate(usize::try_from(len).unwrap());
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct ScheduledHost {
    root: Directory,
    databases: Mutex<BTreeMap<String, Directory>>,
}

impl ScheduledHost {
    /// A host whose `engine.toml` says `settings`.
    pub(crate) fn new(settings: &str) -> Self {
        let root = Directory::default();
        root.replace(&FileName::new("engine.toml").unwrap(), settings.as_bytes()).unwrap();
        Self { root, databases: Mutex::default() }
    }
}

impl Host for ScheduledHost {
    type Storage = Directory;
    type Shared<T> = Locked<T>;
    type Clock = StandingClock;

    fn clock(&self) -> &StandingClock {
        &StandingClock
    }

    fn root(&self) -> Result<Directory> {
        Ok(self.root.clone())
    }

    fn databases(&self) -> Result<Vec<String>> {
        Ok(self.databases.lock().unwrap().keys().cloned().collect())
    }

    fn database(&self, name: &str, create: bool) -> Result<Directory> {
        let mut databases = self.databases.lock().unwrap();
        if create {
            return Ok(databases.entry(name.to_owned()).or_default().clone());
        }
        let missing = || StorageError::new(StorageErrorKind::NotFound, name.to_owned());
        databases.get(name).cloned().ok_or_else(missing)
    }
}
