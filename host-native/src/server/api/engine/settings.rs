//! Settings in force, as the reference names them.

use crate::report::Rollups;
use crate::server::app::App;
use nanotdb_core::settings::{DatabaseSettings, Durability};
use serde::Serialize;

/// What `engine.toml` says.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the reference's fields")]
pub(super) struct Settings {
    listen: String,
    wal_max_segment_size: u64,
    wal_fsync_policy: String,
    durability_profile: String,
    sync_data_file: bool,
    sync_catalog: bool,
    stats_enabled: bool,
    stats_interval: String,
    web_enabled: bool,
    dashboard_path: String,
    explore_path: String,
    engine_path: String,
    default_wal_enabled: bool,
    default_wal_skip_before: String,
    default_retention_days: u64,
    default_max_active_days: u64,
    default_partition: String,
    default_page_max_records: u16,
    default_page_max_bytes: u64,
    default_page_max_age: String,
    default_grace: String,
}

impl Settings {
    pub(super) fn of(app: &App) -> Self {
        let (engine, web) = (app.engine.settings(), &app.settings.web);
        let defaults = &engine.manifest_defaults;
        Self {
            listen: engine.listen.clone(),
            wal_max_segment_size: engine.wal.max_segment_size,
            wal_fsync_policy: engine.wal.fsync_policy.to_string(),
            durability_profile: engine.durability.to_string(),
            sync_data_file: engine.durability != Durability::Throughput,
            sync_catalog: engine.durability == Durability::Strict,
            stats_enabled: engine.stats.enabled,
            stats_interval: engine.stats.interval.to_string(),
            web_enabled: web.enabled,
            dashboard_path: web.base_path.clone(),
            explore_path: web.explore_path.clone(),
            engine_path: web.engine_path.clone(),
            default_wal_enabled: defaults.wal_enabled,
            default_wal_skip_before: defaults.wal_skip_before.to_string(),
            default_retention_days: defaults.retention_days,
            default_max_active_days: defaults.max_active_days,
            default_partition: defaults.partition.to_string(),
            default_page_max_records: defaults.page_max_records,
            default_page_max_bytes: defaults.page_max_bytes,
            default_page_max_age: defaults.page_max_age.to_string(),
            default_grace: defaults.grace.to_string(),
        }
    }
}

/// What a manifest says.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Manifest {
    grace: String,
    retention_days: u64,
    retention_action: String,
    max_active_days: u64,
    partition: String,
    wal_enabled: bool,
    wal_skip_before: String,
    page_max_records: u16,
    page_max_bytes: u64,
    page_max_age: String,
    rollups: Rollups,
}

impl Manifest {
    pub(super) fn of(settings: &DatabaseSettings) -> Self {
        Self {
            grace: settings.grace.to_string(),
            retention_days: settings.retention_days,
            retention_action: settings.retention_action.to_string(),
            max_active_days: settings.max_active_days,
            partition: settings.partition.to_string(),
            wal_enabled: settings.wal_enabled,
            wal_skip_before: settings.wal_skip_before.to_string(),
            page_max_records: settings.page_max_records,
            page_max_bytes: settings.page_max_bytes,
            page_max_age: settings.page_max_age.to_string(),
            rollups: Rollups::of(&settings.rollups),
        }
    }
}
