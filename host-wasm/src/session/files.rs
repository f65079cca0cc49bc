//! Files of the data directory, as they are.

use super::view::object;
use super::{Answer, Session};
use crate::convert::path;
use crate::error::{thrown, with_code};
use crate::root::Directory;
use js_sys::Uint8Array;
use nanotdb_core::storage::{FileName, Storage, StorageErrorKind, StorageFile};
use nanotdb_core::view::FileEntry;
use wasm_bindgen::prelude::*;

/// Most bytes of one read.
const MAX_READ: f64 = 64.0 * 1024.0 * 1024.0;

#[wasm_bindgen]
impl Session {
    /// All files, with their lengths.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn files(&self) -> Answer<JsValue> {
        let files = self.root.files().map_err(thrown)?;
        let entry = |file: crate::root::Listed| FileEntry {
            path: path(&file.directory, &file.name),
            bytes: file.bytes.into(),
        };
        object(&files.into_iter().map(entry).collect::<Vec<_>>())
    }

    /// A part of a file: fewer bytes at its end, nothing when there is no such file.
    ///
    /// # Errors
    ///
    /// `invalid` when the path cannot be one.
    #[wasm_bindgen(js_name = readFile)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn read_file(&self, path: &str, offset: f64, length: f64) -> Answer<Option<Uint8Array>> {
        let (directory, name) = self.place(path)?;
        let file = match directory.open(&name) {
            Ok(file) => file,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(thrown(error)),
        };
        let offset = offset.max(0.0) as u64;
        let there = file.len().map_err(thrown)?.saturating_sub(offset);
        let wanted = (length.clamp(0.0, MAX_READ) as u64).min(there);
        let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(0)];
        let read = file.read_at(offset, &mut bytes).map_err(thrown)?;
        Ok(Some(Uint8Array::from(bytes.get(..read).unwrap_or_default())))
    }

    /// Replaces a file that is none of the engine's, whole or not at all.
    ///
    /// # Errors
    ///
    /// `invalid` when it is the engine's, or the path cannot be one.
    #[wasm_bindgen(js_name = writeFile)]
    pub fn write_file(&self, path: &str, content: &[u8]) -> Answer<()> {
        self.engine()?; // not after closing
        let (directory, name) = self.own_place(path)?;
        directory.replace(&name, content).map_err(thrown)
    }

    /// Removes a file that is none of the engine's, if there is one.
    ///
    /// # Errors
    ///
    /// As [`write_file`](Self::write_file).
    #[wasm_bindgen(js_name = removeFile)]
    pub fn remove_file(&self, path: &str) -> Answer<()> {
        self.engine()?;
        let (directory, name) = self.own_place(path)?;
        let removed = directory.remove_if_present(&name).and_then(|()| directory.sync_dir());
        removed.map_err(thrown)
    }

    fn place(&self, path: &str) -> Answer<(Directory, FileName)> {
        let (directory, name) = split(path)?;
        Ok((self.root.directory(&directory), name))
    }

    /// A place where the engine has no files: the root without its settings, or a directory that
    /// is no database.
    fn own_place(&self, path: &str) -> Answer<(Directory, FileName)> {
        let (directory, name) = split(path)?;
        let engine = directory.is_empty() && name.as_str() == "engine.toml";
        let database = self.engine()?.databases().map_err(thrown)?.contains(&directory);
        if engine || database {
            let detail = format!("{path}: this file is the engine's");
            return Err(with_code("invalid", &detail));
        }
        if let (crate::root::Root::Node(root), false) = (&self.root, directory.is_empty()) {
            root.make_directory(&directory).map_err(thrown)?;
        }
        Ok((self.root.directory(&directory), name))
    }
}

/// Directory and name of a path with at most one `/`.
pub(super) fn split(path: &str) -> Answer<(String, FileName)> {
    let (directory, name) = path.split_once('/').unwrap_or(("", path));
    let checked = if directory.is_empty() { Ok(()) } else { FileName::new(directory).map(drop) };
    let name = checked.and_then(|()| FileName::new(name)).map_err(thrown)?;
    Ok((directory.to_owned(), name))
}
