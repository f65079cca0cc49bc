//! Reading around damage: what a partition still holds where some of it cannot be read.
//!
//! While all is well, a query reads the least that has everything. Here everything is read that
//! there is. What a metric file and raw pages both hold is there once: of each instant's values as
//! many as the one of the two has that has more.

use super::damage::{Notes, OnDamage};
use super::gather::{FrameReader, Points, Selection, gather_open_page, gather_page};
use super::scan::Visit;
use super::source::{Source, may_be_growing};
use crate::engine::{FileOf, FrameIndex, Host, PartitionView, Readable, Shared, StoredFile};
use crate::error::{Error, Result};
use crate::metric_file::MetricFile;
use crate::page::Payload;
use crate::sorted::sort_by;
use crate::types::{MetricId, TimeRange, ValueType};
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

impl<H: Host> Readable<H> {
    /// Appends the samples of `range` that can be read of a partition, of each selected metric in
    /// order of time.
    pub(super) fn gather_around(
        &self,
        view: &PartitionView,
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
        on: OnDamage<'_>,
    ) -> Result<()> {
        let OnDamage::Note(notes) = on else { return Err(no_sink()) };
        let mut view = view.clone();
        loop {
            let own = Notes::new(&self.name);
            let note = OnDamage::Note(&own);
            let sources = self.sources_around(&view, note)?;
            let found = self.merged(&view, &sources, range, selection, note)?;
            // A file that somebody has replaced meanwhile was not damaged.
            if let Some(newer) = self.newer_view(&view) {
                view = newer;
                continue;
            }
            notes.extend(&own);
            for (points, found) in points.iter_mut().zip(found) {
                points.times.extend_from_slice(&found.times);
                points.raws.extend_from_slice(&found.raws);
            }
            return Ok(());
        }
    }

    /// Everything of a partition that can be opened, whatever it has in common.
    pub(super) fn sources_around(
        &self,
        view: &PartitionView,
        on: OnDamage<'_>,
    ) -> Result<Vec<Source<FileOf<H>>>> {
        let mut sources = Vec::new();
        let files = &view.files;
        for file in files.raw.iter().chain(&files.data).filter(|file| file.len > 0) {
            sources.extend(on.pass(&file.name, self.pages(view.partition, file))?);
        }
        if let Some(file) = &files.metric {
            sources.extend(on.pass(&file.name, self.metric_source(file))?);
        }
        sources.extend(view.page.clone().map(Source::Open));
        Ok(sources)
    }

    /// The samples of sources that may hold the same, each once.
    fn merged(
        &self,
        view: &PartitionView,
        sources: &[Source<FileOf<H>>],
        range: TimeRange,
        selection: &Selection,
        on: OnDamage<'_>,
    ) -> Result<Vec<Points>> {
        let none = || vec![Points::default(); selection.len()];
        let (mut paged, mut columned, mut open) = (none(), none(), none());
        for source in sources {
            let points = match source {
                Source::Pages(..) => &mut paged,
                Source::Metric(..) => &mut columned,
                Source::Open(_) => &mut open,
            };
            self.gather_readable(view, source, range, selection, points, on)?;
        }
        let parts = paged.into_iter().zip(columned).zip(open);
        Ok(parts
            .map(|((mut paged, mut columned), open)| {
                paged.sort_from(0);
                columned.sort_from(0);
                paged.unite(&columned);
                paged.times.extend_from_slice(&open.times);
                paged.raws.extend_from_slice(&open.raws);
                paged.sort_from(0);
                paged
            })
            .collect())
    }

