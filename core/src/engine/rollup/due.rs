//! When periods are over.
//!
//! A period ends with a later sample of its metric. A metric that fell silent sends none, so its
//! last period ends *early*: after a silence, or before its samples expire. Samples may still come
//! for it; so the checkpoint stays at its beginning, and every run compares it again.

use crate::rollup::{Task, period_start};
use crate::types::{TimeRange, Timestamp};

/// What ends a period besides a later sample of its metric.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Ends {
    /// The time by the clock.
    pub(in crate::engine) now: Timestamp,
    /// After how long without a sample a metric counts as silent.
    pub(in crate::engine) silence_ns: i64,
    /// Samples before this are about to expire.
    pub(in crate::engine) expiring_before: i64,
}

impl Ends {
    /// Every period ends that is over by the clock, since somebody asks for it.
    pub(in crate::engine) const fn asked(now: Timestamp) -> Self {
        Self { now, silence_ns: 0, expiring_before: i64::MAX }
    }

    /// Whether the period of a metric's newest sample is over though no later sample has come.
    fn is_early(&self, task: &Task, newest: Timestamp) -> bool {
        let start = period_start(newest.0, task.interval_ns);
        let is_expiring = start < self.expiring_before && over(task, start) <= self.now.0;
        is_expiring || self.early_due(task, newest) <= self.now
    }

    /// When the period of a metric's newest sample ends though no later sample has come.
    pub(in crate::engine) fn early_due(&self, task: &Task, newest: Timestamp) -> Timestamp {
        let start = period_start(newest.0, task.interval_ns);
        let silent = newest.0.saturating_add(self.silence_ns.max(task.grace_ns));
        Timestamp(over(task, start).max(silent))
    }
}

/// When the period that starts at this time is over by the clock.
const fn over(task: &Task, start: i64) -> i64 {
    start.saturating_add(task.interval_ns).saturating_add(task.grace_ns)
}

/// A stretch of periods of one task.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Work<'t> {
    pub(in crate::engine) task: &'t Task,
    /// The start of the first period.
    pub(in crate::engine) from: i64,
    /// The end of the last.
    pub(in crate::engine) to: i64,
    /// The end of the last that no more samples can come for.
    pub(in crate::engine) settled: i64,
    /// Of periods that begin before this the source may lack samples that were there when they
    /// were written.
    pub(in crate::engine) complete_from: i64,
}

impl<'t> Work<'t> {
    /// The periods of a task from the one that has `from` on, as far as they are over. Nothing when
    /// there are none.
    pub(in crate::engine) fn of(
        task: &'t Task,
        from: i64,
        newest: Timestamp,
        ends: &Ends,
    ) -> Option<Self> {
        let interval = task.interval_ns;
        let safe = newest.0.min(ends.now.0.saturating_sub(task.grace_ns));
        let settled = period_start(safe, interval);
        let early = ends.is_early(task, newest);
        let to = if early { settled.saturating_add(interval) } else { settled };
        let from = period_start(from, interval);
        (from < to).then_some(Self { task, from, to, settled, complete_from: i64::MIN })
    }

    /// The same periods, of which those before this may lack samples.
    pub(in crate::engine) const fn complete_from(self, time: i64) -> Self {
        Self { complete_from: time, ..self }
    }

    /// The periods that no more samples can come for.
    pub(in crate::engine) fn settled_part(&self) -> Option<Self> {
        let to = self.to.min(self.settled);
        (self.from < to).then_some(Self { to, ..*self })
    }

    /// The period that ended early, if one did.
    pub(in crate::engine) fn early_part(&self) -> Option<Self> {
        let from = self.from.max(self.settled);
        (from < self.to).then_some(Self { from, ..*self })
    }

    /// The periods before and after the start of a period.
    pub(in crate::engine) fn split_at(&self, time: i64) -> (Option<Self>, Option<Self>) {
        let middle = time.clamp(self.from, self.to);
        let before = (self.from < middle).then_some(Self { to: middle, ..*self });
        (before, (middle < self.to).then_some(Self { from: middle, ..*self }))
    }

