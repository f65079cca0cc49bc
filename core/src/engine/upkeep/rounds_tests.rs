//! Databases that nobody asks for.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A root of so many databases, each with a day of samples, closed; the clock nine days later.
fn root(count: usize, manifest: &str) -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(START));
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    for number in 0..count {
        let name = format!("db{number:03}");
        put(&host, &name, manifest);
        engine.add(&name, "a", Timestamp(START), 1).unwrap();
    }
    engine.close().unwrap();
    host.clock.set(Timestamp(START + 9 * DAY));
    host
}

fn put(host: &Local, name: &str, manifest: &str) {
    let manifest_name = FileName::new("manifest.toml").unwrap();
    host.database(name, true).unwrap().replace(&manifest_name, manifest.as_bytes()).unwrap();
}

fn open(host: &Local) -> Engine<Local> {
    Engine::open(host.clone(), EngineOptions::default()).unwrap()
}

/// The databases that have files of samples, but for the engine's own.
fn with_samples(host: &Local) -> usize {
    let has_samples = |name: &String| {
        let files = host.directory(name).unwrap().list().unwrap();
        files.iter().any(|file| FileKind::parse(file.as_str()).is_some())
    };
    host.databases().unwrap().iter().filter(|name| *name != "internal" && has_samples(name)).count()
}

fn names(engine: &Engine<Local>) -> Vec<String> {
    engine.open_databases().iter().map(|database| database.name().into()).collect()
}

const DELETE: &str = "[retention]\nretention_days = 1\nretention_action = \"delete\"\n";

#[test]
fn retention_reaches_databases_that_nobody_asks_for() {
    let host = root(150, DELETE);
    let engine = open(&host);
    assert_eq!(names(&engine), [""; 0], "the start opens none");
    let used = engine.database("db007").unwrap();
    let mut left = Vec::new();
    for _ in 0..4 {
        engine.tick().unwrap();
        left.push(with_samples(&host));
        assert_eq!(names(&engine), ["db007"], "what nobody uses is closed again");
        host.clock.advance(SECOND);
    }
    assert_eq!(left, [149 - 63, 149 - 127, 0, 0], "a bounded number at a time: {left:?}");
    assert_eq!(used.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().len(), 0);
    used.add("a", Timestamp(START + 9 * DAY), 1).unwrap();
}

#[test]
fn sealing_reaches_them_and_what_has_nothing_to_do_is_not_opened() {
    let host = root(3, "");
    let engine = open(&host);
    engine.tick().unwrap();
    for name in host.databases().unwrap() {
        let files = host.directory(&name).unwrap().list().unwrap();
        assert!(files.iter().any(|file| file.as_str() == "metric-2026-01-01.dat"), "{files:?}");
    }
    // Whatever opening would do to this one, nobody does it.
    let log = FileName::new("db001.wal").unwrap();
    host.directory("db001").unwrap().remove_if_present(&log).unwrap();
    for _ in 0..3 {
        host.clock.advance(HOUR);
        engine.tick().unwrap();
    }
    assert!(host.directory("db001").unwrap().read(&log).unwrap().is_none());
}

#[test]
fn rollups_reach_them_and_their_destinations_are_closed_again() {
    let manifest = "[rollups]\nenabled = true\n[[rollups.jobs]]\nid = \"all\"\n\
                    source_pattern = \"*\"\ninterval = \"1h\"\naggregates = [\"sum\"]\n\
                    destination_db = \"hourly\"\n";
    let host = root(3, manifest);
    for number in 0..3 {
        let name = format!("db{number:03}");
        put(&host, &name, &manifest.replace("hourly", &format!("hourly{number}")));
    }
    let engine = open(&host);
    engine.tick().unwrap();
    assert_eq!(names(&engine), [""; 0]);
    for number in 0..3 {
        let hourly = engine.database(&format!("hourly{number}")).unwrap();
        assert_eq!(hourly.range_query("a.sum", RangeQuery::all(TimeRange::ALL)).unwrap().len(), 1);
    }
}

#[test]
fn one_that_does_not_open_does_not_stop_the_others() {
    let host = root(5, DELETE);
    put(&host, "db002", "nonsense");
    let engine = open(&host);
    engine.tick().unwrap();
    assert_eq!(with_samples(&host), 1);
    put(&host, "db002", DELETE);
    host.clock.advance(HOUR);
    engine.tick().unwrap();
    assert_eq!(with_samples(&host), 0, "an hour later it has its turn again");
}

#[test]
fn samples_that_only_a_log_has_expire_too() {
    let manifest = format!("{DELETE}[wal]\nenabled = true\nskip_before = \"0s\"\n");
    let host = root(0, "");
    put(&host, "killed", &manifest);
    let engine = open(&host);
    engine.add("killed", "a", Timestamp(START), 1).unwrap();
    drop(engine); // no close: the page is in the log alone
    let engine = open(&host);
    engine.tick().unwrap();
    host.clock.advance(HOUR);
    engine.tick().unwrap();
    assert_eq!(with_samples(&host), 0);
    let left = engine.database("killed").unwrap();
    assert_eq!(left.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().len(), 0);
}

/// A program that takes old samples in, and ends.
#[test]
fn what_a_program_has_just_taken_in_does_not_expire_before_it_ends() {
    let host = root(1, DELETE);
    let engine = open(&host);
    engine.add("db000", "b", Timestamp(START + DAY), 1).unwrap();
    engine.add("db000", "b", Timestamp(START + DAY + 1), 1).unwrap();
    engine.add("db000", "b", Timestamp(START + 9 * DAY), 1).unwrap();
    let (tick, expiring) = engine.settle().unwrap();
    assert_eq!(tick.databases.get("db000").unwrap().retired.len(), 1, "what was there before goes");
    assert_eq!(expiring.iter().collect::<Vec<_>>(), [(&"db000".into(), &2)]);
    let database = engine.database("db000").unwrap();
    assert_eq!(database.range_query("b", RangeQuery::all(TimeRange::ALL)).unwrap().len(), 3);
}
