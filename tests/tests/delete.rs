//! Deleting, against the naive model: on files of every kind, with a kill, a power cut and a full
//! disk at every step, and the files read by the second decoder.
//!
//! `NANOTDB_DELETE_SEEDS` sets how many stores are tried.

use nanotdb_core::compress::CodecId;
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{BuildOptions, Database, DeleteReport, Engine, EngineOptions};
use nanotdb_core::metric_file::Version;
use nanotdb_core::query::RangeQuery;
use nanotdb_core::settings::{Durability, EngineSettings, FsyncPolicy, RawAction, WrittenDuration};
use nanotdb_core::storage::{FileName, SimOptions, SimStorage, Storage, StorageErrorKind};
use nanotdb_core::{Error, TimeRange, Timestamp, Value};
use nanotdb_tests::crash::End;
use nanotdb_tests::independent::{Directory, Kind, Number};
use nanotdb_tests::model::{Model, Point};
use nanotdb_tests::operations::{DAY, HOUR, SECOND, START};
use nanotdb_tests::random::Random;
use std::collections::BTreeMap;
use std::sync::Arc;

const METRICS: u64 = 5;
const DAYS: i64 = 3;

type Sim = LocalHost<SimStorage>;
type Content = BTreeMap<String, Vec<(i64, u32)>>;

fn seeds(default: u64) -> u64 {
    let seeds = std::env::var("NANOTDB_DELETE_SEEDS").ok();
    seeds.map_or(default, |seeds| seeds.parse().expect("NANOTDB_DELETE_SEEDS is a number"))
}

/// A store with everything that a partition can consist of, what it holds, and what is to go.
struct Case {
    host: Sim,
    disk: SimStorage,
    engine: Engine<Sim>,
    database: Arc<Database<Sim>>,
    model: Model,
    /// Samples so far.
    counter: i32,
    metrics: Vec<String>,
    range: TimeRange,
}

fn settings(random: &mut Random) -> EngineSettings {
    let mut settings = EngineSettings::fresh();
    // Builds come where the case has them, and not between two equal samples.
    settings.metrics.enabled = false;
    settings.durability = Durability::Strict;
    settings.wal.fsync_policy = FsyncPolicy::Always;
    settings.manifest_defaults.page_max_records = *random.pick(&[3, 20, 200]);
    settings.manifest_defaults.wal_skip_before = WrittenDuration::new("0s").unwrap();
    settings
}

fn host_on(disk: &SimStorage, settings: &EngineSettings) -> Sim {
    let name = FileName::new("engine.toml").unwrap();
    let files = BTreeMap::from([(name, settings.to_toml().into_bytes())]);
    let root = SimStorage::holding(files);
    let host = LocalHost::new(move || root.clone());
    host.set_database("db", disk.clone());
    host.clock.set(Timestamp(START + DAYS * DAY));
    host
}

fn open(host: &Sim) -> (Engine<Sim>, Arc<Database<Sim>>) {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.create_database("db").unwrap();
    assert_eq!(database.open_report().problems, Vec::<String>::new());
    (engine, database)
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x6465_6c65_7465);
        let settings = settings(&mut random);
        let disk = SimStorage::new();
        let host = host_on(&disk, &settings);
        let (engine, database) = open(&host);
        let (mut model, mut counter) = (Model::default(), 0);
        for _ in 0..=random.below(4) {
            fill(&database, &mut model, &mut random, &mut counter);
            for _ in 0..random.below(4) {
                build_one(&database, &mut random);
            }
        }
        let count = if random.one_in(3) { 2 } else { 1 };
        let first = random.below(METRICS);
        let metrics = (0..count).map(|n| format!("m{}", (first + n) % METRICS));
        let known = |metric: &String| model.newest(metric).is_some();
        let metrics = metrics.filter(known).collect();
        let range = range(&mut random);
        Self { host, disk, engine, database, model, counter, metrics, range }
    }

    fn delete(&self) -> Result<DeleteReport, Error> {
        delete(&self.database, &self.metrics, self.range)
    }

    fn before(&self) -> Content {
        content_of(&self.model)
    }

    fn after(&self) -> Content {
        let mut after = self.before();
        for metric in &self.metrics {
            let points = after.get_mut(metric).unwrap();
            points.retain(|(time, _)| !self.range.contains(Timestamp(*time)));
        }
        after
    }
}

