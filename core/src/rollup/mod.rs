//! Rollups: metrics condensed into periods of fixed length, in another database.
//!
//! Here is what needs no files: which [`Task`]s the jobs of a manifest come to, and the
//! [`checkpoint`] file that says how far each has come. The engine runs them.

pub mod checkpoint;

use crate::aggregate::Aggregate;
use crate::settings::{DatabaseSettings, RollupJob, RollupSource, WrittenDuration};
use crate::sorted::sort_by;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A job for one metric, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its name in the checkpoint file: the job's, for pattern jobs with `::` and the metric's.
    pub id: String,
    /// The job it comes from.
    pub job: String,
    /// The metric that is read.
    pub metric: String,
    /// Length of the periods in nanoseconds, more than 0.
    pub interval_ns: i64,
    /// How long after its end a period may still receive samples, in nanoseconds.
    pub grace_ns: i64,
    /// The database that is written.
    pub destination: String,
    /// What is computed, and the metric that it goes to.
    pub outputs: Vec<(Aggregate, String)>,
}

/// The tasks that a database's rollups come to, by destination, interval and id. `metrics` are
/// the database's, sorted.
pub fn tasks(settings: &DatabaseSettings, metrics: &[&str]) -> Vec<Task> {
    let mut tasks = Vec::new();
    for job in settings.rollups.jobs.iter().filter(|job| job.interval.as_nanos() > 0) {
        match &job.source {
            // Excludes are for patterns: a metric that is named is meant.
            RollupSource::Metric(metric) => {
                let prefix = &job.destination_metric_prefix;
                tasks.push(task(settings, job, (job.id.clone(), metric), prefix));
            }
            RollupSource::Pattern(_) => {
                for metric in metrics.iter().filter(|metric| covers(settings, job, metric)) {
                    let prefix = match job.destination_metric_prefix.as_str() {
                        "" => metric,
                        prefix => prefix,
                    };
                    let id = format!("{}::{metric}", job.id);
                    tasks.push(task(settings, job, (id, metric), prefix));
                }
            }
        }
    }
    sort_by(&mut tasks, |a, b| {
        (&a.destination, a.interval_ns, &a.id) < (&b.destination, b.interval_ns, &b.id)
    });
    tasks
}

/// Whether a job reads a metric.
pub fn covers(settings: &DatabaseSettings, job: &RollupJob, metric: &str) -> bool {
    match &job.source {
        RollupSource::Metric(name) => name == metric,
        RollupSource::Pattern(pattern) => {
            let mut excludes =
                settings.rollups.global_exclude_patterns.iter().chain(&job.exclude_patterns);
            pattern.matches(metric) && !excludes.any(|exclude| exclude.matches(metric))
        }
    }
}

fn task(
    settings: &DatabaseSettings,
    job: &RollupJob,
    (id, metric): (String, &str),
    prefix: &str,
) -> Task {
    let grace = job.grace.as_ref().or(settings.rollups.default_grace.as_ref());
    let mut outputs = Vec::new();
    for aggregate in job.aggregates.iter().filter_map(|name| name.parse::<Aggregate>().ok()) {
        // The alias writes under the own name of what it stands for, like that name itself.
        let output = (aggregate, format!("{prefix}.{}", aggregate.name()));
        if !outputs.contains(&output) {
            outputs.push(output);
        }
    }
    Task {
        id,
        job: job.id.clone(),
        metric: metric.to_string(),
        interval_ns: job.interval.as_nanos(),
        grace_ns: grace.map_or(settings.grace_ns(), WrittenDuration::as_nanos).max(0),
        destination: job.destination_db.clone(),
        outputs,
    }
}

/// The start of the period that a time is in; periods are counted from the epoch.
pub fn period_start(time: i64, interval_ns: i64) -> i64 {
    time.div_euclid(interval_ns).saturating_mul(interval_ns)
}
