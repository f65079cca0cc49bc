//! Late samples are as safe as others, and the first log stays one that the reference replays.

use super::logs::LogKind;
use super::testing::LocalHost;
use super::{Database, Engine, EngineOptions};
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::{Timestamp, Value};
use crate::wal::{Item, Records};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

type Local = LocalHost<MemoryStorage>;

/// 2026-01-05 12:00, in nanoseconds.
const NOW: i64 = 1_767_614_400_000_000_000;
const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

fn host() -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(NOW));
    host
}

fn open(host: &Local) -> (Engine<Local>, Arc<Database<Local>>) {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    (engine, database)
}

/// The times in a log's file.
fn logged(host: &Local, kind: LogKind) -> Vec<i64> {
    let name = kind.file_name("home").unwrap();
    let bytes = host.directory("home").unwrap().read(&name).unwrap().unwrap_or_default();
    let time = |(_, item)| match item {
        Item::Record(record, _) => record.time,
        Item::Damage(..) => panic!("{item:?}"),
    };
    Records::new(&bytes).map(time).collect()
}

fn files(host: &Local) -> Vec<String> {
    let list = host.directory("home").unwrap().list().unwrap();
    list.iter().map(|name| String::from(name.as_str())).collect()
}

fn all(database: &Database<Local>, metric: &str) -> Vec<(i64, i32)> {
    let series = database.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap();
    let value = |raw: &u32| match Value::from_raw(series.value_type, *raw) {
        Value::I32(value) => value,
        Value::F32(value) => panic!("{value}"),
    };
    series.times.iter().copied().zip(series.raws.iter().map(value)).collect()
}

fn add(database: &Database<Local>, metric: &str, time: i64, value: i32) {
    database.add(metric, Timestamp(time), value).unwrap();
}

#[test]
fn a_late_sample_survives_the_end_of_the_process() {
    let host = host();
    let (engine, database) = open(&host);
    add(&database, "late", NOW - 2 * HOUR, 1);
    add(&database, "new", NOW, 2);
    add(&database, "late", NOW - HOUR - 1, 3);
    assert!(!database.has_unlogged());
    drop((engine, database)); // without closing
    assert_eq!(logged(&host, LogKind::Main), [NOW]);
    assert_eq!(logged(&host, LogKind::Late), [NOW - 2 * HOUR, NOW - HOUR - 1]);
    for _ in 0..2 {
        let (_engine, database) = open(&host);
        assert_eq!(all(&database, "late"), [(NOW - 2 * HOUR, 1), (NOW - HOUR - 1, 3)]);
        assert_eq!(all(&database, "new"), [(NOW, 2)]);
        assert_eq!(database.open_report().replayed, 3);
    }
}

#[test]
fn times_in_the_first_log_never_go_back() {
    let host = host();
    let (engine, database) = open(&host);
    for (metric, seconds) in [("a", 0), ("b", -30), ("a", 5), ("c", 5), ("b", 4), ("b", 6)] {
        add(&database, metric, NOW + seconds, 1);
    }
    let again = |seconds: &[i64]| -> Vec<i64> { seconds.iter().map(|s| NOW + s).collect() };
    assert_eq!(logged(&host, LogKind::Main), again(&[0, 5, 5, 6]));
    assert_eq!(logged(&host, LogKind::Late), again(&[-30, 4]));
    drop((engine, database));
    // What another process finds it goes on with.
    let (_engine, database) = open(&host);
    add(&database, "c", NOW + 5, 2);
    add(&database, "a", NOW + 7, 2);
    assert_eq!(logged(&host, LogKind::Main), again(&[0, 5, 5, 6, 7]));
    assert_eq!(logged(&host, LogKind::Late), again(&[-30, 4, 5]));
    // A page that is written empties both, and nothing is late any more.
    database.flush().unwrap();
    add(&database, "d", NOW - 10, 3);
    assert_eq!(logged(&host, LogKind::Main), again(&[-10]));
    assert!(logged(&host, LogKind::Late).is_empty());
}

