//! Periods that no later sample ends, and samples that come for periods already written.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, SimOptions, SimStorage, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

const START: i64 = 1_767_225_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn manifest(retention: &str, interval: &str, destination: &str) -> String {
    format!(
        "[retention]\n{retention}\n[rollups]\nenabled = true\ndefault_grace = \"1m\"\n\
         default_interval = {interval:?}\ndefault_destination_db = {destination:?}\n\
         default_aggregates = [\"sum\"]\n[[rollups.jobs]]\nid = \"all\"\nsource_pattern = \"*\"\n"
    )
}

const DELETE: &str = "retention_days = 1\nretention_action = \"delete\"";

type Local<S> = LocalHost<S>;

fn put<S: Storage + Clone>(host: &Local<S>, database: &str, manifest: &str) {
    let directory = host.database(database, true).unwrap();
    directory.replace(&FileName::new("manifest.toml").unwrap(), manifest.as_bytes()).unwrap();
}

fn open<S: Storage + Clone>(host: &Local<S>) -> Engine<Local<S>> {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    for name in engine.databases().unwrap() {
        engine.database(&name).unwrap();
    }
    engine
}

fn hourly(retention: &str) -> (Local<MemoryStorage>, Engine<Local<MemoryStorage>>) {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(START));
    put(&host, "source", &manifest(retention, "1h", "hourly"));
    let engine = open(&host);
    (host, engine)
}

fn sums<S: Storage + Clone>(
    engine: &Engine<Local<S>>,
    database: &str,
    metric: &str,
) -> Vec<(i64, f32)> {
    let Ok(database) = engine.database(database) else { return vec![] };
    let series = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
    let time = |time: &i64| (time - START) / HOUR;
    series.times.iter().zip(&series.raws).map(|(t, &raw)| (time(t), f32::from_bits(raw))).collect()
}

fn at(minutes: i64) -> Timestamp {
    Timestamp(START + minutes * MINUTE)
}

/// Adds a 1 at each of these minutes.
fn add<S: Storage + Clone>(engine: &Engine<Local<S>>, metric: &str, minutes: &[i64]) {
    for &minute in minutes {
        engine.add("source", metric, at(minute), 1).unwrap();
    }
}

/// It was taken for one that may lack samples, and kept the value it had.
#[test]
fn a_period_that_begins_before_the_first_partition_is_replaced_too() {
    for backfills in [false, true] {
        let host = LocalHost::new(MemoryStorage::new);
        host.clock.set(Timestamp(START));
        put(&host, "source", &manifest("", "11h", "rolled"));
        let engine = open(&host);
        add(&engine, "door", &[5]);
        host.clock.set(at(60 * 30));
        engine.tick().unwrap();
        assert_eq!(sums(&engine, "rolled", "door.sum"), [(-10, 1.0)]);
        add(&engine, "door", &[25]);
        if backfills {
            assert_eq!(engine.backfill_rollups(&[]).unwrap().problems, Vec::<String>::new());
        } else {
            engine.run_rollups("source").unwrap();
        }
        assert_eq!(sums(&engine, "rolled", "door.sum"), [(-10, 2.0)], "backfill: {backfills}");
    }
}

#[test]
fn the_last_period_of_a_silent_metric_is_written_after_a_silence() {
    let (host, engine) = hourly("");
    add(&engine, "door", &[5, 25]);
    for hour in 0..24 {
        host.clock.set(at(60 * hour + 30));
        engine.tick().unwrap();
    }
    assert_eq!(sums(&engine, "hourly", "door.sum"), []);
    host.clock.set(at(24 * 60 + 25));
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "hourly", "door.sum"), [(0, 2.0)]);
    assert_eq!(engine.run_rollups("source").unwrap().samples, 0, "and not again");
}

