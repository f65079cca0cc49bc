//! Where there is little room, and where no log can be made.

use super::host::Shared;
use super::testing::LocalHost;
use super::{Database, Engine, EngineOptions, Row, Target};
use crate::error::Error;
use crate::query::RangeQuery;
use crate::settings::EngineSettings;
use crate::storage::{FileName, SimOptions, SimStorage, StorageErrorKind, Window};
use crate::types::{TimeRange, Timestamp, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

type Sim = LocalHost<SimStorage>;

/// 2026-01-05 12:00, in nanoseconds.
const NOW: i64 = 1_767_614_400_000_000_000;
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

fn open(disk: &SimStorage, logs: bool) -> (Engine<Sim>, Arc<Database<Sim>>) {
    let mut settings = EngineSettings::fresh();
    settings.metrics.enabled = false;
    settings.manifest_defaults.page_max_records = 4000;
    settings.manifest_defaults.wal_enabled = logs;
    let name = FileName::new("engine.toml").unwrap();
    let files = BTreeMap::from([(name, settings.to_toml().into_bytes())]);
    let root = SimStorage::holding(files);
    let host = LocalHost::new(move || root.clone());
    host.clock.set(Timestamp(NOW));
    host.set_database("home", disk.clone());
    let engine = Engine::open(host, EngineOptions::default()).unwrap();
    let database = engine.create_database("home").unwrap();
    (engine, database)
}

fn found(database: &Database<Sim>, metric: &str) -> Vec<i64> {
    database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap().times
}

/// The times of the batch of this number: late ones, of one metric.
fn batch(number: i64, len: i64) -> impl Iterator<Item = i64> {
    (number * len..(number + 1) * len).map(|n| NOW - 3 * DAY + n * SECOND)
}

/// Adds batches until none is taken; returns the times that were.
fn add_until_full(database: &Database<Sim>, len: i64, ends: &dyn Fn() -> bool) -> Vec<i64> {
    let (mut taken, mut refused) = (Vec::new(), 0);
    for number in 0..20_000 / len {
        let rows = batch(number, len).map(|time| {
            // Values that no codec makes much of.
            let value = i32::try_from((time / SECOND).wrapping_mul(0x9e37_79b9) & 0xffff).unwrap();
            Row { target: Target::Name("late"), time: Timestamp(time), value: Value::I32(value) }
        });
        match database.add_rows(rows.collect::<Vec<_>>()) {
            Ok(report) => {
                assert_eq!(report.rejected, []);
                taken.extend(batch(number, len));
                refused = 0;
            }
            Err(_) if ends() => break,
            Err(error) => {
                assert!(error.lacks_room(), "{error:?}");
                refused += 1;
                if refused == 3 {
                    break;
                }
            }
        }
    }
    taken
}

fn with_quota(quota: u64, logs: bool) -> (SimStorage, Engine<Sim>, Arc<Database<Sim>>) {
    let disk = SimStorage::new();
    let (engine, database) = open(&disk, logs);
    drop(disk.clone().with_options(SimOptions { quota: Some(quota), ..SimOptions::default() }));
    (disk, engine, database)
}

/// A log takes 26 bytes of a sample where a page takes a few. When it has filled the room, pages
/// are written and it is emptied, before anything is refused.
#[test]
fn a_log_does_not_keep_pages_from_the_room_there_is() {
    for len in [1, 50, 200, 500, 1000] {
        let (disk, _engine, database) = with_quota(60_000, false);
        add_until_full(&database, len, &|| false);
        drop(database);
        // What is in memory alone is not stored.
        let (_engine, database) = open(&disk.after_kill(0), false);
        let without = found(&database, "late").len();
        let (disk, _engine, database) = with_quota(60_000, true);
        let with = add_until_full(&database, len, &|| false);
        assert!(with.len() + 500 >= without, "batches of {len}: {} of {without}", with.len());
        // Acknowledged, and there.
        assert_eq!(found(&database, "late"), with, "batches of {len}");
        let (_engine, again) = open(&disk.after_kill(0), true);
        assert_eq!(found(&again, "late"), with, "batches of {len}, after a kill");
        assert!(!disk.files().keys().any(|name| name.as_str() == "home.room"));
    }
}

#[test]
fn a_crash_while_the_log_gives_way_to_pages_loses_nothing() {
    let mut steps = 0;
    for step in 1.. {
        let disk = SimStorage::new();
        let (_engine, database) = open(&disk, true);
        let options =
            SimOptions { quota: Some(20_000), crash_at: Some(step), ..SimOptions::default() };
        drop(disk.clone().with_options(options));
        let taken = add_until_full(&database, 200, &|| disk.has_crashed());
        if !disk.has_crashed() {
            break;
        }
        steps += 1;
        for seed in 0..3 {
            let (_engine, database) = open(&disk.after_kill(seed), true);
            let found = found(&database, "late");
            let whole = found.get(..taken.len());
            assert_eq!(whole, Some(&*taken), "step {step}, seed {seed}: {}", found.len());
            let mut once = found.clone();
            once.dedup();
            assert_eq!(once, found, "step {step}, seed {seed}: nothing twice");
        }
    }
    assert!(steps > 20, "{steps}");
}

/// New metrics of a batch that is refused after all get no id that another has.
#[test]
fn metrics_of_a_batch_that_found_no_room_stay_themselves() {
    let (disk, _engine, database) = with_quota(9_000, true);
    add_until_full(&database, 20, &|| false);
    let mut refused = 0;
    for number in 0..40 {
        let name = format!("new.{number}");
        let rows = (0..100).map(|n| Row {
            target: Target::Name(&name),
            time: Timestamp(NOW - DAY + n),
            value: Value::I32(number),
        });
        refused += usize::from(database.add_rows(rows.collect::<Vec<_>>()).is_err());
    }
    assert!(refused > 10, "{refused}");
    drop(disk.clone().with_options(SimOptions::default()));
    database.add("last", Timestamp(NOW), 7).unwrap();
    let names = |database: &Database<Sim>| -> Vec<_> {
        database.metrics().into_iter().map(|metric| (metric.name, metric.id)).collect()
    };
    let (_engine, again) = open(&disk.after_kill(0), true);
    for (name, id) in names(&again) {
        assert!(names(&database).contains(&(name.clone(), id)), "{name}");
    }
    assert_eq!(found(&again, "last"), [NOW]);
    assert_eq!(found(&again, "late"), found(&database, "late"));
}

/// The file for late samples cannot be made: the late sample is refused, and all goes on.
#[test]
fn a_late_log_that_cannot_be_made_refuses_one_sample_and_nothing_else() {
    let cannot_open = |window| SimOptions {
        cannot_open: Some((window, StorageErrorKind::TooManyFiles)),
        ..SimOptions::default()
    };
    let failures = [
        SimOptions { full: Some(Window::since(1)), ..SimOptions::default() },
        cannot_open(Window::since(1)),
        cannot_open(Window { from: 3, count: 1 }),
        SimOptions { fail_at: Some((1, StorageErrorKind::Denied)), ..SimOptions::default() },
        SimOptions { fail_at: Some((1, StorageErrorKind::NoSpace)), ..SimOptions::default() },
        SimOptions { fail_at: Some((1, StorageErrorKind::Io)), ..SimOptions::default() },
    ];
    for options in failures {
        let disk = SimStorage::new();
        let (_engine, database) = open(&disk, true);
        database.add("now", Timestamp(NOW), 1).unwrap();
        drop(disk.clone().with_options(options));
        let late = database.add("late", Timestamp(NOW - DAY), 1);
        drop(disk.clone().with_options(SimOptions::default()));
        if options.fail_at == Some((1, StorageErrorKind::NoSpace)) {
            late.unwrap(); // pages were written, and then there was room
            continue;
        }
        assert!(matches!(late, Err(Error::Storage(_))), "{options:?}: {late:?}");
        let poisoned = database.writer().read(super::writer::Writer::check_writable);
        assert_eq!(poisoned, Ok(()), "{options:?}");
        assert_eq!(found(&database, "late"), Vec::<i64>::new(), "{options:?}");
        database.add("now", Timestamp(NOW + 1), 2).unwrap();
        database.add("late", Timestamp(NOW - DAY), 2).unwrap();
        assert_eq!(database.check_writable(), Ok(()), "{options:?}");
        let (_engine, database) = open(&disk.after_kill(0), true);
        assert_eq!(found(&database, "now"), [NOW, NOW + 1], "{options:?}");
        assert_eq!(found(&database, "late"), [NOW - DAY], "{options:?}");
    }
}
