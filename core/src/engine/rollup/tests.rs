//! Rollups as a user sees them, and after crashes.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, SimOptions, SimStorage, Storage, StorageErrorKind};
use crate::types::{TimeRange, Timestamp};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

const START: i64 = 1_767_225_600_000_000_000;
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

const HOURLY: &str = r#"
[rollups]
enabled = true
default_grace = "1m"
default_interval = "1h"
default_destination_db = "hourly"
default_aggregates = ["sum", "count"]
[[rollups.jobs]]
id = "all"
source_pattern = "*"
exclude_patterns = ["not.*"]
"#;

fn host<S: Storage + Clone + 'static>(
    make: impl Fn() -> S + 'static,
    manifest: &str,
) -> LocalHost<S> {
    let host = LocalHost::new(make);
    host.clock.set(Timestamp(START));
    let source = host.database("source", true).unwrap();
    source.replace(&FileName::new("manifest.toml").unwrap(), manifest.as_bytes()).unwrap();
    host
}

fn open<S: Storage + Clone>(host: &LocalHost<S>) -> Engine<LocalHost<S>> {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    engine.database("source").unwrap();
    engine
}

fn samples<S: Storage + Clone>(
    engine: &Engine<LocalHost<S>>,
    database: &str,
    metric: &str,
) -> Vec<(i64, f32)> {
    let Ok(database) = engine.database(database) else { return vec![] };
    let series = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
    series.times.iter().zip(&series.raws).map(|(&t, &raw)| (t, f32::from_bits(raw))).collect()
}

/// A sample a minute for so long, and a tick after each.
fn live<S: Storage + Clone>(host: &LocalHost<S>, engine: &Engine<LocalHost<S>>, minutes: i64) {
    for _ in 0..minutes {
        engine.add("source", "a", host.clock().now(), 2).unwrap();
        engine.add("source", "not.b", host.clock().now(), 2).unwrap();
        host.clock.advance(60 * SECOND);
        let tick = engine.tick().unwrap();
        assert!(tick.rollups.iter().all(|run| run.problems.is_empty()), "{tick:?}");
    }
}

#[test]
fn d12_rollups_keep_up_with_live_ingest() {
    let host = host(MemoryStorage::new, HOURLY);
    let engine = open(&host);
    live(&host, &engine, 3 * 24 * 60);
    let sums = samples(&engine, "hourly", "a.sum");
    assert_eq!(sums.len(), 71, "the last hour waits for a sample behind it");
    assert!(sums.iter().zip(0..).all(|(sum, n)| *sum == (START + n * HOUR, 120.0)));
    assert_eq!(samples(&engine, "hourly", "a.count").len(), 71);
    assert_eq!(engine.database("hourly").unwrap().metrics().len(), 2, "and none excluded");
    // Nothing new: nothing is written, and opening again changes nothing.
    drop(engine);
    let engine = open(&host);
    assert_eq!(engine.tick().unwrap().rollups, []);
    assert_eq!(samples(&engine, "hourly", "a.sum"), sums);
}

#[test]
fn rollups_can_be_switched_off() {
    let host = host(MemoryStorage::new, HOURLY);
    let engine = open(&host);
    engine.set_auto_rollups(false);
    live(&host, &engine, 150);
    assert_eq!(samples(&engine, "hourly", "a.sum"), []);
    assert_eq!(engine.run_rollups("source").unwrap().samples, 4);
    engine.set_auto_rollups(true);
    live(&host, &engine, 60);
    assert_eq!(samples(&engine, "hourly", "a.sum").len(), 3);
}

#[test]
fn runs_of_one_source_after_the_other_fill_a_chain() {
    let host = host(MemoryStorage::new, HOURLY);
    let daily = HOURLY.replace("hourly", "daily").replace("\"1h\"", "\"24h\"");
    let hourly = host.database("hourly", true).unwrap();
    hourly.replace(&FileName::new("manifest.toml").unwrap(), daily.as_bytes()).unwrap();
    let engine = open(&host);
    engine.set_auto_rollups(false);
    live(&host, &engine, 2 * 24 * 60);
    let written = ["source", "hourly"].map(|source| engine.run_rollups(source).unwrap().samples);
    assert_eq!(written, [2 * 47, 4]);
    assert_eq!(samples(&engine, "daily", "a.sum.sum"), [(START, 24.0 * 120.0)]);
}

