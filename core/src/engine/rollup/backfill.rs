//! Backfill: everything that rollups could have written is computed anew and compared with what
//! is there.
//!
//! Never destructive (D-12): the reference erases its destinations and starts over. Here each
//! partition of a destination is replaced whole, by a metric file with the new values of the
//! periods that the source still covers and with all else that was there; what the source has
//! lost since to retention stays. A crash leaves each partition old or new, and a second
//! backfill finds nothing to do.

use super::condense::{Output, condense, to_value};
use super::due::{Ends, Work};
use super::run::{RollupRun, checkpoint_file, read_checkpoints};
use crate::catalog::{Newest, Slot};
use crate::engine::database::Database;
use crate::engine::host::{Host, Shared};
use crate::engine::root::Engine;
use crate::engine::state::FileOf;
use crate::engine::upkeep::build::BuildOptions;
use crate::error::{Error, Rejection, Result};
use crate::metric_file::{SampleScan, Visit};
use crate::page::Columns;
use crate::partition::Partition;
use crate::query::{RangeQuery, Source};
use crate::rollup::Task;
use crate::rollup::checkpoint::{self, Checkpoints};
use crate::settings::{INTERNAL, RawAction};
use crate::sorted::{SortedMap, SortedSet, sort_by};
use crate::storage::Storage;
use crate::types::{Timestamp, ValueType};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How often a partition is tried again that samples came for meanwhile.
const TRIES: usize = 8;

/// What a backfill did. Files are named with their database, `db/file`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillReport {
    /// The databases asked for; none means all.
    pub requested_sources: Vec<String>,
    /// The databases that were condensed, each after those that write to it.
    pub source_databases: Vec<String>,
    /// The databases that were compared, and written where they differed.
    pub destination_databases: Vec<String>,
    /// Partitions of destinations that were replaced, as `db/partition`.
    pub rebuilt_partitions: Vec<String>,
    /// Samples that periods came to.
    pub samples: u64,
    /// What could not be done, and why. Everything else was.
    pub problems: Vec<String>,
}

impl<H: Host> Engine<H> {
    /// Computes anew what rollups of these databases, or of all, have written, also that which
    /// their destinations roll up further. Ingest and queries go on meanwhile.
    ///
    /// # Errors
    ///
    /// When one of the databases does not exist, or writing fails for good. What concerns a
    /// single job or partition is in the report.
    pub fn backfill_rollups(&self, sources: &[&str]) -> Result<BackfillReport> {
        self.rollup_runs().write(|()| {
            let requested: SortedSet<String> =
                sources.iter().map(|name| name.trim().to_string()).collect();
            let mut report = BackfillReport {
                requested_sources: requested.iter().cloned().collect(),
                ..BackfillReport::default()
            };
            let names = if requested.is_empty() {
                self.databases()?.into_iter().filter(|name| name != INTERNAL).collect()
            } else {
                report.requested_sources.clone()
            };
            let mut destinations = SortedSet::new();
            for source in self.in_order(names)? {
                report.source_databases.push(source.name().to_string());
                self.backfill(&source, &mut destinations, &mut report)?;
            }
            report.destination_databases = destinations.into_iter().collect();
            Ok(report)
        })
    }

    /// The sources among these databases and those they lead to, each before its destinations. A
    /// circle is cut where it is met again.
    fn in_order(&self, names: Vec<String>) -> Result<Vec<Arc<Database<H>>>> {
        let (mut order, mut begun) = (Vec::new(), SortedSet::new());
        // Depth first; a database goes in front of all that it leads to.
        for name in names {
            self.visit_chain(&self.database(&name)?, &mut begun, &mut order);
        }
        order.reverse();
        Ok(order)
    }

    fn visit_chain(
        &self,
        source: &Arc<Database<H>>,
        begun: &mut SortedSet<String>,
        order: &mut Vec<Arc<Database<H>>>,
    ) {
        let rollups = &source.settings().rollups;
        if !rollups.enabled || rollups.jobs.is_empty() || !begun.insert(source.name().to_string()) {
            return;
        }
        for job in &rollups.jobs {
            // One that does not exist yet is no source.
            if let Ok(next) = self.database(&job.destination_db) {
                self.visit_chain(&next, begun, order);
            }
        }
        order.push(Arc::clone(source));
    }

