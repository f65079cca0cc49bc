//! Retention and a clock that is wrong.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::error::{Error, Rejection};
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::time::Duration;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const DAY: i64 = 86_400_000_000_000;
const HOUR: Duration = Duration::from_hours(1);

const MANIFEST: &str = "[retention]\nretention_days = 30\nretention_action = \"delete\"";

/// A root with a database whose retention deletes, the clock at `START`.
fn host() -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    let directory = MemoryStorage::new();
    let name = FileName::new("manifest.toml").unwrap();
    directory.replace(&name, MANIFEST.as_bytes()).unwrap();
    host.set_database("home", directory);
    host
}

/// A root of an earlier version, or a backup: nine days of samples and no last run.
fn restored() -> Local {
    let host = host();
    let (engine, database) = open(&host);
    fill(&database, 0);
    engine.close().unwrap();
    let _ = host.root_directory().remove(&FileName::new("last-run.txt").unwrap());
    host
}

fn open(host: &Local) -> (Engine<Local>, Arc<Database<Local>>) {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    (engine, database)
}

fn fill(database: &Database<Local>, from_day: i64) {
    for day in from_day..from_day + 9 {
        database.add("a", Timestamp(START + day * DAY), 1).unwrap();
    }
    database.flush().unwrap();
}

fn count(database: &Database<Local>) -> usize {
    database.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().len()
}

fn last_run(host: &Local) -> Option<String> {
    let bytes = host.root_directory().read(&FileName::new("last-run.txt").unwrap()).unwrap();
    bytes.map(|bytes| String::from_utf8(bytes).unwrap().replace(".000000000\n", ""))
}

/// A day at which all nine samples have expired, and how many are left after a tick then.
fn tick_at(host: &Local, engine: &Engine<Local>, day: i64) -> usize {
    host.clock.step(Timestamp(START + day * DAY));
    let tick = engine.tick().unwrap();
    assert!(tick.databases.values().all(|report| report.problems.is_empty()), "{tick:?}");
    count(&engine.database("home").unwrap())
}

/// A root whose last run was nine days after `START`.
fn used() -> Local {
    let host = host();
    host.clock.step(Timestamp(START + 8 * DAY));
    let (engine, database) = open(&host);
    fill(&database, 0);
    engine.tick().unwrap();
    engine.close().unwrap();
    assert_eq!(last_run(&host).unwrap(), "2026-01-09 00:00:00");
    host
}

#[test]
fn a_clock_ten_years_ahead_deletes_nothing() {
    let host = used();
    let (engine, database) = open(&host);
    assert_eq!(tick_at(&host, &engine, 3650), 9);
    let jump = engine.clock_jump().unwrap();
    assert_eq!((jump.now.0, jump.accepted_in), (START + 3650 * DAY, HOUR));
    let refused = database.apply_retention().unwrap_err();
    assert!(matches!(refused, Error::Rejected(Rejection::ClockJumped { .. })), "{refused}");
    for part in ["clock.max_jump", "2160h0m0s", "nanotdb retention --yes", "2035-12-30"] {
        assert!(refused.to_string().contains(part), "{part}: {refused}");
    }
    database.tick().unwrap();
    engine.close().unwrap();
    assert_eq!(last_run(&host).unwrap(), "2026-01-09 00:00:00", "it is not remembered");

    // Started again, it waits anew; put right, all goes on.
    let (engine, _) = open(&host);
    assert_eq!(tick_at(&host, &engine, 3650), 9);
    assert_eq!(tick_at(&host, &engine, 9), 9);
    assert_eq!(engine.clock_jump(), None);
    assert_eq!(tick_at(&host, &engine, 45), 0);
}

#[test]
fn a_clock_that_steps_ahead_while_the_engine_runs_deletes_nothing() {
    let host = used();
    let (engine, database) = open(&host);
    assert_eq!(tick_at(&host, &engine, 9), 9);
    assert_eq!(tick_at(&host, &engine, 3650), 9);
    // What is stored meanwhile has its time from the same clock, and is no witness.
    database.add("a", RowTime::Now, 1).unwrap();
    engine.add("new", "a", RowTime::Now, 1).unwrap();
    assert_eq!(tick_at(&host, &engine, 3650), 10);
}

