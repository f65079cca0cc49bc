//! Storage chosen at run time.

use super::{FileName, MemoryStorage, Result, Storage, StorageFile};
use alloc::boxed::Box;
use alloc::vec::Vec;

type AnyStorage = Box<dyn Storage<File = Box<dyn StorageFile>>>;

/// What a program writes to hide one of several storages behind a pointer.
struct Erased<S>(S);

fn boxed<F: StorageFile + 'static>(file: F) -> Box<dyn StorageFile> {
    Box::new(file)
}

impl<S: Storage<File: 'static>> Storage for Erased<S> {
    type File = Box<dyn StorageFile>;

    fn list(&self) -> Result<Vec<FileName>> {
        self.0.list()
    }

    fn create(&self, name: &FileName) -> Result<Self::File> {
        self.0.create(name).map(boxed)
    }

    fn open(&self, name: &FileName) -> Result<Self::File> {
        self.0.open(name).map(boxed)
    }

    fn open_log(&self, name: &FileName) -> Result<Self::File> {
        self.0.open_log(name).map(boxed)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        self.0.remove(name)
    }

    fn sync_dir(&self) -> Result<()> {
        self.0.sync_dir()
    }
}

#[test]
fn storage_can_be_chosen_at_run_time() {
    let storage: AnyStorage = Box::new(Erased(MemoryStorage::new()));
    let name = FileName::new("a").unwrap();
    storage.replace(&name, b"boxed").unwrap();
    assert_eq!(storage.read(&name).unwrap().as_deref(), Some(&b"boxed"[..]));
}

#[cfg(feature = "testing")]
mod conformance {
    use super::{AnyStorage, Erased};
    use crate::storage::{MemoryStorage, SimStorage, conformance};
    use alloc::boxed::Box;

    #[test]
    fn memory_conforms() {
        conformance::run(MemoryStorage::new);
    }

    #[test]
    fn simulation_conforms() {
        conformance::run(SimStorage::new);
    }

    #[test]
    fn boxed_storage_conforms() {
        conformance::run(|| -> AnyStorage { Box::new(Erased(MemoryStorage::new())) });
    }
}
