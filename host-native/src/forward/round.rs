//! What is new in a database, in batches.

use super::cursor::{Cursor, Position};
use super::deliver::Halt;
use super::{Forwarder, STORE_EVERY};
use crate::query::{Batch as Samples, MetricInfo, RangeQuery};
use crate::remote_write::{NORMAL_NAN, Sample, TimeSeries, marker_of};
use crate::{Database, Result, TimeRange, Timestamp, Value};
use core::ops::ControlFlow;
use std::collections::HashMap;
use std::time::Instant;

/// How far the positions of metrics may be apart that are read together: a range is read for all
/// of them, so one that is far behind must not make the others be read again.
const TOGETHER: i64 = 86_400 * 1_000_000_000;

/// How far behind the newest sample of its database a metric must be to count as idle.
const IDLE: i64 = 3600 * 1_000_000_000;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Metrics that are read together.
#[derive(Debug)]
pub(super) struct Group {
    metrics: Vec<(String, Position)>,
    range: TimeRange,
}

/// The metrics that may have something new, in groups.
///
/// One whose newest sample is at its position may have got another one at that time, so it is
/// looked at, too. But once it is idle and was looked at, it is left alone until it has a newer
/// one; what came at the old time meanwhile is sent along then, or after the next start.
pub(super) fn groups(
    database: &Database,
    metrics: &[MetricInfo],
    cursor: &Cursor,
    idle: &HashMap<(String, String), Position>,
) -> Result<Vec<Group>> {
    let name = database.name();
    let mut behind = Vec::new();
    for metric in metrics {
        let Some(newest) = database.last(&metric.name)? else { continue };
        let position = cursor.get(name, &metric.name);
        let is_idle = newest.time.0 == position.time
            && idle.get(&(name.to_owned(), metric.name.clone())) == Some(&position);
        if newest.time.0 >= position.time && !is_idle {
            behind.push((position, newest.time.0, metric.name.clone()));
        }
    }
    behind.sort_by_key(|(position, _, _)| position.time);
    let mut groups: Vec<Group> = Vec::new();
    for (position, newest, metric) in behind {
        let fits = |group: &&mut Group| position.time.saturating_sub(group.range.from.0) < TOGETHER;
        match groups.last_mut().filter(fits) {
            Some(group) => {
                group.range.to = group.range.to.max(Timestamp(newest));
                group.metrics.push((metric, position));
            }
            None => groups.push(Group {
                metrics: vec![(metric, position)],
                range: TimeRange { from: Timestamp(position.time), to: Timestamp(newest) },
            }),
        }
    }
    Ok(groups)
}

/// Samples on their way into one request.
#[derive(Debug, Default)]
struct Batch {
    /// Series, and the metric's place in the group.
    series: Vec<(usize, TimeSeries)>,
    /// Place in `series` of each metric that is in the batch.
    places: HashMap<usize, usize>,
    /// Up to where each metric is dealt with once the batch is.
    positions: HashMap<usize, Position>,
    samples: usize,
    merged: u64,
}

/// How far a metric has been read.
#[derive(Debug, Clone, Copy)]
struct Read {
    position: Position,
    /// Samples at the first position's time that were dealt with in an earlier round.
    skip: u64,
    from: i64,
}

