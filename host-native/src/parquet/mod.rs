//! What is stored, as Parquet files for `DuckDB`, `ClickHouse`, Spark and their like.
//!
//! One file for each partition, laid out as Hive does:
//!
//! ```text
//! db=<database>/date=<partition>/part-0.parquet
//! ```
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `time` | `INT64`, `TIMESTAMP(NANOS, UTC)` | when |
//! | `metric` | `STRING` | the metric's name, as the engine has it |
//! | `name` | `STRING` | the name without its labels |
//! | `labels` | `MAP<STRING, STRING>` | the labels that the name holds, see [`labels`](crate::labels) |
//! | `value` | `DOUBLE` | exact for integer and float metrics alike |
//!
//! Rows are sorted by metric and time. A file is replaced whole, and never seen half: a folder
//! gets it by a rename from `part-0.parquet.tmp`, an object store by the end of a multipart upload,
//! which is aborted when the export fails.
//!
//! ```
//! use nanotdb::parquet::{Destination, export};
//! use nanotdb::{Store, TimeRange, Timestamp};
//!
//! # let directory = tempfile::tempdir()?;
//! let store = Store::open(directory.path().join("metrics"))?;
//! let home = store.create_database("home")?;
//! home.add("temperature;room=kitchen", Timestamp(1_767_225_600_000_000_000), 21.5)?;
//!
//! let lake = directory.path().join("lake");
//! let files = export(&home, TimeRange::ALL, |_| true, &Destination::new(&lake.to_string_lossy())?)?;
//! assert_eq!(files[0].path, "db=home/date=2026-01-01/part-0.parquet");
//! assert_eq!(files[0].rows, 1);
//! # store.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod destination;
mod rows;
mod table;

pub use destination::Destination;

use crate::Database;
use core::fmt;
use core::ops::ControlFlow;
use nanotdb_core::partition::Partition;
use nanotdb_core::query::{Batch, Damaged, RangeQuery};
use nanotdb_core::{TimeRange, Value};
use std::collections::BTreeSet;
use table::Table;

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Below the destination, with `/` between parts.
    pub path: String,
    /// Rows, which are samples.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
}

/// Why an export did not come to its end. Files that were complete stay.
#[derive(Debug)]
pub enum ExportError {
    /// The database could not be read.
    Engine(nanotdb_core::Error),
    /// A file could not be encoded.
    Encode(::parquet::errors::ParquetError),
    /// The destination makes no sense or takes nothing: where, and why.
    Destination(String),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::Destination(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for ExportError {}

impl From<nanotdb_core::Error> for ExportError {
    fn from(error: nanotdb_core::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<::parquet::errors::ParquetError> for ExportError {
    fn from(error: ::parquet::errors::ParquetError) -> Self {
        Self::Encode(error)
    }
}

/// What an export around damage came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Files that were written.
    pub files: Vec<WrittenFile>,
    /// What could not be read.
    pub damage: Vec<Damaged>,
    /// Files that stay as they were, since not all of their partition could be read.
    pub kept: Vec<String>,
}

/// Writes a file for each partition that has samples in the range, of the metrics that are
/// selected. A file that was there is replaced, also where the selection is a smaller one.
///
/// Memory holds one row group at a time, whatever the size of a partition.
///
/// # Errors
///
/// [`ExportError`]; files written before stay.
pub fn export(
    database: &Database,
    range: TimeRange,
    selects: impl Fn(&str) -> bool,
    destination: &Destination,
) -> Result<Vec<WrittenFile>, ExportError> {
    database.find_recovered()?;
    let exporter = Exporter::new(database, selects, destination);
    let mut files = Vec::new();
    for (partition, within) in exporter.partitions(range) {
        let visit = |metric: &str, visit: &mut Visit<'_>| {
            database.visit_range(metric, RangeQuery::all(within), visit)
        };
        files.extend(exporter.write(partition, &visit)?.map(Table::finish).transpose()?);
    }
    Ok(files)
}

/// As [`export`], of all that can be read. A partition of which not everything can be read replaces
/// no file.
///
/// # Errors
///
/// As [`export`], but none for a file of the database that is damaged.
pub fn export_readable(
    database: &Database,
    range: TimeRange,
    selects: impl Fn(&str) -> bool,
    destination: &Destination,
) -> Result<Exported, ExportError> {
    match database.find_recovered() {
        // Names that are lost in a file that cannot be read.
        Err(error) if error.is_about_one_file() => {}
        found => drop(found?),
    }
    let exporter = Exporter::new(database, selects, destination);
    let mut exported = Exported::default();
    for (partition, within) in exporter.partitions(range) {
        let reading = database.lenient();
        let visit = |metric: &str, visit: &mut Visit<'_>| {
            reading.visit_range(metric, RangeQuery::all(within), visit)
        };
        let table = exporter.write(partition, &visit)?;
        let damage = reading.damage();
        let path = exporter.path(partition);
        if !damage.is_empty() && destination.has(&path) {
            exported.kept.push(path.join("/"));
        } else {
            exported.files.extend(table.map(Table::finish).transpose()?);
        }
        exported.damage.extend(damage);
    }
    Ok(exported)
}

/// Takes batches of samples.
type Visit<'v> = dyn FnMut(Batch<'_>) -> ControlFlow<()> + 'v;

