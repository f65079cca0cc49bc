//! Waiting longer and longer before what has failed is tried again.

use crate::types::Timestamp;

/// How long to wait after the first failure, in nanoseconds: a minute.
const SHORTEST: i64 = 60_000_000_000;
/// How long to wait at most: an hour.
const LONGEST: i64 = 60 * SHORTEST;

/// What to remember of something that may fail time after time.
#[derive(Debug, Default)]
pub(in crate::engine) struct BackOff {
    /// When it failed last, and how long to wait from then on.
    failed: Option<(Timestamp, i64)>,
}

impl BackOff {
    /// Whether it may be tried now. A clock that was set back does not tell how long it has been,
    /// so nothing waits for it.
    pub(in crate::engine) fn is_over(&self, now: Timestamp) -> bool {
        self.failed.is_none_or(|(at, wait)| now < at || now.0.saturating_sub(at.0) >= wait)
    }

    /// It failed: the next wait is twice as long as the last one.
    pub(in crate::engine) fn note_failure(&mut self, now: Timestamp) {
        let wait = self.failed.map_or(SHORTEST, |(_, wait)| wait.saturating_mul(2).min(LONGEST));
        self.failed = Some((now, wait));
    }

    /// It worked: the next failure is a first one.
    pub(in crate::engine) fn note_success(&mut self) {
        self.failed = None;
    }
}
