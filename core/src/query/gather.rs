//! The samples of chosen metrics in one partition, sorted by time.

use super::cache::Block;
use super::damage::OnDamage;
use super::grouped::GroupedPage;
use super::source::{Source, may_be_growing};
use crate::engine::{
    FileOf, FrameEntry, FrameIndex, Host, PartitionView, Readable, Shared, StoredFile,
};
use crate::error::{Error, Result};
use crate::page::{PageView, Payload};
use crate::sorted::sort_samples;
use crate::storage::{self, StorageFile};
use crate::types::{TimeRange, ValueType};
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// Times and raw values of one metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Points {
    pub(crate) times: Vec<i64>,
    pub(crate) raws: Vec<u32>,
}

impl Points {
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.raws.clear();
    }

    fn truncate(&mut self, len: usize) {
        self.times.truncate(len);
        self.raws.truncate(len);
    }

    fn push(&mut self, time: i64, raw: u32) {
        self.times.push(time);
        self.raws.push(raw);
    }

    /// Adds what lies in `range` of columns that are sorted by time, or says they are not.
    pub(super) fn extend_sorted(&mut self, range: TimeRange, times: &[i64], raws: &[u32]) {
        let from = times.partition_point(|&time| time < range.from.0);
        let to = times.partition_point(|&time| time <= range.to.0);
        self.times.extend_from_slice(times.get(from..to).unwrap_or_default());
        self.raws.extend_from_slice(raws.get(from..to).unwrap_or_default());
    }

    /// Puts everything from `start` on in time order; equal times keep the order they came in.
    pub(crate) fn sort_from(&mut self, start: usize) {
        let (Some(times), Some(raws)) = (self.times.get_mut(start..), self.raws.get_mut(start..))
        else {
            return;
        };
        if !times.is_sorted() {
            sort_samples(times, raws);
        }
    }
}

/// The metrics of a query.
#[derive(Debug)]
pub(crate) struct Selection {
    metrics: Vec<(u16, ValueType)>,
    /// For each id, one more than the metric's place in the query; 0 for all others.
    places: Vec<u32>,
}

impl Selection {
    pub(crate) fn new(metrics: Vec<(u16, ValueType)>) -> Self {
        let highest = metrics.iter().map(|metric| metric.0).max().unwrap_or(0);
        let mut places = vec![0; usize::from(highest) + 1];
        for (place, (id, _)) in (1_u32..).zip(&metrics) {
            if let Some(slot) = places.get_mut(usize::from(*id)) {
                *slot = place;
            }
        }
        Self { metrics, places }
    }

    pub(crate) fn len(&self) -> usize {
        self.metrics.len()
    }

    pub(super) fn metrics(&self) -> &[(u16, ValueType)] {
        &self.metrics
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = u16> {
        self.metrics.iter().map(|metric| metric.0)
    }

    fn place(&self, id: u16) -> Option<usize> {
        let place = self.places.get(usize::from(id)).copied().unwrap_or(0);
        usize::try_from(place.checked_sub(1)?).ok()
    }
}

impl<H: Host> Readable<H> {
    /// Appends the samples of `range` that a partition holds of each selected metric to its
    /// points, and sorts what was appended.
    pub(crate) fn gather(
        &self,
        view: &PartitionView,
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
        on: OnDamage<'_>,
    ) -> Result<()> {
        let starts: Vec<usize> = points.iter().map(|points| points.times.len()).collect();
        match self.gather_sources(view, range, selection, points) {
            Err(error) if on.tolerates(&error) => {
                on.note_named(error)?;
                for (points, start) in points.iter_mut().zip(&starts) {
                    points.truncate(*start);
                }
                self.gather_around(view, range, selection, points, on)?;
            }
            gathered => gathered?,
        }
        for (points, start) in points.iter_mut().zip(starts) {
            points.sort_from(start);
        }
        Ok(())
    }

    fn gather_sources(
        &self,
        view: &PartitionView,
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
    ) -> Result<()> {
        for source in self.sources(view)? {
            match &source {
                Source::Pages(file, handle, index) => {
                    if !may_be_growing(self, view.partition) {
                        index.tail_in(&file.name, range).map_or(Ok(()), Err)?;
                    }
                    self.gather_pages(file, handle, index, range, selection, points)?;
                }
                Source::Metric(file, opened) => {
                    self.gather_metric_file(file, opened, range, selection, points)?;
                }
                Source::Open(page) => gather_open_page(page, range, selection, points),
            }
        }
        Ok(())
    }

