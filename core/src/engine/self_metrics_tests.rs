use super::super::EngineOptions;
use super::super::testing::LocalHost;
use super::*;
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::Timestamp;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn local(toml: &str) -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    let name = FileName::new("engine.toml").unwrap();
    host.root_directory().replace(&name, toml.as_bytes()).unwrap();
    host
}

fn open(host: &Local) -> Engine<Local> {
    Engine::open(host.clone(), EngineOptions::default()).unwrap()
}

fn times(engine: &Engine<Local>, metric: &str) -> Vec<i64> {
    let internal = engine.database(INTERNAL).unwrap();
    internal.range(metric, Timestamp::MIN, Timestamp::MAX).unwrap().times
}

const APPENDS: &str = "nanotdb/home/wal/append_count";

#[test]
fn they_are_written_when_the_interval_has_passed_and_there_is_news() {
    let host = local("");
    let engine = open(&host);
    let home = engine.create_database("home").unwrap();
    engine.tick().unwrap();
    assert!(host.directory(INTERNAL).is_none(), "nothing was taken in");
    home.add("a", Timestamp(START), 1.0).unwrap();
    assert!(host.directory(INTERNAL).is_none(), "taking samples in writes nothing else");
    engine.tick().unwrap();
    assert_eq!(times(&engine, APPENDS), [START], "the first time at once");
    host.clock.advance(29 * SECOND);
    home.add("a", Timestamp(START + 1), 1.0).unwrap();
    engine.tick().unwrap();
    assert_eq!(times(&engine, APPENDS).len(), 1, "too early");
    host.clock.advance(SECOND);
    engine.tick().unwrap();
    assert_eq!(times(&engine, APPENDS), [START, START + 30 * SECOND]);
    host.clock.advance(60 * SECOND);
    engine.tick().unwrap();
    assert_eq!(times(&engine, APPENDS).len(), 2, "its own samples are no news");
    let last = engine.database(INTERNAL).unwrap().last(APPENDS).unwrap().unwrap();
    assert_eq!(last.value, Value::F32(2.0));
}

#[test]
fn all_have_the_same_time() {
    let host = local("");
    let engine = open(&host);
    engine.add("home", "a", Timestamp(START), 1.0).unwrap();
    engine.tick().unwrap();
    let internal = engine.database(INTERNAL).unwrap();
    let metrics = internal.metrics();
    assert!(metrics.len() > 40);
    for metric in metrics {
        assert_eq!(times(&engine, &metric.name), [START], "{}", metric.name);
    }
}

/// D-25: the reference leaves the page of `internal` to its log.
#[test]
fn d25_closing_writes_them_once_more_into_a_data_file() {
    let host = local("");
    let engine = open(&host);
    engine.add("home", "a", Timestamp(START), 1.0).unwrap();
    engine.close().unwrap();
    engine.close().unwrap();
    assert_eq!(times(&engine, APPENDS), [START], "once, though closed twice");
    assert_eq!(times(&engine, "nanotdb/home/data/flush_count"), [START], "what closing did");
    let internal = engine.database(INTERNAL).unwrap();
    assert!(internal.inspect().open_pages.is_empty());
    assert_eq!(internal.inspect_wal().unwrap().bytes, 0);
}

#[test]
fn looking_leaves_no_trace() {
    let host = local("");
    open(&host).add("home", "a", Timestamp(START), 1.0).unwrap();
    for read_only in [true, false] {
        let options = EngineOptions { read_only, ..EngineOptions::default() };
        let engine = Engine::open(host.clone(), options).unwrap();
        engine.database("home").unwrap().last("a").unwrap();
        engine.tick().unwrap();
        engine.close().unwrap();
        assert!(host.directory(INTERNAL).is_none(), "read_only {read_only}");
    }
}

#[test]
fn nobody_gets_them_who_does_not_want_them() {
    let host = local("[stats]\nenabled = false\n");
    let engine = open(&host);
    engine.add("home", "a", Timestamp(START), 1.0).unwrap();
    engine.tick().unwrap();
    engine.close().unwrap();
    assert!(host.directory(INTERNAL).is_none());
}

#[test]
fn without_an_interval_every_tick_with_news_writes() {
    let host = local("[stats]\ninterval = \"0s\"\n");
    let engine = open(&host);
    for i in 0..3 {
        host.clock.advance(1);
        engine.add("home", "a", Timestamp(START + i), 1.0).unwrap();
        engine.tick().unwrap();
    }
    assert_eq!(times(&engine, APPENDS).len(), 3);
}

#[test]
fn a_damaged_database_of_their_own_keeps_nobody_from_closing() {
    let host = local("");
    let engine = open(&host);
    engine.add("home", "a", Timestamp(START), 1.0).unwrap();
    let broken = MemoryStorage::new();
    broken.replace(&FileName::new("catalog.json").unwrap(), b"{").unwrap();
    host.set_database(INTERNAL, broken);
    engine.tick().unwrap();
    engine.close().unwrap();
}
