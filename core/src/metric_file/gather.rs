//! Samples of a scan, sorted into one column for each metric.

use super::scan::{SampleScan, changed, invalid};
use super::time_match::TimeHash;
use crate::error::Result;
use crate::sorted::{SortedMap, sort_samples, sort_times};
use alloc::vec;
use alloc::vec::Vec;

/// Bytes a gathered sample may take while columns grow: time and value, twice.
pub(crate) const GROWING_BYTES: usize = 24;
/// Bytes a gathered sample takes when the number of samples is known.
pub(crate) const SAMPLE_BYTES: usize = 12;
/// As much of it is the time.
pub(crate) const TIME_BYTES: usize = 8;

const NO_COLUMN: u32 = u32::MAX;

/// The samples of one metric: in storage order, later by time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) times: Vec<i64>,
    pub(crate) raws: Vec<u32>,
}

/// What a partition holds of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) count: usize,
    pub(crate) last: i64,
    pub(crate) sorted: bool,
    /// Of the times in storage order.
    pub(crate) hash: TimeHash,
}

/// A partition after one pass: all of it, or what it takes to read it in parts.
#[derive(Debug)]
pub(crate) enum Survey {
    /// It fits memory: columns by metric id.
    Columns(SortedMap<u16, Column>),
    /// It does not: counts by metric id.
    Stats(SortedMap<u16, Stats>),
}

/// Reads the partition once and keeps its samples as long as they fit `budget` bytes.
pub(crate) fn survey(scan: &mut dyn SampleScan, budget: usize) -> Result<Survey> {
    let mut columns = Columns::growing();
    let mut stats: Option<Counter> = None;
    let mut gathered = 0_usize;
    scan.scan(&mut |ids, times, raws| {
        check_lens(ids, times, raws)?;
        if let Some(counter) = &mut stats {
            counter.add(ids, times);
            return Ok(());
        }
        gathered = gathered.saturating_add(ids.len());
        columns.add(ids, times, raws);
        if gathered.saturating_mul(GROWING_BYTES) > budget {
            let full = core::mem::replace(&mut columns, Columns::growing());
            stats = Some(Counter::of(full));
        }
        Ok(())
    })?;
    Ok(match stats {
        Some(counter) => Survey::Stats(counter.into_map()),
        None => Survey::Columns(columns.into_map()),
    })
}

/// Gathers the samples of these metrics, with the number that each has.
///
/// Values are left out where only times are wanted.
pub(crate) fn gather(
    scan: &mut dyn SampleScan,
    wanted: &[(u16, usize)],
    with_values: bool,
) -> Result<Vec<Column>> {
    let mut columns = Columns::of(wanted, with_values);
    scan.scan(&mut |ids, times, raws| {
        check_lens(ids, times, raws)?;
        if with_values {
            columns.add(ids, times, raws);
        } else {
            columns.add_times(ids, times);
        }
        Ok(())
    })?;
    let counts = columns.list.iter().map(|column| column.times.len());
    if counts.ne(wanted.iter().map(|(_, count)| *count)) {
        return Err(changed());
    }
    Ok(columns.list)
}

impl Column {
    /// Puts the samples in order of time; equal times keep their order.
    pub(crate) fn sort(&mut self) {
        if self.times.is_sorted() {
            return;
        }
        if self.raws.is_empty() {
            sort_times(&mut self.times); // equal times are alike when they carry no values
            return;
        }
        sort_samples(&mut self.times, &mut self.raws);
    }
}

impl Stats {
    const EMPTY: Self = Self { count: 0, last: i64::MIN, sorted: true, hash: TimeHash::EMPTY };

    fn add(&mut self, time: i64) {
        self.count += 1;
        self.sorted &= time >= self.last;
        self.last = time;
        self.hash.push(time);
    }
}

/// Columns, and for each metric id which one it is.
pub(crate) struct Columns {
    /// By metric id.
    slots: Vec<u32>,
    list: Vec<Column>,
    ids: Vec<u16>,
    /// Whether metrics that are met get a column.
    grow: bool,
}