/// Hands the samples of a metric on.
type Samples<'s> = dyn Fn(&str, &mut Visit<'_>) -> nanotdb_core::Result<()> + 's;

/// What is exported where.
struct Exporter<'e> {
    database: &'e Database,
    metrics: Vec<String>,
    destination: &'e Destination,
}

impl<'e> Exporter<'e> {
    fn new(
        database: &'e Database,
        selects: impl Fn(&str) -> bool,
        destination: &'e Destination,
    ) -> Self {
        let names = database.metrics().into_iter().map(|metric| metric.name);
        Self { database, metrics: names.filter(|name| selects(name)).collect(), destination }
    }

    /// The partitions that a range touches, and what of them lies in it.
    fn partitions(&self, range: TimeRange) -> Vec<(Partition, TimeRange)> {
        let within = |partition: Partition| {
            let whole = partition.range();
            let within = TimeRange::new(whole.from.max(range.from), whole.to.min(range.to));
            Some((partition, within?))
        };
        partitions(self.database).into_iter().filter_map(within).collect()
    }

    fn path(&self, partition: Partition) -> [String; 3] {
        [
            format!("db={}", self.database.name()),
            format!("date={partition}"),
            "part-0.parquet".to_owned(),
        ]
    }

    /// Writes one partition's file but for its end, unless it would have no rows.
    fn write(
        &self,
        partition: Partition,
        samples: &Samples<'_>,
    ) -> Result<Option<Table>, ExportError> {
        let path = self.path(partition);
        // Begun with the first sample: without any, there is no file.
        let mut table: Option<Table> = None;
        for metric in &self.metrics {
            let mut failed = None;
            samples(metric, &mut |batch| {
                let added = match &mut table {
                    Some(table) => add(table, metric, batch),
                    None => self
                        .destination
                        .begin(&path)
                        .and_then(|upload| {
                            let begun = Table::new(upload, self.database.name(), partition)?;
                            Ok(table.insert(begun))
                        })
                        .and_then(|table| add(table, metric, batch)),
                };
                match added {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(table)
    }
}

/// Partitions with samples, on disk or still in memory, in order of time.
fn partitions(database: &Database) -> BTreeSet<Partition> {
    let open = database.inspect().open_pages.into_iter().map(|page| page.partition);
    database.partitions().into_iter().chain(open).filter_map(|key| key.parse().ok()).collect()
}

fn add(table: &mut Table, metric: &str, batch: Batch<'_>) -> Result<(), ExportError> {
    let values = batch.raws.iter().map(|raw| Value::from_raw(batch.value_type, *raw).as_f64());
    table.add(metric, batch.times, values)
}

#[cfg(test)]
mod tests;
