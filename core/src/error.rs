//! What can go wrong, in the engine's words.

use crate::storage::{StorageError, StorageErrorKind};
use crate::text::duration::Duration;
use crate::types::{MetricId, Timestamp, ValueType};
use alloc::format;
use alloc::string::String;
use core::fmt;

/// What engine operations return.
pub type Result<T> = core::result::Result<T, Error>;

/// Any failure of the engine.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The host could not read or write.
    Storage(StorageError),
    /// Bytes on disk are not what their format allows.
    Corrupt(Corruption),
    /// The caller's sample or request broke a rule; nothing has changed.
    Rejected(Rejection),
    /// A version or codec this build does not know.
    Unsupported {
        /// The file that needs it.
        file: String,
        /// What it needs, and what is known.
        detail: String,
    },
    /// A settings file says something that is not allowed.
    Settings {
        /// The settings file.
        file: String,
        /// The key, its value and what is allowed.
        detail: String,
    },
    /// The store was closed: reads go on, writes need a re-open.
    Closed,
    /// An earlier sync failed, or a failed write could not be undone, so the files' state is
    /// unknown: reads go on, writes need a re-open.
    Poisoned {
        /// The first failure.
        cause: String,
    },
}

/// Damage found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corruption {
    /// The damaged file.
    pub file: String,
    /// Where in it, in bytes from its start.
    pub offset: u64,
    /// What was found and what was expected.
    pub detail: String,
}

/// Why a sample or request was refused.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The sample is older than the metric's newest.
    Stale {
        /// The sample's metric.
        metric: String,
        /// The sample's time.
        time: Timestamp,
        /// The newest time the metric has.
        newest: Timestamp,
    },
    /// Something has expired by a clock that is so far ahead of the last run, and of the newest
    /// samples, that it is not believed yet.
    ClockJumped {
        /// What it shows.
        now: Timestamp,
        /// The latest time it was expected to show.
        expected: Timestamp,
        /// `clock.max_jump`, in nanoseconds.
        max_jump_ns: i64,
    },
    /// The sample comes in live and is further ahead of the clock than is allowed.
    TooFarAhead {
        /// The sample's metric.
        metric: String,
        /// The sample's time.
        time: Timestamp,
        /// What the clock shows.
        now: Timestamp,
        /// `clock.max_future`, in nanoseconds.
        max_future_ns: i64,
    },
    /// The sample has no time, and the metric's newest sample is so far ahead of the clock that one
    /// of the two is wrong.
    ClockBehind {
        /// The sample's metric.
        metric: String,
        /// What the clock shows.
        now: Timestamp,
        /// The newest time the metric has.
        newest: Timestamp,
        /// `clock.max_future`, in nanoseconds.
        max_future_ns: i64,
    },
    /// The metric's type is another one, and is fixed by its first sample.
    TypeMismatch {
        /// The sample's metric.
        metric: String,
        /// The metric's type.
        expected: ValueType,
        /// The sample's type.
        found: ValueType,
    },
    /// The metric is a recovered one, which is read only until it has its name.
    NameLost {
        /// What it is called meanwhile.
        metric: String,
        /// Its number in files.
        id: MetricId,
    },
    /// All 65,535 ids of the database are taken.
    TooManyMetrics,
    /// A database or metric name breaks the naming rules.
    InvalidName {
        /// What it should have named.
        what: &'static str,
        /// The refused name, shortened when long.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A database that does not exist.
    UnknownDatabase(String),
    /// A metric that does not exist.
    UnknownMetric(String),
    /// The range ends before it starts.
    InvalidRange {
        /// Its start.
        from: Timestamp,
        /// Its end.
        to: Timestamp,
    },
    /// Not a partition of this database.
    InvalidPartition {
        /// The refused key.
        partition: String,
        /// What keys look like here.
        expected: &'static str,
    },
    /// The partition has samples that are not in a file yet.
    PartitionOpen(String),
    /// Anything else the caller asked that cannot be done.
    Invalid(String),
    /// A line of text is not a sample.
    Line(String),
    /// The store was opened for reading only.
    ReadOnly,
}

impl Error {
    /// Damage in `file` at `offset`.
    pub fn corrupt(file: impl Into<String>, offset: u64, detail: impl Into<String>) -> Self {
        Self::Corrupt(Corruption { file: file.into(), offset, detail: detail.into() })
    }

