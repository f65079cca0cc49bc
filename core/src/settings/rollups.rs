//! The `rollups` tables: which metrics are condensed into which database.
//!
//! Jobs are checked only when rollups are enabled, and dropped otherwise.

use super::WrittenDuration;
use super::reader::Section;
use super::writer::TomlWriter;
use crate::aggregate::Aggregate;
use crate::error::{Error, Result};
use crate::text::pattern::Pattern;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What jobs compute that do not say.
const DEFAULT_AGGREGATES: [&str; 5] = ["min", "max", "sum", "avg", "count"];

/// The rollups of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollups {
    /// Whether any rollup runs.
    pub enabled: bool,
    /// The file that records how far each job has come.
    pub checkpoint_file: String,
    /// The grace time of jobs that set none.
    pub default_grace: Option<WrittenDuration>,
    /// After how long without a sample the last period of a metric counts as over; never less
    /// than the grace time.
    pub silence: WrittenDuration,
    /// The interval of jobs that set none.
    pub default_interval: Option<WrittenDuration>,
    /// The destination of jobs that set none; may be empty.
    pub default_destination_db: String,
    /// The aggregates of jobs that set none; may be empty.
    pub default_aggregates: Vec<String>,
    /// Metrics that no pattern selects.
    pub global_exclude_patterns: Vec<Pattern>,
    /// The jobs, with every default filled in; none when rollups are not enabled.
    pub jobs: Vec<RollupJob>,
}

/// One rollup job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupJob {
    /// Its name in the checkpoint file. Not necessarily unique.
    pub id: String,
    /// What it reads.
    pub source: RollupSource,
    /// Metrics that its pattern does not select.
    pub exclude_patterns: Vec<Pattern>,
    /// Length of the condensed periods. A job whose interval is not positive never runs.
    pub interval: WrittenDuration,
    /// Names of the aggregates, in lower case, aliases as they were written.
    pub aggregates: Vec<String>,
    /// The database it writes to.
    pub destination_db: String,
    /// What destination metrics start with; empty for pattern jobs that use the source's name.
    pub destination_metric_prefix: String,
    /// How long after its end a period may still receive samples, if the job says so itself.
    pub grace: Option<WrittenDuration>,
}

/// The metrics a job reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollupSource {
    /// One metric.
    Metric(String),
    /// Every metric the pattern covers.
    Pattern(Pattern),
}

impl Default for Rollups {
    fn default() -> Self {
        Self {
            enabled: false,
            checkpoint_file: "rollup.checkpoints.log".to_owned(),
            default_grace: None,
            silence: Self::default_silence(),
            default_interval: None,
            default_destination_db: String::new(),
            default_aggregates: Vec::new(),
            global_exclude_patterns: Vec::new(),
            jobs: Vec::new(),
        }
    }
}

impl Rollups {
    fn default_silence() -> WrittenDuration {
        WrittenDuration::seconds("24h", 86_400)
    }

    /// Reads the table. What is absent or blank comes from `base`, except the jobs.
    pub(super) fn read(table: &mut Section<'_>, base: &Self, enabled: bool) -> Result<Self> {
        let enabled = table.flag("enabled")?.unwrap_or(enabled);
        let owned = |text: Option<&str>, base: &str| text.unwrap_or(base).to_owned();
        let mut rollups = Self {
            enabled,
            checkpoint_file: owned(table.trimmed("checkpoint_file")?, &base.checkpoint_file),
            default_grace: optional(table, "default_grace", enabled)?
                .or_else(|| base.default_grace.clone()),
            silence: optional(table, "silence", enabled)?.unwrap_or_else(|| base.silence.clone()),
            default_interval: optional(table, "default_interval", enabled)?
                .or_else(|| base.default_interval.clone()),
            default_destination_db: owned(
                table.trimmed("default_destination_db")?,
                &base.default_destination_db,
            ),
            default_aggregates: strings(&table.texts("default_aggregates")?),
            global_exclude_patterns: patterns(table, "global_exclude_patterns", enabled)?,
            jobs: Vec::new(),
        };
        if rollups.default_aggregates.is_empty() {
            rollups.default_aggregates.clone_from(&base.default_aggregates);
        }
        if rollups.global_exclude_patterns.is_empty() {
            rollups.global_exclude_patterns.clone_from(&base.global_exclude_patterns);
        }
        Ok(rollups)
    }

