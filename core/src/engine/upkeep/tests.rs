//! Partitions as time goes on: sealed, built anew, expired.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, Storage, StorageFile};
use crate::tar;
use crate::types::{TimeRange, Timestamp};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

type Local = LocalHost<MemoryStorage>;

const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A host whose engine has these settings, and a clock at `START`.
fn host(engine: &str) -> Local {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(START));
    let settings = FileName::new("engine.toml").unwrap();
    host.root().unwrap().replace(&settings, engine.as_bytes()).unwrap();
    host
}

fn database(host: &Local, manifest: &str) -> Arc<Database<Local>> {
    let home = host.database("home", true).unwrap();
    home.replace(&FileName::new("manifest.toml").unwrap(), manifest.as_bytes()).unwrap();
    Engine::open(host.clone(), EngineOptions::default()).unwrap().database("home").unwrap()
}

fn files(host: &Local) -> Vec<String> {
    let home = host.directory("home").unwrap();
    let names = home.list().unwrap().into_iter().map(|name| name.to_string());
    let mut names: Vec<String> =
        names.filter(|name| name.contains(".dat") || name.contains(".tar")).collect();
    names.sort();
    names
}

fn count(database: &Database<Local>) -> usize {
    database.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().len()
}

/// A sample every ten minutes, and a tick after each, for so many days from the clock on.
fn live(host: &Local, database: &Database<Local>, days: i64) -> Vec<TickReport> {
    let mut reports = vec![];
    for _ in 0..days * 144 {
        database.add("a", host.clock().now(), 1.5).unwrap();
        host.clock.advance(600 * SECOND);
        let report = database.tick().unwrap();
        assert_eq!(report.problems, [""; 0]);
        reports.push(report);
    }
    reports
}

#[test]
fn d08_partitions_seal_under_live_ingest() {
    let host = host("[metrics]\nenabled = true");
    let database = database(&host, "");
    let built: Vec<String> = live(&host, &database, 5)
        .into_iter()
        .flat_map(|report| report.built)
        .map(|built| built.partition)
        .collect();
    let expected = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"];
    assert_eq!(built, expected, "each once, and the sixth day has begun");
    assert_eq!(count(&database), 5 * 144);
}

#[test]
fn d08_an_idle_database_seals_by_the_clock() {
    let host = host("[metrics]\nenabled = true\nraw_ingest_action = \"delete\"");
    let database = database(&host, "");
    database.add("a", Timestamp(START), 1.5).unwrap();
    host.clock.advance(DAY);
    database.tick().unwrap();
    host.clock.advance(DAY - 1);
    assert_eq!(database.tick().unwrap().built, []);
    assert_eq!(files(&host), ["data-2026-01-01.dat"]);
    host.clock.advance(1);
    assert_eq!(database.tick().unwrap().built.len(), 1);
    assert_eq!(files(&host), ["metric-2026-01-01.dat"]);
    assert_eq!(database.tick().unwrap(), TickReport::default());
}

#[test]
fn taking_in_old_data_seals_behind_itself() {
    let host = host("[metrics]\nenabled = true");
    let database = database(&host, "");
    host.clock.set(Timestamp(START + 1000 * DAY));
    for day in 0..4 {
        database.add("a", Timestamp(START + day * DAY), 1.5).unwrap();
    }
    let metric = |day: u32| files(&host).contains(&format!("metric-2026-01-0{day}.dat"));
    assert_eq!([1, 2, 3, 4].map(metric), [true, true, false, false], "max_active_days is 2");
    host.clock.advance(3600 * SECOND);
    database.tick().unwrap(); // writes the pages
    assert_eq!([1, 2, 3, 4].map(metric), [true, true, false, false], "samples may follow");
    host.clock.advance(61 * SECOND);
    database.tick().unwrap();
    assert_eq!([1, 2, 3, 4].map(metric), [true, true, true, true], "none did");
}

#[test]
fn d09_late_samples_are_neither_hidden_nor_lost_whatever_the_action() {
    for action in ["keep", "rename", "delete"] {
        let host = host(&format!("[metrics]\nenabled = true\nraw_ingest_action = {action:?}"));
        let database = database(&host, "[retention]\nmax_active_days = 1");
        live(&host, &database, 3);
        database.add("late", Timestamp(START + 5), 7).unwrap();
        database.add("late", Timestamp(START + 5), 8).unwrap();
        let late = |database: &Database<Local>| {
            database.range("late", Timestamp(START), Timestamp(START + DAY)).unwrap().raws
        };
        assert_eq!(late(&database), [7, 8]);
        host.clock.advance(61 * SECOND);
        database.tick().unwrap();
        assert_eq!((late(&database), count(&database)), (vec![7, 8], 432), "written, {action}");
        host.clock.advance(61 * SECOND);
        let report = database.tick().unwrap();
        assert_eq!(report.built.len(), 1, "built anew, {action}: {report:?}");
        assert_eq!(report.built[0].points, 146);
        assert_eq!((late(&database), count(&database)), (vec![7, 8], 432));
        assert_eq!(database.tick().unwrap(), TickReport::default());
        drop(database);
        let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
        let database = engine.database("home").unwrap();
        assert_eq!(database.tick().unwrap().built, [], "all is well after opening, {action}");
        assert_eq!((late(&database), count(&database)), (vec![7, 8], 432));
    }
}

