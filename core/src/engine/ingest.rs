//! Taking samples in.
//!
//! In two steps, so that nothing changes before everything about a sample was checked (D-01) and
//! queries see no sample that was not logged: *stage* checks, assigns ids and encodes log
//! records; then the log takes them; then *apply* puts them into open pages.

use super::host::{Host, Shared};
use super::state::State;
use super::writer::{WriteRules, Writer, too_many_pages};
use crate::catalog::{Newest, Slot};
use crate::error::{Error, Rejection, Result};
use crate::name::check_metric_name;
use crate::page::{MAX_RECORDS, OpenPage, PageLimits};
use crate::partition::Partition;
use crate::storage::StorageFile;
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use crate::wal::Log;
use alloc::string::ToString;
use alloc::vec::Vec;

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

/// Which metric a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// By name; the metric is made when there is none.
    Name(&'a str),
    /// By handle.
    Handle(MetricHandle),
}

/// One sample on its way in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// Its metric.
    pub target: Target<'a>,
    /// When it was measured.
    pub time: Timestamp,
    /// What was measured.
    pub value: Value,
}

/// What became of a batch: every row was taken or is named here with the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchReport {
    /// Rows that were taken.
    pub accepted: u64,
    /// Rows that were not: their position in the batch, and why.
    pub rejected: Vec<(usize, Rejection)>,
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

/// Why staging stopped before the rows ended.
enum Pause {
    /// Enough rows are staged.
    Enough,
    /// A page is full with the staged rows.
    Full(Partition),
    /// A partition's file must be looked at before the row can be staged.
    Partition(Partition),
    /// The metric's newest sample must be looked up before the row can be judged.
    Newest(Slot),
}

impl<H: Host> Writer<H> {
    /// Takes rows in; each is accepted or rejected on its own. When this returns without an
    /// error, accepted rows survive the end of the process, or a power cut, as settings promise.
    pub(crate) fn add_rows<'a>(
        &mut self,
        rows: impl Iterator<Item = Row<'a>>,
        report: &mut BatchReport,
    ) -> Result<()> {
        self.check_writable()?;
        let now = self.now();
        let mut rows = rows.enumerate().peekable();
        while rows.peek().is_some() {
            let pause = self.stage(&mut rows, now, report);
            let taken = self.log_and_apply(now);
            self.poisoning(taken)?;
            report.accepted += u64::try_from(self.staged.len()).unwrap_or(0);
            self.staged.clear();
            let prepared = match pause {
                None | Some(Pause::Enough) => Ok(()),
                Some(Pause::Full(partition)) => self.flush(partition),
                Some(Pause::Partition(partition)) => {
                    self.limit_open_pages(partition).and_then(|()| self.make_appendable(partition))
                }
                Some(Pause::Newest(slot)) => self.settle_newest(slot),
            };
            self.poisoning(prepared)?;
        }
        self.keep_bounds(now)
    }

    /// Takes one sample in: the same steps without the bookkeeping of a batch.
    pub(crate) fn add_row(&mut self, row: Row<'_>) -> Result<()> {
        let mut report = BatchReport::default();
        self.add_rows(core::iter::once(row), &mut report)?;
        report.rejected.pop().map_or(Ok(()), |(_, rejection)| Err(Error::Rejected(rejection)))
    }

    /// The handle of a metric, which is made when there is none.
    pub(crate) fn handle(&mut self, metric: &str, value_type: ValueType) -> Result<MetricHandle> {
        self.check_writable()?;
        let slot = self.readable.state.write(|state| slot_of(state, metric, value_type))?;
        Ok(MetricHandle { slot, value_type })
    }

    /// Pages that are old enough, and a log that is large enough, are written out.
    fn keep_bounds(&mut self, now: Timestamp) -> Result<()> {
        self.flush_aged(now)?;
        match &self.log {
            Some(log) if log.len() >= self.rules.max_log_len => self.flush_all(),
            _ => Ok(()),
        }
    }

    fn stage<'a>(
        &mut self,
        rows: &mut core::iter::Peekable<impl Iterator<Item = (usize, Row<'a>)>>,
        now: Timestamp,
        report: &mut BatchReport,
    ) -> Option<Pause> {
        let Self { readable, rules, log, appendable, anchored, newest_stored, staged, .. } = self;
        let newest_stored = *newest_stored;
        let limits = rules.page_limits();
        let mut room = Room { partition: None, left: 0 };
        readable.state.write(|state| {
            while let Some(&(at, row)) = rows.peek() {
                if staged.len() >= MAX_STAGED {
                    return Some(Pause::Enough);
                }
                let current = room.holds(row.time);
                let partition = current
                    .unwrap_or_else(|| Partition::containing(rules.settings.partition, row.time));
                if current.is_none() {
                    if !appendable.contains_key(&partition)
                        || too_many_pages(state, rules, partition)
                    {
                        return Some(Pause::Partition(partition));
                    }
                    room = Room::in_page(state, partition, staged, &limits);
                }
                match check(state, row, newest_stored) {
                    Ok(Verdict::Take(slot)) => {
                        let logged = log.as_mut().filter(|_| is_logged(rules, row.time, now));
                        let logged = logged.is_some_and(|log| {
                            let anchor =
                                anchored.insert(partition).then(|| data_len(state, partition));
                            write_record(log, state, slot, row, anchor);
                            true
                        });
                        staged.push(accept(state, slot, row, partition, logged));
                        room.left = room.left.saturating_sub(1);
                    }
                    Ok(Verdict::LookUp(slot)) => return Some(Pause::Newest(slot)),
                    Err(rejection) => report.rejected.push((at, rejection)),
                }
                rows.next();
                if room.left == 0 {
                    return Some(Pause::Full(partition));
                }
            }
            None
        })
    }

    fn log_and_apply(&mut self, now: Timestamp) -> Result<()> {
        if let Some(log) = &mut self.log {
            log.commit()?;
        }
        let staged = &self.staged;
        self.readable.state.write(|state| {
            for run in staged.chunk_by(|a, b| a.partition == b.partition) {
                let Some(partition) = run.first().map(|first| first.partition) else { continue };
                let page = state.pages.entry(partition).or_insert_with(|| OpenPage::new(now));
                for sample in run {
                    page.push(sample.id, sample.time, sample.raw);
                    page.logged |= sample.logged;
                }
                for sample in run {
                    if let Some(entry) = state.catalog.get_mut(sample.slot) {
                        entry.last = Newest::At(sample.time, sample.raw);
                    }
                }
            }
        });
        Ok(())
    }
}

