//! NanoTDB's file formats and engine.
//!
//! Nothing here touches an operating system: files come from a host through
//! [`storage::Storage`], time through [`engine::Clock`]. The same code runs in a native process,
//! on a Raspberry Pi and in a browser tab.
//!
//! | layer | modules | rule |
//! |---|---|---|
//! | values | [`types`], [`error`], [`stats`] | no logic |
//! | codecs | [`codec`], [`mod@column`], [`compress`], [`text`], [`page`], [`wal`], [`catalog`], [`settings`], [`metric_file`] | slices in, values out: no I/O, no time |
//! | pure functions | [`partition`], [`aggregate`], [`sorted`] | |
//! | storage | [`storage`] | knows no format |
//! | engine | [`engine`], [`query`] | the only place where formats meet I/O |
//! | views | [`view`] | what hosts show of a store, in plain values |
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_possible_wrap,
        clippy::host_endian_bytes,
        clippy::big_endian_bytes
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod aggregate;
pub mod catalog;
pub mod codec;
pub mod column;
pub mod compress;
pub mod engine;
pub mod error;
pub mod metric_file;
pub mod name;
pub mod page;
pub mod partition;
pub mod query;
pub mod rollup;
pub mod settings;
pub mod sorted;
pub mod stats;
pub mod storage;
pub mod tar;
pub mod text;
pub mod types;
pub mod view;
pub mod wal;

pub use error::{Error, Result};
pub use types::{MetricId, Sample, TimeRange, Timestamp, Value, ValueType};
