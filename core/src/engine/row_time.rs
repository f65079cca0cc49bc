//! Which time a row gets, and which it may have.

use super::row::{Row, RowTime, Target};
use super::state::State;
use crate::catalog::{Entry, Newest, Slot};
use crate::error::Rejection;
use crate::types::Timestamp;
use alloc::string::ToString;

/// When this version was made, or a little earlier: no clock that is right shows an earlier time.
/// To be moved on with a release.
const RELEASED: Timestamp = Timestamp(1_767_225_600_000_000_000); // 2026-01-01

/// What the times of the rows of one call are judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeRules {
    /// What the clock showed once the call was the only one to write.
    pub(crate) now: Timestamp,
    /// The time of rows that have none.
    pub(crate) undated: Timestamp,
    /// `clock.max_future` in nanoseconds; 0 is no bound.
    pub(crate) max_future_ns: i64,
    /// What rows that come in live must keep to.
    pub(crate) limit: Option<FutureLimit>,
}

/// How far ahead of the clock a sample may be that comes in live: `clock.max_future`.
///
/// There is no limit while the clock itself is behind: before the time of this version, or further
/// before the newest sample of the database than the limit allows. So it is with a machine that
/// starts in 1970 and has not asked for the time yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureLimit {
    now: Timestamp,
    latest: Timestamp,
    max_future_ns: i64,
}

impl FutureLimit {
    pub(crate) fn new(now: Timestamp, newest: Option<i64>, max_future_ns: i64) -> Self {
        let latest = Timestamp(now.0.saturating_add(max_future_ns));
        let is_behind = now < RELEASED || newest.is_some_and(|newest| newest > latest.0);
        let latest = if max_future_ns == 0 || is_behind { Timestamp::MAX } else { latest };
        Self { now, latest, max_future_ns }
    }

    /// The latest time that is allowed.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Whether a sample of a metric may have this time.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooFarAhead`] when it may not.
    pub fn check(&self, metric: &str, time: Timestamp) -> Result<(), Rejection> {
        if time <= self.latest {
            return Ok(());
        }
        let (now, max_future_ns) = (self.now, self.max_future_ns);
        Err(Rejection::TooFarAhead { metric: metric.to_string(), time, now, max_future_ns })
    }
}

/// The time of a row.
pub(crate) enum Timed {
    /// It is this one.
    At(Timestamp),
    /// The metric's newest sample must be looked up first.
    LookUp(Slot),
}

impl TimeRules {
    /// The time that a row has, or gets. One without a time goes on from the metric's newest sample
    /// when the clock shows an earlier time.
    ///
    /// # Errors
    ///
    /// When that sample is too far ahead of the clock for one of the two to be right.
    pub(crate) fn time_of(
        &self,
        state: &State,
        row: &Row<'_, RowTime>,
        newest_stored: Option<i64>,
    ) -> Result<Timed, Rejection> {
        if let RowTime::At(time) = row.time {
            let limit = self.limit.as_ref().filter(|limit| time > limit.latest);
            return limit
                .map_or(Ok(()), |limit| limit.check(name_of(state, row), time))
                .map(|()| Timed::At(time));
        }
        let slot = match row.target {
            Target::Handle(handle) => Some(handle.slot),
            Target::Name(name) => state.catalog.find(name),
        };
        let Some((slot, entry)) = slot.and_then(|slot| Some((slot, state.catalog.get(slot)?)))
        else {
            return Ok(Timed::At(self.undated));
        };
        match (entry.accepted, entry.last) {
            (Some(newest), _) | (None, Newest::At(newest, _)) if newest > self.undated.0 => {
                self.go_on_from(entry, Timestamp(newest)).map(Timed::At)
            }
            (None, Newest::Unknown)
                if newest_stored.is_some_and(|newest| newest > self.undated.0) =>
            {
                Ok(Timed::LookUp(slot))
            }
            _ => Ok(Timed::At(self.undated)),
        }
    }

    fn go_on_from(&self, entry: &Entry, newest: Timestamp) -> Result<Timestamp, Rejection> {
        if !self.is_too_far(newest) {
            return Ok(newest);
        }
        Err(Rejection::ClockBehind {
            metric: entry.name.to_string(),
            now: self.now,
            newest,
            max_future_ns: self.max_future_ns,
        })
    }

    /// Whether a time is further ahead of the clock than the bound.
    fn is_too_far(&self, time: Timestamp) -> bool {
        self.max_future_ns > 0 && time.0.saturating_sub(self.now.0) > self.max_future_ns
    }

    /// Whether a row without a time got another one than the clock shows.
    pub(crate) fn is_behind(&self, row: RowTime, given: Timestamp) -> bool {
        row == RowTime::Now && given > self.now.max(self.undated)
    }
}

/// The name of the row's metric, as messages have it.
fn name_of<'a>(state: &'a State, row: &Row<'a, RowTime>) -> &'a str {
    match row.target {
        Target::Name(name) => name,
        Target::Handle(handle) => state.catalog.get(handle.slot).map_or("", |entry| &entry.name),
    }
}
