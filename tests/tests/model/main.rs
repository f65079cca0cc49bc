//! The engine against the naive model: seeded operations, and the same answers.
//!
//! Days pass, too: partitions are sealed, rolled up and expire; see [`life`]. Disks are full; see
//! [`disk`]. And clocks are turned; see [`clock`].
//!
//! `NANOTDB_MODEL_STEPS` sets how many operations are tried, `NANOTDB_MODEL_SEED` the first
//! seed; a failure names the seed of its store.

mod clock;
mod disk;
mod life;

use clock::Clocks;
use disk::Disk;
use life::Life;
use nanotdb_core::aggregate::{Aggregate, Arithmetic};
use nanotdb_core::compress::CodecId;
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{
    BuildOptions, ConvertOptions, Database, Engine, EngineOptions, ExportOptions, Importer,
    MetricHandle, Row, Target,
};
use nanotdb_core::error::Rejection;
use nanotdb_core::metric_file::Version;
use nanotdb_core::query::{AggregateQuery, RangeQuery, Series};
use nanotdb_core::settings::{Durability, EngineSettings, FsyncPolicy, RawAction, WrittenDuration};
use nanotdb_core::storage::{FileName, Storage};
use nanotdb_core::{Error, TimeRange, Timestamp, Value, ValueType};
use nanotdb_tests::model::{self, Model, Point};
use nanotdb_tests::operations::{DAY, HOUR, SECOND, START};
use nanotdb_tests::random::Random;
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{AddAssign, ControlFlow};
use std::sync::Arc;

