//! What days do to a store: late samples, sealing, rollups, retention.
//!
//! The model's rollups are naive: whatever period of a metric is over by the clock is computed from
//! the samples there are. What was written once is remembered: it stays while no more samples come,
//! and for good once retention has taken samples that it was made of. Nothing comes twice, since
//! times in a destination are compared one by one.

use super::{Local, Pair, near, points, range_query};
use nanotdb_core::engine::{Engine, Host};
use nanotdb_core::partition::Partition;
use nanotdb_core::settings::{
    EngineSettings, Partitioning, RawAction, RetentionAction, RollupJob, RollupSource,
    WrittenDuration,
};
use nanotdb_core::storage::{FileName, Storage};
use nanotdb_core::text::pattern::Pattern;
use nanotdb_core::{Timestamp, Value};
use nanotdb_tests::model::Aggregate;
use nanotdb_tests::operations::{DAY, HOUR, SECOND};
use nanotdb_tests::random::Random;
use std::collections::BTreeMap;

/// The database that rollups go to.
const ROLLED: &str = "rolled";
const MINUTE: i64 = 60 * SECOND;

/// Draws its own numbers.
pub(super) struct Life {
    random: Random,
    seals: bool,
    raw_action: RawAction,
    retention: RetentionAction,
    retention_days: i64,
    max_active_days: u64,
    /// Interval and grace of the rollup job, if there is one.
    rollup: Option<(i64, i64)>,
    aggregates: Vec<(&'static str, Aggregate)>,
    /// What the destination had when somebody looked, by metric and time.
    rolled: Rolled,
    /// Retention has taken everything before this.
    gone: i64,
    /// Number of metrics that are late.
    late: u64,
    /// Of full disks only.
    disk: Random,
    /// Whether the disk was full since the last tick.
    was_full: bool,
}

/// By metric and time: the value, and how exactly it is known.
type Rolled = BTreeMap<String, BTreeMap<i64, (f64, f64)>>;

/// What the destination may have: several values where it depends on when a period was written.
type Possible = BTreeMap<String, BTreeMap<i64, Period>>;

struct Period {
    values: Vec<(f64, f64)>,
    is_due: bool,
}

/// What has made rollups.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// Nothing, or a tick: whatever was due then may have been made.
    Whatever,
    /// A run.
    Run,
    /// A backfill, which takes every period that is over for the last one.
    Backfill,
}

impl Life {
    /// Without rollups where samples are deleted: what became of those that are gone stays.
    pub(super) fn new(seed: u64, deletes: bool) -> Self {
        let mut random = Random::new(seed ^ 0x7570_6b65_6570);
        let actions = [RetentionAction::Keep, RetentionAction::Delete, RetentionAction::Archive];
        let intervals = [HOUR, 7 * MINUTE, 7 * MINUTE, 11 * HOUR];
        let graces = [0, MINUTE, 2 * HOUR];
        let rollup = (*random.pick(&intervals), *random.pick(&graces));
        let all = [
            ("sum", Aggregate::Sum),
            ("count", Aggregate::Count),
            ("max", Aggregate::Max),
            ("p95", Aggregate::P95),
            ("trimmed_avg", Aggregate::TrimmedAvg),
        ];
        let first = random.index(all.len() - 1);
        Self {
            seals: !random.one_in(4),
            raw_action: *random.pick(&[RawAction::Keep, RawAction::Delete, RawAction::Rename]),
            retention: *random.pick(&actions),
            retention_days: 1 + i64::try_from(random.below(5)).unwrap(),
            max_active_days: 1 + random.below(3),
            rollup: (!random.one_in(5) && !deletes).then_some(rollup),
            aggregates: all[first..first + 2].to_vec(),
            rolled: Rolled::new(),
            gone: i64::MIN,
            late: 0,
            disk: Random::new(seed ^ 0x6675_6c6c),
            was_full: false,
            random,
        }
    }

