//! Running rollups: what is new in a source goes, condensed, into its destinations.
//!
//! A run has two passes. First the periods that no more samples can come for, for each metric
//! takes its samples in order of time; the destination is durable before the checkpoint says so.
//! Then those that ended early, see [`due`](super::due): their checkpoint stays before them, so
//! that later runs, also after a crash, compare them with what the destination has (D-12).

use super::due::{Ends, Work};
use super::seen::Unread;
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::host::{Host, Shared};
use crate::engine::root::Engine;
use crate::error::{Error, Result};
use crate::partition::NANOS_PER_DAY;
use crate::query::{RangeQuery, invalid};
use crate::rollup::checkpoint::{self, Checkpoints};
use crate::rollup::{Task, period_start, tasks};
use crate::settings::{EngineSettings, Partitioning, Rollups, WrittenDuration};
use crate::sorted::{SortedMap, SortedSet};
use crate::storage::{FileName, Storage, StorageFile, append_or_undo};
use crate::types::{TimeRange, Timestamp};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

/// How often rollups may make others due within one tick.
pub(super) const MAX_HOPS: usize = 64;

/// From this interval on, a new destination has a partition for each year.
const YEARLY_FROM: i64 = NANOS_PER_DAY;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RollupRun {
    /// The database whose metrics were condensed.
    pub source: String,
    /// The tasks that came further, with the time up to which every period is done.
    pub advanced: SortedMap<String, Timestamp>,
    /// The databases that were written.
    pub destinations: SortedSet<String>,
    /// Samples written.
    pub samples: u64,
    /// What could not be done, and why.
    pub problems: Vec<String>,
}

/// When rollups run by themselves.
#[derive(Debug)]
pub(crate) struct Schedule {
    is_on: bool,
    /// When each source ran last, and when it is due again.
    sources: SortedMap<String, (Timestamp, Timestamp)>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { is_on: true, sources: SortedMap::new() }
    }
}

impl<H: Host> Engine<H> {
    /// Runs what is due of a database's rollups.
    ///
    /// # Errors
    ///
    /// When there is no such database, its checkpoints cannot be read, or a write fails for good.
    /// What concerns a single job is in the report.
    pub fn run_rollups(&self, source: &str) -> Result<RollupRun> {
        let source = self.database(source)?;
        self.rollup_runs().write(|()| self.run(&source))
    }

    /// Switches the rollups that [`tick`](Self::tick) runs on or off; they are on at first.
    pub fn set_auto_rollups(&self, on: bool) {
        self.schedule().write(|schedule| schedule.is_on = on);
    }

    /// Runs rollups of those of the databases that may have something new, and of what they lead
    /// to: a destination that is a source itself after the one that it condenses. What retention
    /// takes away at `now` is among what they have seen, and they are due by it.
    pub(in crate::engine) fn run_due_rollups(
        &self,
        databases: &[Arc<Database<H>>],
        now: Timestamp,
    ) -> Result<Vec<RollupRun>> {
        let (mut runs, mut failed) = (Vec::new(), None);
        let mut sources: Vec<Arc<Database<H>>> = databases
            .iter()
            .filter(|database| database.settings().rollups.enabled)
            .cloned()
            .collect();
        // Samples that came late may expire before another period is over.
        for source in sources.iter().filter(|source| source.retires_at(now)) {
            self.schedule().write(|schedule| schedule.sources.remove(source.name()));
        }
        // Each may make another due, and no chain is longer than all of them.
        for _ in 0..MAX_HOPS {
            let mut is_done = true;
            let mut reached = SortedSet::new();
            for source in &sources {
                if !self.is_due(source, now) {
                    continue;
                }
                is_done = false;
                let run = match self.rollup_runs().write(|()| self.run(source)) {
                    Ok(run) => run,
                    Err(error) => {
                        failed = failed.or(Some(error));
                        continue;
                    }
                };
                self.schedule().write(|schedule| {
                    for destination in &run.destinations {
                        schedule.sources.remove(destination);
                    }
                });
                reached.extend(run.destinations.iter().cloned());
                if run.samples > 0 || !run.destinations.is_empty() || !run.problems.is_empty() {
                    runs.push(run);
                }
            }
            let is_known = |name: &String| sources.iter().any(|known| known.name() == name);
            let new: Vec<_> = reached.into_iter().filter(|name| !is_known(name)).collect();
            for name in new {
                let destination = self.find(&name)?.filter(|new| new.settings().rollups.enabled);
                is_done &= destination.is_none();
                sources.extend(destination);
            }
            if is_done {
                break;
            }
        }
        failed.map_or(Ok(runs), Err)
    }

