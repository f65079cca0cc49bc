//! What a command writes to a file.

use super::Failure;
use nanotdb::replace_file::{self, ReplaceFile};
use nanotdb::storage::{StorageError, StorageErrorKind};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that takes its place once it is whole, see [`replace_file`].
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    to: BufWriter<ReplaceFile>,
    bytes: u64,
}

impl Target {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        // A directory, a circle of links.
        resolve(path)?;
        let failed =
            |error: io::Error| Failure::failed(format!("write {}: {error}", path.display()));
        let file = ReplaceFile::begin(path).map_err(failed)?;
        let to = BufWriter::with_capacity(1 << 18, file);
        Ok(Self { path: path.to_owned(), to, bytes: 0 })
    }

    /// As [`create`](Self::create); the directories above are made.
    pub(crate) fn create_all(path: &Path) -> Result<Self, Failure> {
        if let Some(parent) = resolve(path)?.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(parent)
                .map_err(|error| Failure::failed(format!("write {}: {error}", path.display())))?;
        }
        Self::create(path)
    }

    /// Whether a file that is there would be lost.
    pub(crate) fn replaces(&self) -> bool {
        !self.to.get_ref().is_new()
    }

    /// Bytes written so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let failed =
            |error: io::Error| Failure::failed(format!("write {}: {error}", self.path.display()));
        let file = self.to.into_inner().map_err(|error| failed(error.into_error()))?;
        file.finish().map_err(failed)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The file that the path leads to; nothing when that is a pipe or a device.
pub(crate) fn resolve(path: &Path) -> Result<Option<PathBuf>, Failure> {
    replace_file::resolve(path).map_err(|error| Failure::usage(format!("--out {error}")))
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
