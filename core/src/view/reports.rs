//! What was done, for those who asked for it.

use super::Count;
use crate::compress::{CodecId, UnknownCodec};
use crate::engine::{self, BatchReport, ConvertOptions, EngineTick, ImportReport, RollupRun};
use crate::error::{Error, Rejection};
use crate::metric_file::Version;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::Serialize;

/// Rejected rows that a report names; all are counted.
const MAX_ROWS: usize = 100;

/// Rejected lines that a report names; all are counted.
const MAX_LINES: usize = 1000;

/// What became of a batch.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AddReport {
    /// Rows that were taken.
    pub accepted: Count,
    /// Rows that were not.
    pub rejected: Count,
    /// The first hundred of those.
    pub rejections: Vec<RejectedRow>,
}

/// A row that was not taken.
#[derive(Debug, Clone, Serialize)]
pub struct RejectedRow {
    /// Its place in the batch, from 0.
    pub row: Count,
    /// Why.
    pub reason: String,
}

impl AddReport {
    /// Adds what became of the next rows, of which the first has this place in the batch.
    pub fn add(&mut self, batch: &BatchReport, first: usize) {
        let named = |(row, rejection): &(usize, Rejection)| RejectedRow {
            row: first.saturating_add(*row).into(),
            reason: rejection.to_string(),
        };
        self.accepted.add(batch.accepted);
        self.rejected.add(batch.rejected.len());
        let room = MAX_ROWS.saturating_sub(self.rejections.len());
        self.rejections.extend(batch.rejected.iter().take(room).map(named));
    }
}

impl From<&BatchReport> for AddReport {
    fn from(batch: &BatchReport) -> Self {
        let mut report = Self::default();
        report.add(batch, 0);
        report
    }
}

/// What an import of lines did.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinesReport {
    /// All of them.
    pub total_lines: Count,
    /// Those that were taken.
    pub imported_lines: Count,
    /// Blank lines and comments.
    pub skipped_lines: Count,
    /// Those that were not taken.
    pub rejected_lines: Count,
    /// The first thousand of those.
    pub rejections: Vec<RejectedLine>,
    /// Databases that samples went to.
    pub databases: Vec<String>,
}

/// A line that was not taken.
#[derive(Debug, Clone, Serialize)]
pub struct RejectedLine {
    /// Its number, from 1.
    pub line: Count,
    /// Why.
    pub reason: String,
}

/// The rejected lines that a report will name.
#[derive(Debug, Default)]
pub struct Rejections(Vec<RejectedLine>);

impl Rejections {
    /// Hears of a rejected line.
    pub fn note(&mut self, line: engine::RejectedLine) {
        if self.0.len() < MAX_LINES {
            self.0.push(RejectedLine { line: line.number.into(), reason: line.reason });
        }
    }

    /// The report of the import that is done.
    pub fn report(self, done: ImportReport) -> LinesReport {
        LinesReport {
            total_lines: done.total_lines.into(),
            imported_lines: done.imported_lines.into(),
            skipped_lines: done.skipped_lines.into(),
            rejected_lines: done.rejected_lines.into(),
            rejections: self.0,
            databases: done.databases.into_iter().collect(),
        }
    }
}

/// What a delete did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteReport {
    /// Samples of all metrics that are gone.
    pub samples: Count,
    /// The metrics, and how many samples of each are gone.
    pub metrics: Vec<DeletedMetric>,
    /// Keys of the partitions whose files were written anew.
    pub rewritten: Vec<String>,
    /// Keys of the partitions that held nothing else and are gone.
    pub removed: Vec<String>,
    /// Partitions that stayed as they were.
    pub refused: Vec<RefusedPartition>,
}

/// A metric that samples were deleted of.
#[derive(Debug, Clone, Serialize)]
pub struct DeletedMetric {
    /// Its name.
    pub metric: String,
    /// How many there were.
    pub samples: Count,
}

/// A partition that nothing was deleted in.
#[derive(Debug, Clone, Serialize)]
pub struct RefusedPartition {
    /// Its key.
    pub partition: String,
    /// Why.
    pub reason: String,
}

impl From<engine::DeleteReport> for DeleteReport {
    fn from(done: engine::DeleteReport) -> Self {
        let deleted =
            |(metric, samples): (String, u64)| DeletedMetric { metric, samples: samples.into() };
        let refused = |(partition, error): (String, Error)| RefusedPartition {
            partition,
            reason: error.to_string(),
        };
        Self {
            samples: done.samples().into(),
            metrics: done.metrics.into_iter().map(deleted).collect(),
            rewritten: done.rewritten,
            removed: done.removed,
            refused: done.refused.into_iter().map(refused).collect(),
        }
    }
}

/// What building a metric file did.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildReport {
    /// Key of the partition.
    pub partition: String,
    /// The file that was written.
    pub metric_file: String,
    /// Its layout: `v1`, `v2` or `v3`.
    pub format: &'static str,
    /// Bytes of the files that were read.
    pub source_bytes: Count,
    /// Bytes of the file that was written.
    pub metric_bytes: Count,
    /// Metrics in it.
    pub metrics: Count,
    /// Samples in it.
    pub points: Count,
}

