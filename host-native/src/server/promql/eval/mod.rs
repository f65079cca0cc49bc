//! Evaluation: one pass over the tree, each node for all steps at once.
//!
//! A selector reads its samples once for all steps and moves along them, so a range query costs
//! what its samples and its points cost, not their product.

mod absent;
mod aggregate;
mod binary;
mod calendar;
mod call;
mod histogram;
mod lines;
mod matching;
mod math;
mod operator;
mod order;
mod over_time;
mod quantile;
mod rate;
mod regression;
mod relabel;
mod selector;
mod steps;
mod windows;

#[cfg(test)]
mod tests;

use super::budget::Budget;
use super::error::{QueryError, execution};
use super::source::Source;
use crate::TimeRange;
pub(super) use call::is_function;
pub(super) use lines::Line;
use promql_parser::parser::{Expr, UnaryExpr};
pub(super) use steps::Steps;

/// How far back an instant selector looks for a sample, in nanoseconds.
const LOOKBACK: i64 = 300_000_000_000;

/// The step of a subquery that names none, in nanoseconds: Prometheus' evaluation interval.
const SUBQUERY_INTERVAL: i64 = 60_000_000_000;

/// What an expression is worth.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number for each step.
    Scalar(Vec<f64>),
    /// Lines of values.
    Vector(Vec<Line>),
    Text(String),
}

/// Evaluates the parts of one query.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) budget: &'a Budget<'a>,
    /// The range of the whole query, that `@ start()` and `@ end()` speak of.
    pub(super) range: TimeRange,
}

impl Evaluator<'_> {
    /// The value of an expression at each step.
    ///
    /// # Errors
    ///
    /// `Execution` when it has none; what the source and the budget say.
    pub(super) fn eval(&self, expr: &Expr, steps: Steps) -> Result<Value, QueryError> {
        self.budget.check()?;
        match expr {
            Expr::NumberLiteral(number) => self.scalar(steps, |_| number.val),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr, steps),
            Expr::Unary(unary) => self.negated(unary, steps),
            Expr::Binary(binary) => self.binary(binary, steps),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate, steps).map(Value::Vector),
            Expr::Call(call) => self.call(call, steps),
            Expr::VectorSelector(selector) => self.instant(selector, steps).map(Value::Vector),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                Err(execution("a range vector is only allowed as argument of a function"))
            }
            Expr::Extension(_) => Err(execution("extensions are not supported")),
        }
    }

    /// A number for each step.
    fn scalar(
        &self,
        steps: Steps,
        mut number: impl FnMut(usize) -> f64,
    ) -> Result<Value, QueryError> {
        self.budget.charge(steps.count)?;
        Ok(Value::Scalar((0..steps.count).map(&mut number).collect()))
    }

    /// The lines of an expression that must be a vector.
    fn vector(&self, expr: &Expr, steps: Steps) -> Result<Vec<Line>, QueryError> {
        match self.eval(expr, steps)? {
            Value::Vector(lines) => Ok(lines),
            _ => Err(execution("expected an instant vector")),
        }
    }

    /// The numbers of an expression that must be a scalar.
    fn numbers(&self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, QueryError> {
        match self.eval(expr, steps)? {
            Value::Scalar(numbers) => Ok(numbers),
            _ => Err(execution("expected a scalar")),
        }
    }

    /// The text of an expression that must be a string.
    fn text(&self, expr: &Expr, steps: Steps) -> Result<String, QueryError> {
        match self.eval(expr, steps)? {
            Value::Text(text) => Ok(text),
            _ => Err(execution("expected a string")),
        }
    }

    fn negated(&self, unary: &UnaryExpr, steps: Steps) -> Result<Value, QueryError> {
        match self.eval(&unary.expr, steps)? {
            Value::Scalar(numbers) => {
                Ok(Value::Scalar(numbers.into_iter().map(|number| -number).collect()))
            }
            Value::Vector(lines) => {
                let negated = lines.into_iter().map(|line| {
                    let line = line.map(|_, value| Some(-value));
                    Line { labels: line.labels.without_name(), ..line }
                });
                lines::distinct(negated.collect()).map(Value::Vector)
            }
            Value::Text(_) => Err(execution("a string has no sign")),
        }
    }
}
