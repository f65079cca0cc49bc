//! Building from a partition that is larger than memory.
//!
//! 1. A first scan has counted, and hashed each metric's times.
//! 2. v2 only: time vectors, longest first, are gathered in groups that fit the budget; of sorted
//!    metrics with equal counts and hashes only the first. Each group is matched with the earlier
//!    frames, which are read back from the spool, and makes its own.
//! 3. Metrics are gathered in groups in order of their ids, compared with the times they were
//!    given, and written. Where those differ a hash collided: the build starts over and trusts
//!    none.
//!
//! Groups are independent of the layout: it is the same for every budget.

use super::build::{BuildOptions, TypeOf, known, longest_first};
use super::gather::{Column, SAMPLE_BYTES, Stats, TIME_BYTES, gather, groups};
use super::header::Version;
use super::scan::{SampleScan, changed};
use super::time_match::{Matcher, Slot, TimeHash};
use super::writer::{BuildReport, FileWriter, Target};
use crate::error::Result;
use crate::sorted::{SortedMap, sort_by};
use crate::storage::Storage;
use crate::types::{MetricId, ValueType};
use alloc::vec;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// One metric of the partition.
#[derive(Debug, Clone, Copy)]
struct Part {
    metric: MetricId,
    value_type: ValueType,
    stats: Stats,
}

/// The metrics of a partition, by id.
#[derive(Debug)]
pub(crate) struct Parts {
    parts: Vec<Part>,
    options: BuildOptions,
}

/// Whether equal hashes are taken for equal times until values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Hashes,
    Nothing,
}

impl Parts {
    pub(crate) fn new(
        stats: SortedMap<u16, Stats>,
        type_of: &TypeOf<'_>,
        options: &BuildOptions,
    ) -> Result<Self> {
        let parts = stats.into_iter().map(|(id, stats)| {
            let (metric, value_type) = known(id, type_of)?;
            Ok(Part { metric, value_type, stats })
        });
        Ok(Self { parts: parts.collect::<Result<_>>()?, options: *options })
    }

    pub(crate) fn build<S: Storage>(
        &self,
        target: &Target<'_, S>,
        version: Version,
        scan: &mut dyn SampleScan,
    ) -> Result<BuildReport> {
        let spool = self.options.spool_memory_bytes;
        if version == Version::V1 {
            return target.write(version, spool, |writer| self.write_pages(scan, writer));
        }
        for trust in [Trust::Hashes, Trust::Nothing] {
            let mut collision = false;
            let result = target.write(version, spool, |writer| {
                let slots = self.share_times(scan, writer, trust)?;
                collision = !self.write_frames(scan, writer, &slots)?;
                if collision { Err(changed()) } else { Ok(()) }
            });
            if !collision {
                return result;
            }
        }
        Err(changed()) // these very times were matched, so the partition was read differently
    }

    /// Makes the time frames and says, for each metric, where its times are.
    fn share_times<S: Storage>(
        &self,
        scan: &mut dyn SampleScan,
        writer: &mut FileWriter<'_, S>,
        trust: Trust,
    ) -> Result<Vec<Slot>> {
        let mut slots = vec![Slot { frame: 0, offset: 0 }; self.parts.len()];
        let mut matcher = Matcher::default();
        let classes = self.classes(trust);
        let mut rest = classes.as_slice();
        for len in self.groups(classes.iter().filter_map(|class| class.first()), TIME_BYTES) {
            let (group, later) = rest.split_at_checked(len).unwrap_or_default();
            rest = later;
            let wanted = self.wanted(group.iter().filter_map(|class| class.first()));
            let mut columns = gather(scan, &wanted, false)?;
            columns.iter_mut().for_each(Column::sort);
            let vectors: Vec<&[i64]> =
                columns.iter().map(|column| column.times.as_slice()).collect();
            for (class, found) in group.iter().zip(matcher.assign(&vectors, writer)?) {
                for &member in class {
                    if let Some(slot) = slots.get_mut(member) {
                        *slot = found;
                    }
                }
            }
        }
        Ok(slots)
    }