impl From<engine::BuildReport> for BuildReport {
    fn from(built: engine::BuildReport) -> Self {
        Self {
            partition: built.partition,
            metric_file: built.metric_file.to_string(),
            format: built.version.name(),
            source_bytes: built.source_bytes.into(),
            metric_bytes: built.metric_bytes.into(),
            metrics: built.metrics.into(),
            points: built.points.into(),
        }
    }
}

/// What a metric file is to be converted to: a layout and, for those that have one, a codec, by
/// their names; `default_codec` where none is named.
///
/// # Errors
///
/// `Invalid` when there is no such layout or codec.
pub fn convert_options(
    format: &str,
    codec: Option<&str>,
    default_codec: CodecId,
) -> Result<ConvertOptions, Error> {
    let unknown = |error: UnknownCodec| Rejection::Invalid(error.to_string());
    let codec = codec.map_or(Ok(default_codec), |name| name.parse().map_err(unknown))?;
    Ok(ConvertOptions { version: format.parse()?, codec, ..ConvertOptions::default() })
}

/// What converting a metric file did.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvertReport {
    /// Key of the partition.
    pub partition: String,
    /// The file.
    pub metric_file: String,
    /// The layout it had.
    pub old_format: &'static str,
    /// Its bytes before.
    pub old_bytes: Count,
    /// The layout it has.
    pub new_format: &'static str,
    /// Its bytes now.
    pub new_bytes: Count,
    /// Metrics in it.
    pub metrics: Count,
    /// Samples in it.
    pub points: Count,
    /// Whether it was written anew; not where it was as it should be.
    pub converted: bool,
}

impl From<engine::ConvertReport> for ConvertReport {
    fn from(done: engine::ConvertReport) -> Self {
        Self {
            partition: done.partition,
            metric_file: done.metric_file.to_string(),
            old_format: done.old_version.name(),
            old_bytes: done.old_bytes.into(),
            new_format: done.version.name(),
            new_bytes: done.bytes.into(),
            metrics: done.metrics.into(),
            points: done.points.into(),
            converted: done.converted,
        }
    }
}

/// What writing a data file anew did.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecompactReport {
    /// Key of the partition.
    pub partition: String,
    /// The data file.
    pub file: String,
    /// Its bytes before.
    pub old_bytes: Count,
    /// Its bytes now.
    pub new_bytes: Count,
    /// Its frames before.
    pub old_frames: Count,
    /// Its frames now.
    pub new_frames: Count,
    /// Samples in it.
    pub records: Count,
}

impl From<engine::RecompactReport> for RecompactReport {
    fn from(done: engine::RecompactReport) -> Self {
        Self {
            partition: done.partition,
            file: done.file.to_string(),
            old_bytes: done.old.bytes.into(),
            new_bytes: done.new.bytes.into(),
            old_frames: done.old.frames.into(),
            new_frames: done.new.frames.into(),
            records: done.new.records.into(),
        }
    }
}

/// What was found in a file.
#[derive(Debug, Clone, Serialize)]
pub struct FileCheck {
    /// Its name.
    pub file: String,
    /// Its length.
    pub bytes: Count,
    /// Of a metric file: its layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
    /// Frames, or log records.
    pub frames: Count,
    /// Samples.
    pub samples: Count,
    /// What is wrong; nothing when it is whole.
    pub problems: Vec<String>,
    /// Why it could not be read now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl From<engine::FileCheck> for FileCheck {
    fn from(check: engine::FileCheck) -> Self {
        Self {
            file: check.file.to_string(),
            bytes: check.bytes.into(),
            format: check.version.map(Version::name),
            frames: check.frames.into(),
            samples: check.samples.into(),
            problems: check.problems,
            unread: check.unread,
        }
    }
}

/// A partition that expired.
#[derive(Debug, Clone, Serialize)]
pub struct Retired {
    /// Its key.
    pub partition: String,
    /// The files that are gone.
    pub files: Vec<String>,
    /// Bytes of those.
    pub bytes: Count,
    /// The archive that has them now, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
}

impl From<engine::Retired> for Retired {
    fn from(retired: engine::Retired) -> Self {
        Self {
            partition: retired.partition,
            files: retired.files.iter().map(ToString::to_string).collect(),
            bytes: retired.bytes.into(),
            archive: retired.archive.map(|name| name.to_string()),
        }
    }
}

/// What a tick did.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TickReport {
    /// Metric files that were built.
    pub built: Count,
    /// Partitions that expired.
    pub retired: Count,
    /// Samples that rollups wrote.
    pub rolled_up: Count,
    /// What could not be done, and why.
    pub problems: Vec<String>,
}

impl From<EngineTick> for TickReport {
    fn from(tick: EngineTick) -> Self {
        let mut report = Self::default();
        for (name, database) in tick.databases {
            report.built.add(database.built.len());
            report.retired.add(database.retired.len());
            let problems = database.problems.into_iter();
            report.problems.extend(problems.map(|problem| format!("{name}: {problem}")));
        }
        tick.rollups.iter().for_each(|run| report.add(run));
        report
    }
}

impl From<&RollupRun> for TickReport {
    fn from(run: &RollupRun) -> Self {
        let mut report = Self::default();
        report.add(run);
        report
    }
}

impl TickReport {
    fn add(&mut self, run: &RollupRun) {
        self.rolled_up.add(run.samples);
        let problems = run.problems.iter();
        self.problems.extend(problems.map(|problem| format!("{}: {problem}", run.source)));
    }
}
