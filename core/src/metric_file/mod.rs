//! Metric files.

mod footer;
mod frame;
mod header;
mod index;
#[cfg(test)]
mod testing;

pub use header::Version;
