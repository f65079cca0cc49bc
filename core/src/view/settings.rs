//! Settings, for people.

use crate::settings::{DatabaseSettings, EngineSettings};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Display;
use serde::Serialize;

/// A setting in force.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// Its key, with dots.
    pub key: String,
    /// Its value as it is written.
    pub value: String,
    /// What it means.
    pub help: &'static str,
}

fn setting(key: &str, value: impl Display, help: &'static str) -> Setting {
    Setting { key: key.to_owned(), value: value.to_string(), help }
}

/// What `engine.toml` says. What only a server reads is left out.
pub fn of_engine(settings: &EngineSettings) -> Vec<Setting> {
    let EngineSettings { wal, durability, metrics, stats, .. } = settings;
    let mut all = vec![
        setting("durability.profile", durability, "What is durable once a page is written"),
        setting("wal.fsync_policy", wal.fsync_policy, "When the log is synced"),
        setting(
            "wal.max_segment_size",
            wal.max_segment_size,
            "Bytes of log from which on every record is synced",
        ),
        setting("metrics.enabled", metrics.enabled, "Whether finished partitions get metric files"),
        setting("metrics.format", metrics.format, "The layout of metric files"),
        setting("metrics.compression", metrics.compression, "How metric files are compressed"),
        setting(
            "metrics.raw_ingest_action",
            metrics.raw_ingest_action,
            "What becomes of the raw pages then",
        ),
        setting(
            "metrics.time_cache_slots",
            metrics.time_cache_slots,
            "Columns of times that are kept in memory",
        ),
        setting("stats.enabled", stats.enabled, "Whether the engine records its own metrics"),
        setting("stats.interval", &stats.interval, "How often it does"),
    ];
    let defaults = of_database(&settings.manifest_defaults).into_iter();
    all.extend(
        defaults.map(|setting| Setting {
            key: format!("manifest_defaults.{}", setting.key),
            ..setting
        }),
    );
    all
}

/// What a `manifest.toml` says.
pub fn of_database(settings: &DatabaseSettings) -> Vec<Setting> {
    vec![
        setting("retention.partition", settings.partition, "The window of one data file"),
        setting("retention.retention_days", settings.retention_days, "Days that data is kept"),
        setting("retention.retention_action", settings.retention_action, "What happens to it then"),
        setting(
            "retention.rollup_wait",
            &settings.rollup_wait,
            "How long what has expired waits for rollups that cannot read it",
        ),
        setting(
            "retention.max_active_days",
            settings.max_active_days,
            "Partitions that stay open for writing",
        ),
        setting(
            "retention.grace",
            &settings.grace,
            "How long after its end a partition may get late samples",
        ),
        setting(
            "wal.enabled",
            settings.wal_enabled,
            "Whether samples are logged before they reach a page",
        ),
        setting(
            "wal.skip_before",
            &settings.wal_skip_before,
            "Samples older than this are not logged",
        ),
        setting("page.max_records", settings.page_max_records, "Samples in a page at most"),
        setting("page.max_bytes", settings.page_max_bytes, "Bytes at which a page is written"),
        setting("page.max_age", &settings.page_max_age, "Age at which a page is written"),
        setting("rollups.enabled", settings.rollups.enabled, "Whether rollups run"),
        setting(
            "rollups.silence",
            &settings.rollups.silence,
            "After how long without a sample a metric's last period is written",
        ),
        setting("rollups.jobs", settings.rollups.jobs.len(), "Rollup jobs"),
    ]
}
