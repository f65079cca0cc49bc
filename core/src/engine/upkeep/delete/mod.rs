//! Deleting what is stored: samples of some metrics in a range of time.
//!
//! A partition is done at a time. Where nothing else is left its files are removed, which needs no
//! room on the disk; otherwise each file that holds any of the samples is written anew without
//! them under a temporary name ([`plan`]), and the files take their places one after the other
//! ([`replace`]), in an order in which the partition's files hold at every moment either all of
//! the samples or fewer of those that go, and of all others each exactly once.
//!
//! Before that, pages with samples of the partition are written and the log is emptied for
//! certain: it would bring the samples back. On a full disk, of a partition that goes whole, that
//! comes after its files are removed, which makes room.

mod forget;
mod pages;
mod plan;
mod replace;
mod selection;
#[cfg(all(test, feature = "testing"))]
mod tests;

use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::{FileKind, PartitionFiles};
use crate::engine::host::{Host, Shared};
use crate::engine::writer::Writer;
use crate::error::{Error, Rejection, Result};
use crate::partition::Partition;
use crate::sorted::SortedMap;
use crate::storage::StorageErrorKind;
use crate::types::TimeRange;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use plan::Plan;
use selection::Selection;

/// What a delete did, or would do.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct DeleteReport {
    /// The metrics, and how many samples of each are gone.
    pub metrics: Vec<(String, u64)>,
    /// Keys of the partitions whose files were written anew.
    pub rewritten: Vec<String>,
    /// Keys of the partitions that held nothing else and are gone.
    pub removed: Vec<String>,
    /// Partitions that stayed as they were, and why: a file is damaged, or there is no room to
    /// write it anew.
    pub refused: Vec<(String, Error)>,
}

impl DeleteReport {
    /// Samples of all metrics.
    pub fn samples(&self) -> u64 {
        self.metrics.iter().map(|(_, samples)| samples).sum()
    }
}

/// How a partition came out.
enum Outcome {
    Untouched,
    Rewritten,
    Removed,
    Refused(Error),
}

impl<H: Host> Database<H> {
    /// Deletes the samples of a metric from the start to the end of a range, both included. With
    /// [`TimeRange::ALL`] the metric itself goes, too: it may come back with another type. Samples
    /// that come meanwhile may stay.
    ///
    /// Afterwards a sample of the metric is judged by what is left: one that is older than what
    /// was deleted is accepted. Archives stay. What rollups made of the samples follows when they
    /// run next, see [`renew_deleted_rollups`](crate::engine::Engine::renew_deleted_rollups): periods
    /// are computed anew from what is left, and those of which nothing is left go.
    ///
    /// When this returns, the samples are gone for certain. When it fails, or the process ends,
    /// they are gone in some partitions and whole in others, and no other sample is touched;
    /// deleting again goes on.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownMetric`], [`Rejection::InvalidRange`]; those that stop all later
    /// writes. A partition that cannot be written anew is no error but in the report.
    pub fn delete(&self, metric: &str, range: TimeRange) -> Result<DeleteReport> {
        self.delete_many(&[metric], range)
    }

    /// Deletes the samples of several metrics: as [`delete`](Self::delete), but each partition is
    /// written anew only once.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete).
    pub fn delete_many(&self, metrics: &[&str], range: TimeRange) -> Result<DeleteReport> {
        let selection = self.select(metrics, range)?;
        let stretches = self.begin_delete(metrics, range)?;
        let done = self.delete_selected(metrics, &selection);
        let ended = self.end_delete(&stretches);
        let (report, seen) = done?;
        ended?;
        let is_whole = range == TimeRange::ALL && report.refused.is_empty();
        self.writer().write(|writer| {
            writer.forget_newest(&selection);
            writer.renew_newest();
            if is_whole { writer.forget_metrics(&selection, &seen) } else { Ok(()) }
        })?;
        self.host().note(&Event::SamplesDeleted {
            database: self.name(),
            metrics: metrics.len(),
            samples: report.samples(),
            refused: report.refused.len(),
        });
        Ok(report)
    }

