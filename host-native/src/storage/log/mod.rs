//! A file that gets many small appends.
//!
//! ```text
//! 0                       len                    reserved
//! | appended              | zeros                |
//!              | mapped tail                     |
//! ```
//!
//! Room is reserved by writing zeros ahead of the end, in growing steps. That is where a full disk
//! shows, as an error, and it makes both ways to append cheap:
//!
//! * **A copy into the mapped tail**, as long as nobody asks for `sync`. The pages are in the
//!   system's cache, so a killed process loses nothing that was acknowledged.
//! * **A positioned write**, for the first append after a `sync`. A program that syncs each append
//!   never maps anything: a store to a page that was just written back costs a page fault and
//!   dirties all its neighbours, while a write over blocks that exist needs no journal commit.
//!
//! The kernel keeps the two coherent. Where mapping would not be safe (see [`tail`]) nothing is
//! reserved and every append is a write at the end.
//!
//! Somebody may cut or replace the file all the same, and a store behind the end of a mapped file
//! ends the process. So the log looks at its file before it writes to a new page, at each `sync`,
//! and before the first append after a [`recheck`](LogFile::recheck). Once emptied, a log goes on
//! in whatever file there is.

mod tail;

use super::directory::sync_directory;
use super::error::failed;
use super::file::{file_len, no_progress, read_fully_at, sync_data, write_at};
use core::mem;
use nanotdb_core::storage::{Result, StorageError, StorageErrorKind};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use tail::Tail;

/// First reservation; each doubles the one before.
const MIN_ROOM: u64 = 16 << 10;
/// Largest reservation.
const MAX_ROOM: u64 = 1 << 20;
/// Reservations end where pages end, on every system that maps them.
const PAGE: u64 = 4096;
/// Appends from this size on are written, not copied: reserving would write them twice.
const LARGE: usize = 64 << 10;

/// A log, written by this handle only.
#[derive(Debug)]
pub(super) struct LogFile {
    tail: Option<Tail>,
    /// Where the next append goes. The file itself may be longer.
    len: u64,
    /// Nothing has changed since the last `sync` that succeeded.
    clean: bool,
    /// Up to here appends are copied without looking at the file again; 0 when it must be.
    trusted: u64,
    /// Whether the file was made anew, and its name may not be durable.
    is_new: bool,
    /// The file's length: zeros from `len` on.
    reserved: u64,
    /// Size of the next reservation.
    room: u64,
    /// Whether to reserve and map at all.
    maps: bool,
    file: File,
    path: PathBuf,
}

impl LogFile {
    /// `file` is open for reading and writing, not in append mode.
    pub(super) fn new(file: File, path: PathBuf) -> Result<Self> {
        let len = file_len(&file, &path)?;
        let maps = Tail::is_safe_for(&file);
        Ok(Self {
            tail: None,
            len,
            clean: false,
            trusted: 0,
            is_new: false,
            reserved: len,
            room: MIN_ROOM,
            maps,
            file,
            path,
        })
    }