fn delete(
    database: &Database<Sim>,
    metrics: &[String],
    range: TimeRange,
) -> Result<DeleteReport, Error> {
    let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
    database.delete_many(&names, range)
}

/// Samples of some days, each metric in order, equal ones among them; but none that equals one from
/// before the last build: a page of such samples is taken for those in the metric file.
fn fill(database: &Database<Sim>, model: &mut Model, random: &mut Random, counter: &mut i32) {
    let mut last = None;
    for _ in 0..random.below(120) {
        let number = random.below(METRICS);
        let metric = format!("m{number}");
        // A metric of which nothing is left begins anew.
        let newest = model.newest(&metric).filter(|newest| *newest > i64::MIN).unwrap_or(START);
        let step = *random.pick(&[0, 0, SECOND, HOUR, 5 * HOUR]);
        let time = (newest + step).min(START + DAYS * DAY - 1);
        *counter += 1;
        let mut value = *counter;
        if random.one_in(5) {
            value = last.unwrap_or(value);
        }
        last = Some(value);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let value = if number.is_multiple_of(2) {
            Value::I32(value)
        } else {
            Value::F32(value as f32 / 4.0)
        };
        model.ingest(&metric, time, value).unwrap();
        database.add(&metric, Timestamp(time), value).unwrap();
        if random.one_in(40) {
            database.flush().unwrap();
        }
    }
}

fn build_one(database: &Database<Sim>, random: &mut Random) {
    let partitions = database.partitions();
    if partitions.is_empty() {
        return;
    }
    let mut options = BuildOptions::default();
    options.version = *random.pick(&Version::ALL);
    options.codec = *random.pick(&[CodecId::S2, CodecId::ZstdFastest]);
    options.raw_action = *random.pick(&[RawAction::Keep, RawAction::Delete, RawAction::Rename]);
    database.build_metric_file(random.pick::<String>(&partitions), options).unwrap();
}

fn range(random: &mut Random) -> TimeRange {
    let days = u64::try_from(DAYS).unwrap();
    let day = START + i64::try_from(random.below(days)).unwrap() * DAY;
    let within = |random: &mut Random| {
        START + i64::try_from(random.below(days * 24 * 60)).unwrap() * 60 * SECOND
    };
    let (from, to) = match random.below(6) {
        0 | 1 => (i64::MIN, i64::MAX),
        2 => (day, day + DAY - 1),
        3 => (i64::MIN, within(random)),
        _ => {
            let (a, b) = (within(random), within(random));
            (a.min(b), a.max(b))
        }
    };
    TimeRange { from: Timestamp(from), to: Timestamp(to) }
}

fn bits(points: Vec<Point>) -> Vec<(i64, u32)> {
    points.into_iter().map(|(time, value)| (time, value.to_raw())).collect()
}

fn content_of(model: &Model) -> Content {
    let all = |metric: &str| bits(model.range(metric, i64::MIN, i64::MAX, 1));
    model.metrics().map(|(metric, _)| (metric.to_owned(), all(metric))).collect()
}

/// What queries, the newest samples and a scan find.
fn read(database: &Database<Sim>) -> Content {
    let mut content = Content::new();
    for number in 0..METRICS {
        let metric = format!("m{number}");
        let series = database.range_query(&metric, RangeQuery::all(TimeRange::ALL)).unwrap();
        let points: Vec<_> = series.times.into_iter().zip(series.raws).collect();
        let last = database.last(&metric).unwrap();
        let last = last.map(|sample| (sample.time.0, sample.value.to_raw()));
        assert_eq!(last.as_ref(), points.last(), "{metric}");
        if !points.is_empty() {
            content.insert(metric, points);
        }
    }
    let mut scanned = 0;
    let count = |ids: &[u16], _: &[i64], _: &[u32]| {
        scanned += ids.len();
        Ok(())
    };
    database.scan(TimeRange::ALL, count).unwrap();
    assert_eq!(scanned, content.values().map(Vec::len).sum::<usize>(), "queries and scan");
    content
}

