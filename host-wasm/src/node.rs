//! Files of Node, through functions that the package hands in.

use crate::convert::{path, to_f64, to_u64};
use nanotdb_core::storage::{
    FileName, Result, Storage, StorageError, StorageErrorKind, StorageFile,
};
use std::fmt;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Synchronous files below one directory. Paths have `/` and are relative to it.
    pub type NodeFiles;

    #[wasm_bindgen(method, catch)]
    fn list(this: &NodeFiles, directory: &str) -> core::result::Result<Vec<String>, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn directories(this: &NodeFiles) -> core::result::Result<Vec<String>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = makeDirectory)]
    fn make_directory(this: &NodeFiles, path: &str) -> core::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn open(this: &NodeFiles, path: &str, create: bool) -> core::result::Result<i32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &NodeFiles, fd: i32) -> core::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn read(
        this: &NodeFiles,
        fd: i32,
        offset: f64,
        into: &mut [u8],
    ) -> core::result::Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn write(
        this: &NodeFiles,
        fd: i32,
        offset: f64,
        bytes: &[u8],
    ) -> core::result::Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn size(this: &NodeFiles, fd: i32) -> core::result::Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn truncate(this: &NodeFiles, fd: i32, len: f64) -> core::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn sync(this: &NodeFiles, fd: i32) -> core::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn rename(this: &NodeFiles, from: &str, to: &str) -> core::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn remove(this: &NodeFiles, path: &str) -> core::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = syncDirectory)]
    fn sync_directory(this: &NodeFiles, path: &str) -> core::result::Result<(), JsValue>;
}

impl fmt::Debug for NodeFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeFiles").finish_non_exhaustive()
    }
}

/// A data directory in Node.
#[derive(Debug)]
pub struct NodeRoot {
    files: NodeFiles,
}

impl NodeRoot {
    pub(crate) fn new(files: NodeFiles) -> Rc<Self> {
        Rc::new(Self { files })
    }

    pub(crate) fn directory(self: &Rc<Self>, name: &str) -> NodeDirectory {
        NodeDirectory { root: Rc::clone(self), name: name.to_owned() }
    }

    pub(crate) fn directories(&self) -> Result<Vec<String>> {
        self.files.directories().map_err(|error| failed("list", "", &error))
    }

    pub(crate) fn make_directory(&self, name: &str) -> Result<()> {
        self.files.make_directory(name).map_err(|error| failed("make directory", name, &error))
    }

    /// Moves a file to another directory, making that one when it is missing.
    pub(crate) fn rename(&self, from: (&str, &FileName), to: &(String, FileName)) -> Result<()> {
        if !to.0.is_empty() {
            self.make_directory(&to.0)?;
        }
        let (from, to) = (path(from.0, from.1), path(&to.0, &to.1));
        self.files.rename(&from, &to).map_err(|error| failed("rename", &from, &error))
    }
}

/// One directory of Node.
#[derive(Debug)]
pub struct NodeDirectory {
    root: Rc<NodeRoot>,
    name: String,
}

impl NodeDirectory {
    fn open_as(&self, name: &FileName, create: bool) -> Result<NodeFile> {
        let path = path(&self.name, name);
        let verb = if create { "create" } else { "open" };
        let opened = self.root.files.open(&path, create);
        let fd = opened.map_err(|error| failed(verb, &path, &error))?;
        let mut file = NodeFile { root: Rc::clone(&self.root), path, fd, len: 0 };
        file.len = file.size()?;
        Ok(file)
    }
}

impl Storage for NodeDirectory {
    type File = NodeFile;

    fn list(&self) -> Result<Vec<FileName>> {
        let names = self.root.files.list(&self.name);
        let names = names.map_err(|error| failed("list", &self.name, &error))?;
        Ok(names.iter().filter_map(|name| FileName::new(name).ok()).collect())
    }

    fn create(&self, name: &FileName) -> Result<NodeFile> {
        self.open_as(name, true)
    }

    fn open(&self, name: &FileName) -> Result<NodeFile> {
        self.open_as(name, false)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> Result<()> {
        let (from, to) = (path(&self.name, from), path(&self.name, to));
        self.root.files.rename(&from, &to).map_err(|error| failed("rename", &from, &error))
    }

    fn remove(&self, name: &FileName) -> Result<()> {
        let path = path(&self.name, name);
        self.root.files.remove(&path).map_err(|error| failed("remove", &path, &error))
    }

    fn sync_dir(&self) -> Result<()> {
        let synced = self.root.files.sync_directory(&self.name);
        synced.map_err(|error| sync_failed("sync directory", &self.name, &error))
    }
}

/// An open file of Node.
#[derive(Debug)]
pub struct NodeFile {
    root: Rc<NodeRoot>,
    path: String,
    fd: i32,
    /// Where the next append goes; only the one handle that writes relies on it.
    len: u64,
}

impl NodeFile {
    fn size(&self) -> Result<u64> {
        let size = self.root.files.size(self.fd);
        size.map(to_u64).map_err(|error| failed("size", &self.path, &error))
    }
}

impl StorageFile for NodeFile {
    fn len(&self) -> Result<u64> {
        self.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let place = to_f64(offset.saturating_add(done as u64));
            let read = self.root.files.read(self.fd, place, rest);
            match read.map_err(|error| failed("read", &self.path, &error))? {
                read if read > 0.0 => done += usize::try_from(to_u64(read)).unwrap_or(usize::MAX),
                _ => break,
            }
        }
        Ok(done)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let place = to_f64(self.len.saturating_add(done as u64));
            let written = self.root.files.write(self.fd, place, rest);
            match written.map_err(|error| failed("write", &self.path, &error))? {
                count if count > 0.0 => done += usize::try_from(to_u64(count)).unwrap_or(0),
                _ => {
                    let detail = format!("write {}: nothing was written", self.path);
                    return Err(StorageError::new(StorageErrorKind::NoSpace, detail));
                }
            }
        }
        self.len = self.len.saturating_add(done as u64);
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        let cut = self.root.files.truncate(self.fd, to_f64(len));
        cut.map_err(|error| failed("truncate", &self.path, &error))?;
        self.len = len;
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.root.files.sync(self.fd).map_err(|error| sync_failed("sync", &self.path, &error))
    }
}

impl Drop for NodeFile {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.root.files.close(self.fd);
    }
}

/// What nobody knows the outcome of, unless the file could not even be opened for it.
fn sync_failed(verb: &str, path: &str, error: &JsValue) -> StorageError {
    let code = crate::error::text_of(error, "code").unwrap_or_default();
    let failure = failed(verb, path, error);
    match code.as_str() {
        "EMFILE" | "ENFILE" | "EACCES" | "ENOENT" => failure,
        _ => failure.leaving_doubt(),
    }
}

/// Node's error: its `code` says what kind it is.
fn failed(verb: &str, path: &str, error: &JsValue) -> StorageError {
    let code = crate::error::text_of(error, "code").unwrap_or_default();
    let kind = match code.as_str() {
        "ENOENT" => StorageErrorKind::NotFound,
        "EEXIST" => StorageErrorKind::AlreadyExists,
        "ENOSPC" | "EDQUOT" => StorageErrorKind::NoSpace,
        "EROFS" => StorageErrorKind::ReadOnly,
        "EACCES" | "EPERM" => StorageErrorKind::Denied,
        "EMFILE" | "ENFILE" => StorageErrorKind::TooManyFiles,
        _ => StorageErrorKind::Io,
    };
    let what = crate::error::text_of(error, "message").unwrap_or(code);
    StorageError::new(kind, format!("{verb} {path}: {what}"))
}
