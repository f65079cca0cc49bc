//! Whether a metric file holds exactly what the raw partition does.
//!
//! Samples must agree in time, type and all bits of their values, metric by metric, the raw ones
//! stably sorted by time. A partition larger than memory is read in groups of metrics.

use super::build::{TypeOf, known};
use super::gather::{Column, SAMPLE_BYTES, Survey, gather, groups, survey};
use super::info::{Frame, FrameInfo};
use super::reader::{Frames, MetricFile};
use super::scan::SampleScan;
use crate::error::Result;
use crate::sorted::sort_samples;
use crate::storage::StorageFile;
use crate::types::{MetricId, Sample, Timestamp, Value, ValueType};
use alloc::vec::Vec;
use core::fmt;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Number of metrics found equal.
    pub metrics: usize,
    /// Number of samples found equal, all of them before the mismatch.
    pub points: u64,
    /// The first difference, or nothing when all is equal.
    pub mismatch: Option<Mismatch>,
}

/// The first difference: by ascending metric id, then by position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mismatch {
    /// The metric that differs.
    pub metric: MetricId,
    /// Which of its samples in order of time, from 0.
    pub position: u64,
    /// What the raw partition has there; nothing when it has fewer samples.
    pub expected: Option<Sample>,
    /// What the metric file has there; nothing when it has fewer samples.
    pub found: Option<Sample>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric {}, sample {}: found ", self.metric, self.position)?;
        write_sample(self.found, f)?;
        f.write_str(" in the metric file, expected ")?;
        write_sample(self.expected, f)?;
        f.write_str(" as in the raw data")
    }
}

fn write_sample(sample: Option<Sample>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(Sample { time, value }) = sample else { return f.write_str("nothing") };
    let (value_type, raw) = (value.value_type(), value.to_raw());
    write!(f, "{} {value_type} {} ({raw:#010x})", time.0, value.as_f64())
}

/// Compares the samples of `scan` with those of `file`, holding about `memory_budget_bytes` of
/// samples in memory, but at least the largest metric's.
///
/// # Errors
///
/// `Rejected` when a metric has no type, `Corrupt` when the file is damaged, what the scan fails
/// with. A difference is no error.
pub fn compare<F: StorageFile>(
    scan: &mut dyn SampleScan,
    type_of: &TypeOf<'_>,
    file: &MetricFile<F>,
    memory_budget_bytes: usize,
) -> Result<Comparison> {
    let mut walk = Walk::new(file)?;
    match survey(scan, memory_budget_bytes)? {
        Survey::Columns(columns) => {
            for (id, column) in columns {
                walk.column(known(id, type_of)?, column)?;
            }
        }
        Survey::Stats(stats) => {
            let all: Vec<(u16, usize)> = stats.iter().map(|(id, s)| (*id, s.count)).collect();
            let counts: Vec<usize> = all.iter().map(|(_, count)| *count).collect();
            let mut rest = all.as_slice();
            for len in groups(&counts, SAMPLE_BYTES, memory_budget_bytes) {
                let (group, later) = rest.split_at_checked(len).unwrap_or_default();
                rest = later;
                for ((id, _), column) in group.iter().zip(gather(scan, group, true)?) {
                    walk.column(known(*id, type_of)?, column)?;
                }
                if walk.found.mismatch.is_some() {
                    break;
                }
            }
        }
    }
    Ok(walk.end())
}

/// The metric file's frames, compared with columns that come by ascending metric id.
struct Walk<'f, F> {
    frames: InOrder<'f, F>,
    next: Option<Frame>,
    found: Comparison,
}

impl<'f, F: StorageFile> Walk<'f, F> {
    fn new(file: &'f MetricFile<F>) -> Result<Self> {
        let mut frames = InOrder::new(file);
        let next = frames.next().transpose()?;
        let found = Comparison { metrics: 0, points: 0, mismatch: None };
        Ok(Self { frames, next, found })
    }

