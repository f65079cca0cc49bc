//! What metric files hold of a metric: whole columns, parts of them, and what is known of them
//! without decoding.

use super::cache::Block;
use super::gather::{Points, Selection};
use crate::column::{BLOCK_LEN, block_count};
use crate::engine::{FileOf, Host, Readable, Shared, StoredFile};
use crate::error::{Error, Result};
use crate::metric_file::{FrameInfo, MetricFile, Span, Statistics, Version};
use crate::types::{MetricId, TimeRange, ValueType};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// Times and raw values as the cache holds them.
type SharedColumns = (Arc<Vec<i64>>, Arc<Vec<u32>>);

impl<H: Host> Readable<H> {
    /// Appends the samples of `range` that a metric file holds of each selected metric to its
    /// points.
    pub(super) fn gather_metric_file(
        &self,
        file: &StoredFile,
        opened: &MetricFile<FileOf<H>>,
        range: TimeRange,
        selection: &Selection,
        points: &mut [Points],
    ) -> Result<()> {
        for (metric, points) in selection.metrics().iter().zip(points) {
            for entry in entries(opened, *metric)? {
                if entry.range.overlaps(range) {
                    self.gather_entry(file, opened, entry, range, points)?;
                }
            }
        }
        Ok(())
    }

    /// Appends the samples of `range` that a frame holds.
    fn gather_entry(
        &self,
        file: &StoredFile,
        opened: &MetricFile<FileOf<H>>,
        entry: &FrameInfo,
        range: TimeRange,
        points: &mut Points,
    ) -> Result<()> {
        let part = self.part_of(file, opened, entry, range)?;
        if part.as_ref().is_some_and(Range::is_empty) {
            return Ok(());
        }
        let blocks = block_count(len_of(entry));
        let touched = part.as_ref().map_or(blocks, blocks_of);
        // Only whole frames are kept. To decode one pays when as much was decoded in parts.
        let asks = u32::try_from(blocks / touched.max(1)).unwrap_or(u32::MAX);
        let mut columns = HeldColumns::find(self, file, entry, asks);
        match part {
            Some(part) if touched < blocks && !columns.are_wanted() => {
                let (times, raws) = opened.read_points(entry, part)?;
                points.extend_sorted(range, &times, &raws);
            }
            _ => {
                let (times, raws) = columns.complete(self, opened, entry)?;
                points.extend_sorted(range, opened.entry_times(entry, &times)?, &raws);
            }
        }
        Ok(())
    }

    /// The positions among which all points of `range` are, where that is known: it is not when
    /// it would save nothing.
    fn part_of(
        &self,
        file: &StoredFile,
        opened: &MetricFile<FileOf<H>>,
        entry: &FrameInfo,
        range: TimeRange,
    ) -> Result<Option<Range<usize>>> {
        let is_whole = range.from <= entry.range.from && entry.range.to <= range.to;
        if is_whole || len_of(entry) <= BLOCK_LEN {
            return Ok(None);
        }
        let Some(known) = self.statistics_of(file, opened, entry)? else { return Ok(None) };
        let from =
            known.spans.partition_point(|span| known.range(span, entry.range).to < range.from);
        let to =
            known.spans.partition_point(|span| known.range(span, entry.range).from <= range.to);
        let inside = known.spans.get(from..to).unwrap_or_default();
        let ends = inside.first().zip(inside.last());
        Ok(Some(ends.map_or(0..0, |(first, last)| first.points.start..last.points.end)))
    }

    /// What is known of a frame without decoding it, for versions of metric files that say so.
    pub(super) fn statistics_of(
        &self,
        file: &StoredFile,
        opened: &MetricFile<FileOf<H>>,
        entry: &FrameInfo,
    ) -> Result<Option<Arc<Statistics>>> {
        if opened.version() < Version::V3 {
            return Ok(None);
        }
        // Frames are longer than a byte, so this is the key of no values.
        let key = (file.generation, entry.offset.saturating_add(1));
        // Their number is not known yet; there is at least one for so many points.
        let size = (len_of(entry) / 240 + 1) * size_of::<Span>();
        let (held, is_wanted) = self.cache.write(|cache| match cache.block(key) {
            Some(Block::Statistics(known)) => (Some(known), false),
            _ => (None, cache.wants(key, size)),
        });
        if held.is_some() {
            return Ok(held);
        }
        let Some(known) = opened.statistics(entry)?.map(Arc::new) else { return Ok(None) };
        if is_wanted {
            let block = Block::Statistics(Arc::clone(&known));
            self.cache.write(|cache| cache.offer(key, &block));
        }
        Ok(Some(known))
    }
}

