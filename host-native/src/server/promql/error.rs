//! What can be wrong with a query, in the kinds that Prometheus tells apart.

use core::fmt;

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// The request is wrong: its text, a time, a step.
    BadData(String),
    /// The query is well formed, and its evaluation failed.
    Execution(String),
    /// It took longer than it may.
    Timeout,
    /// Whoever asked is gone, or the server stops.
    Cancelled,
    /// What is stored could not be read.
    Internal(String),
}

impl QueryError {
    /// The kind, as Prometheus' API writes it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BadData(_) => "bad_data",
            Self::Execution(_) => "execution",
            Self::Timeout => "timeout",
            Self::Cancelled => "canceled",
            Self::Internal(_) => "internal",
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadData(text) | Self::Execution(text) | Self::Internal(text) => f.write_str(text),
            Self::Timeout => f.write_str("query timed out in expression evaluation"),
            Self::Cancelled => f.write_str("query was canceled in expression evaluation"),
        }
    }
}

impl std::error::Error for QueryError {}

/// An error of the evaluation.
pub(super) fn execution(text: impl Into<String>) -> QueryError {
    QueryError::Execution(text.into())
}

/// An error of the request.
pub(super) fn bad_data(text: impl Into<String>) -> QueryError {
    QueryError::BadData(text.into())
}
