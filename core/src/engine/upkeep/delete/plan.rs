//! What deleting means for the files of a partition, and the new files.
//!
//! Queries read of a partition either its raw pages, or its metric file, or both in part (see
//! `query/source.rs`), so the new files have to fit each other at every moment of a replacement:
//!
//! * A metric file that the data file has all samples of is replaced first. What is new is part of
//!   the data file then, too, which queries read until it is replaced itself.
//! * A metric file that has samples of its own is replaced last. Where the data file has samples
//!   that came later, the metric file is first made to hold all of them. Then the data file is
//!   part of it, before and after it is replaced.
//! * A raw file beside a metric file is read by nobody; it goes first, so that no build finds
//!   more in it than the metric file has.

use super::pages::Rest;
use super::selection::{Count, Selection};
use super::with_bytes_needed;
use crate::engine::files::{FileKind, read_page};
use crate::engine::host::{Host, Shared};
use crate::engine::state::{FileOf, PartitionView, Readable};
use crate::engine::upkeep::build::{BuildOptions, PartitionScan, building};
use crate::error::Result;
use crate::metric_file::{MetricFile, SampleScan, Visit};
use crate::page::Payload;
use crate::partition::Partition;
use crate::query::Source;
use crate::storage::{FileName, Storage, StorageFile};
use alloc::format;
use alloc::vec::Vec;

/// One change to a partition's files.
#[derive(Debug)]
pub(super) enum Step {
    /// A file takes the place of the one of this kind, and has this many bytes.
    Replace(FileKind, FileName, u64),
    /// The file of this kind goes.
    Remove(FileKind),
}

/// What is to be done, in this order.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) view: PartitionView,
    pub(super) steps: Vec<Step>,
    /// Samples of each metric that go.
    pub(super) selected: Vec<u64>,
    /// Samples that stay.
    pub(super) kept: u64,
}

impl Plan {
    /// Whether the partition is as it was when this was planned.
    pub(super) fn is_current<H: Host>(&self, readable: &Readable<H>) -> bool {
        let partition = self.view.partition;
        readable.state.read(|state| {
            *state.files_of(partition) == *self.view.files && !state.pages.contains_key(&partition)
        })
    }
}

impl<H: Host> Readable<H> {
    /// Writes what takes the place of a partition's files, and says what does. The partition has
    /// no open page.
    pub(super) fn plan(&self, partition: Partition, selection: &Selection) -> Result<Plan> {
        let view = self.partition_view(partition);
        let Count { selected, kept } = self.count_selected(&view, selection)?;
        let mut plan = Plan { view, steps: Vec::new(), selected, kept };
        if plan.selected.iter().all(|&count| count == 0) {
            return Ok(plan);
        }
        if kept == 0 {
            // The metric file last: beside it nobody reads a raw file.
            for kind in FileKind::ALL {
                plan.steps.extend(plan.view.files.get(kind).map(|_| Step::Remove(kind)));
            }
            return Ok(plan);
        }
        self.plan_files(&mut plan, selection).map_err(|error| {
            let files = FileKind::ALL.into_iter().filter_map(|kind| plan.view.files.get(kind));
            with_bytes_needed(error, partition, files.map(|file| file.len).sum())
        })?;
        Ok(plan)
    }

    fn plan_files(&self, plan: &mut Plan, selection: &Selection) -> Result<()> {
        let view = plan.view.clone();
        let files = &*view.files;
        let raw = self.plan_pages(&view, FileKind::Raw, selection)?;
        let data = self.plan_pages(&view, FileKind::Data, selection)?;
        plan.steps.extend(raw);
        let Some(metric) = &files.metric else {
            plan.steps.extend(data);
            return Ok(());
        };
        let sources = self.sources(&view)?;
        let options = like(&*self.metric_file(metric)?);
        let with_data = files.data.as_ref().filter(|data| data.len > 0);
        let is_part_of_data = match with_data {
            Some(data) => self.data_covers_metric(view.partition, metric, data)?,
            None => false,
        };
        let name = FileKind::Metric.name(view.partition)?;
        if !is_part_of_data && sources.len() > 1 {
            let whole = whole(&name)?;
            let step = self.plan_metric_file(&view, &sources, None, options, &whole)?;
            plan.steps.push(step);
        }
        let new = building(&name)?;
        let metric = self.plan_metric_file(&view, &sources, Some(selection), options, &new)?;
        if is_part_of_data {
            plan.steps.push(metric);
            plan.steps.extend(data);
        } else {
            plan.steps.extend(data);
            plan.steps.push(metric);
        }
        Ok(())
    }

    fn plan_pages(
        &self,
        view: &PartitionView,
        kind: FileKind,
        selection: &Selection,
    ) -> Result<Option<Step>> {
        let Some(file) = view.files.get(kind) else { return Ok(None) };
        Ok(match self.write_rest(view.partition, file, selection)? {
            Rest::Same => None,
            Rest::Nothing => Some(Step::Remove(kind)),
            Rest::Written(len) => Some(Step::Replace(kind, file.name.temporary()?, len)),
        })
    }

