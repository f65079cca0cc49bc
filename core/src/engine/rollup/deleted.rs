//! Periods that samples were deleted of: what rollups made of them is made anew, or goes.
//!
//! Before a delete changes anything it notes the stretches of time it is about in a file. The next
//! run computes their periods from what is left, takes away those of which nothing is, and only
//! then forgets the stretches; so wherever a crash comes in between, it is done again. Checkpoints
//! go back too: samples that come for those periods later are new.

use super::due::Work;
use super::run::{MAX_HOPS, RollupRun};
use super::write::{newest, write_again};
use crate::engine::database::Database;
use crate::engine::host::{Host, Shared};
use crate::engine::root::Engine;
use crate::error::{Error, Result};
use crate::query::RangeQuery;
use crate::rollup::{Task, period_start, tasks};
use crate::sorted::{SortedMap, SortedSet};
use crate::storage::{FileName, Storage};
use crate::types::TimeRange;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// A line for each stretch: `<first nanosecond>,<last>,<metric>`.
pub(in crate::engine) const DELETED: &str = "rollup.deleted";

/// What rollups made of a metric in a stretch of time, both ends included, is to be made anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Stretch {
    metric: String,
    from: i64,
    to: i64,
}

/// What is noted.
#[derive(Debug, Default)]
pub(in crate::engine) struct Deleted {
    /// Nothing before the file was read.
    stretches: Option<SortedSet<Stretch>>,
    /// Whether the file lacks some of it: there was no room.
    is_unstored: bool,
    /// Deletes that are under way: what they are about is not settled yet.
    under_way: usize,
    /// How many deletes have begun.
    begun: u64,
    /// Whether something came since a run looked last.
    is_new: bool,
}

impl Deleted {
    /// Whether a run has something to do that none has tried yet.
    pub(in crate::engine) const fn is_due(&self) -> bool {
        self.is_new && self.under_way == 0
    }
}

fn encode(stretches: &SortedSet<Stretch>) -> Vec<u8> {
    let lines = stretches.iter().map(|s| format!("{},{},{}\n", s.from, s.to, s.metric));
    lines.collect::<String>().into_bytes()
}

/// Lines that are none are passed over.
fn parse(bytes: &[u8]) -> SortedSet<Stretch> {
    let lines = bytes.split(|&byte| byte == b'\n');
    let stretch = |line: &[u8]| -> Option<Stretch> {
        let mut fields = core::str::from_utf8(line).ok()?.splitn(3, ',');
        let (from, to) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Stretch { metric: fields.next()?.to_string(), from, to })
    };
    lines.filter_map(stretch).collect()
}

/// No room for a note is no reason to keep what is to go: it may be what makes room.
fn but_for_room(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.lacks_room() => Ok(false),
        Err(error) => Err(error),
    }
}

impl<H: Host> Database<H> {
    /// Notes what a delete is about, before it changes anything.
    pub(in crate::engine) fn begin_delete(
        &self,
        metrics: &[&str],
        range: TimeRange,
    ) -> Result<Vec<Stretch>> {
        let stretches =
            if self.has_rollups() { self.stretches(metrics, range)? } else { Vec::new() };
        self.note_stretches(&stretches, 1)?;
        let rewound = self.rewind_to_what_is_left(&stretches);
        if let Err(error) = but_for_room(rewound) {
            self.abandon_delete();
            return Err(error);
        }
        Ok(stretches)
    }

    /// Samples are gone; the metrics are still known.
    pub(in crate::engine) fn end_delete(&self, stretches: &[Stretch]) -> Result<()> {
        self.abandon_delete();
        // A run may have brought checkpoints forward meanwhile.
        but_for_room(self.rewind_to_what_is_left(stretches))?;
        self.note_stretches(&[], 0)
    }

    pub(in crate::engine) fn abandon_delete(&self) {
        self.seen().write(|seen| {
            seen.deleted.under_way = seen.deleted.under_way.saturating_sub(1);
        });
    }

    /// From the first to the last sample of each metric that rollups read.
    fn stretches(&self, metrics: &[&str], range: TimeRange) -> Result<Vec<Stretch>> {
        let mut stretches = Vec::new();
        for metric in metrics {
            if tasks(self.settings(), &[metric]).iter().all(|task| task.metric != *metric) {
                continue;
            }
            let bounds = match self.bounds_in(metric, range) {
                // It may be anywhere.
                Err(error) if error.is_unreadable() => {
                    let views = self.readable().view(range);
                    views.first().zip(views.last()).map(|(first, last)| {
                        let (first, last) = (first.partition.range(), last.partition.range());
                        (range.from.max(first.from).0, range.to.min(last.to).0)
                    })
                }
                bounds => bounds?,
            };
            stretches.extend(bounds.map(|(from, to)| Stretch {
                metric: (*metric).to_string(),
                from,
                to,
            }));
        }
        Ok(stretches)
    }

