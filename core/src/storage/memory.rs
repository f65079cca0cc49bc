//! Files in memory: for tests, and for hosts that have nowhere to keep anything.

use super::{FileName, Result, Storage, StorageError, StorageErrorKind, StorageFile};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

type Content = Rc<RefCell<Vec<u8>>>;

/// A directory that lives as long as its last clone.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    files: Rc<RefCell<BTreeMap<FileName, Content>>>,
}

impl MemoryStorage {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A handle on a file of a [`MemoryStorage`].
#[derive(Debug)]
pub struct MemoryFile {
    content: Content,
}

fn not_found(name: &FileName) -> StorageError {
    StorageError::new(StorageErrorKind::NotFound, format!("{name}: no such file"))
}

impl Storage for MemoryStorage {
    type File = MemoryFile;

    fn list(&self) -> Result<Vec<FileName>> {
        Ok(self.files.borrow().keys().cloned().collect())
    }

    fn create(&self, name: &FileName) -> Result<MemoryFile> {
        let mut files = self.files.borrow_mut();
        if files.contains_key(name) {
            let detail = format!("{name}: file exists");
            return Err(StorageError::new(StorageErrorKind::AlreadyExists, detail));
        }
        let content = Content::default();
        files.insert(name.clone(), Rc::clone(&content));
        Ok(MemoryFile { content })
    }

    fn open(&self, name: &FileName) -> Result<MemoryFile> {
        let files = self.files.borrow();
        let content = files.get(name).ok_or_else(|| not_found(name))?;
        Ok(MemoryFile { content: Rc::clone(content) })
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        let mut files = self.files.borrow_mut();
        let content = files.remove(from).ok_or_else(|| not_found(from))?;
        files.insert(to.clone(), content);
        Ok(())
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        self.files.borrow_mut().remove(name).map(drop).ok_or_else(|| not_found(name))
    }

    fn sync_dir(&self) -> Result<()> {
        Ok(())
    }
}

impl StorageFile for MemoryFile {
    fn len(&self) -> Result<u64> {
        u64::try_from(self.content.borrow().len())
            .map_err(|_| StorageError::new(StorageErrorKind::Io, "length exceeds 64 bits"))
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        Ok(read_slice_at(&self.content.borrow(), offset, buf))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.content.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        if let Ok(len) = usize::try_from(len) {
            self.content.borrow_mut().truncate(len);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Copies what `content` has from `offset` on, and says how much that was.
pub(super) fn read_slice_at(content: &[u8], offset: u64, buf: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|from| content.get(from..));
    let rest = rest.unwrap_or_default();
    let count = rest.len().min(buf.len());
    if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}
