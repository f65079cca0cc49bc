//! Operators between two expressions.

use super::super::error::{QueryError, execution};
use super::super::label_set::LabelSet;
use super::lines::{Line, merged};
use super::matching::{Groups, Matching, presence};
use super::operator::Operator;
use super::steps::Steps;
use super::{Evaluator, Value};
use promql_parser::parser::token::{T_LAND, T_LOR, TokenType};
use promql_parser::parser::{BinaryExpr, VectorMatchCardinality};
use std::collections::HashMap;

impl Evaluator<'_> {
    pub(super) fn binary(&self, binary: &BinaryExpr, steps: Steps) -> Result<Value, QueryError> {
        let (left, right) = (self.eval(&binary.lhs, steps)?, self.eval(&binary.rhs, steps)?);
        let as_bool = binary.return_bool();
        let lines = match (left, right, Operator::new(binary.op)) {
            (Value::Scalar(left), Value::Scalar(right), Some(operator)) => {
                let pairs = left.into_iter().zip(right);
                let numbers = pairs.filter_map(|(a, b)| operator.apply(a, b, a, true));
                return Ok(Value::Scalar(numbers.collect()));
            }
            (Value::Vector(lines), Value::Scalar(numbers), Some(operator)) => {
                with_scalar(lines, &numbers, operator, as_bool, |value, number| (value, number))
            }
            (Value::Scalar(numbers), Value::Vector(lines), Some(operator)) => {
                with_scalar(lines, &numbers, operator, as_bool, |value, number| (number, value))
            }
            (Value::Vector(left), Value::Vector(right), None) => {
                return merged(set_operation(binary, left, right, steps.count)).map(Value::Vector);
            }
            (Value::Vector(left), Value::Vector(right), Some(operator)) => {
                return self.join(binary, operator, left, right, steps).map(Value::Vector);
            }
            _ => return Err(execution(format!("{} between values of these types", binary.op))),
        };
        merged(lines).map(Value::Vector)
    }

    fn join(
        &self,
        binary: &BinaryExpr,
        operator: Operator,
        left: Vec<Line>,
        right: Vec<Line>,
        steps: Steps,
    ) -> Result<Vec<Line>, QueryError> {
        let modifier = binary.modifier.as_ref();
        let card = modifier.map_or(&VectorMatchCardinality::OneToOne, |modifier| &modifier.card);
        let is_swapped = matches!(card, VectorMatchCardinality::OneToMany(_));
        let (many, one) = if is_swapped { (right, left) } else { (left, right) };
        let include = card.labels().map(|labels| labels.labels.as_slice());
        let matching = Matching::new(modifier);
        let as_bool = binary.return_bool();
        let join = Join { operator, as_bool, is_swapped, matching, include };
        join.run(self, &many, &one, steps.count)
    }
}

/// Applies an operator to each value and the number of its step.
fn with_scalar(
    lines: Vec<Line>,
    numbers: &[f64],
    operator: Operator,
    as_bool: bool,
    order: fn(f64, f64) -> (f64, f64),
) -> Vec<Line> {
    let applied = lines.into_iter().map(|line| {
        let labels = result_labels(&line.labels, operator, as_bool);
        let line = line.map(|step, value| {
            let (a, b) = order(value, numbers.get(step).copied()?);
            operator.apply(a, b, value, as_bool)
        });
        Line { labels, ..line }
    });
    applied.collect()
}

fn result_labels(labels: &LabelSet, operator: Operator, as_bool: bool) -> LabelSet {
    if operator.keeps_name(as_bool) { labels.clone() } else { labels.without_name() }
}

/// `and`, `or` and `unless`: by whether the other side has a value at the same step.
fn set_operation(
    binary: &BinaryExpr,
    left: Vec<Line>,
    right: Vec<Line>,
    steps: usize,
) -> Vec<Line> {
    let matching = Matching::new(binary.modifier.as_ref());
    let mut groups = Groups::default();
    let of_left = groups.number(&matching, &left);
    let of_right = groups.number(&matching, &right);
    let kept = |lines: Vec<Line>, numbers: &[usize], other: &[Vec<bool>], wanted: bool| {
        let pairs = lines.into_iter().zip(numbers);
        pairs
            .map(|(line, &number)| {
                let other = other.get(number).map(Vec::as_slice).unwrap_or_default();
                let is_there = |step| other.get(step).copied().unwrap_or_default();
                line.map(|step, value| (is_there(step) == wanted).then_some(value))
            })
            .collect::<Vec<Line>>()
    };
    if TokenType::new(T_LOR) == binary.op {
        let present = presence(groups.count(), steps, &left, &of_left);
        let mut all = left;
        all.extend(kept(right, &of_right, &present, false));
        return all;
    }
    let present = presence(groups.count(), steps, &right, &of_right);
    kept(left, &of_left, &present, TokenType::new(T_LAND) == binary.op)
}

/// An operator between series that belong together.
struct Join<'a> {
    operator: Operator,
    as_bool: bool,
    /// Whether the left side is the one that has one series for many.
    is_swapped: bool,
    matching: Matching,
    /// Labels to take from the one; none when each has exactly one.
    include: Option<&'a [String]>,
}

