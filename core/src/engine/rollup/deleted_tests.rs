//! What is deleted is gone from rollups, too.

use crate::engine::testing::LocalHost;
use crate::engine::*;
use crate::error::Result;
use crate::query::RangeQuery;
use crate::storage::{FileName, MemoryStorage, SimOptions, SimStorage, Storage};
use crate::types::{TimeRange, Timestamp};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

const START: i64 = 1_767_225_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const HOURLY: &str = r#"
[rollups]
enabled = true
silence = "2h"
default_grace = "1m"
default_interval = "1h"
default_destination_db = "hourly"
default_aggregates = ["sum", "count"]
[[rollups.jobs]]
id = "all"
source_pattern = "*"
"#;

fn daily() -> String {
    HOURLY.replace("\"hourly\"", "\"daily\"").replace("\"1h\"", "\"24h\"")
}

fn manifest(text: &str) -> BTreeMap<FileName, Vec<u8>> {
    BTreeMap::from([(FileName::new("manifest.toml").unwrap(), text.as_bytes().to_vec())])
}

/// A host whose `source` is rolled up into `hourly`, and that into `daily`.
fn host() -> LocalHost<MemoryStorage> {
    let host = LocalHost::new(MemoryStorage::new);
    host.clock.set(Timestamp(START));
    for (name, text) in [("source", HOURLY.into()), ("hourly", daily())] {
        let storage = host.database(name, true).unwrap();
        for (file, bytes) in manifest(&text) {
            storage.replace(&file, &bytes).unwrap();
        }
    }
    host
}

fn open<S: Storage + Clone>(host: &LocalHost<S>) -> Engine<LocalHost<S>> {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    engine.database("source").unwrap();
    engine
}

/// A sample every ten minutes of these hours, of value 1.
fn add<S: Storage + Clone>(
    engine: &Engine<LocalHost<S>>,
    metric: &str,
    hours: core::ops::Range<i64>,
) {
    for step in hours.start * 6..hours.end * 6 {
        engine.add("source", metric, Timestamp(START + step * 10 * MINUTE), 1).unwrap();
    }
}

fn hours(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Timestamp(START + from * HOUR), to: Timestamp(START + to * HOUR - 1) }
}

fn delete<S: Storage + Clone>(engine: &Engine<LocalHost<S>>, metric: &str, range: TimeRange) {
    let report = engine.database("source").unwrap().delete(metric, range).unwrap();
    assert_eq!(report.refused, []);
    assert!(report.samples() > 0);
}

/// The periods of a metric as `(number, value)`.
fn periods<S: Storage + Clone>(
    engine: &Engine<LocalHost<S>>,
    (database, length): (&str, i64),
    metric: &str,
) -> Vec<(i64, f32)> {
    let Ok(database) = engine.database(database) else { return vec![] };
    let series = database.range_query(metric, RangeQuery::all(TimeRange::ALL)).unwrap();
    let times = series.times.iter().map(|time| (time - START) / length);
    times.zip(&series.raws).map(|(time, &raw)| (time, f32::from_bits(raw))).collect()
}

fn hourly<S: Storage + Clone>(engine: &Engine<LocalHost<S>>, metric: &str) -> Vec<(i64, f32)> {
    periods(engine, ("hourly", HOUR), metric)
}

fn of(numbers: impl IntoIterator<Item = i64>, value: f32) -> Vec<(i64, f32)> {
    numbers.into_iter().map(|number| (number, value)).collect()
}

fn tick<S: Storage + Clone>(engine: &Engine<LocalHost<S>>) {
    let tick = engine.tick().unwrap();
    assert!(tick.rollups.iter().all(|run| run.problems.is_empty()), "{tick:?}");
}

#[test]
fn periods_are_computed_anew_and_those_of_nothing_go() {
    let host = host();
    let engine = open(&host);
    add(&engine, "a", 0..10);
    add(&engine, "b", 0..10);
    host.clock.set(Timestamp(START + DAY));
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), of(0..10, 6.0));
    // From the middle of the third hour to the end of the fifth.
    let range = TimeRange { from: Timestamp(START + 2 * HOUR + 30 * MINUTE), ..hours(0, 5) };
    delete(&engine, "a", range);
    tick(&engine);
    let expected = [of(0..2, 6.0), of([2], 3.0), of(5..10, 6.0)].concat();
    assert_eq!(hourly(&engine, "a.sum"), expected);
    assert_eq!(hourly(&engine, "a.count"), expected);
    assert_eq!(hourly(&engine, "b.sum"), of(0..10, 6.0), "not asked for");
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), expected, "and stays so");
    let noted = FileName::new("rollup.deleted").unwrap();
    assert_eq!(host.directory("source").unwrap().read(&noted).unwrap(), None);
}

