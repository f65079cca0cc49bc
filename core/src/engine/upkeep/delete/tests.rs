//! Deleting on a full disk, and what killed processes have left.

use crate::engine::testing::LocalHost;
use crate::engine::{BuildOptions, Database, Engine, EngineOptions};
use crate::query::RangeQuery;
use crate::settings::RawAction;
use crate::storage::{FileName, SimOptions, SimStorage, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

type Sim = LocalHost<SimStorage>;

/// 2026-01-05 00:00, in nanoseconds.
const START: i64 = 1_767_571_200_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn open(disk: &SimStorage) -> (Engine<Sim>, Arc<Database<Sim>>) {
    let host = LocalHost::new(SimStorage::new);
    host.clock.set(Timestamp(START + 3 * DAY));
    host.set_database("home", disk.clone());
    let engine = Engine::open(host, EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    (engine, database)
}

/// Samples of `metric` on a day, one every ten minutes from this one on.
fn add(database: &Database<Sim>, metric: &str, day: i64, steps: core::ops::Range<i64>) {
    for step in steps {
        let time = Timestamp(START + day * DAY + step * 10 * MINUTE);
        database.add(metric, time, i32::try_from(step).unwrap()).unwrap();
    }
}

fn of_day(day: i64) -> TimeRange {
    let from = START + day * DAY;
    TimeRange { from: Timestamp(from), to: Timestamp(from + DAY - 1) }
}

fn times(database: &Database<Sim>, metric: &str) -> Vec<i64> {
    database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap().times
}

/// From now on there is no room for another byte.
fn fill_up(disk: &SimStorage) {
    let used = disk.files().values().map(|bytes| bytes.len() as u64).sum();
    drop(disk.clone().with_options(SimOptions { quota: Some(used), ..SimOptions::default() }));
}

/// Two days with files, and samples of both and of a third in memory.
fn filled() -> (SimStorage, Arc<Database<Sim>>) {
    let disk = SimStorage::new();
    let (_, database) = open(&disk);
    for day in 0..2 {
        add(&database, "a", day, 0..100);
    }
    database.flush().unwrap();
    database
        .build_metric_file(
            "2026-01-05",
            BuildOptions { raw_action: RawAction::Keep, ..BuildOptions::default() },
        )
        .unwrap();
    add(&database, "b", 0, 100..110);
    add(&database, "b", 1, 100..110);
    add(&database, "a", 2, 0..20);
    (disk, database)
}

#[test]
fn what_goes_whole_goes_from_a_full_disk() {
    let (disk, database) = filled();
    fill_up(&disk);
    let (a, b) = (times(&database, "a"), times(&database, "b"));
    let report = database.delete_many(&["a", "b"], of_day(0)).unwrap();
    assert_eq!(report.refused, []);
    assert_eq!(report.removed, ["2026-01-05"]);
    assert_eq!(report.samples(), 110);
    let left = |times: Vec<i64>| -> Vec<i64> {
        times.into_iter().filter(|time| *time >= START + DAY).collect()
    };
    let (a, b) = (left(a), left(b));
    assert_eq!((times(&database, "a"), times(&database, "b")), (a.clone(), b.clone()));
    // It stays away, and everything else is there.
    for seed in 0..4 {
        let (_, database) = open(&disk.after_kill(seed));
        assert_eq!((times(&database, "a"), times(&database, "b")), (a.clone(), b.clone()));
        let (_, database) = open(&disk.after_crash(seed));
        assert_eq!((times(&database, "a"), times(&database, "b")), (a.clone(), b.clone()));
    }
    add(&database, "a", 2, 20..30);
}

#[test]
fn a_crash_while_it_goes_from_a_full_disk_costs_nothing_else() {
    for step in 1.. {
        let (disk, database) = filled();
        let (a, b) = (times(&database, "a"), times(&database, "b"));
        let used = disk.files().values().map(|bytes| bytes.len() as u64).sum();
        let options =
            SimOptions { quota: Some(used), crash_at: Some(step), ..SimOptions::default() };
        drop(disk.clone().with_options(options));
        let done = database.delete_many(&["a", "b"], of_day(0));
        if !disk.has_crashed() {
            assert_eq!(done.unwrap().refused, []);
            assert!(step > 8, "{step}");
            break;
        }
        let (_, database) = open(&disk.after_kill(step));
        for (metric, before) in [("a", a), ("b", b)] {
            let found = times(&database, metric);
            assert!(found.iter().all(|time| before.contains(time)), "step {step}");
            let later = |times: &[i64]| -> Vec<i64> {
                times.iter().copied().filter(|time| *time >= START + DAY).collect()
            };
            assert_eq!(later(&found), later(&before), "step {step}");
        }
        assert!(database.verify(|_| ()).unwrap().is_whole(), "step {step}");
        let again = database.delete_many(&["a", "b"], of_day(0)).unwrap();
        assert_eq!(again.refused, [], "step {step}");
        assert!(times(&database, "a").iter().all(|time| *time >= START + DAY), "step {step}");
    }
}

#[test]
fn what_has_to_be_written_anew_is_refused_with_the_bytes_it_needs() {
    let (disk, database) = filled();
    fill_up(&disk);
    let before = times(&database, "a");
    let report = database.delete("a", of_day(0)).unwrap();
    assert_eq!(report.samples(), 0);
    let (partition, error) = &report.refused[0];
    let says = error.to_string();
    assert_eq!(partition, "2026-01-05");
    assert!(says.contains("2026-01-05 has to be written anew, which needs about "), "{says}");
    assert_eq!(times(&database, "a"), before);
    // Once there is room it is done.
    drop(disk.with_options(SimOptions::default()));
    assert_eq!(database.delete("a", of_day(0)).unwrap().samples(), 100);
    add(&database, "a", 2, 20..30);
}

#[test]
fn what_killed_processes_have_left_goes_at_the_next_opening() {
    let (disk, database) = filled();
    let before = (times(&database, "a"), times(&database, "b"));
    let leave = |name: &str| {
        let mut file = disk.create(&FileName::new(name).unwrap()).unwrap();
        crate::storage::StorageFile::append(&mut file, b"half of it").unwrap();
    };
    let ours = [
        "data-2026-01-05.dat.tmp",
        "raw-2026-01-05.dat.tmp",
        "metric-2026-01-05.dat.new",
        "metric-2026-01-05.dat.new.tmp",
        "metric-2026-01-05.dat.whole",
        "metric-2026-01-06.dat.new.spool.tmp",
        "data-2026-01-05.dat.torn.tmp",
        "catalog.json.tmp",
        "manifest.toml.tmp",
        "rollup.deleted.tmp",
        "home.wal.damaged.tmp",
        "archive-2026-01.tar.tmp",
    ];
    let others = ["notes.tmp", "data-2026-01-05.dat.torn", "data.new", "backup.tar.tmp", "x.whole"];
    ours.iter().chain(&others).for_each(|name| leave(name));
    let names = |disk: &SimStorage| -> Vec<String> {
        disk.files().keys().map(|name| name.as_str().to_string()).collect()
    };
    let disk = disk.after_kill(0);
    let (_, database) = open(&disk);
    assert_eq!((times(&database, "a"), times(&database, "b")), before);
    let found = names(&disk);
    for name in ours {
        assert!(!found.iter().any(|found| found == name), "{name}");
    }
    for name in others {
        assert!(found.iter().any(|found| found == name), "{name}");
    }
}
