//! Where a query finds its samples.

use super::budget::Budget;
use super::error::QueryError;
use super::label_set::LabelSet;
use crate::TimeRange;
use promql_parser::label::Matcher;

/// The samples of one series in a span of time, as columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawSeries {
    /// What the series is called.
    pub labels: LabelSet,
    /// Nanoseconds since the Unix epoch, each later than the one before.
    pub times: Vec<i64>,
    /// The values.
    pub values: Vec<f64>,
}

/// Something that has series.
pub trait Source {
    /// The series that all of `matchers` agree with, with their samples in `range`, both ends
    /// included. Series without samples there may be among them. Every sample is charged.
    ///
    /// # Errors
    ///
    /// When the budget is used up, or what is stored cannot be read.
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
        budget: &Budget<'_>,
    ) -> Result<Vec<RawSeries>, QueryError>;
}

/// Whether labels agree with all matchers. A label that is not there is an empty one.
pub(super) fn matches(labels: &LabelSet, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name)))
}