    fn is_due(&self, source: &Database<H>, now: Timestamp) -> bool {
        self.schedule().write(|schedule| {
            let known = schedule.sources.get(source.name());
            let is_due = known.is_none_or(|&(ran, due)| now >= due || now < ran)
                || source.seen().read(|seen| {
                    seen.deleted.is_due() || seen.early_due().is_some_and(|due| now >= due)
                });
            if is_due && schedule.is_on {
                let due = next_due(source, now);
                schedule.sources.insert(source.name().to_string(), (now, due));
            }
            is_due && schedule.is_on
        })
    }

    fn run(&self, source: &Database<H>) -> Result<RollupRun> {
        let name = source.name();
        self.host().note(&Event::RollupStarted { source: name });
        let run = self.run_tasks(source);
        match &run {
            Ok(run) => {
                self.host().note(&Event::RollupFinished { source: name, written: run.samples });
            }
            Err(error) => self.host().note(&Event::RollupFailed { source: name, error }),
        }
        run
    }

    fn run_tasks(&self, source: &Database<H>) -> Result<RollupRun> {
        let mut run = RollupRun { source: source.name().to_string(), ..RollupRun::default() };
        if !source.settings().rollups.enabled {
            return Ok(run);
        }
        self.renew_deleted(source, &mut run)?;
        // A clock that is not believed ends no period either.
        let ends = source.rollup_ends(self.retention_clock());
        // Before the samples are looked at: what comes meanwhile makes other files.
        let files = source.files_before(ends.expiring_before);
        let rewinds = source.seen().read(super::seen::Seen::rewinds);
        let tasks = source.rollup_tasks();
        let file = checkpoint_file(source)?;
        let mut checkpoints = read_checkpoints(source, &file)?;
        let Some(earliest) = source.readable().earliest()? else {
            source.seen().write(|seen| seen.note_run(files, None, None));
            return Ok(run);
        };
        let mut plan = Plan::new(source, &tasks, &checkpoints, earliest, &ends);
        self.write_works(source, &mut plan, Work::settled_part, &checkpoints, &mut run)?;
        let advanced = plan.advanced(&checkpoints);
        source.seen().write(|seen| {
            if seen.rewinds() != rewinds {
                return Ok(()); // samples have changed meanwhile: the next run reads them again
            }
            append_checkpoints(source, &file, &advanced, &mut checkpoints)
        })?;
        plan.skip_known(source, &ends);
        self.write_works(source, &mut plan, Work::early_part, &checkpoints, &mut run)?;
        plan.remember(source, files, &ends);
        run.problems.extend(plan.problems());
        run.advanced = advanced.into_iter().map(|(id, time)| (id, Timestamp(time))).collect();
        Ok(run)
    }

    /// Writes one part of each work, destination by destination.
    fn write_works<'t>(
        &self,
        source: &Database<H>,
        plan: &mut Plan<'t>,
        part: impl Fn(&Work<'t>) -> Option<Work<'t>>,
        checkpoints: &Checkpoints,
        run: &mut RollupRun,
    ) -> Result<()> {
        let parts: Vec<Work<'t>> = plan.works.iter().filter_map(part).collect();
        let parts: Vec<Work<'t>> =
            parts.into_iter().filter(|work| !plan.failed.contains_key(&work.task.id)).collect();
        for group in parts.chunk_by(|a, b| {
            (&a.task.destination, a.task.interval_ns) == (&b.task.destination, b.task.interval_ns)
        }) {
            match self.write_group(source, group, checkpoints, run) {
                Ok(failed) => plan.failed.extend(failed),
                Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
                Err(error) => {
                    let destination = group.first().map_or("", |work| &work.task.destination);
                    let problem = format!("rollup into {destination}: {error}");
                    let ids = group.iter().map(|work| work.task.id.clone());
                    plan.failed.extend(ids.map(|id| (id, problem.clone())));
                }
            }
            for work in group.iter().filter(|work| !plan.failed.contains_key(&work.task.id)) {
                plan.done.insert(&work.task.id, work.to);
            }
        }
        Ok(())
    }