fn without_empty(mut content: Content) -> Content {
    content.retain(|_, points| !points.is_empty());
    content
}

fn assert_same(found: &Content, expected: &Content, at: &str) {
    for (metric, points) in expected {
        let found = found.get(metric).map(Vec::as_slice).unwrap_or_default();
        let same = found.iter().zip(points).take_while(|(a, b)| a == b).count();
        assert_eq!(&found[same..], &points[same..], "{at}: {metric} from {same} on");
    }
    assert_eq!(found.len(), expected.len(), "{at}");
}

/// What was found holds everything of `after`, and beyond that only samples of `before`.
fn judge(case: &Case, found: &Content, at: &str) {
    let (before, after) = (case.before(), case.after());
    for (metric, before) in &before {
        let found = found.get(metric).map(Vec::as_slice).unwrap_or_default();
        if !case.metrics.contains(metric) {
            assert_eq!(found, before, "{at}: {metric} was not to be touched");
            continue;
        }
        let stays = |points: &[(i64, u32)]| -> Vec<(i64, u32)> {
            let stays = |(time, _): &&(i64, u32)| !case.range.contains(Timestamp(*time));
            points.iter().filter(stays).copied().collect()
        };
        assert_eq!(stays(found), after[metric], "{at}: {metric} outside the range");
        let mut left = before.iter();
        for point in found {
            assert!(left.any(|known| known == point), "{at}: {metric} {point:?} in {found:?}");
        }
    }
}

/// The second decoder finds the same in the files of a store that was closed.
fn judge_files(disk: &SimStorage, expected: &Content, at: &str) {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("db");
    std::fs::create_dir(&directory).unwrap();
    for (name, bytes) in disk.files() {
        std::fs::write(directory.join(name.as_str()), bytes).unwrap();
    }
    let decoded = Directory::read(root.path()).unwrap();
    let problems = decoded.problems();
    let problems: Vec<_> = problems.iter().filter(|p| p.kind != Kind::Stale).collect();
    assert!(problems.is_empty(), "{at}: {problems:?}");
    let others = &decoded.databases["db"].others;
    let is_left_over = |name: &&String| name.contains(".dat") && !name.contains(".dat.torn");
    assert_eq!(others.iter().find(is_left_over), None, "{at}");
    let mut found = Content::new();
    for (metric, points) in decoded.databases["db"].streams().unwrap() {
        let points = points.into_iter().map(|(time, number)| match number {
            Number::Int(value) => (time, value.cast_unsigned()),
            Number::Float(bits) => (time, bits),
        });
        found.insert(metric, points.collect());
    }
    // Late samples beside a metric file are for our readers alone.
    if decoded.problems().is_empty() {
        assert_eq!(&without_empty(found), expected, "{at}");
    }
}

#[test]
fn what_is_deleted_is_gone_and_everything_else_is_there() {
    let mut deleted = 0;
    for seed in 0..seeds(300) {
        let mut case = Case::new(seed);
        let at = format!("seed {seed}");
        assert_same(&read(&case.database), &without_empty(case.before()), &at);
        let names: Vec<&str> = case.metrics.iter().map(String::as_str).collect();
        let planned = case.database.would_delete(&names, case.range).unwrap();
        let report = case.delete().unwrap();
        assert_eq!(report.refused, [], "{at}");
        assert_eq!(report, planned, "{at}: what it would do is what it does");
        let after = without_empty(case.after());
        let total = |content: &Content| content.values().map(Vec::len).sum::<usize>();
        assert_eq!(report.samples(), (total(&case.before()) - total(&after)) as u64, "{at}");
        assert_same(&read(&case.database), &after, &at);
        deleted += report.samples();

        assert_eq!(case.delete().unwrap().samples(), 0, "{at}: once more");
        (case.engine, case.database) = open(&case.host);
        assert_same(&read(&case.database), &after, &format!("{at}, opened again"));
        case.engine.close().unwrap();
        judge_files(&case.disk, &after, &at);
        (case.engine, case.database) = open(&case.host);
        assert_same(&read(&case.database), &after, &format!("{at}, closed and opened"));
        assert!(case.database.verify(|_| ()).unwrap().is_whole(), "{at}");
    }
    assert!(deleted > seeds(300) * 10, "{deleted}");
}

