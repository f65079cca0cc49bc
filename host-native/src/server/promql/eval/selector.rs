//! Selectors: where samples become values at steps.

use super::super::error::{QueryError, execution};
use super::super::numbers::seconds;
use super::super::parse::matchers;
use super::super::source::RawSeries;
use super::lines::Line;
use super::steps::{Shift, Steps};
use super::{Evaluator, LOOKBACK};
use crate::remote_write::is_stale_marker;
use crate::{TimeRange, Timestamp};
use promql_parser::parser::VectorSelector;

/// What of a sample is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Value,
    /// Its time in seconds.
    Time,
}

impl Evaluator<'_> {
    /// The newest value at or before each step, unless it is too old.
    pub(super) fn instant(
        &self,
        selector: &VectorSelector,
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        self.newest(selector, steps, Part::Value)
    }

    /// Value or time of the newest sample at or before each step, unless it is too old.
    pub(super) fn newest(
        &self,
        selector: &VectorSelector,
        steps: Steps,
        part: Part,
    ) -> Result<Vec<Line>, QueryError> {
        let shift = self.shift(selector);
        let mut lines = Vec::new();
        for series in self.select(selector, shift, steps, LOOKBACK)? {
            self.budget.charge(steps.count)?;
            let line = newest_of(&series, steps, shift, part);
            if line.values.iter().any(Option::is_some) {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    pub(super) fn shift(&self, selector: &VectorSelector) -> Shift {
        Shift::new(selector.at.as_ref(), selector.offset.as_ref(), self.range)
    }

    /// The series of a selector with all samples that some step may look at.
    pub(super) fn select(
        &self,
        selector: &VectorSelector,
        shift: Shift,
        steps: Steps,
        back: i64,
    ) -> Result<Vec<RawSeries>, QueryError> {
        if steps.count == 0 {
            return Ok(Vec::new());
        }
        let from = shift.apply(steps.start).saturating_sub(back);
        let to = shift.apply(steps.last());
        let Some(range) = TimeRange::new(Timestamp(from), Timestamp(to)) else {
            return Ok(Vec::new());
        };
        let found = self.source.select(&matchers(selector), range, self.budget)?;
        let most = self.budget.limits().series;
        if found.len() > most {
            let count = found.len();
            return Err(execution(format!(
                "selector finds {count} series, at most {most} are allowed"
            )));
        }
        Ok(found)
    }
}

fn newest_of(series: &RawSeries, steps: Steps, shift: Shift, part: Part) -> Line {
    let mut line = Line::empty(series.labels.clone(), steps.count);
    let mut samples = series.times.iter().copied().zip(series.values.iter().copied()).peekable();
    let mut newest: Option<(i64, f64)> = None;
    for (place, time) in line.values.iter_mut().zip(steps.times()) {
        let look = shift.apply(time);
        while let Some(sample) = samples.next_if(|&(time, _)| time <= look) {
            newest = Some(sample);
        }
        let is_alive = |&(time, value): &(i64, f64)| {
            time >= look.saturating_sub(LOOKBACK) && !is_stale_marker(value)
        };
        *place = newest.filter(is_alive).map(|(time, value)| match part {
            Part::Value => value,
            Part::Time => seconds(time),
        });
    }
    line
}
