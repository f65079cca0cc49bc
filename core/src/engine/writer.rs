//! The write side of one database: what only one caller at a time may touch.

use super::event::{Event, Level};
use super::files::FileKind;
use super::host::{Clock, Host, Shared, timed};
use super::ids::IdMarks;
use super::ingest::{Staged, Staging};
use super::logs::{LogKind, Logs};
use super::state::{FileOf, Readable, State};
use super::trouble::Trouble;
use crate::catalog::{self, Newest};
use crate::error::{Error, Result};
use crate::page::{self, PageLimits};
use crate::partition::Partition;
use crate::query::{Notes, OnDamage};
use crate::settings::{DatabaseSettings, Durability, FsyncPolicy};
use crate::sorted::{SortedMap, SortedSet};
use crate::stats::WalReset;
use crate::storage::{
    self, FileName, Storage, StorageError, StorageErrorKind, StorageFile, append_or_undo, undo,
};
use crate::types::Timestamp;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// Name of the catalog file.
pub(crate) const CATALOG: &str = "catalog.json";

/// Partitions that may have an open page at once, at least; more are written out, the oldest
/// first. Each takes at most a page of memory.
pub(crate) const MIN_OPEN_PAGES: usize = 8;

/// How long records stay in the log before a tick makes them durable, under the profile `strict`. Shorter would wear out the flash of small machines.
const LOG_SYNC_STRICT: Duration = Duration::from_secs(5);
/// The same under `balanced`; under `throughput` pages alone are made durable.
const LOG_SYNC_BALANCED: Duration = Duration::from_secs(30);

/// How the writer keeps its promises.
#[derive(Debug, Clone)]
pub(crate) struct WriteRules {
    pub(crate) settings: DatabaseSettings,
    /// Whether there is a log.
    pub(crate) logs: bool,
    pub(crate) durability: Durability,
    /// The log is not allowed to grow beyond this many bytes (D-23).
    pub(crate) max_log_len: u64,
    pub(crate) fsync_policy: FsyncPolicy,
    /// `clock.max_future` in nanoseconds; 0 is no bound.
    pub(crate) max_future_ns: i64,
}

impl WriteRules {
    pub(crate) fn page_limits(&self) -> PageLimits {
        page_limits(&self.settings)
    }
}

/// When pages of a database are written.
pub(crate) fn page_limits(settings: &DatabaseSettings) -> PageLimits {
    PageLimits {
        max_records: usize::from(settings.page_max_records),
        max_bytes: settings.page_max_bytes,
        max_age_ns: settings.page_max_age.as_nanos(),
    }
}

/// How far a database is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It takes samples.
    NotYet,
    /// It takes none, but has not written everything.
    Begun,
    /// Everything is written.
    Finished,
}

/// See the module.
pub(crate) struct Writer<H: Host> {
    pub(crate) readable: Arc<Readable<H>>,
    pub(crate) host: Arc<H>,
    pub(crate) staging: Staging<FileOf<H>>,
    /// Partitions whose data file was found whole, or cut to whole frames, since opening; with
    /// the handle that appends, once there is one.
    pub(crate) appendable: SortedMap<Partition, Option<FileOf<H>>>,
    /// Data files that were appended to without a sync, and their length when last synced.
    pub(crate) unsynced: SortedMap<Partition, u64>,
    /// When pages were last written to each partition, since opening, by the monotonic clock.
    pub(crate) appended: SortedMap<Partition, Duration>,
    /// Whether a partition that had nothing got its first sample.
    pub(crate) has_begun: bool,
    /// When the log was last made durable, by the monotonic clock.
    pub(crate) log_synced: Option<Duration>,
    /// What was cut off the ends of data files.
    pub(crate) cut: Vec<String>,
    /// Partitions whose data file ends in a torn frame that could not be cut off yet. The state
    /// does not count it.
    pub(crate) uncut: SortedSet<Partition>,
    /// Whether a name was made or changed that is not durable for certain.
    pub(crate) dir_unsynced: bool,
    /// What stands in the way of writing.
    pub(crate) trouble: Trouble,
    /// Whether the database was closed.
    pub(crate) end: End,
    pub(crate) staged: Vec<Staged>,
    /// When the log was emptied last, by the monotonic clock.
    pub(crate) last_reset: Option<Duration>,
    /// Metrics that the host was told of, if it wants to know of single samples.
    pub(crate) told_metrics: Option<usize>,
    /// Whether a data file became shorter than the log says that it was.
    pub(crate) anchors_are_wrong: bool,
    /// Bytes that are kept free for pages, see [`spare_room`](super::spare_room).
    pub(crate) kept_room: u64,
}