    fn backfill(
        &self,
        source: &Database<H>,
        destinations: &mut SortedSet<String>,
        report: &mut BackfillReport,
    ) -> Result<()> {
        let mut run = RollupRun::default();
        self.renew_deleted(source, &mut run)?;
        destinations.extend(run.destinations);
        report.problems.extend(run.problems);
        let Some(start) = source.start()? else { return Ok(()) };
        let tasks = source.rollup_tasks();
        let file = checkpoint_file(source)?;
        let mut checkpoints = read_checkpoints(source, &file)?;
        for group in tasks.chunk_by(|a, b| a.destination == b.destination) {
            let Some(first) = group.first() else { continue };
            destinations.insert(first.destination.clone());
            match self.backfill_group(source, group, start, &checkpoints, report) {
                Ok(done) => checkpoints.extend(done),
                Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
                Err(error) => {
                    report.problems.push(format!("rollup into {}: {error}", first.destination));
                }
            }
        }
        Ok(source.readable().storage.replace(&file, &checkpoint::encode(&checkpoints))?)
    }

    /// Brings one destination up to date; says how far each task has come.
    fn backfill_group(
        &self,
        source: &Database<H>,
        group: &[Task],
        start: i64,
        checkpoints: &Checkpoints,
        report: &mut BackfillReport,
    ) -> Result<Checkpoints> {
        if group.iter().any(|task| task.destination == source.name()) {
            return Err(crate::query::invalid("a database cannot be filled from itself"));
        }
        let ends = Ends::asked(self.now());
        let gone_before = source.gone_before()?;
        let mut works = Vec::new();
        for task in group {
            let Some(last) = source.last(&task.metric)? else { continue };
            // Before the first partition there may have been others that the reference took away:
            // before the checkpoint, for later periods it does not write.
            let unknown_before = checkpoints.get(&task.id).map_or(start, |done| start.min(*done));
            let complete_from = gone_before.map_or(unknown_before, |gone| gone.max(unknown_before));
            let work = Work::of(task, start, last.time, &ends);
            works.extend(work.map(|work| work.complete_from(complete_from)));
        }
        let shortest = group.iter().map(|task| task.interval_ns).min().unwrap_or(i64::MAX);
        let destination =
            self.destination(group.first().map_or("", |t| &t.destination), shortest)?;
        let handles = Handles::new(&destination, &works)?;
        for (number, problem) in &handles.failed {
            let id = works.get(*number).map_or("", |work| work.task.id.as_str());
            report.problems.push(format!("rollup {id}: {problem}"));
        }
        let renewed = handles.renew(source, &destination, &works)?;
        report.samples += renewed.samples;
        report.rebuilt_partitions.extend(renewed.partitions);
        // What is there already may be in memory only, when an earlier run found no room.
        destination.sync()?;
        let done = works.iter().enumerate().filter(|(work, _)| !handles.failed.contains_key(work));
        Ok(done.map(|(_, work)| (work.task.id.clone(), work.settled)).collect())
    }
}

/// New samples by metric id, in order of time.
type Fresh = SortedMap<u16, Vec<(i64, u32)>>;

/// The metrics that works write to.
pub(super) struct Handles {
    /// By work and output.
    slots: SortedMap<(usize, usize), (u16, Slot, String)>,
    /// Works that the destination cannot take, and why.
    pub(super) failed: SortedMap<usize, String>,
}

/// What comparing periods with a destination came to.
#[derive(Debug, Default)]
pub(super) struct Renewed {
    /// Samples that the periods came to.
    pub(super) samples: u64,
    /// Those of them in partitions that were replaced, for they differed.
    pub(super) replaced: u64,
    /// Those partitions, as `db/partition`.
    pub(super) partitions: Vec<String>,
}

