//! Aggregations: many series to one, or the best of many.

use super::super::error::{QueryError, execution};
use super::super::label_set::{LabelSet, NAME};
use super::super::numbers::{from_count, plain, to_count};
use super::Evaluator;
use super::lines::{Line, merged};
use super::order::{ascending_nan_last, descending};
use super::over_time::{mean, sum, variance};
use super::quantile::quantile;
use super::steps::Steps;
use promql_parser::parser::token::{
    T_AVG, T_BOTTOMK, T_COUNT, T_COUNT_VALUES, T_GROUP, T_MAX, T_MIN, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUM, T_TOPK,
};
use promql_parser::parser::{AggregateExpr, Expr, LabelModifier};
use std::collections::HashMap;

/// Numbers beyond which a whole number of 64 bits does not go.
const WHOLE: core::ops::RangeInclusive<f64> = -9.223_372_036_854_776e18..=9.223_372_036_854_776e18;

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &self,
        aggregate: &AggregateExpr,
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let lines = self.vector(&aggregate.expr, steps)?;
        let modifier = aggregate.modifier.as_ref();
        let param = aggregate.param.as_deref();
        let fold: fn(&[f64]) -> f64 = match aggregate.op.id() {
            T_SUM => |values| sum(values.iter().copied()),
            T_AVG => mean,
            T_MIN => |values| values.iter().copied().fold(f64::NAN, f64::min),
            T_MAX => |values| values.iter().copied().fold(f64::NAN, f64::max),
            T_COUNT => |values| from_count(values.len()),
            T_GROUP => |_| 1.0,
            T_STDDEV => |values| spread(values).sqrt(),
            T_STDVAR => spread,
            T_QUANTILE => {
                let q = self.numbers(needed(param)?, steps)?;
                let of = |step: usize, values: &[f64]| {
                    q.get(step).and_then(|&q| quantile(q, values.to_vec()))
                };
                return self.folded(&lines, modifier, steps, of);
            }
            T_TOPK => return self.best(needed(param)?, &lines, modifier, steps, descending),
            T_BOTTOMK => {
                return self.best(needed(param)?, &lines, modifier, steps, ascending_nan_last);
            }
            T_COUNT_VALUES => {
                let label = self.text(needed(param)?, steps)?;
                return self.counted(&label, &lines, modifier, steps);
            }
            _ => return Err(execution(format!("{} is not supported", aggregate.op))),
        };
        self.folded(&lines, modifier, steps, |_, values| Some(fold(values)))
    }

    /// One line for each group: what `fold` makes of the values of a step.
    fn folded(
        &self,
        lines: &[Line],
        modifier: Option<&LabelModifier>,
        steps: Steps,
        fold: impl Fn(usize, &[f64]) -> Option<f64>,
    ) -> Result<Vec<Line>, QueryError> {
        let mut folded = Vec::new();
        let mut values = Vec::new();
        for (labels, members) in grouped(lines, modifier) {
            self.budget.charge(steps.count)?;
            let mut line = Line::empty(labels, steps.count);
            for (step, place) in line.values.iter_mut().enumerate() {
                values.clear();
                values.extend(members.iter().filter_map(|&at| lines.get(at)?.at(step)));
                if !values.is_empty() {
                    *place = fold(step, &values);
                }
            }
            folded.push(line);
        }
        Ok(folded)
    }

    /// The first values of each group in an order, as many as `count` says; labels stay.
    fn best(
        &self,
        count: &Expr,
        lines: &[Line],
        modifier: Option<&LabelModifier>,
        steps: Steps,
        order: fn(f64, f64) -> core::cmp::Ordering,
    ) -> Result<Vec<Line>, QueryError> {
        let counts = self.numbers(count, steps)?;
        let mut best = Vec::new();
        for (_, members) in grouped(lines, modifier) {
            self.budget.check()?;
            let of_group = members.iter().filter_map(|&at| lines.get(at));
            let mut chosen: Vec<Line> = of_group
                .clone()
                .map(|line| Line::empty(line.labels.clone(), steps.count))
                .collect();
            // The order in which the values of the last step are chosen is that of the result.
            let mut ranked = Vec::new();
            for (step, &count) in counts.iter().enumerate() {
                if !WHOLE.contains(&count) {
                    let count = plain(count);
                    return Err(execution(format!("Scalar value {count} overflows int64")));
                }
                ranked.clear();
                let values = of_group.clone().enumerate();
                ranked.extend(values.filter_map(|(at, line)| Some((at, line.at(step)?))));
                ranked.sort_by(|(_, a), (_, b)| order(*a, *b));
                ranked.truncate(to_count(count));
                for &(at, value) in &ranked {
                    chosen.get_mut(at).map(|line| line.set(step, value));
                }
            }
            if steps.count == 1 {
                best.extend(ranked.iter().filter_map(|&(at, _)| chosen.get(at).cloned()));
            } else {
                best.append(&mut chosen);
            }
        }
        merged(best)
    }

    /// For each value of a group, how many there are; the value is a label.
    fn counted(
        &self,
        label: &str,
        lines: &[Line],
        modifier: Option<&LabelModifier>,
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        if !is_label_name(label) {
            return Err(execution(format!("invalid label name {label:?}")));
        }
        // The value becomes a label first, and labels are dropped then.
        let is_dropped = matches!(modifier, Some(LabelModifier::Exclude(without))
            if without.labels.iter().any(|other| other == label));
        let mut counted: Vec<Line> = Vec::new();
        let mut places: HashMap<LabelSet, usize> = HashMap::new();
        for line in lines {
            let group = group_labels(&line.labels, modifier);
            let values = line.values.iter().enumerate();
            for (step, value) in values.filter_map(|(step, value)| Some((step, (*value)?))) {
                let labels =
                    if is_dropped { group.clone() } else { group.with(label, &plain(value)) };
                let next = counted.len();
                let place = *places.entry(labels.clone()).or_insert(next);
                if place == next {
                    self.budget.charge(steps.count)?;
                    counted.push(Line::empty(labels, steps.count));
                }
                if let Some(line) = counted.get_mut(place) {
                    line.set(step, line.at(step).unwrap_or(0.0) + 1.0);
                }
            }
        }
        Ok(counted)
    }
}

