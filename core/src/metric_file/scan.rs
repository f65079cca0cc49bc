//! The samples of a partition as builds and comparisons read them.

use crate::error::{Error, Rejection, Result};
use alloc::string::String;

/// Receives samples as columns of equal length: metric ids, times, values as they are on disk.
pub type Visit<'v> = dyn FnMut(&[u16], &[i64], &[u32]) -> Result<()> + 'v;

/// The raw samples of one partition, readable several times.
pub trait SampleScan {
    /// Calls `visit` with the samples in storage order, a page or so at a time.
    ///
    /// Every call of `scan` must give the same samples in the same order: a partition too large
    /// for memory is read in several passes.
    ///
    /// # Errors
    ///
    /// What reading fails with, and what `visit` returns; the scan ends there.
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()>;
}

/// A refused request of the caller.
pub(crate) fn invalid(detail: impl Into<String>) -> Error {
    Rejection::Invalid(detail.into()).into()
}

/// The same partition read differently the second time.
pub(crate) fn changed() -> Error {
    invalid("the partition's samples changed while they were read")
}
