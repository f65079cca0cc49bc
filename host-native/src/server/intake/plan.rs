//! Some samples, judged together before they are stored.

use super::Incoming;
use super::report::IntakeReport;
use super::value::to_value;
use crate::error::Rejection;
use crate::query::RangeQuery;
use crate::{Database, Result, TimeRange, Timestamp, Value, ValueType};
use core::ops::ControlFlow;
use nanotdb_core::engine::{Row, Target};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is to be done with the samples of a chunk.
pub(super) struct Plan<'c> {
    database: &'c Database,
    chunk: &'c [Incoming],
    metrics: HashMap<&'c str, Known>,
}

/// What is known of a metric.
#[derive(Debug)]
struct Known {
    value_type: ValueType,
    newest: Option<i64>,
    /// Samples at times that the chunk has, by time and raw value.
    there: HashMap<(i64, u32), Where>,
}

/// Where a sample is that another one repeats.
#[derive(Debug, Clone, Copy)]
enum Where {
    Stored,
    /// It is to be stored, as this row.
    Planned(usize),
}

/// Rows for the engine, and what waits for what becomes of them.
#[derive(Debug, Default)]
struct Rows {
    /// Sample's position in the chunk, and the value as it will be stored.
    rows: Vec<(usize, Value)>,
    /// Samples that repeat a row: position in the chunk, and the row's number.
    repeating: Vec<(usize, usize)>,
}

impl<'c> Plan<'c> {
    /// Looks up what is stored at the times of the samples.
    pub(super) fn new(database: &'c Database, chunk: &'c [Incoming]) -> Result<Self> {
        let mut dated: BTreeMap<&str, HashSet<i64>> = BTreeMap::new();
        for sample in chunk {
            let times = dated.entry(&sample.metric).or_default();
            if sample.is_dated {
                times.insert(sample.time.0);
            }
        }
        let known = |(metric, times): (&'c str, HashSet<i64>)| {
            Known::of(database, metric, &times).map(|known| (metric, known))
        };
        let metrics = dated.into_iter().map(known).collect::<Result<_>>()?;
        Ok(Self { database, chunk, metrics })
    }

    /// Stores what is new, and reports on all.
    pub(super) fn carry_out(mut self, report: &mut IntakeReport) -> Result<()> {
        let rows = self.judge(report);
        let mut refused: HashMap<usize, String> = HashMap::new();
        let mut integers = Vec::new();
        for (row, rejection) in self.add(&rows.rows, report)? {
            match rejection {
                // A metric that has no sample yet, so its type was not known.
                Rejection::TypeMismatch { expected: ValueType::I32, .. } => integers.push(row),
                other => {
                    refused.insert(row, other.to_string());
                }
            }
        }
        self.add_integers(&rows, &integers, &mut refused, report)?;
        for (row, &(at, _)) in rows.rows.iter().enumerate() {
            if let Some(reason) = refused.get(&row) {
                report.refuse(self.place(at), reason.clone());
            }
        }
        for (at, row) in rows.repeating {
            match refused.get(&row) {
                Some(reason) => report.refuse(self.place(at), reason.clone()),
                None => report.already_stored += 1,
            }
        }
        Ok(())
    }

    /// Parts the samples in those to store, those that are there, and those refused at once.
    fn judge(&mut self, report: &mut IntakeReport) -> Rows {
        let mut rows = Rows::default();
        for (at, sample) in self.chunk.iter().enumerate() {
            let Some(known) = self.metrics.get_mut(sample.metric.as_str()) else { continue };
            let value = match to_value(sample.value, known.value_type) {
                Ok(value) => value,
                Err(reason) => {
                    report.refuse(sample.place, format!("{}: {reason}", sample.metric));
                    continue;
                }
            };
            match known.judge(sample, value) {
                Ok(None) => {
                    let there = (sample.time.0, value.to_raw());
                    known.there.insert(there, Where::Planned(rows.rows.len()));
                    known.newest = known.newest.max(Some(sample.time.0));
                    rows.rows.push((at, value));
                }
                Ok(Some(Where::Stored)) => report.already_stored += 1,
                Ok(Some(Where::Planned(row))) => rows.repeating.push((at, row)),
                Err(reason) => report.refuse(sample.place, reason),
            }
        }
        rows
    }

    fn add(
        &self,
        rows: &[(usize, Value)],
        report: &mut IntakeReport,
    ) -> Result<Vec<(usize, Rejection)>> {
        let row = |&(at, value): &(usize, Value)| {
            let sample = self.chunk.get(at)?;
            Some(Row { target: Target::Name(&sample.metric), time: sample.time, value })
        };
        let batch = self.database.add_rows(rows.iter().filter_map(row))?;
        report.accepted += batch.accepted;
        Ok(batch.rejected)
    }

    /// Stores rows of metrics that turned out to hold integers.
    fn add_integers(
        &self,
        all: &Rows,
        integers: &[usize],
        refused: &mut HashMap<usize, String>,
        report: &mut IntakeReport,
    ) -> Result<()> {
        let (mut rows, mut numbers) = (Vec::new(), Vec::new());
        for &row in integers {
            let Some(&(at, _)) = all.rows.get(row) else { continue };
            let Some(sample) = self.chunk.get(at) else { continue };
            match to_value(sample.value, ValueType::I32) {
                Ok(value) => {
                    rows.push((at, value));
                    numbers.push(row);
                }
                Err(reason) => {
                    refused.insert(row, format!("{}: {reason}", sample.metric));
                }
            }
        }
        for (at, rejection) in self.add(&rows, report)? {
            if let Some(&row) = numbers.get(at) {
                refused.insert(row, rejection.to_string());
            }
        }
        Ok(())
    }

    fn place(&self, at: usize) -> u64 {
        self.chunk.get(at).map_or(0, |sample| sample.place)
    }
}

impl Known {
    /// What is stored of a metric, at these times and on the whole.
    fn of(database: &Database, metric: &str, times: &HashSet<i64>) -> Result<Self> {
        let last = database.last(metric)?;
        let mut there = HashMap::new();
        let newest = last.map(|sample| sample.time.0);
        let value_type = last.map_or(ValueType::F32, |sample| sample.value.value_type());
        let earliest = times.iter().min().copied();
        if let (Some(from), Some(to)) = (earliest, newest)
            && let Some(range) = TimeRange::new(Timestamp(from), Timestamp(to))
        {
            database.visit_range(metric, RangeQuery::all(range), |batch| {
                let samples = batch.times.iter().zip(batch.raws).map(|(&time, &raw)| (time, raw));
                let asked = samples.filter(|(time, _)| times.contains(time));
                there.extend(asked.map(|sample| (sample, Where::Stored)));
                ControlFlow::Continue(())
            })?;
        }
        Ok(Self { value_type, newest, there })
    }

    /// Where the sample is already; nothing when it is to be stored.
    fn judge(
        &self,
        sample: &Incoming,
        value: Value,
    ) -> core::result::Result<Option<Where>, String> {
        let time = sample.time.0;
        let Some(newest) = self.newest.filter(|newest| sample.is_dated && time <= *newest) else {
            return Ok(None);
        };
        if let Some(found) = self.there.get(&(time, value.to_raw())) {
            return Ok(Some(*found));
        }
        if time < newest {
            let metric = sample.metric.clone();
            let newest = Timestamp(newest);
            return Err(Rejection::Stale { metric, time: sample.time, newest }.to_string());
        }
        Err(format!("stale sample for {}: it has another value at {}", sample.metric, sample.time))
    }
}