/// Operations on one store.
const STEPS_PER_STORE: u64 = 400;

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// Of each seed there is one store in which days pass and one whose clock is turned; of odd seeds
/// samples are deleted.
#[test]
fn the_engine_answers_as_the_model_does() {
    let seeds = number("NANOTDB_MODEL_STEPS", 24_000).div_ceil(2 * STEPS_PER_STORE);
    let first = number("NANOTDB_MODEL_SEED", 0);
    let mut tally = Tally::default();
    for seed in first..first + seeds {
        let runs: [fn(u64) -> Tally; 2] =
            [|seed| run_store(seed, true, seed % 2 == 1), |seed| run_turned(seed, seed % 2 == 1)];
        for run in runs {
            match std::panic::catch_unwind(|| run(seed)) {
                Ok(of_this) => tally += of_this,
                Err(panic) => {
                    println!("NANOTDB_MODEL_SEED={seed}");
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    println!("{tally}");
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    stores: u64,
    steps: u64,
    acknowledged: u64,
    deletes: u64,
    clock_steps: u64,
    full_disks: u64,
    reopenings: u64,
    queries: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.stores += other.stores;
        self.steps += other.steps;
        self.acknowledged += other.acknowledged;
        self.deletes += other.deletes;
        self.clock_steps += other.clock_steps;
        self.full_disks += other.full_disks;
        self.reopenings += other.reopenings;
        self.queries += other.queries;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} steps on {} stores: {} samples acknowledged, {} deletes, {} clock steps, {} full \
             disks met, {} reopenings, {} queries compared",
            self.steps,
            self.stores,
            self.acknowledged,
            self.deletes,
            self.clock_steps,
            self.full_disks,
            self.reopenings,
            self.queries,
        )
    }
}

/// As many samples of one time came after a build with deleted pages as that build had read: the
/// metric file was taken for an older version of the data file, and left out.
#[test]
fn seed_57_equal_counts_and_bounds_are_not_equal_samples() {
    run_store(57, false, false);
}

/// Sums of negative and positive values, and percentiles between distant ones, were told apart
/// in single precision, which only the reference's own arithmetic has.
#[test]
fn seed_135_and_821_sums_near_zero_are_sums_of_large_values() {
    run_store(135, true, false);
    run_store(821, true, false);
}

/// The newest sample of a metric was remembered when retention had taken it.
#[test]
fn seed_13_a_newest_sample_that_expired_is_none() {
    run_store(13, true, false);
}

/// Late samples expired before they were rolled up, and made backfills delete what was rolled up
/// of the samples that had expired before them.
#[test]
fn seed_5_and_12_late_samples_cost_nothing_that_was_rolled_up() {
    run_store(5, true, false);
    run_store(12, true, false);
}

/// A period that begins before the first partition kept the value that it was written with early.
#[test]
fn seed_4_and_44_periods_that_begin_before_all_samples_are_replaced() {
    run_store(4, true, false);
    run_store(44, true, false);
}

/// Replay wrote pages from the first log before it had read the second, so that metrics went back in
/// time from page to page, and exports could not be imported.
#[test]
fn seed_1043_and_1044_exports_after_replay_are_in_order() {
    run_store(1043, true, true);
    run_store(1044, true, false);
}

/// So it was in a store whose clock was set back, which makes samples late.
#[test]
fn seed_97_an_export_after_replay_is_in_order_though_the_clock_was_turned() {
    run_turned(97, true);
}

/// Files held the first samples of the second log, and replay counted off those of the earliest times.
#[test]
fn seed_18_a_log_that_files_hold_in_part_counts_once() {
    run_store(18, true, false);
}

/// Works on one store, and says how much. Days pass between the steps, and samples are deleted; both
/// draw their own numbers, so that steps are the same without them.
fn run_store(seed: u64, days_pass: bool, deletes: bool) -> Tally {
    let life = days_pass.then(|| Life::new(seed, deletes));
    let mut pair = Pair::new(seed, life, None);
    pair.run(seed, deletes);
    if let Some(mut life) = pair.life.take() {
        life.run_rollups(&mut pair);
    }
    pair.compare_everything();
    pair.tally()
}

/// Works on one store whose clock is turned.
fn run_turned(seed: u64, deletes: bool) -> Tally {
    let mut pair = Pair::new(seed, None, Some(Clocks::new(seed)));
    pair.run(seed, deletes);
    pair.compare_everything();
    pair.tally()
}

type Local = LocalHost<Disk>;

/// A database and its model.
struct Pair {
    random: Random,
    /// Of layouts only, so that what seeds found before there were so many stays found.
    layouts: Random,
    host: Local,
    disk: Disk,
    engine: Engine<Local>,
    database: Arc<Database<Local>>,
    handles: Vec<MetricHandle>,
    model: Model,
    life: Option<Life>,
    clocks: Option<Clocks>,
    now: i64,
    counter: i32,
    /// Without what the model knows.
    tally: Tally,
    queries: Cell<u64>,
}

impl Pair {
    fn new(seed: u64, life: Option<Life>, mut clocks: Option<Clocks>) -> Self {
        let mut random = Random::new(seed);
        let mut settings = EngineSettings::fresh();
        let profiles = [Durability::Strict, Durability::Balanced, Durability::Throughput];
        settings.durability = *random.pick(&profiles);
        settings.wal.fsync_policy = *random.pick(&[FsyncPolicy::Segment, FsyncPolicy::Always]);
        settings.wal.max_segment_size = *random.pick(&[500, 20_000, 64 << 20]);
        let manifest = &mut settings.manifest_defaults;
        manifest.page_max_records = *random.pick(&[1, 7, 60, 500, 16_000]);
        manifest.wal_skip_before = WrittenDuration::new("0s").unwrap();
        let disk = Disk::default();
        let directories = disk.clone();
        let host = LocalHost::new(move || directories.directory());
        if let Some(life) = &life {
            life.set_up(&mut settings, &host);
        }
        if let Some(clocks) = &mut clocks {
            clocks.set_up(&mut settings, &host);
        }
        let name = FileName::new("engine.toml").unwrap();
        host.root_directory().replace(&name, settings.to_toml().as_bytes()).unwrap();
        let (engine, database) = open(&host);
        let (handles, model, now) = (vec![], Model::default(), START);
        let layouts = Random::new(seed ^ 0x7633);
        let (counter, tally, queries) = (0, Tally { stores: 1, ..Tally::default() }, Cell::new(0));
        Self {
            random,
            layouts,
            host,
            disk,
            engine,
            database,
            handles,
            model,
            life,
            clocks,
            now,
            counter,
            tally,
            queries,
        }
    }

    fn run(&mut self, seed: u64, deletes: bool) {
        let mut random = Random::new(seed ^ 0x6465_6c65_7465);
        for _ in 0..STEPS_PER_STORE {
            self.step();
            self.tally.steps += 1;
            if deletes && random.one_in(12) {
                self.delete(&mut random);
            }
            if let Some(mut life) = self.life.take() {
                life.step(self);
                self.life = Some(life);
            }
            if let Some(mut clocks) = self.clocks.take() {
                clocks.step(self);
                self.clocks = Some(clocks);
            }
        }
    }

    /// How much was done so far.
    fn tally(&self) -> Tally {
        let (acknowledged, queries) = (self.model.taken(), self.queries.get());
        Tally { acknowledged, queries, ..self.tally }
    }

    fn step(&mut self) {
        self.now += match self.random.below(30) {
            0 => 9 * HOUR,
            1..=4 => 0,
            _ => i64::try_from(self.random.below(20)).unwrap() * SECOND / 2,
        };
        self.host.clock.set(Timestamp(self.now));
        match self.random.below(40) {
            0..=11 => self.add(),
            12..=17 => self.add_batch(),
            18 => self.database.flush().unwrap(),
            19 => self.tick(),
            20..=21 => self.build(),
            22..=28 => self.range(),
            29..=30 => self.range_many(),
            31..=34 => self.aggregate(),
            36 if self.random.one_in(4) => self.copy_by_text(),
            37 => self.keep_handle(),
            38 if self.random.one_in(3) => {
                self.close();
                self.reopen();
            }
            39 if self.random.one_in(3) => self.reopen(),
            _ => self.last(),
        }
    }

    fn tick(&mut self) {
        match self.life.take() {
            Some(mut life) => {
                life.tick(self);
                self.life = Some(life);
            }
            None => match self.clocks.take() {
                Some(mut clocks) => {
                    clocks.tick(self);
                    self.clocks = Some(clocks);
                }
                None => drop(self.engine.tick().unwrap()),
            },
        }
    }

    fn close(&mut self) {
        if let Some(mut clocks) = self.clocks.take() {
            clocks.before_close(self);
            self.clocks = Some(clocks);
        }
        self.engine.close().unwrap();
    }

    fn reopen(&mut self) {
        (self.engine, self.database) = open(&self.host);
        self.tally.reopenings += 1;
        if let Some(mut clocks) = self.clocks.take() {
            clocks.opened(self);
            self.clocks = Some(clocks);
        }
        assert_eq!(self.database.open_report().problems, Vec::<String>::new());
        self.handles.clear(); // they were of the other database
        if self.random.one_in(2) {
            self.compare_everything();
        }
    }

    /// A metric's number says its type: integers are even.
    fn metric(&mut self) -> (String, ValueType) {
        let number = self.random.below(9);
        let value_type = if number.is_multiple_of(2) { ValueType::I32 } else { ValueType::F32 };
        (format!("m{number}"), value_type)
    }

    fn keep_handle(&mut self) {
        let (metric, value_type) = self.metric();
        self.handles.push(self.database.metric(&metric, value_type).unwrap());
    }

    /// A sample: mostly later than the metric's newest, sometimes as late, sometimes too late,
    /// sometimes of the wrong type if the metric has one.
    fn sample(&mut self) -> (String, i64, Value) {
        let (metric, value_type) = self.metric();
        let newest = self.model.newest(&metric).unwrap_or(i64::MIN);
        let fuzz = i64::try_from(self.random.below(30)).unwrap() * SECOND;
        let time = match self.random.below(12) {
            0..=1 if newest > i64::MIN => newest,
            // After a restart the engine has forgotten what retention took.
            2 if newest == i64::MIN || self.model.last(&metric).is_some() => self.now - fuzz - HOUR,
            3 => newest.max(self.now + 20 * HOUR),
            _ => newest.max(self.now - fuzz),
        };
        self.counter += 1;
        let wrong = newest > i64::MIN && self.random.one_in(20);
        let value = match (value_type == ValueType::I32) != wrong {
            true => Value::I32(self.counter - 500),
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            false if time > newest && self.random.one_in(50) => {
                Value::F32(if self.random.one_in(2) { f32::NAN } else { -(self.counter as f32) })
            }
            #[expect(clippy::cast_precision_loss, reason = "small")]
            false => Value::F32(self.counter as f32 / 8.0),
        };
        (metric, time, value)
    }

    fn add(&mut self) {
        let (metric, time, value) = self.sample();
        let expected = self.model.ingest(&metric, time, value);
        let found = self.database.add(&metric, Timestamp(time), value);
        match &found {
            Ok(()) => assert_eq!(expected, Ok(()), "{metric} {time} {value:?}"),
            Err(Error::Rejected(_)) => assert!(expected.is_err(), "{metric} {time} {found:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    fn add_batch(&mut self) {
        let count = self.random.below(if self.random.clone().one_in(10) { 3000 } else { 40 });
        let mut samples = Vec::new();
        let mut refused = Vec::new();
        for at in 0..usize::try_from(count).unwrap() {
            let (metric, time, value) = self.sample();
            if self.model.ingest(&metric, time, value).is_err() {
                refused.push(at);
            }
            let named = |handle: &&MetricHandle| {
                let known = self.database.metric(&metric, value.value_type());
                known.as_ref() == Ok(*handle)
            };
            let handle = self.handles.iter().take(3).find(named).copied();
            samples.push((metric, handle, time, value));
        }
        let rows = samples.iter().map(|(metric, handle, time, value)| Row {
            target: handle.map_or(Target::Name(metric), Target::Handle),
            time: Timestamp(*time),
            value: *value,
        });
        let report = self.database.add_rows(rows).unwrap();
        let rejected: Vec<usize> = report.rejected.iter().map(|(at, _)| *at).collect();
        assert_eq!(rejected, refused);
        assert_eq!(report.accepted, count - refused.len() as u64);
    }

    fn build(&mut self) {
        let partitions = self.database.partitions();
        if partitions.is_empty() {
            return;
        }
        let mut options = BuildOptions::default();
        let older = *self.random.pick(&[Version::V1, Version::V2]);
        options.version = if self.layouts.one_in(3) { Version::V3 } else { older };
        options.codec = *self.random.pick(&CodecId::ALL);
        options.raw_action =
            *self.random.pick(&[RawAction::Keep, RawAction::Delete, RawAction::Rename]);
        options.allow_foreign_codec = true;
        let partition = self.random.pick(&partitions);
        self.database.build_metric_file(partition, options).unwrap();
        if self.layouts.one_in(2) {
            let mut options = ConvertOptions::default();
            options.version = *self.layouts.pick(&Version::ALL);
            options.codec = *self.layouts.pick(&CodecId::ALL);
            options.allow_foreign_codec = true;
            let files = self.database.metric_partitions();
            self.database
                .convert_metric_file(self.layouts.pick::<String>(&files), options)
                .unwrap();
        }
    }

    /// Deletes samples of a metric or two: near the newest, anywhere, or all of them.
    fn delete(&mut self, random: &mut Random) {
        let known: Vec<String> = self.model.metrics().map(|(name, _)| name.to_owned()).collect();
        if known.is_empty() {
            return;
        }
        let mut metrics = vec![random.pick::<String>(&known).clone()];
        if random.one_in(3) {
            metrics.push(random.pick::<String>(&known).clone());
            metrics.dedup();
        }
        let span = u64::try_from((self.now - START).max(0) + 30 * HOUR).unwrap();
        let mut time =
            || START - 2 * HOUR + i64::try_from(random.below(span)).unwrap() / SECOND * SECOND;
        let (a, b) = (time(), time());
        let (from, to) = match random.below(5) {
            0 => (i64::MIN, i64::MAX),
            1 => (self.now - i64::try_from(random.below(40)).unwrap() * SECOND, i64::MAX),
            2 => (a / DAY * DAY, a / DAY * DAY + DAY - 1),
            _ => (a.min(b), a.max(b)),
        };
        let range = TimeRange { from: Timestamp(from), to: Timestamp(to) };
        let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
        let report = self.database.delete_many(&names, range).unwrap();
        assert_eq!(report.refused, []);
        self.tally.deletes += 1;
        let before = self.model.len();
        for metric in &names {
            self.model.delete(metric, from, to);
        }
        assert_eq!(report.samples(), (before - self.model.len()) as u64, "{names:?} {from} {to}");
        if random.one_in(4) {
            self.compare_everything();
        }
    }

    fn recompact(&mut self, random: &mut Random) {
        if random.one_in(2) {
            self.database.flush().unwrap();
        }
        let partitions = self.database.partitions();
        if partitions.is_empty() {
            return;
        }
        match self.database.recompact(random.pick::<String>(&partitions)) {
            Ok(report) => {
                assert_eq!(report.old.records, report.new.records, "{report:?}");
                assert!(report.new.frames <= report.old.frames, "{report:?}");
            }
            // Samples are in memory, or in a metric file only.
            Err(Error::Rejected(Rejection::PartitionOpen(_) | Rejection::Invalid(_))) => {}
            Err(error) => panic!("{error}"),
        }
        if random.one_in(4) {
            self.compare_everything();
        }
    }

    /// Two instants, in order, near samples or far from all.
    fn times(&mut self) -> (i64, i64) {
        let span = u64::try_from((self.now - START).max(0) + 24 * HOUR).unwrap();
        let mut time = || match self.random.below(12) {
            0 => i64::MIN,
            1 => i64::MAX,
            _ => {
                START - 2 * HOUR + i64::try_from(self.random.below(span)).unwrap() / SECOND * SECOND
            }
        };
        let (a, b) = (time(), time());
        (a.min(b), a.max(b))
    }

    fn range(&mut self) {
        let (metric, _) = self.metric();
        let (from, to) = self.times();
        let stride = 1 + self.random.index(5);
        let query = range_query(from, to, stride);
        let expected = self.model.range(&metric, from, to, stride);
        let found = self.database.range_query(&metric, query).unwrap();
        self.note_queries(2);
        assert_same(&points(&found), &expected, &metric);
        let mut visited = Vec::new();
        self.database
            .visit_range(&metric, query, |batch| {
                let raws = batch.raws.iter().map(|raw| Value::from_raw(batch.value_type, *raw));
                visited.extend(batch.times.iter().copied().zip(raws));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_same(&visited, &expected, &metric);
    }

    fn range_many(&mut self) {
        let (from, to) = self.times();
        let names = ["m3", "m0", "unknown", "m8", "m5"];
        let found = self.database.range_many(&names, range_query(from, to, 1)).unwrap();
        self.note_queries(1);
        for (name, series) in names.iter().zip(&found) {
            assert_same(&points(series), &self.model.range(name, from, to, 1), name);
        }
    }

    fn last(&mut self) {
        let (metric, _) = self.metric();
        let found =
            self.database.last(&metric).unwrap().map(|sample| (sample.time.0, sample.value));
        let found: Vec<Point> = found.into_iter().collect();
        let expected: Vec<Point> = self.model.last(&metric).into_iter().collect();
        self.note_queries(1);
        assert_same(&found, &expected, &metric);
    }

    fn aggregate(&mut self) {
        let (metric, _) = self.metric();
        let (from, to) = self.times();
        let window_ns = *self.random.pick(&[7 * SECOND, 60 * SECOND, HOUR, 25 * HOUR]);
        let offset_ns = *self.random.pick(&[0, 0, 3 * SECOND, -HOUR]);
        let aggregates: Vec<Aggregate> = ["min", "max", "sum", "avg", "count", "p50", "p95", "p99"]
            .iter()
            .chain(&["trimmed_avg"])
            .filter(|_| !self.random.one_in(3))
            .map(|name| name.parse().unwrap())
            .collect();
        if aggregates.is_empty() {
            return;
        }
        let names = aggregates.iter().map(|aggregate| aggregate.name());
        let names: Vec<_> = names.map(|name| model::Aggregate::from_name(name).unwrap()).collect();
        let expected = self.model.aggregate(&metric, from, to, window_ns, offset_ns, &names);
        let range = TimeRange { from: Timestamp(from), to: Timestamp(to) };
        let arithmetic = Arithmetic::Exact;
        let query =
            AggregateQuery { range, window_ns, offset_ns, aggregates: &aggregates, arithmetic };
        let mut found = Vec::new();
        self.database
            .aggregate(&metric, &query, |bucket| {
                found.push(bucket.clone());
                ControlFlow::Continue(())
            })
            .unwrap();
        self.note_queries(1);
        assert_eq!(found.len(), expected.len(), "{metric} {query:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!((found.start.0, found.end.0), (expected.start, expected.end));
            for (found, value) in found.values.iter().zip(&expected.values) {
                assert!(near(*found, *value, expected.tolerance), "{found} {value} {query:?}");
            }
        }
    }

    /// An export, read into another store, is the same database.
    fn copy_by_text(&mut self) {
        let mut text = Vec::new();
        self.database
            .export(ExportOptions::default(), |bytes| {
                text.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
        let host = LocalHost::new(Disk::default);
        let engine = Engine::open(host, EngineOptions::default()).unwrap();
        let mut importer = Importer::new(&engine, Some("copy"));
        let mut rejected = |line| panic!("{line:?}");
        for piece in text.chunks(1 + self.random.index(5000)) {
            importer.feed(piece, &mut rejected).unwrap();
        }
        importer.finish(&mut rejected).unwrap();
        if !self.model.is_empty() {
            compare(&engine.database("copy").unwrap(), &self.model);
        }
    }

    fn note_queries(&self, count: u64) {
        self.queries.set(self.queries.get() + count);
    }

    /// Asks for each metric, and for all of them together.
    fn compare_everything(&self) {
        compare(&self.database, &self.model);
        self.note_queries(self.model.metrics().count() as u64 + 1);
        let report = self.database.verify(|_| ()).unwrap();
        assert!(report.is_whole(), "{report:?}");
    }
}

fn open(host: &Local) -> (Engine<Local>, Arc<Database<Local>>) {
    let engine = Engine::open(host.clone(), EngineOptions::default()).unwrap();
    let database = engine.create_database("db").unwrap();
    (engine, database)
}

fn compare(database: &Database<Local>, model: &Model) {
    for (metric, value_type) in model.metrics() {
        let series = database.range_query(metric, range_query(i64::MIN, i64::MAX, 1)).unwrap();
        // A copy knows nothing of metrics whose samples have all expired.
        if model.last(metric).is_some() {
            assert_eq!(series.value_type, value_type);
        }
        assert_same(&points(&series), &model.range(metric, i64::MIN, i64::MAX, 1), metric);
    }
    let mut scanned = 0;
    let count = database.scan(TimeRange::ALL, |ids, _, _| {
        scanned += ids.len();
        Ok(())
    });
    count.unwrap();
    assert_eq!(scanned, model.len());
}

fn range_query(from: i64, to: i64, stride: usize) -> RangeQuery {
    let range = TimeRange { from: Timestamp(from), to: Timestamp(to) };
    RangeQuery { range, stride: NonZeroUsize::new(stride).unwrap() }
}

fn points(series: &Series) -> Vec<Point> {
    series.iter().map(|sample| (sample.time.0, sample.value)).collect()
}

/// Bit for bit: NaN equals NaN.
fn assert_same(found: &[Point], expected: &[Point], metric: &str) {
    let bits = |points: &[Point]| -> Vec<(i64, ValueType, u32)> {
        points.iter().map(|(time, value)| (*time, value.value_type(), value.to_raw())).collect()
    };
    assert_eq!(bits(found), bits(expected), "{metric}");
}

fn near(found: f64, expected: f64, tolerance: f64) -> bool {
    (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= tolerance
}