    /// Writes the manifest, and sets the engine up.
    pub(super) fn set_up(&self, settings: &mut EngineSettings, host: &Local) {
        settings.metrics.enabled = self.seals;
        settings.metrics.raw_ingest_action = self.raw_action;
        let mut manifest = settings.manifest_defaults.clone();
        manifest.max_active_days = self.max_active_days;
        manifest.retention_action = self.retention;
        manifest.retention_days = u64::try_from(self.retention_days).unwrap();
        if let Some((interval, grace)) = self.rollup {
            let written = |ns| WrittenDuration::new(&format!("{}s", ns / SECOND)).unwrap();
            manifest.rollups.enabled = true;
            manifest.rollups.jobs = vec![RollupJob {
                id: "all".to_owned(),
                source: RollupSource::Pattern(Pattern::new("*").unwrap()),
                exclude_patterns: vec![],
                interval: written(interval),
                aggregates: self.aggregates.iter().map(|(name, _)| (*name).to_owned()).collect(),
                destination_db: ROLLED.to_owned(),
                destination_metric_prefix: String::new(),
                grace: Some(written(grace)),
            }];
        }
        // Not by default: the destination's samples do not expire.
        settings.manifest_defaults.retention_action = RetentionAction::Keep;
        let name = FileName::new("manifest.toml").unwrap();
        let directory = host.database("db", true).unwrap();
        directory.replace(&name, manifest.to_toml().as_bytes()).unwrap();
    }

    /// What happens between two steps.
    pub(super) fn step(&mut self, pair: &mut Pair) {
        if self.disk.one_in(40) {
            pair.fill_disk(&mut self.disk);
            self.was_full = true;
        }
        match self.random.below(120) {
            0..=7 => pair.recompact(&mut self.random),
            8..=10 => {
                pair.now += DAY * (1 + i64::try_from(self.random.below(2)).unwrap());
                pair.host.clock.set(Timestamp(pair.now));
            }
            11..=22 => self.add_late(pair),
            23..=32 => self.tick(pair),
            33..=35 => self.run_rollups(pair),
            36 => self.backfill(pair),
            37..=39 => self.retire(pair),
            40 => {
                drop(pair.engine.close());
                pair.reopen();
                let possible = self.possible(pair, After::Whatever);
                self.learn(pair, &possible);
            }
            _ => {}
        }
    }

    /// A sample of a metric that lags days behind.
    fn add_late(&mut self, pair: &mut Pair) {
        if self.random.one_in(6) {
            self.late += 1;
        }
        let metric = format!("late{}", self.late - self.random.below(self.late.min(3) + 1));
        let lag = i64::try_from(self.random.below(8)).unwrap() * DAY / 2;
        let newest = pair.model.newest(&metric).unwrap_or(i64::MIN);
        let time = newest.max(pair.now - lag);
        pair.counter += 1;
        let value = Value::I32(pair.counter);
        pair.model.ingest(&metric, time, value).unwrap();
        pair.database.add(&metric, Timestamp(time), value).unwrap();
    }

    pub(super) fn tick(&mut self, pair: &mut Pair) {
        let (maybe, due) = (self.possible(pair, After::Whatever), self.possible(pair, After::Run));
        // What could not be sealed while the disk was full is told with the next tick.
        let was_full = std::mem::take(&mut self.was_full);
        let tick = pair.engine.tick().unwrap();
        let mut retired = vec![];
        for report in tick.databases.values() {
            let is_expected = |problem: &String| was_full && problem.ends_with("the disk is full");
            assert!(report.problems.iter().all(is_expected), "{tick:?}");
            retired.extend(report.retired.iter().map(|retired| retired.partition.clone()));
        }
        assert!(tick.rollups.iter().all(|run| run.problems.is_empty()), "{tick:?}");
        self.learn(pair, if retired.is_empty() { &maybe } else { &due });
        let expired = self.expired(pair);
        for key in retired {
            let day = expired.iter().find(|day| key_of(**day) == key);
            let day = *day.unwrap_or_else(|| panic!("{key} has not expired"));
            self.drop_day(pair, day);
        }
    }

    fn drop_day(&mut self, pair: &mut Pair, day: i64) {
        pair.model.drop_day(day);
        self.gone = self.gone.max(day + DAY);
    }

    fn retire(&mut self, pair: &mut Pair) {
        pair.database.flush().unwrap();
        let due = self.possible(pair, After::Run);
        let report = pair.engine.apply_retention("db").unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
        let retired = report.retired.into_iter();
        let retired: Vec<String> = retired.map(|retired| retired.partition).collect();
        if !retired.is_empty() {
            self.learn(pair, &due);
        }
        let expired = self.expired(pair);
        let keys: Vec<String> = expired.iter().map(|day| key_of(*day)).collect();
        assert_eq!(retired, keys);
        for day in expired {
            self.drop_day(pair, day);
        }
        pair.compare_everything();
    }

    /// The days that retention takes, as soon as no sample of theirs is in memory.
    fn expired(&self, pair: &Pair) -> Vec<i64> {
        if self.retention == RetentionAction::Keep {
            return vec![];
        }
        let today = pair.now.div_euclid(DAY) * DAY;
        pair.model.days_before(today - self.retention_days * DAY).into_iter().collect()
    }

