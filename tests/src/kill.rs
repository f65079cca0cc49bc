//! A process that writes as fast as it can until somebody kills it, and what must be left.
//!
//! Sample number *n* follows from *n* alone, so whoever finds a sample knows whether it is right.
//! The process notes in a small file up to which number the store has acknowledged; that file is
//! the system's as soon as it is written, so it survives the kill as the log should.

use crate::random::Random;
use nanotdb::{OpenOptions, Store};
use nanotdb_core::engine::{Row, Target};
use nanotdb_core::query::RangeQuery;
use nanotdb_core::text::line::format_line;
use nanotdb_core::{Result, TimeRange, Timestamp, Value};
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// The database.
pub const DATABASE: &str = "kill";
/// 2031-05-05T00:00:00Z: in the future, so that the log takes every sample.
const BASE: i64 = 1_935_705_600_000_000_000;
/// Time from one sample to the next: 20,000 make a day.
const STEP: i64 = 4_320_000_000;
/// Metrics that are there all the time.
const METRICS: u64 = 7;
/// Every so manieth sample starts a metric of its own.
const NEW_METRIC: u64 = 10_007;

/// Metric, time and value of a sample.
pub fn sample(number: u64) -> (String, Timestamp, Value) {
    let metric = match number % NEW_METRIC {
        0 => format!("new{}", number / NEW_METRIC),
        _ => format!("m{}", number % METRICS),
    };
    let low = u32::try_from(number % (1 << 24)).unwrap_or(0);
    let value = match number % 2 {
        0 => Value::I32(low.cast_signed()),
        _ => Value::F32(f32::from_bits(low)),
    };
    let time = BASE + i64::try_from(number).unwrap_or(0) * STEP;
    // A metric has one type, so type and metric follow from the number alike.
    (format!("{metric}{}", number % 2), Timestamp(time), value)
}

/// Writes samples from `first` on, for ever, in a manner that follows from `seed`.
pub fn write_until_killed(root: &Path, notes: &File, first: u64, seed: u64) -> Result<()> {
    let store = Store::open(root)?;
    let database = store.create_database(DATABASE)?;
    let mut random = Random::new(seed);
    let mut next = first;
    loop {
        match random.below(8) {
            0 => {
                let count = 1 + random.below(6000);
                let batch: Vec<_> = (next..next + count).map(sample).collect();
                let rows = batch.iter().map(|(metric, time, value)| Row {
                    target: Target::Name(metric),
                    time: *time,
                    value: *value,
                });
                let report = database.add_rows(rows)?;
                assert_eq!((report.accepted, report.rejected.len()), (count, 0));
                next += count;
                note(notes, next);
            }
            1 if random.one_in(4) => database.flush()?,
            _ => {
                for _ in 0..random.below(5000) {
                    let (metric, time, value) = sample(next);
                    database.add(&metric, time, value)?;
                    next += 1;
                    note(notes, next);
                }
            }
        }
    }
}

#[cfg(unix)]
fn note(notes: &File, next: u64) {
    use std::os::unix::fs::FileExt;
    notes.write_all_at(&next.to_le_bytes(), 0).expect("a note of eight bytes");
}

#[cfg(not(unix))]
fn note(_notes: &File, _next: u64) {
    unreachable!("nobody kills processes here");
}

/// Lines with these samples.
pub fn lines(numbers: Range<u64>) -> String {
    let mut text = Vec::new();
    for (metric, time, value) in numbers.map(sample) {
        format_line(&mut text, DATABASE, &metric, value, time);
        text.push(b'\n');
    }
    String::from_utf8(text).expect("lines are UTF-8")
}

/// Up to which number samples are acknowledged; nothing before the first one is.
pub fn acknowledged(notes: &Path) -> Option<u64> {
    let bytes = std::fs::read(notes).ok()?;
    bytes.first_chunk().copied().map(u64::from_le_bytes)
}

/// Which samples a store holds, by number, each checked to be exact and there once.
pub fn found(root: &Path, read_only: bool) -> std::result::Result<Vec<bool>, String> {
    let options = if read_only { OpenOptions::read_only() } else { OpenOptions::default() };
    let store = options.background(false).open(root).map_err(|error| format!("open: {error}"))?;
    let database = store.database(DATABASE).map_err(|error| format!("open: {error}"))?;
    let mut found = Vec::new();
    for metric in database.metrics() {
        let series = database.range_query(&metric.name, RangeQuery::all(TimeRange::ALL));
        for point in series.map_err(|error| format!("{}: {error}", metric.name))?.iter() {
            let number = point.time.0.checked_sub(BASE).filter(|ns| ns % STEP == 0);
            let number = number.and_then(|ns| u64::try_from(ns / STEP).ok());
            let number = number.ok_or_else(|| format!("{}: {point:?}", metric.name))?;
            let (name, time, value) = sample(number);
            let exact = time == point.time
                && value.value_type() == point.value.value_type()
                && value.to_raw() == point.value.to_raw();
            if name != metric.name || !exact {
                return Err(format!("{}: {point:?} is not sample {number}", metric.name));
            }
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            found.resize(found.len().max(at + 1), false);
            if std::mem::replace(&mut found[at], true) {
                return Err(format!("{}: sample {number} is there twice", metric.name));
            }
        }
    }
    if !read_only {
        let report = database.verify(|_| ()).map_err(|error| format!("verify: {error}"))?;
        if !report.is_whole() {
            return Err(format!("not whole: {report:?}"));
        }
        store.close().map_err(|error| format!("close: {error}"))?;
    }
    Ok(found)
}
