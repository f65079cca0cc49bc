//! The origin's private file system: one file for each root, with a synchronous handle.
//!
//! Such handles exist in dedicated workers only, and one handle locks its file. The file of a
//! worker that died is free a little later, so opening tries again for a while.

use crate::convert::{to_f64, to_u64};
use crate::error::described;
use crate::volume::medium::Medium;
use core::cell::Cell;
use nanotdb_core::storage::{Result, StorageError, StorageErrorKind};
use std::fmt::{self, Write};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
};

/// Directory of the private file system that has the volumes.
const DIRECTORY: &str = "nanotdb";

/// Milliseconds between attempts to get a handle that somebody still holds, and how many attempts
/// there are: five seconds in all.
const PAUSES: [i32; 12] = [2, 5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1700];

/// A synchronous handle on the file of a volume.
pub struct OpfsMedium {
    handle: FileSystemSyncAccessHandle,
    /// Kept for all calls: making one costs more than a small read.
    options: FileSystemReadWriteOptions,
    len: Cell<u64>,
}

impl fmt::Debug for OpfsMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpfsMedium").field("len", &self.len).finish_non_exhaustive()
    }
}

impl OpfsMedium {
    /// The file of a root, made when it is missing.
    ///
    /// # Errors
    ///
    /// `unavailable`, `locked`, or whatever the browser reports.
    pub async fn open(root: &str) -> core::result::Result<Self, JsValue> {
        let file = file(root, true).await?;
        let mut pauses = PAUSES.into_iter();
        loop {
            match JsFuture::from(file.create_sync_access_handle()).await {
                Ok(handle) => {
                    let handle: FileSystemSyncAccessHandle = handle.unchecked_into();
                    let len = handle.get_size().map_err(|error| unexpected("size", &error))?;
                    let len = Cell::new(to_u64(len));
                    return Ok(Self { handle, options: FileSystemReadWriteOptions::new(), len });
                }
                Err(error) if is_held(&error) => match pauses.next() {
                    Some(pause) => sleep(pause).await?,
                    None => {
                        let detail = format!(
                            "root {root:?}: another tab or worker holds its file: {}",
                            described(&error).1
                        );
                        return Err(crate::error::with_code("locked", &detail));
                    }
                },
                Err(error) => return Err(unexpected("open", &error)),
            }
        }
    }

    fn at(&self, offset: u64) -> &FileSystemReadWriteOptions {
        self.options.set_at(to_f64(offset));
        &self.options
    }
}

impl Drop for OpfsMedium {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Deletes the file of a root, if there is one.
///
/// # Errors
///
/// Whatever the browser reports.
pub async fn remove(root: &str) -> core::result::Result<(), JsValue> {
    let removed = JsFuture::from(directory(true).await?.remove_entry(&file_name(root))).await;
    match removed {
        Err(error) if described(&error).0 != "NotFoundError" => Err(unexpected("remove", &error)),
        _ => Ok(()),
    }
}

impl Medium for OpfsMedium {
    fn len(&self) -> Result<u64> {
        Ok(self.len.get())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let options = self.at(offset);
        let read = self.handle.read_with_u8_array_and_options(buf, options);
        let read = read.map_err(|error| failed("read", &error))?;
        let count = usize::try_from(to_u64(read)).unwrap_or(usize::MAX);
        if count > buf.len() {
            let detail = format!("read: the browser says it read {read} of {} bytes", buf.len());
            return Err(StorageError::new(StorageErrorKind::Io, detail));
        }
        Ok(count)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let options = self.at(offset);
        let written = self.handle.write_with_u8_array_and_options(bytes, options);
        let written = written.map_err(|error| failed("write", &error))?;
        let (written, len) = (to_u64(written), bytes.len() as u64);
        // A full disk shows as a short count, or as a count that cannot be: Chromium's -8, unsigned.
        if written != len {
            let taken = if written < len { written } else { 0 };
            let detail = format!("write: no space left after {taken} of {len} bytes");
            return Err(StorageError::new(StorageErrorKind::NoSpace, detail));
        }
        self.len.set(self.len.get().max(offset + len));
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        let cut = self.handle.truncate_with_f64(to_f64(len));
        cut.map_err(|error| failed("truncate", &error))?;
        self.len.set(len);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.handle.flush().map_err(|error| failed("flush", &error))
    }
}

fn is_held(error: &JsValue) -> bool {
    matches!(described(error).0.as_str(), "NoModificationAllowedError" | "InvalidStateError")
}

/// Root names may have any characters, file names may not: others than letters and digits are
/// written as their bytes.
fn file_name(root: &str) -> String {
    let mut name = String::with_capacity(root.len() + 8);
    for byte in root.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "_{byte:02x}");
        }
    }
    name + ".volume"
}

async fn file(root: &str, create: bool) -> core::result::Result<FileSystemFileHandle, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    let directory = directory(create).await?;
    let file = directory.get_file_handle_with_options(&file_name(root), &options);
    let file = JsFuture::from(file).await.map_err(|error| unexpected("open", &error))?;
    Ok(file.unchecked_into())
}

async fn directory(create: bool) -> core::result::Result<FileSystemDirectoryHandle, JsValue> {
    let missing = || unavailable("this is no dedicated worker of a secure page");
    let scope: web_sys::DedicatedWorkerGlobalScope =
        js_sys::global().dyn_into().map_err(|_| missing())?;
    let storage = scope.navigator().storage();
    if storage.is_undefined() || storage.is_null() {
        return Err(missing());
    }
    let top = JsFuture::from(storage.get_directory());
    let top: FileSystemDirectoryHandle =
        top.await.map_err(|error| unavailable(&described(&error).1))?.unchecked_into();
    let options = web_sys::FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let made = JsFuture::from(top.get_directory_handle_with_options(DIRECTORY, &options)).await;
    made.map(JsCast::unchecked_into).map_err(|error| unexpected("open", &error))
}

fn unavailable(why: &str) -> JsValue {
    let detail = format!("the browser keeps no files here: {why}");
    crate::error::with_code("unavailable", &detail)
}

/// A failure before there is a handle.
fn unexpected(verb: &str, error: &JsValue) -> JsValue {
    crate::error::thrown(failed(verb, error))
}

fn failed(verb: &str, error: &JsValue) -> StorageError {
    let (name, message) = described(error);
    let kind = match name.as_str() {
        "QuotaExceededError" => StorageErrorKind::NoSpace,
        "NotFoundError" => StorageErrorKind::NotFound,
        "NoModificationAllowedError" => StorageErrorKind::Locked,
        _ => StorageErrorKind::Io,
    };
    StorageError::new(kind, format!("{verb}: {name}: {message}"))
}

async fn sleep(milliseconds: i32) -> core::result::Result<(), JsValue> {
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let woken = js_sys::Promise::new(&mut |resolve, _| {
        // Without a timer, the next attempt comes at once.
        let set =
            scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        if set.is_err() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    JsFuture::from(woken).await.map(drop)
}