    /// The first sample of a metric in a range, and one not before its last.
    fn bounds_in(&self, metric: &str, range: TimeRange) -> Result<Option<(i64, i64)>> {
        let mut first = None;
        self.visit_many(&[metric], RangeQuery::all(range), |_, batch| {
            first = batch.times.first().copied();
            ControlFlow::Break(())
        })?;
        let Some(first) = first else { return Ok(None) };
        let last = self.last(metric)?.map_or(first, |last| last.time.0);
        Ok(Some((first, last.min(range.to.0).max(first))))
    }

    /// Notes, before it happens, that periods of metrics will have no sample any more.
    pub(super) fn note_emptied(&self, periods: &[(&str, TimeRange)]) -> Result<()> {
        if periods.is_empty() || !self.has_rollups() {
            return Ok(());
        }
        let stretch = |&(metric, range): &(&str, TimeRange)| Stretch {
            metric: metric.to_string(),
            from: range.from.0,
            to: range.to.0,
        };
        self.note_stretches(&periods.iter().map(stretch).collect::<Vec<_>>(), 0)
    }

    fn note_stretches(&self, new: &[Stretch], begun: usize) -> Result<()> {
        let storage = &self.readable().storage;
        let file = FileName::new(DELETED)?;
        self.seen().write(|seen| {
            let deleted = &mut seen.deleted;
            let mut all = match deleted.stretches.take() {
                Some(all) => all,
                None if new.is_empty() => SortedSet::new(),
                None => parse(&storage.read(&file)?.unwrap_or_default()),
            };
            let before = all.len();
            all.extend(new.iter().cloned());
            let mut stored = Ok(true);
            if all.len() > before || deleted.is_unstored {
                stored = but_for_room(storage.replace(&file, &encode(&all)).map_err(Error::from));
                deleted.is_unstored = !matches!(stored, Ok(true));
            }
            if deleted.is_unstored || !all.is_empty() {
                deleted.stretches = Some(all);
            }
            stored?;
            deleted.is_new |= !new.is_empty();
            deleted.under_way += begun;
            deleted.begun += 1;
            Ok(())
        })
    }

    /// Moves checkpoints back to where samples of metrics may come that rollups have not read.
    fn rewind_to_what_is_left<'a>(
        &self,
        stretches: impl IntoIterator<Item = &'a Stretch>,
    ) -> Result<()> {
        let mut since: SortedMap<&str, i64> = SortedMap::new();
        for stretch in stretches {
            let from = since.get_or_insert_with(&*stretch.metric, || stretch.from);
            *from = (*from).min(stretch.from);
        }
        if since.is_empty() {
            return Ok(());
        }
        let mut earliest: SortedMap<&str, i64> = SortedMap::new();
        for (&metric, &from) in &since {
            // A checkpoint behind the newest sample would let every run start at the first.
            let last = match self.last(metric) {
                Err(error) if error.is_unreadable() => None,
                last => last?,
            };
            earliest.insert(metric, last.map_or(from, |last| from.min(last.time.0)));
        }
        self.rewind_rollups(|metric| earliest.get(metric).copied())
    }

    /// What is noted and settled, and a mark that tells whether something came meanwhile.
    fn settled_stretches(&self) -> Result<(SortedSet<Stretch>, u64)> {
        let file = FileName::new(DELETED)?;
        self.seen().write(|seen| {
            let deleted = &mut seen.deleted;
            if deleted.stretches.is_none() {
                let bytes = self.readable().storage.read(&file)?.unwrap_or_default();
                deleted.stretches = Some(parse(&bytes));
            }
            if deleted.under_way > 0 {
                return Ok((SortedSet::new(), deleted.begun));
            }
            deleted.is_new = false;
            Ok((deleted.stretches.clone().unwrap_or_default(), deleted.begun))
        })
    }

    /// Forgets all stretches but those of some metrics, unless something came meanwhile.
    fn forget_stretches(&self, but_of: &SortedSet<String>, mark: u64) -> Result<()> {
        let (storage, file) = (&self.readable().storage, FileName::new(DELETED)?);
        self.seen().write(|seen| {
            let deleted = &mut seen.deleted;
            if deleted.begun != mark {
                return Ok(());
            }
            let all = deleted.stretches.take().unwrap_or_default();
            let left: SortedSet<Stretch> =
                all.iter().filter(|stretch| but_of.contains(&stretch.metric)).cloned().collect();
            let is_stored = left.len() == all.len() && !deleted.is_unstored;
            let stored = match (is_stored, left.is_empty()) {
                (true, _) => Ok(()),
                (false, true) => storage.remove_if_present(&file).map(drop),
                (false, false) => storage.replace(&file, &encode(&left)),
            };
            deleted.is_unstored = stored.is_err();
            deleted.stretches = Some(left);
            // Should the file stay as it was, the same is compared once more.
            but_for_room(stored.map_err(Error::from)).map(drop)
        })
    }
}

