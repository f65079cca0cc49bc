//! What rollups have seen of a database: retention takes nothing away before.

use super::deleted::Deleted;
use super::run::{append_checkpoints, checkpoint_file, read_checkpoints};
use crate::engine::database::Database;
use crate::engine::files::PartitionFiles;
use crate::engine::host::{Host, Shared};
use crate::error::Result;
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::rollup::checkpoint::Checkpoints;
use crate::rollup::period_start;
use crate::sorted::SortedMap;
use crate::storage::{FileName, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

/// One line with a time in nanoseconds: retention has taken everything before it.
pub(in crate::engine) const GONE: &str = "retention.gone";

/// See the module.
#[derive(Debug, Default)]
pub(in crate::engine) struct Seen {
    /// Partitions about to expire whose samples are all in rollups, as long as the files are these.
    files: SortedMap<Partition, Arc<PartitionFiles>>,
    /// What the last run could not read up to, and why.
    unread: Option<Unread>,
    /// The newest sample of a metric when its last period was written early, by task.
    early: SortedMap<String, (i64, u32)>,
    /// When the next period ends early, if one can.
    early_due: Option<Timestamp>,
    /// What was deleted that rollups are to follow.
    pub(super) deleted: Deleted,
    /// How often checkpoints were moved back.
    rewinds: u64,
    /// Retention has taken everything before this.
    gone_before: Option<i64>,
    /// Since when an expired partition waits, by the monotonic clock.
    waiting_since: Option<Duration>,
}

/// A sample that is in no rollup though it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Unread {
    /// The earliest such sample.
    pub(in crate::engine) time: i64,
    /// The task that it is for.
    pub(in crate::engine) task: String,
    /// What went wrong, if the period is over.
    pub(in crate::engine) problem: Option<String>,
}

impl Seen {
    /// Whether a task has written the period of its metric's newest sample already.
    pub(in crate::engine) fn has_early(&self, task: &str, newest: (i64, u32)) -> bool {
        self.early.get(task) == Some(&newest)
    }

    pub(in crate::engine) fn note_early(&mut self, task: String, newest: (i64, u32)) {
        self.early.insert(task, newest);
    }

    pub(in crate::engine) const fn rewinds(&self) -> u64 {
        self.rewinds
    }

    /// When the next period ends early, if one can.
    pub(in crate::engine) const fn early_due(&self) -> Option<Timestamp> {
        self.early_due
    }

    /// Notes that rollups have read these files, but for what is from `unread` on.
    pub(in crate::engine) fn note_run(
        &mut self,
        mut files: SortedMap<Partition, Arc<PartitionFiles>>,
        unread: Option<Unread>,
        early_due: Option<Timestamp>,
    ) {
        let first = unread.as_ref().map_or(i64::MAX, |unread| unread.time);
        files.retain(|partition, _| partition.range().to.0 < first);
        (self.files, self.unread, self.early_due) = (files, unread, early_due);
        if self.unread.is_none() {
            self.waiting_since = None;
        }
    }

    /// Whether the samples of these files are all in rollups.
    pub(in crate::engine) fn has_read(&self, partition: Partition, files: &PartitionFiles) -> bool {
        self.files.get(&partition).is_some_and(|read| **read == *files)
    }

    /// What a partition waits for, in words.
    pub(in crate::engine) fn reason(&self) -> String {
        match &self.unread {
            Some(Unread { task, problem: Some(problem), .. }) => format!("{task}: {problem}"),
            Some(Unread { task, problem: None, .. }) => format!("{task}: a period is not over yet"),
            None => "rollups have not run".into(),
        }
    }

    /// For how long a partition has waited in this process.
    pub(in crate::engine) fn waited(&mut self, now: Duration) -> Duration {
        now.saturating_sub(*self.waiting_since.get_or_insert(now))
    }
}

impl<H: Host> Database<H> {
    /// Whether rollups read the samples of this database.
    pub(in crate::engine) fn has_rollups(&self) -> bool {
        let rollups = &self.settings().rollups;
        rollups.enabled && rollups.jobs.iter().any(|job| job.interval.as_nanos() > 0)
    }

    /// The files of the partitions that end before this and have no open page.
    pub(in crate::engine) fn files_before(
        &self,
        time: i64,
    ) -> SortedMap<Partition, Arc<PartitionFiles>> {
        self.readable().state.read(|state| {
            let ended = state.files.iter().filter(|(partition, _)| partition.range().to.0 < time);
            ended
                .filter(|(partition, _)| state.pages.get(partition).is_none_or(OpenPage::is_empty))
                .map(|(&partition, files)| (partition, Arc::clone(files)))
                .collect()
        })
    }

    /// Makes rollups compute the periods of some metrics anew from the times on that `since` says:
    /// their samples are about to change. To be called before they do, so that a crash cannot come
    /// in between.
    ///
    /// # Errors
    ///
    /// When the checkpoint file cannot be read or written.
    pub(in crate::engine) fn rewind_rollups(
        &self,
        since: impl Fn(&str) -> Option<i64>,
    ) -> Result<()> {
        if !self.has_rollups() {
            return Ok(());
        }
        let tasks = self.rollup_tasks();
        let file = checkpoint_file(self)?;
        self.seen().write(|seen| {
            let mut checkpoints = read_checkpoints(self, &file)?;
            let mut back = Checkpoints::new();
            for task in &tasks {
                let Some(from) = since(&task.metric) else { continue };
                seen.early.remove(&task.id);
                let start = period_start(from, task.interval_ns);
                if checkpoints.get(&task.id).is_some_and(|done| *done > start) {
                    back.insert(task.id.clone(), start);
                }
            }
            seen.rewinds += 1;
            append_checkpoints(self, &file, &back, &mut checkpoints)
        })
    }

    /// Notes that retention takes everything before `time`. What rollups made of it is not to be
    /// compared with what is left.
    pub(in crate::engine) fn note_gone(&self, time: i64) -> Result<()> {
        let time = self.gone_before()?.map_or(time, |known| known.max(time));
        self.seen().write(|seen| seen.gone_before = Some(time));
        // What is known may not be stored yet: there was no room for it.
        if self.stored_gone_before()? == Some(time) {
            return Ok(());
        }
        let line = format!("{time}\n");
        Ok(self.readable().storage.replace(&FileName::new(GONE)?, line.as_bytes())?)
    }

    /// Before which time retention has taken everything, if it has taken anything.
    pub(in crate::engine) fn gone_before(&self) -> Result<Option<i64>> {
        let noted = self.seen().read(|seen| seen.gone_before);
        Ok(noted.max(self.stored_gone_before()?))
    }

    fn stored_gone_before(&self) -> Result<Option<i64>> {
        let bytes = self.readable().storage.read(&FileName::new(GONE)?)?.unwrap_or_default();
        Ok(core::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()))
    }

    /// Where the first partition begins. `None` when there is no sample.
    pub(in crate::engine) fn start(&self) -> Result<Option<i64>> {
        let Some(earliest) = self.readable().earliest()? else { return Ok(None) };
        let first = self.readable().view(TimeRange::ALL);
        let start = first.first().map(|view| view.partition.range().from.0);
        Ok(Some(start.filter(|start| *start > i64::MIN).unwrap_or(earliest)))
    }
}