#[test]
fn a_partition_that_cannot_be_sealed_is_named_once() {
    let host = host("[metrics]\nenabled = true");
    let database = database(&host, "");
    live(&host, &database, 1);
    database.flush().unwrap();
    let home = host.directory("home").unwrap();
    let name = FileName::new("data-2026-01-01.dat").unwrap();
    let mut bytes = home.read(&name).unwrap().unwrap();
    bytes[100] ^= 1;
    home.replace(&name, &bytes).unwrap();
    host.clock.advance(2 * DAY);
    let report = database.tick().unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(report.problems[0].starts_with("sealing 2026-01-01: data-2026-01-01.dat: damaged at"));
    assert_eq!(database.tick().unwrap(), TickReport::default());
    database.add("a", host.clock().now(), 2.5).unwrap();
}

#[test]
fn d10_partitions_expire_when_their_end_is_old_enough_by_the_clock() {
    let host = host("");
    let manifest = "[retention]\nretention_days = 30\nretention_action = \"delete\"\n\
                    partition = \"month\"";
    let database = database(&host, manifest);
    for day in 0..75 {
        database.add("a", Timestamp(START + day * DAY), 1.5).unwrap();
    }
    // Far in the future, which tells nothing about today.
    database.add("a", Timestamp(START + 4000 * DAY), 1.5).unwrap();
    database.flush().unwrap();
    host.clock.set(Timestamp(START + 61 * DAY - 1)); // the last moment of 2 March
    assert_eq!(database.tick().unwrap().retired, [], "31 January is 30 days old, not more");
    host.clock.advance(1);
    let retired = database.tick().unwrap().retired;
    assert_eq!(retired.len(), 1);
    assert_eq!((retired[0].partition.as_str(), &retired[0].archive), ("2026-01", &None));
    assert_eq!(files(&host), ["data-2026-02.dat", "data-2026-03.dat", "data-2036-12.dat"]);
    assert_eq!(count(&database), 76 - 31);
}

/// It was remembered until the next opening.
#[test]
fn d10_a_newest_sample_that_expired_is_none() {
    let host = host("");
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"delete\"";
    let database = database(&host, manifest);
    database.add("a", Timestamp(START), 1).unwrap();
    database.add("b", Timestamp(START), 1).unwrap();
    database.add("b", Timestamp(START + DAY), 2).unwrap();
    database.flush().unwrap();
    host.clock.set(Timestamp(START + 4 * DAY));
    assert_eq!(database.tick().unwrap().retired.len(), 1);
    assert_eq!(database.last("a").unwrap(), None);
    assert_eq!(database.last("b").unwrap().map(|last| last.value), Some(2.into()));
    // It was accepted all the same, and what is older still comes too late.
    assert!(database.add("a", Timestamp(START - 1), 1).is_err());
    database.add("a", Timestamp(START + 4 * DAY), 1).unwrap();
}

#[test]
fn the_three_files_of_a_partition_go_together() {
    let host = host("[metrics]\nenabled = true\nraw_ingest_action = \"rename\"");
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"archive\"";
    let database = database(&host, manifest);
    live(&host, &database, 2);
    database.add("late", Timestamp(START), 1).unwrap();
    database.flush().unwrap();
    host.clock.set(Timestamp(START + 2 * DAY + 1));
    database.tick().unwrap();
    let before = files(&host);
    let expected = [
        "data-2026-01-01.dat",
        "data-2026-01-02.dat",
        "metric-2026-01-01.dat",
        "raw-2026-01-01.dat",
    ];
    assert_eq!(before, expected);
    let sizes: Vec<(String, u64)> = before
        .iter()
        .filter(|name| name.contains("01-01"))
        .map(|name| {
            let file = host.directory("home").unwrap().open(&FileName::new(name).unwrap()).unwrap();
            (name.clone(), file.len().unwrap())
        })
        .collect();
    host.clock.set(Timestamp(START + 4 * DAY + 1));
    let retired = database.apply_retention().unwrap();
    assert_eq!(retired.len(), 1);
    let archive = FileName::new("archive-2026-01.tar").unwrap();
    assert_eq!(retired[0].archive, Some(archive.clone()));
    assert_eq!(files(&host), ["archive-2026-01.tar", "data-2026-01-02.dat"]);
    let file = host.directory("home").unwrap().open(&archive).unwrap();
    let (entries, end) = tar::entries(&file).unwrap();
    let found: Vec<(String, u64)> =
        entries.into_iter().map(|entry| (entry.name, entry.size)).collect();
    assert_eq!(found, sizes);
    assert_eq!(file.len().unwrap(), end + 1024);
}

