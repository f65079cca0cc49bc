//! `GET /metrics`: the engine's and the server's own numbers, in the text format of Prometheus.
//!
//! Names begin with `nanotdb_`; counters end in `_total`, and start over with the process. Durations
//! are in seconds.

use super::answer::Failure;
use super::app::App;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use core::fmt::{Display, Write as _};
use core::sync::atomic::{AtomicU64, Ordering};
use nanotdb_core::engine::Host;
use nanotdb_core::stats::{CacheUse, DbStats, Summary};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

const CONTENT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that was counted. Databases that nobody asked for since the start are left out:
/// looking would open them.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.watch(|app| {
        let mut page = Page::default();
        of_server(app, &mut page);
        of_process(app, &mut page);
        of_databases(app, &mut page);
        Ok(([(CONTENT_TYPE, CONTENT)], page.text).into_response())
    })
    .await
}

/// The text so far.
#[derive(Default)]
struct Page {
    text: String,
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

impl Page {
    /// One metric with a value for each of its label sets.
    fn family(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP nanotdb_{name} {help}\n# TYPE nanotdb_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(self.text, "nanotdb_{name}{labels} {value}");
        }
    }

    fn one(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help, [(String::new(), value)]);
    }
}

/// One label, its value escaped.
fn label(key: &str, value: impl Display) -> String {
    let value = value.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{key}=\"{value}\"}}")
}

#[expect(clippy::cast_precision_loss, reason = "the text format has floating point only")]
const fn float(number: u64) -> f64 {
    number as f64
}

fn seconds(summary: &Summary) -> f64 {
    float(summary.total()) / 1e9
}

fn of_server(app: &App, page: &mut Page) {
    let counters = &app.counters;
    let now = |counter: &AtomicU64| float(counter.load(Ordering::Relaxed));
    let answered = counters.answered.iter().enumerate().skip(1);
    page.family(
        "http_requests_total",
        Kind::Counter,
        "Requests answered, by the first digit of their status.",
        answered.map(|(digit, count)| (label("status", format_args!("{digit}xx")), now(count))),
    );
    for (name, kind, help, counter) in [
        ("http_requests_active", Kind::Gauge, "Requests being worked on.", &counters.active),
        ("http_connections", Kind::Gauge, "Open connections.", &counters.connections),
        (
            "http_received_bytes_total",
            Kind::Counter,
            "Bytes of bodies, after decompression.",
            &counters.body_bytes,
        ),
        (
            "http_samples_accepted_total",
            Kind::Counter,
            "Samples that came in and were taken.",
            &counters.accepted,
        ),
        (
            "http_samples_rejected_total",
            Kind::Counter,
            "Samples or lines that came in and were not taken.",
            &counters.rejected,
        ),
    ] {
        page.one(name, kind, help, now(counter));
    }
}

fn of_process(app: &App, page: &mut Page) {
    let started = app.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let help = "When the server started, in seconds since 1970.";
    page.one("start_time_seconds", Kind::Gauge, help, started.as_secs_f64());
    app.engine.host().measure(&mut |name, value| {
        let (name, help) = match name {
            "rss_bytes" => ("resident_memory_bytes", "Memory of the process in use."),
            "threads" => ("threads", "Threads of the process."),
            _ => return,
        };
        page.one(name, Kind::Gauge, help, value);
    });
    let jump = app.engine.clock_jump();
    let help =
        "Whether the clock has jumped ahead so far that nothing is deleted or archived by it.";
    page.one("clock_doubted", Kind::Gauge, help, f64::from(u8::from(jump.is_some())));
    let help = "How far it is ahead of the last run and the newest samples, in seconds.";
    let ahead = jump.map_or(0, |jump| jump.now.0.saturating_sub(jump.expected.0));
    let ahead = float(u64::try_from(ahead).unwrap_or(0)) / 1e9;
    page.one("clock_jump_seconds", Kind::Gauge, help, ahead);
    let help = "The version that runs; always 1.";
    let version = label("version", env!("CARGO_PKG_VERSION"));
    page.family("build_info", Kind::Gauge, help, [(version, 1.0)]);
}

/// A counter of a database: name, what it is, and where it is read.
type Counter = (&'static str, Kind, &'static str, fn(&DbStats) -> f64);

