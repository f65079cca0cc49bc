//! Taking samples in.
//!
//! In two steps, so that nothing changes before everything about a sample was checked (D-01) and
//! queries see no sample that was not logged: *stage* checks, assigns ids and encodes log
//! records; then the log takes them; then *apply* puts them into open pages.

use super::event::Event;
use super::host::{Clock, Host, Shared};
use super::logs::Logs;
use super::row::{AddOptions, BatchReport, Row, RowTime, Target};
use super::row_time::{FutureLimit, TimeRules, Timed};
use super::spare_room::needs_room;
use super::state::State;
use super::writer::{WriteRules, Writer, data_len};
use crate::catalog::{Entry, Newest, Slot};
use crate::error::{Error, Rejection, Result};
use crate::name::check_metric_name;
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::stats::DbStats;
use crate::storage::StorageFile;
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use crate::wal::Committed;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A metric that was looked up once, for ingesting many samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricHandle {
    pub(crate) slot: Slot,
    pub(crate) value_type: ValueType,
}

impl MetricHandle {
    /// The type of the metric's values.
    pub const fn value_type(self) -> ValueType {
        self.value_type
    }
}

/// A sample that passed all checks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Staged {
    slot: Slot,
    id: u16,
    time: i64,
    raw: u32,
    partition: Partition,
    logged: bool,
}

/// Rows staged before they are logged and applied.
const MAX_STAGED: usize = 4096;

/// What must be done before staging goes on.
#[derive(Clone, Copy)]
enum Pause {
    /// A page is full with the staged rows, and must be written.
    Full,
    /// The row is for another page, which must be made ready.
    Partition(Partition),
    /// The metric's newest sample must be looked up before the row can be judged.
    Newest(Slot),
    /// The row is of a new metric, and nobody knows yet which ids are free.
    Ids,
    /// The metric was deleted, and comes back with values of this type.
    Revive(Slot, ValueType),
}

