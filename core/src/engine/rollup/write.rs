//! Writing what periods came to into their destination.
//!
//! Periods after the destination's newest sample are added to it. Those before it were written by
//! an earlier run: they are compared, and replaced where they differ.

use super::backfill::Handles;
use super::condense::{Output, condense, to_value};
use super::due::Work;
use super::run::RollupRun;
use crate::engine::database::Database;
use crate::engine::host::Host;
use crate::engine::ingest::MetricHandle;
use crate::engine::root::Engine;
use crate::engine::row::{Row, Target};
use crate::error::{Error, Rejection, Result};
use crate::rollup::checkpoint::Checkpoints;
use crate::rollup::period_start;
use crate::sorted::SortedMap;
use crate::types::{Timestamp, ValueType};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl<H: Host> Engine<H> {
    /// Writes works of one destination and interval; returns the tasks that it cannot take, and
    /// why.
    pub(super) fn write_group(
        &self,
        source: &Database<H>,
        works: &[Work<'_>],
        checkpoints: &Checkpoints,
        run: &mut RollupRun,
    ) -> Result<SortedMap<String, String>> {
        let Some(first) = works.first() else { return Ok(SortedMap::new()) };
        let destination = self.destination(&first.task.destination, first.task.interval_ns)?;
        let (mut again, mut new) = (Vec::new(), Vec::new());
        for work in works {
            // Without a checkpoint, what is there may be somebody's own.
            let is_ours = checkpoints.contains_key(&work.task.id);
            let (before, after) = match newest(&destination, work)?.filter(|_| is_ours) {
                Some(newest) if source.name() != destination.name() => {
                    let interval = work.task.interval_ns;
                    work.split_at(period_start(newest, interval).saturating_add(interval))
                }
                _ => (None, Some(*work)),
            };
            again.extend(before);
            new.extend(after);
        }
        let mut failed = write_again(source, &destination, &again, run)?;
        let mut writer = Destination::new(&destination, &new)?;
        condense(source, &new, &mut |outputs| writer.write(outputs))?;
        destination.sync()?;
        run.samples += writer.samples;
        if writer.samples > 0 {
            run.destinations.insert(destination.name().into());
        }
        for (number, error) in &writer.failed {
            let id = new.get(*number).map_or("", |work| work.task.id.as_str());
            failed.insert(id.into(), format!("rollup {id} into {}: {error}", destination.name()));
        }
        Ok(failed)
    }
}

/// Compares periods with what the destination has of them, and replaces what differs.
pub(super) fn write_again<H: Host>(
    source: &Database<H>,
    destination: &Database<H>,
    works: &[Work<'_>],
    run: &mut RollupRun,
) -> Result<SortedMap<String, String>> {
    if works.is_empty() {
        return Ok(SortedMap::new());
    }
    let handles = Handles::new(destination, works)?;
    // What retention took was noted, and is in the destination alone.
    let complete_from = source.gone_before()?.unwrap_or(i64::MIN);
    let works: Vec<Work<'_>> = works.iter().map(|work| work.complete_from(complete_from)).collect();
    let renewed = handles.renew(source, destination, &works)?;
    run.samples += renewed.replaced;
    if !renewed.partitions.is_empty() {
        run.destinations.insert(destination.name().into());
    }
    let id = |number: &usize| works.get(*number).map_or("", |work| work.task.id.as_str());
    let problem = |number: &usize, why: &String| {
        format!("rollup {} into {}: {why}", id(number), destination.name())
    };
    let failed = handles.failed.iter();
    let failed = failed.map(|(number, why)| (id(number).into(), problem(number, why)));
    Ok(failed.collect())
}

/// The newest sample of any metric that a work writes.
pub(super) fn newest<H: Host>(destination: &Database<H>, work: &Work<'_>) -> Result<Option<i64>> {
    let mut newest = None;
    for (_, metric) in &work.task.outputs {
        newest = newest.max(destination.last(metric)?.map(|last| last.time.0));
    }
    Ok(newest)
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