    /// The database that rollups of an interval go to, made when there is none: without a log,
    /// since it can be made again, and with few files, since it stays small.
    pub(in crate::engine) fn destination(
        &self,
        name: &str,
        interval_ns: i64,
    ) -> Result<Arc<Database<H>>> {
        let mut settings: EngineSettings = self.settings().clone();
        let defaults = &mut settings.manifest_defaults;
        defaults.wal_enabled = false;
        defaults.rollups = Rollups::default();
        (defaults.partition, defaults.page_max_age) = if interval_ns < YEARLY_FROM {
            (Partitioning::Month, WrittenDuration::new("6h").map_err(|e| invalid(&e.to_string()))?)
        } else {
            (Partitioning::Year, WrittenDuration::new("168h").map_err(|e| invalid(&e.to_string()))?)
        };
        self.create_database_with(name, &settings)
    }
}

impl<H: Host> Database<H> {
    /// What the jobs of the manifest come to, for the metrics there are.
    pub(in crate::engine) fn rollup_tasks(&self) -> Vec<Task> {
        let metrics = self.metrics();
        // What lost its name is rolled up under its name, once it has it.
        let named = metrics.iter().filter(|metric| !metric.recovered);
        let names: Vec<&str> = named.map(|metric| metric.name.as_str()).collect();
        tasks(self.settings(), &names)
    }

    /// What ends periods by now.
    fn rollup_ends(&self, now: Timestamp) -> Ends {
        let expiring = self.expired(now).into_iter().map(|p| p.range().to.0.saturating_add(1));
        Ends {
            now,
            silence_ns: self.settings().rollups.silence.as_nanos(),
            expiring_before: expiring.max().unwrap_or(i64::MIN),
        }
    }
}

/// What a run is to do, and what it did.
struct Plan<'t> {
    works: Vec<Work<'t>>,
    tasks: SortedMap<&'t str, &'t Task>,
    /// The newest sample of each task's metric.
    newest: SortedMap<&'t str, (i64, u32)>,
    /// Up to when each task has written every period.
    done: SortedMap<&'t str, i64>,
    /// Tasks that could not be done, and why.
    failed: SortedMap<String, String>,
}

impl<'t> Plan<'t> {
    fn new<H: Host>(
        source: &Database<H>,
        tasks: &'t [Task],
        checkpoints: &Checkpoints,
        earliest: i64,
        ends: &Ends,
    ) -> Self {
        let mut plan = Self {
            works: Vec::new(),
            tasks: SortedMap::new(),
            newest: SortedMap::new(),
            done: SortedMap::new(),
            failed: SortedMap::new(),
        };
        for task in tasks {
            let id = task.id.as_str();
            let last = check_loop(source.name(), task).and_then(|()| source.last(&task.metric));
            let last = match last {
                Ok(Some(last)) => last,
                Ok(None) => continue,
                Err(error) => {
                    let problem = format!("rollup into {}: {error}", task.destination);
                    plan.failed.insert(task.id.clone(), problem);
                    plan.done.insert(id, checkpoints.get(id).copied().unwrap_or(earliest));
                    plan.tasks.insert(id, task);
                    continue;
                }
            };
            // A metric that went back behind its checkpoint has nothing but late samples.
            let done = checkpoints.get(id).copied().filter(|done| *done <= last.time.0);
            let from = done.unwrap_or(earliest);
            plan.works.extend(Work::of(task, from, last.time, ends));
            plan.tasks.insert(id, task);
            plan.newest.insert(id, (last.time.0, last.value.to_raw()));
            plan.done.insert(id, period_start(from, task.interval_ns));
        }
        plan
    }