impl<H: Host> Writer<H> {
    /// Takes rows in; each is accepted or rejected on its own. When this returns without an
    /// error, accepted rows survive the end of the process, or a power cut, as settings promise.
    pub(crate) fn add_rows<'a>(
        &mut self,
        rows: impl Iterator<Item = Row<'a, RowTime>>,
        options: AddOptions,
        report: &mut BatchReport,
    ) -> Result<()> {
        self.check_writable()?;
        let times = self.time_rules(options);
        let now = times.now;
        let mut rows = rows.enumerate().peekable();
        while rows.peek().is_some() {
            let rejected = report.rejected.len();
            let pause = self.stage(&mut rows, &times, report);
            if self.told_metrics.is_some() {
                let new = report.rejected.get(rejected..).unwrap_or_default();
                for (_, rejection) in new {
                    self.tell_rejected(rejection);
                }
            }
            self.log_and_apply(now)?;
            report.accepted += u64::try_from(self.staged.len()).unwrap_or(0);
            self.staged.clear();
            if let Some(pause) = pause {
                let attended = self.attend_to(pause);
                // A full page that cannot be written refuses the next row, none of these.
                if rows.peek().is_some() { attended? } else { self.postponing(attended)? }
            }
        }
        let kept = self.keep_bounds(now);
        self.postponing(kept)
    }

    /// Takes one sample in: the same steps without the bookkeeping of a batch.
    pub(crate) fn add_row(&mut self, row: Row<'_, RowTime>, options: AddOptions) -> Result<()> {
        self.check_writable()?;
        let times = self.time_rules(options);
        let now = times.now;
        loop {
            let Self { readable, staging, staged, .. } = self;
            let stepped = readable.state.write(|state| staging.step(state, row, &times, staged));
            match stepped {
                Ok(None) => break,
                Ok(Some(pause)) => self.attend_to(pause)?,
                Err(rejection) => {
                    if self.told_metrics.is_some() {
                        self.tell_rejected(&rejection);
                    }
                    return Err(Error::Rejected(rejection));
                }
            }
        }
        self.log_and_apply(now)?;
        self.staged.clear();
        let kept = if self.staging.room.left == 0 { self.flush_full() } else { Ok(()) };
        let kept = kept.and_then(|()| self.keep_bounds(now));
        self.postponing(kept)
    }

    /// What the times of rows are judged by that are taken in now.
    fn time_rules(&self, options: AddOptions) -> TimeRules {
        let now = self.now();
        TimeRules {
            now,
            undated: options.undated.unwrap_or(now),
            max_future_ns: self.staging.rules.max_future_ns,
            limit: options.live.then(|| self.future_limit(now)),
        }
    }

    /// How far ahead of the clock live samples may be.
    pub(crate) fn future_limit(&self, now: Timestamp) -> FutureLimit {
        FutureLimit::new(now, self.newest(), self.staging.rules.max_future_ns)
    }

    /// Looks up anew what the latest time in files is: some were deleted. Where that cannot be read,
    /// what was known stays.
    pub(crate) fn renew_newest(&mut self) {
        if let Ok(newest) = self.readable.newest_stored() {
            self.staging.newest_in_files = newest;
        }
    }

    /// The latest time of all samples.
    pub(crate) fn newest(&self) -> Option<i64> {
        let open = self.readable.state.read(|state| {
            let pages = state.pages.values().filter(|page| !page.is_empty());
            pages.map(|page| page.bounds().1).max()
        });
        self.staging.newest_in_files.max(open)
    }

    /// The handle of a metric, which is made when there is none.
    pub(crate) fn handle(&mut self, metric: &str, value_type: ValueType) -> Result<MetricHandle> {
        self.check_writable()?;
        if self.readable.state.read(|state| state.catalog.find(metric).is_none()) {
            check_metric_name(metric)?;
            self.learn_ids()?;
        }
        let deleted = self.readable.state.read(|state| {
            let slot = state.catalog.find(metric)?;
            state.catalog.get(slot).filter(|entry| entry.deleted).map(|_| slot)
        });
        if let Some(slot) = deleted {
            self.revive(slot, value_type)?;
        }
        let slot = self.readable.state.write(|state| slot_of(state, metric, value_type))?;
        self.tell_taken();
        Ok(MetricHandle { slot, value_type })
    }

    /// Pages that are old enough, and a log that is large enough, are written out. Where that
    /// fails, the samples that were taken are no less safe for it.
    fn keep_bounds(&mut self, now: Timestamp) -> Result<()> {
        if self.staging.may_be_due(now) {
            self.flush_aged()?;
        }
        match &self.staging.logs {
            Some(logs) if logs.longest() >= self.staging.rules.max_log_len => self.flush_all(),
            Some(logs) if needs_room(logs.len(), self.kept_room) => self.keep_room(),
            _ => Ok(()),
        }
    }

    fn stage<'a>(
        &mut self,
        rows: &mut core::iter::Peekable<impl Iterator<Item = (usize, Row<'a, RowTime>)>>,
        times: &TimeRules,
        report: &mut BatchReport,
    ) -> Option<Pause> {
        let Self { readable, staging, staged, .. } = self;
        readable.state.write(|state| {
            while let Some(&(at, row)) = rows.peek() {
                match staging.step(state, row, times, staged) {
                    Ok(None) => report.clock_behind += behind(row.time, times, staged),
                    Ok(pause) => return pause,
                    Err(rejection) => report.rejected.push((at, rejection)),
                }
                rows.next();
                if staging.room.left == 0 {
                    return Some(Pause::Full);
                }
                if staged.len() >= MAX_STAGED {
                    return None;
                }
            }
            None
        })
    }

    fn attend_to(&mut self, pause: Pause) -> Result<()> {
        match pause {
            Pause::Full => self.flush_full(),
            Pause::Partition(partition) => self.enter(partition),
            Pause::Newest(slot) => {
                let settled = self.settle_newest(slot);
                self.poisoning(settled)
            }
            Pause::Ids => self.learn_ids(),
            Pause::Revive(slot, value_type) => self.revive(slot, value_type),
        }
    }

    /// Writes the page that staging filled.
    fn flush_full(&mut self) -> Result<()> {
        match self.staging.room.partition {
            Some((partition, _)) => self.flush(partition),
            None => Ok(()),
        }
    }

    /// Makes staging put rows into the page of another partition. A page that should have been
    /// written takes none before it is: memory is bounded.
    fn enter(&mut self, partition: Partition) -> Result<()> {
        let limits = self.staging.rules.page_limits();
        let is_full = |state: &State| {
            state.pages.get(&partition).is_some_and(|page| page.len() >= limits.capacity())
        };
        if self.readable.state.read(is_full) {
            self.flush(partition)?;
        }
        self.limit_open_pages(partition)?;
        let appendable = self.make_appendable(partition);
        self.poisoning(appendable)?;
        let (open, is_new) = self.readable.state.read(|state| {
            let page = state.pages.get(&partition);
            (page.map_or(0, OpenPage::len), page.is_none() && !state.files.contains_key(&partition))
        });
        self.has_begun |= is_new;
        self.staging.enter(partition, open, self.unsynced.get(&partition).copied());
        Ok(())
    }

    fn log_and_apply(&mut self, now: Timestamp) -> Result<()> {
        let mut logged = self.log_staged();
        if logged.as_ref().is_err_and(Error::lacks_room) && self.make_room_for_log() {
            self.encode_staged(now);
            logged = self.log_staged();
        }
        if logged.is_err() {
            self.unstage();
        }
        let committed = self.poisoning(logged)?;
        if committed.records > 0 && self.trouble.is_hindered() {
            self.trouble.note_success();
        }
        let log_len = self.staging.logs.as_ref().map_or(0, Logs::len);
        let Self { readable, staging, staged, host, .. } = self;
        readable.state.write(|state| {
            count(&mut state.stats, staged.len(), &committed, log_len, now);
            for run in staged.chunk_by(|a, b| a.partition == b.partition) {
                let Some(partition) = run.first().map(|first| first.partition) else { continue };
                let page = state.pages.get_or_insert_with(partition, || {
                    let made = host.clock().monotonic();
                    staging.note_page(made);
                    staging.look_when_due(now, made);
                    OpenPage::new(made)
                });
                for sample in run {
                    page.push(sample.id, sample.time, sample.raw);
                    page.logged |= sample.logged;
                    page.unlogged |= !sample.logged;
                }
                for sample in run {
                    if let Some(entry) = state.catalog.get_mut(sample.slot) {
                        entry.last.note(sample.time, sample.raw);
                    }
                }
            }
        });
        self.tell_taken();
        Ok(())
    }

    /// Hands the records of what was staged to the logs.
    fn log_staged(&mut self) -> Result<Committed> {
        if self.staging.logs.as_ref().is_some_and(Logs::needs_late_file) {
            self.make_late_log()?;
        }
        let clock = self.host.clock();
        match &mut self.staging.logs {
            Some(logs) => Ok(logs.commit(|| clock.monotonic())?),
            None => Ok(Committed::default()),
        }
    }

    /// Writes all pages and empties the logs, which have no room to grow: a sample takes several
    /// times as much in a log as in a page. Says whether there is more room now.
    ///
    /// Not where something could not be written before: then the next tick tries it.
    #[cold]
    fn make_room_for_log(&mut self) -> bool {
        let Some(logs) = &mut self.staging.logs else { return false };
        if logs.is_empty() || self.trouble.is_hindered() {
            return false;
        }
        logs.forget_pending(); // what waits is encoded anew: it builds on what is in the files
        let given = self.give_room();
        let written = given.and_then(|()| self.flush_all()).and_then(|()| self.settle_log());
        // The catalog file may have metrics of what is staged, and their ids are given out then.
        self.staging.metrics = self.readable.state.read(|state| state.catalog.len());
        written.is_ok()
    }

    /// Encodes what was staged once more, for logs that are empty.
    fn encode_staged(&mut self, now: Timestamp) {
        let Self { readable, staging, staged, .. } = self;
        let skip_before = late_before(&staging.rules, now);
        let Some(logs) = &mut staging.logs else { return };
        readable.state.read(|state| {
            for sample in staged.iter() {
                let Some(entry) = state.catalog.get(sample.slot) else { continue };
                let name = (!entry.stored).then(|| (&*entry.name, entry.value_type));
                // Data files were synced before the logs were emptied.
                let anchor = || data_len(state, sample.partition);
                let of_log = (sample.id, sample.time, sample.raw);
                logs.add(of_log, name, sample.partition, skip_before, anchor);
            }
        });
    }

    /// Forgets what was staged and could not be logged, as if it had never been asked.
    #[cold]
    fn unstage(&mut self) {
        let Self { readable, staging, staged, .. } = self;
        readable.state.write(|state| {
            for sample in staged.drain(..) {
                if let Some(entry) = state.catalog.get_mut(sample.slot) {
                    entry.accepted = match entry.last {
                        Newest::At(newest, _) => Some(newest),
                        Newest::Unknown | Newest::None => None,
                    };
                }
            }
            state.catalog.roll_back(staging.metrics);
        });
        if let Some(logs) = &mut staging.logs {
            logs.forget_pending();
        }
        staging.leave();
    }

    /// Tells a host that wants to know of new metrics and of the staged samples.
    fn tell_taken(&mut self) {
        let Some(told) = &mut self.told_metrics else { return };
        let database = self.readable.name.as_str();
        // Copied first: the host must not keep queries waiting.
        let (new, taken) = self.readable.state.read(|state| {
            // Ids only grow, so new metrics are the last ones.
            let new = state.catalog.iter().skip(*told).map(|e| (Arc::clone(&e.name), e.value_type));
            let taken = self.staged.iter().filter_map(|sample| {
                let entry = state.catalog.get(sample.slot)?;
                let value = Value::from_raw(entry.value_type, sample.raw);
                Some((Arc::clone(&entry.name), Timestamp(sample.time), value))
            });
            (new.collect::<Vec<_>>(), taken.collect::<Vec<_>>())
        });
        *told += new.len();
        for (metric, value_type) in &new {
            self.host.note(&Event::MetricRegistered { database, metric, value_type: *value_type });
        }
        for (metric, time, value) in &taken {
            let (time, value) = (*time, *value);
            self.host.note(&Event::SampleTaken { database, metric, time, value });
        }
    }

    fn tell_rejected(&self, rejection: &Rejection) {
        self.host.note(&Event::SampleRejected { database: &self.readable.name, rejection });
    }
}

