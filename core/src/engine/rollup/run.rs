//! Running rollups: what is new in a source goes, condensed, into its destinations.
//!
//! A period is condensed once a sample at or after its end has come and its grace is over. Each
//! metric takes its samples in order of time, so a period that is written never changes. The
//! destination is durable before the checkpoint says so; what a crash lets a run do again, the
//! destination already has, and its newest samples tell (D-12).

use crate::aggregate::{Aggregate, Arithmetic, Bucket, Grid, Windows};
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::host::{Host, Shared};
use crate::engine::ingest::MetricHandle;
use crate::engine::root::Engine;
use crate::engine::row::{Row, Target};
use crate::engine::state::Readable;
use crate::error::{Error, Rejection, Result};
use crate::partition::NANOS_PER_DAY;
use crate::query::{Batch, RangeQuery, Source, invalid};
use crate::rollup::checkpoint::{self, Checkpoints};
use crate::rollup::{Task, period_start, tasks};
use crate::settings::{EngineSettings, Partitioning, Rollups, WrittenDuration};
use crate::sorted::sort_by;
use crate::sorted::{SortedMap, SortedSet};
use crate::storage::{FileName, Storage, StorageFile, append_or_undo};
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ops::ControlFlow;

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

/// A stretch of periods of one task.
#[derive(Debug)]
pub(in crate::engine) struct Work<'t> {
    pub(in crate::engine) task: &'t Task,
    /// The start of the first period.
    pub(in crate::engine) from: i64,
    /// The end of the last.
    pub(in crate::engine) to: i64,
}

