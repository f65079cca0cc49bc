//! What the engine counts about itself, and what inspection shows.

use super::testing::LocalHost;
use super::*;
use crate::storage::MemoryStorage;
use crate::types::{Timestamp, Value};
use alloc::sync::Arc;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;

fn local() -> Local {
    LocalHost::new(MemoryStorage::new)
}

fn open(host: &Local) -> Engine<Local> {
    Engine::open(host.clone(), EngineOptions::default()).unwrap()
}

fn fill(database: &Arc<Database<Local>>, from: i64, count: i64) {
    for i in from..from + count {
        database.add("temp", Timestamp(START + i), 0.5).unwrap();
    }
}

#[test]
fn work_is_counted() {
    let host = local();
    let engine = open(&host);
    let database = engine.create_database("home").unwrap();
    assert_eq!(database.stats().wal.last_append_at, None);
    fill(&database, 0, 10);
    let stats = database.stats();
    assert_eq!((stats.samples, stats.wal.append_count), (10, 10));
    assert_eq!(stats.wal.append_bytes, stats.wal.buffer_bytes);
    assert_eq!(stats.wal.last_append_at, Some(Timestamp(START)));
    assert_eq!(stats.data.flush_bytes.count(), 0);

    host.clock.advance(1000);
    database.flush().unwrap();
    let logged = stats.wal.buffer_bytes;
    let stats = database.stats();
    assert_eq!(stats.wal.buffer_bytes, 0);
    assert_eq!(stats.wal.append_count, 10, "a reset takes nothing back");
    assert_eq!(stats.data.flush_records.extremes(), Some((10, 10)));
    let frame = stats.data.flush_bytes.total();
    assert_eq!(frame, stats.data.flush_compressed.total() + 18 + 1 + 4, "header and checksum");
    assert_eq!(stats.data.sync_ns.count(), 1, "durability is strict");
    assert_eq!(stats.wal.reset_bytes.extremes(), Some((logged, logged)));
    assert_eq!(stats.wal.last_reset_at(), Some(Timestamp(START + 1000)));
    assert_eq!(stats.wal.reset_interval_ns.count(), 0);

    fill(&database, 10, 5);
    host.clock.advance(500);
    database.flush().unwrap();
    let stats = database.stats();
    assert_eq!(stats.wal.reset_interval_ns.extremes(), Some((500, 500)));
    assert_eq!(stats.data.flush_records.extremes(), Some((5, 10)));
    assert_eq!(stats.wal.recent_resets.len(), 2);
}

#[test]
fn a_replayed_log_is_counted() {
    let host = local();
    fill(&open(&host).create_database("home").unwrap(), 0, 7);
    let database = open(&host).database("home").unwrap();
    let stats = database.stats();
    assert_eq!((stats.replay.records, stats.replay.successes, stats.replay.errors), (7, 1, 0));
    assert_eq!((stats.wal.append_count, stats.samples), (7, 0));
    assert_eq!(stats.wal.buffer_bytes, stats.replay.bytes);
}

#[test]
fn every_sync_of_the_log_is_counted() {
    let host = local();
    let toml = b"[wal]\nfsync_policy = \"always\"\n";
    let name = crate::storage::FileName::new("engine.toml").unwrap();
    crate::storage::Storage::replace(&host.root_directory(), &name, toml).unwrap();
    let database = open(&host).create_database("home").unwrap();
    fill(&database, 0, 3);
    assert_eq!(database.stats().wal.fsync_ns.count(), 3);
    assert_eq!(database.stats().wal.last_fsync_at, Some(Timestamp(START)));
}

#[test]
fn pages_are_synced_as_the_profile_says() {
    for (profile, data, log) in [("strict", 1, 0), ("balanced", 1, 0), ("throughput", 0, 1)] {
        let host = local();
        let toml = alloc::format!("[durability]\nprofile = \"{profile}\"\n");
        let name = crate::storage::FileName::new("engine.toml").unwrap();
        let root = host.root_directory();
        crate::storage::Storage::replace(&root, &name, toml.as_bytes()).unwrap();
        let database = open(&host).create_database("home").unwrap();
        fill(&database, 0, 1);
        database.flush().unwrap();
        let stats = database.stats();
        assert_eq!(stats.data.sync_ns.count(), data, "{profile}");
        assert_eq!(
            u64::from(stats.wal.buffer_bytes > 0),
            log,
            "{profile}: the log is still needed"
        );
    }
}

#[test]
fn what_queries_keep_is_counted() {
    let host = local();
    let database = open(&host).create_database("home").unwrap();
    fill(&database, 0, 100);
    database.flush().unwrap();
    for _ in 0..3 {
        database.range("temp", Timestamp::MIN, Timestamp::MAX).unwrap();
    }
    let cache = database.stats().cache;
    assert_eq!((cache.blocks.entries, cache.blocks.hits, cache.blocks.misses), (1, 1, 2));
    assert!(cache.blocks.bytes > 0 && cache.blocks.bytes <= cache.blocks.max_bytes);
    assert_eq!(cache.files.entries, 1);
    assert!(cache.files.bytes > 0 && cache.files.hits >= 2);
}

#[test]
fn inspection_shows_pages_and_log_as_they_are() {
    let host = local();
    let engine = open(&host);
    assert!(!engine.is_loaded("home"));
    let database = engine.create_database("home").unwrap();
    assert!(engine.is_loaded("home"));
    fill(&database, 0, 3);
    database.add("count", Timestamp(START), Value::I32(-4)).unwrap();
    host.clock.advance(250);
    let seen = database.inspect();
    assert_eq!((seen.metric_count, seen.stats.samples), (2, 4));
    let [page] = seen.open_pages.as_slice() else { panic!("{seen:?}") };
    assert_eq!((page.records, page.unique_metrics, page.value_bytes), (4, 2, 56));
    assert_eq!((page.range.from.0, page.range.to.0), (START, START + 2));
    assert_eq!((page.partition.as_str(), page.age_ns), ("2026-01-01", 250));
    assert!(page.logged && !page.full && !page.persisted);

    let log = database.inspect_wal().unwrap();
    assert_eq!(log.bytes, seen.stats.wal.buffer_bytes);
    assert!(log.problems.is_empty());
    let last = log.records.last().unwrap();
    assert_eq!((last.metric.as_deref(), last.value), (Some("count"), Value::I32(-4)));

    database.flush().unwrap();
    assert!(database.inspect().open_pages.is_empty());
    assert!(database.inspect_wal().unwrap().records.is_empty());
}

/// D-18: the reference shows float values of a running log as the integers of their bits.
#[test]
fn d18_a_logged_float_is_shown_as_a_float_whoever_introduced_it() {
    let host = local();
    let engine = open(&host);
    let database = engine.create_database("home").unwrap();
    fill(&database, 0, 1);
    database.flush().unwrap();
    fill(&database, 1, 1); // this record does not carry the metric's name
    let log = database.inspect_wal().unwrap();
    let [record] = log.records.as_slice() else { panic!("{log:?}") };
    assert_eq!((record.metric.as_deref(), record.value), (Some("temp"), Value::F32(0.5)));

    let options = EngineOptions { read_only: true, ..EngineOptions::default() };
    let reader = Engine::open(host.clone(), options).unwrap();
    assert_eq!(reader.database("home").unwrap().inspect_wal().unwrap(), log);
}