/// The newest samples are what no later run looks at.
#[test]
fn what_the_newest_samples_came_to_goes_and_comes_again() {
    let host = host();
    let engine = open(&host);
    add(&engine, "a", 0..10);
    host.clock.set(Timestamp(START + DAY));
    tick(&engine);
    delete(&engine, "a", hours(4, 10));
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), of(0..4, 6.0));
    // Also where no run comes before they are past where the checkpoint was.
    add(&engine, "a", 5..14);
    host.clock.set(Timestamp(START + 2 * DAY));
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), of((0..4).chain(5..14), 6.0));
}

#[test]
fn a_metric_that_is_deleted_whole_leaves_no_rollups_in_the_chain() {
    let host = host();
    let engine = open(&host);
    add(&engine, "a", 0..60);
    add(&engine, "b", 0..60);
    host.clock.set(Timestamp(START + 4 * DAY));
    tick(&engine);
    let daily = |metric: &str| periods(&engine, ("daily", DAY), metric);
    assert_eq!(daily("a.sum.sum"), [(0, 144.0), (1, 144.0), (2, 72.0)]);
    delete(&engine, "a", hours(30, 60));
    tick(&engine);
    assert_eq!(daily("a.sum.sum"), [(0, 144.0), (1, 36.0)]);
    delete(&engine, "a", TimeRange::ALL);
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), []);
    assert_eq!(daily("a.sum.sum"), []);
    assert_eq!(daily("b.sum.sum"), [(0, 144.0), (1, 144.0), (2, 72.0)]);
    // It comes back as another one.
    for step in 0..12 {
        let time = Timestamp(START + step * 10 * MINUTE);
        engine.add("source", "a", time, 0.5_f32).unwrap();
    }
    host.clock.advance(DAY);
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), of(0..2, 3.0));
    assert_eq!(daily("a.sum.sum"), [(0, 6.0)]);
}

#[test]
fn a_database_of_which_nothing_is_left_leaves_no_rollups() {
    let host = host();
    let engine = open(&host);
    add(&engine, "a", 0..30);
    host.clock.set(Timestamp(START + 4 * DAY));
    tick(&engine);
    delete(&engine, "a", TimeRange::ALL);
    drop(engine);
    // Another process goes on, and somebody asks.
    let engine = open(&host);
    let report = engine.backfill_rollups(&[]).unwrap();
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(hourly(&engine, "a.sum"), []);
    assert_eq!(periods(&engine, ("daily", DAY), "a.sum.sum"), []);
}

#[test]
fn who_deletes_and_closes_may_ask_for_it() {
    let host = host();
    let engine = open(&host);
    engine.set_auto_rollups(false);
    add(&engine, "a", 0..60);
    host.clock.set(Timestamp(START + 4 * DAY));
    engine.run_rollups("source").unwrap();
    engine.run_rollups("hourly").unwrap();
    add(&engine, "b", 0..3);
    delete(&engine, "a", hours(20, 60));
    let runs = engine.renew_deleted_rollups("source").unwrap();
    assert!(runs.iter().all(|run| run.problems.is_empty()), "{runs:?}");
    let sources: Vec<&str> = runs.iter().map(|run| run.source.as_str()).collect();
    assert_eq!(sources, ["source", "hourly"]);
    assert_eq!(hourly(&engine, "a.sum"), of(0..20, 6.0));
    assert_eq!(periods(&engine, ("daily", DAY), "a.sum.sum"), [(0, 120.0)]);
    assert_eq!(hourly(&engine, "b.sum"), [], "nothing else is rolled up by it");
    assert_eq!(engine.renew_deleted_rollups("source").unwrap(), []);
}

