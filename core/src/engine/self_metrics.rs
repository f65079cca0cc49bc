//! The engine's own metrics: what it counts, recorded as samples of a database of its own.
//!
//! Names and meanings are the reference's, `nanotdb/<family>/<key>`:
//!
//! | family | keys | from |
//! |---|---|---|
//! | `<database>/data` | pages and syncs of data files, once there is one | [`DataStats`] |
//! | `<database>/wal` | the log, and what opening read from it | [`WalStats`], [`ReplayStats`] |
//! | `metric_file` | `time_cache_*`: decoded blocks, `index_cache_*`: open files | [`CacheStats`] |
//! | `runtime` | what the host can measure of the process | [`Host::measure`] |
//!
//! A minimum or maximum of nothing is 0, and so is a limit that does not exist: our block cache
//! is limited in bytes, `time_cache_max_bytes`, not in entries.
//!
//! They are written when somebody ticks the engine and the interval has passed, and when the
//! engine closes; in both cases only if samples were taken in meanwhile. So looking at a store
//! leaves no trace, and an idle one does not grow.

use super::database::Database;
use super::host::{Clock, Host, Shared};
use super::root::Engine;
use super::row::{Row, RowTime, Target};
use crate::error::Result;
use crate::settings::INTERNAL;
use crate::stats::{CacheStats, CacheUse, DataStats, ReplayStats, Summary, WalStats};
use crate::types::Value;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// When the engine's own metrics were written last.
#[derive(Debug, Default)]
pub(super) struct Emissions {
    at: Option<Duration>,
    /// Samples taken in by then.
    samples: u64,
}

impl Emissions {
    /// Whether it is time again; if so, the caller writes them.
    fn take_turn(&mut self, now: Duration, interval: Duration, samples: u64) -> bool {
        let is_early = self.at.is_some_and(|at| now.saturating_sub(at) < interval);
        let due = samples > self.samples && !is_early;
        if due {
            *self = Self { at: Some(now), samples };
        }
        due
    }
}

impl<H: Host> Engine<H> {
    /// Writes the engine's own metrics if it is time to.
    ///
    /// # Errors
    ///
    /// Why they could not be written. Nothing depends on them, so nobody else should fail.
    pub(super) fn record_itself(&self) -> Result<()> {
        let stats = &self.settings().stats;
        let samples = self.samples_taken();
        if !stats.enabled || samples == 0 {
            return Ok(());
        }
        let now = self.host().clock().monotonic();
        let nanos = u64::try_from(stats.interval.as_nanos()).unwrap_or(0);
        let interval = Duration::from_nanos(nanos);
        if self.emissions.write(|last| last.take_turn(now, interval, samples)) {
            self.write_itself(&*self.create_database(INTERNAL)?)?;
        }
        Ok(())
    }

    /// The database that takes the last of the engine's own metrics, if there is reason to write
    /// any: asked for before closing, which opens nothing any more.
    pub(super) fn last_words_to(&self) -> Option<Result<Arc<Database<H>>>> {
        let wanted = self.settings().stats.enabled && self.samples_taken() > 0;
        wanted.then(|| self.create_database(INTERNAL))
    }

    /// Samples taken in since the engine was opened, its own not counted.
    fn samples_taken(&self) -> u64 {
        let others = self.open_databases().into_iter().filter(|db| db.name() != INTERNAL);
        others.map(|db| db.readable().state.read(|state| state.stats.samples)).sum()
    }

    /// Writes the engine's own metrics, all with the same time.
    pub(super) fn write_itself(&self, to: &Database<H>) -> Result<()> {
        let metrics = self.own_metrics();
        to.add_rows(metrics.iter().map(|(name, value)| {
            #[expect(clippy::cast_possible_truncation, reason = "as the reference rounds them")]
            let value = Value::F32(*value as f32);
            Row { target: Target::Name(name), time: RowTime::Now, value }
        }))?;
        Ok(())
    }