/// Which of the lines of a group has the value of a step.
type Owners = Vec<Option<usize>>;

impl Join<'_> {
    fn run(
        &self,
        evaluator: &Evaluator<'_>,
        many: &[Line],
        one: &[Line],
        steps: usize,
    ) -> Result<Vec<Line>, QueryError> {
        let mut groups = Groups::default();
        let of_many = groups.number(&self.matching, many);
        let of_one = groups.number(&self.matching, one);
        let owners = self.owners(&groups, many, one, &of_one, steps)?;
        let mut taken = vec![Vec::new(); groups.count()];
        let mut joined = Joined::default();
        for (line, &number) in many.iter().zip(&of_many) {
            evaluator.budget.check()?;
            let (Some(owners), Some(taken)) = (owners.get(number), taken.get_mut(number)) else {
                continue;
            };
            if owners.is_empty() {
                continue;
            }
            taken.resize(steps, false);
            joined.begin_line();
            for (step, owner) in owners.iter().enumerate() {
                let Some((value, owner)) = line.at(step).zip(*owner) else { continue };
                let Some(partner) = one.get(owner) else { continue };
                let Some(result) = self.apply(value, partner.at(step).unwrap_or(f64::NAN)) else {
                    continue;
                };
                let labels = || self.labels(&line.labels, &partner.labels);
                let place = joined.place(owner, labels, evaluator, steps)?;
                let is_taken =
                    taken.get_mut(step).is_some_and(|taken| core::mem::replace(taken, true));
                if (self.include.is_none() && is_taken) || joined.set(place, step, result) {
                    return Err(execution(self.too_many()));
                }
            }
        }
        Ok(joined.lines)
    }

    fn apply(&self, many: f64, one: f64) -> Option<f64> {
        let (left, right) = if self.is_swapped { (one, many) } else { (many, one) };
        self.operator.apply(left, right, left, self.as_bool)
    }

    /// For each group the line of the one side at each step; empty for groups without any.
    fn owners(
        &self,
        groups: &Groups,
        many: &[Line],
        one: &[Line],
        of_one: &[usize],
        steps: usize,
    ) -> Result<Vec<Owners>, QueryError> {
        // A step at which the other side has nothing at all is not looked at.
        let mut wanted = vec![false; steps];
        for line in many {
            for (wanted, value) in wanted.iter_mut().zip(&line.values) {
                *wanted |= value.is_some();
            }
        }
        let mut owners: Vec<Owners> = vec![Vec::new(); groups.count()];
        for (at, (line, &number)) in one.iter().zip(of_one).enumerate() {
            let Some(owners) = owners.get_mut(number) else { continue };
            owners.resize(steps, None);
            let places = owners.iter_mut().zip(&line.values).zip(&wanted);
            for ((owner, value), wanted) in places {
                if value.is_none() || !wanted {
                    continue;
                }
                if let Some(other) = owner.replace(at).and_then(|other| one.get(other)) {
                    return Err(self.ambiguous(&groups.labels(number), other, line));
                }
            }
        }
        Ok(owners)
    }

    fn labels(&self, many: &LabelSet, one: &LabelSet) -> LabelSet {
        let labels = result_labels(many, self.operator, self.as_bool);
        let Some(include) = self.include else { return self.matching.common(&labels) };
        include.iter().fold(labels, |labels, name| labels.with(name, one.get(name)))
    }

    const fn too_many(&self) -> &'static str {
        if self.include.is_none() {
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        } else {
            "multiple matches for labels: grouping labels must ensure unique matches"
        }
    }

    fn ambiguous(&self, group: &LabelSet, a: &Line, b: &Line) -> QueryError {
        let side = if self.is_swapped { "left" } else { "right" };
        execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the \
             operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique \
             on one side",
            b.labels, a.labels
        ))
    }
}

/// The results so far.
#[derive(Debug, Default)]
struct Joined {
    lines: Vec<Line>,
    places: HashMap<LabelSet, usize>,
    /// Partner and place of the value before: mostly they stay.
    last: Option<(usize, usize)>,
}

impl Joined {
    fn begin_line(&mut self) {
        self.last = None;
    }

    /// Where the results with a partner go.
    fn place(
        &mut self,
        partner: usize,
        labels: impl FnOnce() -> LabelSet,
        evaluator: &Evaluator<'_>,
        steps: usize,
    ) -> Result<usize, QueryError> {
        if let Some((_, place)) = self.last.filter(|&(other, _)| other == partner) {
            return Ok(place);
        }
        let labels = labels();
        let next = self.lines.len();
        let place = *self.places.entry(labels.clone()).or_insert(next);
        if place == next {
            evaluator.budget.charge(steps)?;
            self.lines.push(Line::empty(labels, steps));
        }
        self.last = Some((partner, place));
        Ok(place)
    }

    /// Sets a result, and says whether there was one.
    fn set(&mut self, place: usize, step: usize, value: f64) -> bool {
        self.lines.get_mut(place).is_some_and(|line| line.set(step, value).is_some())
    }
}
