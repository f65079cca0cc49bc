//! Looking into a database.

use super::column::ColumnInfo;
use super::settings::{Setting, of_database};
use super::{Count, type_name};
use crate::compress::{CodecId, Codecs};
use crate::engine::{
    Database, DbInspect, FileKind, FrameIndex, Host, OpenPageStats, RecoveredMetric, WalRecord,
};
use crate::error::{Rejection, Result};
use crate::metric_file::{MetricFile, Version};
use crate::partition::Partition;
use crate::query::MetricInfo;
use crate::sorted::{SortedMap, SortedSet, sort_by};
use crate::stats::DbStats;
use crate::storage::{FileName, Storage, StorageFile};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::Serialize;

/// A database as it is now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseInfo {
    /// Its name.
    pub name: String,
    /// How many metrics it has.
    pub metrics: Count,
    /// How many partitions have files.
    pub partitions: Count,
    /// Bytes of its files.
    pub bytes: Count,
    /// What its manifest says.
    pub settings: Vec<Setting>,
    /// Pages that are not in a file yet.
    pub open_pages: Vec<OpenPage>,
    /// What opening it found that is damaged or strange.
    pub problems: Vec<String>,
    /// What it counted.
    pub stats: DatabaseStats,
}

impl DatabaseInfo {
    /// A database of which the host lists these files with their lengths.
    pub fn of<H: Host>(database: &Database<H>, files: &[(FileName, u64)]) -> Self {
        let found: DbInspect = database.inspect();
        let partitions: SortedSet<Partition> = files
            .iter()
            .filter_map(|(name, _)| FileKind::parse(name.as_str()))
            .map(|(_, partition)| partition)
            .collect();
        let bytes = files.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        Self {
            name: found.database,
            metrics: found.metric_count.into(),
            partitions: partitions.len().into(),
            bytes: bytes.into(),
            settings: of_database(&found.settings),
            open_pages: found.open_pages.iter().map(OpenPage::of).collect(),
            problems: problems(database),
            stats: DatabaseStats::of(&found.stats),
        }
    }
}

/// What opening found, and names that turned out to be lost since.
fn problems<H: Host>(database: &Database<H>) -> Vec<String> {
    let report = database.open_report();
    let since = database.recovered();
    let since = if since == report.recovered { None } else { RecoveredMetric::note(&since) };
    report.notes().chain(since).collect()
}

/// A page that is not in its data file yet.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenPage {
    /// Key of its partition.
    pub partition: String,
    /// Samples in it.
    pub samples: Count,
    /// Metrics that those are of.
    pub metrics: Count,
    /// Bytes of them.
    pub bytes: Count,
    /// Time of the first.
    pub from: i64,
    /// Time of the last.
    pub to: i64,
    /// Samples at which it is written.
    pub max_samples: Count,
    /// Bytes at which it is written.
    pub max_bytes: Count,
    /// Age at which it is written.
    pub max_age_ns: i64,
    /// Its age.
    pub age_ns: i64,
    /// Whether the log has its samples.
    pub logged: bool,
    /// Whether it is written next.
    pub full: bool,
}

impl OpenPage {
    fn of(page: &OpenPageStats) -> Self {
        Self {
            partition: page.partition.clone(),
            samples: page.records.into(),
            metrics: page.unique_metrics.into(),
            bytes: page.value_bytes.into(),
            from: page.range.from.0,
            to: page.range.to.0,
            max_samples: page.max_records.into(),
            max_bytes: page.max_bytes.into(),
            max_age_ns: page.max_age_ns,
            age_ns: page.age_ns,
            logged: page.logged,
            full: page.full,
        }
    }
}

/// Counters since a database was opened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStats {
    /// Samples that were taken.
    pub samples: Count,
    /// Pages that were written.
    pub pages_written: Count,
    /// Bytes of those.
    pub page_bytes: Count,
    /// Bytes in the log.
    pub log_bytes: Count,
    /// Records that were logged.
    pub log_records: Count,
    /// When the log was emptied last.
    pub log_resets: Vec<LogReset>,
    /// Records of the log that opening brought back.
    pub replayed_records: Count,
    /// Bytes of decoded data in the cache.
    pub cache_bytes: Count,
    /// Pieces of data in it.
    pub cache_entries: Count,
    /// How often it had what was asked for.
    pub cache_hits: Count,
    /// How often it had not.
    pub cache_misses: Count,
    /// Bytes of times and values that queries read of metric files.
    pub metric_payload_bytes: Count,
    /// Stretches of metric files whose statistics stood for their samples.
    pub metric_spans: Count,
}