/// How many more samples the page of a partition takes.
struct Room {
    partition: Option<(Partition, TimeRange)>,
    left: usize,
}

impl Room {
    /// The page's partition if `time` falls in it.
    fn holds(&self, time: Timestamp) -> Option<Partition> {
        self.partition.filter(|(_, range)| range.contains(time)).map(|(partition, _)| partition)
    }

    fn in_page(
        state: &State,
        partition: Partition,
        staged: &[Staged],
        limits: &PageLimits,
    ) -> Self {
        let open = state.pages.get(&partition).map_or(0, OpenPage::len);
        let waiting = staged.iter().filter(|sample| sample.partition == partition).count();
        let by_bytes = usize::try_from(limits.max_bytes.div_ceil(14)).unwrap_or(usize::MAX);
        let limit = limits.max_records.min(by_bytes).clamp(1, MAX_RECORDS);
        let partition = Some((partition, partition.range()));
        Self { partition, left: limit.saturating_sub(open + waiting).max(1) }
    }
}

enum Verdict {
    Take(Slot),
    LookUp(Slot),
}

/// Whether a row may be taken. A metric is registered only by a row that is.
fn check(
    state: &mut State,
    row: Row<'_>,
    newest_stored: Option<i64>,
) -> core::result::Result<Verdict, Rejection> {
    let slot = match row.target {
        Target::Handle(handle) => handle.slot,
        Target::Name(name) => match state.catalog.find(name) {
            Some(slot) => slot,
            None => return register(state, name, row.value.value_type()).map(Verdict::Take),
        },
    };
    let Some(entry) = state.catalog.get(slot) else {
        return Err(Rejection::Invalid(
            "the metric handle belongs to another database".to_string(),
        ));
    };
    check_type(&entry.name, entry.value_type, row.value.value_type())?;
    match (entry.accepted, entry.last) {
        (Some(newest), _) | (None, Newest::At(newest, _)) if row.time.0 < newest => {
            let metric = entry.name.to_string();
            Err(Rejection::Stale { metric, time: row.time, newest: Timestamp(newest) })
        }
        (None, Newest::Unknown) if newest_stored.is_some_and(|newest| row.time.0 < newest) => {
            Ok(Verdict::LookUp(slot))
        }
        _ => Ok(Verdict::Take(slot)),
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
    let expected = state.catalog.get(slot).map_or(value_type, |entry| entry.value_type);
    check_type(metric, expected, value_type)?;
    Ok(slot)
}

/// Whether the log takes a sample of this time.
fn is_logged(rules: &WriteRules, time: Timestamp, now: Timestamp) -> bool {
    let window = rules.settings.wal_skip_before.as_nanos();
    window <= 0 || time.0 >= now.0.saturating_sub(window)
}

/// Length of the partition's data file, all whole frames.
fn data_len(state: &State, partition: Partition) -> u64 {
    let files = state.files.get(&partition);
    files.and_then(|files| files.data.as_ref()).map_or(0, |data| data.len)
}

fn write_record<F: StorageFile>(
    log: &mut Log<F>,
    state: &mut State,
    slot: Slot,
    row: Row<'_>,
    anchor: Option<u64>,
) {
    let Some(entry) = state.catalog.get_mut(slot) else { return };
    let name = (!entry.introduced).then(|| (&*entry.name, entry.value_type));
    log.add((entry.id.get(), row.time.0, row.value.to_raw()), name, anchor);
    entry.introduced = true;
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
        entry.accepted = Some(row.time.0);
    }
    Staged { slot, id, time: row.time.0, raw: row.value.to_raw(), partition, logged }
}