#[test]
fn rollups_read_what_only_metric_files_have() {
    let host = host(MemoryStorage::new, HOURLY);
    let engine = open(&host);
    engine.set_auto_rollups(false);
    live(&host, &engine, 24 * 60);
    let raw_action = crate::settings::RawAction::Delete;
    let options = BuildOptions { raw_action, ..BuildOptions::default() };
    engine.database("source").unwrap().build_metric_file("2026-01-01", options).unwrap();
    assert_eq!(engine.run_rollups("source").unwrap().samples, 2 * 23);
}

#[test]
fn data_that_starts_at_the_epoch_or_before_is_rolled_up() {
    let host = host(MemoryStorage::new, HOURLY);
    let engine = open(&host);
    for hour in [-2, -1, 0, 1, 2] {
        engine.add("source", "a", Timestamp(hour * HOUR), 1).unwrap();
    }
    engine.run_rollups("source").unwrap();
    let expected: Vec<(i64, f32)> = [-2, -1, 0, 1, 2].map(|hour| (hour * HOUR, 1.0)).to_vec();
    assert_eq!(samples(&engine, "hourly", "a.sum"), expected);
}

#[test]
fn d12_a_backfill_keeps_what_the_source_no_longer_has() {
    let manifest =
        format!("[retention]\nretention_days = 3\nretention_action = \"delete\"\n{HOURLY}");
    let host = host(MemoryStorage::new, &manifest);
    let engine = open(&host);
    live(&host, &engine, 6 * 24 * 60);
    let before = samples(&engine, "hourly", "a.sum");
    assert_eq!(before.len(), 6 * 24 - 1, "rolled up before it expired");
    assert!(samples(&engine, "source", "a").len() < 5 * 24 * 60, "and it did");
    // Primary data in the destination, and a value that is wrong.
    engine.add("hourly", "primary", Timestamp(START), 5).unwrap();
    let report = engine.backfill_rollups(&[]).unwrap();
    assert_eq!((report.problems, report.rebuilt_partitions), (vec![], vec![]));
    assert_eq!(samples(&engine, "hourly", "a.sum"), before);
    assert_eq!(
        engine
            .database("hourly")
            .unwrap()
            .range("primary", Timestamp(START), Timestamp(START))
            .unwrap()
            .len(),
        1
    );
}

const EXPIRING: &str = "[retention]\nretention_days = 2\nretention_action = \"delete\"\n";

/// Rollups run when a period is over, retention at every tick: what came late in between went
/// before anything was made of it.
#[test]
fn d12_late_samples_are_rolled_up_before_they_expire() {
    let host = host(MemoryStorage::new, &format!("{EXPIRING}{HOURLY}"));
    let engine = open(&host);
    host.clock.set(Timestamp(START + 9 * DAY + 5 * 60 * SECOND));
    engine.tick().unwrap(); // nothing is due for an hour
    for hour in 0..3 {
        engine.add("source", "late", Timestamp(START + hour * HOUR), 1).unwrap();
    }
    engine.flush().unwrap();
    let tick = engine.tick().unwrap();
    assert_eq!(tick.databases.get("source").unwrap().retired.len(), 1);
    assert_eq!(samples(&engine, "hourly", "late.sum").len(), 3);
}

/// A late sample made an expired partition anew, and what was made of all its other samples was
/// taken for wrong.
#[test]
fn d12_a_backfill_keeps_what_expired_beside_late_samples() {
    let host = host(MemoryStorage::new, &format!("{EXPIRING}{HOURLY}"));
    let engine = open(&host);
    live(&host, &engine, 5 * 24 * 60);
    let before = samples(&engine, "hourly", "a.sum");
    assert_eq!(before.len(), 5 * 24 - 1);
    engine.add("source", "late", Timestamp(START), 1).unwrap();
    engine.add("source", "late", Timestamp(START + HOUR), 1).unwrap();
    let report = engine.backfill_rollups(&[]).unwrap();
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(samples(&engine, "hourly", "a.sum"), before);
    assert_eq!(samples(&engine, "hourly", "late.sum").len(), 2);
}