    fn column(&mut self, metric: (MetricId, ValueType), mut column: Column) -> Result<()> {
        if self.found.mismatch.is_some() {
            return Ok(());
        }
        if let Some(frame) = self.next.as_ref().filter(|frame| frame.info.metric < metric.0) {
            self.found.mismatch = Some(extra(frame));
            return Ok(());
        }
        column.sort();
        let mut position = 0;
        while let Some(frame) = self.next.as_ref().filter(|frame| frame.info.metric == metric.0) {
            if let Some(mismatch) = differs(frame, metric, &column, position) {
                self.found.points += mismatch.position;
                self.found.mismatch = Some(mismatch);
                return Ok(());
            }
            position += frame.times.len();
            self.next = self.frames.next().transpose()?;
        }
        self.found.points += number(position);
        self.found.mismatch = column_sample(metric.1, &column, position).map(|expected| Mismatch {
            metric: metric.0,
            position: number(position),
            expected: Some(expected),
            found: None,
        });
        self.found.metrics += usize::from(self.found.mismatch.is_none());
        Ok(())
    }

    fn end(self) -> Comparison {
        let mut found = self.found;
        found.mismatch = found.mismatch.or_else(|| self.next.as_ref().map(extra));
        found
    }
}

/// The frames of a file so that each metric's are in order of time: where some of them reach into
/// each other, all as one.
struct InOrder<'f, F> {
    file: &'f MetricFile<F>,
    frames: Frames<'f, F>,
    next: usize,
    /// Up to which entry frames are in order as they are.
    checked: usize,
}

impl<'f, F: StorageFile> InOrder<'f, F> {
    fn new(file: &'f MetricFile<F>) -> Self {
        Self { file, frames: file.frames(), next: 0, checked: 0 }
    }

    /// How many frames the next one is made of.
    fn count(&mut self) -> usize {
        if self.next < self.checked {
            return 1;
        }
        let entries = self.file.entries().get(self.next..).unwrap_or_default();
        let alike =
            |a: &FrameInfo, b: &FrameInfo| (a.metric, a.value_type) == (b.metric, b.value_type);
        let run = entries.chunk_by(alike).next().unwrap_or_default();
        if run.is_sorted_by(|a, b| a.range.to.0 <= b.range.from.0) {
            self.checked = self.next.saturating_add(run.len());
            return 1;
        }
        run.len()
    }
}

impl<F: StorageFile> Iterator for InOrder<'_, F> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        let count = self.count();
        self.next = self.next.saturating_add(count);
        let mut frame = match self.frames.next()? {
            Ok(frame) => frame,
            error => return Some(error),
        };
        for more in self.frames.by_ref().take(count.saturating_sub(1)) {
            match more {
                Ok(more) => {
                    frame.times.extend(more.times);
                    frame.raws.extend(more.raws);
                }
                error => return Some(error),
            }
        }
        if count > 1 {
            sort_samples(&mut frame.times, &mut frame.raws);
        }
        Some(Ok(frame))
    }
}

/// The first difference between a frame and the column from `position` on.
fn differs(
    frame: &Frame,
    (metric, value_type): (MetricId, ValueType),
    column: &Column,
    position: usize,
) -> Option<Mismatch> {
    let len = frame.times.len();
    let times = column.times.get(position..).unwrap_or_default();
    let raws = column.raws.get(position..).unwrap_or_default();
    let equal = times.get(..len) == Some(frame.times.as_slice())
        && raws.get(..len) == Some(frame.raws.as_slice());
    if equal && frame.info.value_type == value_type {
        return None;
    }
    let expected = |index: usize| column_sample(value_type, column, position + index);
    let mut indexes = 0..len;
    let index = indexes.find(|&index| {
        let found = frame_sample(frame, index).map(bits);
        found != expected(index).map(bits)
    })?;
    Some(Mismatch {
        metric,
        position: number(position + index),
        expected: expected(index),
        found: frame_sample(frame, index),
    })
}

/// What must be equal; values themselves would not do, because of NaN and of -0.
fn bits(sample: Sample) -> (Timestamp, ValueType, u32) {
    (sample.time, sample.value.value_type(), sample.value.to_raw())
}

fn extra(frame: &Frame) -> Mismatch {
    let found = frame_sample(frame, 0);
    Mismatch { metric: frame.info.metric, position: 0, expected: None, found }
}

fn frame_sample(frame: &Frame, index: usize) -> Option<Sample> {
    sample(frame.info.value_type, &frame.times, &frame.raws, index)
}

fn column_sample(value_type: ValueType, column: &Column, index: usize) -> Option<Sample> {
    sample(value_type, &column.times, &column.raws, index)
}

fn sample(value_type: ValueType, times: &[i64], raws: &[u32], index: usize) -> Option<Sample> {
    let (time, raw) = (*times.get(index)?, *raws.get(index)?);
    Some(Sample { time: Timestamp(time), value: Value::from_raw(value_type, raw) })
}

fn number(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
