//! Metrics of a request, as small numbers.

use crate::error::Rejection;
use crate::name::check_metric_name;
use std::collections::HashMap;

/// Names that are kept at most: a database has no more metrics, and a client can think of many.
const MAX_NAMES: usize = 65_536;

/// The metrics that a request has named so far, each with a number. Finding one again by how it was
/// spelled costs less than making its name anew.
#[derive(Debug, Default)]
pub(super) struct Names {
    list: Vec<String>,
    numbers: HashMap<String, usize>,
    /// By the two parts of a spelling; the second are few.
    spellings: HashMap<String, Vec<(String, usize)>>,
    spelled: usize,
}

impl Names {
    /// The number of a metric that is spelled like this. Metrics of one spelling are the same.
    pub(super) fn find(
        &mut self,
        (series, field): (&str, &str),
        metric: impl FnOnce() -> String,
    ) -> Result<usize, Rejection> {
        let fields = self.spellings.get(series);
        let known = fields.and_then(|fields| fields.iter().find(|(other, _)| other == field));
        if let Some(&(_, number)) = known {
            return Ok(number);
        }
        let metric = metric();
        let number = match self.numbers.get(&metric) {
            Some(&number) => number,
            None => {
                check_metric_name(&metric)?;
                let number = self.list.len();
                self.numbers.insert(metric.clone(), number);
                self.list.push(metric);
                number
            }
        };
        let fields = self.spellings.entry(series.to_owned()).or_default();
        fields.push((field.to_owned(), number));
        self.spelled += 1;
        Ok(number)
    }

    /// How many there are; numbers are below.
    pub(super) const fn len(&self) -> usize {
        self.list.len()
    }

    /// The metric's name.
    pub(super) fn get(&self, number: usize) -> &str {
        self.list.get(number).map_or("", String::as_str)
    }

    /// Forgets all when there are many. Numbers that were given mean nothing then.
    pub(super) fn trim(&mut self) {
        if self.spelled >= MAX_NAMES {
            *self = Self::default();
        }
    }
}
