//! A medium in memory that loses what was not flushed.

use super::medium::Medium;
use nanotdb_core::storage::{Result, StorageError, StorageErrorKind};

/// Bytes that a disk writes whole.
const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Len(usize),
}

/// A file in memory.
#[derive(Debug, Clone)]
pub(crate) struct SimMedium {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    since: Vec<Change>,
    room: u64,
    /// Operations until one fails.
    pub(crate) fuse: Option<u32>,
    pub(crate) flushes: u32,
}

impl Default for SimMedium {
    fn default() -> Self {
        Self::with_room(u64::MAX)
    }
}

impl SimMedium {
    /// A medium that is full at `room` bytes.
    pub(crate) const fn with_room(room: u64) -> Self {
        Self {
            bytes: Vec::new(),
            durable: Vec::new(),
            since: Vec::new(),
            room,
            fuse: None,
            flushes: 0,
        }
    }

    pub(crate) const fn set_room(&mut self, room: u64) {
        self.room = room;
    }

    /// What a power cut leaves: what was flushed, and of every later change each sector or not,
    /// as `keeps` decides.
    pub(crate) fn after_power_cut(&self, mut keeps: impl FnMut() -> bool) -> Self {
        let mut bytes = self.durable.clone();
        for change in &self.since {
            match change {
                Change::Len(len) => {
                    if keeps() {
                        bytes.resize(*len, 0);
                    }
                }
                Change::Write(offset, written) => {
                    let mut at = 0;
                    while at < written.len() {
                        let start = offset + at;
                        let end = (start / SECTOR + 1) * SECTOR - offset;
                        let piece = &written[at..end.min(written.len())];
                        if keeps() {
                            bytes.resize(bytes.len().max(start + piece.len()), 0);
                            bytes[start..start + piece.len()].copy_from_slice(piece);
                        }
                        at += piece.len();
                    }
                }
            }
        }
        Self { durable: bytes.clone(), bytes, ..Self::default() }
    }

    /// What the end of a tab leaves: everything that was written.
    pub(crate) fn after_kill(&self) -> Self {
        let mut left = self.clone();
        left.fuse = None;
        left
    }

    fn step(&mut self) -> Result<()> {
        match &mut self.fuse {
            Some(0) => Err(StorageError::new(StorageErrorKind::Io, "the fuse blew")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Medium for SimMedium {
    fn len(&self) -> Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let from = (offset as usize).min(self.bytes.len());
        let count = buf.len().min(self.bytes.len() - from);
        buf[..count].copy_from_slice(&self.bytes[from..from + count]);
        Ok(count)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.step()?;
        let (offset, end) = (offset as usize, offset as usize + bytes.len());
        if end as u64 > self.room {
            return Err(StorageError::new(StorageErrorKind::NoSpace, "full"));
        }
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[offset..end].copy_from_slice(bytes);
        self.since.push(Change::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        self.step()?;
        if len > self.room {
            return Err(StorageError::new(StorageErrorKind::NoSpace, "full"));
        }
        self.bytes.resize(len as usize, 0);
        self.since.push(Change::Len(len as usize));
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.step()?;
        self.flushes += 1;
        self.durable.clone_from(&self.bytes);
        self.since.clear();
        Ok(())
    }
}