    /// How far the checkpoints come: nothing before them can change any more.
    fn advanced(&self, checkpoints: &Checkpoints) -> Checkpoints {
        let works = self.works.iter().filter(|work| !self.failed.contains_key(&work.task.id));
        let is_new = |work: &&Work<'_>| {
            checkpoints.get(&work.task.id).is_none_or(|done| *done < work.settled)
        };
        works.filter(is_new).map(|work| (work.task.id.clone(), work.settled)).collect()
    }

    /// Leaves out what ended early and was written when the metric had the same newest sample,
    /// unless it is about to expire: then it is read once more.
    fn skip_known<H: Host>(&mut self, source: &Database<H>, ends: &Ends) {
        let Self { works, newest, done, .. } = self;
        works.retain(|work| {
            let id = work.task.id.as_str();
            let newest = newest.get(id).copied().unwrap_or_default();
            let is_known = work.to > work.settled
                && work.settled >= ends.expiring_before
                && source.seen().read(|seen| seen.has_early(id, newest));
            if is_known {
                done.insert(&work.task.id, work.to);
            }
            !is_known
        });
    }

    /// Keeps what retention and the next run want to know.
    fn remember<H: Host>(
        &self,
        source: &Database<H>,
        files: SortedMap<crate::partition::Partition, Arc<crate::engine::files::PartitionFiles>>,
        ends: &Ends,
    ) {
        let open = || self.done.iter().filter_map(|(id, done)| Some((*self.tasks.get(id)?, *done)));
        let unread = open().filter_map(|(task, done)| self.unread(source, task, done, ends));
        let unread = unread.min_by_key(|unread| unread.time);
        let early_due = open().filter_map(|(task, done)| {
            let (newest, _) =
                self.newest.get(task.id.as_str()).filter(|(time, _)| *time >= done)?;
            let is_failed = self.failed.contains_key(&task.id);
            (!is_failed).then(|| ends.early_due(task, Timestamp(*newest)))
        });
        let early_due = early_due.min();
        source.seen().write(|seen| {
            for work in self.works.iter().filter(|work| work.to > work.settled) {
                let id = work.task.id.as_str();
                if let Some(newest) = self.newest.get(id).filter(|_| !self.failed.contains_key(id))
                {
                    seen.note_early(id.to_string(), *newest);
                }
            }
            seen.note_run(files, unread, early_due);
        });
    }

    /// The first sample that is about to expire and that a task has not read.
    fn unread<H: Host>(
        &self,
        source: &Database<H>,
        task: &Task,
        done: i64,
        ends: &Ends,
    ) -> Option<Unread> {
        if done >= ends.expiring_before {
            return None;
        }
        let to = Timestamp(ends.expiring_before.saturating_sub(1));
        let range = TimeRange { from: Timestamp(done), to };
        let first = RangeQuery { range, stride: NonZeroUsize::MAX };
        let time = match source.range_query(&task.metric, first) {
            Ok(found) => *found.times.first()?,
            Err(_) => done, // what cannot be read may be there
        };
        let problem = self.failed.get(&task.id).cloned();
        Some(Unread { time, task: task.id.clone(), problem })
    }

    /// What could not be done, each thing once.
    fn problems(&self) -> impl Iterator<Item = String> {
        let problems: SortedSet<String> = self.failed.values().cloned().collect();
        problems.into_iter()
    }
}

/// When the next period of one of the tasks is over, with its grace.
fn next_due<H: Host>(source: &Database<H>, now: Timestamp) -> Timestamp {
    let tasks = source.rollup_tasks();
    let due = tasks.iter().map(|task| {
        let safe = now.0.saturating_sub(task.grace_ns);
        let end = period_start(safe, task.interval_ns).saturating_add(task.interval_ns);
        end.saturating_add(task.grace_ns)
    });
    // Without a task, new metrics may bring one.
    let soon = now.0.saturating_add(60_000_000_000);
    Timestamp(due.min().unwrap_or(soon))
}

/// A pattern that covers what it makes would make more and more.
fn check_loop(source: &str, task: &Task) -> Result<()> {
    if task.destination == source && task.id != task.job {
        let detail = format!("job {}: a pattern job cannot write to its own source", task.job);
        return Err(invalid(&detail));
    }
    Ok(())
}

pub(in crate::engine) fn checkpoint_file<H: Host>(source: &Database<H>) -> Result<FileName> {
    Ok(FileName::new(&source.settings().rollups.checkpoint_file)?)
}

pub(in crate::engine) fn read_checkpoints<H: Host>(
    source: &Database<H>,
    file: &FileName,
) -> Result<Checkpoints> {
    let bytes = source.readable().storage.read(file)?;
    Ok(checkpoint::parse(&bytes.unwrap_or_default()))
}

pub(in crate::engine) fn append_checkpoints<H: Host>(
    source: &Database<H>,
    name: &FileName,
    advanced: &Checkpoints,
    all: &mut Checkpoints,
) -> Result<()> {
    if advanced.is_empty() {
        return Ok(());
    }
    let storage = &source.readable().storage;
    all.extend(advanced.iter().map(|(id, time)| (id.clone(), *time)));
    let (mut file, created) = storage.open_or_create(name)?;
    let mut lines = checkpoint::encode(advanced);
    let len = file.len()?;
    if len.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX))
        > checkpoint::COMPACT_ABOVE
    {
        drop(file);
        return Ok(storage.replace(name, &checkpoint::encode(&*all))?);
    }
    let mut end = [b'\n'];
    file.read_at(len.saturating_sub(1), &mut end)?;
    if end != [b'\n'] {
        lines.insert(0, b'\n'); // a crash has cut the last line
    }
    append_or_undo(&mut file, len, &lines)?;
    file.sync()?;
    if created {
        storage.sync_dir()?;
    }
    Ok(())
}