impl Columns {
    /// No columns; metrics that are met get one.
    pub(crate) fn growing() -> Self {
        Self { slots: no_slots(), list: Vec::new(), ids: Vec::new(), grow: true }
    }

    fn of(wanted: &[(u16, usize)], with_values: bool) -> Self {
        let mut columns = Self::growing();
        columns.grow = false;
        for &(id, count) in wanted {
            let raws = Vec::with_capacity(if with_values { count } else { 0 });
            columns.push(id, Column { times: Vec::with_capacity(count), raws });
        }
        columns
    }

    pub(crate) fn add(&mut self, ids: &[u16], times: &[i64], raws: &[u32]) {
        for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
            if let Some(column) = self.column(id) {
                column.times.push(time);
                column.raws.push(raw);
            }
        }
    }

    fn add_times(&mut self, ids: &[u16], times: &[i64]) {
        for (&id, &time) in ids.iter().zip(times) {
            if let Some(column) = self.column(id) {
                column.times.push(time);
            }
        }
    }

    fn column(&mut self, id: u16) -> Option<&mut Column> {
        let mut slot = self.slots.get(usize::from(id)).copied()?;
        if slot == NO_COLUMN && self.grow {
            slot = self.push(id, Column::default());
        }
        self.list.get_mut(usize::try_from(slot).ok()?)
    }

    #[cold]
    fn push(&mut self, id: u16, column: Column) -> u32 {
        let index = u32::try_from(self.list.len()).unwrap_or(NO_COLUMN);
        if let Some(slot) = self.slots.get_mut(usize::from(id)) {
            *slot = index;
        }
        self.list.push(column);
        self.ids.push(id);
        index
    }

    pub(crate) fn into_map(self) -> SortedMap<u16, Column> {
        self.ids.into_iter().zip(self.list).collect()
    }
}

/// Counts, and for each metric id which one it is.
struct Counter {
    /// By metric id.
    slots: Vec<u32>,
    list: Vec<Stats>,
    ids: Vec<u16>,
}

impl Counter {
    fn of(columns: Columns) -> Self {
        let list = columns.list.into_iter().map(|column| {
            let mut stats = Stats::EMPTY;
            column.times.iter().for_each(|time| stats.add(*time));
            stats
        });
        Self { slots: columns.slots, list: list.collect(), ids: columns.ids }
    }

    fn add(&mut self, ids: &[u16], times: &[i64]) {
        for (&id, &time) in ids.iter().zip(times) {
            if let Some(stats) = self.stats(id) {
                stats.add(time);
            }
        }
    }

    fn stats(&mut self, id: u16) -> Option<&mut Stats> {
        let slot = self.slots.get_mut(usize::from(id))?;
        if *slot == NO_COLUMN {
            *slot = u32::try_from(self.list.len()).unwrap_or(NO_COLUMN);
            self.list.push(Stats::EMPTY);
            self.ids.push(id);
        }
        self.list.get_mut(usize::try_from(*slot).ok()?)
    }

    fn into_map(self) -> SortedMap<u16, Stats> {
        self.ids.into_iter().zip(self.list).collect()
    }
}

fn no_slots() -> Vec<u32> {
    vec![NO_COLUMN; usize::from(u16::MAX) + 1]
}

pub(crate) fn check_lens(ids: &[u16], times: &[i64], raws: &[u32]) -> Result<()> {
    if ids.len() == times.len() && ids.len() == raws.len() {
        return Ok(());
    }
    Err(invalid("a scan's columns differ in length"))
}

/// Splits `counts` into runs whose samples take at most `budget` bytes, one metric at least.
pub(crate) fn groups(counts: &[usize], bytes_each: usize, budget: usize) -> Vec<usize> {
    let (mut lens, mut len, mut bytes) = (Vec::new(), 0_usize, 0_usize);
    for count in counts {
        let more = count.saturating_mul(bytes_each);
        if len > 0 && bytes.saturating_add(more) > budget {
            lens.push(len);
            (len, bytes) = (0, 0);
        }
        len += 1;
        bytes = bytes.saturating_add(more);
    }
    if len > 0 {
        lens.push(len);
    }
    lens
}