#[test]
fn a_backfill_mends_and_completes() {
    let host = host(MemoryStorage::new, HOURLY);
    let engine = open(&host);
    live(&host, &engine, 2 * 24 * 60);
    let right = samples(&engine, "hourly", "a.sum");
    drop(engine);
    // The destination as somebody spoilt it: wrong values, then nothing.
    let hourly = host.directory("hourly").unwrap();
    for name in hourly.list().unwrap().iter().filter(|name| name.as_str().contains(".dat")) {
        hourly.remove(name).unwrap();
    }
    let engine = open(&host);
    engine.add("hourly", "a.sum", Timestamp(START + HOUR), 7.0).unwrap();
    engine.add("hourly", "primary", Timestamp(START + HOUR), 5).unwrap();
    let report = engine.backfill_rollups(&["source"]).unwrap();
    assert_eq!(report.rebuilt_partitions, ["hourly/2026-01"]);
    assert_eq!(samples(&engine, "hourly", "a.sum"), right);
    assert_eq!(samples(&engine, "hourly", "a.count").len(), right.len());
    assert_eq!(samples(&engine, "hourly", "primary").len(), 1);
    assert_eq!(engine.backfill_rollups(&[]).unwrap().rebuilt_partitions, [""; 0]);
    // Later rollups go on behind it, and none comes twice.
    live(&host, &engine, 120);
    assert_eq!(samples(&engine, "hourly", "a.sum").len(), right.len() + 2);
}

#[test]
fn one_task_that_cannot_be_does_not_hold_up_the_others() {
    let host = host(MemoryStorage::new, HOURLY);
    let engine = open(&host);
    engine.create_database("hourly").unwrap().add("a.sum", Timestamp(0), 1_i32).unwrap();
    for hour in 0..3 {
        engine.add("source", "a", Timestamp(START + hour * HOUR), 1).unwrap();
        engine.add("source", "b", Timestamp(START + hour * HOUR), 1).unwrap();
    }
    host.clock.advance(DAY);
    let run = engine.run_rollups("source").unwrap();
    assert_eq!(run.problems.len(), 1, "{run:?}");
    assert!(run.problems[0].contains("all::a into hourly: metric a.sum holds int32"), "{run:?}");
    assert_eq!(samples(&engine, "hourly", "b.sum").len(), 2);
    assert_eq!(run.advanced.keys().collect::<Vec<_>>(), ["all::b"]);
    let backfill = engine.backfill_rollups(&[]).unwrap();
    assert_eq!(backfill.problems.len(), 1, "{backfill:?}");
}

#[test]
fn a_pattern_that_covers_what_it_makes_is_refused() {
    let manifest = HOURLY.replace("\"hourly\"", "\"source\"");
    let host = host(MemoryStorage::new, &manifest);
    let engine = open(&host);
    engine.add("source", "a", Timestamp(START), 1).unwrap();
    let run = engine.run_rollups("source").unwrap();
    assert!(run.problems[0].contains("cannot write to its own source"), "{run:?}");
}

#[test]
fn lineage_follows_chains_and_patterns() {
    let daily = HOURLY.replace("hourly", "daily").replace("\"1h\"", "\"24h\"");
    let host = host(MemoryStorage::new, HOURLY);
    let hourly = host.database("hourly", true).unwrap();
    hourly.replace(&FileName::new("manifest.toml").unwrap(), daily.as_bytes()).unwrap();
    let engine = open(&host);
    let lineage = engine.lineage("source", "a", 1).unwrap();
    assert!(lineage.is_truncated);
    let metrics = |lineage: &Lineage| -> Vec<(usize, String)> {
        lineage.steps.iter().map(|s| (s.hop, format!("{}/{}", s.database, s.metric))).collect()
    };
    let first = [(1, "hourly/a.count".to_string()), (1, "hourly/a.sum".to_string())];
    assert_eq!(metrics(&lineage), first);
    let lineage = engine.lineage("source", "a", 5).unwrap();
    assert!(!lineage.is_truncated);
    assert_eq!(lineage.steps.len(), 2 + 4);
    assert_eq!(engine.lineage("source", "not.b", 5).unwrap(), Lineage::default());
    assert!(engine.lineage("nowhere", "a", 5).is_err());
}

