//! Some samples, judged together before they are stored.

use super::Incoming;
use super::names::Names;
use super::report::IntakeReport;
use super::value::to_value;
use crate::error::Rejection;
use crate::query::RangeQuery;
use crate::remote_write::is_stale_marker;
use crate::{Database, Result, TimeRange, Timestamp, Value, ValueType};
use core::ops::ControlFlow;
use nanotdb_core::engine::{AddOptions, FutureLimit, Row, RowTime, Target};
use std::collections::{HashMap, HashSet};

/// Times that are looked up together are not further apart than this: what lies between them is
/// read as well, which costs more than another look-up when it is long.
const TOGETHER: i64 = 3600 * 1_000_000_000;

/// What is to be done with the samples of a chunk.
pub(super) struct Plan<'c> {
    database: &'c Database,
    names: &'c Names,
    chunk: &'c [Incoming],
    /// Asked for once: what will be refused is no newest sample for those that follow.
    limit: FutureLimit,
    /// By the number of the metric; nothing of those that the chunk has not.
    metrics: Vec<Option<Known>>,
}

/// What is known of a metric.
#[derive(Debug)]
struct Known {
    value_type: ValueType,
    newest: Option<i64>,
    /// What is stored at times that the chunk repeats: time and raw value.
    stored: HashSet<(i64, u32)>,
    /// What is to be stored: time, raw value and number of the row.
    planned: Vec<(i64, u32, usize)>,
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
    pub(super) fn new(
        database: &'c Database,
        names: &'c Names,
        chunk: &'c [Incoming],
    ) -> Result<Self> {
        let mut metrics: Vec<Option<Known>> = Vec::new();
        metrics.resize_with(names.len(), || None);
        // The times of each metric at which something may be stored already.
        let mut times: Vec<Vec<i64>> = vec![Vec::new(); names.len()];
        for sample in chunk {
            let Some(known) = metrics.get_mut(sample.metric) else { continue };
            if known.is_none() {
                *known = Some(Known::of(database, names.get(sample.metric))?);
            }
            let newest = known.as_ref().and_then(|known| known.newest);
            if let (Some(Timestamp(time)), Some(newest)) = (sample.time, newest)
                && time <= newest
                && let Some(times) = times.get_mut(sample.metric)
            {
                times.push(time);
            }
        }
        let limit = database.future_limit();
        let mut plan = Self { database, names, chunk, limit, metrics };
        for (metric, times) in times.into_iter().enumerate() {
            plan.look_up(metric, times)?;
        }
        Ok(plan)
    }

    /// Notes what is stored of a metric at these times, which may be years before its newest.
    fn look_up(&mut self, metric: usize, mut times: Vec<i64>) -> Result<()> {
        let Some(Some(known)) = self.metrics.get_mut(metric) else { return Ok(()) };
        times.sort_unstable();
        for near in times.chunk_by(|a, b| b.saturating_sub(*a) <= TOGETHER) {
            let (Some(&from), Some(&to)) = (near.first(), near.last()) else { continue };
            let range = TimeRange { from: Timestamp(from), to: Timestamp(to) };
            let name = self.names.get(metric);
            self.database.visit_range(name, RangeQuery::all(range), |batch| {
                let samples = batch.times.iter().zip(batch.raws).map(|(&time, &raw)| (time, raw));
                known.stored.extend(samples.filter(|(time, _)| near.binary_search(time).is_ok()));
                ControlFlow::Continue(())
            })?;
        }
        Ok(())
    }

    /// Stores what is new, and reports on all.
    pub(super) fn carry_out(
        mut self,
        options: AddOptions,
        report: &mut IntakeReport,
    ) -> Result<()> {
        let rows = self.judge(report);
        let mut refused: HashMap<usize, String> = HashMap::new();
        let mut integers = Vec::new();
        for (row, rejection) in self.add(&rows.rows, options, report)? {
            match rejection {
                // A metric that has no sample yet, so its type was not known.
                Rejection::TypeMismatch { expected: ValueType::I32, .. } => integers.push(row),
                other => {
                    refused.insert(row, other.to_string());
                }
            }
        }
        self.add_integers(&rows, &integers, options, &mut refused, report)?;
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
            let Some(Some(known)) = self.metrics.get_mut(sample.metric) else { continue };
            let metric = self.names.get(sample.metric);
            if is_stale_marker(sample.value) && known.value_type == ValueType::I32 {
                // An integer cannot say it, and nothing was measured.
                continue;
            }
            let value = match to_value(sample.value, known.value_type) {
                Ok(value) => value,
                Err(reason) => {
                    report.refuse(sample.place, format!("{metric}: {reason}"));
                    continue;
                }
            };
            match known.judge(metric, sample, value, &self.limit) {
                Ok(None) => {
                    if let Some(Timestamp(time)) = sample.time {
                        known.planned.push((time, value.to_raw(), rows.rows.len()));
                        known.newest = known.newest.max(Some(time));
                    }
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
        options: AddOptions,
        report: &mut IntakeReport,
    ) -> Result<Vec<(usize, Rejection)>> {
        let row = |&(at, value): &(usize, Value)| {
            let sample = self.chunk.get(at)?;
            let target = Target::Name(self.names.get(sample.metric));
            Some(Row { target, time: RowTime::from(sample.time), value })
        };
        let batch = self.database.add_rows_with(rows.iter().filter_map(row), options)?;
        report.accepted += batch.accepted;
        Ok(batch.rejected)
    }

    /// Stores rows of metrics that turned out to hold integers.
    fn add_integers(
        &self,
        all: &Rows,
        integers: &[usize],
        options: AddOptions,
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
                    refused.insert(row, format!("{}: {reason}", self.names.get(sample.metric)));
                }
            }
        }
        for (at, rejection) in self.add(&rows, options, report)? {
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
    /// What is stored of a metric on the whole.
    fn of(database: &Database, metric: &str) -> Result<Self> {
        let last = database.last(metric)?;
        Ok(Self {
            value_type: last.map_or(ValueType::F32, |sample| sample.value.value_type()),
            newest: last.map(|sample| sample.time.0),
            stored: HashSet::new(),
            planned: Vec::new(),
        })
    }

    /// Where the sample is already; nothing when it is to be stored.
    fn judge(
        &self,
        metric: &str,
        sample: &Incoming,
        value: Value,
        limit: &FutureLimit,
    ) -> core::result::Result<Option<Where>, String> {
        let (Some(Timestamp(time)), raw) = (sample.time, value.to_raw()) else { return Ok(None) };
        let Some(newest) = self.newest.filter(|newest| time <= *newest) else {
            return limit.check(metric, Timestamp(time)).map(|()| None).map_err(|e| e.to_string());
        };
        if self.stored.contains(&(time, raw)) {
            return Ok(Some(Where::Stored));
        }
        // What is repeated is mostly what came last.
        let planned =
            self.planned.iter().rev().find(|planned| (planned.0, planned.1) == (time, raw));
        if let Some(&(_, _, row)) = planned {
            return Ok(Some(Where::Planned(row)));
        }
        if time < newest {
            let (time, newest) = (Timestamp(time), Timestamp(newest));
            let stale = Rejection::Stale { metric: metric.to_owned(), time, newest };
            return Err(stale.to_string());
        }
        Err(format!("stale sample for {metric}: it has another value at {}", Timestamp(time)))
    }
}