#[test]
fn d10_a_partition_that_comes_back_is_archived_under_another_name() {
    let host = host("");
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"archive\"";
    let database = database(&host, manifest);
    host.clock.set(Timestamp(START + 100 * DAY));
    for round in 0..3 {
        database.add(&format!("m{round}"), Timestamp(START), 1).unwrap();
        database.flush().unwrap();
        assert_eq!(database.apply_retention().unwrap().len(), 1);
    }
    let home = host.directory("home").unwrap();
    let archive = home.open(&FileName::new("archive-2026-01.tar").unwrap()).unwrap();
    let names: Vec<String> =
        tar::entries(&archive).unwrap().0.into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["data-2026-01-01.dat", "data-2026-01-01.1.dat", "data-2026-01-01.2.dat"]);
    assert_eq!(count(&database), 0);
}

#[test]
fn an_archive_that_is_none_is_left_alone() {
    let host = host("");
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"archive\"";
    let database = database(&host, manifest);
    database.add("a", Timestamp(START), 1).unwrap();
    database.flush().unwrap();
    let archive = FileName::new("archive-2026-01.tar").unwrap();
    host.directory("home").unwrap().replace(&archive, &[7; 2000]).unwrap();
    host.clock.set(Timestamp(START + 100 * DAY));
    let report = database.tick().unwrap();
    assert!(report.problems[0].contains("archive-2026-01.tar: damaged at byte 0"), "{report:?}");
    assert_eq!(count(&database), 1);
}

/// A file of somebody else where the archive should be: every tick tried again, and ran the
/// rollups before it.
#[test]
fn retention_that_fails_is_tried_again_after_longer_and_longer_waits() {
    let host = host("");
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"archive\"\n\
                    [rollups]\nenabled = true\ndefault_interval = \"24h\"\n\
                    default_destination_db = \"home\"\ndefault_aggregates = [\"sum\"]\n\
                    [[rollups.jobs]]\nid = \"loop\"\nsource_pattern = \"*\"";
    let home = host.database("home", true).unwrap();
    home.replace(&FileName::new("manifest.toml").unwrap(), manifest.as_bytes()).unwrap();
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.database("home").unwrap();
    let archive = FileName::new("archive-2026-01.tar").unwrap();
    let put_in_the_way = || home.replace(&archive, &[7; 2000]).unwrap();
    let late = |metric: &str| {
        database.add(metric, Timestamp(START), 1).unwrap();
        database.flush().unwrap();
    };
    // A job that cannot be run tells of every run.
    let tick = || {
        let mut tick = engine.tick().unwrap();
        let home = tick.databases.remove("home").unwrap();
        (home.problems.len(), tick.rollups.len(), home.retired.len())
    };

    put_in_the_way();
    late("a");
    host.clock.set(Timestamp(START + 100 * DAY + 3600 * SECOND));
    let mut tried = vec![];
    for second in 0..=3 * 3600 {
        match tick() {
            (0, 0, 0) => {}
            (1, 1, 0) => tried.push(second),
            other => panic!("{other:?} after {second} s"),
        }
        host.clock.advance(SECOND);
    }
    let minutes = [0, 1, 3, 7, 15, 31, 63, 123];
    assert_eq!(tried, minutes.map(|minute| 60 * minute));

    // Who asks for it does not wait, and ticks wait no longer for it.
    assert!(database.apply_retention().is_err());
    home.remove(&archive).unwrap();
    let last = START + 100 * DAY + (3600 + 60 * 123) * SECOND;
    host.clock.set(Timestamp(last + 3600 * SECOND - 1));
    assert_eq!(tick(), (0, 0, 0));
    host.clock.advance(1);
    assert_eq!(tick(), (1, 1, 1), "rollups cannot read what goes, and it is said");
    assert_eq!(count(&database), 0);

    // It worked, so the next failure is a first one.
    put_in_the_way();
    late("b");
    assert_eq!(tick(), (1, 1, 0));
    host.clock.advance(60 * SECOND - 1);
    assert_eq!(tick(), (0, 0, 0));
    host.clock.advance(1);
    assert_eq!(tick(), (1, 1, 0));
    // A clock that is set makes it wait neither for days nor for less.
    host.clock.advance(-DAY);
    host.clock.run(Duration::from_secs(119));
    assert_eq!(tick(), (0, 1, 0), "only rollups run anew");
    host.clock.run(Duration::from_secs(1));
    assert_eq!(tick(), (1, 1, 0));
    host.clock.advance(60 * SECOND);
    assert_eq!(tick(), (0, 0, 0));
    home.remove(&archive).unwrap();
    assert_eq!(database.apply_retention().unwrap().len(), 1);
    put_in_the_way();
    late("c");
    assert_eq!(tick(), (1, 1, 0), "what somebody asked for has worked, too");
}