#[test]
fn the_silence_can_be_set() {
    let (host, _) = hourly("");
    let text =
        manifest("", "1h", "hourly").replace("enabled = true", "enabled = true\nsilence = \"2h\"");
    put(&host, "source", &text);
    let engine = open(&host);
    add(&engine, "door", &[5]);
    host.clock.set(at(124));
    assert_eq!(engine.run_rollups("source").unwrap().samples, 0);
    host.clock.set(at(125));
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "hourly", "door.sum"), [(0, 1.0)]);
}

/// A gateway that was offline in the middle of an hour, and sends the rest of it a day later.
#[test]
fn samples_for_a_period_already_written_replace_it() {
    for restarts in [false, true] {
        let (host, mut engine) = hourly("");
        add(&engine, "a", &[5, 25]);
        host.clock.set(at(26 * 60));
        engine.tick().unwrap();
        assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 2.0)]);
        if restarts {
            engine.close().unwrap();
            engine = open(&host);
        }
        add(&engine, "a", &[30, 59, 60, 61, 125]);
        if restarts {
            engine.close().unwrap();
            engine = open(&host);
        }
        host.clock.advance(HOUR);
        engine.tick().unwrap();
        let expected = [(0, 4.0), (1, 2.0), (2, 1.0)];
        assert_eq!(sums(&engine, "hourly", "a.sum"), expected, "{restarts}");
    }
}

#[test]
fn a_backfill_computes_the_last_period_and_later_samples_replace_it() {
    let (host, engine) = hourly("");
    add(&engine, "a", &[5]);
    host.clock.set(at(60));
    engine.backfill_rollups(&[]).unwrap();
    assert_eq!(sums(&engine, "hourly", "a.sum"), [], "its grace is not over");
    host.clock.set(at(61));
    assert_eq!(engine.backfill_rollups(&[]).unwrap().rebuilt_partitions, ["hourly/2026-01"]);
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 1.0)]);
    assert_eq!(engine.backfill_rollups(&[]).unwrap().rebuilt_partitions, [""; 0]);
    add(&engine, "a", &[6, 70]);
    host.clock.set(at(130));
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 2.0)]);
}

/// The second hop had read the first one's value already.
#[test]
fn a_replaced_period_is_replaced_further_down() {
    let (host, engine) = hourly("");
    drop(engine);
    put(&host, "hourly", &manifest("", "24h", "daily"));
    let engine = open(&host);
    add(&engine, "a", &[5]);
    host.clock.set(at(3 * 24 * 60));
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "daily", "a.sum.sum"), [(0, 1.0)]);
    add(&engine, "a", &[6, 65, 50 * 60]);
    host.clock.advance(HOUR);
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 2.0), (1, 1.0)]);
    host.clock.advance(25 * HOUR);
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 2.0), (1, 1.0), (50, 1.0)]);
    assert_eq!(sums(&engine, "daily", "a.sum.sum"), [(0, 3.0), (48, 1.0)]);
}

#[test]
fn what_is_about_to_expire_is_rolled_up_before() {
    let (host, engine) = hourly(DELETE);
    add(&engine, "door", &[5, 25]);
    add(&engine, "live", &[5, 65]);
    engine.close().unwrap();
    host.clock.set(Timestamp(START + 2 * DAY));
    let engine = open(&host);
    let tick = engine.tick().unwrap();
    assert_eq!(tick.databases.get("source").unwrap().retired.len(), 1, "{tick:?}");
    assert_eq!(sums(&engine, "hourly", "door.sum"), [(0, 2.0)]);
    assert_eq!(sums(&engine, "hourly", "live.sum"), [(0, 1.0), (1, 1.0)]);
}

/// The program was off when the rest of an hour came, and its day has expired by now.
#[test]
fn late_samples_of_a_day_that_expires_replace_its_periods_first() {
    let (host, engine) = hourly(DELETE);
    add(&engine, "a", &[5]);
    host.clock.set(at(25 * 60));
    engine.tick().unwrap();
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 1.0)]);
    add(&engine, "a", &[6, 7]);
    engine.close().unwrap();
    host.clock.set(Timestamp(START + 9 * DAY));
    let engine = open(&host);
    let tick = engine.tick().unwrap();
    assert_eq!(tick.databases.get("source").unwrap().retired.len(), 1, "{tick:?}");
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 3.0)]);
    // What comes after that is not all of the hour, and does not replace it.
    engine.close().unwrap();
    let engine = open(&host);
    add(&engine, "a", &[8]);
    engine.flush().unwrap();
    engine.tick().unwrap();
    engine.backfill_rollups(&[]).unwrap();
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 3.0)]);
}