/// Several stretches of one metric, which touch and do not, before anybody looks.
#[test]
fn deletes_add_up_until_rollups_run() {
    let host = host();
    let engine = open(&host);
    add(&engine, "a", 0..20);
    add(&engine, "b", 0..20);
    host.clock.set(Timestamp(START + DAY + 5 * HOUR));
    tick(&engine);
    for (from, to) in [(2, 4), (3, 5), (9, 10), (15, 20)] {
        if from != 3 {
            delete(&engine, "a", hours(from, to));
        }
        if to > from + 1 {
            delete(&engine, "b", hours(from + 1, to));
        }
    }
    tick(&engine);
    assert_eq!(hourly(&engine, "a.sum"), of([0, 1].into_iter().chain(4..9).chain(10..15), 6.0));
    let b = (0..20).filter(|hour| ![3, 4, 16, 17, 18, 19].contains(hour));
    assert_eq!(hourly(&engine, "b.sum"), of(b, 6.0));
}

/// What retention has taken is in rollups alone.
#[test]
fn rollups_of_what_expired_stay() {
    let host = host();
    let source = host.directory("source").unwrap();
    let expiring =
        format!("[retention]\nretention_days = 2\nretention_action = \"delete\"\n{HOURLY}");
    source.replace(&FileName::new("manifest.toml").unwrap(), expiring.as_bytes()).unwrap();
    let engine = open(&host);
    for hour in 0..6 * 24 {
        add(&engine, "a", hour..hour + 1);
        host.clock.set(Timestamp(START + (hour + 1) * HOUR));
        tick(&engine);
    }
    let before = hourly(&engine, "a.sum");
    let first =
        engine.database("source").unwrap().range_query("a", RangeQuery::all(TimeRange::ALL));
    let first = (first.unwrap().times[0] - START) / HOUR;
    assert!(first >= 2 * 24, "{first}");
    delete(&engine, "a", hours(0, first + 5));
    tick(&engine);
    let left: Vec<_> =
        before.into_iter().filter(|(hour, _)| *hour < first || *hour >= first + 5).collect();
    assert_eq!(hourly(&engine, "a.sum"), left);
}

/// Runs that end at any step of a delete, and of what rollups make of it, in either database.
#[test]
fn a_crash_at_any_step_leaves_no_rollup_of_what_is_gone() {
    let on = |[source, hourly]: &[SimStorage; 2]| {
        let host = LocalHost::new(SimStorage::new);
        host.clock.set(Timestamp(START + DAY));
        host.set_database("source", source.clone());
        host.set_database("hourly", hourly.clone());
        host
    };
    let begin = || {
        let disks = [SimStorage::holding(manifest(HOURLY)), SimStorage::new()];
        let engine = open(&on(&disks));
        add(&engine, "a", 0..8);
        add(&engine, "b", 0..8);
        tick(&engine);
        assert_eq!(hourly(&engine, "a.sum"), of(0..8, 6.0));
        engine.close().unwrap();
        disks.map(|disk| disk.after_kill(0))
    };
    let act = |host: &LocalHost<SimStorage>| -> Result<()> {
        let engine = Engine::open(host.clone(), EngineOptions::default())?;
        let source = engine.database("source")?;
        source.delete("a", hours(3, 6))?;
        engine.tick()?;
        source.delete("b", TimeRange::ALL)?;
        engine.tick()?;
        engine.close().map_err(|mut errors| errors.remove(0))
    };
    let mut crashes = 0;
    for crashing in 0..2 {
        for step in 1.. {
            let mut disks = begin();
            let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
            disks[crashing] = disks[crashing].clone().with_options(options);
            if act(&on(&disks)).is_ok() {
                break;
            }
            crashes += 1;
            for seed in 0..3 {
                let at = format!("step {step} of {crashing}, seed {seed}");
                let left = [disks[0].after_crash(seed), disks[1].after_crash(seed + 1)];
                let engine = open(&on(&left));
                tick(&engine);
                for metric in ["a", "b"] {
                    let source = engine.database("source").unwrap();
                    let found = source.range_query(metric, RangeQuery::all(TimeRange::ALL));
                    let mut sums = BTreeMap::new();
                    for time in found.unwrap().times {
                        *sums.entry((time - START) / HOUR).or_insert(0.0) += 1.0;
                    }
                    let sums: Vec<(i64, f32)> = sums.into_iter().collect();
                    assert_eq!(hourly(&engine, &format!("{metric}.sum")), sums, "{at}: {metric}");
                }
            }
        }
    }
    assert!(crashes > 30, "{crashes}");
}
