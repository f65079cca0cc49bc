//! Functions that have a value where others have none.

use super::super::error::QueryError;
use super::super::label_set::{LabelSet, NAME};
use super::super::parse::matchers;
use super::Evaluator;
use super::lines::Line;
use super::steps::Steps;
use promql_parser::label::MatchOp;
use promql_parser::parser::Expr;

impl Evaluator<'_> {
    /// 1 where a vector has no value.
    pub(super) fn absent(&self, expr: &Expr, steps: Steps) -> Result<Vec<Line>, QueryError> {
        let lines = self.vector(expr, steps)?;
        self.gaps(expr, &lines, steps)
    }

    /// 1 where a range vector has no sample.
    pub(super) fn absent_over_time(
        &self,
        expr: &Expr,
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let lines = self.matrix(expr, steps)?.lines(self, |_, _| Some(1.0))?;
        self.gaps(expr, &lines, steps)
    }

    fn gaps(&self, expr: &Expr, lines: &[Line], steps: Steps) -> Result<Vec<Line>, QueryError> {
        self.budget.charge(steps.count)?;
        let mut gaps = Line { labels: wanted(expr), values: vec![Some(1.0); steps.count] };
        for line in lines {
            for (gap, value) in gaps.values.iter_mut().zip(&line.values) {
                if value.is_some() {
                    *gap = None;
                }
            }
        }
        Ok(if gaps.values.iter().any(Option::is_some) { vec![gaps] } else { Vec::new() })
    }
}

/// The labels that a selector asks for, as far as it asks for one value of each.
fn wanted(expr: &Expr) -> LabelSet {
    let selector = match expr {
        Expr::VectorSelector(selector) => selector,
        Expr::MatrixSelector(matrix) => &matrix.vs,
        _ => return LabelSet::default(),
    };
    let matchers = matchers(selector);
    let asked = |name: &str| matchers.iter().filter(|other| other.name == name).count();
    let only = matchers.iter().filter(|matcher| {
        matcher.op == MatchOp::Equal && matcher.name != NAME && asked(&matcher.name) == 1
    });
    LabelSet::new(only.map(|matcher| (matcher.name.as_str(), matcher.value.as_str())))
}