/// The frames of a metric, refused when their type is not the metric's.
pub(super) fn entries<F: crate::storage::StorageFile>(
    opened: &MetricFile<F>,
    (id, value_type): (u16, ValueType),
) -> Result<&[FrameInfo]> {
    let Some(metric) = MetricId::new(id) else { return Ok(&[]) };
    let entries = opened.entries_of(metric)?;
    match entries.iter().find(|entry| entry.value_type != value_type) {
        None => Ok(entries),
        Some(entry) => {
            let detail = format!("metric {id} is {} here, expected {value_type}", entry.value_type);
            Err(Error::corrupt(opened.name(), entry.offset, detail))
        }
    }
}

pub(super) fn len_of(entry: &FrameInfo) -> usize {
    usize::try_from(entry.point_count).unwrap_or(usize::MAX)
}

/// How many blocks positions touch.
fn blocks_of(points: &Range<usize>) -> usize {
    points.end.div_ceil(BLOCK_LEN).saturating_sub(points.start / BLOCK_LEN)
}

/// The whole columns of a frame, as far as the cache has them.
struct HeldColumns {
    generation: u64,
    times_key: u64,
    raws_key: u64,
    times: Option<Arc<Vec<i64>>>,
    raws: Option<Arc<Vec<u32>>>,
    keep_times: bool,
    keep_raws: bool,
}

impl HeldColumns {
    /// Asks the cache for the time vector that an entry uses, whole, and for its values. They are
    /// kept when they were asked for so often, with this.
    fn find<H: Host>(
        readable: &Readable<H>,
        file: &StoredFile,
        entry: &FrameInfo,
        asks: u32,
    ) -> Self {
        // No frame starts this close to the end of the address space, so the keys of time
        // vectors, counted down from it, differ from the offsets that are the keys of values.
        let times_key = u64::MAX - u64::try_from(entry.times_key()).unwrap_or(0);
        let (raws_key, generation) = (entry.offset, file.generation);
        let points = len_of(entry);
        let (times, keep_times, raws, keep_raws) = readable.cache.write(|cache| {
            let wants = |cache: &mut super::Cache<FileOf<H>>, key, width| {
                cache.wants_after(key, points.saturating_mul(width), asks)
            };
            let (times, keep_times) = match cache.block((generation, times_key)) {
                Some(Block::Times(times)) => (Some(times), false),
                _ => (None, wants(cache, (generation, times_key), size_of::<i64>())),
            };
            let (raws, keep_raws) = match cache.block((generation, raws_key)) {
                Some(Block::Raws(raws)) => (Some(raws), false),
                _ => (None, wants(cache, (generation, raws_key), size_of::<u32>())),
            };
            (times, keep_times, raws, keep_raws)
        });
        Self { generation, times_key, raws_key, times, raws, keep_times, keep_raws }
    }

    /// Whether the whole columns are there, or are worth decoding to keep them.
    fn are_wanted(&self) -> bool {
        (self.times.is_some() || self.keep_times) && (self.raws.is_some() || self.keep_raws)
    }

    /// Reads what is missing, and has the cache keep what it wants.
    fn complete<H: Host>(
        &mut self,
        readable: &Readable<H>,
        opened: &MetricFile<FileOf<H>>,
        entry: &FrameInfo,
    ) -> Result<SharedColumns> {
        let (times, raws) = match (self.times.take(), self.raws.take()) {
            (Some(times), Some(raws)) => return Ok((times, raws)),
            // In version 1 both are in one frame.
            (None, None) if opened.version() == Version::V1 => {
                let frame = opened.read_frame(entry)?;
                (Arc::new(frame.times), Arc::new(frame.raws))
            }
            (times, raws) => {
                let times = times.map_or_else(|| opened.read_times(entry).map(Arc::new), Ok)?;
                let raws = raws.map_or_else(|| opened.read_values(entry).map(Arc::new), Ok)?;
                (times, raws)
            }
        };
        if self.keep_times || self.keep_raws {
            readable.cache.write(|cache| {
                if self.keep_times {
                    let block = Block::Times(Arc::clone(&times));
                    cache.offer((self.generation, self.times_key), &block);
                }
                if self.keep_raws {
                    let block = Block::Raws(Arc::clone(&raws));
                    cache.offer((self.generation, self.raws_key), &block);
                }
            });
        }
        Ok((times, raws))
    }
}