/// Until there is a build everything is as before, and so it is after one.
#[test]
fn builds_after_a_delete_bring_nothing_back() {
    for seed in 0..seeds(300) {
        let mut random = Random::new(seed);
        let case = Case::new(seed);
        case.delete().unwrap();
        let after = without_empty(case.after());
        for _ in 0..3 {
            build_one(&case.database, &mut random);
            assert_same(&read(&case.database), &after, &format!("seed {seed}"));
        }
        let (mut model, mut counter) = (case.model, case.counter);
        let (from, to) = (case.range.from.0, case.range.to.0);
        for metric in &case.metrics {
            model.delete(metric, from, to);
        }
        fill(&case.database, &mut model, &mut random, &mut counter);
        assert_same(
            &read(&case.database),
            &without_empty(content_of(&model)),
            &format!("seed {seed}"),
        );
        build_one(&case.database, &mut random);
        assert_same(
            &read(&case.database),
            &without_empty(content_of(&model)),
            &format!("seed {seed}"),
        );
    }
}

#[test]
fn a_write_after_a_delete_is_new() {
    for seed in 0..seeds(100) {
        let mut case = Case::new(seed);
        if seed % 2 == 0 {
            (case.engine, case.database) = open(&case.host);
        }
        case.delete().unwrap();
        let mut after = case.after();
        for (metric, points) in &mut after {
            if !case.metrics.contains(metric) {
                continue;
            }
            let newest = points.last().map(|(time, _)| *time);
            if let Some(newest) = newest {
                let older = case.database.add(metric, Timestamp(newest - 1), value_of(metric));
                assert!(matches!(older, Err(Error::Rejected(_))), "seed {seed}: {metric}");
            }
            let time = newest.unwrap_or(START - HOUR);
            case.database.add(metric, Timestamp(time), value_of(metric)).unwrap();
            points.push((time, value_of(metric).to_raw()));
        }
        assert_same(&read(&case.database), &without_empty(after), &format!("seed {seed}"));
    }
}

/// Its id stays its own: nothing of another metric shows under its name, and the reference, which
/// counts entries to find the next id, gives it to nobody.
#[test]
fn a_deleted_metric_may_come_back_with_another_type() {
    for seed in 0..seeds(60) {
        let mut case = Case::new(seed);
        case.range = TimeRange::ALL;
        let Some(metric) = case.metrics.first().cloned() else { continue };
        let listed = |database: &Database<Sim>| {
            let names = database.metrics().into_iter().map(|metric| metric.name);
            names.collect::<Vec<_>>()
        };
        case.delete().unwrap();
        assert!(!listed(&case.database).contains(&metric), "seed {seed}");
        assert_eq!(case.database.metric_info(&metric), None, "seed {seed}");
        if seed % 3 != 0 {
            (case.engine, case.database) = open(&case.host);
            assert!(!listed(&case.database).contains(&metric), "seed {seed}: opened again");
        }
        let other = match value_of(&metric) {
            Value::I32(_) => Value::F32(0.5),
            Value::F32(_) => Value::I32(-7),
        };
        if seed % 2 == 0 {
            case.database.metric(&metric, other.value_type()).unwrap();
        }
        case.database.add(&metric, Timestamp(START - DAY), other).unwrap();
        let wrong = case.database.add(&metric, Timestamp(START), value_of(&metric));
        assert!(matches!(wrong, Err(Error::Rejected(_))), "seed {seed}: {wrong:?}");
        let mut after = case.after();
        after.insert(metric.clone(), vec![(START - DAY, other.to_raw())]);
        let after = without_empty(after);
        for way in ["in memory", "after a kill", "closed"] {
            assert_same(&read(&case.database), &after, &format!("seed {seed}, {way}"));
            let found = case.database.metric_info(&metric).unwrap();
            assert_eq!(found.value_type, other.value_type(), "seed {seed}, {way}");
            if way == "after a kill" {
                case.engine.close().unwrap();
            }
            (case.engine, case.database) = open(&case.host);
        }
        case.engine.close().unwrap();
        judge_files(&case.disk, &after, &format!("seed {seed}"));
    }
}