    fn own_metrics(&self) -> Vec<(String, f64)> {
        let mut metrics = Vec::new();
        let mut cache = CacheStats::default();
        for database in self.open_databases() {
            let name = database.name();
            let stats = database.stats();
            let mut put = |key: &str, value: u64| {
                metrics.push((format!("nanotdb/{name}/{key}"), to_f64(value)));
            };
            put_data(&stats.data, &mut put);
            put_wal(&stats.wal, &mut put);
            if name != INTERNAL {
                put_replay(&stats.replay, &mut put);
            }
            cache.blocks = cache.blocks.plus(stats.cache.blocks);
            cache.files = cache.files.plus(stats.cache.files);
        }
        put_cache("time", &cache.blocks, &mut metrics);
        put_cache("index", &cache.files, &mut metrics);
        self.host().measure(&mut |key, value| {
            metrics.push((format!("nanotdb/runtime/{key}"), value));
        });
        metrics
    }
}

fn put_data(data: &DataStats, put: &mut dyn FnMut(&str, u64)) {
    if data.flush_bytes.count() > 0 {
        put("data/flush_count", data.flush_bytes.count());
        let summaries = [
            ("flush_bytes", &data.flush_bytes),
            ("flush_records", &data.flush_records),
            ("flush_compressed_bytes", &data.flush_compressed),
        ];
        for (key, summary) in summaries {
            put(&format!("data/{key}"), summary.total());
            put_extremes("data", key, summary, put);
        }
        put("data/flush_duration_total_ns", data.flush_ns.total());
        put_extremes("data", "flush_duration_ns", &data.flush_ns, put);
    }
    if data.sync_ns.count() > 0 {
        put("data/fsync_count", data.sync_ns.count());
        put("data/fsync_duration_total_ns", data.sync_ns.total());
        put_extremes("data", "fsync_duration_ns", &data.sync_ns, put);
    }
}

fn put_wal(wal: &WalStats, put: &mut dyn FnMut(&str, u64)) {
    put("wal/append_count", wal.append_count);
    put("wal/append_bytes", wal.append_bytes);
    put("wal/buffer_bytes", wal.buffer_bytes);
    put("wal/fsync_count", wal.fsync_ns.count());
    put("wal/fsync_duration_total_ns", wal.fsync_ns.total());
    put_extremes("wal", "fsync_duration_ns", &wal.fsync_ns, put);
    put("wal/flush_count", wal.reset_bytes.count());
    put("wal/flushed_bytes", wal.reset_bytes.total());
    put_extremes("wal", "flush_bytes", &wal.reset_bytes, put);
    put("wal/flush_interval_count", wal.reset_interval_ns.count());
    put("wal/flush_interval_total_ns", wal.reset_interval_ns.total());
    put_extremes("wal", "flush_interval_ns", &wal.reset_interval_ns, put);
    put("wal/reset_duration_total_ns", wal.reset_ns.total());
    put_extremes("wal", "reset_duration_ns", &wal.reset_ns, put);
}

fn put_replay(replay: &ReplayStats, put: &mut dyn FnMut(&str, u64)) {
    put("wal/replay_records", replay.records);
    put("wal/replay_bytes", replay.bytes);
    put("wal/replay_success_count", replay.successes);
    put("wal/replay_error_count", replay.errors);
}

fn put_extremes(family: &str, key: &str, summary: &Summary, put: &mut dyn FnMut(&str, u64)) {
    let (min, max) = summary.extremes().unwrap_or_default();
    put(&format!("{family}/min_{key}"), min);
    put(&format!("{family}/max_{key}"), max);
}

fn put_cache(which: &str, cache: &CacheUse, metrics: &mut Vec<(String, f64)>) {
    let values = [
        ("entries", cache.entries),
        ("bytes", cache.bytes),
        ("max_entries", cache.max_entries),
        ("max_bytes", cache.max_bytes),
        ("hits", cache.hits),
        ("misses", cache.misses),
        ("evictions", cache.evictions),
    ];
    let name = |key| format!("nanotdb/metric_file/{which}_cache_{key}");
    metrics.extend(values.map(|(key, value)| (name(key), to_f64(value))));
}

#[expect(clippy::cast_precision_loss, reason = "float32 holds less anyway")]
const fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
#[path = "self_metrics_tests.rs"]
mod tests;