/// Each day expired on its own, and the week's value was made of what was left at its end.
#[test]
fn a_period_longer_than_retention_keeps_its_samples_until_it_is_over() {
    let host = LocalHost::new(MemoryStorage::new);
    // Thursday, as weeks are counted from the epoch.
    host.clock.set(Timestamp(START));
    put(&host, "source", &manifest(DELETE, "168h", "weekly"));
    let engine = open(&host);
    for _ in 0..16 * 24 {
        engine.add("source", "a", host.clock().now(), 1).unwrap();
        host.clock.advance(HOUR);
        engine.tick().unwrap();
    }
    let weeks: Vec<f32> = sums(&engine, "weekly", "a.sum").iter().map(|week| week.1).collect();
    assert_eq!(weeks, [168.0, 168.0]);
    let left = engine.database("source").unwrap();
    let left = left.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().len();
    assert!(left <= 3 * 24, "{left}");
}

/// The destination cannot take a metric: its samples wait, and go at last, and it is said.
#[test]
fn retention_waits_for_rollups_and_says_what_it_drops_at_last() {
    let (host, engine) = hourly(DELETE);
    engine.create_database("hourly").unwrap().add("a.sum", Timestamp(0), 1_i32).unwrap();
    add(&engine, "a", &[5]);
    add(&engine, "b", &[5]);
    engine.flush().unwrap();
    let tick = || {
        let mut tick = engine.tick().unwrap();
        let source = tick.databases.remove("source").unwrap();
        (source.retired.len(), source.problems)
    };
    host.clock.set(Timestamp(START + 2 * DAY));
    let (retired, problems) = tick();
    assert_eq!(retired, 0);
    assert_eq!(problems.len(), 1);
    let why = "retention: 2026-01-01 has expired and waits for rollups: all::a: rollup all::a into \
               hourly: metric a.sum holds int32";
    assert!(problems[0].starts_with(why), "{problems:?}");
    assert_eq!(sums(&engine, "hourly", "b.sum"), [(0, 1.0)], "the others do not wait");
    assert_eq!(tick(), (0, vec![]), "not at every tick");
    // Seven days after the last of its hours was over.
    host.clock.set(Timestamp(START + 9 * DAY));
    assert_eq!(tick().0, 0);
    let asked = engine.apply_retention("source").unwrap();
    assert!(asked.is_waiting && asked.retired.is_empty(), "{asked:?}");
    host.clock.set(Timestamp(START + 10 * DAY));
    let (retired, problems) = tick();
    assert_eq!(retired, 1);
    let why = "retention: 2026-01-01 goes before rollups have read it: all::a: ";
    assert!(problems[0].starts_with(why), "{problems:?}");
}

#[test]
fn a_machine_that_was_off_for_weeks_tries_for_an_hour_before_it_drops_anything() {
    let (host, engine) = hourly(DELETE);
    engine.create_database("hourly").unwrap().add("a.sum", Timestamp(0), 1_i32).unwrap();
    add(&engine, "a", &[5]);
    engine.close().unwrap();
    host.clock.set(Timestamp(START + 40 * DAY));
    let engine = open(&host);
    let mut gone = None;
    for minute in 0..3 * 60 {
        let tick = engine.tick().unwrap();
        if !tick.databases.get("source").unwrap().retired.is_empty() {
            gone = gone.or(Some(minute));
        }
        host.clock.advance(MINUTE);
    }
    assert_eq!(gone, Some(63), "the first try after the hour");
}

