//! A file that appears once it is complete: whatever interrupts the work, the old one stays.

use super::Failure;
use nanotdb::storage::{StorageError, StorageErrorKind};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file under a temporary name, beside the one it will replace.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    temporary: PathBuf,
    to: BufWriter<File>,
    finished: bool,
}

impl Target {
    /// Begins the file, making the directories above it.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let failed =
            |error: io::Error| Failure::failed(format!("write {}: {error}", path.display()));
        let path = resolve(path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut name = path.file_name().map(OsString::from).unwrap_or_default();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let to = BufWriter::with_capacity(1 << 18, File::create(&temporary).map_err(failed)?);
        Ok(Self { path, temporary, to, finished: false })
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.to.flush()?;
        // Before the rename: a name must never reach bytes that are not durable.
        self.to.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.finished = true;
        sync_directory(self.path.parent())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.finished {
            // What failed is being reported; the next attempt replaces what is left.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The file that the path leads to. What is there and no file, like a device, cannot be replaced.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, Failure> {
    let refused = |what: &str| Failure::usage(format!("--out {}: {what}", path.display()));
    match fs::canonicalize(path) {
        Ok(found) if found.is_file() => Ok(found),
        Ok(found) if found.is_dir() => Err(refused("this is a directory")),
        Ok(_) => Err(refused("only a file can be replaced")),
        Err(_) if path.file_name().is_none() => Err(refused("this names no file")),
        Err(_) => Ok(std::path::absolute(path)?),
    }
}

#[cfg(unix)]
fn sync_directory(directory: Option<&Path>) -> io::Result<()> {
    directory.map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Elsewhere a directory cannot be opened; the system writes it on its own.
#[cfg(not(unix))]
fn sync_directory(_: Option<&Path>) -> io::Result<()> {
    Ok(())
}

/// Runs `work` with a sink for its output. The engine stops at an error of the sink, and the true
/// reason is passed on.
pub(crate) fn into_sink<T>(
    to: &mut impl Write,
    work: impl FnOnce(&mut dyn FnMut(&[u8]) -> nanotdb::Result<()>) -> nanotdb::Result<T>,
) -> Result<T, Failure> {
    let mut failed: Option<io::Error> = None;
    let done = work(&mut |bytes| {
        to.write_all(bytes).map_err(|error| {
            let stop = StorageError::new(StorageErrorKind::Io, error.to_string());
            failed = Some(error);
            stop.into()
        })
    });
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(done?),
    }
}