/// Counts samples that the log took, or that bypassed it.
fn count(stats: &mut DbStats, samples: usize, committed: &Committed, log_len: u64, now: Timestamp) {
    stats.samples += u64::try_from(samples).unwrap_or(0);
    if committed.records > 0 {
        stats.wal.append_count += committed.records;
        stats.wal.append_bytes += committed.bytes;
        stats.wal.buffer_bytes = log_len;
        stats.wal.last_append_at = Some(now);
    }
    if let Some(took) = committed.sync_time {
        stats.wal.note_sync(now, took);
    }
}

/// The part of the writer that staging needs.
#[derive(Debug)]
pub(crate) struct Staging<F> {
    pub(crate) rules: WriteRules,
    pub(crate) logs: Option<Logs<F>>,
    /// The latest time in any file when the database was opened.
    pub(crate) newest_stored: Option<i64>,
    /// The latest time in any file now, by which the clock is judged.
    pub(crate) newest_in_files: Option<i64>,
    /// The page that rows go to until one is for another partition.
    room: Room,
    /// Whether samples older than their metric's newest are taken, as imports of files do.
    pub(crate) takes_older: bool,
    /// When the next open page reaches its age, at the earliest, by the monotonic clock.
    pages_due: Duration,
    /// When the monotonic clock is to be asked whether that is so. Samples ask the clock for the
    /// time anyway, and not for how long things take.
    look: Look,
    /// Number of metrics before any of the staged samples.
    metrics: usize,
}