impl<H: Host> fmt::Debug for Writer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("readable", &self.readable).finish_non_exhaustive()
    }
}

impl<H: Host> Writer<H> {
    pub(crate) fn now(&self) -> Timestamp {
        self.host.clock().now()
    }

    /// Writes the open page of a partition to its data file and empties the log if nothing else
    /// needs it.
    pub(crate) fn flush(&mut self, partition: Partition) -> Result<()> {
        let flushed = self.write_page(partition).and_then(|()| self.try_reset_log());
        self.poisoning(flushed)
    }

    /// Writes every open page, also those after one that could not be written.
    pub(crate) fn flush_all(&mut self) -> Result<()> {
        let open: Vec<Partition> =
            self.readable.state.read(|state| state.pages.keys().copied().collect());
        let mut failed = None;
        for partition in open {
            let written = self.write_page(partition);
            failed = failed.or(self.poisoning(written).err());
            self.check_writable().or(failed.clone().map_or(Ok(()), Err))?;
        }
        failed.map_or(Ok(()), Err)?;
        let reset = self.try_reset_log();
        self.poisoning(reset)
    }

    /// Writes what has been due since the last call: pages that reached their age, which the
    /// monotonic clock tells: setting the other one makes no page older or younger.
    pub(crate) fn flush_aged(&mut self) -> Result<()> {
        let limits = self.staging.rules.page_limits();
        let monotonic = self.host.clock().monotonic();
        let due: Vec<Partition> = self.readable.state.read(|state| {
            let aged = state.pages.iter().filter(|(_, page)| page.is_aged(&limits, monotonic));
            aged.map(|(&partition, _)| partition).collect()
        });
        due.into_iter().try_for_each(|partition| self.flush(partition))?;
        let created = self.readable.state.read(|state| -> Vec<Duration> {
            state.pages.values().map(page::OpenPage::created).collect()
        });
        self.staging.note_no_page();
        for created in created {
            self.staging.note_page(created);
        }
        let now = self.now();
        self.staging.look_when_due(now, monotonic);
        Ok(())
    }

    /// Makes the log durable now and then, so that a power cut costs seconds and not the age of
    /// a page (D-23).
    pub(crate) fn sync_log_in_time(&mut self) -> Result<()> {
        let interval = match self.staging.rules.durability {
            Durability::Strict => LOG_SYNC_STRICT,
            Durability::Balanced => LOG_SYNC_BALANCED,
            Durability::Throughput => return Ok(()),
        };
        let monotonic = self.host.clock().monotonic();
        if self.log_synced.is_some_and(|at| monotonic.saturating_sub(at) < interval) {
            return Ok(());
        }
        self.sync_log()
    }

    /// Makes everything that was taken so far durable by the cheapest means: pages are written
    /// only for samples that the log lacks.
    pub(crate) fn make_durable(&mut self) -> Result<()> {
        if self.readable.state.read(State::has_unlogged) {
            self.flush_all()?;
        }
        let synced = self.sync_data();
        self.poisoning(synced)?;
        self.sync_log()
    }

    fn sync_log(&mut self) -> Result<()> {
        let Some(logs) = self.staging.logs.as_mut().filter(|logs| logs.needs_sync()) else {
            return Ok(());
        };
        let now = self.host.clock().now();
        let start = self.host.clock().monotonic();
        self.log_synced = Some(start);
        let synced = logs.sync().map_err(Error::from);
        let took = self.host.clock().monotonic().saturating_sub(start);
        self.readable.state.write(|state| state.stats.wal.note_sync(now, took));
        self.poisoning(synced)
    }

