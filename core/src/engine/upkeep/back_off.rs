//! Waiting longer and longer before what has failed is tried again.

use core::time::Duration;

/// How long to wait after the first failure: a minute.
const SHORTEST: Duration = Duration::from_mins(1);
/// How long to wait at most: an hour.
const LONGEST: Duration = Duration::from_hours(1);

/// What to remember of something that may fail time after time. Times are of the monotonic clock,
/// so setting the other one makes nobody wait.
#[derive(Debug, Default)]
pub(in crate::engine) struct BackOff {
    /// When it failed last, and how long to wait from then on.
    failed: Option<(Duration, Duration)>,
}

impl BackOff {
    /// Whether it may be tried now.
    pub(in crate::engine) fn is_over(&self, now: Duration) -> bool {
        self.failed.is_none_or(|(at, wait)| now.saturating_sub(at) >= wait)
    }

    /// It failed: the next wait is twice as long as the last one.
    pub(in crate::engine) fn note_failure(&mut self, now: Duration) {
        let wait = self.failed.map_or(SHORTEST, |(_, wait)| wait.saturating_mul(2).min(LONGEST));
        self.failed = Some((now, wait));
    }

    /// It worked: the next failure is a first one.
    pub(in crate::engine) fn note_success(&mut self) {
        self.failed = None;
    }
}