const COUNTERS: [Counter; 17] = [
    ("samples_total", Kind::Counter, "Samples taken in.", |stats| float(stats.samples)),
    ("pages_written_total", Kind::Counter, "Pages written to data files.", |stats| {
        float(stats.data.flush_bytes.count())
    }),
    ("page_bytes_total", Kind::Counter, "Bytes of those pages.", |stats| {
        float(stats.data.flush_bytes.total())
    }),
    ("page_samples_total", Kind::Counter, "Samples in those pages.", |stats| {
        float(stats.data.flush_records.total())
    }),
    ("page_write_seconds_total", Kind::Counter, "Time writing them took.", |stats| {
        seconds(&stats.data.flush_ns)
    }),
    ("data_syncs_total", Kind::Counter, "Syncs of data files.", |stats| {
        float(stats.data.sync_ns.count())
    }),
    ("data_sync_seconds_total", Kind::Counter, "Time those syncs took.", |stats| {
        seconds(&stats.data.sync_ns)
    }),
    ("wal_records_total", Kind::Counter, "Records in the log, those found in it included.", |s| {
        float(s.wal.append_count)
    }),
    ("wal_record_bytes_total", Kind::Counter, "Bytes of those records.", |stats| {
        float(stats.wal.append_bytes)
    }),
    ("wal_bytes", Kind::Gauge, "Bytes in the log now.", |stats| float(stats.wal.buffer_bytes)),
    ("wal_syncs_total", Kind::Counter, "Syncs of the log.", |stats| {
        float(stats.wal.fsync_ns.count())
    }),
    ("wal_sync_seconds_total", Kind::Counter, "Time those syncs took.", |stats| {
        seconds(&stats.wal.fsync_ns)
    }),
    ("wal_resets_total", Kind::Counter, "Times the log was emptied.", |stats| {
        float(stats.wal.reset_bytes.count())
    }),
    ("wal_replayed_records_total", Kind::Counter, "Records read when it was opened.", |stats| {
        float(stats.replay.records)
    }),
    ("wal_replay_errors_total", Kind::Counter, "Whether any of it was passed over.", |stats| {
        float(stats.replay.errors)
    }),
    (
        "metric_file_payload_bytes_total",
        Kind::Counter,
        "Bytes of times and values that queries read of metric files.",
        |stats| float(stats.metric_files.payload_bytes),
    ),
    (
        "metric_file_spans_total",
        Kind::Counter,
        "Stretches of metric files whose statistics stood for their samples.",
        |stats| float(stats.metric_files.spans),
    ),
];

/// What a cache does: name, what it is, and where it is read.
type CacheCounter = (&'static str, Kind, &'static str, fn(&CacheUse) -> u64);

const CACHE: [CacheCounter; 5] = [
    ("cache_bytes", Kind::Gauge, "Decoded data kept for later queries.", |cache| cache.bytes),
    ("cache_entries", Kind::Gauge, "Blocks of it.", |cache| cache.entries),
    ("cache_hits_total", Kind::Counter, "How often a block was there.", |cache| cache.hits),
    ("cache_misses_total", Kind::Counter, "How often a block was not.", |cache| cache.misses),
    ("cache_evictions_total", Kind::Counter, "Blocks dropped for room.", |cache| cache.evictions),
];

fn of_databases(app: &App, page: &mut Page) {
    let databases = app.engine.open_databases();
    let found: Vec<(String, usize, usize, bool, DbStats)> = databases
        .iter()
        .map(|database| {
            let inspected = database.inspect();
            let buffered = inspected.open_pages.iter().map(|page| page.records).sum();
            let writable = database.check_writable().is_ok();
            let labels = label("db", database.name());
            (labels, inspected.metric_count, buffered, writable, inspected.stats)
        })
        .collect();
    let count = |number: usize| float(u64::try_from(number).unwrap_or(u64::MAX));
    let metrics = found.iter().map(|(labels, metrics, ..)| (labels.clone(), count(*metrics)));
    page.family("metrics", Kind::Gauge, "Metrics of a database.", metrics);
    let recovered = databases
        .iter()
        .map(|database| (label("db", database.name()), count(database.recovered().len())));
    let help = "Metrics whose names are lost: ids with samples that neither catalog nor log knows.";
    page.family("recovered_metrics", Kind::Gauge, help, recovered);
    let buffered = found.iter().map(|(labels, _, samples, ..)| (labels.clone(), count(*samples)));
    page.family("buffered_samples", Kind::Gauge, "Samples in open pages.", buffered);
    let writable =
        found.iter().map(|(labels, _, _, is, _)| (labels.clone(), f64::from(u8::from(*is))));
    page.family("writable", Kind::Gauge, "Whether it takes samples in.", writable);
    for (name, kind, help, read) in COUNTERS {
        let values = found.iter().map(|(labels, .., stats)| (labels.clone(), read(stats)));
        page.family(name, kind, help, values);
    }
    for (name, kind, help, read) in CACHE {
        let values = found
            .iter()
            .map(|(labels, .., stats)| (labels.clone(), float(read(&stats.cache.blocks))));
        page.family(name, kind, help, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(label("db", "a\"b\\c\nd"), "{db=\"a\\\"b\\\\c\\nd\"}");
    }
}