/// A value for a destination.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::engine) struct Output {
    /// The number of its work.
    pub(in crate::engine) work: usize,
    /// The number of the task's output.
    pub(in crate::engine) place: usize,
    /// The start of its period.
    pub(in crate::engine) time: i64,
    pub(in crate::engine) value: f64,
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

    /// Runs rollups of the open databases that may have something new, a destination that is a
    /// source itself after the one that it condenses. What retention takes away at `now` is among
    /// what they have seen.
    pub(in crate::engine) fn run_due_rollups(&self, now: Timestamp) -> Result<Vec<RollupRun>> {
        let mut runs = Vec::new();
        let sources: Vec<Arc<Database<H>>> = self
            .open_databases()
            .into_iter()
            .filter(|database| database.settings().rollups.enabled)
            .collect();
        // Samples that came late may expire before another period is over.
        for source in sources.iter().filter(|source| source.retires_at(now)) {
            self.schedule().write(|schedule| schedule.sources.remove(source.name()));
        }
        // Each may make another due, and no chain is longer than this.
        for _ in 0..sources.len() {
            let mut is_done = true;
            for source in &sources {
                if !self.is_due(source) {
                    continue;
                }
                is_done = false;
                let run = self.rollup_runs().write(|()| self.run(source))?;
                self.schedule().write(|schedule| {
                    for destination in &run.destinations {
                        schedule.sources.remove(destination);
                    }
                });
                if run.samples > 0 || !run.problems.is_empty() {
                    runs.push(run);
                }
            }
            if is_done {
                break;
            }
        }
        Ok(runs)
    }

    fn is_due(&self, source: &Database<H>) -> bool {
        let now = self.now();
        self.schedule().write(|schedule| {
            let known = schedule.sources.get(source.name());
            let is_due = known.is_none_or(|&(ran, due)| now >= due || now < ran);
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
        let tasks = source.rollup_tasks();
        let file = checkpoint_file(source)?;
        let mut checkpoints = read_checkpoints(source, &file)?;
        let Some(earliest) = source.readable().earliest()? else { return Ok(run) };
        let now = self.now();
        let mut advanced = Checkpoints::new();
        for group in tasks
            .chunk_by(|a, b| (&a.destination, a.interval_ns) == (&b.destination, b.interval_ns))
        {
            match self.run_group(source, group, (earliest, now), &checkpoints, &mut run) {
                Ok(done) => advanced.extend(done),
                Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
                Err(error) => {
                    let destination = group.first().map_or("", |task| task.destination.as_str());
                    run.problems.push(format!("rollup into {destination}: {error}"));
                }
            }
        }
        append_checkpoints(source, &file, &advanced, &mut checkpoints)?;
        run.advanced = advanced.into_iter().map(|(id, time)| (id, Timestamp(time))).collect();
        Ok(run)
    }

    /// Runs the tasks of one destination and interval; says how far they have come.
    fn run_group(
        &self,
        source: &Database<H>,
        group: &[Task],
        (earliest, now): (i64, Timestamp),
        checkpoints: &Checkpoints,
        run: &mut RollupRun,
    ) -> Result<Checkpoints> {
        let mut works = Vec::new();
        for task in group {
            let Some(last) = source.last(&task.metric)? else { continue };
            check_loop(source.name(), task)?;
            let from = checkpoints.get(&task.id).copied().unwrap_or(earliest);
            works.extend(Work::of(task, from, last.time, now));
        }
        let Some(first) = works.first() else { return Ok(Checkpoints::new()) };
        let destination = self.destination(&first.task.destination, first.task.interval_ns)?;
        let mut writer = Destination::new(&destination, &works)?;
        condense(source, &works, &mut |outputs| writer.write(outputs))?;
        let Destination { samples, failed, .. } = writer;
        destination.sync()?;
        run.samples += samples;
        if samples > 0 {
            run.destinations.insert(destination.name().to_string());
        }
        let problem = |(number, error): (&usize, &Rejection)| {
            let id = works.get(*number).map_or("", |work| work.task.id.as_str());
            format!("rollup {id} into {}: {error}", destination.name())
        };
        run.problems.extend(failed.iter().map(problem));
        let done = works.iter().enumerate().filter(|(number, _)| !failed.contains_key(number));
        Ok(done.map(|(_, work)| (work.task.id.clone(), work.to)).collect())
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

fn append_checkpoints<H: Host>(
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

/// Writes outputs that a destination does not have yet.
struct Destination<'a, H: Host> {
    database: &'a Database<H>,
    works: &'a [Work<'a>],
    /// For each work and output: the newest time the metric has.
    newest: Vec<Vec<Option<i64>>>,
    handles: SortedMap<(usize, usize), MetricHandle>,
    samples: u64,
    /// Works that the destination cannot take, say because a metric has another type.
    failed: SortedMap<usize, Rejection>,
}

impl<'a, H: Host> Destination<'a, H> {
    fn new(database: &'a Database<H>, works: &'a [Work<'a>]) -> Result<Self> {
        let mut newest = Vec::new();
        for work in works {
            let outputs = work.task.outputs.iter();
            let of_work: Result<Vec<Option<i64>>> = outputs
                .map(|(_, metric)| Ok(database.last(metric)?.map(|last| last.time.0)))
                .collect();
            newest.push(of_work?);
        }
        let (handles, failed) = (SortedMap::new(), SortedMap::new());
        Ok(Self { database, works, newest, handles, samples: 0, failed })
    }

    fn write(&mut self, outputs: &[Output]) -> Result<()> {
        let (mut rows, mut works) = (Vec::new(), Vec::new());
        for output in outputs {
            let newest = self.newest.get(output.work).and_then(|work| work.get(output.place));
            let is_there = newest.copied().flatten().is_some_and(|newest| output.time <= newest);
            if is_there || self.failed.contains_key(&output.work) {
                continue; // written by a run that a crash has cut short, or cannot be
            }
            let target = match self.handle(output) {
                Err(Error::Rejected(rejection)) => {
                    self.failed.insert(output.work, rejection);
                    continue;
                }
                handle => Target::Handle(handle?),
            };
            rows.push(Row { target, time: Timestamp(output.time), value: to_value(output.value) });
            works.push(output.work);
        }
        let report = self.database.add_rows(rows)?;
        self.samples += report.accepted;
        for (row, rejection) in report.rejected {
            self.failed.extend(works.get(row).map(|work| (*work, rejection)));
        }
        Ok(())
    }

    fn handle(&mut self, output: &Output) -> Result<MetricHandle> {
        let key = (output.work, output.place);
        if let Some(handle) = self.handles.get(&key) {
            return Ok(*handle);
        }
        let work = self.works.get(output.work);
        let metric = work.and_then(|work| work.task.outputs.get(output.place));
        let name = metric.map_or("", |(_, metric)| metric.as_str());
        let handle = self.database.metric(name, ValueType::F32)?;
        self.handles.insert(key, handle);
        Ok(handle)
    }
}

/// Destinations hold what fits their type.
#[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest, as documented")]
pub(in crate::engine) fn to_value(value: f64) -> Value {
    Value::F32(value as f32)
}

/// Hands out what the periods of the works come to: stretch of time by stretch of time, in each
/// in order of time. All works read one source.
pub(in crate::engine) fn condense<H: Host>(
    source: &Database<H>,
    works: &[Work<'_>],
    take: &mut dyn FnMut(&[Output]) -> Result<()>,
) -> Result<()> {
    let aggregates: Vec<Vec<Aggregate>> = works
        .iter()
        .map(|work| work.task.outputs.iter().map(|(aggregate, _)| *aggregate).collect())
        .collect();
    let mut windows = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut readers: Vec<Vec<usize>> = Vec::new();
    for (number, (work, aggregates)) in works.iter().zip(&aggregates).enumerate() {
        let interval = work.task.interval_ns;
        let grid = Grid::new(interval, 0)?;
        windows.push(Windows::new(work.range(), grid, aggregates, Arithmetic::Exact));
        let metric = work.task.metric.as_str();
        match names.iter().position(|name| *name == metric) {
            Some(at) => readers.get_mut(at).into_iter().for_each(|works| works.push(number)),
            None => {
                names.push(metric);
                readers.push(vec![number]);
            }
        }
    }
    let (Some(from), Some(to)) =
        (works.iter().map(|work| work.from).min(), works.iter().map(|work| work.to).max())
    else {
        return Ok(());
    };
    let mut outputs = Vec::new();
    let mut hand_out = |outputs: &mut Vec<Output>| {
        sort_by(outputs, |a, b| a.time < b.time);
        let taken = take(outputs);
        outputs.clear();
        taken
    };
    let (mut failed, mut previous) = (Ok(()), None);
    let query = RangeQuery::all(range(from, to));
    source.visit_many(&names, query, |metric, batch| {
        if previous.is_some_and(|previous| metric <= previous) {
            failed = hand_out(&mut outputs); // a new stretch of time
        }
        previous = Some(metric);
        for &number in readers.get(metric).into_iter().flatten() {
            if let (Some(work), Some(windows)) = (works.get(number), windows.get_mut(number)) {
                work.add(number, windows, batch, &mut outputs);
            }
        }
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    for (number, windows) in windows.iter_mut().enumerate() {
        let Ok(()) = windows.finish::<Infallible>(&mut |bucket| {
            keep(number, bucket, &mut outputs);
            Ok(())
        });
    }
    hand_out(&mut outputs)
}

impl<'t> Work<'t> {
    /// The periods of a task from the one that has `from` on, as far as they are over: by the
    /// newest sample of its metric, and by the clock with the grace. Nothing when there are none.
    pub(in crate::engine) fn of(
        task: &'t Task,
        from: i64,
        newest: Timestamp,
        now: Timestamp,
    ) -> Option<Self> {
        let safe = newest.0.min(now.0.saturating_sub(task.grace_ns));
        let from = period_start(from, task.interval_ns);
        let to = period_start(safe, task.interval_ns);
        (from < to).then_some(Self { task, from, to })
    }

    fn range(&self) -> TimeRange {
        range(self.from, self.to)
    }

    fn add(
        &self,
        number: usize,
        windows: &mut Windows<'_>,
        batch: Batch<'_>,
        outputs: &mut Vec<Output>,
    ) {
        let from = batch.times.partition_point(|&time| time < self.from);
        let to = batch.times.partition_point(|&time| time < self.to);
        let (times, raws) = (batch.times.get(from..to), batch.raws.get(from..to));
        let (Some(times), Some(raws)) = (times, raws) else { return };
        let Ok(()) = windows.add::<Infallible>(batch.value_type, times, raws, &mut |bucket| {
            keep(number, bucket, outputs);
            Ok(())
        });
    }
}

fn keep(work: usize, bucket: &Bucket, outputs: &mut Vec<Output>) {
    let values = bucket.values.iter().enumerate();
    let time = bucket.start.0;
    outputs.extend(values.map(|(place, &value)| Output { work, place, time, value }));
}

fn range(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Timestamp(from), to: Timestamp(to.saturating_sub(1)) }
}

impl<H: Host> Readable<H> {
    /// The earliest time of any sample.
    pub(in crate::engine) fn earliest(&self) -> Result<Option<i64>> {
        let mut earliest: Option<i64> = None;
        for view in self.view(TimeRange::ALL) {
            // Partitions of different length may overlap.
            if earliest.is_some_and(|earliest| earliest < view.partition.range().from.0) {
                break;
            }
            for source in self.sources(&view)? {
                let first = match source {
                    Source::Pages(_, _, index) => index.bounds().map(|bounds| bounds.from.0),
                    Source::Metric(_, file) => Some(file.range().from.0),
                    Source::Open(page) => {
                        page.chunks.iter().flat_map(|chunk| &chunk.times).min().copied()
                    }
                };
                earliest = [earliest, first].into_iter().flatten().min();
            }
        }
        Ok(earliest)
    }
}