    /// The periods that start in a range.
    pub(in crate::engine) fn within(&self, range: TimeRange) -> Self {
        let interval = self.task.interval_ns;
        let up =
            |time: i64| period_start(time.saturating_sub(1), interval).saturating_add(interval);
        let from = if range.from.0 <= self.from { self.from } else { up(range.from.0) };
        let to = range.to.0.checked_add(1).map_or(self.to, |end| self.to.min(up(end)));
        Self { from, to: to.max(from), ..*self }
    }

    /// The instants of the periods.
    pub(in crate::engine) fn range(&self) -> TimeRange {
        TimeRange { from: Timestamp(self.from), to: Timestamp(self.to.saturating_sub(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;

    const HOUR: i64 = 3_600_000_000_000;
    const MINUTE: i64 = HOUR / 60;

    fn task() -> Task {
        Task {
            id: String::new(),
            job: String::new(),
            metric: String::new(),
            interval_ns: HOUR,
            grace_ns: 5 * MINUTE,
            destination: String::new(),
            outputs: vec![],
        }
    }

    /// `(from, to, settled)` at `now` of a metric whose newest sample is at 10:25, not done yet
    /// from 9:00 on.
    fn work(now: i64, silence_ns: i64, expiring_before: i64) -> Option<(i64, i64, i64)> {
        let ends = Ends { now: Timestamp(now), silence_ns, expiring_before };
        let task = task();
        let work = Work::of(&task, 9 * HOUR + 7, Timestamp(10 * HOUR + 25 * MINUTE), &ends);
        work.map(|work| (work.from / HOUR, work.to / HOUR, work.settled / HOUR))
    }

    #[test]
    fn a_period_ends_with_a_later_sample_once_its_grace_is_over() {
        assert_eq!(work(10 * HOUR + 5 * MINUTE - 1, 24 * HOUR, i64::MIN), None);
        assert_eq!(work(10 * HOUR + 5 * MINUTE, 24 * HOUR, i64::MIN), Some((9, 10, 10)));
        assert_eq!(work(30 * HOUR, 24 * HOUR, i64::MIN), Some((9, 10, 10)));
    }

    #[test]
    fn the_last_period_of_a_silent_metric_ends_after_the_silence() {
        let silent = 34 * HOUR + 25 * MINUTE;
        assert_eq!(work(silent - 1, 24 * HOUR, i64::MIN), Some((9, 10, 10)));
        assert_eq!(work(silent, 24 * HOUR, i64::MIN), Some((9, 11, 10)));
    }

    #[test]
    fn the_silence_is_never_shorter_than_the_period_with_its_grace() {
        assert_eq!(work(11 * HOUR + 5 * MINUTE - 1, 0, i64::MIN), Some((9, 10, 10)));
        assert_eq!(work(11 * HOUR + 5 * MINUTE, 0, i64::MIN), Some((9, 11, 10)));
    }

    #[test]
    fn a_period_whose_samples_are_about_to_expire_ends_at_once() {
        let now = 12 * HOUR;
        assert_eq!(work(now, 24 * HOUR, 10 * HOUR), Some((9, 10, 10)));
        assert_eq!(work(now, 24 * HOUR, 10 * HOUR + 1), Some((9, 11, 10)));
        assert_eq!(work(11 * HOUR, 24 * HOUR, i64::MAX), Some((9, 10, 10)), "not before its grace");
    }

    #[test]
    fn parts_are_whole_periods() {
        let ends = Ends::asked(Timestamp(48 * HOUR));
        let task = task();
        let work = Work::of(&task, 8 * HOUR, Timestamp(10 * HOUR), &ends).unwrap();
        let span = |work: Option<Work<'_>>| work.map(|work| (work.from / HOUR, work.to / HOUR));
        assert_eq!(span(work.settled_part()), Some((8, 10)));
        assert_eq!(span(work.early_part()), Some((10, 11)));
        let (before, after) = work.split_at(9 * HOUR);
        assert_eq!((span(before), span(after)), (Some((8, 9)), Some((9, 11))));
        let (before, after) = work.split_at(i64::MIN);
        assert_eq!((span(before), span(after)), (None, Some((8, 11))));
        assert_eq!(span(before.or(work.split_at(i64::MAX).0)), Some((8, 11)));
    }
}