impl Forwarder {
    /// Sends what is new of some metrics.
    pub(super) fn forward_group(
        &mut self,
        database: &Database,
        group: &Group,
    ) -> core::result::Result<(), Halt> {
        let metrics: Vec<&str> = group.metrics.iter().map(|(metric, _)| metric.as_str()).collect();
        let mut read: Vec<Read> = group.metrics.iter().map(|(_, at)| Read::from(*at)).collect();
        let mut batch = Batch::default();
        let mut halted = Ok(());
        database.visit_many(&metrics, RangeQuery::all(group.range), |at, samples| {
            let mut taken = 0;
            while taken < samples.times.len() {
                let room = self.options.batch_samples.saturating_sub(batch.samples);
                let (Some(metric), Some(read)) = (metrics.get(at), read.get_mut(at)) else {
                    break;
                };
                let labels = self.names.get(database.name());
                taken += batch.take(at, room, samples, taken, read, || {
                    labels.map(|labels| labels.get(metric).to_vec()).unwrap_or_default()
                });
                if batch.samples >= self.options.batch_samples {
                    halted = self.send(database, &metrics, core::mem::take(&mut batch));
                    if halted.is_err() {
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        halted?;
        self.send(database, &metrics, batch)?;
        self.note_idle(database, group, &read);
        Ok(())
    }

    /// Delivers a batch and moves the cursor behind it.
    fn send(
        &mut self,
        database: &Database,
        metrics: &[&str],
        batch: Batch,
    ) -> core::result::Result<(), Halt> {
        if batch.samples == 0 {
            return Ok(());
        }
        let series = batch.series.into_iter().map(|(_, series)| series).collect();
        self.delivery.deliver(series)?;
        self.delivery.count_merged(batch.merged);
        for (at, position) in batch.positions {
            if let Some(metric) = metrics.get(at) {
                self.cursor.set(database.name(), metric, position);
            }
        }
        if self.stored.elapsed() >= STORE_EVERY {
            self.cursor.store()?;
            self.stored = Instant::now();
        }
        Ok(())
    }

    fn note_idle(&mut self, database: &Database, group: &Group, read: &[Read]) {
        let newest = group.range.to.0;
        for ((metric, _), read) in group.metrics.iter().zip(read) {
            if newest.saturating_sub(read.position.time) > IDLE {
                let key = (database.name().to_owned(), metric.clone());
                self.idle.insert(key, read.position);
            }
        }
    }
}

impl From<Position> for Read {
    fn from(position: Position) -> Self {
        Self { position, skip: position.count, from: position.time }
    }
}

impl Read {
    /// Whether the next sample, of this time, is new.
    fn is_new(&mut self, time: i64) -> bool {
        if time < self.from {
            return false;
        }
        if time == self.from && self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.position.pass(time);
        true
    }
}

impl Batch {
    /// Takes samples of a metric from `start` on while there is room; says how many it has seen.
    fn take(
        &mut self,
        at: usize,
        room: usize,
        samples: Samples<'_>,
        start: usize,
        read: &mut Read,
        labels: impl FnOnce() -> Vec<crate::remote_write::Label>,
    ) -> usize {
        let times = samples.times.iter().zip(samples.raws).skip(start);
        let mut new = Vec::new();
        let mut seen = 0;
        for (&time, &raw) in times {
            if new.len() >= room {
                break;
            }
            seen += 1;
            if read.is_new(time) {
                let value = number(Value::from_raw(samples.value_type, raw));
                new.push(Sample { value, timestamp: time.div_euclid(NANOS_PER_MILLI) });
            }
        }
        if new.is_empty() {
            return seen;
        }
        self.samples += new.len();
        self.positions.insert(at, read.position);
        let place = *self.places.entry(at).or_insert_with(|| {
            let series = TimeSeries { labels: labels(), samples: vec![], histograms: vec![] };
            self.series.push((at, series));
            self.series.len() - 1
        });
        if let Some((_, series)) = self.series.get_mut(place) {
            for sample in new {
                self.merged += push(&mut series.samples, sample);
            }
        }
        seen
    }
}

/// Adds a sample; within one millisecond the last one counts. Says how many it took the place of.
fn push(samples: &mut Vec<Sample>, sample: Sample) -> u64 {
    match samples.last_mut().filter(|last| last.timestamp == sample.timestamp) {
        Some(last) => {
            *last = sample;
            1
        }
        None => {
            samples.push(sample);
            0
        }
    }
}

/// The value as receivers expect it: every NaN is the same one, but for that which ends a series.
fn number(value: Value) -> f64 {
    if let Some(marker) = marker_of(value) {
        return marker;
    }
    let number = value.as_f64();
    if number.is_nan() { f64::from_bits(NORMAL_NAN) } else { number }
}