    /// Metrics that presumably have the same times, those with the longest first.
    fn classes(&self, trust: Trust) -> Vec<Vec<usize>> {
        let mut classes: Vec<Vec<usize>> = Vec::new();
        let mut by_times: HashMap<(usize, TimeHash), usize> = HashMap::new();
        for index in longest_first(self.parts.iter().map(|part| part.stats.count)) {
            let Some(Stats { count, hash, sorted, .. }) =
                self.parts.get(index).map(|part| part.stats)
            else {
                continue;
            };
            // The hash of unsorted times says nothing about them once they are sorted.
            let comparable = sorted && trust == Trust::Hashes;
            let known = by_times.get(&(count, hash)).filter(|_| comparable);
            if let Some(class) = known.and_then(|&class| classes.get_mut(class)) {
                class.push(index);
                continue;
            }
            if comparable {
                by_times.insert((count, hash), classes.len());
            }
            classes.push(vec![index]);
        }
        classes
    }

    /// Writes all metric frames; false when a metric's times are not the ones at its slot.
    fn write_frames<S: Storage>(
        &self,
        scan: &mut dyn SampleScan,
        writer: &mut FileWriter<'_, S>,
        slots: &[Slot],
    ) -> Result<bool> {
        let mut rest = slots;
        let mut all_as_expected = true;
        self.each_group(scan, |parts, columns| {
            let (slots, later) = rest.split_at_checked(parts.len()).unwrap_or_default();
            rest = later;
            all_as_expected = all_as_expected && times_are_at(slots, columns, writer)?;
            if !all_as_expected {
                return Ok(());
            }
            for ((part, column), slot) in parts.iter().zip(columns).zip(slots) {
                let metric = (part.metric, part.value_type);
                writer.metric_frame(metric, &column.times, &column.raws, *slot)?;
            }
            Ok(())
        })?;
        Ok(all_as_expected)
    }

    fn write_pages<S: Storage>(
        &self,
        scan: &mut dyn SampleScan,
        writer: &mut FileWriter<'_, S>,
    ) -> Result<()> {
        self.each_group(scan, |parts, columns| {
            for (part, column) in parts.iter().zip(columns) {
                let metric = (part.metric, part.value_type);
                writer.page_frame(metric, &column.times, &column.raws)?;
            }
            Ok(())
        })
    }

    /// Gathers the metrics in order of their ids, as many at once as fit the budget.
    fn each_group(
        &self,
        scan: &mut dyn SampleScan,
        mut visit: impl FnMut(&[Part], &[Column]) -> Result<()>,
    ) -> Result<()> {
        let all: Vec<usize> = (0..self.parts.len()).collect();
        let mut rest = self.parts.as_slice();
        let mut indexes = all.as_slice();
        for len in self.groups(all.iter(), SAMPLE_BYTES) {
            let (parts, later) = rest.split_at_checked(len).unwrap_or_default();
            let (group, later_indexes) = indexes.split_at_checked(len).unwrap_or_default();
            (rest, indexes) = (later, later_indexes);
            let mut columns = gather(scan, &self.wanted(group.iter()), true)?;
            columns.iter_mut().for_each(Column::sort);
            visit(parts, &columns)?;
        }
        Ok(())
    }

    fn groups<'i>(
        &self,
        indexes: impl Iterator<Item = &'i usize>,
        bytes_each: usize,
    ) -> Vec<usize> {
        let counts: Vec<usize> = self.wanted(indexes).into_iter().map(|(_, count)| count).collect();
        groups(&counts, bytes_each, self.options.memory_budget_bytes)
    }

    fn wanted<'i>(&self, indexes: impl Iterator<Item = &'i usize>) -> Vec<(u16, usize)> {
        let parts = indexes.filter_map(|&index| self.parts.get(index));
        parts.map(|part| (part.metric.get(), part.stats.count)).collect()
    }
}

/// Whether the times of each column are those at its slot. Reads each time frame once.
fn times_are_at<S: Storage>(
    slots: &[Slot],
    columns: &[Column],
    writer: &FileWriter<'_, S>,
) -> Result<bool> {
    let mut pairs: Vec<(&Slot, &Column)> = slots.iter().zip(columns).collect();
    sort_by(&mut pairs, |a, b| a.0.frame < b.0.frame);
    for same_frame in pairs.chunk_by(|(a, _), (b, _)| a.frame == b.frame) {
        let Some((slot, _)) = same_frame.first() else { continue };
        let frame = writer.read_time_frame(slot.frame)?;
        for (slot, column) in same_frame {
            let part = frame.get(slot.offset..).and_then(|rest| rest.get(..column.times.len()));
            if part != Some(column.times.as_slice()) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
