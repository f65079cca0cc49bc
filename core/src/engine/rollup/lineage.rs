//! What becomes of a metric: the rollups that read it, those that read their results, and so on.

use crate::engine::host::Host;
use crate::engine::root::Engine;
use crate::error::Result;
use crate::rollup::{covers, tasks};
use crate::sorted::SortedSet;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One metric that a rollup writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LineageStep {
    /// How many rollups lie between it and the metric asked for, itself included.
    pub hop: usize,
    /// The database it is in.
    pub database: String,
    /// Its name.
    pub metric: String,
    /// The aggregate it holds.
    pub aggregate: String,
    /// The job that writes it.
    pub job: String,
    /// Length of the periods in nanoseconds.
    pub interval_ns: i64,
}

/// What becomes of a metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lineage {
    /// The metrics made of it, by hop, database, metric, aggregate and job.
    pub steps: Vec<LineageStep>,
    /// Whether there would have been more behind the last hop.
    pub is_truncated: bool,
}

impl<H: Host> Engine<H> {
    /// Follows a metric through at most so many rollups, pattern jobs included: the reference
    /// follows those alone that name it.
    ///
    /// # Errors
    ///
    /// When there is no such database, or one on the way cannot be opened.
    pub fn lineage(&self, database: &str, metric: &str, max_hops: usize) -> Result<Lineage> {
        self.database(database)?;
        let start = (database.to_string(), metric.to_string());
        let mut seen = SortedSet::from([start.clone()]);
        let mut next = VecDeque::from([(0, start)]);
        let (mut steps, mut is_truncated) = (SortedSet::new(), false);
        while let Some((hop, (database, metric))) = next.pop_front() {
            let made = self.made_of(&database, &metric)?;
            if hop >= max_hops {
                is_truncated |= !made.is_empty();
                continue;
            }
            for mut step in made {
                step.hop = hop + 1;
                let place = (step.database.clone(), step.metric.clone());
                if seen.insert(place.clone()) {
                    next.push_back((hop + 1, place));
                }
                steps.insert(step);
            }
        }
        Ok(Lineage { steps: steps.into_iter().collect(), is_truncated })
    }

    /// What rollups make of one metric. Its database may not exist yet.
    fn made_of(&self, database: &str, metric: &str) -> Result<Vec<LineageStep>> {
        let Some(source) = self.find(database)? else { return Ok(Vec::new()) };
        let settings = source.settings();
        if !settings.rollups.jobs.iter().any(|job| covers(settings, job, metric)) {
            return Ok(Vec::new());
        }
        // The metric may not exist yet either.
        let tasks = tasks(settings, &[metric]).into_iter().filter(|task| task.metric == metric);
        Ok(tasks
            .flat_map(|task| {
                let (job, database) = (task.job, task.destination);
                task.outputs.into_iter().map(move |(aggregate, metric)| LineageStep {
                    hop: 0,
                    database: database.clone(),
                    metric,
                    aggregate: aggregate.name().to_string(),
                    job: job.clone(),
                    interval_ns: task.interval_ns,
                })
            })
            .collect())
    }
}
