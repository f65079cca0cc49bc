//! What the engine tells its host while it works.

use super::clock_watch::ClockJump;
use super::open::OpenReport;
use crate::error::{Error, Rejection};
use crate::metric_file::Version;
use crate::stats::ReplayStats;
use crate::types::{Timestamp, Value, ValueType};
use core::time::Duration;

/// How much an event matters; a sink of some level takes those that matter as much or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Something failed that somebody relies on.
    Error,
    /// Something is not as it should be.
    Warn,
    /// Opening and closing.
    Info,
    /// What happens now and then: pages written, logs emptied.
    Debug,
    /// What happens with single samples.
    Trace,
}

/// One thing that happened. More kinds may come.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An engine is ready.
    EngineOpened {
        /// Databases that its settings name, which are open now.
        databases: usize,
        /// Whether nothing may be written.
        read_only: bool,
    },
    /// An engine was closed.
    EngineClosed {
        /// Databases that could not be closed as they should.
        failures: usize,
    },
    /// A database is ready.
    DatabaseOpened {
        /// Its name.
        database: &'a str,
        /// Whether new samples go to a log.
        logs: bool,
        /// What the log held.
        replay: &'a ReplayStats,
        /// What else was found.
        report: &'a OpenReport,
    },
    /// A database was opened, and something about it should be known.
    Noticed {
        /// Its name.
        database: &'a str,
        /// What, as a sentence.
        note: &'a str,
    },
    /// A database was closed, everything in its files.
    DatabaseClosed {
        /// Its name.
        database: &'a str,
    },
    /// A write failed, and nobody knows what the disk holds now; the database takes nothing until
    /// it is opened again.
    WriteFailed {
        /// Its name.
        database: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A write failed and changed nothing. Said once, until something is written again: the
    /// database takes samples as soon as it can.
    WriteRefused {
        /// Its name.
        database: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A page was written to a data file.
    PageFlushed {
        /// The database.
        database: &'a str,
        /// Key of the partition.
        partition: &'a str,
        /// Samples of the page.
        records: u64,
        /// Bytes that they take in the file.
        bytes: u64,
        /// How long it took.
        took: Duration,
    },
    /// The log was emptied: files hold what it held.
    LogReset {
        /// The database.
        database: &'a str,
        /// Bytes it held.
        bytes: u64,
        /// How long it took.
        took: Duration,
    },
    /// A metric file was built.
    MetricFileBuilt {
        /// The database.
        database: &'a str,
        /// Key of the partition.
        partition: &'a str,
        /// Its layout.
        version: Version,
        /// Samples in it.
        points: u64,
        /// Its length.
        bytes: u64,
    },
    /// A metric file was written anew in another layout.
    MetricFileConverted {
        /// The database.
        database: &'a str,
        /// Key of the partition.
        partition: &'a str,
        /// Its layout now.
        version: Version,
        /// The length it had.
        old_bytes: u64,
        /// The length it has.
        bytes: u64,
    },
    /// A metric file could not be built or converted; what it was to be made from is as it was.
    MetricFileFailed {
        /// The database.
        database: &'a str,
        /// Key of the partition.
        partition: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// Samples were deleted because somebody asked for it.
    SamplesDeleted {
        /// The database.
        database: &'a str,
        /// How many metrics were named.
        metrics: usize,
        /// How many samples are gone.
        samples: u64,
        /// How many partitions had to stay as they were.
        refused: usize,
    },
    /// The clock shows a time so far after the last run and the newest samples that nothing is
    /// deleted or archived by it for now.
    ClockJumped {
        /// What it shows, and what was expected.
        jump: &'a ClockJump,
    },
    /// The clock is believed again.
    ClockAccepted,
    /// The file that remembers the time of the last run does not hold one.
    LastRunUnknown {
        /// What it holds.
        detail: &'a str,
    },
    /// The time of this run could not be written.
    LastRunNotWritten {
        /// Why.
        error: &'a Error,
    },
    /// Partitions that reached their age were done away with.
    RetentionRan {
        /// The database.
        database: &'a str,
        /// How many.
        partitions: usize,
    },
    /// Partitions that reached their age could not be done away with.
    RetentionFailed {
        /// The database.
        database: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// A partition that reached its age goes before rollups have read it: they cannot, and it has
    /// waited long enough.
    ExpiredUnread {
        /// The database.
        database: &'a str,
        /// Key of the partition.
        partition: &'a str,
        /// What keeps rollups from reading it.
        reason: &'a str,
    },
    /// Upkeep of a database that nobody has asked for failed.
    UpkeepFailed {
        /// The database.
        database: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// Rollups of a database began.
    RollupStarted {
        /// The database that is read.
        source: &'a str,
    },
    /// Rollups of a database are done.
    RollupFinished {
        /// The database that was read.
        source: &'a str,
        /// Samples written.
        written: u64,
    },
    /// Rollups of a database failed.
    RollupFailed {
        /// The database that is read.
        source: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// The engine's own metrics could not be written.
    SelfMetricsFailed {
        /// Why.
        error: &'a Error,
    },
    /// A metric was seen for the first time. Told only where [`Level::Trace`] was wanted when the
    /// database was opened, as all that follow.
    MetricRegistered {
        /// The database.
        database: &'a str,
        /// Its name.
        metric: &'a str,
        /// The type of its values.
        value_type: ValueType,
    },
    /// A sample was taken in.
    SampleTaken {
        /// The database.
        database: &'a str,
        /// The metric.
        metric: &'a str,
        /// When it was measured.
        time: Timestamp,
        /// What was measured.
        value: Value,
    },
    /// A sample was not taken in.
    SampleRejected {
        /// The database.
        database: &'a str,
        /// Why.
        rejection: &'a Rejection,
    },
}

impl Event<'_> {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match self {
            Self::WriteFailed { .. } | Self::WriteRefused { .. } => Level::Error,
            Self::Noticed { .. }
            | Self::ClockJumped { .. }
            | Self::LastRunUnknown { .. }
            | Self::LastRunNotWritten { .. }
            | Self::MetricFileFailed { .. }
            | Self::RetentionFailed { .. }
            | Self::ExpiredUnread { .. }
            | Self::UpkeepFailed { .. }
            | Self::RollupFailed { .. }
            | Self::SelfMetricsFailed { .. } => Level::Warn,
            Self::EngineOpened { .. }
            | Self::EngineClosed { .. }
            | Self::DatabaseOpened { .. }
            | Self::MetricFileBuilt { .. }
            | Self::MetricFileConverted { .. }
            | Self::SamplesDeleted { .. }
            | Self::ClockAccepted
            | Self::RetentionRan { .. } => Level::Info,
            Self::PageFlushed { .. }
            | Self::LogReset { .. }
            | Self::DatabaseClosed { .. }
            | Self::RollupStarted { .. }
            | Self::RollupFinished { .. } => Level::Debug,
            Self::MetricRegistered { .. }
            | Self::SampleTaken { .. }
            | Self::SampleRejected { .. } => Level::Trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_an_event_matters_the_higher_its_level() {
        let levels = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];
        assert!(levels.is_sorted());
        let rejection = Rejection::ReadOnly;
        let sample = Event::SampleRejected { database: "home", rejection: &rejection };
        let closed = Event::EngineClosed { failures: 0 };
        assert_eq!((sample.level(), closed.level()), (Level::Trace, Level::Info));
    }
}