impl Handles {
    pub(super) fn new<H: Host>(destination: &Database<H>, works: &[Work<'_>]) -> Result<Self> {
        let mut handles = Self { slots: SortedMap::new(), failed: SortedMap::new() };
        for (number, work) in works.iter().enumerate() {
            for (output, (_, metric)) in work.task.outputs.iter().enumerate() {
                match destination.metric(metric, ValueType::F32) {
                    Ok(handle) => {
                        let id = destination.readable().id_of(handle.slot);
                        let entry = (id, handle.slot, metric.clone());
                        handles.slots.insert((number, output), entry);
                    }
                    Err(Error::Rejected(rejection)) => {
                        handles.failed.insert(number, rejection.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(handles)
    }

    /// Computes periods, and makes the destination hold exactly that of them, partition by
    /// partition; periods that may lack samples stay as it has them.
    pub(super) fn renew<H: Host>(
        &self,
        source: &Database<H>,
        destination: &Database<H>,
        works: &[Work<'_>],
    ) -> Result<Renewed> {
        let mut renewed = Renewed::default();
        let Some(mut at) = works.iter().map(|work| work.from).min() else { return Ok(renewed) };
        let end = works.iter().map(|work| work.to).max().unwrap_or(at);
        while at < end {
            let partition = Partition::containing(destination.settings().partition, Timestamp(at));
            let within = partition.range();
            let parts: Vec<Work<'_>> = works.iter().map(|work| work.within(within)).collect();
            let (mut fresh, mut samples) = (Fresh::default(), 0);
            condense(source, &parts, &mut |outputs| {
                samples += u64::try_from(outputs.len()).unwrap_or(0);
                self.sort_in(outputs, &mut fresh);
                Ok(())
            })?;
            renewed.samples += samples;
            if destination.renew(partition, &parts, self, fresh)? {
                renewed.replaced += samples;
                renewed.partitions.push(format!("{}/{partition}", destination.name()));
            }
            let Some(next) = within.to.0.checked_add(1) else { break };
            at = next;
        }
        Ok(renewed)
    }

    fn sort_in(&self, outputs: &[Output], fresh: &mut Fresh) {
        for output in outputs.iter().filter(|output| !self.failed.contains_key(&output.work)) {
            if let Some((id, ..)) = self.slots.get(&(output.work, output.place)) {
                let sample = (output.time, to_value(output.value).to_raw());
                fresh.get_or_default(*id).push(sample);
            }
        }
    }
}

/// Of periods that begin in this span, the source may lack samples: what was written of them when
/// it had all stays. `new` gets what `old` has, in order of time.
fn keep_incomplete(new: &mut Vec<(i64, u32)>, old: &[(i64, u32)], (from, to): (i64, i64)) {
    let kept: SortedMap<i64, u32> =
        old.iter().filter(|(time, _)| (from..to).contains(time)).copied().collect();
    if !kept.is_empty() {
        new.retain(|(time, _)| !kept.contains_key(time));
        new.extend(kept);
        sort_by(new, |a, b| a.0 < b.0);
    }
}

impl<H: Host> Database<H> {
    /// Makes a partition hold `fresh` for the periods of the works, and leaves everything else in
    /// it as it is. Says whether anything was to do.
    fn renew(
        &self,
        partition: Partition,
        works: &[Work<'_>],
        handles: &Handles,
        mut fresh: Fresh,
    ) -> Result<bool> {
        // What each metric is replaced in.
        let mut replaced: SortedMap<u16, (i64, i64)> = SortedMap::new();
        let mut slots = SortedSet::new();
        let (mut differs, mut emptied) = (false, Vec::new());
        for ((work, _), (id, slot, metric)) in &handles.slots {
            let failed = handles.failed.contains_key(work);
            let Some(work) = works.get(*work).filter(|_| !failed) else {
                continue;
            };
            slots.insert(*slot);
            let found = self.range_query(metric, RangeQuery::all(partition.range()))?;
            let old: Vec<(i64, u32)> = found.times.into_iter().zip(found.raws).collect();
            let span = replaced.get_or_insert_with(*id, || (work.from, work.to));
            *span = (span.0.min(work.from), span.1.max(work.to));
            let new = fresh.get_or_default(*id);
            keep_incomplete(new, &old, (work.from, work.to.min(work.complete_from)));
            let old = || old.iter().filter(|(time, _)| (work.from..work.to).contains(time));
            differs |= !old().eq(new.iter());
            if old().any(|(time, _)| new.binary_search_by_key(time, |(time, _)| *time).is_err()) {
                emptied.push((metric.as_str(), work.range()));
            }
        }
        if !differs {
            return Ok(false);
        }
        // What rollups made of these samples is to be made anew, too.
        let from = works.iter().filter(|work| work.from < work.to).map(|work| work.from).min();
        self.rewind_rollups(|metric| {
            from.filter(|_| handles.slots.values().any(|(_, _, name)| name == metric))
        })?;
        self.note_emptied(&emptied)?;
        for _ in 0..TRIES {
            match self.replace_in_partition(partition, &replaced, &fresh) {
                Err(Error::Rejected(Rejection::PartitionOpen(_))) => {}
                done => {
                    done?;
                    self.forget_newest(&slots, partition);
                    return Ok(true);
                }
            }
        }
        Err(Rejection::PartitionOpen(partition.to_string()).into())
    }

    fn replace_in_partition(
        &self,
        partition: Partition,
        replaced: &SortedMap<u16, (i64, i64)>,
        fresh: &Fresh,
    ) -> Result<()> {
        self.builds().write(|()| {
            self.settle_for_build(partition)?;
            if self.is_emptied(partition, replaced, fresh)? {
                return self.remove_emptied(partition);
            }
            let files = self.readable().partition_view(partition).files;
            if files.data.as_ref().is_some_and(|data| data.len > 0) {
                // A crash between the new metric file and the end of the data file would leave old
                // samples beside new ones. So a metric file with the same samples comes first.
                self.rebuild(partition, &SortedMap::new(), &Fresh::default())?;
            }
            self.rebuild(partition, replaced, fresh)
        })
    }

    /// Whether nothing is left of a partition: no metric file can say so.
    fn is_emptied(
        &self,
        partition: Partition,
        replaced: &SortedMap<u16, (i64, i64)>,
        fresh: &Fresh,
    ) -> Result<bool> {
        if fresh.values().any(|samples| !samples.is_empty()) {
            return Ok(false);
        }
        let sources = self.readable().sources(&self.readable().partition_view(partition))?;
        let mut left = false;
        let mut scan = Replacing { database: self, sources: &sources, replaced, fresh };
        scan.scan(&mut |ids, _, _| {
            left |= !ids.is_empty();
            Ok(())
        })?;
        Ok(!left)
    }

    fn remove_emptied(&self, partition: Partition) -> Result<()> {
        let before = self.readable().partition_view(partition).files;
        self.writer().write(|writer| {
            writer.check_writable()?;
            writer.settle_log()?; // it would bring the samples back
            let is_current = self.readable().state.read(|state| {
                *state.files_of(partition) == *before && !state.pages.contains_key(&partition)
            });
            if !is_current {
                return Err(Rejection::PartitionOpen(partition.to_string()).into());
            }
            let removed = writer.remove_partition(partition);
            writer.poisoning(removed)
        })
    }

    /// Makes a metric file all that there is of a partition.
    fn rebuild(
        &self,
        partition: Partition,
        replaced: &SortedMap<u16, (i64, i64)>,
        fresh: &Fresh,
    ) -> Result<()> {
        let options = BuildOptions { raw_action: RawAction::Delete, ..self.build_defaults() };
        let view = self.readable().partition_view(partition);
        let sources = self.readable().sources(&view)?;
        let mut scan = Replacing { database: self, sources: &sources, replaced, fresh };
        let report = self.readable().build_scanned(&view, &mut scan, options)?;
        drop(sources);
        self.publish(&view, options.raw_action, &report)
    }
}

impl<H: Host> Database<H> {
    /// The newest samples of metrics are to be looked up again, for a partition got new ones.
    fn forget_newest(&self, slots: &SortedSet<Slot>, partition: Partition) {
        let end = partition.range().to.0;
        self.writer().write(|writer| {
            writer.staging.newest_stored = writer.staging.newest_stored.max(Some(end));
            self.readable().state.write(|state| {
                for slot in slots {
                    if let Some(entry) = state.catalog.get_mut(*slot) {
                        (entry.last, entry.accepted) = (Newest::Unknown, None);
                    }
                }
            });
        });
    }
}

/// The samples of a partition, with those of some stretches replaced.
struct Replacing<'a, H: Host> {
    database: &'a Database<H>,
    sources: &'a [Source<FileOf<H>>],
    replaced: &'a SortedMap<u16, (i64, i64)>,
    fresh: &'a Fresh,
}

impl<H: Host> SampleScan for Replacing<'_, H> {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        let mut kept = Columns::default();
        self.database.readable().scan_sources(self.sources, &mut |i, t, r| {
            kept.clear();
            for ((&id, &time), &raw) in i.iter().zip(t).zip(r) {
                let is_kept =
                    self.replaced.get(&id).is_none_or(|(from, to)| time < *from || time >= *to);
                if is_kept {
                    kept.push(id, time, raw);
                }
            }
            visit(&kept.ids, &kept.times, &kept.raws)
        })?;
        for (&id, samples) in self.fresh {
            let (times, raws): (Vec<i64>, Vec<u32>) = samples.iter().copied().unzip();
            visit(&alloc::vec![id; times.len()], &times, &raws)?;
        }
        Ok(())
    }
}

impl<H: Host> crate::engine::state::Readable<H> {
    fn id_of(&self, slot: Slot) -> u16 {
        self.state.read(|state| state.catalog.get(slot).map_or(0, |entry| entry.id.get()))
    }
}