    /// Writes the open page of a partition: in several frames when no page could be written for
    /// long, and it has grown beyond what one takes.
    fn write_page(&mut self, partition: Partition) -> Result<()> {
        while self.write_frame(partition)? {}
        Ok(())
    }

    /// Writes as many samples of an open page as a frame takes, the first to arrive; says whether
    /// others are left. When this fails, all is as it was before.
    ///
    /// Order matters here. The catalog before the page: a page whose ids nobody knows is lost.
    /// The page before the state: until then queries read the open page. The log last: it is
    /// the only other copy.
    fn write_frame(&mut self, partition: Partition) -> Result<bool> {
        self.staging.leave();
        self.regain(partition)?;
        let started = self.host.clock().monotonic();
        let page =
            self.readable.state.read(|state| state.pages.get(&partition).map(page::OpenPage::view));
        let Some(page) = page else { return Ok(false) };
        let mut columns = page.to_columns();
        drop(page);
        if columns.is_empty() {
            self.readable.state.write(|state| state.pages.remove(&partition));
            return Ok(false);
        }
        let rest = columns.split_off(self.staging.rules.page_limits().capacity());
        self.store_catalog()?;
        columns.sort_by_time();
        let newest = columns.times.last().copied();
        let mut frame = Vec::new();
        let payload_len = page::frame::encode(&columns, self.readable.page_codec(), &mut frame);
        let mut ids = IdMarks::default();
        ids.insert_all(columns.ids.iter().copied());
        let ids = ids.to_set();
        let records = to_u64(columns.len());
        drop(columns);
        let stale_metric_file = self.metric_file_covers_data(partition)?;
        self.append_frame(partition, &frame)?;
        let grown = to_u64(frame.len());
        let took = self.host.clock().monotonic().saturating_sub(started);
        let name = FileKind::Data.name(partition)?;
        self.readable.state.write(|state| {
            let before = state.files_of(partition).data.as_ref().map_or(0, |file| file.len);
            let len = before.saturating_add(grown);
            state.ids.note_frame(&name, before, &frame, &ids);
            state.set_file(partition, FileKind::Data, Some((name, len)));
            match state.pages.get_mut(&partition) {
                Some(page) if !rest.is_empty() => page.retain(&rest),
                _ => drop(state.pages.remove(&partition)),
            }
            state.stats.data.note_flush(grown, records, to_u64(payload_len), took);
        });
        self.appended.insert(partition, self.host.clock().monotonic());
        self.staging.newest_in_files = self.staging.newest_in_files.max(newest);
        self.tell_flush(partition, records, grown, took);
        if stale_metric_file {
            self.sync_data()?; // soon it is the only one that holds those samples
            self.remove_file(partition, FileKind::Metric)?;
        }
        self.trouble.note_success();
        Ok(!rest.is_empty())
    }

    fn tell_flush(&self, partition: Partition, records: u64, bytes: u64, took: Duration) {
        if self.host.wants(Level::Debug) {
            let (database, partition) = (self.readable.name.as_str(), partition.to_string());
            let partition = partition.as_str();
            self.host.note(&Event::PageFlushed { database, partition, records, bytes, took });
        }
    }

    /// Whether the partition has a metric file that says nothing that its data file does not.
    ///
    /// The reference ignores the data file as soon as there is a metric file, so samples that
    /// come later are invisible to it until the metric file is gone (D-09).
    fn metric_file_covers_data(&self, partition: Partition) -> Result<bool> {
        let files = self.readable.state.read(|state| state.files_of(partition));
        let (Some(metric), Some(data)) = (&files.metric, &files.data) else { return Ok(false) };
        match self.readable.data_covers_metric(partition, metric, data) {
            // Nobody knows; so it stays, and what is new is written all the same.
            Err(error) if error.is_about_one_file() => Ok(false),
            covers => covers,
        }
    }

