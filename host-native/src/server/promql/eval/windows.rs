//! Range vectors: what a function over a span of time is called with.

use super::super::error::{QueryError, execution};
use super::super::source::RawSeries;
use super::lines::Line;
use super::steps::{Shift, Steps, nanos};
use super::{Evaluator, SUBQUERY_INTERVAL};
use crate::remote_write::is_stale_marker;
use promql_parser::parser::{Expr, SubqueryExpr};

/// The samples of one series in one span of time, both ends included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Nanoseconds since the Unix epoch, ascending.
    pub(crate) times: &'a [i64],
    /// As many values, at least one.
    pub(crate) values: &'a [f64],
    /// Where the span begins.
    pub(crate) from: i64,
    /// Where it ends.
    pub(crate) to: i64,
    /// The step that it is looked at for.
    pub(crate) now: i64,
}

/// The series of a range vector, and how to look at them.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) series: Vec<RawSeries>,
    /// Length of a window, in nanoseconds.
    range: i64,
    shift: Shift,
    steps: Steps,
}

impl Matrix {
    /// What a function makes of each window that has samples, one line for each series.
    pub(crate) fn lines(
        &self,
        evaluator: &Evaluator<'_>,
        mut function: impl FnMut(usize, Window<'_>) -> Option<f64>,
    ) -> Result<Vec<Line>, QueryError> {
        let mut lines = Vec::new();
        for series in &self.series {
            evaluator.budget.charge(self.steps.count)?;
            let mut line = Line::empty(series.labels.clone(), self.steps.count);
            let mut cursor = Cursor::default();
            for (step, place) in line.values.iter_mut().enumerate() {
                if step % 256 == 255 {
                    evaluator.budget.check()?;
                }
                let window = cursor.move_to(series, self.span(step));
                *place = window.and_then(|window| function(step, window));
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// The window of a series at a step.
    pub(crate) fn window<'a>(&self, series: &'a RawSeries, step: usize) -> Option<Window<'a>> {
        Cursor::default().move_to(series, self.span(step))
    }

    /// Begin and end of the window of a step, and the step's instant.
    fn span(&self, step: usize) -> (i64, i64, i64) {
        let now = self.steps.time(step);
        let to = self.shift.apply(now);
        (to.saturating_sub(self.range), to, now)
    }
}

/// Where in a series the window is; it only moves forward.
#[derive(Debug, Default)]
struct Cursor {
    begin: usize,
    end: usize,
}

impl Cursor {
    fn move_to<'a>(
        &mut self,
        series: &'a RawSeries,
        (from, to, now): (i64, i64, i64),
    ) -> Option<Window<'a>> {
        self.end += count_while(&series.times, self.end, |time| time <= to);
        self.begin += count_while(&series.times, self.begin, |time| time < from);
        let times = series.times.get(self.begin..self.end)?;
        let values = series.values.get(self.begin..self.end)?;
        (!values.is_empty()).then_some(Window { times, values, from, to, now })
    }
}

/// How many times after `at` agree, without a break.
fn count_while(times: &[i64], at: usize, agrees: impl Fn(i64) -> bool) -> usize {
    let rest = times.get(at..).unwrap_or_default();
    // Steps are mostly near each other; where they are not, halving finds the place.
    match rest.iter().take(16).position(|&time| !agrees(time)) {
        Some(count) => count,
        None => rest.partition_point(|&time| agrees(time)),
    }
}

impl Evaluator<'_> {
    /// The range vector that an argument is.
    pub(crate) fn matrix(&self, expr: &Expr, steps: Steps) -> Result<Matrix, QueryError> {
        match expr {
            Expr::Paren(paren) => self.matrix(&paren.expr, steps),
            Expr::MatrixSelector(selector) => {
                let (shift, range) = (self.shift(&selector.vs), nanos(selector.range));
                let mut series = self.select(&selector.vs, shift, steps, range)?;
                series.iter_mut().for_each(drop_markers);
                Ok(Matrix { series, range, shift, steps })
            }
            Expr::Subquery(subquery) => self.subquery(subquery, steps),
            _ => Err(execution("expected a range vector")),
        }
    }

    /// Evaluates the inside of a subquery once, at every instant that some window holds.
    fn subquery(&self, subquery: &SubqueryExpr, steps: Steps) -> Result<Matrix, QueryError> {
        let shift = Shift::new(subquery.at.as_ref(), subquery.offset.as_ref(), self.range);
        let range = nanos(subquery.range);
        let interval = subquery.step.map_or(SUBQUERY_INTERVAL, nanos).max(1);
        let from = shift.apply(steps.start).saturating_sub(range);
        // Instants are multiples of the interval, whatever the steps are.
        let start = from
            .checked_rem_euclid(interval)
            .filter(|&over| over != 0)
            .map_or(from, |over| from.saturating_add(interval - over));
        let inner = Steps::between(start, shift.apply(steps.last()), interval);
        let lines = if steps.count == 0 { Vec::new() } else { self.vector(&subquery.expr, inner)? };
        let mut series = Vec::with_capacity(lines.len());
        for line in lines {
            self.budget.charge(inner.count)?;
            series.push(samples(line, inner));
        }
        Ok(Matrix { series, range, shift, steps })
    }
}

/// Windows hold what was measured, not where a series ended.
fn drop_markers(series: &mut RawSeries) {
    if !series.values.iter().copied().any(is_stale_marker) {
        return;
    }
    let mut measured = series.values.iter().map(|value| !is_stale_marker(*value));
    series.times.retain(|_| measured.next().unwrap_or(true));
    series.values.retain(|value| !is_stale_marker(*value));
}

fn samples(line: Line, steps: Steps) -> RawSeries {
    let points = steps.times().zip(line.values);
    let (times, values) =
        points.filter_map(|(time, value)| value.map(|value| (time, value))).unzip();
    RawSeries { labels: line.labels, times, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_both_ends_and_move_on() {
        let series = RawSeries {
            times: (0..100).map(|at| at * 10).collect(),
            values: (0..100_u8).map(f64::from).collect(),
            ..RawSeries::default()
        };
        let mut cursor = Cursor::default();
        let mut at = |from, to| cursor.move_to(&series, (from, to, to)).map(|w| w.values.to_vec());
        assert_eq!(at(-10, 0), Some(vec![0.0]));
        assert_eq!(at(10, 30), Some(vec![1.0, 2.0, 3.0]));
        assert_eq!(at(31, 39), None);
        assert_eq!(at(700, 719), Some(vec![70.0, 71.0]));
        assert_eq!(at(2_000, 3_000), None);
    }
}