    fn gather_pages(
        &self,
        file: &StoredFile,
        handle: &FileOf<H>,
        index: &FrameIndex,
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
    ) -> Result<()> {
        index.damage_in(&file.name, range).map_or(Ok(()), Err)?;
        let mut reader = FrameReader::new(handle, file.len);
        let mut page = Payload::default();
        for (at, frame) in index.frames.iter().enumerate() {
            if !index.reach(at).overlaps(range) {
                continue;
            }
            let key = (file.generation, frame.offset);
            let (cached, wanted) = self.cache.write(|cache| match cache.block(key) {
                Some(Block::Page(page)) => (Some(page), false),
                _ => (None, cache.wants(key, usize::from(frame.header.record_count) * 6)),
            });
            if let Some(grouped) = cached {
                gather_grouped(&grouped, range, selection, points);
                continue;
            }
            let bytes = reader.frame(frame)?;
            frame
                .header
                .decode_page(bytes, self.page_codec(), &mut page)
                .map_err(|e| Error::corrupt(file.name.as_str(), frame.offset, e.to_string()))?;
            if wanted {
                let grouped = Arc::new(GroupedPage::new(&page));
                gather_grouped(&grouped, range, selection, points);
                self.cache.write(|cache| cache.offer(key, &Block::Page(grouped)));
            } else {
                gather_page(&page, range, selection, points);
            }
        }
        Ok(())
    }
}

pub(super) fn gather_page(
    page: &Payload,
    range: TimeRange,
    selection: &Selection,
    points: &mut [Points],
) {
    let (from, to) = (range.from.0, range.to.0);
    if let ([(id, _)], [points]) = (selection.metrics.as_slice(), &mut *points) {
        page.for_each_of(*id, |time, raw| {
            if from <= time && time <= to {
                points.push(time, raw);
            }
        });
        return;
    }
    for ((id, time), raw) in page.ids().iter().zip(page.times()).zip(page.raws()) {
        let time = i64::from_le_bytes(*time);
        let place = selection.place(u16::from_le_bytes(*id));
        let points = place.and_then(|place| points.get_mut(place));
        if let Some(points) = points.filter(|_| from <= time && time <= to) {
            points.push(time, u32::from_le_bytes(*raw));
        }
    }
}

fn gather_grouped(
    page: &GroupedPage,
    range: TimeRange,
    selection: &Selection,
    points: &mut [Points],
) {
    for ((id, _), points) in selection.metrics.iter().zip(points) {
        let (times, raws) = page.get(*id);
        if page.is_sorted() {
            points.extend_sorted(range, times, raws);
            continue;
        }
        for (&time, &raw) in times.iter().zip(raws) {
            if range.from.0 <= time && time <= range.to.0 {
                points.push(time, raw);
            }
        }
    }
}

pub(super) fn gather_open_page(
    page: &PageView,
    range: TimeRange,
    selection: &Selection,
    points: &mut [Points],
) {
    let (from, to) = (range.from.0, range.to.0);
    for chunk in &page.chunks {
        for ((&id, &time), &raw) in chunk.ids.iter().zip(&chunk.times).zip(&chunk.raws) {
            let points = selection.place(id).and_then(|place| points.get_mut(place));
            if let Some(points) = points.filter(|_| from <= time && time <= to) {
                points.push(time, raw);
            }
        }
    }
}

/// Reads frames that mostly follow each other, many with one call.
pub(crate) struct FrameReader<'a, F> {
    file: &'a F,
    file_len: u64,
    base: u64,
    buffer: Vec<u8>,
}

/// Bytes read ahead. A page frame of a regular collector takes some 25 KB.
const READ_AHEAD: usize = 256 * 1024;

impl<'a, F: StorageFile> FrameReader<'a, F> {
    pub(crate) fn new(file: &'a F, file_len: u64) -> Self {
        Self { file, file_len, base: 0, buffer: Vec::new() }
    }

    /// The bytes of a frame; fewer when the file is shorter than it was.
    pub(crate) fn frame(&mut self, frame: &FrameEntry) -> storage::Result<&[u8]> {
        let len = frame.header.frame_len();
        let start = frame.offset.checked_sub(self.base).and_then(|at| usize::try_from(at).ok());
        let held = start.is_some_and(|start| start + len <= self.buffer.len());
        let start = if held { start.unwrap_or(0) } else { self.fill(frame.offset, len)? };
        let end = (start + len).min(self.buffer.len());
        Ok(self.buffer.get(start..end).unwrap_or_default())
    }

    fn fill(&mut self, offset: u64, len: usize) -> storage::Result<usize> {
        // The first frame alone may be all that is wanted; from the second on, read ahead.
        let ahead = if self.buffer.is_empty() { len } else { len.max(READ_AHEAD) };
        let left = usize::try_from(self.file_len.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.buffer.resize(ahead.min(left.max(len)), 0);
        self.base = offset;
        match self.file.read_at(offset, &mut self.buffer) {
            Ok(read) => self.buffer.truncate(read),
            Err(error) => {
                self.buffer.clear(); // nothing of it was read
                return Err(error);
            }
        }
        Ok(0)
    }
}