    /// Deletes in one partition after the other.
    fn delete_selected(
        &self,
        metrics: &[&str],
        selection: &Selection,
    ) -> Result<(DeleteReport, Seen)> {
        let mut counts = vec![0; metrics.len()];
        let mut report = DeleteReport::default();
        let mut seen = Seen::new();
        let mut partitions = self.partitions_in(selection.range);
        loop {
            let mut without_room = Vec::new();
            let removed = report.removed.len();
            for partition in partitions {
                let (outcome, found) = self.delete_in(partition, selection, &mut seen)?;
                add(&mut counts, &found);
                let key = partition.to_string();
                match outcome {
                    Outcome::Untouched => {}
                    Outcome::Rewritten => report.rewritten.push(key),
                    Outcome::Removed => report.removed.push(key),
                    Outcome::Refused(error) if is_out_of_space(&error) => {
                        without_room.push((partition, error));
                    }
                    Outcome::Refused(error) => report.refused.push((key, error)),
                }
            }
            // What was removed has given room to those that had none.
            if without_room.is_empty() || report.removed.len() == removed {
                let without_room = without_room.into_iter();
                report.refused.extend(without_room.map(|(p, error)| (p.to_string(), error)));
                break;
            }
            partitions = without_room.into_iter().map(|(partition, _)| partition).collect();
        }
        report.metrics = named(metrics, counts);
        Ok((report, seen))
    }

    /// What [`delete_many`](Self::delete_many) would do, as far as files can be read. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Rejection::UnknownMetric`], [`Rejection::InvalidRange`].
    pub fn would_delete(&self, metrics: &[&str], range: TimeRange) -> Result<DeleteReport> {
        let selection = self.select(metrics, range)?;
        let mut counts = vec![0; metrics.len()];
        let mut report = DeleteReport::default();
        for view in self.readable().view(range) {
            let key = view.partition.to_string();
            match self.readable().count_selected(&view, &selection) {
                Ok(found) if found.is_none() => {}
                Ok(found) => {
                    add(&mut counts, &found.selected);
                    let keys =
                        if found.kept == 0 { &mut report.removed } else { &mut report.rewritten };
                    keys.push(key);
                }
                Err(error) => report.refused.push((key, error)),
            }
        }
        report.metrics = named(metrics, counts);
        Ok(report)
    }

    fn select(&self, metrics: &[&str], range: TimeRange) -> Result<Selection> {
        if range.to < range.from {
            return Err(Rejection::InvalidRange { from: range.from, to: range.to }.into());
        }
        self.readable().state.read(|state| {
            let slots = metrics.iter().map(|metric| {
                let slot = state.catalog.find(metric);
                slot.ok_or_else(|| Error::Rejected(Rejection::UnknownMetric((*metric).to_string())))
            });
            let slots = slots.collect::<Result<Vec<_>>>()?;
            Ok(Selection::new(&state.catalog, &slots, range))
        })
    }

    /// The partitions that may hold samples of a range, in files or in memory.
    fn partitions_in(&self, range: TimeRange) -> Vec<Partition> {
        self.readable().view(range).iter().map(|view| view.partition).collect()
    }

    /// Deletes in one partition; says how many samples of each metric are gone.
    fn delete_in(
        &self,
        partition: Partition,
        selection: &Selection,
        seen: &mut Seen,
    ) -> Result<(Outcome, Vec<u64>)> {
        // Not while a file is built from what is about to go.
        self.builds().write(|()| match self.prepare(partition, selection, seen) {
            Ok(Some(plan)) => self.carry_out(plan, selection, seen),
            Ok(None) => Ok((Outcome::Untouched, Vec::new())),
            Err(error) if self.writer().read(Writer::check_writable).is_err() => Err(error),
            Err(error) if error.lacks_room() => {
                match self.remove_without_room(partition, selection, seen)? {
                    Some(done) => Ok(done),
                    None => self.refuse(partition, error),
                }
            }
            Err(error) => self.refuse(partition, error),
        })
    }

    /// Takes a partition away of which nothing stays, though there was no room for what is in
    /// memory: the files that go make some. Nothing where something stays, or there are none.
    ///
    /// Should the process end before the log is empty, some of what it has of this partition is
    /// there again, as after any delete that was cut short.
    fn remove_without_room(
        &self,
        partition: Partition,
        selection: &Selection,
        seen: &mut Seen,
    ) -> Result<Option<(Outcome, Vec<u64>)>> {
        let readable = self.readable();
        self.writer().write(|writer| {
            let view = readable.current_view(partition);
            let count = match readable.count_selected(&view, selection) {
                Err(error) if error.is_unreadable() => return Ok(None),
                count => count?,
            };
            let mut files = FileKind::ALL.iter().filter_map(|kind| view.files.get(*kind));
            if count.kept > 0 || files.all(|file| file.len == 0) {
                return Ok(None);
            }
            drop(view);
            let removed = writer.remove_whole(partition, selection);
            writer.poisoning(removed)?;
            seen.insert(partition, readable.partition_view(partition).files);
            let outcome = match writer.settle_log() {
                Ok(()) => Outcome::Removed,
                Err(error) if writer.check_writable().is_err() => return Err(error),
                Err(error) => Outcome::Refused(with_log_left(error, partition)),
            };
            Ok(Some((outcome, count.selected)))
        })
    }

