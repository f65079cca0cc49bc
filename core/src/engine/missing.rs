//! What of a file's samples a store lacks, so that a file that is imported twice changes nothing.
//!
//! Of each metric, time and value as many are missing as the file has more than there were before
//! the import began. What there was is looked up piece by piece, and only for times up to the
//! metric's newest. Of the file itself, memory keeps the samples at the time that each metric has
//! come to: exact where a metric's times ascend, as they do in every export. Where they do not, a
//! sample that an earlier piece of the file has added counts as one that was there.

use super::database::Database;
use super::host::Host;
use super::row::{Row, RowTime, Target};
use crate::error::Result;
use crate::query::RangeQuery;
use crate::types::{TimeRange, Timestamp, Value, ValueType};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::ControlFlow;
use hashbrown::{HashMap, HashSet};

/// What an import has seen of a database's metrics, by name.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<String, AtTime>);

/// The samples of a metric at the time that the file has come to.
#[derive(Debug, Default)]
struct AtTime {
    time: Option<i64>,
    values: HashMap<u32, Count>,
}

/// How often a sample is there.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// In the store, before the import.
    stored: u32,
    /// In the file so far.
    seen: u32,
}

impl Count {
    /// Counts the next one of the file, and says whether the store lacks it.
    const fn is_missing(&mut self) -> bool {
        self.seen = self.seen.saturating_add(1);
        self.seen > self.stored
    }
}

/// A metric in one piece of a file.
#[derive(Debug)]
struct Metric<'t> {
    name: &'t str,
    value_type: Option<ValueType>,
    /// Time of its newest sample.
    newest: Option<i64>,
    /// Times of the piece that may be stored already.
    times: HashSet<i64>,
    /// What is stored at these: time and value.
    stored: HashMap<(i64, u32), u32>,
    /// What the piece has before the time that the file has come to.
    earlier: HashMap<(i64, u32), Count>,
    now: AtTime,
}

/// Says of each row whether the store lacks it; rows without a time always.
pub(super) fn missing<H: Host>(
    database: &Database<H>,
    seen: &mut Seen,
    rows: &[Row<'_, RowTime>],
) -> Result<Vec<bool>> {
    let mut metrics: Vec<Metric<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut of_rows = Vec::with_capacity(rows.len());
    for row in rows {
        let Target::Name(name) = row.target else {
            of_rows.push(usize::MAX);
            continue;
        };
        let place = match places.get(name) {
            Some(&place) => place,
            None => {
                metrics.push(Metric::of(database, seen, name)?);
                places.insert(name, metrics.len() - 1);
                metrics.len() - 1
            }
        };
        of_rows.push(place);
        if let (RowTime::At(Timestamp(time)), Some(metric)) = (row.time, metrics.get_mut(place))
            && metric.newest.is_some_and(|newest| time <= newest)
        {
            metric.times.insert(time);
        }
    }
    metrics.iter_mut().try_for_each(|metric| metric.look_up(database))?;
    let mut is_missing = Vec::with_capacity(rows.len());
    for (row, place) in rows.iter().zip(of_rows) {
        let lacks = match (row.time, metrics.get_mut(place)) {
            (RowTime::At(time), Some(metric)) => metric.lacks(time, row.value),
            _ => true,
        };
        is_missing.push(lacks);
    }
    for metric in metrics {
        seen.0.insert(metric.name.to_string(), metric.now);
    }
    Ok(is_missing)
}

impl<'t> Metric<'t> {
    fn of<H: Host>(database: &Database<H>, seen: &mut Seen, name: &'t str) -> Result<Self> {
        let newest = database.last(name)?;
        Ok(Self {
            name,
            value_type: newest.map(|sample| sample.value.value_type()),
            newest: newest.map(|sample| sample.time.0),
            times: HashSet::new(),
            stored: HashMap::new(),
            earlier: HashMap::new(),
            now: seen.0.remove(name).unwrap_or_default(),
        })
    }

    /// Notes what is stored at the times of the piece.
    fn look_up<H: Host>(&mut self, database: &Database<H>) -> Result<()> {
        let Self { name, value_type: Some(value_type), times, stored, .. } = self else {
            return Ok(());
        };
        let bounds = times.iter().min().zip(times.iter().max());
        let Some(range) =
            bounds.and_then(|(&from, &to)| TimeRange::new(Timestamp(from), Timestamp(to)))
        else {
            return Ok(());
        };
        database.visit_range(name, RangeQuery::all(range), |batch| {
            for (&time, &raw) in batch.times.iter().zip(batch.raws) {
                if times.contains(&time) {
                    let value = written(Value::from_raw(*value_type, raw));
                    *stored.entry((time, value)).or_default() += 1;
                }
            }
            ControlFlow::Continue(())
        })
    }

    /// Whether the store lacks the next sample of the file.
    fn lacks(&mut self, Timestamp(time): Timestamp, value: Value) -> bool {
        let same_type = self.value_type == Some(value.value_type());
        let value = written(value);
        let stored = self.stored.get(&(time, value)).filter(|_| same_type);
        let fresh = Count { stored: stored.copied().unwrap_or(0), seen: 0 };
        if self.now.time.is_some_and(|now| time < now) {
            return self.earlier.entry((time, value)).or_insert(fresh).is_missing();
        }
        if self.now.time != Some(time) {
            self.now.time = Some(time);
            self.now.values.clear();
        }
        self.now.values.entry(value).or_insert(fresh).is_missing()
    }
}

/// A value as text keeps it: of a NaN only that it is one.
const fn written(value: Value) -> u32 {
    match value {
        Value::F32(number) if number.is_nan() => f32::NAN.to_bits(),
        value => value.to_raw(),
    }
}

#[cfg(test)]
#[path = "missing_tests.rs"]
mod tests;