    /// Whether the caller's request was at fault, and nothing has changed.
    pub const fn is_rejection(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    /// Whether one file cannot be read, which says nothing about others: it is damaged, of a later
    /// version, gone, or refused by the system. That no file can be opened is not such an error.
    pub const fn is_about_one_file(&self) -> bool {
        match self {
            Self::Storage(error) => matches!(
                error.kind,
                StorageErrorKind::NotFound | StorageErrorKind::Denied | StorageErrorKind::Io
            ),
            other => other.is_unreadable(),
        }
    }

    /// Whether it is unknown what the disk holds now; see [`StorageError::in_doubt`].
    pub const fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Storage(StorageError { in_doubt: true, .. }))
    }

    /// Whether there was no room on the disk, and nothing has changed.
    pub(crate) const fn lacks_room(&self) -> bool {
        matches!(
            self,
            Self::Storage(StorageError { kind: StorageErrorKind::NoSpace, in_doubt: false, .. })
        )
    }

    /// Says how much room it takes, of an operation for which there was none.
    pub(crate) fn needing(mut self, bytes: u64) -> Self {
        if let Self::Storage(error) = &mut self
            && error.kind == StorageErrorKind::NoSpace
            && !error.in_doubt
        {
            error.detail = format!("{error}; this needs up to {bytes} bytes of room");
        }
        self
    }

    /// Whether a file holds what cannot be understood: damage, or a later version.
    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Corrupt(_) | Self::Unsupported { .. })
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Corrupt(corruption) => corruption.fmt(f),
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Unsupported { file, detail } | Self::Settings { file, detail } => {
                write!(f, "{file}: {detail}")
            }
            Self::Closed => f.write_str("the store is closed"),
            Self::Poisoned { cause } => {
                write!(f, "an earlier write failed, re-open the store to write again: {cause}")
            }
        }
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: damaged at byte {}: {}", self.file, self.offset, self.detail)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { metric, time, newest } => {
                write!(f, "stale sample for {metric}: {time} is before its newest, {newest}")
            }
            Self::ClockJumped { now, expected, max_jump_ns } => {
                let limit = Duration(*max_jump_ns);
                write!(
                    f,
                    "nothing is deleted or archived by a clock that may be wrong: it shows {now}, \
                     more than {limit} (clock.max_jump) after {expected}, the time of the last run \
                     or of the newest samples. If it is right, `nanotdb retention --yes` says so; \
                     a server believes it after it has run for clock.accept_after"
                )
            }
            Self::TooFarAhead { metric, time, now, max_future_ns } => {
                let limit = Duration(*max_future_ns);
                write!(
                    f,
                    "sample for {metric} is of the future: {time} is more than {limit} \
                     (clock.max_future) after the clock, {now}"
                )
            }
            Self::ClockBehind { metric, now, newest, max_future_ns } => {
                let limit = Duration(*max_future_ns);
                write!(
                    f,
                    "sample without a time for {metric}: its newest, {newest}, is more than \
                     {limit} (clock.max_future) after the clock, {now}: set the clock, or remove \
                     that sample with `nanotdb delete`"
                )
            }
            Self::TypeMismatch { metric, expected, found } => {
                write!(f, "metric {metric} holds {expected}, the sample is {found}")
            }
            Self::NameLost { metric, id } => write!(
                f,
                "{metric} stands for metric id {id}, whose name is lost: before samples are added, give it \
                 its name with `nanotdb catalog set --id {id} --name NAME --type int32|float32`"
            ),
            Self::TooManyMetrics => f.write_str("the database already has 65535 metrics"),
            Self::InvalidName { what, name, rule } => {
                write!(f, "{what} name {name:?} is not allowed: {rule}")
            }
            Self::UnknownDatabase(name) => write!(f, "database not found: {name}"),
            Self::UnknownMetric(name) => write!(f, "metric not found: {name}"),
            Self::InvalidRange { from, to } => {
                write!(f, "invalid range: it ends ({to}) before it starts ({from})")
            }
            Self::InvalidPartition { partition, expected } => {
                write!(f, "invalid partition key {partition:?}: expected {expected}")
            }
            Self::PartitionOpen(key) => {
                write!(f, "partition {key} still has samples in memory: flush it first")
            }
            Self::Invalid(detail) | Self::Line(detail) => f.write_str(detail),
            Self::ReadOnly => f.write_str("the store is open for reading only"),
        }
    }
}

impl core::error::Error for Error {}
impl core::error::Error for Corruption {}
impl core::error::Error for Rejection {}
