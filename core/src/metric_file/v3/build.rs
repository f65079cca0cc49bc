//! v3 files from the samples of a partition, or from given series.
//!
//! One pass: samples are gathered until the memory budget is full, then written as a *group* of
//! frames that share times, and gathering goes on. In a group each metric is cut where its frames
//! would be too long; all at the same instants, so that their times stay the same.

use super::writer::Writer;
use crate::column::MAX_POINTS;
use crate::error::{Error, Result};
use crate::metric_file::build::{
    BuildOptions, SeriesInput, TypeOf, as_series, checked, share_times,
};
use crate::metric_file::gather::{Column, Columns, GROWING_BYTES, check_lens};
use crate::metric_file::scan::SampleScan;
use crate::metric_file::time_match::TimeFrames;
use crate::metric_file::writer::{BuildReport, Target};
use crate::storage::Storage;
use alloc::vec::Vec;

/// Builds a v3 file of all samples of a partition; it replaces `target.name`. The target's codec is
/// not used.
///
/// Memory is the options' and does not depend on the partition's length; only the index grows, by
/// some 15 bytes for each frame.
///
/// # Errors
///
/// As [`build_v2`](crate::metric_file::build_v2).
pub fn build_v3<S: Storage>(
    target: &Target<'_, S>,
    scan: &mut dyn SampleScan,
    type_of: &TypeOf<'_>,
    options: &BuildOptions,
) -> Result<BuildReport> {
    target.write_v3(options.spool_memory_bytes, |writer| {
        let mut group = Group::new(options.memory_budget_bytes);
        scan.scan(&mut |ids, times, raws| {
            check_lens(ids, times, raws)?;
            let (mut ids, mut times, mut raws) = (ids, times, raws);
            while !ids.is_empty() {
                let here = group.room().min(ids.len());
                let (taken, left) = ids.split_at_checked(here).unwrap_or_default();
                let (taken_times, left_times) = times.split_at_checked(here).unwrap_or_default();
                let (taken_raws, left_raws) = raws.split_at_checked(here).unwrap_or_default();
                group.add(taken, taken_times, taken_raws);
                (ids, times, raws) = (left, left_times, left_raws);
                if group.room() == 0 {
                    group.write(writer, type_of)?;
                }
            }
            Ok(())
        })?;
        group.write(writer, type_of)
    })
}

/// Writes a v3 file of these series; it replaces `target.name`.
///
/// # Errors
///
/// As [`write_v2`](crate::metric_file::write_v2).
pub fn write_v3<S: Storage>(
    target: &Target<'_, S>,
    series: &[SeriesInput<'_>],
) -> Result<BuildReport> {
    let series = checked(series)?;
    let options = BuildOptions::default();
    target.write_v3(options.spool_memory_bytes, |writer| write_group(writer, &series))
}

/// Samples that wait to be written.
struct Group {
    columns: Columns,
    len: usize,
    most: usize,
}

impl Group {
    fn new(budget: usize) -> Self {
        Self { columns: Columns::growing(), len: 0, most: (budget / GROWING_BYTES).max(1) }
    }

    fn room(&self) -> usize {
        self.most.saturating_sub(self.len)
    }

    fn add(&mut self, ids: &[u16], times: &[i64], raws: &[u32]) {
        self.columns.add(ids, times, raws);
        self.len = self.len.saturating_add(ids.len());
    }

    /// Writes what has been gathered, and begins anew.
    fn write<S: Storage>(
        &mut self,
        writer: &mut Writer<'_, S>,
        type_of: &TypeOf<'_>,
    ) -> Result<()> {
        self.len = 0;
        let columns = core::mem::replace(&mut self.columns, Columns::growing());
        let mut columns = columns.into_map();
        columns.values_mut().for_each(Column::sort);
        write_group(writer, &as_series(&columns, type_of)?)
    }
}

/// Writes the frames of these series, which come by ascending metric id.
fn write_group<S: Storage>(writer: &mut Writer<'_, S>, series: &[SeriesInput<'_>]) -> Result<()> {
    let longest = series.iter().max_by_key(|one| one.times.len()).map_or(&[][..], |one| one.times);
    let cuts: Vec<i64> = longest.iter().copied().step_by(MAX_POINTS).skip(1).collect();
    let pieces: Vec<SeriesInput<'_>> = series.iter().flat_map(|one| pieces(*one, &cuts)).collect();
    writer.begin_group();
    let slots = share_times(writer, &pieces)?;
    pieces.iter().zip(slots).try_for_each(|(piece, slot)| writer.metric_frame(piece, slot))
}

/// A series cut at these times, and again where pieces are still too long.
fn pieces<'a>(series: SeriesInput<'a>, cuts: &[i64]) -> Vec<SeriesInput<'a>> {
    let (mut times, mut raws) = (series.times, series.raws);
    let mut pieces = Vec::new();
    let mut push = |times: &'a [i64], raws: &'a [u32]| {
        let chunks = times.chunks(MAX_POINTS).zip(raws.chunks(MAX_POINTS));
        pieces.extend(chunks.map(|(times, raws)| SeriesInput { times, raws, ..series }));
    };
    for &cut in cuts {
        let before = times.partition_point(|&time| time < cut);
        let (piece, left) = times.split_at_checked(before).unwrap_or_default();
        let (piece_raws, left_raws) = raws.split_at_checked(before).unwrap_or_default();
        push(piece, piece_raws);
        (times, raws) = (left, left_raws);
    }
    push(times, raws);
    pieces
}

impl<S: Storage> TimeFrames for Writer<'_, S> {
    type Error = Error;

    fn load(&self, index: usize) -> Result<Vec<i64>> {
        self.read_time_frame(index)
    }

    fn make(&mut self, times: &[i64]) -> Result<()> {
        self.time_frame(times)
    }
}
