//! One database: a writer, and queries beside it.

use super::clock_watch::ClockWatch;
use super::host::{Clock, Host, Shared};
use super::ingest::MetricHandle;
use super::open::OpenReport;
use super::rollup::seen::Seen;
use super::row::{AddOptions, BatchReport, Row, RowTime, Target};
use super::row_time::FutureLimit;
use super::state::Readable;
use super::upkeep::back_off::BackOff;
use super::upkeep::build::{BuildOptions, BuildReport};
use super::upkeep::retention::{Retired, Wish};
use super::upkeep::seal::Sealed;
use super::writer::Writer;
use crate::aggregate::{Bucket, CustomAggregate, Grid};
use crate::error::{Error, Result};
use crate::partition::Partition;
use crate::query::{
    AggregateQuery, Batch, Chart, ChartQuery, MetricInfo, OnDamage, RangeQuery, Series, Visit,
    checked_range,
};
use crate::settings::DatabaseSettings;
use crate::stats::DbStats;
use crate::types::{Sample, TimeRange, Timestamp, Value, ValueType};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// An open database.
///
/// Every method takes `&self`. Methods that write run one at a time; methods that read never
/// wait for a write to reach the disk.
#[derive(Debug)]
pub struct Database<H: Host> {
    readable: Arc<Readable<H>>,
    writer: H::Shared<Writer<H>>,
    /// Held while a metric file is built: one at a time.
    builds: H::Shared<()>,
    sealed: H::Shared<Sealed>,
    /// When ticks may try retention again.
    retention: H::Shared<BackOff>,
    clock: Arc<H::Shared<ClockWatch>>,
    seen: H::Shared<Seen>,
    host: Arc<H>,
    settings: DatabaseSettings,
    /// How metric files are built unless somebody says otherwise.
    build: BuildOptions,
    /// Whether partitions get metric files by themselves.
    seals: bool,
    report: OpenReport,
}

/// What a tick did in a database, and what it could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TickReport {
    /// Partitions that were sealed.
    pub built: Vec<BuildReport>,
    /// Partitions that expired.
    pub retired: Vec<Retired>,
    /// What could not be done, and why; and what expired before rollups could read it. Sealing and
    /// retention are tried again after a minute, and with each failure that follows after twice as
    /// long, up to an hour; sealing also when the partition changes.
    pub problems: Vec<String>,
}

impl<H: Host> Database<H> {
    pub(crate) fn new(
        writer: Writer<H>,
        build: BuildOptions,
        seals: bool,
        report: OpenReport,
        clock: Arc<H::Shared<ClockWatch>>,
    ) -> Self {
        Self {
            readable: Arc::clone(&writer.readable),
            host: Arc::clone(&writer.host),
            settings: writer.staging.rules.settings.clone(),
            writer: H::Shared::new(writer),
            builds: H::Shared::new(()),
            sealed: H::Shared::new(Sealed::default()),
            retention: H::Shared::new(BackOff::default()),
            clock,
            seen: H::Shared::new(Seen::default()),
            build,
            seals,
            report,
        }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.readable.name
    }

    /// The settings of its manifest.
    pub const fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    /// What opening found and did.
    pub const fn open_report(&self) -> &OpenReport {
        &self.report
    }

    /// Takes one sample in, making the metric when there is none. When this returns, the sample
    /// survives the end of the process, or a power cut, as the settings promise.
    ///
    /// # Errors
    ///
    /// `Rejected` when the sample breaks a rule; `Storage` when it cannot be logged, say since the
    /// disk is full: nothing has changed, and it can be tried again. `Poisoned` when nobody knows
    /// what the disk holds, until the store is opened again.
    pub fn add(
        &self,
        metric: &str,
        time: impl Into<RowTime>,
        value: impl Into<Value>,
    ) -> Result<()> {
        let row = Row { target: Target::Name(metric), time, value: value.into() };
        self.add_row_with(row, AddOptions::default())
    }

