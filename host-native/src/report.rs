//! Fields of the reference's reports, which the command line and the server share.

use nanotdb_core::engine::{self, BackfillReport, DeleteReport, FrameIndex};
use nanotdb_core::settings::{self, RollupJob, RollupSource, WrittenDuration};
use nanotdb_core::text::pattern::Pattern;
use nanotdb_core::{TimeRange, Timestamp};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// What a delete did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct Deleted {
    /// Samples of all metrics.
    pub samples: u64,
    /// The metrics, and how many samples of each.
    pub metrics: Vec<DeletedMetric>,
    /// Partitions whose files were written anew.
    pub rewritten_partitions: Vec<String>,
    /// Partitions that held nothing else.
    pub removed_partitions: Vec<String>,
    /// Partitions that stayed as they were.
    pub refused: Vec<RefusedPartition>,
}

/// A metric that samples were deleted of.
#[derive(Debug, Clone, Serialize)]
pub struct DeletedMetric {
    /// Its name.
    pub metric: String,
    /// How many there were.
    pub samples: u64,
}

/// A partition that nothing was deleted in.
#[derive(Debug, Clone, Serialize)]
pub struct RefusedPartition {
    /// Its key.
    pub partition: String,
    /// Why.
    pub error: String,
}

impl From<DeleteReport> for Deleted {
    fn from(done: DeleteReport) -> Self {
        let samples = done.samples();
        let metrics = done.metrics.into_iter();
        let refused = done.refused.into_iter();
        Self {
            samples,
            metrics: metrics.map(|(metric, samples)| DeletedMetric { metric, samples }).collect(),
            rewritten_partitions: done.rewritten,
            removed_partitions: done.removed,
            refused: refused
                .map(|(partition, error)| RefusedPartition { partition, error: error.to_string() })
                .collect(),
        }
    }
}

/// From when to when something reaches.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Span {
    /// The first instant, in nanoseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_timestamp_ns: Option<i64>,
    /// The last instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_timestamp_ns: Option<i64>,
    /// The first instant for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_utc: Option<String>,
    /// The last instant for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_utc: Option<String>,
}

impl Span {
    /// Of a range, if there is one.
    pub fn of(range: Option<TimeRange>) -> Self {
        let (from, to) = (range.map(|range| range.from), range.map(|range| range.to));
        Self {
            min_timestamp_ns: from.map(|time| time.0),
            max_timestamp_ns: to.map(|time| time.0),
            min_utc: from.map(|time| time.to_string()),
            max_utc: to.map(|time| time.to_string()),
        }
    }

    /// The range, if there is one.
    pub fn range(&self) -> Option<TimeRange> {
        TimeRange::new(Timestamp(self.min_timestamp_ns?), Timestamp(self.max_timestamp_ns?))
    }

    /// What all of them cover.
    pub fn all<'a>(spans: impl IntoIterator<Item = &'a Self>) -> Self {
        let ranges = spans.into_iter().filter_map(Self::range);
        Self::of(ranges.reduce(|a, b| TimeRange { from: a.from.min(b.from), to: a.to.max(b.to) }))
    }
}

/// From when to when a part of a file reaches.
#[derive(Debug, Clone, Serialize)]
pub struct StartEnd {
    /// The first instant, in nanoseconds since 1970.
    pub start_timestamp_ns: i64,
    /// The last instant.
    pub end_timestamp_ns: i64,
    /// The first instant for people.
    pub start_utc: String,
    /// The last instant for people.
    pub end_utc: String,
}

impl StartEnd {
    /// Of a range.
    pub fn new(range: TimeRange) -> Self {
        Self {
            start_timestamp_ns: range.from.0,
            end_timestamp_ns: range.to.0,
            start_utc: range.from.to_string(),
            end_utc: range.to.to_string(),
        }
    }
}

/// The rollups of a database.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rollups {
    /// Whether any runs.
    pub enabled: bool,
    /// The file of checkpoints.
    pub checkpoint_file: String,
    /// Empty where none is set.
    pub default_grace: String,
    /// Empty where none is set.
    pub default_interval: String,
    /// Empty where none is set.
    #[serde(rename = "DefaultDestinationDB")]
    pub default_destination_db: String,
    /// `null` where none is set.
    pub default_aggregates: Option<Vec<String>>,
    /// Metrics that no pattern selects.
    pub global_exclude_patterns: Option<Vec<String>>,
    /// The jobs.
    pub jobs: Option<Vec<Job>>,
}

/// One rollup job.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Job {
    /// Its name.
    #[serde(rename = "ID")]
    pub id: String,
    /// What it reads, or empty.
    pub source_metric: String,
    /// What it reads, or empty.
    pub source_pattern: String,
    /// What it does not read.
    pub exclude_patterns: Option<Vec<String>>,
    /// Length of a period.
    pub interval: String,
    /// What it computes.
    pub aggregates: Option<Vec<String>>,
    /// Where it writes.
    #[serde(rename = "DestinationDB")]
    pub destination_db: String,
    /// What it writes starts with this.
    pub destination_metric_prefix: String,
    /// Empty where it sets none.
    pub grace: String,
}

