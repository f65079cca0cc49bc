//! Which series of two vectors belong together.

use super::super::label_set::{LabelSet, NAME};
use super::lines::Line;
use promql_parser::parser::{BinModifier, LabelModifier};
use std::collections::HashMap;

/// The labels in which two series must agree.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// Whether only `labels` count, or all but them and the name.
    is_on: bool,
    labels: Vec<String>,
}

impl Matching {
    pub(super) fn new(modifier: Option<&BinModifier>) -> Self {
        match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            Some(LabelModifier::Include(on)) => Self { is_on: true, labels: on.labels.clone() },
            Some(LabelModifier::Exclude(but)) => Self { is_on: false, labels: but.labels.clone() },
            None => Self::default(),
        }
    }

    /// The labels of a series that count.
    pub(super) fn signature(&self, labels: &LabelSet) -> LabelSet {
        labels.filtered(|key| self.lists(key) == self.is_on && (self.is_on || key != NAME))
    }

    /// What two series that belong together have in common, of the first one's labels.
    pub(super) fn common(&self, labels: &LabelSet) -> LabelSet {
        labels.filtered(|key| self.lists(key) == self.is_on)
    }

    fn lists(&self, key: &str) -> bool {
        self.labels.iter().any(|label| label == key)
    }
}

/// Series that belong together, by number.
#[derive(Debug, Default)]
pub(super) struct Groups {
    numbers: HashMap<LabelSet, usize>,
}

impl Groups {
    /// The number of each line's group, made when it is new.
    pub(super) fn number(&mut self, matching: &Matching, lines: &[Line]) -> Vec<usize> {
        let signatures = lines.iter().map(|line| matching.signature(&line.labels));
        signatures
            .map(|signature| {
                let next = self.numbers.len();
                *self.numbers.entry(signature).or_insert(next)
            })
            .collect()
    }

    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }

    /// The labels of a group.
    pub(super) fn labels(&self, number: usize) -> LabelSet {
        let found = self.numbers.iter().find(|(_, other)| **other == number);
        found.map(|(labels, _)| labels.clone()).unwrap_or_default()
    }
}

/// At which steps a group has a value.
pub(super) fn presence(
    groups: usize,
    steps: usize,
    lines: &[Line],
    numbers: &[usize],
) -> Vec<Vec<bool>> {
    let mut present = vec![Vec::new(); groups];
    for (line, &number) in lines.iter().zip(numbers) {
        if let Some(present) = present.get_mut(number) {
            present.resize(steps, false);
            for (mark, value) in present.iter_mut().zip(&line.values) {
                *mark |= value.is_some();
            }
        }
    }
    present
}
