//! Looking into a running database: its open pages and its log.

use super::database::Database;
use super::files::FileKind;
use super::host::{Clock, Host, Shared};
use super::logs::LogKind;
use super::state::{Readable, State};
use super::writer::page_limits;
use crate::error::Result;
use crate::metric_file::Version;
use crate::page::{OpenPage, PageView};
use crate::partition::Partition;
use crate::settings::DatabaseSettings;
use crate::sorted::{SortedMap, SortedSet};
use crate::stats::DbStats;
use crate::storage::{Storage, StorageFile};
use crate::types::{MetricId, TimeRange, Timestamp, Value, ValueType};
use crate::wal::{Item, Record, Records};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A database as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DbInspect {
    /// Its name.
    pub database: String,
    /// Metrics in its catalog.
    pub metric_count: usize,
    /// Its settings.
    pub settings: DatabaseSettings,
    /// Its counters.
    pub stats: DbStats,
    /// Its open pages, in order of time.
    pub open_pages: Vec<OpenPageStats>,
}

/// A page that was not written to its data file yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenPageStats {
    /// Key of its partition.
    pub partition: String,
    /// Samples in it.
    pub records: usize,
    /// Metrics of the database.
    pub metric_slots: usize,
    /// Metrics that have samples in it.
    pub unique_metrics: usize,
    /// Bytes of its samples before compression.
    pub value_bytes: u64,
    /// From its earliest to its latest sample.
    pub range: TimeRange,
    /// Samples at which it is full.
    pub max_records: usize,
    /// Bytes at which it is full.
    pub max_bytes: u64,
    /// Nanoseconds after which it is written.
    pub max_age_ns: i64,
    /// Nanoseconds since its first sample arrived.
    pub age_ns: i64,
    /// Whether the log holds any of its samples.
    pub logged: bool,
    /// Whether it is full, and about to be written.
    pub full: bool,
    /// Whether its partition has a data file already.
    pub persisted: bool,
}

/// The logs of a database at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct WalInspect {
    /// Bytes in both logs.
    pub bytes: u64,
    /// Bytes of these that are in the log of late samples.
    pub late_bytes: u64,
    /// The records in the order they were written: first those of the first log, then the late.
    pub records: Vec<WalRecord>,
    /// Stretches that are no records, and what follows the last one: where, and what is wrong.
    pub problems: Vec<String>,
}

/// One record of a log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WalRecord {
    /// Whether it stands in the log of late samples.
    pub late: bool,
    /// Where it starts, in bytes from the start of its log.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
    /// Number of its metric.
    pub metric_id: u16,
    /// Name of its metric, where catalog or log tells.
    pub metric: Option<String>,
    /// When it was measured.
    pub time: Timestamp,
    /// What was measured: of the metric's type (D-18), an integer where nobody knows that.
    pub value: Value,
}

impl<H: Host> Database<H> {
    /// The layout of a partition's metric file, from its first bytes; nothing where there is
    /// none, or it cannot be read.
    pub fn metric_version(&self, partition: Partition) -> Option<Version> {
        let name = FileKind::Metric.name(partition).ok()?;
        let mut front = [0; 8];
        let read = self.readable().storage.open(&name).and_then(|file| file.read_at(0, &mut front));
        read.ok().and_then(|_| Version::of(&front))
    }

    /// The database as it is: settings, counters and open pages. Never waits for a disk.
    pub fn inspect(&self) -> DbInspect {
        let settings = self.settings().clone();
        let now = self.host().clock().monotonic();
        let limits = page_limits(&settings);
        let (metric_count, pages) = self.readable().state.read(|state| {
            let metric_count = state.catalog.iter().filter(|entry| entry.is_listed()).count();
            let seen = |(&partition, page): (&Partition, &OpenPage)| {
                let (from, to) = page.bounds();
                let range = TimeRange { from: Timestamp(from), to: Timestamp(to) };
                let stats = OpenPageStats {
                    partition: partition.to_string(),
                    records: page.len(),
                    metric_slots: metric_count,
                    unique_metrics: 0,
                    value_bytes: page.payload_bytes(),
                    range,
                    max_records: limits.max_records,
                    max_bytes: limits.max_bytes,
                    max_age_ns: limits.max_age_ns,
                    age_ns: page.age_ns(now),
                    logged: page.logged,
                    full: page.is_full(&limits),
                    persisted: state.files_of(partition).data.is_some(),
                };
                (stats, page.view())
            };
            let pages: Vec<_> = state.pages.iter().map(seen).collect();
            (metric_count, pages)
        });
        // Outside the lock: it goes through every sample.
        let counted = |(mut stats, view): (OpenPageStats, PageView)| {
            stats.unique_metrics = unique_metrics(&view);
            stats
        };
        DbInspect {
            database: self.name().to_string(),
            metric_count,
            settings,
            stats: self.stats(),
            open_pages: pages.into_iter().filter(|(s, _)| s.records > 0).map(counted).collect(),
        }
    }