impl<H: Host> Engine<H> {
    /// Makes rollups agree with what deletes have left, in the destinations of a database and in
    /// what is made of those.
    ///
    /// A tick does so by itself: this is for who deletes and closes.
    ///
    /// # Errors
    ///
    /// As [`run_rollups`](Self::run_rollups).
    pub fn renew_deleted_rollups(&self, source: &str) -> Result<Vec<RollupRun>> {
        let source = self.database(source)?;
        let mut first = RollupRun { source: source.name().to_string(), ..RollupRun::default() };
        self.rollup_runs().write(|()| self.renew_deleted(&source, &mut first))?;
        let mut next: Vec<String> = first.destinations.iter().cloned().collect();
        let mut runs = Vec::from([first]);
        // What is written to may be a source itself; a circle ends where nothing differs any more.
        while let Some(name) = next.pop().filter(|_| runs.len() < MAX_HOPS) {
            let run = self.run_rollups(&name)?;
            next.extend(run.destinations.iter().cloned());
            runs.push(run);
        }
        runs.retain(|run| !run.destinations.is_empty() || !run.problems.is_empty());
        Ok(runs)
    }

    /// As [`renew_deleted_rollups`](Self::renew_deleted_rollups), one step; for who runs rollups.
    pub(super) fn renew_deleted(&self, source: &Database<H>, run: &mut RollupRun) -> Result<()> {
        if !source.has_rollups() {
            return Ok(());
        }
        let (stretches, mark) = source.settled_stretches()?;
        if stretches.is_empty() {
            return Ok(());
        }
        source.rewind_to_what_is_left(&stretches)?;
        let mut failed = SortedSet::new();
        for round in rounds(&stretches) {
            let names: Vec<&str> = round.keys().copied().collect();
            let mut tasks = tasks(source.settings(), &names);
            tasks.retain(|task| round.contains_key(task.metric.as_str()));
            for group in tasks.chunk_by(|a, b| a.destination == b.destination) {
                match self.renew_group(source, group, &round, run) {
                    Ok(()) => {}
                    Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
                    Err(error) => {
                        let destination = group.first().map_or("", |task| &task.destination);
                        run.problems.push(format!("rollup into {destination}: {error}"));
                        failed.extend(group.iter().map(|task| task.metric.clone()));
                    }
                }
            }
        }
        source.forget_stretches(&failed, mark)
    }

    /// Renews a stretch of each metric in one destination.
    fn renew_group(
        &self,
        source: &Database<H>,
        group: &[Task],
        stretches: &SortedMap<&str, (i64, i64)>,
        run: &mut RollupRun,
    ) -> Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let Some(destination) = self.find(&first.destination)? else { return Ok(()) };
        let mut works = Vec::new();
        for task in group {
            let Some(&(from, to)) = stretches.get(task.metric.as_str()) else { continue };
            let end = |time| period_start(time, task.interval_ns).saturating_add(task.interval_ns);
            let from = period_start(from, task.interval_ns);
            let to = end(to);
            let mut work = Work { task, from, to, settled: to, complete_from: i64::MIN };
            // What is not written yet is written in its time.
            let Some(newest) = newest(&destination, &work)? else { continue };
            work.to = work.to.min(end(newest));
            work.settled = work.to;
            works.extend((work.from < work.to).then_some(work));
        }
        if works.is_empty() {
            return Ok(());
        }
        // A destination that cannot take a task has nothing of it to renew.
        drop(write_again(source, &destination, &works, run)?);
        destination.sync()
    }
}

/// Stretches that do not overlap, in rounds that each have one of a metric.
fn rounds(stretches: &SortedSet<Stretch>) -> Vec<SortedMap<&str, (i64, i64)>> {
    let mut rounds: Vec<SortedMap<&str, (i64, i64)>> = Vec::new();
    let mut at = 0;
    let mut previous: Option<&Stretch> = None;
    for stretch in stretches {
        let is_next = previous.is_some_and(|previous| previous.metric == stretch.metric);
        at = if is_next { at } else { 0 };
        previous = Some(stretch);
        let name = stretch.metric.as_str();
        let open =
            if is_next { rounds.get_mut(at).and_then(|round| round.get_mut(name)) } else { None };
        match open {
            // By metric and begin: it overlaps, or lies behind.
            Some((_, to)) if stretch.from <= *to => *to = (*to).max(stretch.to),
            open => {
                at += usize::from(open.is_some());
                while rounds.len() <= at {
                    rounds.push(SortedMap::new());
                }
                if let Some(round) = rounds.get_mut(at) {
                    round.insert(name, (stretch.from, stretch.to));
                }
            }
        }
    }
    rounds
}
