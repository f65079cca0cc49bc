//! Directories and files of a volume, as the engine wants them.

use super::Volume;
use super::medium::Medium;
use super::record::FileId;
use nanotdb_core::storage::{FileName, Result, Storage, StorageFile};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// One directory of a volume.
pub struct VolumeDirectory<M> {
    volume: Rc<RefCell<Volume<M>>>,
    name: String,
}

/// A file of a volume.
pub struct VolumeFile<M: Medium> {
    volume: Rc<RefCell<Volume<M>>>,
    file: FileId,
}

impl<M> fmt::Debug for VolumeDirectory<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolumeDirectory").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<M: Medium> fmt::Debug for VolumeFile<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolumeFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<M> VolumeDirectory<M> {
    /// The directory of this name, which needs not exist: it has the files whose names begin with
    /// it. The root has the empty name.
    pub fn new(volume: &Rc<RefCell<Volume<M>>>, name: &str) -> Self {
        Self { volume: Rc::clone(volume), name: name.to_owned() }
    }
}

impl<M: Medium> VolumeDirectory<M> {
    fn handle(&self, file: FileId) -> VolumeFile<M> {
        self.volume.borrow_mut().opened(file);
        VolumeFile { volume: Rc::clone(&self.volume), file }
    }
}

impl<M: Medium> Storage for VolumeDirectory<M> {
    type File = VolumeFile<M>;

    fn list(&self) -> Result<Vec<FileName>> {
        let files = self.volume.borrow().list(&self.name);
        Ok(files.into_iter().map(|(name, _)| name).collect())
    }

    fn create(&self, name: &FileName) -> Result<VolumeFile<M>> {
        let file = self.volume.borrow_mut().create(&self.name, name)?;
        Ok(self.handle(file))
    }

    fn open(&self, name: &FileName) -> Result<VolumeFile<M>> {
        let file = self.volume.borrow().find(&self.name, name)?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        let place = |name: &FileName| (self.name.clone(), name.clone());
        self.volume.borrow_mut().rename_all([(place(from), place(to))])
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        self.volume.borrow_mut().remove(&self.name, name)
    }

    fn sync_dir(&self) -> Result<()> {
        self.volume.borrow_mut().flush()
    }
}

impl<M: Medium> StorageFile for VolumeFile<M> {
    fn len(&self) -> Result<u64> {
        Ok(self.volume.borrow().inode(self.file)?.len)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.volume.borrow().read_at(self.file, offset, buf)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.volume.borrow_mut().append(self.file, bytes)
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        self.volume.borrow_mut().truncate(self.file, len)
    }

    fn sync(&mut self) -> Result<()> {
        self.volume.borrow_mut().flush()
    }
}

impl<M: Medium> Drop for VolumeFile<M> {
    fn drop(&mut self) {
        self.volume.borrow_mut().released(self.file);
    }
}
