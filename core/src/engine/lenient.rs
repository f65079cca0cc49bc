//! Queries that answer from whatever can be read.

use super::database::Database;
use super::host::Host;
use super::lines::ExportOptions;
use crate::aggregate::{Bucket, CustomAggregate, Grid};
use crate::error::Result;
use crate::query::{
    AggregateQuery, Batch, Chart, ChartQuery, Damaged, Notes, OnDamage, RangeQuery, Series,
    checked_range,
};
use crate::types::{Sample, TimeRange, Timestamp, ValueType};
use alloc::vec::Vec;
use core::fmt;
use core::ops::ControlFlow;

/// The queries of a database, made around damage: a file that cannot be read hides nothing but
/// what it alone holds, and [`damage`](Self::damage) says which files those were.
///
/// What stands in another file, too, comes from there: raw pages of a partition whose metric file
/// is damaged, say. Where both can be read in part, each instant's values are there as often as in
/// the one of the two that has more of them.
///
/// Errors are those that concern more than one file: a request that is not allowed, or a system on
/// which no file can be opened any more.
///
/// ```
/// # use nanotdb_core::engine::{Engine, Host};
/// # use nanotdb_core::{Error, Timestamp};
/// fn count<H: Host>(engine: &Engine<H>) -> Result<usize, Error> {
///     let home = engine.database("home")?;
///     let reading = home.lenient();
///     let series = reading.range("door", Timestamp::MIN, Timestamp::MAX)?;
///     assert!(reading.damage().is_empty(), "nothing is missing");
///     Ok(series.len())
/// }
/// ```
pub struct Lenient<'a, H: Host> {
    database: &'a Database<H>,
    notes: Notes,
}

impl<H: Host> Database<H> {
    /// The same queries, made around damage.
    pub fn lenient(&self) -> Lenient<'_, H> {
        Lenient { database: self, notes: Notes::new(self.name()) }
    }
}

impl<H: Host> fmt::Debug for Lenient<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.database.name();
        f.debug_struct("Lenient").field("database", &name).field("notes", &self.notes).finish()
    }
}

impl<H: Host> Lenient<'_, H> {
    const fn on(&self) -> OnDamage<'_> {
        OnDamage::Note(&self.notes)
    }

    /// What the queries so far could not read, each place once, by file and offset.
    pub fn damage(&self) -> Vec<Damaged> {
        self.notes.to_vec()
    }

    /// As [`Database::last`]: the newest sample that can be read.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn last(&self, metric: &str) -> Result<Option<Sample>> {
        self.database.readable().last(metric, self.on())
    }

    /// As [`Database::range`].
    ///
    /// # Errors
    ///
    /// When `to` is before `from`; as the [type](Self) says.
    pub fn range(&self, metric: &str, from: Timestamp, to: Timestamp) -> Result<Series> {
        self.range_query(metric, RangeQuery::all(checked_range(from, to)?))
    }

    /// As [`Database::range_query`].
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn range_query(&self, metric: &str, query: RangeQuery) -> Result<Series> {
        let mut series = self.range_many(&[metric], query)?;
        let empty = Series { value_type: ValueType::F32, times: Vec::new(), raws: Vec::new() };
        Ok(series.pop().unwrap_or(empty))
    }

    /// As [`Database::range_many`].
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn range_many(&self, metrics: &[&str], query: RangeQuery) -> Result<Vec<Series>> {
        self.database.readable().range_many(metrics, query, self.on())
    }

    /// As [`Database::visit_range`].
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn visit_range(
        &self,
        metric: &str,
        query: RangeQuery,
        mut visit: impl FnMut(Batch<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.database.readable().visit_range(metric, query, self.on(), &mut visit)
    }

    /// As [`Database::visit_many`].
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn visit_many(
        &self,
        metrics: &[&str],
        query: RangeQuery,
        mut visit: impl FnMut(usize, Batch<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.database.readable().visit_many(metrics, query, self.on(), &mut visit)
    }

    /// As [`Database::aggregate`], of the samples that can be read.
    ///
    /// # Errors
    ///
    /// `Rejected` as there; as the [type](Self) says.
    pub fn aggregate(
        &self,
        metric: &str,
        query: &AggregateQuery<'_>,
        mut emit: impl FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        self.database.readable().aggregate(metric, query, self.on(), &mut emit)
    }

    /// As [`Database::aggregate_with`], of the samples that can be read.
    ///
    /// # Errors
    ///
    /// `Rejected` as there; as the [type](Self) says.
    pub fn aggregate_with(
        &self,
        metric: &str,
        range: TimeRange,
        grid: Grid,
        aggregates: &[&dyn CustomAggregate],
        mut emit: impl FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        let readable = self.database.readable();
        readable.aggregate_with(metric, range, grid, aggregates, self.on(), &mut emit)
    }

    /// As [`Database::chart`], of the samples that can be read.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn chart(&self, metric: &str, query: &ChartQuery) -> Result<Chart> {
        self.database.readable().chart(metric, query, self.on())
    }

    /// As [`Database::scan`]. What had to be put together from several files comes metric by
    /// metric.
    ///
    /// # Errors
    ///
    /// What `visit` returns; as the [type](Self) says.
    pub fn scan(
        &self,
        range: TimeRange,
        mut visit: impl FnMut(&[u16], &[i64], &[u32]) -> Result<()>,
    ) -> Result<()> {
        self.database.scan_on(self.on(), range, &mut visit)
    }

    /// As [`Database::export_metrics`].
    ///
    /// # Errors
    ///
    /// What `write` returns; as the [type](Self) says.
    pub fn export_metrics(
        &self,
        options: ExportOptions,
        select: impl Fn(&str) -> bool,
        write: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        self.database.export_on(self.on(), options, select, write)
    }
}
