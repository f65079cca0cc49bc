//! Counters of a database, as the reference names them.

use jiff::Timestamp as Instant;
use nanotdb_core::Timestamp;
use nanotdb_core::stats::{DbStats, Summary, WalReset};
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stats {
    data_file: DataFile,
    #[serde(rename = "WAL")]
    wal: Wal,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DataFile {
    flush_count: u64,
    total_flush_bytes: u64,
    total_flush_records: u64,
    total_flush_compressed: u64,
    min_flush_bytes: u64,
    max_flush_bytes: u64,
    min_flush_records: u64,
    max_flush_records: u64,
    min_flush_compressed: u64,
    max_flush_compressed: u64,
    flush_duration_total: u64,
    min_flush_duration: u64,
    max_flush_duration: u64,
    sync_count: u64,
    sync_duration_total: u64,
    min_sync_duration: u64,
    max_sync_duration: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wal {
    append_count: u64,
    append_bytes: u64,
    buffer_bytes: u64,
    fsync_count: u64,
    fsync_duration_total: u64,
    min_fsync_duration: u64,
    max_fsync_duration: u64,
    flush_count: u64,
    flushed_bytes: u64,
    min_flush_bytes: u64,
    max_flush_bytes: u64,
    reset_duration_total: u64,
    min_reset_duration: u64,
    max_reset_duration: u64,
    last_append_at: String,
    last_fsync_at: String,
    last_flush_at: String,
    flush_interval_count: u64,
    flush_interval_total: u64,
    min_flush_interval: u64,
    max_flush_interval: u64,
    recent_flushes: Vec<Flush>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Flush {
    at: String,
    bytes: u64,
}

impl Stats {
    pub(super) fn of(stats: &DbStats) -> Self {
        Self { data_file: DataFile::of(stats), wal: Wal::of(stats) }
    }
}

const fn least(summary: &Summary) -> u64 {
    match summary.extremes() {
        Some((least, _)) => least,
        None => 0,
    }
}

const fn most(summary: &Summary) -> u64 {
    match summary.extremes() {
        Some((_, most)) => most,
        None => 0,
    }
}

impl DataFile {
    fn of(stats: &DbStats) -> Self {
        let data = &stats.data;
        Self {
            flush_count: data.flush_bytes.count(),
            total_flush_bytes: data.flush_bytes.total(),
            total_flush_records: data.flush_records.total(),
            total_flush_compressed: data.flush_compressed.total(),
            min_flush_bytes: least(&data.flush_bytes),
            max_flush_bytes: most(&data.flush_bytes),
            min_flush_records: least(&data.flush_records),
            max_flush_records: most(&data.flush_records),
            min_flush_compressed: least(&data.flush_compressed),
            max_flush_compressed: most(&data.flush_compressed),
            flush_duration_total: data.flush_ns.total(),
            min_flush_duration: least(&data.flush_ns),
            max_flush_duration: most(&data.flush_ns),
            sync_count: data.sync_ns.count(),
            sync_duration_total: data.sync_ns.total(),
            min_sync_duration: least(&data.sync_ns),
            max_sync_duration: most(&data.sync_ns),
        }
    }
}

impl Wal {
    fn of(stats: &DbStats) -> Self {
        let wal = &stats.wal;
        Self {
            append_count: wal.append_count,
            append_bytes: wal.append_bytes,
            buffer_bytes: wal.buffer_bytes,
            fsync_count: wal.fsync_ns.count(),
            fsync_duration_total: wal.fsync_ns.total(),
            min_fsync_duration: least(&wal.fsync_ns),
            max_fsync_duration: most(&wal.fsync_ns),
            flush_count: wal.reset_bytes.count(),
            flushed_bytes: wal.reset_bytes.total(),
            min_flush_bytes: least(&wal.reset_bytes),
            max_flush_bytes: most(&wal.reset_bytes),
            reset_duration_total: wal.reset_ns.total(),
            min_reset_duration: least(&wal.reset_ns),
            max_reset_duration: most(&wal.reset_ns),
            last_append_at: rfc3339(wal.last_append_at),
            last_fsync_at: rfc3339(wal.last_fsync_at),
            last_flush_at: rfc3339(wal.last_reset_at()),
            flush_interval_count: wal.reset_interval_ns.count(),
            flush_interval_total: wal.reset_interval_ns.total(),
            min_flush_interval: least(&wal.reset_interval_ns),
            max_flush_interval: most(&wal.reset_interval_ns),
            recent_flushes: wal.recent_resets.iter().map(Flush::of).collect(),
        }
    }
}

impl Flush {
    fn of(reset: &WalReset) -> Self {
        Self { at: rfc3339(Some(reset.at)), bytes: reset.bytes }
    }
}

/// An instant as the reference writes it; the year 1 means never.
pub(super) fn rfc3339(time: Option<Timestamp>) -> String {
    let instant = time.and_then(|time| Instant::from_nanosecond(time.0.into()).ok());
    instant.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |instant| instant.to_string())
}
