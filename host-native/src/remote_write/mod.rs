//! Prometheus remote write 1.0: samples as a Protocol Buffers message in one Snappy block.
//!
//! ```text
//! POST …                                    receivers choose the path
//! Content-Type: application/x-protobuf
//! Content-Encoding: snappy                  the block format, not the framed one
//! X-Prometheus-Remote-Write-Version: 0.1.0
//! ```
//!
//! A series has its labels sorted by name, the metric's name as label `__name__`, and its samples
//! in order of time, in milliseconds. A value with the bits of [`STALE_MARKER`] is no measurement: it
//! says that a series has ended. It is stored as a NaN of its own, [`STORED_MARKER`].
//!
//! ```
//! use nanotdb::remote_write::{Label, Sample, TimeSeries, WriteRequest, decode};
//!
//! let labels = vec![Label::new("__name__", "up"), Label::new("job", "a")];
//! let samples = vec![Sample { value: 1.0, timestamp: 1_767_225_600_000 }];
//! let series = TimeSeries { labels, samples, histograms: vec![] };
//! let body = WriteRequest { timeseries: vec![series.clone()], metadata: vec![] }.encode_block()?;
//! let mut found = Vec::new();
//! decode(&body, 1 << 20, |_, series| {
//!     found.push(series);
//!     Ok::<(), nanotdb::remote_write::DecodeError>(())
//! })?;
//! assert_eq!(found, [series]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decode;
mod marker;
mod message;

pub use decode::{DecodeError, MAX_SERIES_LEN, decode};
pub use marker::{STALE_MARKER, STORED_MARKER, is_stale_marker, marker_of, stored_marker};
pub use message::{Histogram, Label, MetricMetadata, Sample, TimeSeries, WriteRequest};

/// Value of the header `Content-Type`.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// Value of the header `Content-Encoding`.
pub const CONTENT_ENCODING: &str = "snappy";

/// Name of the header that says which version of the protocol a request follows.
pub const VERSION_HEADER: &str = "X-Prometheus-Remote-Write-Version";

/// Its value.
pub const VERSION: &str = "0.1.0";

/// The label that holds a metric's name.
pub const NAME_LABEL: &str = "__name__";

/// Bits of the value that stands for every other number that is none.
pub const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;
