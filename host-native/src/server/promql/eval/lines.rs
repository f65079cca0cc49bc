//! Vectors over all steps of a query.

use super::super::error::{QueryError, execution};
use super::super::label_set::LabelSet;
use std::collections::HashMap;

/// One series of an expression: a value, or none, for each step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) labels: LabelSet,
    pub(crate) values: Vec<Option<f64>>,
}

impl Line {
    /// A line without a value so far.
    pub(crate) fn empty(labels: LabelSet, steps: usize) -> Self {
        Self { labels, values: vec![None; steps] }
    }

    /// The value at a step.
    pub(crate) fn at(&self, step: usize) -> Option<f64> {
        self.values.get(step).copied().flatten()
    }

    /// Sets the value at a step, and says which there was.
    pub(crate) fn set(&mut self, step: usize, value: f64) -> Option<f64> {
        self.values.get_mut(step).and_then(|place| place.replace(value))
    }

    /// The line with each value changed, or left out.
    pub(crate) fn map(mut self, mut change: impl FnMut(usize, f64) -> Option<f64>) -> Self {
        for (step, place) in self.values.iter_mut().enumerate() {
            *place = place.and_then(|value| change(step, value));
        }
        self
    }
}

const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// Makes one line of those with the same labels, and drops those without values.
///
/// # Errors
///
/// When two with the same labels have a value at the same step.
pub(crate) fn merged(lines: Vec<Line>) -> Result<Vec<Line>, QueryError> {
    let mut merged: Vec<Line> = Vec::with_capacity(lines.len());
    let mut places: HashMap<LabelSet, usize> = HashMap::with_capacity(lines.len());
    for line in lines {
        if line.values.iter().all(Option::is_none) {
            continue;
        }
        let place = *places.entry(line.labels.clone()).or_insert(merged.len());
        let Some(first) = merged.get_mut(place) else {
            merged.push(line);
            continue;
        };
        for (step, value) in line.values.into_iter().enumerate() {
            if let Some(value) = value
                && first.set(step, value).is_some()
            {
                return Err(execution(SAME_LABELS));
            }
        }
    }
    Ok(merged)
}

/// Drops lines without values.
///
/// # Errors
///
/// When two lines have the same labels, wherever their values are.
pub(crate) fn distinct(mut lines: Vec<Line>) -> Result<Vec<Line>, QueryError> {
    lines.retain(|line| line.values.iter().any(Option::is_some));
    let mut seen = std::collections::HashSet::with_capacity(lines.len());
    if lines.iter().all(|line| seen.insert(&line.labels)) {
        return Ok(lines);
    }
    Err(execution(SAME_LABELS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, values: &[Option<f64>]) -> Line {
        Line { labels: LabelSet::new([("a", name)]), values: values.into() }
    }

    #[test]
    fn lines_of_the_same_labels_are_one() {
        let lines = vec![line("x", &[Some(1.0), None]), line("y", &[None, None])];
        let other = line("x", &[None, Some(2.0)]);
        let all = [lines.clone(), vec![other.clone()]].concat();
        assert_eq!(merged(all.clone()).unwrap(), [line("x", &[Some(1.0), Some(2.0)])]);
        assert!(distinct(all).is_err());
        assert_eq!(distinct(lines.clone()).unwrap().len(), 1);
        let error = merged([lines.clone(), lines].concat()).unwrap_err();
        assert_eq!(error, execution(SAME_LABELS));
    }
}