/// The stretch of wall time in which no page can reach its age unless the clock is set.
#[derive(Debug)]
struct Look {
    /// What the clock showed last. When it shows less, it was set back.
    seen: Timestamp,
    until: Timestamp,
}

/// How many more samples the page of a partition takes.
#[derive(Debug, Default)]
struct Room {
    partition: Option<(Partition, TimeRange)>,
    left: usize,
    /// Length of the data file when last synced, unless all of it is: an anchor behind it would
    /// be wrong once a power cut has shortened the file and new frames stand before the anchor.
    synced_len: Option<u64>,
}

impl<F: StorageFile> Staging<F> {
    pub(crate) fn new(rules: WriteRules, newest_stored: Option<i64>) -> Self {
        Self {
            rules,
            logs: None,
            newest_stored,
            newest_in_files: newest_stored,
            room: Room { partition: None, left: 1, synced_len: None },
            takes_older: false,
            pages_due: Duration::MAX,
            look: Look { seen: Timestamp::MIN, until: Timestamp::MIN },
            metrics: 0,
        }
    }

    /// Forgets which page rows go to: pages were written, or the log was emptied.
    pub(crate) fn leave(&mut self) {
        self.room = Room { partition: None, left: 1, synced_len: None };
    }

    /// The partition that a sample of this time belongs to.
    pub(crate) fn partition_of(&self, time: Timestamp) -> Partition {
        match self.room.partition.filter(|(_, range)| range.contains(time)) {
            Some((partition, _)) => partition,
            None => Partition::containing(self.rules.settings.partition, time),
        }
    }

