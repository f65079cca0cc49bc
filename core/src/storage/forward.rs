//! Boxes are storage too, so a program can choose its storage while it runs:
//! `Box<dyn Storage<File = Box<dyn StorageFile>>>`.

use super::{FileName, Result, Storage, StorageFile};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl<S: Storage + ?Sized> Storage for Box<S> {
    type File = S::File;

    fn list(&self) -> Result<Vec<FileName>> {
        (**self).list()
    }

    fn create(&self, name: &FileName) -> Result<Self::File> {
        (**self).create(name)
    }

    fn open(&self, name: &FileName) -> Result<Self::File> {
        (**self).open(name)
    }

    fn open_log(&self, name: &FileName) -> Result<Self::File> {
        (**self).open_log(name)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        (**self).rename(from, to)
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        (**self).remove(name)
    }

    fn sync_dir(&self) -> Result<()> {
        (**self).sync_dir()
    }

    fn remove_if_present(&self, name: &FileName) -> Result<()> {
        (**self).remove_if_present(name)
    }

    fn create_anew(&self, name: &FileName) -> Result<Self::File> {
        (**self).create_anew(name)
    }

    fn open_or_create(&self, name: &FileName) -> Result<(Self::File, bool)> {
        (**self).open_or_create(name)
    }

    fn replace(&self, name: &FileName, bytes: &[u8]) -> Result<()> {
        (**self).replace(name, bytes)
    }

    fn read(&self, name: &FileName) -> Result<Option<Vec<u8>>> {
        (**self).read(name)
    }
}

impl<F: StorageFile + ?Sized> StorageFile for Box<F> {
    fn len(&self) -> Result<u64> {
        (**self).len()
    }

    fn is_empty(&self) -> Result<bool> {
        (**self).is_empty()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        (**self).append(bytes)
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        (**self).truncate(len)
    }

    fn sync(&mut self) -> Result<()> {
        (**self).sync()
    }

    fn recheck(&mut self) {
        (**self).recheck();
    }

    fn read_all(&self) -> Result<Vec<u8>> {
        (**self).read_all()
    }
}
