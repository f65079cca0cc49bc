//! What the engine tells, as `tracing` events; and sinks for programs that have none.
//!
//! A library never decides where log lines go. A program that uses `tracing` already sees the
//! engine's events in its own subscriber. One that does not can [install](Logging::install) the
//! sinks that `engine.toml` names:
//!
//! ```
//! use nanotdb::logging::Logging;
//! use nanotdb::settings::{LogLevel, LoggerSettings};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("engine.log");
//! let output = path.to_string_lossy().into_owned();
//! let logging = Logging::from_settings(&[LoggerSettings { output, level: LogLevel::Debug }])?;
//! logging.install()?;
//! nanotdb::Store::open(directory.path().join("store"))?.close()?;
//! let line = std::fs::read_to_string(&path)?;
//! assert!(line.contains(" level=INFO msg=\"engine opened\" databases=0 read_only=false\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A line is `time=… level=… msg="…"` and fields as `key=value`. Unlike the reference's, failures
//! have the levels ERROR and WARN; they pass every sink.

use nanotdb_core::engine::Event;
#[cfg(feature = "logging")]
pub use sinks::Logging;
use tracing::{Level, debug, enabled, error, info, trace, warn};

#[cfg(feature = "logging")]
#[path = "logging/sinks.rs"]
mod sinks;

/// Whether anybody takes events of this level now.
pub(crate) fn wants(level: nanotdb_core::engine::Level) -> bool {
    use nanotdb_core::engine::Level as Wanted;
    match level {
        Wanted::Error => enabled!(Level::ERROR),
        Wanted::Warn => enabled!(Level::WARN),
        Wanted::Info => enabled!(Level::INFO),
        Wanted::Debug => enabled!(Level::DEBUG),
        Wanted::Trace => enabled!(Level::TRACE),
    }
}

/// Passes an event on. The macros are told name by name, since the names of a `tracing` event's
/// fields are fixed where it is written down.
pub(crate) fn note(event: &Event<'_>) {
    match *event {
        Event::EngineOpened { databases, read_only } => {
            info!(databases, read_only, "engine opened");
        }
        Event::EngineClosed { failures } => info!(failures, "engine closed"),
        Event::DatabaseOpened { database, logs, replay, report } => info!(
            database,
            wal = logs,
            replay_records = replay.records,
            replay_bytes = replay.bytes,
            replayed = report.replayed,
            duplicates = report.duplicates,
            "database opened"
        ),
        Event::Noticed { database, note } => warn!(database, note, "noticed while opening"),
        Event::DatabaseClosed { database } => debug!(database, "database closed"),
        Event::WriteFailed { database, error } => error!(database, %error, "write failed"),
        Event::PageFlushed { database, partition, records, bytes, took } => {
            debug!(database, partition, records, bytes, ?took, "page flushed");
        }
        Event::LogReset { database, bytes, took } => debug!(database, bytes, ?took, "wal reset"),
        Event::MetricFileBuilt { database, partition, version, points, bytes } => {
            info!(database, partition, %version, points, bytes, "metric file built");
        }
        Event::SamplesDeleted { database, metrics, samples, refused } => {
            info!(database, metrics, samples, refused, "samples deleted");
        }
        Event::MetricFileConverted { database, partition, version, old_bytes, bytes } => {
            info!(database, partition, %version, old_bytes, bytes, "metric file converted");
        }
        Event::MetricFileFailed { database, partition, error } => {
            warn!(database, partition, %error, "metric file build failed");
        }
        Event::RetentionRan { database, partitions } => {
            info!(database, partitions, "retention ran");
        }
        Event::ClockJumped { jump } => warn!(
            shows = %jump.now,
            expected = %jump.expected,
            accepted_in = ?jump.accepted_in,
            "the clock has jumped ahead: nothing is deleted or archived until it is believed"
        ),
        Event::ClockAccepted => info!("the clock is believed again"),
        Event::LastRunUnknown { detail } => warn!(detail, "last-run.txt holds no time"),
        Event::LastRunNotWritten { error } => warn!(%error, "last-run.txt not written"),
        Event::RetentionFailed { database, error } => warn!(database, %error, "retention failed"),
        _ => note_others(event),
    }
}

fn note_others(event: &Event<'_>) {
    match *event {
        Event::ExpiredUnread { database, partition, reason } => {
            warn!(database, partition, reason, "expired before rollups could read it");
        }
        Event::UpkeepFailed { database, error } => warn!(database, %error, "upkeep failed"),
        Event::RollupStarted { source } => debug!(source, "rollup started"),
        Event::RollupFinished { source, written } => debug!(source, written, "rollup finished"),
        Event::RollupFailed { source, error } => warn!(source, %error, "rollup failed"),
        Event::SelfMetricsFailed { error } => warn!(%error, "own metrics not written"),
        Event::MetricRegistered { database, metric, value_type } => {
            trace!(database, metric, r#type = value_type.name(), "metric registered");
        }
        Event::SampleTaken { database, metric, time, value } => {
            let value = value.as_f64();
            trace!(database, metric, time_ns = time.0, value, "sample ingested");
        }
        Event::SampleRejected { database, rejection } => {
            trace!(database, reason = %rejection, "sample rejected");
        }
        _ => debug!(event = ?event, "something new"), // a kind that this version has no words for
    }
}