    /// The partitions that samples came for since the database was opened.
    pub(crate) fn touched(&self) -> SortedSet<Partition> {
        let open =
            self.readable.state.read(|state| state.pages.keys().copied().collect::<Vec<_>>());
        self.appended.keys().copied().chain(open).collect()
    }

    /// Whether a partition has begun since this was asked.
    pub(crate) fn take_begun(&mut self) -> bool {
        core::mem::take(&mut self.has_begun)
    }

    /// Deletes all files of a partition, for queries all at once. What cannot be deleted is there
    /// again.
    pub(crate) fn remove_partition(&mut self, partition: Partition) -> Result<()> {
        self.forget_data_file(partition);
        self.appended.remove(&partition);
        let removed = self.readable.state.write(|state| {
            // A newest sample that is gone is none. What `accepted` says still holds.
            for entry in state.catalog.iter_mut() {
                if let Newest::At(time, _) = entry.last
                    && partition.range().contains(Timestamp(time))
                {
                    entry.last = Newest::Unknown;
                }
            }
            state.files.remove(&partition)
        });
        let Some(removed) = removed else { return Ok(()) };
        let mut failed = None;
        for kind in FileKind::ALL {
            let Some(file) = removed.get(kind) else { continue };
            self.readable.cache.write(|cache| cache.forget(file.generation));
            if let Err(error) = self.readable.storage.remove_if_present(&file.name) {
                failed = failed.or(Some(error));
                let there = Some((file.name.clone(), file.len));
                self.readable.state.write(|state| state.set_file(partition, kind, there));
            }
        }
        self.uncut.remove(&partition);
        self.sync_dir()?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Deletes a file that queries no longer need.
    pub(crate) fn remove_file(&mut self, partition: Partition, kind: FileKind) -> Result<()> {
        let removed = self.readable.state.write(|state| {
            let removed = state.files_of(partition).get(kind).cloned();
            state.set_file(partition, kind, None);
            removed
        });
        let Some(file) = removed else { return Ok(()) };
        self.readable.cache.write(|cache| cache.forget(file.generation));
        if let Err(error) = self.readable.storage.remove_if_present(&file.name) {
            let there = Some((file.name, file.len));
            self.readable.state.write(|state| state.set_file(partition, kind, there));
            return Err(error.into());
        }
        self.sync_dir()
    }

    /// Makes names durable. One that may not be so yet is not built upon.
    pub(crate) fn sync_dir(&mut self) -> Result<()> {
        self.dir_unsynced = true;
        self.readable.storage.sync_dir()?;
        self.dir_unsynced = false;
        Ok(())
    }

    /// Makes names durable that an earlier attempt could not.
    fn settle_dir(&mut self) -> Result<()> {
        if self.dir_unsynced { self.sync_dir() } else { Ok(()) }
    }

    fn append_frame(&mut self, partition: Partition, frame: &[u8]) -> Result<()> {
        self.make_appendable(partition)?;
        self.open_data_file(partition)?;
        self.settle_dir()?; // before the frame: its samples leave memory and log
        let sync = self.staging.rules.durability != Durability::Throughput;
        let len = self.readable.state.read(|state| data_len(state, partition));
        let Some(Some(file)) = self.appendable.get_mut(&partition) else {
            return Err(Error::Storage(StorageError::new(
                StorageErrorKind::Io,
                format!("data file of {partition} is not open"),
            )));
        };
        append_or_undo(file, len, frame)?;
        if sync {
            self.readable.sync_counted(file, self.host.clock()).map_err(|e| undo(file, len, e))?;
        } else {
            self.unsynced.get_or_insert_with(partition, || len);
        }
        Ok(())
    }

    /// Opens the partition's data file for appending, making it when there is none.
    fn open_data_file(&mut self, partition: Partition) -> Result<()> {
        if self.appendable.get(&partition).is_some_and(Option::is_some) {
            return Ok(());
        }
        self.limit_handles(partition)?;
        let name = FileKind::Data.name(partition)?;
        let (file, created) = self.readable.storage.open_or_create(&name)?;
        self.dir_unsynced |= created;
        self.appendable.insert(partition, Some(file));
        Ok(())
    }

    /// Closes the handles of partitions that have no open page, when there are many.
    fn limit_handles(&mut self, keep: Partition) -> Result<()> {
        if self.appendable.len() <= 2 * MIN_OPEN_PAGES {
            return Ok(());
        }
        let open = self
            .readable
            .state
            .read(|state| -> SortedSet<Partition> { state.pages.keys().copied().collect() });
        let idle: Vec<Partition> = self
            .appendable
            .keys()
            .copied()
            .filter(|partition| *partition != keep && !open.contains(partition))
            .collect();
        for partition in idle {
            if let Some(Some(file)) = self.appendable.get_mut(&partition)
                && self.unsynced.contains_key(&partition)
            {
                self.readable.sync_counted(file, self.host.clock())?;
                self.unsynced.remove(&partition);
            }
            self.appendable.remove(&partition);
        }
        Ok(())
    }

    /// Cuts torn frames off the end of the partition's data file, so that what is appended
    /// stands behind whole frames (D-07). The cut bytes are kept in a file of their own.
    ///
    /// A length reaches the disk before the bytes do, so the last frames are read: a header
    /// alone proves nothing. What stays is synced, since a process that was killed may have left
    /// it to the system, and from here on it counts as safe.
    pub(crate) fn make_appendable(&mut self, partition: Partition) -> Result<()> {
        if self.appendable.contains_key(&partition) {
            return Ok(());
        }
        let files = self.readable.state.read(|state| state.files_of(partition));
        if let Some(data) = files.data.as_ref().filter(|_| self.uncut.contains(&partition)) {
            let len = self.readable.storage.open(&data.name)?.len()?;
            self.cut_tail(&data.name, data.len, len)?;
            self.uncut.remove(&partition);
        } else if let Some(data) = &files.data {
            let max_torn = match self.staging.rules.durability {
                Durability::Throughput => usize::MAX,
                Durability::Strict | Durability::Balanced => 1,
            };
            let good_end = self.readable.whole_frames(partition, data, max_torn)?;
            if good_end < data.len {
                let (name, count) = (data.name.clone(), data.len - good_end);
                let place = format!("{name}: {count} bytes at {good_end}, kept in {name}.torn");
                let cut = self.cut_tail(&data.name, good_end, data.len);
                match &cut {
                    Ok(()) => self.cut.push(place),
                    Err(error) if error.leaves_doubt() => return cut,
                    // Nobody may see them, and nothing may stand behind them.
                    Err(_) => drop(self.uncut.insert(partition)),
                }
                self.readable.state.write(|state| {
                    state.set_file(partition, FileKind::Data, Some((name, good_end)));
                });
                self.readable.cache.write(|cache| cache.forget(data.generation));
                cut?;
            } else {
                self.readable.storage.open(&data.name)?.sync()?;
            }
        }
        self.appendable.insert(partition, None);
        Ok(())
    }

    /// Cuts `name` to `end`, after saving what is cut as `<name>.torn` where recovery tools and
    /// people can find it; the reference does not look at such names.
    pub(crate) fn cut_tail(&self, name: &FileName, end: u64, len: u64) -> Result<()> {
        let storage = &self.readable.storage;
        let mut file = storage.open(name)?;
        let count = usize::try_from(len.saturating_sub(end)).unwrap_or(usize::MAX);
        let mut tail = alloc::vec![0; count];
        let read = file.read_at(end, &mut tail)?;
        tail.truncate(read);
        if tail.iter().any(|&byte| byte != 0) {
            storage.replace(&FileName::new(&format!("{name}.torn"))?, &tail)?;
        }
        file.truncate(end)?;
        file.sync()?;
        Ok(())
    }

    /// Writes the catalog file when it lacks a metric.
    pub(crate) fn store_catalog(&mut self) -> Result<()> {
        let records = self
            .readable
            .state
            .read(|state| state.catalog.is_dirty().then(|| state.catalog.to_records()));
        if let Some(records) = records {
            let bytes = catalog::file::encode(&records);
            self.readable.storage.replace(&FileName::new(CATALOG)?, &bytes)?;
            self.readable.state.write(|state| state.catalog.mark_stored());
        }
        Ok(())
    }

    /// Writes the catalog file before a page needs it, so that records of new metrics become
    /// short. Nothing depends on it: the log has the names, and the next page tries again.
    pub(crate) fn store_catalog_early(&mut self) {
        let _ = self.store_catalog();
    }

    /// Empties the log when files hold all its samples for certain.
    ///
    /// A page that was not synced is not there for certain, so without syncs (`throughput`) the
    /// log stays until it has grown to its limit, and the data files are synced then (D-23).
    pub(crate) fn try_reset_log(&mut self) -> Result<()> {
        let Some(logs) = &self.staging.logs else { return Ok(()) };
        if core::mem::take(&mut self.anchors_are_wrong) {
            let open: Vec<Partition> =
                self.readable.state.read(|state| state.pages.keys().copied().collect());
            open.into_iter().try_for_each(|partition| self.write_page(partition))?;
            return self.reset_log();
        }
        let needed = self.readable.state.read(State::needs_log);
        if logs.is_empty() || needed {
            return Ok(());
        }
        if !self.unsynced.is_empty() && logs.longest() < self.staging.rules.max_log_len {
            return Ok(());
        }
        self.reset_log()
    }

    /// Makes the data files durable and empties the log. No open page has logged samples.
    fn reset_log(&mut self) -> Result<()> {
        let started = self.host.clock().monotonic();
        self.settle_dir()?;
        self.sync_data()?;
        self.store_catalog()?;
        let bytes = self.staging.logs.as_ref().map_or(0, Logs::len);
        if let Some(logs) = &mut self.staging.logs {
            logs.reset()?;
        }
        if bytes > 0 {
            self.note_reset(bytes, started);
        }
        self.staging.leave();
        Ok(())
    }

    /// Counts a reset of the log.
    fn note_reset(&mut self, bytes: u64, started: Duration) {
        let ended = self.host.clock().monotonic();
        let since_last = self.last_reset.replace(ended).map(|last| ended.saturating_sub(last));
        let reset = WalReset { at: self.now(), bytes };
        let took = ended.saturating_sub(started);
        self.readable.state.write(|state| state.stats.wal.note_reset(reset, took, since_last));
        self.host.note(&Event::LogReset { database: &self.readable.name, bytes, took });
    }

    /// Makes every data file durable.
    pub(crate) fn sync_data(&mut self) -> Result<()> {
        while let Some((&partition, _)) = self.unsynced.first_key_value() {
            if let Some(Some(file)) = self.appendable.get_mut(&partition) {
                self.readable.sync_counted(file, self.host.clock())?;
            }
            self.unsynced.remove(&partition);
        }
        Ok(())
    }

    /// Writes out pages until a new one may be opened: the oldest first.
    pub(crate) fn limit_open_pages(&mut self, next: Partition) -> Result<()> {
        let oldest = self.readable.state.read(|state| {
            let limit = too_many_pages(state, &self.staging.rules, next);
            limit.then(|| state.pages.keys().next().copied()).flatten()
        });
        oldest.map_or(Ok(()), |oldest| self.flush(oldest))
    }

    /// Writes everything, empties the log and makes all of it durable. Nothing is added after it;
    /// what could not be written can be tried again.
    pub(crate) fn close(&mut self) -> Result<()> {
        if self.end == End::Finished {
            return Ok(());
        }
        self.end = End::NotYet;
        let finished = self.check_writable().and_then(|()| self.flush_all());
        let finished = finished.and_then(|()| self.finish());
        self.end = End::Begun;
        self.poisoning(finished)?;
        self.end = End::Finished;
        self.store_ids();
        self.host.note(&Event::DatabaseClosed { database: &self.readable.name });
        Ok(())
    }

    /// Empties the logs for good: no power cut brings their records back. No page is open.
    pub(crate) fn empty_log(&mut self) -> Result<()> {
        let emptied = self.reset_log().and_then(|()| match &mut self.staging.logs {
            Some(logs) => {
                let took = timed(self.host.clock(), || logs.sync_emptied())?;
                let now = self.host.clock().now();
                self.readable.state.write(|state| state.stats.wal.note_sync(now, took));
                Ok(())
            }
            None => Ok(()),
        });
        self.poisoning(emptied)
    }

    /// Sees to it that the logs have no samples, whatever a power cut brings back: those of files
    /// that are about to go would come back.
    pub(crate) fn settle_log(&mut self) -> Result<()> {
        let logs = self.staging.logs.as_ref();
        if logs.is_some_and(|logs| !logs.are_empty_for_certain()) {
            self.flush_all()?;
            self.empty_log()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.give_room()?;
        self.settle_dir()?;
        self.store_catalog()?;
        if self.staging.logs.as_ref().is_some_and(|logs| !logs.is_empty()) {
            self.reset_log()?;
        }
        self.sync_data()?;
        match self.staging.logs.take() {
            Some(mut logs) => self.remove_late_log(&mut logs),
            None => Ok(()),
        }
    }

    /// Makes the file of late samples, with the first of them.
    pub(crate) fn make_late_log(&mut self) -> Result<()> {
        let name = LogKind::Late.file_name(&self.readable.name)?;
        let file = self.readable.storage.open_log(&name)?;
        // What is synced in a file counts once its name is safe.
        self.sync_dir()?;
        if let Some(logs) = &mut self.staging.logs {
            logs.attach_late(file);
        }
        Ok(())
    }

    /// Removes the file of late samples, which is empty. Should a power cut bring it back, it holds
    /// only what data files hold too; the next opening syncs the directory before they change.
    pub(crate) fn remove_late_log(&self, logs: &mut Logs<FileOf<H>>) -> Result<()> {
        if logs.detach_late().is_none() {
            return Ok(());
        }
        let name = LogKind::Late.file_name(&self.readable.name)?;
        Ok(self.readable.storage.remove_if_present(&name)?)
    }

    /// Settles what the newest sample of a metric is, so that its next sample can be judged.
    ///
    /// Where a file that cannot be read may hide it, that of all other files counts: refusing new
    /// samples because an old file is damaged would lose more.
    pub(crate) fn settle_newest(&self, slot: catalog::Slot) -> Result<()> {
        match self.readable.resolve_newest(slot) {
            Err(error) if error.is_about_one_file() => {
                let passed_over = Notes::new(&self.readable.name);
                let newest = self.readable.find_newest(slot, OnDamage::Note(&passed_over))?;
                self.readable.note_newest(slot, newest);
                Ok(())
            }
            other => other,
        }
    }
}

impl<H: Host> Readable<H> {
    /// Makes a data file durable, and counts it.
    fn sync_counted(&self, file: &mut FileOf<H>, clock: &H::Clock) -> storage::Result<()> {
        let took = timed(clock, || file.sync())?;
        self.state.write(|state| state.stats.data.sync_ns.add_duration(took));
        Ok(())
    }
}

pub(crate) fn to_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Length of the partition's data file, all whole frames.
pub(crate) fn data_len(state: &State, partition: Partition) -> u64 {
    let files = state.files.get(&partition);
    files.and_then(|files| files.data.as_ref()).map_or(0, |data| data.len)
}

/// Whether a page must be written out before one for partition `next` may be opened.
pub(crate) fn too_many_pages(state: &State, rules: &WriteRules, next: Partition) -> bool {
    let active = usize::try_from(rules.settings.max_active_days).unwrap_or(0);
    state.pages.len() >= active.max(MIN_OPEN_PAGES) && !state.pages.contains_key(&next)
}
