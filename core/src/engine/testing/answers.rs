//! Everything a store answers, so that the answers of two hosts can be compared.

use crate::aggregate::{Aggregate, Arithmetic};
use crate::codec::checksum::{crc32, crc32_joined};
use crate::engine::{Database, Engine, ExportOptions, Host};
use crate::error::{Error, Result};
use crate::query::{AggregateQuery, MetricInfo, RangeQuery};
use crate::types::TimeRange;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::ops::ControlFlow;

/// Windows that are asked for: ten seconds, a minute, an hour, a day.
const WINDOWS: [i64; 4] = [10, 60, 3600, 86_400];

/// One line for each question: databases, what opening them found, metrics, and checksums of
/// newest samples, ranges, aggregates and exports.
pub fn answers<H: Host>(engine: &Engine<H>) -> Vec<String> {
    let databases = match engine.databases() {
        Ok(databases) => databases,
        Err(error) => return Vec::from([failure(&error)]),
    };
    let mut lines = Vec::new();
    for name in databases {
        match engine.database(&name) {
            Ok(database) => describe(&database, &mut lines),
            Err(error) => lines.push(format!("{name}: {}", failure(&error))),
        }
    }
    lines
}

fn describe<H: Host>(database: &Database<H>, lines: &mut Vec<String>) {
    let name = database.name();
    lines.extend(database.open_report().notes().map(|note| format!("{name}: {note}")));
    let metrics = database.metrics();
    for metric in &metrics {
        let answer = |what: &str, found: Result<String>| {
            let found = found.unwrap_or_else(|error| failure(&error));
            format!("{name}/{} {} {what}: {found}", metric.name, metric.value_type.name())
        };
        lines.push(answer("last", last(database, metric)));
        for stride in [1, 7] {
            lines.push(answer(&format!("range {stride}"), range(database, metric, stride)));
        }
        for seconds in WINDOWS {
            lines.push(answer(&format!("{seconds} s"), windows(database, metric, seconds)));
        }
    }
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    let many = database
        .range_many(&names, RangeQuery::all(TimeRange::ALL))
        .map(|all| all.iter().fold(Digest::default(), Digest::series).to_string());
    lines.push(format!("{name} together: {}", many.unwrap_or_else(|error| failure(&error))));
    let export = export(database).unwrap_or_else(|error| failure(&error));
    lines.push(format!("{name} export: {export}"));
}

fn last<H: Host>(database: &Database<H>, metric: &MetricInfo) -> Result<String> {
    let sample = database.last(&metric.name)?;
    Ok(sample.map_or_else(
        || "none".to_string(),
        |sample| format!("{} {:08x}", sample.time.0, sample.value.to_raw()),
    ))
}

fn range<H: Host>(database: &Database<H>, metric: &MetricInfo, stride: usize) -> Result<String> {
    let stride = NonZeroUsize::new(stride).unwrap_or(NonZeroUsize::MIN);
    let query = RangeQuery { range: TimeRange::ALL, stride };
    let series = database.range_query(&metric.name, query)?;
    Ok(Digest::default().series(&series).to_string())
}

fn windows<H: Host>(database: &Database<H>, metric: &MetricInfo, seconds: i64) -> Result<String> {
    let mut text = String::new();
    for arithmetic in [Arithmetic::Exact, Arithmetic::Reference] {
        let query = AggregateQuery {
            range: TimeRange::ALL,
            window_ns: seconds.saturating_mul(1_000_000_000),
            offset_ns: 0,
            aggregates: &[
                Aggregate::Min,
                Aggregate::Max,
                Aggregate::Sum,
                Aggregate::Avg,
                Aggregate::Count,
                Aggregate::P50,
                Aggregate::P95,
                Aggregate::P99,
                Aggregate::TrimmedAvg,
            ],
            arithmetic,
        };
        let mut digest = Digest::default();
        database.aggregate(&metric.name, &query, |bucket| {
            digest = digest.bytes(&bucket.start.0.to_le_bytes());
            for value in &bucket.values {
                // One bit pattern for all NaN: which one arithmetic makes is the processor's choice.
                let value = if value.is_nan() { f64::NAN } else { *value };
                digest = digest.bytes(&value.to_bits().to_le_bytes());
            }
            ControlFlow::Continue(())
        })?;
        text = format!("{text}{digest} ");
    }
    Ok(text)
}

fn export<H: Host>(database: &Database<H>) -> Result<String> {
    let mut digest = Digest::default();
    let lines = database.export(ExportOptions::default(), |text| {
        digest = digest.bytes(text);
        Ok(())
    })?;
    Ok(format!("{lines} lines, {digest}"))
}

/// What does not depend on the host: its own words about files do.
fn failure(error: &Error) -> String {
    match error {
        Error::Storage(error) => format!("storage: {:?}", error.kind),
        other => other.to_string(),
    }
}

/// Bytes seen, and their checksum.
#[derive(Debug, Default, Clone, Copy)]
struct Digest {
    bytes: u64,
    checksum: u32,
}

impl Digest {
    fn bytes(self, bytes: &[u8]) -> Self {
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let checksum = crc32_joined(self.checksum, crc32(bytes), len);
        Self { bytes: self.bytes.saturating_add(len), checksum }
    }

    fn series(self, series: &crate::query::Series) -> Self {
        let times =
            series.times.iter().fold(self, |digest, time| digest.bytes(&time.to_le_bytes()));
        series.raws.iter().fold(times, |digest, raw| digest.bytes(&raw.to_le_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes {:08x}", self.bytes, self.checksum)
    }
}