    /// Notes that a page was made then, by the monotonic clock.
    pub(crate) fn note_page(&mut self, made: Duration) {
        let age = u64::try_from(self.rules.page_limits().max_age_ns).unwrap_or(0);
        let due = made.saturating_add(Duration::from_nanos(age));
        self.pages_due = self.pages_due.min(due);
    }

    /// Notes that no page is open.
    pub(crate) fn note_no_page(&mut self) {
        self.pages_due = Duration::MAX;
    }

    /// Looks again when a page can have reached its age: now both clocks show these times.
    pub(crate) fn look_when_due(&mut self, now: Timestamp, monotonic: Duration) {
        let left = self.pages_due.saturating_sub(monotonic).as_nanos();
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        self.look.until = Timestamp(now.0.saturating_add(left));
    }

    /// Whether a page may have reached its age.
    fn may_be_due(&mut self, now: Timestamp) -> bool {
        let seen = core::mem::replace(&mut self.look.seen, now);
        now < seen || now >= self.look.until
    }

    fn enter(&mut self, partition: Partition, open: usize, synced_len: Option<u64>) {
        let limit = self.rules.page_limits().capacity();
        self.room = Room {
            partition: Some((partition, partition.range())),
            left: limit.saturating_sub(open).max(1),
            synced_len,
        };
    }

    /// Checks one row and stages it, or says what must be done before.
    fn step(
        &mut self,
        state: &mut State,
        row: Row<'_, RowTime>,
        times: &TimeRules,
        staged: &mut Vec<Staged>,
    ) -> core::result::Result<Option<Pause>, Rejection> {
        let time = match times.time_of(state, &row, self.newest_stored)? {
            Timed::At(time) => time,
            Timed::LookUp(slot) => return Ok(Some(Pause::Newest(slot))),
        };
        let row = Row { target: row.target, time, value: row.value };
        let current = self.room.partition.filter(|(_, range)| range.contains(row.time));
        let Some((partition, _)) = current else {
            let next = Partition::containing(self.rules.settings.partition, row.time);
            return Ok(Some(Pause::Partition(next)));
        };
        if staged.is_empty() {
            self.metrics = state.catalog.len();
        }
        let slot = match check(state, row, self.newest_stored, self.takes_older)? {
            Verdict::Take(slot) => slot,
            Verdict::LookUp(slot) => return Ok(Some(Pause::Newest(slot))),
            Verdict::LearnIds => return Ok(Some(Pause::Ids)),
            Verdict::Revive(slot) => {
                return Ok(Some(Pause::Revive(slot, row.value.value_type())));
            }
        };
        if let Some(logs) = &mut self.logs
            && let Some(entry) = state.catalog.get(slot)
        {
            // In every record until the catalog file has it: the reference's later versions look
            // types up before they take names in, and would not open the database (D-26).
            let name = (!entry.stored).then(|| (&*entry.name, entry.value_type));
            let sample = (entry.id.get(), row.time.0, row.value.to_raw());
            let synced_len = self.room.synced_len;
            let anchor = || synced_len.unwrap_or_else(|| data_len(state, partition));
            logs.add(sample, name, partition, late_before(&self.rules, times.now), anchor);
        }
        staged.push(accept(state, slot, row, partition, self.logs.is_some()));
        self.room.left = self.room.left.saturating_sub(1);
        Ok(None)
    }
}

