//! Metric files from the samples of a partition, or from given series.
//!
//! The layout does not depend on the memory at hand: with room for the whole partition one scan
//! is enough, without it the partition is read in [`parts`](super::parts).

use super::gather::{Column, Survey, survey};
use super::header::Version;
use super::parts::Parts;
use super::scan::{SampleScan, invalid};
use super::time_match::{Matcher, Slot, TimeFrames};
use super::writer::{BuildReport, FileWriter, Target};
use crate::error::{Error, Result};
use crate::sorted::{SortedMap, order, sort_by};
use crate::storage::Storage;
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::vec::Vec;

/// What a build may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildOptions {
    /// Bytes of samples held in memory at once; the largest metric is always held whole, with
    /// about 24 bytes for each of its samples beside it while it is sorted and its frame is made.
    pub memory_budget_bytes: usize,
    /// Bytes of finished frames held in memory before they go to `<name>.spool.tmp`.
    pub spool_memory_bytes: usize,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { memory_budget_bytes: 24 << 20, spool_memory_bytes: 4 << 20 }
    }
}

impl BuildOptions {
    /// The defaults, with this memory for samples.
    #[must_use]
    pub const fn memory_budget(mut self, bytes: usize) -> Self {
        self.memory_budget_bytes = bytes;
        self
    }

    /// The defaults, with this memory for finished frames.
    #[must_use]
    pub const fn spool_memory(mut self, bytes: usize) -> Self {
        self.spool_memory_bytes = bytes;
        self
    }
}

/// The types of metrics, by id; nothing for an id that the catalog does not have.
pub type TypeOf<'t> = dyn Fn(u16) -> Option<ValueType> + 't;

/// One frame's worth of samples of one metric, given directly.
#[derive(Debug, Clone, Copy)]
pub struct SeriesInput<'a> {
    /// Whose samples these are.
    pub metric: MetricId,
    /// The type of the values.
    pub value_type: ValueType,
    /// The samples' times, non-decreasing, at least one.
    pub times: &'a [i64],
    /// As many values as they are on disk, see [`crate::types::Value::to_raw`].
    pub raws: &'a [u32],
}

/// Builds a v2 file of all samples of a partition; it replaces `target.name`.
///
/// # Errors
///
/// `Rejected` when the partition is empty, has a metric without a type or a partition kind
/// outside 1..=4; what scanning and writing fail with. The target is then as it was, unless making
/// its new name durable was what failed: then it is complete, old or new.
pub fn build_v2<S: Storage>(
    target: &Target<'_, S>,
    scan: &mut dyn SampleScan,
    type_of: &TypeOf<'_>,
    options: &BuildOptions,
) -> Result<BuildReport> {
    build(target, Version::V2, scan, type_of, options)
}

/// Builds a v1 file of all samples of a partition; it replaces `target.name`.
///
/// # Errors
///
/// As [`build_v2`].
pub fn build_v1<S: Storage>(
    target: &Target<'_, S>,
    scan: &mut dyn SampleScan,
    type_of: &TypeOf<'_>,
    options: &BuildOptions,
) -> Result<BuildReport> {
    build(target, Version::V1, scan, type_of, options)
}

/// Writes a v2 file of these series; it replaces `target.name`.
///
/// Several series of one metric keep their order. Unlike the reference, which writes them as
/// they are, times that decrease are refused: no reader could use them.
///
/// # Errors
///
/// `Rejected` when there are no series, one is empty, has decreasing times or another number of
/// values, or the partition kind is outside 1..=4; what writing fails with.
pub fn write_v2<S: Storage>(
    target: &Target<'_, S>,
    series: &[SeriesInput<'_>],
) -> Result<BuildReport> {
    write(target, Version::V2, &checked(series)?, &BuildOptions::default())
}

/// Writes a v1 file of these series; it replaces `target.name`.
///
/// # Errors
///
/// As [`write_v2`].
pub fn write_v1<S: Storage>(
    target: &Target<'_, S>,
    series: &[SeriesInput<'_>],
) -> Result<BuildReport> {
    write(target, Version::V1, &checked(series)?, &BuildOptions::default())
}

/// The series in file order: by metric, those of one metric as given.
pub(crate) fn checked<'a>(series: &[SeriesInput<'a>]) -> Result<Vec<SeriesInput<'a>>> {
    for one in series {
        if one.times.is_empty() || one.times.len() != one.raws.len() {
            return Err(invalid(format!(
                "metric {}: found {} times and {} values, expected equally many, at least one",
                one.metric,
                one.times.len(),
                one.raws.len()
            )));
        }
        if !one.times.is_sorted() {
            return Err(invalid(format!("metric {}: times decrease", one.metric)));
        }
    }
    let mut sorted = series.to_vec();
    sort_by(&mut sorted, |a, b| a.metric < b.metric);
    Ok(sorted)
}