/// Replay took the second log after the first. Where it filled pages meanwhile, a metric went back
/// in time from one page to the next, and its export could not be imported.
#[test]
fn pages_that_replay_writes_keep_each_metric_in_order() {
    let host = host();
    let (engine, database) = open(&host);
    let samples =
        [("a", 0), ("b", 30), ("a", 1), ("a", 2), ("c", 31), ("a", 40), ("b", 40), ("c", 33)];
    for (metric, seconds) in samples {
        add(&database, metric, NOW + seconds, 1);
    }
    drop((engine, database)); // without closing
    assert_eq!(logged(&host, LogKind::Late).len(), 3);
    let directory = host.directory("home").unwrap();
    let small = b"[page]\nmax_records = 3\n";
    directory.replace(&FileName::new("manifest.toml").unwrap(), small).unwrap();
    let (_engine, database) = open(&host);
    assert_eq!(database.open_report().replayed, 8);
    let mut newest = alloc::collections::BTreeMap::new();
    let scanned = database.scan(crate::types::TimeRange::ALL, |ids, times, _| {
        for (&id, &time) in ids.iter().zip(times) {
            assert!(newest.insert(id, time).is_none_or(|before| before <= time), "{id} {time}");
        }
        Ok(())
    });
    scanned.unwrap();
    assert_eq!(newest.len(), 3);
}

#[test]
fn equal_times_keep_their_order_through_both_logs() {
    let host = host();
    let (engine, database) = open(&host);
    add(&database, "a", NOW, 1);
    add(&database, "b", NOW + 1, 0);
    add(&database, "a", NOW, 2); // late by now
    host.clock.set(Timestamp(NOW + 2 * HOUR));
    add(&database, "a", NOW, 3); // late by the clock
    host.clock.set(Timestamp(NOW));
    add(&database, "a", NOW, 4); // no longer, but so were those before it
    add(&database, "a", NOW + 2 * HOUR, 5);
    let expected = [(NOW, 1), (NOW, 2), (NOW, 3), (NOW, 4), (NOW + 2 * HOUR, 5)];
    assert_eq!(all(&database, "a"), expected);
    drop((engine, database));
    let (_engine, database) = open(&host);
    assert_eq!(all(&database, "a"), expected);
    assert_eq!(database.last("a").unwrap().unwrap().value, Value::I32(5));
}

#[test]
fn a_sample_in_a_page_and_in_a_log_counts_once_whichever_log_it_is() {
    let host = host();
    let (engine, database) = open(&host);
    let days = [NOW - 2 * DAY, NOW];
    for day in days {
        add(&database, "a", day, 1);
        add(&database, "b", day, 1);
    }
    // One partition's page is written; the other still needs the logs. Equal samples follow.
    let (main, late) = (logged(&host, LogKind::Main), logged(&host, LogKind::Late));
    assert_eq!((main.len(), late.len()), (2, 2));
    let directory = host.directory("home").unwrap();
    let kept: Vec<_> = LogKind::ALL
        .map(|kind| kind.file_name("home").unwrap())
        .into_iter()
        .map(|name| (directory.read(&name).unwrap().unwrap(), name))
        .collect();
    database.flush().unwrap();
    drop((engine, database));
    for (bytes, name) in kept {
        directory.replace(&name, &bytes).unwrap(); // as if emptying them had not come through
    }
    let (_engine, database) = open(&host);
    assert_eq!(database.open_report().duplicates, 4);
    for metric in ["a", "b"] {
        assert_eq!(all(&database, metric), days.map(|day| (day, 1)));
    }
}

