//! What one query may cost.

use super::error::{QueryError, execution};
use core::cell::Cell;
use core::fmt;
use core::time::Duration;
use std::time::Instant;

/// Limits of every query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Samples that a query may read and make, together.
    pub samples: u64,
    /// Points of each series in an answer to a range query.
    pub points: usize,
    /// Series that one selector may find.
    pub series: usize,
    /// How long a query may take.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            samples: 50_000_000,
            points: 11_000,
            series: 100_000,
            timeout: Duration::from_mins(2),
        }
    }
}

/// What is left to one query, and whether it shall go on.
pub struct Budget<'a> {
    limits: Limits,
    samples_left: Cell<u64>,
    /// None when the time is too far away to be one.
    deadline: Option<Instant>,
    is_cancelled: &'a dyn Fn() -> bool,
}

impl<'a> Budget<'a> {
    /// A query that begins now, and ends when `is_cancelled` says so.
    pub fn new(limits: Limits, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        let deadline = Instant::now().checked_add(limits.timeout);
        Self { limits, samples_left: Cell::new(limits.samples), deadline, is_cancelled }
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes so many samples from what is left.
    ///
    /// # Errors
    ///
    /// When fewer are left; as [`check`](Self::check).
    pub fn charge(&self, samples: usize) -> Result<(), QueryError> {
        let samples = u64::try_from(samples).unwrap_or(u64::MAX);
        let Some(left) = self.samples_left.get().checked_sub(samples) else {
            return Err(execution(format!(
                "query processing would load too many samples into memory in query execution: \
                 at most {} are allowed",
                self.limits.samples
            )));
        };
        self.samples_left.set(left);
        self.check()
    }

    /// Fails when the query shall end.
    ///
    /// # Errors
    ///
    /// `Timeout` and `Cancelled`.
    pub fn check(&self) -> Result<(), QueryError> {
        if (self.is_cancelled)() {
            return Err(QueryError::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(QueryError::Timeout),
            _ => Ok(()),
        }
    }
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Self::new(Limits::default(), &|| false)
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("limits", &self.limits)
            .field("samples_left", &self.samples_left)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_time_and_the_flag_end_a_query() {
        let limits = Limits { samples: 3, ..Limits::default() };
        let flag = Cell::new(false);
        let is_cancelled = || flag.get();
        let budget = Budget::new(limits, &is_cancelled);
        assert_eq!(budget.charge(3), Ok(()));
        let error = budget.charge(1).unwrap_err();
        assert!(error.to_string().ends_with("at most 3 are allowed"), "{error}");
        flag.set(true);
        assert_eq!(budget.check(), Err(QueryError::Cancelled));
        let late = Limits { timeout: Duration::ZERO, ..Limits::default() };
        assert_eq!(Budget::new(late, &|| false).check(), Err(QueryError::Timeout));
    }
}