#[test]
fn rollups_begin_anew_where_samples_are_about_to_change() {
    let (host, engine) = hourly("");
    add(&engine, "a", &[5, 65, 125, 185]);
    add(&engine, "b", &[5, 65, 125, 185]);
    host.clock.set(at(200));
    engine.tick().unwrap();
    let source = engine.database("source").unwrap();
    source.rewind_rollups(|metric| (metric == "a").then_some(at(70).0)).unwrap();
    let text = host.directory("source").unwrap();
    let text = text.read(&FileName::new("rollup.checkpoints.log").unwrap()).unwrap().unwrap();
    let found = crate::rollup::checkpoint::parse(&text);
    let expected = [("all::a", START + HOUR), ("all::b", START + 3 * HOUR)];
    assert_eq!(found, expected.map(|(id, time)| (id.to_string(), time)).into());
    assert_eq!(engine.run_rollups("source").unwrap().samples, 0, "nothing has changed");
    assert_eq!(sums(&engine, "hourly", "a.sum"), [(0, 1.0), (1, 1.0), (2, 1.0)]);
}

/// A crash at every step of writing a period early and of replacing it: it has one of its values at
/// every time, never two, never one of its own samples twice, and the next run makes it right.
#[test]
fn a_crash_at_any_step_of_replacing_a_period_leaves_it_old_or_new() {
    let text = manifest("", "1h", "hourly");
    let plan = |host: &Local<SimStorage>| -> crate::error::Result<()> {
        let engine = Engine::open(host.clone(), EngineOptions::default())?;
        let source = engine.database("source")?;
        for minute in [5, 25] {
            source.add("a", at(minute), 1)?;
        }
        source.sync()?;
        host.clock.set(at(26 * 60));
        engine.run_rollups("source")?;
        for minute in [30, 59, 65] {
            source.add("a", at(minute), 1)?;
        }
        source.sync()?;
        engine.run_rollups("source")?;
        engine.close().map_err(|mut errors| errors.remove(0))
    };
    let disks = || {
        let name = FileName::new("manifest.toml").unwrap();
        let files = BTreeMap::from([(name, text.as_bytes().to_vec())]);
        [SimStorage::holding(files), SimStorage::new()]
    };
    let on = |disks: &[SimStorage; 2]| {
        let host = LocalHost::new(SimStorage::new);
        host.clock.set(Timestamp(START));
        host.set_database("source", disks[0].clone());
        host.set_database("hourly", disks[1].clone());
        host
    };
    let mut crashes = 0;
    for crashing in 0..2 {
        for step in 1.. {
            let mut disks = disks();
            let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
            disks[crashing] = disks[crashing].clone().with_options(options);
            // A destination that cannot be opened is a problem of the run, and no error.
            drop(plan(&on(&disks)));
            if disks[crashing].steps() < step {
                break;
            }
            crashes += 1;
            for seed in 0..4 {
                let left = [disks[0].after_crash(seed), disks[1].after_crash(seed + 1)];
                let host = on(&left);
                host.clock.set(at(26 * 60));
                let engine = open(&host);
                let at_step = format!("step {step} of {crashing}, seed {seed}");
                let found = sums(&engine, "hourly", "a.sum");
                let allowed: [&[(i64, f32)]; 4] =
                    [&[], &[(0, 2.0)], &[(0, 4.0)], &[(0, 4.0), (1, 1.0)]];
                assert!(allowed.contains(&&*found), "{at_step}: {found:?}");
                let raw = engine.database("source").unwrap();
                let raw = raw.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().times;
                let in_hour =
                    |hour: i64| raw.iter().filter(|time| (**time - START) / HOUR == hour).count();
                engine.run_rollups("source").unwrap();
                #[expect(clippy::cast_precision_loss, reason = "a few samples")]
                let expected: Vec<(i64, f32)> = (0..2)
                    .map(|hour| (hour, in_hour(hour) as f32))
                    .filter(|(_, count)| *count > 0.0)
                    .collect();
                assert_eq!(sums(&engine, "hourly", "a.sum"), expected, "{at_step}");
            }
        }
    }
    assert!(crashes > 30, "{crashes}");
}