#[test]
fn samples_after_a_log_that_came_back_are_not_taken_for_its_own() {
    let host = host();
    let (engine, database) = open(&host);
    // A time late by the clock, of a partition that the first log speaks of, too.
    add(&database, "a", NOW - 2 * HOUR, 7);
    let directory = host.directory("home").unwrap();
    let name = LogKind::Late.file_name("home").unwrap();
    let late = directory.read(&name).unwrap().unwrap();
    database.flush().unwrap();
    host.clock.set(Timestamp(NOW - 2 * HOUR));
    add(&database, "a", NOW - 2 * HOUR, 7); // the same once more, in the first log
    assert_eq!(logged(&host, LogKind::Main), [NOW - 2 * HOUR]);
    drop((engine, database));
    directory.replace(&name, &late).unwrap();
    let (_engine, database) = open(&host);
    assert_eq!(all(&database, "a"), [(NOW - 2 * HOUR, 7), (NOW - 2 * HOUR, 7)]);
    assert_eq!(database.open_report().duplicates, 1);
}

#[test]
fn each_log_names_the_metrics_that_the_catalog_lacks() {
    let host = host();
    let (engine, database) = open(&host);
    add(&database, "a", NOW - DAY, 1);
    drop((engine, database));
    let (engine, database) = open(&host);
    add(&database, "a", NOW, 2);
    drop((engine, database));
    let (_engine, database) = open(&host);
    assert_eq!(all(&database, "a"), [(NOW - DAY, 1), (NOW, 2)]);
    assert!(database.open_report().problems.is_empty());
}

#[test]
fn the_second_log_is_there_only_while_it_is_needed() {
    let host = host();
    let (engine, database) = open(&host);
    add(&database, "a", NOW, 1);
    assert!(!files(&host).contains(&String::from("home.late.wal")));
    add(&database, "b", NOW - DAY, 1);
    assert!(files(&host).contains(&String::from("home.late.wal")));
    let found = database.inspect_wal().unwrap();
    let late: Vec<bool> = found.records.iter().map(|record| record.late).collect();
    assert_eq!(late, [false, true]);
    assert!(found.late_bytes > 0 && found.late_bytes < found.bytes);
    assert_eq!(database.stats().wal.buffer_bytes, found.bytes);
    assert!(database.verify(|_| ()).unwrap().is_whole());
    drop(database);
    engine.close().unwrap();
    assert!(!files(&host).contains(&String::from("home.late.wal")));
    assert!(files(&host).contains(&String::from("home.wal")));
}

#[test]
fn the_second_log_is_bounded_like_the_first() {
    let host = host();
    let settings = b"[wal]\nmax_segment_size = 2000\n";
    host.root_directory().replace(&FileName::new("engine.toml").unwrap(), settings).unwrap();
    let (_engine, database) = open(&host);
    for at in 0..1000 {
        add(&database, "a", NOW - DAY + at, 1);
        assert!(database.inspect_wal().unwrap().late_bytes < 2100);
    }
    assert_eq!(all(&database, "a").len(), 1000);
}

#[test]
fn turning_the_log_off_keeps_what_both_logs_hold() {
    let host = host();
    let (engine, database) = open(&host);
    add(&database, "a", NOW - DAY, 1);
    add(&database, "b", NOW, 2);
    drop((engine, database));
    let directory = host.directory("home").unwrap();
    let manifest = FileName::new("manifest.toml").unwrap();
    directory.replace(&manifest, b"[wal]\nenabled = false\n").unwrap();
    let (engine, database) = open(&host);
    drop((engine, database));
    assert!(!files(&host).contains(&String::from("home.late.wal")));
    let (_engine, database) = open(&host);
    assert_eq!((all(&database, "a"), all(&database, "b")), (vec![(NOW - DAY, 1)], vec![(NOW, 2)]));
}

#[test]
fn a_reader_sees_both_logs() {
    let host = host();
    let (_engine, database) = open(&host);
    add(&database, "a", NOW - DAY, 1);
    add(&database, "b", NOW, 2);
    let options = EngineOptions { read_only: true, ..EngineOptions::default() };
    let reader = Engine::open(host.clone(), options).unwrap();
    let seen = reader.database("home").unwrap();
    assert_eq!((all(&seen, "a"), all(&seen, "b")), (vec![(NOW - DAY, 1)], vec![(NOW, 2)]));
    assert_eq!(seen.inspect_wal().unwrap(), database.inspect_wal().unwrap());
}
