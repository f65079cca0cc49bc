//! NanoTDB on real files.
//!
//! ```
//! use nanotdb::{Store, Timestamp};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("metrics");
//! let store = Store::open(&path)?;
//! let home = store.create_database("home")?;
//! home.add("kitchen.temperature", Timestamp(1_767_225_600_000_000_000), 21.5)?;
//! let newest = home.last("kitchen.temperature")?.expect("just added");
//! assert_eq!(newest.value.as_f64(), 21.5);
//! store.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub mod codecs;
#[cfg(feature = "machine")]
pub mod collect;
#[cfg(feature = "forward")]
pub mod forward;
mod host;
#[cfg(any(feature = "server", feature = "forward", feature = "parquet"))]
pub mod labels;
#[cfg(feature = "tracing")]
pub mod logging;
#[cfg(any(feature = "cli", feature = "server"))]
pub mod moment;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(any(feature = "server", feature = "forward"))]
pub mod remote_write;
pub mod replace_file;
#[cfg(any(feature = "cli", feature = "server"))]
pub mod report;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "server", feature = "collect"))]
pub mod signal;
pub mod storage;
mod store;
mod text_files;
#[cfg(any(feature = "server", feature = "collect", feature = "forward"))]
pub mod token;

pub use host::{NativeHost, SystemClock};
pub use nanotdb_core::{
    Error, MetricId, Result, Sample, TimeRange, Timestamp, Value, ValueType, aggregate, catalog,
    compress, engine, error, metric_file, name, page, partition, query, rollup, settings, stats,
    tar, text, wal,
};
pub use store::{Database, Engine, Lenient, OpenOptions, Store};
