//! Metric files.

mod build;
mod compare;
mod footer;
mod frame;
mod gather;
mod header;
mod index;
mod info;
mod parts;
mod payload;
mod reader;
mod scan;
mod source;
mod spool;
#[cfg(test)]
mod testing;
mod time_match;
mod writer;

pub use build::{BuildOptions, SeriesInput, TypeOf, build_v1, build_v2, write_v1, write_v2};
pub use compare::{Comparison, Mismatch, compare};
pub use header::Version;
pub use info::{Frame, FrameInfo, Summary};
pub use reader::{Frames, MetricFile};
pub use scan::{SampleScan, Visit};
pub use writer::{BuildReport, Target};

#[cfg(test)]
mod tests;
