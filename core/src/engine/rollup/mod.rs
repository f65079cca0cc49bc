//! Running rollups over the databases of a root; what needs no files is in [`crate::rollup`].

pub(super) mod backfill;
pub(super) mod lineage;
pub(super) mod run;
#[cfg(all(test, feature = "testing"))]
mod tests;