    /// Looks at the file before the next append: time has passed.
    pub(super) fn recheck(&mut self) {
        self.trusted = 0;
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let available = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buf.len().min(available);
        read_fully_at(&self.file, &self.path, offset, &mut buf[..wanted])
    }

    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let end = self.len + bytes.len() as u64;
        if end <= self.trusted
            && let Some(tail) = &mut self.tail
            && tail.write(self.len, bytes)
        {
            self.len = end;
            return Ok(());
        }
        self.append_slowly(bytes)
    }

    pub(super) fn truncate(&mut self, len: u64) -> Result<()> {
        if len > self.len {
            return Ok(());
        }
        (self.clean, self.trusted) = (false, 0);
        self.tail = None; // before the cut: a store behind the end of a file is fatal
        let (found, is_there) = self.look()?;
        if found < len {
            // Cut by somebody else. The system would fill up with zeros.
            return if len == self.len { Ok(()) } else { Err(self.disturbed(found, is_there)) };
        }
        if len == 0 && !is_there {
            self.begin_anew()?;
        }
        self.file.set_len(len).map_err(|error| failed("truncate", &self.path, &error))?;
        // What was needed this time will be needed the next time.
        self.room = self.len.next_multiple_of(MIN_ROOM).clamp(MIN_ROOM, MAX_ROOM);
        (self.len, self.reserved) = (len, len);
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<()> {
        self.check()?;
        if !self.clean {
            sync_data(&self.file, &self.path)?; // writes mapped pages too
            (self.clean, self.trusted) = (true, 0);
        }
        if self.is_new {
            sync_directory(self.path.parent().unwrap_or(Path::new(".")))?;
            self.is_new = false;
        }
        Ok(())
    }

    /// Fails when the file is not the one, or not as long, as this handle has left it.
    fn check(&self) -> Result<()> {
        match self.look()? {
            (found, true) if found == self.reserved => Ok(()),
            (found, is_there) => Err(self.disturbed(found, is_there)),
        }
    }

    /// The file's length, and whether it still has a name.
    fn look(&self) -> Result<(u64, bool)> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|error| failed("length of", &self.path, &error))?;
        Ok((metadata.len(), has_name(&metadata)))
    }

    fn disturbed(&self, found: u64, is_there: bool) -> StorageError {
        let path = self.path.display();
        let detail = if is_there {
            format!("log {path}: another process made it {found} bytes long, not {}", self.reserved)
        } else {
            format!("log {path}: another process removed or replaced it")
        };
        StorageError::new(StorageErrorKind::Io, detail)
    }

    /// Goes on in a new file, since the old one has no name any more. One that has its name now is
    /// somebody else's, and stays what it is.
    fn begin_anew(&mut self) -> Result<()> {
        let opened = File::options().read(true).write(true).create_new(true).open(&self.path);
        self.file = opened.map_err(|error| failed("create", &self.path, &error))?;
        self.is_new = true;
        Ok(())
    }

    #[cold]
    fn append_slowly(&mut self, bytes: &[u8]) -> Result<()> {
        self.check()?;
        self.append_checked(bytes)?;
        self.trusted = self.len.next_multiple_of(PAGE).min(self.reserved);
        Ok(())
    }

    fn append_checked(&mut self, bytes: &[u8]) -> Result<()> {
        let first_since_sync = mem::replace(&mut self.clean, false);
        if self.maps && bytes.len() < LARGE {
            self.reserve(bytes.len())?;
            if !first_since_sync && self.copy_into_tail(bytes) {
                return Ok(());
            }
        }
        self.write_at_end(bytes)
    }

    /// Makes the file long enough for `count` more bytes. Where the disk has no room for a whole
    /// step, what it gave is enough or the append fails.
    fn reserve(&mut self, count: usize) -> Result<()> {
        let needed = self.len + count as u64;
        if needed <= self.reserved {
            return Ok(());
        }
        let target = needed.max(self.reserved + self.room).next_multiple_of(PAGE);
        let zeros = vec![0; usize::try_from(target - self.reserved).unwrap_or(LARGE)];
        let (written, outcome) = write_fully_at(&self.file, &zeros, self.reserved);
        self.reserved += written as u64;
        self.room = (self.room * 2).min(MAX_ROOM);
        match outcome {
            Err(error) if self.reserved < needed => {
                self.give_back_room();
                Err(failed("append (reserving room)", &self.path, &error))
            }
            _ => Ok(()),
        }
    }

    fn copy_into_tail(&mut self, bytes: &[u8]) -> bool {
        // Perhaps only the reservation was missing, not the mapping.
        let mapped = self.tail.as_mut().is_some_and(|tail| tail.write(self.len, bytes));
        if !mapped {
            self.tail = None; // two mappings would need address space for both
            self.tail = Tail::map(&self.file, self.len, self.reserved).ok();
            let Some(tail) = &mut self.tail else { return false };
            if !tail.write(self.len, bytes) {
                return false;
            }
        }
        self.len += bytes.len() as u64;
        true
    }

    fn write_at_end(&mut self, bytes: &[u8]) -> Result<()> {
        let (written, outcome) = write_fully_at(&self.file, bytes, self.len);
        self.reserved = self.reserved.max(self.len + written as u64);
        if let Err(error) = outcome {
            self.give_back_room(); // a part of the bytes must not stay where zeros should be
            let operation = format!("append (wrote {written} of {} bytes)", bytes.len());
            return Err(failed(&operation, &self.path, &error));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn give_back_room(&mut self) {
        (self.tail, self.trusted) = (None, 0);
        let is_ours = self.look().is_ok_and(|(found, _)| found >= self.len);
        if is_ours && self.reserved > self.len && self.file.set_len(self.len).is_ok() {
            self.reserved = self.len;
        }
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.give_back_room();
    }
}

#[cfg(unix)]
fn has_name(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 0
}

/// Elsewhere an open file cannot lose its name.
#[cfg(not(unix))]
fn has_name(_metadata: &Metadata) -> bool {
    true
}

/// How much was written, and what stopped it.
fn write_fully_at(file: &File, bytes: &[u8], offset: u64) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match write_at(file, &bytes[written..], offset + written as u64) {
            Ok(0) => return (written, Err(no_progress())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(path: PathBuf) -> LogFile {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        LogFile::new(file.unwrap(), path).unwrap()
    }

    #[test]
    fn without_a_mapping_nothing_is_reserved() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wal");
        let mut log = log(path.clone());
        log.maps = false;
        for _ in 0..10 {
            log.append(b"record").unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), log.len());
        }
        log.sync().unwrap();
        log.truncate(6).unwrap();
        log.append(b"next").unwrap();
        drop(log);
        assert_eq!(std::fs::read(path).unwrap(), b"recordnext");
    }

    /// Copies some records into a mapping, if there is one.
    fn written(path: PathBuf) -> LogFile {
        let mut log = log(path);
        (0..10).for_each(|_| log.append(b"record").unwrap());
        log
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_log_that_was_cut_by_somebody_else_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wal");
        for len in [0, 3, 60] {
            let mut log = written(path.clone());
            if std::fs::metadata(&path).unwrap().len() == len {
                continue; // Not mapped: nothing is reserved after the records, so this cuts nothing.
            }
            File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
            log.recheck();
            let error = log.append(b"next").unwrap_err();
            assert!(error.detail.contains("another process") && !error.in_doubt, "{error}");
            log.truncate(60).unwrap(); // what the engine does after a failed append
            assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
            // Where only what was reserved is gone, all that was written is there.
            let synced = log.sync();
            assert!(if len < 60 { !synced.unwrap_err().in_doubt } else { synced.is_ok() });
            log.truncate(0).unwrap();
            log.append(b"anew").unwrap();
            drop(log);
            assert_eq!(std::fs::read(&path).unwrap(), b"anew");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_log_that_was_cut_in_the_middle_of_a_burst_is_noticed_at_the_next_page() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wal");
        let mut log = written(path.clone());
        File::options().write(true).open(&path).unwrap().set_len(8000).unwrap();
        let refused = (0..2000).find_map(|_| log.append(b"record").err());
        assert!(refused.unwrap().detail.contains("8000 bytes long"));
    }

    #[cfg(unix)]
    #[test]
    fn a_log_that_was_removed_begins_anew_once_it_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wal");
        let mut log = written(path.clone());
        std::fs::remove_file(&path).unwrap();
        log.recheck();
        assert!(log.append(b"next").unwrap_err().detail.contains("removed or replaced"));
        // What somebody put there is not touched.
        std::fs::write(&path, b"theirs").unwrap();
        assert!(log.truncate(0).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        std::fs::remove_file(&path).unwrap();
        log.truncate(0).unwrap();
        log.append(b"anew").unwrap();
        log.sync().unwrap();
        drop(log);
        assert_eq!(std::fs::read(&path).unwrap(), b"anew");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_tail_is_mapped_between_syncs_only() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = log(directory.path().join("a.wal"));
        if !log.maps {
            println!("skipped: not a file system to map on");
            return;
        }
        log.sync().unwrap();
        for _ in 0..3 {
            log.append(b"synced each time").unwrap();
            assert!(log.tail.is_none());
            log.sync().unwrap();
        }
        log.append(b"written").unwrap();
        log.append(b"copied").unwrap();
        assert!(log.tail.is_some());
        log.truncate(0).unwrap();
        assert!(log.tail.is_none());
    }
}