#[test]
fn checkpoints_are_compacted_and_a_torn_line_costs_itself() {
    let host = host(MemoryStorage::new, HOURLY);
    let source = host.directory("source").unwrap();
    let name = FileName::new("rollup.checkpoints.log").unwrap();
    let mut old = "all::x,5\n".repeat(12_000);
    old.push_str("all::a,17"); // torn
    source.replace(&name, old.as_bytes()).unwrap();
    let engine = open(&host);
    live(&host, &engine, 130);
    let text = String::from_utf8(source.read(&name).unwrap().unwrap()).unwrap();
    let found = crate::rollup::checkpoint::parse(text.as_bytes());
    let expected = [("all::a", START + 2 * HOUR), ("all::x", 5)];
    assert_eq!(found, expected.map(|(id, time)| (id.to_string(), time)).into());
    assert!(text.len() < 200, "{text}");
}

/// A crash at every step of rollups and backfills: what is checkpointed is in the destination,
/// and nothing is there twice.
#[test]
fn d12_a_crash_at_any_step_loses_and_doubles_nothing() {
    let plan = |host: &LocalHost<SimStorage>| -> crate::error::Result<()> {
        let engine = Engine::open(host.clone(), EngineOptions::default())?;
        let source = engine.database("source")?;
        for minute in 0..8 * 6 {
            source.add("a", Timestamp(START + minute * 10 * 60 * SECOND), 2)?;
            source.add("b", Timestamp(START + minute * 10 * 60 * SECOND), 2)?;
            if minute % 15 == 14 {
                host.clock.set(Timestamp(START + DAY));
                source.sync()?;
                engine.run_rollups("source")?;
            }
        }
        source.sync()?;
        engine.backfill_rollups(&[])?;
        engine.close().map_err(|mut errors| errors.remove(0))
    };
    let disks = || {
        let files =
            BTreeMap::from([(FileName::new("manifest.toml").unwrap(), HOURLY.as_bytes().to_vec())]);
        [SimStorage::holding(files), SimStorage::new()]
    };
    let on = |[source, hourly]: &[SimStorage; 2]| {
        let host = LocalHost::new(SimStorage::new);
        host.clock.set(Timestamp(START));
        host.set_database("source", source.clone());
        host.set_database("hourly", hourly.clone());
        host
    };
    let mut crashes = 0;
    for crashing in 0..2 {
        for step in 1.. {
            let mut disks = disks();
            let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
            disks[crashing] = disks[crashing].clone().with_options(options);
            let ended = plan(&on(&disks));
            if ended.is_ok() {
                break;
            }
            crashes += 1;
            for seed in 0..4 {
                // The process is gone, and the power with it, for both.
                let left = [disks[0].after_crash(seed), disks[1].after_crash(seed + 1)];
                let host = on(&left);
                host.clock.set(Timestamp(START + DAY));
                let engine = open(&host);
                let checkpoints = left[0]
                    .read(&FileName::new("rollup.checkpoints.log").unwrap())
                    .unwrap()
                    .unwrap_or_default();
                let done = crate::rollup::checkpoint::parse(&checkpoints);
                for metric in ["a", "b"] {
                    let done = done.get(&format!("all::{metric}")).copied().unwrap_or(START);
                    let hours = (done - START) / HOUR;
                    let found = samples(&engine, "hourly", &format!("{metric}.sum"));
                    let whole = found.iter().take_while(|(time, _)| *time < done).count();
                    assert_eq!(
                        i64::try_from(whole).unwrap(),
                        hours,
                        "step {step} of {crashing}, seed {seed}"
                    );
                }
                engine.run_rollups("source").unwrap();
                for (metric, value) in [("a.sum", 12.0), ("a.count", 6.0), ("b.sum", 12.0)] {
                    let found = samples(&engine, "hourly", metric);
                    let times: Vec<i64> =
                        (0..).map(|n| START + n * HOUR).take(found.len()).collect();
                    let expected: Vec<(i64, f32)> =
                        times.into_iter().map(|time| (time, value)).collect();
                    assert_eq!(found, expected, "step {step} of {crashing}, seed {seed}");
                }
            }
        }
    }
    assert!(crashes > 40, "{crashes}");
}

