//! The instants at which an expression is evaluated.

use crate::TimeRange;
use promql_parser::parser::{AtModifier, Offset};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Instants at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    /// The first, in nanoseconds since the Unix epoch.
    pub(crate) start: i64,
    /// Nanoseconds from one to the next, at least 1.
    pub(crate) interval: i64,
    /// How many there are.
    pub(crate) count: usize,
}

impl Steps {
    /// One instant.
    pub(crate) const fn one(at: i64) -> Self {
        Self { start: at, interval: 1, count: 1 }
    }

    /// From `start` while not after `end`.
    pub(crate) fn between(start: i64, end: i64, interval: i64) -> Self {
        let interval = interval.max(1);
        let span = i128::from(end) - i128::from(start);
        let count = if span < 0 { 0 } else { span / i128::from(interval) + 1 };
        Self { start, interval, count: usize::try_from(count).unwrap_or(usize::MAX) }
    }

    /// The instant of a step.
    pub(crate) fn time(&self, step: usize) -> i64 {
        let step = i128::try_from(step).unwrap_or(i128::from(i64::MAX));
        let time = i128::from(self.start) + i128::from(self.interval).saturating_mul(step);
        i64::try_from(time).unwrap_or(i64::MAX)
    }

    /// All of them.
    pub(crate) fn times(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |step| self.time(step))
    }

    /// The last; the first when there is none.
    pub(crate) fn last(&self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }
}

/// What `@` and `offset` do to the instants at which a selector looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shift {
    /// The one instant that `@` names.
    at: Option<i64>,
    /// Nanoseconds to go back.
    offset: i64,
}

impl Shift {
    /// What the modifiers say in a query over a range.
    pub(crate) fn new(at: Option<&AtModifier>, offset: Option<&Offset>, query: TimeRange) -> Self {
        let at = at.map(|at| match at {
            AtModifier::Start => query.from.0,
            AtModifier::End => query.to.0,
            AtModifier::At(time) => since_epoch(*time),
        });
        let offset = match offset {
            Some(Offset::Pos(span)) => nanos(*span),
            Some(Offset::Neg(span)) => -nanos(*span),
            None => 0,
        };
        Self { at, offset }
    }

    /// Where to look for the value at an instant.
    pub(crate) fn apply(self, time: i64) -> i64 {
        self.at.unwrap_or(time).saturating_sub(self.offset)
    }
}

/// A span in nanoseconds, or the longest there is.
pub(crate) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

fn since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn steps_end_at_or_before_the_end() {
        assert_eq!(Steps::between(0, 10, 5).times().collect::<Vec<_>>(), [0, 5, 10]);
        assert_eq!(Steps::between(0, 14, 5).last(), 10);
        assert_eq!(Steps::between(1, 0, 5).count, 0);
        assert_eq!(Steps::between(i64::MIN, i64::MAX, i64::MAX).times().nth(2), Some(i64::MAX - 1));
    }

    #[test]
    fn modifiers_move_where_to_look() {
        let outer = TimeRange { from: Timestamp(100), to: Timestamp(200) };
        let hour = Offset::Pos(Duration::from_nanos(7));
        assert_eq!(Shift::new(None, Some(&hour), outer).apply(50), 43);
        assert_eq!(Shift::new(Some(&AtModifier::End), Some(&hour), outer).apply(50), 193);
        assert_eq!(Shift::new(Some(&AtModifier::Start), None, outer).apply(50), 100);
        let ages = Offset::Neg(Duration::MAX);
        assert_eq!(Shift::new(None, Some(&ages), outer).apply(50), i64::MAX);
    }
}