    /// Takes one sample of a metric in that was looked up before.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_to(
        &self,
        metric: MetricHandle,
        time: impl Into<RowTime>,
        value: impl Into<Value>,
    ) -> Result<()> {
        let row = Row { target: Target::Handle(metric), time, value: value.into() };
        self.add_row_with(row, AddOptions::default())
    }

    /// Takes one sample in by other rules than [`add`](Self::add) does.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_row_with(
        &self,
        row: Row<'_, impl Into<RowTime>>,
        options: AddOptions,
    ) -> Result<()> {
        let row = row.timed();
        let (added, has_begun) =
            self.writer.write(|writer| (writer.add_row(row, options), writer.take_begun()));
        if has_begun {
            self.seal_behind_new_partition();
        }
        added
    }

    /// Looks a metric up for many samples, making it when there is none.
    ///
    /// # Errors
    ///
    /// `Rejected` when the name is not allowed or the metric has another type.
    pub fn metric(&self, name: &str, value_type: ValueType) -> Result<MetricHandle> {
        self.writer.write(|writer| writer.handle(name, value_type))
    }

    /// Takes many samples in, each accepted or rejected on its own. The log is written, and
    /// synced where the settings say so, once for some thousand rows.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), but rejected rows are in the report. Rows before the failing one may
    /// have been taken.
    pub fn add_rows<'a, T: Into<RowTime>>(
        &self,
        rows: impl IntoIterator<Item = Row<'a, T>>,
    ) -> Result<BatchReport> {
        self.add_rows_with(rows, AddOptions::default())
    }

    /// As [`add_rows`](Self::add_rows), by other rules.
    ///
    /// # Errors
    ///
    /// As [`add_rows`](Self::add_rows).
    pub fn add_rows_with<'a, T: Into<RowTime>>(
        &self,
        rows: impl IntoIterator<Item = Row<'a, T>>,
        options: AddOptions,
    ) -> Result<BatchReport> {
        let mut report = BatchReport::default();
        let rows = rows.into_iter().map(Row::timed);
        let (added, has_begun) = self
            .writer
            .write(|writer| (writer.add_rows(rows, options, &mut report), writer.take_begun()));
        if has_begun {
            self.seal_behind_new_partition();
        }
        added.map(|()| report)
    }

    /// Takes those rows in that are `missing`, also such as are older than their metric's newest.
    /// Positions in the report are those among all rows.
    pub(super) fn add_missing(
        &self,
        rows: &[Row<'_, RowTime>],
        missing: &[bool],
        options: AddOptions,
    ) -> Result<BatchReport> {
        let mut places = Vec::with_capacity(rows.len());
        let lacking = rows.iter().zip(missing).enumerate().filter(|(_, (_, missing))| **missing);
        let lacking = lacking.map(|(at, (row, _))| {
            places.push(at);
            *row
        });
        let mut report = BatchReport::default();
        let (added, has_begun) = self.writer.write(|writer| {
            writer.staging.takes_older = true;
            let added = writer.add_rows(lacking, options, &mut report);
            writer.staging.takes_older = false;
            (added, writer.take_begun())
        });
        if has_begun {
            self.seal_behind_new_partition();
        }
        added?;
        for (at, _) in &mut report.rejected {
            *at = places.get(*at).copied().unwrap_or(*at);
        }
        Ok(report)
    }

    /// How far ahead of the clock samples may be that come in live.
    pub fn future_limit(&self) -> FutureLimit {
        let now = self.host.clock().now();
        self.writer.read(|writer| writer.future_limit(now))
    }

    /// Writes every open page to its data file and empties the log where that makes it
    /// superfluous.
    ///
    /// # Errors
    ///
    /// When something cannot be written: it stays in memory and in the log, and can be tried again,
    /// unless the error is `Poisoned`.
    pub fn flush(&self) -> Result<()> {
        self.writer.write(|writer| {
            writer.check_writable()?;
            writer.flush_all()
        })
    }

    /// Writes every open page and makes all that was taken so far as durable as the platform can,
    /// whatever the durability profile says.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn sync(&self) -> Result<()> {
        self.writer.write(|writer| {
            writer.check_writable()?;
            writer.flush_all()?;
            let stored = writer.store_catalog().and_then(|()| writer.sync_data());
            writer.poisoning(stored)
        })
    }

    /// Makes all that was taken so far as durable as the platform can, whatever the durability
    /// profile says, by the cheapest means: pages are written only for samples that the log lacks.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn make_durable(&self) -> Result<()> {
        self.writer.write(|writer| {
            writer.check_writable()?;
            writer.make_durable()
        })
    }

    /// Whether samples can be taken in: fails with what stops that.
    ///
    /// # Errors
    ///
    /// What could not be written last, as long as nothing was written since; `Poisoned`, `Closed`,
    /// or `Rejected` when nothing may be written.
    pub fn check_writable(&self) -> Result<()> {
        self.writer.read(Writer::readiness)
    }

    /// Does what is due: writes pages that reached their age, seals partitions, lets expired ones
    /// go. To be called now and then.
    ///
    /// # Errors
    ///
    /// When due pages, or the log, cannot be written: see [`flush`](Self::flush). Everything else is
    /// in the report.
    pub fn tick(&self) -> Result<TickReport> {
        let mut report = TickReport::default();
        self.write_and_seal(&mut report)?;
        self.retire_expired(self.retention_clock(), &mut report)?;
        Ok(report)
    }

    /// The first half of a tick.
    pub(super) fn write_and_seal(&self, report: &mut TickReport) -> Result<()> {
        self.writer.write(|writer| {
            writer.check_writable()?;
            let written = writer.write_due();
            writer.store_catalog_early();
            writer.sync_log_in_time().and(written)
        })?;
        self.learn_some_ids();
        self.look_for_lost_files()?;
        let (built, problems) = self.seal()?;
        report.built.extend(built);
        report.problems.extend(problems);
        Ok(())
    }

    /// The second half of a tick. What failed here mostly fails again. Every tick would try it and
    /// tell of it, and run the rollups before it; so it waits.
    pub(super) fn retire_expired(&self, now: Timestamp, report: &mut TickReport) -> Result<()> {
        let monotonic = self.host.clock().monotonic();
        if !self.retention.read(|retention| retention.is_over(monotonic)) {
            return Ok(());
        }
        let applied = self.apply_retention_at(now, Wish::Tick);
        if !matches!(&applied, Ok(applied) if !applied.is_waiting) {
            // It may have taken long to fail.
            let ended = self.host.clock().monotonic();
            self.retention.write(|retention| retention.note_failure(ended));
        }
        match applied {
            Ok(applied) => {
                report.retired.extend(applied.retired);
                let problems = applied.problems.into_iter();
                report.problems.extend(problems.map(|problem| format!("retention: {problem}")));
            }
            Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
            Err(error) => report.problems.push(format!("retention: {error}")),
        }
        Ok(())
    }

    /// As the second half of a tick, but for partitions that samples came for since the database
    /// was opened. Returns how many samples they hold that have expired.
    pub(super) fn retire_untouched(&self, now: Timestamp, report: &mut TickReport) -> Result<u64> {
        let touched = self.writer.read(Writer::touched);
        let (kept, expired): (Vec<_>, Vec<_>) =
            self.expired(now).into_iter().partition(|partition| touched.contains(partition));
        let mut samples = 0;
        for partition in kept {
            samples += self.samples_in(partition)?;
        }
        match self.retire_all(&expired, now, Wish::Asked) {
            Ok(applied) => {
                report.retired.extend(applied.retired);
                let problems = applied.problems.into_iter();
                report.problems.extend(problems.map(|problem| format!("retention: {problem}")));
            }
            Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
            Err(error) => report.problems.push(format!("retention: {error}")),
        }
        Ok(samples)
    }

    fn samples_in(&self, partition: Partition) -> Result<u64> {
        let mut samples = 0;
        let view = self.readable.current_view(partition);
        self.readable.scan(&view, OnDamage::Fail, &mut |ids, _, _| {
            samples += u64::try_from(ids.len()).unwrap_or(0);
            Ok(())
        })?;
        Ok(samples)
    }

    /// Writes everything and makes it durable. Queries go on; nothing can be written after it.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush); closing can be tried again, too.
    pub fn close(&self) -> Result<()> {
        if self.readable.read_only {
            return Ok(());
        }
        self.writer.write(Writer::close)
    }

    /// All metrics, by name.
    pub fn metrics(&self) -> Vec<MetricInfo> {
        self.readable.metrics()
    }

    /// One metric, if there is one of this name.
    pub fn metric_info(&self, name: &str) -> Option<MetricInfo> {
        self.readable.metric_info(name)
    }

    /// The newest sample of a metric; nothing when the metric is unknown or has none.
    ///
    /// # Errors
    ///
    /// When a file that may hold it cannot be read.
    pub fn last(&self, metric: &str) -> Result<Option<Sample>> {
        self.readable.last(metric, OnDamage::Fail)
    }

    /// The samples of a metric from `from` to `to`, both included; none when it is unknown.
    ///
    /// # Errors
    ///
    /// When `to` is before `from`, or a file cannot be read.
    pub fn range(&self, metric: &str, from: Timestamp, to: Timestamp) -> Result<Series> {
        self.range_query(metric, RangeQuery::all(checked_range(from, to)?))
    }

    /// The samples of a metric that a query asks for; none when it is unknown.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn range_query(&self, metric: &str, query: RangeQuery) -> Result<Series> {
        let mut series = self.range_many(&[metric], query)?;
        Ok(series.pop().unwrap_or(Series {
            value_type: ValueType::F32,
            times: Vec::new(),
            raws: Vec::new(),
        }))
    }

    /// The samples of several metrics, in the order of `metrics`; unknown names, and repetitions
    /// of a name, have none.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn range_many(&self, metrics: &[&str], query: RangeQuery) -> Result<Vec<Series>> {
        self.readable.range_many(metrics, query, OnDamage::Fail)
    }

    /// Visits the samples of a metric in order of time, in batches, so that a range of any length
    /// needs little memory.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn visit_range(
        &self,
        metric: &str,
        query: RangeQuery,
        mut visit: impl FnMut(Batch<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.readable.visit_range(metric, query, OnDamage::Fail, &mut visit)
    }

    /// Visits the samples of several metrics: for each stretch of time, metric by metric, with the
    /// metric's place among the names. Unknown names and repetitions have no samples.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn visit_many(
        &self,
        metrics: &[&str],
        query: RangeQuery,
        mut visit: impl FnMut(usize, Batch<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.readable.visit_many(metrics, query, OnDamage::Fail, &mut visit)
    }

    /// Visits the windows of a metric that have samples, in order.
    ///
    /// # Errors
    ///
    /// `Rejected` when the window is not longer than 0 or no aggregate is asked for; when a file
    /// cannot be read.
    pub fn aggregate(
        &self,
        metric: &str,
        query: &AggregateQuery<'_>,
        mut emit: impl FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        self.readable.aggregate(metric, query, OnDamage::Fail, &mut emit)
    }

    /// Visits the windows of a metric that have samples, in order, with one value for each of the
    /// program's own aggregates; [`Aggregate`](crate::aggregate::Aggregate)s may be among them.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate).
    pub fn aggregate_with(
        &self,
        metric: &str,
        range: TimeRange,
        grid: Grid,
        aggregates: &[&dyn CustomAggregate],
        mut emit: impl FnMut(&Bucket) -> ControlFlow<()>,
    ) -> Result<()> {
        let fail = OnDamage::Fail;
        self.readable.aggregate_with(metric, range, grid, aggregates, fail, &mut emit)
    }

    /// The samples of a metric that a chart of so many pixels needs; none when it is unknown.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn chart(&self, metric: &str, query: &ChartQuery) -> Result<Chart> {
        self.readable.chart(metric, query, OnDamage::Fail)
    }

    /// Visits every sample of the partitions that a range touches, in storage order: partition by
    /// partition, files before the open page. Columns of ids, times and raw values; samples
    /// outside the range may be among them.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or what `visit` returns.
    pub fn scan(
        &self,
        range: TimeRange,
        mut visit: impl FnMut(&[u16], &[i64], &[u32]) -> Result<()>,
    ) -> Result<()> {
        self.scan_on(OnDamage::Fail, range, &mut visit)
    }

    pub(super) fn scan_on(
        &self,
        on: OnDamage<'_>,
        range: TimeRange,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        self.readable.view(range).iter().try_for_each(|view| self.readable.scan(view, on, visit))
    }

    /// What the database counted since it was opened. Never waits for a disk.
    pub fn stats(&self) -> DbStats {
        let mut stats = self.readable.state.read(|state| state.stats.clone());
        (stats.cache, stats.metric_files) =
            self.readable.cache.read(|cache| (cache.stats(), cache.metric_file_stats()));
        stats
    }

    pub(crate) const fn readable(&self) -> &Arc<Readable<H>> {
        &self.readable
    }

    pub(super) const fn build_defaults(&self) -> BuildOptions {
        self.build
    }

    pub(crate) const fn builds(&self) -> &H::Shared<()> {
        &self.builds
    }

    pub(crate) const fn sealed(&self) -> &H::Shared<Sealed> {
        &self.sealed
    }

    pub(super) const fn clock(&self) -> &Arc<H::Shared<ClockWatch>> {
        &self.clock
    }

    pub(super) const fn seen(&self) -> &H::Shared<Seen> {
        &self.seen
    }

    pub(super) const fn retention(&self) -> &H::Shared<BackOff> {
        &self.retention
    }

    pub(crate) fn host(&self) -> &H {
        &self.host
    }

    pub(super) const fn seals(&self) -> bool {
        self.seals
    }

    pub(crate) const fn writer(&self) -> &H::Shared<Writer<H>> {
        &self.writer
    }
}