    /// Appends what can be read of one source.
    fn gather_readable(
        &self,
        view: &PartitionView,
        source: &Source<FileOf<H>>,
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
        on: OnDamage<'_>,
    ) -> Result<()> {
        match source {
            Source::Pages(file, handle, index) => {
                let is_growing = may_be_growing(self, view.partition);
                note_gaps(file, index, range, is_growing, on)?;
                let (mut reader, mut page) =
                    (FrameReader::new(&**handle, file.len), Payload::default());
                for (at, frame) in index.frames.iter().enumerate() {
                    if !index.reach(at).overlaps(range) {
                        continue;
                    }
                    let decoded = reader.frame(frame).map_err(Error::from).and_then(|bytes| {
                        let decoded = frame.header.decode_page(bytes, self.page_codec(), &mut page);
                        decoded.map_err(|error| damage_of(file, frame.offset, &error))
                    });
                    if on.pass(&file.name, decoded)?.is_some() {
                        gather_page(&page, range, selection, points);
                    }
                }
            }
            Source::Metric(file, opened) => {
                for (metric, points) in selection.metrics().iter().zip(points) {
                    gather_frames(file, opened, *metric, range, points, on)?;
                }
            }
            Source::Open(page) => gather_open_page(page, range, selection, points),
        }
        Ok(())
    }

    /// Visits every record of a partition that can be read, in storage order as far as that goes.
    pub(super) fn scan_around(
        &self,
        view: &PartitionView,
        on: OnDamage<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let sources = match self.sources(view) {
            Err(error) if on.tolerates(&error) => {
                on.note_named(error)?;
                return self.scan_missing(view, &[], TimeRange::ALL, on, visit);
            }
            sources => sources?,
        };
        let mut missing: Option<TimeRange> = None;
        for source in &sources {
            let hole = self.scan_readable_of(view, source, on, visit)?;
            missing = [missing, hole].into_iter().flatten().reduce(span);
        }
        match missing {
            // Another file may have it.
            Some(range) if view.files.count() > count_files(&sources) => {
                self.scan_missing(view, &sources, range, on, visit)
            }
            _ => Ok(()),
        }
    }

