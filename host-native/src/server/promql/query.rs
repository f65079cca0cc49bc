//! Queries from their text to their answer.

use super::budget::Budget;
use super::error::{QueryError, bad_data};
use super::eval::{self, Evaluator, Line, Value};
use super::label_set::LabelSet;
use super::parse::{parse, parse_selector};
use super::source::Source;
use crate::{TimeRange, Timestamp};
use promql_parser::label::Matcher;
use promql_parser::parser::Expr;
use promql_parser::parser::value::ValueType;

/// A value at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Nanoseconds since the Unix epoch.
    pub time: i64,
    /// The value.
    pub value: f64,
}

/// Points of one series, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: LabelSet,
    /// Its points.
    pub points: Vec<Point>,
}

/// What a query finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Series with any number of points.
    Matrix(Vec<Series>),
    /// Series with one point each, all at the same instant.
    Vector(Vec<Series>),
    /// A number.
    Scalar(Point),
    /// A text, at an instant in nanoseconds since the Unix epoch.
    Text(i64, String),
}

/// The instants of a range query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// The first instant.
    pub start: Timestamp,
    /// The last instant, if a step falls on it.
    pub end: Timestamp,
    /// Nanoseconds from one to the next, more than 0.
    pub interval_ns: i64,
}

/// Evaluates a query at one instant.
///
/// # Errors
///
/// `BadData` when the text is no query, `Execution` when it has no result, and what the source and
/// the budget say.
pub fn instant(
    query: &str,
    at: Timestamp,
    source: &dyn Source,
    budget: &Budget<'_>,
) -> Result<Answer, QueryError> {
    let expr = parse(query)?;
    let steps = eval::Steps::one(at.0);
    let evaluator = Evaluator { source, budget, range: TimeRange { from: at, to: at } };
    if expr.value_type() == ValueType::Matrix {
        return evaluator.samples(&expr, steps).map(Answer::Matrix);
    }
    Ok(match evaluator.eval(&expr, steps)? {
        Value::Vector(lines) => {
            Answer::Vector(lines.into_iter().map(|line| series(line, steps)).collect())
        }
        Value::Scalar(numbers) => {
            let value = numbers.first().copied().unwrap_or(f64::NAN);
            Answer::Scalar(Point { time: at.0, value })
        }
        Value::Text(text) => Answer::Text(at.0, text),
    })
}

/// Evaluates a query at each step of a range. The answer is a matrix, sorted by labels.
///
/// # Errors
///
/// As [`instant`]; `BadData` when there are too many steps, or the query is neither a vector nor a
/// scalar.
pub fn range(
    query: &str,
    steps: Steps,
    source: &dyn Source,
    budget: &Budget<'_>,
) -> Result<Answer, QueryError> {
    let range = TimeRange { from: steps.start, to: steps.end };
    let steps = checked(steps, budget)?;
    let expr = parse(query)?;
    let kind = match expr.value_type() {
        ValueType::Matrix => Some("range vector"),
        ValueType::String => Some("string"),
        ValueType::Vector | ValueType::Scalar => None,
    };
    if let Some(kind) = kind {
        return Err(bad_data(format!(
            "invalid parameter \"query\": invalid expression type {kind:?} for range query, \
             must be Scalar or instant Vector"
        )));
    }
    let evaluator = Evaluator { source, budget, range };
    let lines = match evaluator.eval(&expr, steps)? {
        Value::Vector(lines) => lines,
        Value::Scalar(numbers) => {
            let values = numbers.into_iter().map(Some).collect();
            vec![Line { labels: LabelSet::default(), values }]
        }
        Value::Text(_) => Vec::new(),
    };
    let mut matrix: Vec<Series> = lines.into_iter().map(|line| series(line, steps)).collect();
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(Answer::Matrix(matrix))
}

/// What a selector alone, as in a `match[]` parameter, asks for.
///
/// # Errors
///
/// `BadData` when the text is anything else.
pub fn selector(text: &str) -> Result<Vec<Matcher>, QueryError> {
    parse_selector(text)
}

/// A query, laid out on lines as it is best read.
///
/// # Errors
///
/// `BadData` when the text is no query.
pub fn formatted(query: &str) -> Result<String, QueryError> {
    Ok(parse(query)?.prettify())
}

fn checked(steps: Steps, budget: &Budget<'_>) -> Result<eval::Steps, QueryError> {
    let (start, end) = (steps.start.0, steps.end.0);
    if end < start {
        return Err(bad_data(
            "invalid parameter \"end\": end timestamp must not be before start time",
        ));
    }
    if steps.interval_ns <= 0 {
        return Err(bad_data(
            "invalid parameter \"step\": zero or negative query resolution step widths are not \
             accepted. Try a positive integer",
        ));
    }
    let checked = eval::Steps::between(start, end, steps.interval_ns);
    let most = budget.limits().points;
    // The first point is not counted, as in Prometheus.
    if checked.count.saturating_sub(1) > most {
        return Err(bad_data(format!(
            "exceeded maximum resolution of {most} points per timeseries. Try decreasing the \
             query resolution (?step=XX)"
        )));
    }
    Ok(checked)
}

fn series(line: Line, steps: eval::Steps) -> Series {
    let values = steps.times().zip(line.values);
    let points = values.filter_map(|(time, value)| value.map(|value| Point { time, value }));
    Series { labels: line.labels, points: points.collect() }
}

impl Evaluator<'_> {
    /// The samples of a range vector as they are.
    fn samples(&self, expr: &Expr, steps: eval::Steps) -> Result<Vec<Series>, QueryError> {
        let matrix = self.matrix(expr, steps)?;
        let mut found = Vec::new();
        for series in &matrix.series {
            if let Some(window) = matrix.window(series, 0) {
                self.budget.charge(window.values.len())?;
                let samples = window.times.iter().zip(window.values);
                let points = samples.map(|(&time, &value)| Point { time, value }).collect();
                found.push(Series { labels: series.labels.clone(), points });
            }
        }
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(found)
    }
}
