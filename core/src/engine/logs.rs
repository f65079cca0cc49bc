//! The two logs of a database, and which of them takes a sample.
//!
//! `<db>.wal` is the reference's. Its replay refuses samples out of order and of partitions it has
//! sealed, so times never go back in it. Everything else is logged in `<db>.late.wal`, which the
//! reference passes over: samples before `wal.skip_before`, and those older than the newest in the
//! first log.
//!
//! Both are emptied together, and until then a time that was late stays late. So of equal times of
//! one metric those in the first log were taken first: replay reads the first log and then the
//! second, puts the pages in the order of time, and so has each metric in the order it was taken in.

use crate::partition::Partition;
use crate::sorted::SortedSet;
use crate::storage::{self, FileName, StorageFile};
use crate::types::ValueType;
use crate::wal::{Committed, Log};
use alloc::format;
use core::time::Duration;

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogKind {
    /// `<db>.wal`.
    Main,
    /// `<db>.late.wal`.
    Late,
}

impl LogKind {
    pub(crate) const ALL: [Self; 2] = [Self::Main, Self::Late];

    /// The log's file: the database's own name, as the reference has it, or that with `late`.
    pub(crate) fn file_name(self, database: &str) -> storage::Result<FileName> {
        match self {
            Self::Main => FileName::new(&format!("{database}.wal")),
            Self::Late => FileName::new(&format!("{database}.late.wal")),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Logs<F> {
    main: Anchored<F>,
    late: Anchored<F>,
    /// Samples before this are late: the newest time in the first log, or any earlier bound by
    /// the clock. It only grows until both logs are emptied.
    late_before: i64,
}

/// A log, and the partitions that it holds an anchor of.
#[derive(Debug)]
struct Anchored<F> {
    log: Log<F>,
    partitions: SortedSet<Partition>,
    /// The one that the last record was of.
    current: Option<Partition>,
}

impl<F: StorageFile> Anchored<F> {
    const fn new(log: Log<F>) -> Self {
        Self { log, partitions: SortedSet::new(), current: None }
    }

    /// Whether this is the first record of a partition.
    fn begins(&mut self, partition: Partition) -> bool {
        if self.current == Some(partition) {
            return false;
        }
        self.current = Some(partition);
        self.partitions.insert(partition)
    }

    fn reset(&mut self) -> storage::Result<()> {
        self.partitions.clear();
        self.current = None;
        self.log.reset()
    }
}

impl<F: StorageFile> Logs<F> {
    /// Goes on with logs in which no sample of `late_before` or later is late.
    pub(crate) const fn new(main: Log<F>, late: Log<F>, late_before: i64) -> Self {
        Self { main: Anchored::new(main), late: Anchored::new(late), late_before }
    }

    /// Encodes one sample for the log that it belongs to. `skip_before` is where samples are late
    /// whatever the logs hold; `anchor` is asked for the first sample of a partition.
    pub(crate) fn add(
        &mut self,
        sample: (u16, i64, u32),
        introduces: Option<(&str, ValueType)>,
        partition: Partition,
        skip_before: i64,
        anchor: impl FnOnce() -> u64,
    ) {
        let (_, time, _) = sample;
        self.late_before = self.late_before.max(skip_before);
        let part = if time < self.late_before {
            &mut self.late
        } else {
            self.late_before = time;
            &mut self.main
        };
        let anchor = part.begins(partition).then(anchor);
        part.log.add(sample, introduces, anchor);
    }

    /// Whether late samples wait for a file.
    pub(crate) const fn needs_late_file(&self) -> bool {
        self.late.log.needs_file()
    }

    pub(crate) fn attach_late(&mut self, file: F) {
        self.late.log.attach(file);
    }

    /// Lets go of the second log's file when it is empty.
    pub(crate) fn detach_late(&mut self) -> Option<F> {
        self.late.log.detach()
    }

    /// As [`Log::commit`], of both or of none.
    pub(crate) fn commit(
        &mut self,
        monotonic: impl Fn() -> Duration,
    ) -> storage::Result<Committed> {
        let lens = (self.main.log.len(), self.late.log.len());
        let committed = self.commit_each(monotonic);
        if committed.as_ref().is_err_and(|error| !error.in_doubt) {
            self.main.log.take_back(lens.0)?;
            self.late.log.take_back(lens.1)?;
        }
        committed
    }

    /// Forgets samples that were added and could not be committed. Replay looks at the first anchor
    /// of a partition only, so one too many does no harm.
    pub(crate) fn forget_pending(&mut self) {
        for part in [&mut self.main, &mut self.late] {
            part.partitions.clear();
            part.current = None;
            part.log.forget_pending();
        }
    }

    /// Lets the host look at the files before the next commit.
    pub(crate) fn recheck(&mut self) {
        self.main.log.recheck();
        self.late.log.recheck();
    }

    fn commit_each(&mut self, monotonic: impl Fn() -> Duration) -> storage::Result<Committed> {
        let main = self.main.log.commit(&monotonic)?;
        if !self.late.log.has_pending() {
            return Ok(main);
        }
        let late = self.late.log.commit(&monotonic)?;
        let sync_time = main.sync_time.unwrap_or_default() + late.sync_time.unwrap_or_default();
        Ok(Committed {
            records: main.records + late.records,
            bytes: main.bytes + late.bytes,
            sync_time: main.sync_time.or(late.sync_time).map(|_| sync_time),
        })
    }

    /// Bytes in both.
    pub(crate) const fn len(&self) -> u64 {
        self.main.log.len() + self.late.log.len()
    }

    pub(crate) const fn len_of(&self, kind: LogKind) -> u64 {
        match kind {
            LogKind::Main => self.main.log.len(),
            LogKind::Late => self.late.log.len(),
        }
    }

    /// Bytes in the longer one.
    pub(crate) fn longest(&self) -> u64 {
        self.main.log.len().max(self.late.log.len())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.main.log.is_empty() && self.late.log.is_empty()
    }

    /// Whether both hold nothing, and no power cut brings back what they held.
    pub(crate) const fn are_empty_for_certain(&self) -> bool {
        self.main.log.is_empty_for_certain() && self.late.log.is_empty_for_certain()
    }

    pub(crate) const fn needs_sync(&self) -> bool {
        self.main.log.needs_sync() || self.late.log.needs_sync()
    }

    /// Makes what was committed durable where it is not.
    pub(crate) fn sync(&mut self) -> storage::Result<()> {
        for log in [&mut self.main.log, &mut self.late.log] {
            if log.needs_sync() {
                log.sync()?;
            }
        }
        Ok(())
    }

    /// Empties both. Files hold every sample.
    pub(crate) fn reset(&mut self) -> storage::Result<()> {
        self.main.reset()?;
        self.late.reset()?;
        self.late_before = i64::MIN;
        Ok(())
    }

    /// Makes durable that both are empty.
    pub(crate) fn sync_emptied(&mut self) -> storage::Result<()> {
        self.main.log.sync()?;
        self.late.log.sync()
    }
}
