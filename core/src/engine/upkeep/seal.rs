//! Sealing: partitions that are done with get a metric file.
//!
//! The reference seals a partition when too many have an open page, which under live ingest
//! never happens. Here time decides (D-08): a partition is due when `max_active_days` newer ones
//! have samples, or have begun by the clock. A sealed partition still takes samples; when some
//! have come and no more follow, it is built anew, from all that it has (D-09).

use super::back_off::BackOff;
use super::build::BuildReport;
use crate::engine::database::Database;
use crate::engine::host::{Clock, Host, Shared};
use crate::engine::state::State;
use crate::engine::writer::data_len;
use crate::error::{Error, Rejection, Result};
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::settings::{DatabaseSettings, RawAction};
use crate::sorted::{SortedMap, SortedSet};
use crate::types::Timestamp;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// What sealing knows from one time to the next.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    /// Partitions that need nothing while their data file has this length.
    settled: SortedMap<Partition, u64>,
    /// Partitions that could not be sealed when their data file had this length, and when to try
    /// again.
    failed: SortedMap<Partition, (u64, BackOff)>,
    /// What went wrong since somebody asked.
    problems: Vec<String>,
}

impl Sealed {
    /// Lets every partition be looked at anew.
    pub(in crate::engine) fn forget(&mut self) {
        self.settled.clear();
        self.failed.clear();
    }

    /// Whether a partition whose data file has this length is to be looked at.
    fn is_open(&self, partition: Partition, len: u64, now: Duration) -> bool {
        let waits = |(failed, back_off): &(u64, BackOff)| *failed == len && !back_off.is_over(now);
        self.settled.get(&partition) != Some(&len)
            && !self.failed.get(&partition).is_some_and(waits)
    }

    fn note_success(&mut self, partition: Partition, len: u64) {
        self.settled.insert(partition, len);
        self.failed.remove(&partition);
    }

    fn note_failure(&mut self, partition: Partition, len: u64, now: Duration, error: &Error) {
        let (failed, back_off) = self.failed.get_or_default(partition);
        *failed = len;
        back_off.note_failure(now);
        self.problems.push(format!("sealing {partition}: {error}"));
    }
}

/// What makes a partition due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Occasion {
    /// A newer partition has begun. Old data is being taken in, partition by partition.
    Begun,
    /// Time has passed. Partitions that samples still come for are left alone for now.
    Tick,
}

impl<H: Host> Database<H> {
    /// Seals what is due as a new partition begins, in the middle of somebody's ingest: failures
    /// are kept for the next tick to report.
    pub(in crate::engine) fn seal_behind_new_partition(&self) {
        if let Err(error) = self.seal_due(Occasion::Begun) {
            self.sealed().write(|sealed| sealed.problems.push(error.to_string()));
        }
    }

    /// Seals what is due. Returns what was built, and what could not be, and why.
    pub(in crate::engine) fn seal(&self) -> Result<(Vec<BuildReport>, Vec<String>)> {
        let built = self.seal_due(Occasion::Tick)?;
        Ok((built, self.sealed().write(|sealed| core::mem::take(&mut sealed.problems))))
    }

    fn seal_due(&self, occasion: Occasion) -> Result<Vec<BuildReport>> {
        let mut built = Vec::new();
        if !self.seals() {
            return Ok(built);
        }
        let options = self.build_defaults();
        let data_len = |partition| self.readable().state.read(|state| data_len(state, partition));
        for partition in self.due(occasion)? {
            let len = data_len(partition);
            let now = self.host().clock().monotonic();
            if !self.sealed().read(|sealed| sealed.is_open(partition, len, now)) {
                continue;
            }
            let outcome = match self.needs_build(partition, options.raw_action) {
                Ok(false) => Ok(()),
                Ok(true) => self
                    .build_metric_file(&format!("{partition}"), options)
                    .map(|report| built.push(report)),
                Err(error) => Err(error),
            };
            match outcome {
                // Samples came meanwhile: another time.
                Err(Error::Rejected(Rejection::PartitionOpen(_))) => {}
                Err(error @ (Error::Poisoned { .. } | Error::Closed)) => return Err(error),
                outcome => {
                    let len = data_len(partition); // a build may have changed it
                    let now = self.host().clock().monotonic(); // it may have taken long to fail
                    self.sealed().write(|sealed| match outcome {
                        Ok(()) => sealed.note_success(partition, len),
                        Err(error) => sealed.note_failure(partition, len, now, &error),
                    });
                }
            }
        }
        Ok(built)
    }

    /// The partitions that should be sealed, the oldest first.
    fn due(&self, occasion: Occasion) -> Result<Vec<Partition>> {
        let now = self.host().clock().now();
        let settings = self.settings();
        let monotonic = self.host().clock().monotonic();
        let quiet_for =
            Duration::from_nanos(u64::try_from(settings.page_max_age_ns()).unwrap_or(0));
        self.writer().write(|writer| {
            writer.check_writable()?;
            let is_quiet = |state: &State, partition: Partition| {
                let appended = writer.appended.get(&partition);
                state.pages.get(&partition).is_none_or(OpenPage::is_empty)
                    && appended.is_none_or(|at| monotonic.saturating_sub(*at) >= quiet_for)
            };
            Ok(self.readable().state.read(|state| {
                let all: SortedSet<Partition> =
                    state.files.keys().chain(state.pages.keys()).copied().collect();
                let due = due(settings, &all, occasion, now);
                let is_due_now =
                    |due: &Partition| occasion == Occasion::Begun || is_quiet(state, *due);
                due.into_iter().filter(is_due_now).collect()
            }))
        })
    }

    /// Whether the partition lacks a metric file with all its samples, or has raw pages that
    /// should be gone.
    fn needs_build(&self, partition: Partition, action: RawAction) -> Result<bool> {
        let view = self.readable().current_view(partition);
        let files = &view.files;
        Ok(match (&files.metric, &files.data) {
            (None, _) => true,
            (Some(_), None) => view.page.is_some(),
            (Some(_), Some(_)) if action != RawAction::Keep || view.page.is_some() => true,
            (Some(metric), Some(data)) => !self.readable().look_alike(partition, metric, data)?,
        })
    }
}

/// Those of the partitions that have something that should have a metric file, the oldest first.
pub(in crate::engine) fn due(
    settings: &DatabaseSettings,
    all: &SortedSet<Partition>,
    occasion: Occasion,
    now: Timestamp,
) -> Vec<Partition> {
    let active = usize::try_from(settings.max_active_days.max(1)).unwrap_or(usize::MAX);
    let begun: Vec<Partition> =
        all.iter().filter(|partition| partition.range().from <= now).copied().collect();
    let by_count = begun.iter().rev().nth(active - 1).copied();
    let by_clock = earlier(Partition::containing(settings.partition, now), active - 1);
    let is_due = |partition: &Partition| {
        by_count.is_some_and(|oldest| *partition < oldest)
            || (occasion == Occasion::Tick && *partition < by_clock)
    };
    begun.into_iter().filter(is_due).collect()
}

/// The partition so many before this one.
fn earlier(mut partition: Partition, count: usize) -> Partition {
    for _ in 0..count {
        let Some(before) = partition.range().from.0.checked_sub(1) else { break };
        partition = Partition::containing(partition.partitioning(), Timestamp(before));
    }
    partition
}
