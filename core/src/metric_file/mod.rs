//! Metric files: a partition rewritten for queries, all samples of a metric in one piece.
//!
//! ```text
//! v1  header 64 | page frame … | PAGE_INFO 44 … | footer 16
//! v2  header 64 | time frame … | metric frame … | time index 40 … | metric index 44 … | footer 16
//! v3  header 64 | frame … | statistics … | index | footer 16
//! ```
//!
//! | part | module | its bytes |
//! |---|---|---|
//! | file header | `header` | 64, checksum |
//! | frame headers | `frame` | 48 before each payload, checksum |
//! | payload | `payload` | columns, compressed, followed by their checksum |
//! | index entries | `index` | copies of the frame headers, no checksum |
//! | footer | `footer` | 16, checksum |
//!
//! That is v1 and v2; `v3` has its own, described in `docs/FORMAT.md`.
//!
//! In v2, the default, and in v3 metrics whose times are equal, or part of another's, share one time frame;
//! `time_match` finds which. In v1 and v2 frames are in ascending order of metric ids. A file is written once,
//! under another name until it is complete, and never changed.
//!
//! [`MetricFile`] reads all versions. [`build_v2`] and [`build_v3`] make a file from a [`SampleScan`] of a
//! partition's raw samples, within a memory budget; [`compare`] checks one against the other.
//!
//! ```
//! use nanotdb_core::compress::{CodecId, Codecs};
//! use nanotdb_core::metric_file::{MetricFile, SeriesInput, Target, write_v2};
//! use nanotdb_core::storage::{FileName, MemoryStorage, Storage};
//! use nanotdb_core::{MetricId, ValueType};
//!
//! let storage = MemoryStorage::new();
//! let name = FileName::new("metric-2026-02-10.dat")?;
//! let codecs = Codecs::portable();
//! let target = Target {
//!     storage: &storage,
//!     name: &name,
//!     partition_kind: 1,
//!     codec: CodecId::default(),
//!     codecs: &codecs,
//! };
//! let metric = MetricId::new(1).expect("not zero");
//! let value_type = ValueType::I32;
//! write_v2(&target, &[SeriesInput { metric, value_type, times: &[10, 20], raws: &[7, 8] }])?;
//!
//! let file = MetricFile::open(storage.open(&name)?, "metric-2026-02-10.dat", &codecs)?;
//! let entry = &file.entries_of(metric)?[0];
//! let times = file.read_times(entry)?;
//! assert_eq!(file.entry_times(entry, &times)?, [10, 20]);
//! assert_eq!(file.read_values(entry)?, [7, 8]);
//! # Ok::<(), nanotdb_core::Error>(())
//! ```

mod build;
mod compare;
mod compressed;
#[cfg(feature = "testing")]
pub mod conformance;
mod convert;
mod footer;
mod frame;
mod gather;
mod header;
mod index;
mod info;
mod parts;
mod payload;
mod publish;
mod reader;
mod scan;
mod source;
mod spool;
#[cfg(test)]
mod testing;
mod time_match;
mod v3;
mod writer;

pub use build::{BuildOptions, SeriesInput, TypeOf, build_v1, build_v2, write_v1, write_v2};
pub use compare::{Comparison, Mismatch, compare};
pub use convert::convert;
pub use header::Version;
pub use info::{Frame, FrameInfo, Summary};
pub use reader::{Frames, MetricFile};
pub use scan::{SampleScan, Visit};
pub use v3::{Encoding, Span, Statistics, build_v3, write_v3};
pub use writer::{BuildReport, Target};

#[cfg(all(test, feature = "testing"))]
mod crash_tests;
#[cfg(test)]
mod tests;