    /// Whether samples were taken that would go with the process: those that are neither in the
    /// log, because the settings keep them out of it, nor in a file yet.
    pub fn has_unlogged(&self) -> bool {
        self.readable().state.read(State::has_unlogged)
    }

    /// The records of the logs, their names and types from the catalog (D-18). Writes wait while
    /// the logs are read.
    ///
    /// # Errors
    ///
    /// When a log cannot be read.
    pub fn inspect_wal(&self) -> Result<WalInspect> {
        let [main, late] = self.writer().read(|writer| {
            LogKind::ALL.map(|kind| {
                let len = writer.staging.logs.as_ref().map(|logs| logs.len_of(kind));
                self.readable().read_log(kind, len)
            })
        });
        let (main, late) = (main?, late?);
        let mut known = self.readable().known_metrics();
        let late_bytes = to_u64(late.len());
        let bytes = to_u64(main.len()) + late_bytes;
        let mut found = WalInspect { bytes, late_bytes, records: Vec::new(), problems: Vec::new() };
        found.add(&main, LogKind::Main, &mut known);
        found.add(&late, LogKind::Late, &mut known);
        Ok(found)
    }
}

impl WalInspect {
    fn add(&mut self, bytes: &[u8], kind: LogKind, known: &mut Known) {
        let log = if kind == LogKind::Late { "late samples: " } else { "" };
        let mut records = Records::new(bytes);
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, len) => {
                    self.records.push(resolved(&record, kind, offset, len, known));
                }
                Item::Damage(len, error) => {
                    self.problems.push(format!("{log}{len} bytes at {offset}: {error}"));
                }
            }
        }
        if let Some(tail) = records.tail() {
            let (len, at) = (tail.len, tail.offset);
            self.problems.push(format!("{log}{len} bytes at {at}: {}", tail.reason));
        }
    }
}

/// Names and types of metrics, by id.
type Known = SortedMap<u16, (String, Option<ValueType>)>;

fn resolved(
    record: &Record<'_>,
    kind: LogKind,
    offset: usize,
    len: usize,
    known: &mut Known,
) -> WalRecord {
    if let Some(introduced) = record.introduces {
        let name =
            || (String::from_utf8_lossy(introduced.name).into_owned(), introduced.value_type);
        known.get_or_insert_with(record.id, name);
    }
    let metric = known.get(&record.id);
    let value_type = metric.and_then(|(_, value_type)| *value_type).unwrap_or(ValueType::I32);
    WalRecord {
        late: kind == LogKind::Late,
        offset: to_u64(offset),
        len: to_u64(len),
        metric_id: record.id,
        metric: metric.map(|(name, _)| name.clone()),
        time: Timestamp(record.time),
        value: Value::from_raw(value_type, record.raw),
    }
}

fn unique_metrics(page: &PageView) -> usize {
    let ids: SortedSet<u16> =
        page.chunks.iter().flat_map(|chunk| chunk.ids.iter().copied()).collect();
    ids.len()
}

impl<H: Host> Readable<H> {
    fn known_metrics(&self) -> Known {
        let metrics = self.metrics().into_iter();
        let known = |metric: crate::query::MetricInfo| {
            (MetricId::get(metric.id), (metric.name, Some(metric.value_type)))
        };
        metrics.map(known).collect()
    }

    /// The first `len` bytes of a log, or all of it: a file may be longer than what was
    /// written. Nothing where there is no log.
    fn read_log(&self, kind: LogKind, len: Option<u64>) -> Result<Vec<u8>> {
        let name = kind.file_name(&self.name)?;
        let len = match len {
            None => return Ok(self.storage.read(&name)?.unwrap_or_default()),
            Some(0) => return Ok(Vec::new()),
            Some(len) => len,
        };
        let mut bytes = alloc::vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        let read = self.storage.open(&name)?.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

fn to_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