/// 1 if the row that was staged last has no time of its own and the clock was behind its metric.
fn behind(time: RowTime, times: &TimeRules, staged: &[Staged]) -> u64 {
    let given = staged.last().filter(|_| time == RowTime::Now);
    u64::from(given.is_some_and(|staged| times.is_behind(time, Timestamp(staged.time))))
}

enum Verdict {
    Take(Slot),
    LookUp(Slot),
    LearnIds,
    Revive(Slot),
}

/// Whether a row may be taken. A metric is registered only by a row that is.
fn check(
    state: &mut State,
    row: Row<'_>,
    newest_stored: Option<i64>,
    takes_older: bool,
) -> core::result::Result<Verdict, Rejection> {
    let slot = match row.target {
        Target::Handle(handle) => handle.slot,
        Target::Name(name) => match state.catalog.find(name) {
            Some(slot) => slot,
            None if !state.ids.is_complete() => {
                check_metric_name(name)?;
                return Ok(Verdict::LearnIds);
            }
            None => return register(state, name, row.value.value_type()).map(Verdict::Take),
        },
    };
    let Some(entry) = state.catalog.get(slot) else {
        return Err(Rejection::Invalid(
            "the metric handle belongs to another database".to_string(),
        ));
    };
    check_named(entry)?;
    if entry.deleted {
        return Ok(Verdict::Revive(slot));
    }
    check_type(&entry.name, entry.value_type, row.value.value_type())?;
    match (entry.accepted, entry.last) {
        (Some(newest), _) | (None, Newest::At(newest, _))
            if row.time.0 < newest && !takes_older =>
        {
            let metric = entry.name.to_string();
            Err(Rejection::Stale { metric, time: row.time, newest: Timestamp(newest) })
        }
        (Some(newest), Newest::Unknown) if row.time.0 < newest => Ok(Verdict::LookUp(slot)),
        (None, Newest::Unknown) if newest_stored.is_some_and(|newest| row.time.0 < newest) => {
            Ok(Verdict::LookUp(slot))
        }
        _ => Ok(Verdict::Take(slot)),
    }
}

/// A sample of a metric whose name is lost would be of nobody knows what.
fn check_named(entry: &Entry) -> core::result::Result<(), Rejection> {
    match entry.recovered {
        None => Ok(()),
        Some(_) => Err(Rejection::NameLost { metric: entry.name.to_string(), id: entry.id }),
    }
}

fn check_type(
    metric: &str,
    expected: ValueType,
    found: ValueType,
) -> core::result::Result<(), Rejection> {
    if expected == found {
        return Ok(());
    }
    Err(Rejection::TypeMismatch { metric: metric.to_string(), expected, found })
}

fn register(
    state: &mut State,
    metric: &str,
    value_type: ValueType,
) -> core::result::Result<Slot, Rejection> {
    check_metric_name(metric)?;
    state.catalog.register(metric, value_type)
}

fn slot_of(
    state: &mut State,
    metric: &str,
    value_type: ValueType,
) -> core::result::Result<Slot, Rejection> {
    let Some(slot) = state.catalog.find(metric) else {
        return register(state, metric, value_type);
    };
    if let Some(entry) = state.catalog.get(slot) {
        check_named(entry)?;
        check_type(metric, entry.value_type, value_type)?;
    }
    Ok(slot)
}

/// The time before which samples are late by the clock alone.
fn late_before(rules: &WriteRules, now: Timestamp) -> i64 {
    let window = rules.settings.wal_skip_before.as_nanos();
    if window <= 0 { i64::MIN } else { now.0.saturating_sub(window) }
}

fn accept(
    state: &mut State,
    slot: Slot,
    row: Row<'_>,
    partition: Partition,
    logged: bool,
) -> Staged {
    let entry = state.catalog.get_mut(slot);
    let id = entry.as_ref().map_or(0, |entry| entry.id.get());
    if let Some(entry) = entry {
        entry.accepted = entry.accepted.max(Some(row.time.0));
    }
    Staged { slot, id, time: row.time.0, raw: row.value.to_raw(), partition, logged }
}