/// The disk was full for a quarter of an hour; sealing waited for the next opening.
#[cfg(feature = "testing")]
#[test]
fn sealing_that_fails_is_tried_again_after_longer_and_longer_waits() {
    use crate::storage::{SimOptions, SimStorage, Window};

    let host = LocalHost::new(SimStorage::new);
    host.clock.set(Timestamp(START));
    let settings = FileName::new("engine.toml").unwrap();
    host.root().unwrap().replace(&settings, b"[metrics]\nenabled = true").unwrap();
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    database.add("a", Timestamp(START), 1).unwrap();
    database.flush().unwrap();
    let home = host.directory("home").unwrap();
    let full = SimOptions { full: Some(Window::since(1)), ..SimOptions::default() };
    drop(home.clone().with_options(full));
    host.clock.set(Timestamp(START + 3 * DAY));
    let mut tried = vec![];
    for second in 0..16 * 60 {
        let report = database.tick().unwrap();
        if !report.problems.is_empty() {
            assert!(report.problems[0].starts_with("sealing 2026-01-01: "), "{report:?}");
            tried.push(second);
        }
        host.clock.advance(SECOND);
    }
    assert_eq!(tried, [0, 1, 3, 7, 15].map(|minute| 60 * minute));
    drop(home.with_options(SimOptions::default()));
    host.clock.advance(16 * 60 * SECOND);
    let report = database.tick().unwrap();
    assert_eq!((report.built.len(), report.problems), (1, vec![]), "it goes by itself");
}

fn events(host: &Local, days: &[&str]) {
    let home = host.directory("home").unwrap();
    for day in days {
        let name = FileName::new(&format!("events-{day}.dat")).unwrap();
        home.replace(&name, day.as_bytes()).unwrap();
    }
}

/// Nobody here writes events, but those of the reference belong to their partition.
#[test]
fn events_go_with_their_partition_and_alone() {
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"delete\"";
    let host = host("");
    host.database("home", true).unwrap();
    events(&host, &["2025-12-31", "2026-01-01", "2026-01-04", "nonsense"]);
    let database = database(&host, manifest);
    database.add("a", Timestamp(START), 1).unwrap();
    database.flush().unwrap();
    host.clock.set(Timestamp(START + 4 * DAY));
    let retired = database.apply_retention().unwrap();
    let gone: Vec<Vec<String>> =
        retired.iter().map(|gone| gone.files.iter().map(ToString::to_string).collect()).collect();
    let expected: [&[&str]; 2] =
        [&["events-2025-12-31.dat"], &["data-2026-01-01.dat", "events-2026-01-01.dat"]];
    assert_eq!(gone, expected);
    assert_eq!(retired[0].bytes, 10);
    assert_eq!(files(&host), ["events-2026-01-04.dat", "events-nonsense.dat"]);
    assert_eq!(database.apply_retention().unwrap(), []);
}

#[test]
fn events_are_archived_with_their_partition() {
    let manifest = "[retention]\nretention_days = 3\nretention_action = \"archive\"";
    let host = host("[metrics]\nenabled = true\nraw_ingest_action = \"rename\"");
    host.database("home", true).unwrap();
    events(&host, &["2026-01-01"]);
    let database = database(&host, manifest);
    live(&host, &database, 2);
    host.clock.set(Timestamp(START + 4 * DAY));
    database.tick().unwrap();
    let archive = FileName::new("archive-2026-01.tar").unwrap();
    let archive = host.directory("home").unwrap().open(&archive).unwrap();
    let names: Vec<String> =
        tar::entries(&archive).unwrap().0.into_iter().map(|entry| entry.name).collect();
    let expected = ["events-2026-01-01.dat", "metric-2026-01-01.dat", "raw-2026-01-01.dat"];
    assert_eq!(names, expected);
}
