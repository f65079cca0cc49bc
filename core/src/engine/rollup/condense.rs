//! What the periods of a source's metrics come to.

use super::due::Work;
use crate::aggregate::{Aggregate, Arithmetic, Bucket, Grid, Windows};
use crate::engine::database::Database;
use crate::engine::host::Host;
use crate::engine::state::Readable;
use crate::error::Result;
use crate::query::{Batch, RangeQuery, Source};
use crate::sorted::sort_by;
use crate::types::{TimeRange, Timestamp, Value};
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ops::ControlFlow;

/// A value for a destination.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::engine) struct Output {
    /// The number of its work.
    pub(in crate::engine) work: usize,
    /// The number of the task's output.
    pub(in crate::engine) place: usize,
    /// The start of its period.
    pub(in crate::engine) time: i64,
    pub(in crate::engine) value: f64,
}

/// Destinations hold what fits their type.
#[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest, as documented")]
pub(in crate::engine) fn to_value(value: f64) -> Value {
    Value::F32(value as f32)
}

/// Hands out what the periods of the works come to: stretch of time by stretch of time, in each
/// in order of time. All works read one source.
pub(in crate::engine) fn condense<H: Host>(
    source: &Database<H>,
    works: &[Work<'_>],
    take: &mut dyn FnMut(&[Output]) -> Result<()>,
) -> Result<()> {
    let aggregates: Vec<Vec<Aggregate>> = works
        .iter()
        .map(|work| work.task.outputs.iter().map(|(aggregate, _)| *aggregate).collect())
        .collect();
    let mut windows = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut readers: Vec<Vec<usize>> = Vec::new();
    for (number, (work, aggregates)) in works.iter().zip(&aggregates).enumerate() {
        let interval = work.task.interval_ns;
        let grid = Grid::new(interval, 0)?;
        windows.push(Windows::new(work.range(), grid, aggregates, Arithmetic::Exact));
        let metric = work.task.metric.as_str();
        match names.iter().position(|name| *name == metric) {
            Some(at) => readers.get_mut(at).into_iter().for_each(|works| works.push(number)),
            None => {
                names.push(metric);
                readers.push(vec![number]);
            }
        }
    }
    let (Some(from), Some(to)) =
        (works.iter().map(|work| work.from).min(), works.iter().map(|work| work.to).max())
    else {
        return Ok(());
    };
    let mut outputs = Vec::new();
    let mut hand_out = |outputs: &mut Vec<Output>| {
        sort_by(outputs, |a, b| a.time < b.time);
        let taken = take(outputs);
        outputs.clear();
        taken
    };
    let (mut failed, mut previous) = (Ok(()), None);
    let query = RangeQuery::all(range(from, to));
    source.visit_many(&names, query, |metric, batch| {
        if previous.is_some_and(|previous| metric <= previous) {
            failed = hand_out(&mut outputs); // a new stretch of time
        }
        previous = Some(metric);
        for &number in readers.get(metric).into_iter().flatten() {
            if let (Some(work), Some(windows)) = (works.get(number), windows.get_mut(number)) {
                work.add(number, windows, batch, &mut outputs);
            }
        }
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    for (number, windows) in windows.iter_mut().enumerate() {
        let Ok(()) = windows.finish::<Infallible>(&mut |bucket| {
            keep(number, bucket, &mut outputs);
            Ok(())
        });
    }
    hand_out(&mut outputs)
}

impl Work<'_> {
    fn add(
        &self,
        number: usize,
        windows: &mut Windows<'_>,
        batch: Batch<'_>,
        outputs: &mut Vec<Output>,
    ) {
        let from = batch.times.partition_point(|&time| time < self.from);
        let to = batch.times.partition_point(|&time| time < self.to);
        let (times, raws) = (batch.times.get(from..to), batch.raws.get(from..to));
        let (Some(times), Some(raws)) = (times, raws) else { return };
        let Ok(()) = windows.add::<Infallible>(batch.value_type, times, raws, &mut |bucket| {
            keep(number, bucket, outputs);
            Ok(())
        });
    }
}

fn keep(work: usize, bucket: &Bucket, outputs: &mut Vec<Output>) {
    let values = bucket.values.iter().enumerate();
    let time = bucket.start.0;
    outputs.extend(values.map(|(place, &value)| Output { work, place, time, value }));
}

fn range(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Timestamp(from), to: Timestamp(to.saturating_sub(1)) }
}

impl<H: Host> Readable<H> {
    /// The earliest time of any sample.
    pub(in crate::engine) fn earliest(&self) -> Result<Option<i64>> {
        let mut earliest: Option<i64> = None;
        for view in self.view(TimeRange::ALL) {
            // Partitions of different length may overlap.
            if earliest.is_some_and(|earliest| earliest < view.partition.range().from.0) {
                break;
            }
            for source in self.sources(&view)? {
                let first = match source {
                    Source::Pages(_, _, index) => index.bounds().map(|bounds| bounds.from.0),
                    Source::Metric(_, file) => Some(file.range().from.0),
                    Source::Open(page) => {
                        page.chunks.iter().flat_map(|chunk| &chunk.times).min().copied()
                    }
                };
                earliest = [earliest, first].into_iter().flatten().min();
            }
        }
        Ok(earliest)
    }
}
