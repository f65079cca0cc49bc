//! What is done for the files of a database besides taking samples in: by itself as time goes on,
//! and when somebody asks.

pub(super) mod back_off;
pub(super) mod build;
pub(super) mod clock;
#[cfg(test)]
mod clock_tests;
pub(super) mod convert;
#[cfg(all(test, feature = "testing"))]
mod convert_tests;
mod copy;
pub(super) mod delete;
pub(super) mod lost;
#[cfg(test)]
mod lost_tests;
pub(super) mod recompact;
pub(super) mod recover;
pub(super) mod retention;
#[cfg(all(test, feature = "testing"))]
mod retention_tests;
pub(super) mod rounds;
#[cfg(all(test, feature = "testing"))]
mod rounds_tests;
pub(super) mod seal;
#[cfg(test)]
mod tests;
pub(super) mod verify;