fn value_of(metric: &str) -> Value {
    match metric {
        "m1" | "m3" => Value::F32(1e9),
        _ => Value::I32(1_000_000_000),
    }
}

/// Ends the process at every step of a delete, and deletes again.
fn end_everywhere(seed: u64, end: End) -> u64 {
    for step in 1.. {
        let case = Case::new(seed);
        let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
        drop(case.disk.clone().with_options(options));
        let done = case.delete();
        if case.disk.list().is_ok() {
            assert_eq!(done.unwrap().refused, []);
            return step - 1;
        }
        for fate in [0, 1, 2 + step] {
            let at = format!("seed {seed}, {end:?} at step {step}, fate {fate}");
            let disk = end.after(&case.disk, fate);
            let host = host_on(&disk, &settings(&mut Random::new(seed ^ 0x6465_6c65_7465)));
            let (engine, database) = open(&host);
            judge(&case, &read(&database), &at);
            assert!(database.verify(|_| ()).unwrap().is_whole(), "{at}");
            let report = delete(&database, &case.metrics, case.range).unwrap();
            assert_eq!(report.refused, [], "{at}");
            let after = without_empty(case.after());
            assert_eq!(read(&database), after, "{at}: deleted again");
            engine.close().unwrap();
            judge_files(&disk, &after, &at);
        }
    }
    0
}

#[test]
fn a_kill_at_any_step_costs_nothing_else() {
    let steps: u64 = (0..seeds(40)).map(|seed| end_everywhere(seed, End::Kill)).sum();
    assert!(steps > seeds(40) * 5, "{steps}");
}

#[test]
fn a_power_cut_at_any_step_costs_nothing_else() {
    let steps: u64 = (0..seeds(40)).map(|seed| end_everywhere(seed, End::PowerCut)).sum();
    assert!(steps > seeds(40) * 5, "{steps}");
}

/// One operation after the other fails for want of room. What the answer says is what is there.
#[test]
fn a_full_disk_at_any_step_costs_nothing_else() {
    let mut refused = 0;
    for seed in 0..seeds(40) {
        for step in 1.. {
            let mut case = Case::new(seed);
            let at = format!("seed {seed}, no space at step {step}");
            let before = case.disk.steps();
            let options = SimOptions {
                fail_at: Some((step, StorageErrorKind::NoSpace)),
                ..SimOptions::default()
            };
            drop(case.disk.clone().with_options(options));
            let done = case.delete();
            let steps = case.disk.steps();
            drop(case.disk.clone().with_options(SimOptions::default()));
            judge(&case, &read(&case.database), &at);
            if steps < step {
                assert!(before > 0);
                break;
            }
            if let Ok(report) = &done {
                for (partition, error) in &report.refused {
                    let says = error.to_string();
                    assert!(says.contains(partition) && says.contains("bytes"), "{at}: {says}");
                    refused += 1;
                }
            }
            // Sealing needs another opening only where a write was under way that is in doubt.
            if case.database.check_writable().is_err() {
                (case.engine, case.database) = open(&case.host);
                judge(&case, &read(&case.database), &at);
            }
            assert_eq!(case.delete().unwrap().refused, [], "{at}");
            assert_eq!(read(&case.database), without_empty(case.after()), "{at}");
            case.engine.close().unwrap();
            judge_files(&case.disk, &without_empty(case.after()), &at);
        }
    }
    assert!(refused > seeds(40), "{refused}");
}
