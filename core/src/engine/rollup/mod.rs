//! Running rollups over the databases of a root; what needs no files is in [`crate::rollup`].

pub(super) mod backfill;
mod condense;
pub(super) mod deleted;
#[cfg(all(test, feature = "testing"))]
mod deleted_tests;
mod due;
#[cfg(all(test, feature = "testing"))]
mod early_tests;
pub(super) mod lineage;
pub(super) mod run;
pub(super) mod seen;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod write;
