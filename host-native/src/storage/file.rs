//! Open files.

use super::error::{failed, read_only};
use super::log::LogFile;
use nanotdb_core::storage::{Result, StorageError, StorageFile};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A handle on a file of an [`FsStorage`](super::FsStorage).
#[derive(Debug)]
pub struct FsFile(Kind);

#[derive(Debug)]
enum Kind {
    Plain(PlainFile),
    Log(LogFile),
}

#[derive(Debug)]
struct PlainFile {
    file: File,
    path: PathBuf,
    writable: bool,
}

impl FsFile {
    /// `file` is open in append mode.
    pub(super) fn writable(file: File, path: PathBuf) -> Self {
        Self(Kind::Plain(PlainFile { file, path, writable: true }))
    }

    pub(super) fn read_only(file: File, path: PathBuf) -> Self {
        Self(Kind::Plain(PlainFile { file, path, writable: false }))
    }

    pub(super) fn log(file: LogFile) -> Self {
        Self(Kind::Log(file))
    }
}

impl StorageFile for FsFile {
    fn len(&self) -> Result<u64> {
        match &self.0 {
            Kind::Plain(file) => file_len(&file.file, &file.path),
            Kind::Log(log) => Ok(log.len()),
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        match &self.0 {
            Kind::Plain(file) => read_fully_at(&file.file, &file.path, offset, buf),
            Kind::Log(log) => log.read_at(offset, buf),
        }
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Kind::Log(log) => log.append(bytes),
            Kind::Plain(file) => file.append(bytes),
        }
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        match &mut self.0 {
            Kind::Plain(file) => file.truncate(len),
            Kind::Log(log) => log.truncate(len),
        }
    }

    fn sync(&mut self) -> Result<()> {
        match &mut self.0 {
            Kind::Plain(file) => file.sync(),
            Kind::Log(log) => log.sync(),
        }
    }

    fn recheck(&mut self) {
        match &mut self.0 {
            Kind::Plain(_) => {}
            Kind::Log(log) => log.recheck(),
        }
    }
}

impl PlainFile {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.check_writable("append")?;
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
                Ok(0) => return Err(self.append_failed(written, bytes, &no_progress())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.append_failed(written, bytes, &error)),
            }
        }
        Ok(())
    }

    fn append_failed(&self, written: usize, bytes: &[u8], error: &io::Error) -> StorageError {
        let operation = format!("append (wrote {written} of {} bytes)", bytes.len());
        failed(&operation, &self.path, error)
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        self.check_writable("truncate")?;
        if len >= file_len(&self.file, &self.path)? {
            return Ok(()); // the system would make the file longer
        }
        let cut = cut(&self.file, &self.path, len);
        cut.map_err(|error| failed("truncate", &self.path, &error))
    }

    fn sync(&mut self) -> Result<()> {
        self.check_writable("sync")?;
        sync_data(&self.file, &self.path)
    }

    fn check_writable(&self, operation: &str) -> Result<()> {
        if self.writable { Ok(()) } else { Err(read_only(operation, &self.path)) }
    }
}

pub(super) fn file_len(file: &File, path: &Path) -> Result<u64> {
    let metadata = file.metadata().map_err(|error| failed("length of", path, &error))?;
    Ok(metadata.len())
}

/// Bytes and length, as durable as the system makes them: `fdatasync`, or `F_FULLFSYNC` on macOS.
pub(super) fn sync_data(file: &File, path: &Path) -> Result<()> {
    file.sync_data().map_err(|error| failed("sync", path, &error).leaving_doubt())
}

/// Fills `buf`, unless the file ends before.
pub(super) fn read_fully_at(
    file: &File,
    path: &Path,
    offset: u64,
    buf: &mut [u8],
) -> Result<usize> {
    let mut read = 0;
    while let Some(rest) = buf.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match read_at(file, rest, offset.saturating_add(read as u64)) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("read", path, &error)),
        }
    }
    Ok(read)
}

pub(super) fn no_progress() -> io::Error {
    io::Error::from(io::ErrorKind::WriteZero)
}

#[cfg(unix)]
fn cut(file: &File, _path: &Path, len: u64) -> io::Result<()> {
    file.set_len(len)
}

/// A handle for appending may not cut the file there.
#[cfg(windows)]
fn cut(_file: &File, path: &Path, len: u64) -> io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(path)?.set_len(len)
}

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

#[cfg(unix)]
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

#[cfg(windows)]
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}