impl Rollups {
    /// What a manifest says.
    pub fn of(rollups: &settings::Rollups) -> Self {
        let text = |duration: &Option<WrittenDuration>| {
            duration.as_ref().map_or_else(String::new, |duration| duration.as_str().to_string())
        };
        let texts = |patterns: &[Pattern]| {
            some(patterns.iter().map(|pattern| pattern.as_str().to_string()).collect())
        };
        Self {
            enabled: rollups.enabled,
            checkpoint_file: rollups.checkpoint_file.clone(),
            default_grace: text(&rollups.default_grace),
            default_interval: text(&rollups.default_interval),
            default_destination_db: rollups.default_destination_db.clone(),
            default_aggregates: some(rollups.default_aggregates.clone()),
            global_exclude_patterns: texts(&rollups.global_exclude_patterns),
            jobs: some(rollups.jobs.iter().map(Job::of).collect()),
        }
    }
}

impl Job {
    fn of(job: &RollupJob) -> Self {
        let (metric, pattern) = match &job.source {
            RollupSource::Metric(metric) => (metric.clone(), String::new()),
            RollupSource::Pattern(pattern) => (String::new(), pattern.as_str().to_string()),
        };
        let excluded = job.exclude_patterns.iter().map(|pattern| pattern.as_str().to_string());
        Self {
            id: job.id.clone(),
            source_metric: metric,
            source_pattern: pattern,
            exclude_patterns: some(excluded.collect()),
            interval: job.interval.as_str().to_string(),
            aggregates: some(job.aggregates.clone()),
            destination_db: job.destination_db.clone(),
            destination_metric_prefix: job.destination_metric_prefix.clone(),
            grace: job.grace.as_ref().map_or_else(String::new, |grace| grace.as_str().to_string()),
        }
    }
}

/// An empty list is `null` in these reports.
fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    if items.is_empty() { None } else { Some(items) }
}

/// A data file whose pages were written anew.
#[derive(Debug, Clone, Serialize)]
pub struct Recompacted {
    /// The database.
    pub database: String,
    /// The partition's key.
    pub part: String,
    /// The data file.
    pub path: String,
    /// Pages there were.
    pub old_frames: u64,
    /// Pages there are.
    pub new_frames: u64,
    /// Samples in the old pages.
    pub old_records: u64,
    /// Samples in the new ones.
    pub new_records: u64,
    /// Bytes of the old file.
    pub old_bytes: u64,
    /// Bytes of the new one.
    pub new_bytes: u64,
    /// How long it took.
    pub duration_ms: u128,
}

impl Recompacted {
    /// What the engine did to a store in `root`, and how long that took.
    pub fn of(done: engine::RecompactReport, root: &Path, took: Duration) -> Self {
        Self {
            path: root.join(&done.database).join(done.file.as_str()).display().to_string(),
            database: done.database,
            part: done.partition,
            old_frames: done.old.frames,
            new_frames: done.new.frames,
            old_records: done.old.records,
            new_records: done.new.records,
            old_bytes: done.old.bytes,
            new_bytes: done.new.bytes,
            duration_ms: took.as_millis(),
        }
    }
}

/// Rollups that were computed anew: the reference's fields first. Nothing is ever cleared, so those
/// lists are empty.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Backfill {
    /// The databases asked for; none means all.
    pub requested_sources: Vec<String>,
    /// The databases that were condensed.
    pub source_databases: Vec<String>,
    /// The databases that were compared, and written where they differed.
    pub destination_databases: Vec<String>,
    cleared_checkpoint_files: [String; 0],
    cleared_data_files: [String; 0],
    cleared_wal_files: [String; 0],
    cleared_catalog_files: [String; 0],
    /// Databases that were gone through.
    pub replay_passes: usize,
    /// Partitions of destinations that were replaced.
    pub rebuilt_partitions: Vec<String>,
    /// Samples that periods came to.
    pub samples: u64,
    /// What could not be done, and why.
    pub problems: Vec<String>,
}

impl From<BackfillReport> for Backfill {
    fn from(report: BackfillReport) -> Self {
        Self {
            requested_sources: report.requested_sources,
            replay_passes: report.source_databases.len(),
            source_databases: report.source_databases,
            destination_databases: report.destination_databases,
            rebuilt_partitions: report.rebuilt_partitions,
            samples: report.samples,
            problems: report.problems,
            ..Self::default()
        }
    }
}

/// The first thing that is wrong with a data file.
pub fn scan_error(index: &FrameIndex) -> Option<String> {
    let gap = index.damage.first().map(|damage| {
        format!("byte {}: {} bytes skipped: {}", damage.offset, damage.len, damage.error)
    });
    gap.or_else(|| index.tail.map(|error| format!("byte {}: torn tail: {error}", index.good_end)))
}