fn build<S: Storage>(
    target: &Target<'_, S>,
    version: Version,
    scan: &mut dyn SampleScan,
    type_of: &TypeOf<'_>,
    options: &BuildOptions,
) -> Result<BuildReport> {
    match survey(scan, options.memory_budget_bytes)? {
        Survey::Columns(mut columns) => {
            columns.values_mut().for_each(Column::sort);
            write(target, version, &as_series(&columns, type_of)?, options)
        }
        Survey::Stats(stats) => Parts::new(stats, type_of, options)?.build(target, version, scan),
    }
}

pub(crate) fn as_series<'c>(
    columns: &'c SortedMap<u16, Column>,
    type_of: &TypeOf<'_>,
) -> Result<Vec<SeriesInput<'c>>> {
    let series = columns.iter().map(|(&id, column)| {
        let (metric, value_type) = known(id, type_of)?;
        Ok(SeriesInput { metric, value_type, times: &column.times, raws: &column.raws })
    });
    series.collect()
}

/// The metric with this id and its type.
pub(crate) fn known(id: u16, type_of: &TypeOf<'_>) -> Result<(MetricId, ValueType)> {
    MetricId::new(id).zip(type_of(id)).ok_or_else(|| {
        invalid(format!("metric id {id} has samples, and no catalog entry tells their type"))
    })
}

fn write<S: Storage>(
    target: &Target<'_, S>,
    version: Version,
    series: &[SeriesInput<'_>],
    options: &BuildOptions,
) -> Result<BuildReport> {
    target.write(version, options.spool_memory_bytes, |writer| {
        if version == Version::V1 {
            let mut pages = series.iter();
            return pages.try_for_each(|one| {
                writer.page_frame((one.metric, one.value_type), one.times, one.raws)
            });
        }
        let slots = share_times(writer, series)?;
        let mut frames = series.iter().zip(slots);
        frames.try_for_each(|(one, slot)| {
            writer.metric_frame((one.metric, one.value_type), one.times, one.raws, slot)
        })
    })
}

/// Makes the time frames of `series`, which are in file order, and says where each one's times
/// are.
pub(crate) fn share_times<T: TimeFrames>(
    writer: &mut T,
    series: &[SeriesInput<'_>],
) -> core::result::Result<Vec<Slot>, T::Error> {
    let order = longest_first(series.iter().map(|one| one.times.len()));
    let vectors: Vec<&[i64]> =
        order.iter().filter_map(|&index| series.get(index)).map(|one| one.times).collect();
    let found = Matcher::default().assign(&vectors, writer)?;
    let mut slots = alloc::vec![Slot { frame: 0, offset: 0 }; series.len()];
    for (index, found) in order.into_iter().zip(found) {
        if let Some(slot) = slots.get_mut(index) {
            *slot = found;
        }
    }
    Ok(slots)
}

/// The positions of these lengths, longest first; equal ones stay in order.
pub(crate) fn longest_first(lens: impl Iterator<Item = usize>) -> Vec<usize> {
    let lens: Vec<usize> = lens.collect();
    order(lens.len(), &mut |a, b| lens.get(a) > lens.get(b))
}

impl<S: Storage> TimeFrames for FileWriter<'_, S> {
    type Error = Error;

    fn load(&self, index: usize) -> Result<Vec<i64>> {
        self.read_time_frame(index)
    }

    fn make(&mut self, times: &[i64]) -> Result<()> {
        self.time_frame(times)
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