/// The variance; 0 of one value, whatever it is.
fn spread(values: &[f64]) -> f64 {
    if values.len() == 1 { 0.0 } else { variance(values) }
}

fn needed(param: Option<&Expr>) -> Result<&Expr, QueryError> {
    param.ok_or_else(|| execution("this aggregation needs a parameter"))
}

/// Whether a text may be a label's name.
pub(super) fn is_label_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The groups in the order of their first lines, each with the places of its lines.
fn grouped(lines: &[Line], modifier: Option<&LabelModifier>) -> Vec<(LabelSet, Vec<usize>)> {
    let mut groups: Vec<(LabelSet, Vec<usize>)> = Vec::new();
    let mut places: HashMap<LabelSet, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        let labels = group_labels(&line.labels, modifier);
        let next = groups.len();
        let place = *places.entry(labels.clone()).or_insert(next);
        if place == next {
            groups.push((labels, Vec::new()));
        }
        if let Some((_, members)) = groups.get_mut(place) {
            members.push(at);
        }
    }
    groups
}

fn group_labels(labels: &LabelSet, modifier: Option<&LabelModifier>) -> LabelSet {
    let lists = |list: &[String], key: &str| list.iter().any(|label| label == key);
    match modifier {
        None => LabelSet::default(),
        Some(LabelModifier::Include(by)) => labels.filtered(|key| lists(&by.labels, key)),
        Some(LabelModifier::Exclude(without)) => {
            labels.filtered(|key| key != NAME && !lists(&without.labels, key))
        }
    }
}