/// The log was emptied.
#[derive(Debug, Clone, Serialize)]
pub struct LogReset {
    /// When.
    pub at: i64,
    /// Bytes that it had.
    pub bytes: Count,
}

impl DatabaseStats {
    fn of(stats: &DbStats) -> Self {
        let cache = stats.cache.blocks;
        let resets = stats.wal.recent_resets.iter();
        let reset =
            |reset: &crate::stats::WalReset| LogReset { at: reset.at.0, bytes: reset.bytes.into() };
        Self {
            samples: stats.samples.into(),
            pages_written: stats.data.flush_bytes.count().into(),
            page_bytes: stats.data.flush_bytes.total().into(),
            log_bytes: stats.wal.buffer_bytes.into(),
            log_records: stats.wal.append_count.into(),
            log_resets: resets.map(reset).collect(),
            replayed_records: stats.replay.records.into(),
            cache_bytes: cache.bytes.into(),
            cache_entries: cache.entries.into(),
            cache_hits: cache.hits.into(),
            cache_misses: cache.misses.into(),
            metric_payload_bytes: stats.metric_files.payload_bytes.into(),
            metric_spans: stats.metric_files.spans.into(),
        }
    }
}

/// A partition and its files.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionInfo {
    /// Its key.
    pub partition: String,
    /// Its first moment.
    pub from: i64,
    /// Its last moment.
    pub to: i64,
    /// Its files.
    pub files: Vec<StoredFile>,
    /// Whether it has samples that no file has yet.
    pub open: bool,
}

/// A file of a partition.
#[derive(Debug, Clone, Serialize)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// `data`, `raw` or `metric`.
    pub kind: &'static str,
    /// Its length.
    pub bytes: Count,
    /// Of a metric file: its layout, where its first bytes say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
}

impl PartitionInfo {
    /// The partitions of a database of which the host lists these files, oldest first.
    pub fn all<H: Host>(database: &Database<H>, files: &[(FileName, u64)]) -> Vec<Self> {
        let mut partitions: SortedMap<Partition, Vec<StoredFile>> = SortedMap::new();
        for (name, bytes) in files {
            if let Some((kind, partition)) = FileKind::parse(name.as_str()) {
                let version = match kind {
                    FileKind::Metric => database.metric_version(partition),
                    FileKind::Data | FileKind::Raw => None,
                };
                partitions.get_or_default(partition).push(StoredFile {
                    name: name.to_string(),
                    kind: kind_name(kind),
                    bytes: (*bytes).into(),
                    format: version.map(Version::name),
                });
            }
        }
        let pages = database.inspect().open_pages;
        let open: SortedSet<Partition> =
            pages.iter().filter_map(|page| page.partition.parse().ok()).collect();
        for &partition in &open {
            partitions.get_or_default(partition);
        }
        let view = |(partition, files): (Partition, Vec<StoredFile>)| {
            let range = partition.range();
            Self {
                partition: partition.to_string(),
                from: range.from.0,
                to: range.to.0,
                files,
                open: open.contains(&partition),
            }
        };
        let mut views: Vec<_> = partitions.into_iter().map(view).collect();
        sort_by(&mut views, |a, b| a.from < b.from);
        views
    }
}

const fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Data => "data",
        FileKind::Raw => "raw",
        FileKind::Metric => "metric",
    }
}

/// What a file of a partition holds.
#[derive(Debug, Clone, Serialize)]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: Count,
    /// `pages` or the version of a metric file.
    pub format: String,
    /// Its frames, or the metrics of a metric file.
    pub frames: Vec<FrameInfo>,
    /// Of a metric file of version 3: how the shared columns of times are encoded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<ColumnInfo>,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A frame of a data file, or a metric of a metric file.
#[derive(Debug, Clone, Serialize)]
pub struct FrameInfo {
    /// Where it starts.
    pub offset: Count,
    /// Its length; in version 3 with its statistics.
    pub bytes: Count,
    /// Samples in it.
    pub samples: Count,
    /// How it is compressed; `columns` in version 3.
    pub codec: &'static str,
    /// Time of the first sample.
    pub from: i64,
    /// Time of the last sample.
    pub to: i64,
    /// Of a metric file: which metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Of a metric file: the type of its values.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<&'static str>,
    /// Of a metric file of version 3: how its values are encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<ColumnInfo>,
}

