//! Samples on their way in: which metric, when, what; and by which rules they are taken.

use super::ingest::MetricHandle;
use crate::error::Rejection;
use crate::types::{Timestamp, Value};
use alloc::vec::Vec;

/// Which metric a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// By name; the metric is made when there is none.
    Name(&'a str),
    /// By handle.
    Handle(MetricHandle),
}

/// When a sample was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowTime {
    /// At this time.
    At(Timestamp),
    /// When it is stored: the time is read while no other sample can be stored, so it is never
    /// before that of a sample stored earlier. All such rows of one call have one time.
    ///
    /// Where the clock shows an earlier time than the newest sample of the metric, because it was
    /// set back, the sample gets the time of that one, as long as it is not further ahead of the
    /// clock than `clock.max_future`.
    Now,
}

impl From<Timestamp> for RowTime {
    fn from(time: Timestamp) -> Self {
        Self::At(time)
    }
}

impl From<Option<Timestamp>> for RowTime {
    fn from(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Now, Self::At)
    }
}

/// One sample on its way in. Its time is a [`Timestamp`], or a [`RowTime`] where it may have none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a, T = Timestamp> {
    /// Its metric.
    pub target: Target<'a>,
    /// When it was measured.
    pub time: T,
    /// What was measured.
    pub value: Value,
}

impl<'a, T: Into<RowTime>> Row<'a, T> {
    /// The same row, of a type that all rows can have.
    pub(crate) fn timed(self) -> Row<'a, RowTime> {
        Row { target: self.target, time: self.time.into(), value: self.value }
    }
}

/// By which rules rows are taken in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddOptions {
    /// Whether the samples come from outside and are of now: then one that is further ahead of the
    /// clock than `clock.max_future` is refused, since one sample of a wrong clock keeps all that
    /// follow out of its metric. See [`FutureLimit`](super::FutureLimit).
    pub live: bool,
    /// The time of rows without one, for a request whose rows come in several calls; when the
    /// call begins to store, unless it is given. A metric whose newest sample is later goes on
    /// from that one, as [`RowTime::Now`] says.
    pub undated: Option<Timestamp>,
}

impl AddOptions {
    /// For samples that come from outside and are of now.
    pub const LIVE: Self = Self { live: true, undated: None };
}

/// What became of a batch: every row was taken or is named here with the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchReport {
    /// Rows that were taken.
    pub accepted: u64,
    /// Rows that were not: their position in the batch, and why.
    pub rejected: Vec<(usize, Rejection)>,
    /// Rows without a time that were taken with the time of their metric's newest sample, because
    /// the clock shows an earlier one.
    pub clock_behind: u64,
}