#[test]
fn a_clock_that_goes_on_for_an_hour_or_is_confirmed_is_believed() {
    let host = used();
    let (engine, _) = open(&host);
    assert_eq!(tick_at(&host, &engine, 100), 9);
    host.clock.run(HOUR.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(tick_at(&host, &engine, 100), 9);
    host.clock.run(Duration::from_nanos(1));
    assert_eq!(tick_at(&host, &engine, 100), 0);
    assert_eq!(engine.clock_jump(), None);
    assert!(last_run(&host).unwrap().starts_with("2026-04-11"));

    let host = used();
    let (engine, database) = open(&host);
    assert_eq!(tick_at(&host, &engine, 100), 9);
    engine.confirm_clock().unwrap();
    assert!(last_run(&host).unwrap().starts_with("2026-04-11"));
    assert_eq!(database.apply_retention().unwrap().len(), 9);
}

#[test]
fn a_machine_that_was_off_for_weeks_goes_on_at_once() {
    let host = used();
    let (engine, _) = open(&host);
    assert_eq!(tick_at(&host, &engine, 98), 0);
}

#[test]
fn a_restored_backup_of_last_year_waits() {
    let host = restored();
    host.clock.step(Timestamp(START + 400 * DAY));
    let (engine, database) = open(&host);
    assert_eq!(tick_at(&host, &engine, 400), 9);
    assert!(engine.clock_jump().is_some());
    assert_eq!(last_run(&host), None);

    // Another database has samples of today and yesterday.
    for day in [399, 400] {
        engine.add("live", "a", Timestamp(START + day * DAY), 1).unwrap();
    }
    assert_eq!(tick_at(&host, &engine, 400), 0);
    assert_eq!(count(&database), 0);
    assert!(last_run(&host).is_some());
}

#[test]
fn samples_of_the_future_do_not_vouch_for_a_clock_that_is_there() {
    for host in [used(), restored()] {
        let (engine, database) = open(&host);
        database.add("b", Timestamp(START + 3650 * DAY), 1).unwrap();
        engine.flush().unwrap();
        drop(engine);
        let (engine, _) = open(&host);
        assert_eq!(tick_at(&host, &engine, 3650), 9);
        assert!(engine.clock_jump().is_some());
    }
}

#[test]
fn a_start_in_1970_or_an_unreadable_last_run_deletes_nothing_and_loses_no_time() {
    let host = used();
    host.clock.step(Timestamp(60_000_000_000));
    let (engine, _) = open(&host);
    assert_eq!(engine.tick().unwrap().databases.len(), 1);
    engine.close().unwrap();
    assert_eq!(last_run(&host).unwrap(), "2026-01-09 00:00:00");
    let (engine, _) = open(&host);
    assert_eq!(tick_at(&host, &engine, 20), 9);
    assert_eq!(engine.clock_jump(), None, "the time came from the network");
    drop(engine);

    let name = FileName::new("last-run.txt").unwrap();
    host.root_directory().replace(&name, &[0; 20]).unwrap();
    host.clock.step(Timestamp(START + 3650 * DAY));
    let (engine, _) = open(&host);
    assert_eq!(tick_at(&host, &engine, 3650), 9);
}

#[test]
fn the_last_run_is_written_rarely() {
    let host = used();
    let (engine, _) = open(&host);
    assert_eq!(tick_at(&host, &engine, 8), 9);
    host.clock.step(Timestamp(START + 8 * DAY + DAY - 1));
    engine.tick().unwrap();
    assert_eq!(last_run(&host).unwrap(), "2026-01-09 00:00:00");
    assert_eq!(tick_at(&host, &engine, 9), 9);
    assert_eq!(last_run(&host).unwrap(), "2026-01-10 00:00:00");
}