    /// Checks and keeps one job.
    pub(super) fn read_job(&mut self, table: &mut Section<'_>) -> Result<()> {
        let id = table.trimmed("id")?;
        let source_metric = table.trimmed("source_metric")?;
        let source_pattern = table.trimmed("source_pattern")?;
        let exclude_patterns = patterns(table, "exclude_patterns", self.enabled)?;
        let interval = optional(table, "interval", self.enabled)?;
        let aggregates = table.texts("aggregates")?;
        let destination_db = table.trimmed("destination_db")?;
        let prefix = table.trimmed("destination_metric_prefix")?;
        let grace = optional(table, "grace", self.enabled)?;
        if !self.enabled {
            return Ok(());
        }

        let required = |key: &str| table.refuse(key, "must be set, and not blank");
        let with_default = |key: &str| {
            table.refuse(key, format_args!("must be set here or as rollups.default_{key}"))
        };
        let id = id.ok_or_else(|| required("id"))?;
        let source = match (source_metric, source_pattern) {
            (Some(metric), None) => RollupSource::Metric(metric.to_owned()),
            (None, Some(text)) => RollupSource::Pattern(
                Pattern::new(text).map_err(|error| table.refuse("source_pattern", error))?,
            ),
            _ => {
                let detail = "exactly one of source_metric and source_pattern must be set";
                return Err(table.refuse("source_metric", detail));
            }
        };
        let interval = interval.or_else(|| self.default_interval.clone());
        let interval = interval.ok_or_else(|| with_default("interval"))?;
        let aggregates = self.aggregates(table, &aggregates)?;
        let destination_db = destination_db
            .or_else(|| Some(self.default_destination_db.as_str()).filter(|db| !db.is_empty()))
            .ok_or_else(|| with_default("destination_db"))?
            .to_owned();
        let destination_metric_prefix = prefix.or(source_metric).unwrap_or_default().to_owned();
        self.jobs.push(RollupJob {
            id: id.to_owned(),
            source,
            exclude_patterns,
            interval,
            aggregates,
            destination_db,
            destination_metric_prefix,
            grace,
        });
        Ok(())
    }

    /// The checked names of a job's aggregates.
    fn aggregates(&self, table: &Section<'_>, own: &[&str]) -> Result<Vec<String>> {
        let own = strings(own);
        let asked = match (own.is_empty(), self.default_aggregates.is_empty()) {
            (true, true) => return Ok(strings(&DEFAULT_AGGREGATES)),
            (true, false) => &self.default_aggregates,
            (false, _) => &own,
        };
        let names: Vec<String> =
            asked.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        match names.iter().find(|name| !Aggregate::NAMES.contains(&name.as_str())) {
            None => Ok(names),
            Some(unknown) => Err(refuse_aggregate(table, unknown)),
        }
    }

    /// Writes the table `prefix` + `rollups`. `show_empty` writes empty arrays too.
    pub(super) fn write(&self, w: &mut TomlWriter, prefix: &str, depth: usize, show_empty: bool) {
        let inner = depth.saturating_add(1);
        w.table(depth, &format!("{prefix}rollups"));
        w.value(inner, "enabled", self.enabled);
        w.text(inner, "checkpoint_file", &self.checkpoint_file);
        w.text(inner, "default_grace", text_of(self.default_grace.as_ref()));
        if self.silence != Self::default_silence() {
            w.text(inner, "silence", self.silence.as_str());
        }
        w.text(inner, "default_interval", text_of(self.default_interval.as_ref()));
        w.text(inner, "default_destination_db", &self.default_destination_db);
        if show_empty || !self.default_aggregates.is_empty() {
            let names = self.default_aggregates.iter().map(String::as_str);
            w.texts(inner, "default_aggregates", names);
        }
        if show_empty || !self.global_exclude_patterns.is_empty() {
            let patterns = self.global_exclude_patterns.iter().map(Pattern::as_str);
            w.texts(inner, "global_exclude_patterns", patterns);
        }
        for job in &self.jobs {
            w.array_table(inner, &format!("{prefix}rollups.jobs"));
            job.write(w, inner.saturating_add(1));
        }
    }
}

impl RollupJob {
    fn write(&self, w: &mut TomlWriter, depth: usize) {
        let (metric, pattern) = match &self.source {
            RollupSource::Metric(metric) => (metric.as_str(), ""),
            RollupSource::Pattern(pattern) => ("", pattern.as_str()),
        };
        w.text(depth, "id", &self.id);
        w.text(depth, "source_metric", metric);
        w.text(depth, "source_pattern", pattern);
        if !self.exclude_patterns.is_empty() {
            let patterns = self.exclude_patterns.iter().map(Pattern::as_str);
            w.texts(depth, "exclude_patterns", patterns);
        }
        w.text(depth, "interval", self.interval.as_str());
        w.texts(depth, "aggregates", self.aggregates.iter().map(String::as_str));
        w.text(depth, "destination_db", &self.destination_db);
        w.text(depth, "destination_metric_prefix", &self.destination_metric_prefix);
        w.text(depth, "grace", text_of(self.grace.as_ref()));
    }
}

fn text_of(duration: Option<&WrittenDuration>) -> &str {
    duration.map_or("", WrittenDuration::as_str)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// The duration `key`; one that is malformed counts as absent unless `checked`.
fn optional(
    table: &mut Section<'_>,
    key: &'static str,
    checked: bool,
) -> Result<Option<WrittenDuration>> {
    match table.trimmed(key)? {
        Some(text) if checked => table.as_duration(key, text).map(Some),
        Some(text) => Ok(WrittenDuration::new(text).ok()),
        None => Ok(None),
    }
}

/// The patterns of `key` without blank ones; malformed ones are dropped unless `checked`.
fn patterns(table: &mut Section<'_>, key: &'static str, checked: bool) -> Result<Vec<Pattern>> {
    let mut patterns = Vec::new();
    for text in table.texts(key)? {
        match Pattern::new(text.trim()) {
            Ok(pattern) if !pattern.as_str().is_empty() => patterns.push(pattern),
            Err(error) if checked => {
                return Err(table.refuse(key, format_args!("{text:?}: {error}")));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(patterns)
}

fn refuse_aggregate(table: &Section<'_>, unknown: &str) -> Error {
    let known = Aggregate::NAMES.join(", ");
    table.refuse("aggregates", format_args!("unknown aggregate {unknown:?}: expected {known}"))
}