impl FileInfo {
    /// A file in the directory of a database.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is no file of a partition; `NotFound`, or whatever the platform reports.
    /// Damage is among the problems.
    pub fn of<H: Host>(
        database: &Database<H>,
        directory: &impl Storage,
        file: &str,
        codecs: &Codecs,
    ) -> Result<Self> {
        let name = FileName::new(file)?;
        let Some((kind, partition)) = FileKind::parse(file) else {
            let detail = format!("{file}: expected a data, raw or metric file");
            return Err(Rejection::Invalid(detail).into());
        };
        let stored = directory.open(&name)?;
        let bytes = stored.len()?;
        let mut info = Self {
            name: file.to_owned(),
            bytes: bytes.into(),
            format: "pages".to_owned(),
            frames: Vec::new(),
            times: Vec::new(),
            problems: Vec::new(),
        };
        let described = match kind {
            FileKind::Metric => info.describe_metrics(stored, codecs, &database.metrics()),
            FileKind::Data | FileKind::Raw => {
                info.describe_pages(&stored, bytes, partition, codecs)
            }
        };
        if let Err(error) = described {
            info.problems.push(error.to_string());
        }
        Ok(info)
    }

    fn describe_pages(
        &mut self,
        file: &impl StorageFile,
        bytes: u64,
        partition: Partition,
        codecs: &Codecs,
    ) -> Result<()> {
        let mut index = FrameIndex::default();
        index.walk(file, bytes, partition, codecs.get(CodecId::S2))?;
        self.frames.extend(index.frames.iter().map(|frame| FrameInfo {
            offset: frame.offset.into(),
            bytes: frame.header.frame_len().into(),
            samples: frame.header.record_count.into(),
            codec: CodecId::S2.name(),
            from: frame.header.start,
            to: frame.header.end,
            metric: None,
            value_type: None,
            encoding: None,
        }));
        self.problems.extend(index.damage.iter().map(|damage| {
            format!("{} bytes at {} are no page: {}", damage.len, damage.offset, damage.error)
        }));
        Ok(())
    }

    fn describe_metrics(
        &mut self,
        file: impl StorageFile,
        codecs: &Codecs,
        metrics: &[MetricInfo],
    ) -> Result<()> {
        let opened = MetricFile::open(file, &self.name, codecs)?;
        let summary = opened.summary();
        self.format = format!("metric v{}", summary.version.number());
        for entry in opened.entries() {
            let known = metrics.iter().find(|metric| metric.id == entry.metric);
            let name = known.map_or_else(|| format!("#{}", entry.metric.get()), |m| m.name.clone());
            // Damage of one frame is told of, and the others are shown.
            let encoding = ColumnInfo::of_values(&opened, entry).unwrap_or_else(|error| {
                self.problems.push(error.to_string());
                None
            });
            self.frames.push(FrameInfo {
                offset: entry.offset.into(),
                bytes: encoding.as_ref().map_or(entry.payload_len.into(), ColumnInfo::bytes),
                samples: entry.point_count.into(),
                codec: summary.codec.map_or("columns", CodecId::name),
                from: entry.range.from.0,
                to: entry.range.to.0,
                metric: Some(name),
                value_type: Some(type_name(entry.value_type)),
                encoding,
            });
        }
        self.times = ColumnInfo::of_times(&opened)?;
        Ok(())
    }
}

/// The log of a database.
#[derive(Debug, Clone, Serialize)]
pub struct LogInfo {
    /// Its length.
    pub bytes: Count,
    /// Records in it.
    pub records: Count,
    /// The newest of those, oldest first.
    pub newest: Vec<LogRecord>,
    /// What is wrong with it.
    pub problems: Vec<String>,
}

/// A record of the log.
#[derive(Debug, Clone, Serialize)]
pub struct LogRecord {
    /// Where it starts.
    pub offset: Count,
    /// Name of its metric.
    pub metric: String,
    /// Its time.
    pub time: i64,
    /// Its value.
    pub value: f64,
}

impl LogInfo {
    /// The log with so many of its newest records.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn of<H: Host>(database: &Database<H>, limit: usize) -> Result<Self> {
        let found = database.inspect_wal()?;
        let records = found.records.len();
        let view = |record: &WalRecord| LogRecord {
            offset: record.offset.into(),
            metric: record.metric.clone().unwrap_or_else(|| format!("#{}", record.metric_id)),
            time: record.time.0,
            value: record.value.as_f64(),
        };
        Ok(Self {
            bytes: found.bytes.into(),
            records: records.into(),
            newest: found.records.iter().skip(records.saturating_sub(limit)).map(view).collect(),
            problems: found.problems,
        })
    }
}