    pub(super) fn run_rollups(&mut self, pair: &mut Pair) {
        let possible = self.possible(pair, After::Run);
        let run = pair.engine.run_rollups("db").unwrap();
        assert_eq!(run.problems, Vec::<String>::new());
        self.learn(pair, &possible);
    }

    fn backfill(&mut self, pair: &mut Pair) {
        let possible = self.possible(pair, After::Backfill);
        let report = pair.engine.backfill_rollups(&[]).unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
        self.learn(pair, &possible);
        if self.rollup.is_some() {
            let again = pair.engine.backfill_rollups(&["db"]).unwrap();
            assert_eq!(again.rebuilt_partitions, Vec::<String>::new());
        }
    }

    /// What was written, and what the samples come to.
    fn possible(&self, pair: &Pair, after: After) -> Possible {
        let mut possible = Possible::new();
        for (metric, rolled) in &self.rolled {
            let kept = |value: &(f64, f64)| Period { values: vec![*value], is_due: true };
            let periods = rolled.iter().map(|(time, value)| (*time, kept(value))).collect();
            possible.insert(metric.clone(), periods);
        }
        let Some((interval, grace)) = self.rollup else { return possible };
        let aggregates: Vec<Aggregate> = self.aggregates.iter().map(|(_, a)| *a).collect();
        for (metric, _) in pair.model.metrics() {
            let Some((last, _)) = pair.model.last(metric) else { continue };
            let buckets =
                pair.model.aggregate(metric, i64::MIN, i64::MAX, interval, 0, &aggregates);
            for bucket in buckets.iter().filter(|bucket| bucket.end <= pair.now - grace) {
                let is_due =
                    bucket.end <= last && after != After::Whatever || after == After::Backfill;
                for ((name, _), value) in self.aggregates.iter().zip(&bucket.values) {
                    let metric = possible.entry(format!("{metric}.{name}")).or_default();
                    let period = metric
                        .entry(bucket.start)
                        .or_insert(Period { values: vec![], is_due: false });
                    let is_kept = bucket.start < self.gone && !period.values.is_empty();
                    if !is_kept && is_due {
                        period.values.clear();
                    }
                    if !is_kept {
                        period.values.push((*value, bucket.tolerance));
                    }
                    period.is_due |= is_due;
                }
            }
        }
        possible
    }

    /// Compares the destination with what may be there, and is, when it is due.
    fn learn(&mut self, pair: &Pair, possible: &Possible) {
        let found = rolled(&pair.engine);
        for (metric, periods) in possible {
            for time in periods.iter().filter(|(_, period)| period.is_due).map(|(time, _)| time) {
                let is_there = found.get(metric).is_some_and(|found| found.contains_key(time));
                assert!(is_there, "{metric} at {time} is missing");
            }
        }
        self.rolled = Rolled::new();
        for (metric, found) in found {
            let possible = possible.get(&metric).unwrap_or_else(|| panic!("{metric} was not due"));
            let known = self.rolled.entry(metric.clone()).or_default();
            for (time, value) in found {
                let Some(period) = possible.get(&time) else {
                    panic!("{metric} has {value} at {time}");
                };
                // A destination has single precision.
                let is_meant = |(expected, tolerance): &&(f64, f64)| {
                    near(value, *expected, tolerance + expected.abs() * f64::from(f32::EPSILON))
                };
                let expected = period.values.iter().find(is_meant);
                let values = &period.values;
                known.insert(
                    time,
                    *expected.unwrap_or_else(|| panic!("{metric} {time}: {value} {values:?}")),
                );
            }
        }
    }
}

/// What the destination has. No time comes twice.
fn rolled(engine: &Engine<Local>) -> BTreeMap<String, BTreeMap<i64, f64>> {
    let mut rolled = BTreeMap::new();
    let Ok(database) = engine.database(ROLLED) else { return rolled };
    for metric in database.metrics() {
        let series = database.range_query(&metric.name, range_query(i64::MIN, i64::MAX, 1));
        let mut times = BTreeMap::new();
        for (time, value) in points(&series.unwrap()) {
            assert_eq!(times.insert(time, value.as_f64()), None, "{} {time}", metric.name);
        }
        // A backfill makes metrics before it knows of samples.
        if !times.is_empty() {
            rolled.insert(metric.name, times);
        }
    }
    rolled
}

fn key_of(day: i64) -> String {
    Partition::containing(Partitioning::Day, Timestamp(day)).to_string()
}