    /// Writes a metric file of what is in the sources and not in the selection.
    fn plan_metric_file(
        &self,
        view: &PartitionView,
        sources: &[Source<FileOf<H>>],
        selection: Option<&Selection>,
        options: BuildOptions,
        name: &FileName,
    ) -> Result<Step> {
        let mut scan = RestScan { all: PartitionScan { readable: self, sources }, selection };
        let report = self.build_as(view, &mut scan, options, name)?;
        Ok(Step::Replace(FileKind::Metric, name.clone(), report.metric_bytes))
    }

    /// Counts what queries see of a partition.
    pub(super) fn count_selected(
        &self,
        view: &PartitionView,
        selection: &Selection,
    ) -> Result<Count> {
        let mut count = Count::new(selection);
        for source in self.sources(view)? {
            match source {
                Source::Open(page) => {
                    for chunk in &page.chunks {
                        for (&id, &time) in chunk.ids.iter().zip(&chunk.times) {
                            count.add(selection, id, time);
                        }
                    }
                }
                Source::Metric(_, file) => count_in_metric_file(&mut count, &file, selection)?,
                Source::Pages(file, handle, index) => {
                    index.damage_in(&file.name, selection.range).map_or(Ok(()), Err)?;
                    index.tail_in(&file.name, selection.range).map_or(Ok(()), Err)?;
                    let (mut buffer, mut page) = (Vec::new(), Payload::default());
                    let codec = self.page_codec();
                    for (at, frame) in index.frames.iter().enumerate() {
                        if !index.reach(at).overlaps(selection.range) {
                            count.kept += u64::from(frame.header.record_count);
                            continue;
                        }
                        read_page(&*handle, &file.name, frame, codec, &mut buffer, &mut page)?;
                        for (id, time) in page.ids().iter().zip(page.times()) {
                            let (id, time) = (u16::from_le_bytes(*id), i64::from_le_bytes(*time));
                            count.add(selection, id, time);
                        }
                    }
                }
            }
        }
        Ok(count)
    }

    /// Removes what an attempt that failed has left of a partition's new files.
    pub(super) fn remove_unfinished(&self, partition: Partition) -> Result<()> {
        let metric = FileKind::Metric.name(partition)?;
        let names = [
            FileKind::Data.name(partition)?.temporary()?,
            FileKind::Raw.name(partition)?.temporary()?,
            building(&metric)?,
            whole(&metric)?,
        ];
        names.iter().try_for_each(|name| self.storage.remove_if_present(name))?;
        Ok(())
    }
}

/// The name of a metric file that holds all of a partition until it takes the place of an older
/// one that does not.
fn whole(metric_file: &FileName) -> Result<FileName> {
    Ok(FileName::new(&format!("{metric_file}.whole"))?)
}

/// How a file is built that is like another one.
fn like<F: StorageFile>(file: &MetricFile<F>) -> BuildOptions {
    let version = file.version();
    let codec = file.codec().unwrap_or_default();
    BuildOptions { version, codec, ..BuildOptions::default() }
}

/// Frames that cannot hold selected samples are not read.
fn count_in_metric_file<F: StorageFile>(
    count: &mut Count,
    file: &MetricFile<F>,
    selection: &Selection,
) -> Result<()> {
    let (range, mut looked_at) = (selection.range, 0);
    for id in selection.ids() {
        for entry in file.entries_of(id)? {
            if !entry.range.overlaps(range) {
                continue;
            }
            let points = u64::from(entry.point_count);
            looked_at += points;
            if range.from <= entry.range.from && entry.range.to <= range.to {
                count.add_many(selection, id.get(), entry.range.from.0, points);
                continue;
            }
            for time in file.read_frame(entry)?.times {
                count.add(selection, id.get(), time);
            }
        }
    }
    count.kept += file.point_count().saturating_sub(looked_at);
    Ok(())
}

/// What is in the sources and not in the selection.
struct RestScan<'a, H: Host> {
    all: PartitionScan<'a, H>,
    selection: Option<&'a Selection>,
}

impl<H: Host> SampleScan for RestScan<'_, H> {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        let Some(selection) = self.selection else { return self.all.scan(visit) };
        let (mut ids, mut times, mut raws) = (Vec::new(), Vec::new(), Vec::new());
        self.all.scan(&mut |all_ids, all_times, all_raws| {
            if !all_ids.iter().zip(all_times).any(|(&id, &time)| selection.contains(id, time)) {
                return visit(all_ids, all_times, all_raws);
            }
            ids.clear();
            times.clear();
            raws.clear();
            for ((&id, &time), &raw) in all_ids.iter().zip(all_times).zip(all_raws) {
                if !selection.contains(id, time) {
                    ids.push(id);
                    times.push(time);
                    raws.push(raw);
                }
            }
            visit(&ids, &times, &raws)
        })
    }
}