    /// Visits what can be read of one source. Says within which instants something may be missing.
    fn scan_readable_of(
        &self,
        view: &PartitionView,
        source: &Source<FileOf<H>>,
        on: OnDamage<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<Option<TimeRange>> {
        let mut hole: Option<TimeRange> = None;
        let mut miss = |range| hole = [hole, Some(range)].into_iter().flatten().reduce(span);
        match source {
            Source::Pages(file, handle, index) => {
                let is_growing = may_be_growing(self, view.partition);
                if note_gaps(file, index, TimeRange::ALL, is_growing, on)? {
                    miss(TimeRange::ALL);
                }
                let frames = index.frames.iter().enumerate();
                self.scan_each(file, handle, frames, visit, &mut |at, error| {
                    miss(index.reach(at));
                    on.note(&file.name, error)
                })?;
            }
            Source::Metric(file, opened) => {
                let mut frames = opened.stored_frames();
                while let Some((entry, frame)) = frames.next_entry() {
                    let (entry, times, raws) = match (frame, entry) {
                        (Ok(frame), _) => (frame.info, frame.times, frame.raws),
                        (Err(error), None) => {
                            on.note(&file.name, error)?;
                            continue;
                        }
                        (Err(error), Some(entry)) => {
                            on.note(&file.name, error)?;
                            miss(entry.range);
                            let mut note = |error| on.note(&file.name, error);
                            let (times, raws) = opened.readable_points(&entry, &mut note)?;
                            (entry, times, raws)
                        }
                    };
                    visit(&vec![entry.metric.get(); times.len()], &times, &raws)?;
                }
            }
            Source::Open(page) => {
                for chunk in &page.chunks {
                    visit(&chunk.ids, &chunk.times, &chunk.raws)?;
                }
            }
        }
        Ok(hole)
    }

    /// Visits what all files of a partition have in a range, and what was visited of some of them
    /// lacked.
    fn scan_missing(
        &self,
        view: &PartitionView,
        visited: &[Source<FileOf<H>>],
        range: TimeRange,
        on: OnDamage<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let metrics = self.state.read(|state| {
            state.catalog.iter().map(|entry| (entry.id.get(), entry.value_type)).collect()
        });
        let selection = Selection::new(metrics);
        if selection.len() == 0 {
            return Ok(());
        }
        // What these lack was noted when they were visited.
        let ignored = Notes::new(&self.name);
        for slice in self.slices(core::slice::from_ref(view), range, &selection, on)? {
            let mut points = vec![Points::default(); selection.len()];
            self.gather_around(view, slice, &selection, &mut points, on)?;
            let known = self.merged(view, visited, slice, &selection, OnDamage::Note(&ignored))?;
            for ((id, points), known) in selection.ids().zip(points).zip(known) {
                let new = points.without(&known);
                if !new.times.is_empty() {
                    visit(&vec![id; new.times.len()], &new.times, &new.raws)?;
                }
            }
        }
        Ok(())
    }
}

/// Appends what can be read of a metric's frames.
fn gather_frames<F: crate::storage::StorageFile>(
    file: &StoredFile,
    opened: &MetricFile<F>,
    (id, value_type): (u16, ValueType),
    range: TimeRange,
    points: &mut Points,
    on: OnDamage<'_>,
) -> Result<()> {
    let Some(id) = MetricId::new(id) else { return Ok(()) };
    // Where headers contradict the index, nothing is left out for what the index says.
    let compared = on.pass(&file.name, opened.entries_of(id).map(|_| ()))?;
    for entry in opened.entries().iter().filter(|entry| entry.metric == id) {
        if compared.is_some() && !entry.range.overlaps(range) {
            continue;
        }
        if entry.value_type != value_type {
            let detail = format!("metric {id} is {} here, expected {value_type}", entry.value_type);
            on.note(&file.name, Error::corrupt(opened.name(), entry.offset, detail))?;
            continue;
        }
        let mut note = |error| on.note(&file.name, error);
        let (times, raws) = opened.readable_points(entry, &mut note)?;
        points.extend_sorted(range, &times, &raws);
    }
    Ok(())
}

/// Notes what in a data file is no frame and may have held samples of `range`; says whether there
/// is any.
fn note_gaps(
    file: &StoredFile,
    index: &FrameIndex,
    range: TimeRange,
    is_growing: bool,
    on: OnDamage<'_>,
) -> Result<bool> {
    let tail = if is_growing { None } else { index.tail_in(&file.name, range) };
    let mut any = false;
    for error in index.damages_in(&file.name, range).chain(tail) {
        on.note(&file.name, error)?;
        any = true;
    }
    Ok(any)
}

fn damage_of(file: &StoredFile, offset: u64, error: &crate::page::frame::FrameError) -> Error {
    Error::corrupt(file.name.as_str(), offset, error.to_string())
}

fn count_files<F>(sources: &[Source<F>]) -> usize {
    sources.iter().filter(|source| !matches!(source, Source::Open(_))).count()
}

/// From the start of the first to the end of the last.
fn span(one: TimeRange, other: TimeRange) -> TimeRange {
    TimeRange { from: one.from.min(other.from), to: one.to.max(other.to) }
}

/// Only a query that notes damage reads around it.
fn no_sink() -> Error {
    super::invalid("damage is to be noted here")
}

impl Points {
    /// Adds what `other` has of each instant and value more often. Both are in order of time, and
    /// so is the result.
    fn unite(&mut self, other: &Self) {
        if other.times.is_empty() {
            return;
        }
        if self.times.is_empty() {
            self.clone_from(other);
            return;
        }
        let more = other.without(self);
        self.times.extend_from_slice(&more.times);
        self.raws.extend_from_slice(&more.raws);
        self.sort_from(0);
    }

    /// What is here of each instant and value more often than in `other`.
    fn without(&self, other: &Self) -> Self {
        let mut rows: Vec<(i64, u32)> =
            other.times.iter().copied().zip(other.raws.iter().copied()).collect();
        sort_by(&mut rows, |a, b| a < b);
        // How many equal rows were met, where the first of them is.
        let mut met = vec![0_usize; rows.len()];
        let mut left = Self::default();
        for (&time, &raw) in self.times.iter().zip(&self.raws) {
            let first = rows.partition_point(|row| *row < (time, raw));
            match met.get_mut(first) {
                Some(met) if rows.get(first + *met) == Some(&(time, raw)) => *met += 1,
                _ => {
                    left.times.push(time);
                    left.raws.push(raw);
                }
            }
        }
        left
    }
}