    /// What stays as it was for the error of preparing it; other errors stop everything.
    fn refuse(&self, partition: Partition, error: Error) -> Result<(Outcome, Vec<u64>)> {
        if !error.is_unreadable() && !is_out_of_space(&error) {
            return Err(error);
        }
        self.readable().remove_unfinished(partition)?;
        Ok((Outcome::Refused(error), Vec::new()))
    }

    /// Writes a partition's new files, while samples may come in; nothing where it has none of
    /// the selected ones.
    fn prepare(
        &self,
        partition: Partition,
        selection: &Selection,
        seen: &mut Seen,
    ) -> Result<Option<Plan>> {
        let readable = self.readable();
        // Most partitions are none of the writer's business.
        let view = readable.current_view(partition);
        if readable.count_selected(&view, selection)?.is_none() {
            seen.insert(partition, view.files);
            return Ok(None);
        }
        self.writer().write(|writer| self.settle(writer, partition))?;
        readable.plan(partition, selection).map(Some)
    }

    /// Writes the partition's page and empties the log. Where there is no room for that, there is
    /// none for the files, which come next.
    fn settle(&self, writer: &mut Writer<H>, partition: Partition) -> Result<()> {
        writer.check_writable()?;
        let files = self.readable().state.read(|state| state.files_of(partition));
        let bytes = FileKind::ALL.iter().filter_map(|kind| files.get(*kind)).map(|file| file.len);
        let settled = writer.settle_partition(partition);
        settled.map_err(|error| with_bytes_needed(error, partition, bytes.sum()))
    }

    fn carry_out(
        &self,
        early: Plan,
        selection: &Selection,
        seen: &mut Seen,
    ) -> Result<(Outcome, Vec<u64>)> {
        let (readable, partition) = (self.readable(), early.view.partition);
        self.writer().write(|writer| {
            let settled = self.settle(writer, partition);
            // Samples that came meanwhile are in no file of the plan: now others have to wait.
            let plan = settled.and_then(|()| {
                if early.is_current(readable) {
                    Ok(early)
                } else {
                    readable.plan(partition, selection)
                }
            });
            let plan = match plan {
                Ok(plan) => plan,
                Err(error) if writer.check_writable().is_err() => return Err(error),
                Err(error) => return self.refuse(partition, error),
            };
            let replaced = writer.carry_out(&plan, selection);
            writer.poisoning(replaced)?;
            seen.insert(partition, readable.partition_view(partition).files);
            Ok((plan.outcome(), plan.selected))
        })
    }
}

/// The files of each partition when nothing of the selection was left in them.
type Seen = SortedMap<Partition, Arc<PartitionFiles>>;

fn add(counts: &mut [u64], found: &[u64]) {
    for (count, found) in counts.iter_mut().zip(found) {
        *count += found;
    }
}

fn named(metrics: &[&str], counts: Vec<u64>) -> Vec<(String, u64)> {
    metrics.iter().map(ToString::to_string).zip(counts).collect()
}

fn is_out_of_space(error: &Error) -> bool {
    matches!(error, Error::Storage(error) if error.kind == StorageErrorKind::NoSpace)
}

/// The samples are gone, but not yet for certain.
fn with_log_left(error: Error, partition: Partition) -> Error {
    match error {
        Error::Storage(mut error) => {
            error.detail = format!(
                "partition {partition} is gone, but the log, which still has some of its samples, \
                 cannot be emptied: {}",
                error.detail
            );
            Error::Storage(error)
        }
        error => error,
    }
}

/// A full disk, said with what is missing.
fn with_bytes_needed(error: Error, partition: Partition, bytes: u64) -> Error {
    match error {
        Error::Storage(mut error) if error.kind == StorageErrorKind::NoSpace => {
            error.detail = format!(
                "partition {partition} has to be written anew, which needs about {bytes} bytes: {}",
                error.detail
            );
            Error::Storage(error)
        }
        error => error,
    }
}

impl Plan {
    fn outcome(&self) -> Outcome {
        match (self.steps.is_empty(), self.kept) {
            (true, _) => Outcome::Untouched,
            (false, 0) => Outcome::Removed,
            (false, _) => Outcome::Rewritten,
        }
    }
}