/// A fault at every step of rollups and backfills through two hops, in each of the three
/// databases: reports or refusals, never a wrong value, and the next run completes it all.
#[test]
fn d12_a_failing_write_at_any_step_is_reported_and_made_up_for() {
    const NAMES: [&str; 3] = ["source", "hourly", "daily"];
    let daily = HOURLY.replace("\"hourly\"", "\"daily\"").replace("\"1h\"", "\"3h\"");
    let disks = || {
        let holding = |manifest: &str| {
            let name = FileName::new("manifest.toml").unwrap();
            SimStorage::holding(BTreeMap::from([(name, manifest.as_bytes().to_vec())]))
        };
        [holding(HOURLY), holding(&daily), SimStorage::new()]
    };
    let on = |disks: &[SimStorage; 3]| {
        let host = LocalHost::new(SimStorage::new);
        host.clock.set(Timestamp(START + DAY));
        NAMES.iter().zip(disks).for_each(|(name, disk)| host.set_database(name, disk.clone()));
        host
    };
    let run = |host: &LocalHost<SimStorage>,
               added: &mut i64,
               synced: &mut i64|
     -> crate::error::Result<usize> {
        let engine = Engine::open(host.clone(), EngineOptions::default())?;
        let source = engine.database("source")?;
        let mut problems = 0;
        while *added < 8 * 6 {
            source.add("a", Timestamp(START + *added * 600 * SECOND), 2)?;
            *added += 1;
            if *added % 15 == 0 {
                source.sync()?;
                *synced = *added;
                problems += engine.run_rollups("source")?.problems.len();
                problems += engine.run_rollups("hourly")?.problems.len();
            }
        }
        source.sync()?;
        *synced = *added;
        problems += engine.backfill_rollups(&[])?.problems.len();
        // Answers go on, in every database.
        for name in NAMES {
            let Ok(database) = engine.database(name) else { continue };
            for metric in database.metrics() {
                database.range_query(&metric.name, RangeQuery::all(TimeRange::ALL))?;
            }
        }
        engine.close().map_err(|mut errors| errors.remove(0))?;
        Ok(problems)
    };
    let complete = |host: &LocalHost<SimStorage>, at: &str| {
        let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
        let source = engine.database("source").unwrap();
        let count = source.range_query("a", RangeQuery::all(TimeRange::ALL)).unwrap().len();
        let mut added = i64::try_from(count).unwrap();
        drop((source, engine));
        assert_eq!(run(host, &mut added, &mut 0).unwrap(), 0, "{at}");
        let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
        let hours: Vec<(i64, f32)> = (0..8).map(|n| (START + n * HOUR, 12.0)).collect();
        assert_eq!(samples(&engine, "hourly", "a.sum"), hours, "{at}");
        let sums = [36.0, 36.0, 24.0];
        let three: Vec<(i64, f32)> = (0..).map(|n| START + n * 3 * HOUR).zip(sums).collect();
        assert_eq!(samples(&engine, "daily", "a.sum.sum"), three, "{at}");
        for name in NAMES {
            let report = engine.database(name).unwrap().verify(|_| ()).unwrap();
            assert!(report.is_whole(), "{at}, {name}: {report:?}");
        }
        count
    };
    let mut outcomes = [0; 2];
    for (failing, kind) in
        (0..3).flat_map(|n| [(n, StorageErrorKind::NoSpace), (n, StorageErrorKind::Io)])
    {
        for step in 1.. {
            let at = format!("{kind:?} at step {step} of {}", NAMES[failing]);
            let mut disks = disks();
            let options = SimOptions { fail_at: Some((step, kind)), ..SimOptions::default() };
            disks[failing] = disks[failing].clone().with_options(options);
            let host = on(&disks);
            let (mut added, mut synced) = (0, 0);
            match run(&host, &mut added, &mut synced) {
                Ok(_) if disks[failing].steps() < step => break,
                Ok(0) => {}
                Ok(_) => outcomes[0] += 1,
                Err(_) => outcomes[1] += 1,
            }
            let left = disks.map(|disk| disk.with_options(SimOptions::default()).after_kill(0));
            let found = complete(&on(&left), &at);
            assert!(i64::try_from(found).unwrap() >= synced, "{at}: {found} of {synced}");
        }
    }
    assert!(outcomes.iter().all(|count| *count > 10), "{outcomes:?}");
}
