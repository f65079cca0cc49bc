//! The log as the engine writes it: one file, reused for ever.

use super::record::Encoder;
use crate::settings::FsyncPolicy;
use crate::storage::{Result, StorageError, StorageErrorKind, StorageFile, append_or_undo};
use crate::types::ValueType;
use alloc::vec::Vec;
use core::time::Duration;

/// The log's file and what the next record needs to know.
///
/// Records gather in a buffer until [`commit`](Self::commit), so that a batch costs one write.
/// A log that may never be needed has no file until it gets one with [`attach`](Self::attach).
#[derive(Debug)]
pub struct Log<F> {
    file: Option<F>,
    len: u64,
    /// Whether all that was committed is durable.
    is_synced: bool,
    encoder: Encoder,
    policy: FsyncPolicy,
    pending: Vec<u8>,
    pending_records: u64,
}

/// What a commit handed to the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long the sync took, where the policy asks for one.
    pub sync_time: Option<Duration>,
}

impl<F: StorageFile> Log<F> {
    /// Continues a log of `len` good bytes. The first record sets a baseline of its own.
    pub fn new(file: F, len: u64, policy: FsyncPolicy) -> Self {
        Self { file: Some(file), len, ..Self::without_file(policy) }
    }

    /// A log that is empty and has no file yet.
    pub fn without_file(policy: FsyncPolicy) -> Self {
        let (encoder, pending) = (Encoder::default(), Vec::new());
        let (file, len, is_synced) = (None, 0, false);
        Self { file, len, is_synced, encoder, policy, pending, pending_records: 0 }
    }

    /// Whether records wait for a file.
    pub const fn needs_file(&self) -> bool {
        self.file.is_none() && self.pending_records > 0
    }

    /// Whether records wait for a commit.
    pub const fn has_pending(&self) -> bool {
        self.pending_records > 0
    }

    /// Gives a log without a file an empty one.
    pub fn attach(&mut self, file: F) {
        self.file = Some(file);
    }

    /// Lets go of the file of an empty log.
    pub fn detach(&mut self) -> Option<F> {
        self.file.take_if(|_| self.len == 0)
    }

    /// Bytes in the log, what is pending not counted.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether the log holds nothing.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the log holds nothing, and no power cut brings back what it held.
    pub const fn is_empty_for_certain(&self) -> bool {
        self.len == 0 && (self.is_synced || self.file.is_none())
    }

    /// Encodes one sample into the pending buffer.
    pub fn add(
        &mut self,
        sample: (u16, i64, u32),
        introduces: Option<(&str, ValueType)>,
        anchor: Option<u64>,
    ) {
        self.encoder.encode(sample, introduces, anchor, &mut self.pending);
        self.pending_records += 1;
    }

    /// Hands the pending records to the file, and syncs where the policy is `always`. Once this
    /// returns, the records survive the end of the process. `monotonic` is asked around a sync only.
    ///
    /// # Errors
    ///
    /// What the file reports. Unless that is in doubt, a record is in the file as a whole or not at
    /// all; [`take_back`](Self::take_back) and [`forget_pending`](Self::forget_pending) undo the rest.
    pub fn commit(&mut self, monotonic: impl Fn() -> Duration) -> Result<Committed> {
        if self.pending.is_empty() {
            return Ok(Committed::default());
        }
        let file = self.file.as_mut().ok_or_else(no_file)?;
        append_or_undo(file, self.len, &self.pending)?;
        let bytes = u64::try_from(self.pending.len()).unwrap_or(0);
        let records = core::mem::take(&mut self.pending_records);
        self.len += bytes;
        self.pending.clear();
        if self.pending.capacity() > PENDING_KEPT {
            self.pending = Vec::new(); // one large batch must not hold its buffer for ever
        }
        self.is_synced = self.policy == FsyncPolicy::Always;
        let sync_time = match self.policy {
            FsyncPolicy::Always => {
                let start = monotonic();
                file.sync()?;
                Some(monotonic().saturating_sub(start))
            }
            FsyncPolicy::Segment => None,
        };
        Ok(Committed { records, bytes, sync_time })
    }

    /// Cuts the log to `len` bytes: what was committed after them is refused.
    ///
    /// # Errors
    ///
    /// What the file reports, in doubt.
    pub fn take_back(&mut self, len: u64) -> Result<()> {
        if let Some(file) = self.file.as_mut().filter(|_| len < self.len) {
            file.truncate(len).map_err(StorageError::leaving_doubt)?;
            self.len = len;
            self.is_synced = false;
        }
        Ok(())
    }

    /// Drops records that were not committed. The next one relies on none of them.
    pub fn forget_pending(&mut self) {
        (self.pending, self.pending_records) = (Vec::new(), 0);
        self.encoder = Encoder::default();
    }

    /// Lets the host look at the file before the next commit.
    pub fn recheck(&mut self) {
        if let Some(file) = &mut self.file {
            file.recheck();
        }
    }

    /// Whether something was committed since the last sync.
    pub const fn needs_sync(&self) -> bool {
        !self.is_synced && self.len > 0
    }

    /// Makes everything committed durable.
    ///
    /// # Errors
    ///
    /// What the file reports.
    pub fn sync(&mut self) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.sync()?;
        }
        self.is_synced = true;
        Ok(())
    }

    /// Empties the log. The caller has made sure that data files hold every sample in it.
    ///
    /// # Errors
    ///
    /// What the file reports; the log then still has its records.
    pub fn reset(&mut self) -> Result<()> {
        if let Some(file) = self.file.as_mut().filter(|_| self.len > 0) {
            file.truncate(0)?;
            self.len = 0;
            self.is_synced = false;
        }
        self.encoder = Encoder::default();
        Ok(())
    }
}

fn no_file() -> StorageError {
    StorageError::new(StorageErrorKind::Io, "the log has no file")
}

/// Bytes of pending buffer that are kept between batches.
const PENDING_KEPT: usize = 256 * 1024;

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
