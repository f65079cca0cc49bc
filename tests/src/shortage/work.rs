//! The parts of the engine's work, and what must come of them.

use super::ground::{Ground, Short, Shortage, Trouble};
use crate::operations::{DAY, HOUR, SECOND, START};
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{Database, Engine, EngineOptions, Row, Target};
use nanotdb_core::query::RangeQuery;
use nanotdb_core::settings::{
    Durability, EngineSettings, FsyncPolicy, RawAction, RetentionAction, RollupJob, RollupSource,
    WrittenDuration,
};
use nanotdb_core::storage::{FileName, MemoryStorage, Storage, StorageFile};
use nanotdb_core::text::pattern::Pattern;
use nanotdb_core::{Error, TimeRange, Timestamp, Value, ValueType, tar};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A part of the engine's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Samples come in, one by one and together, and pages are written.
    Ingest,
    /// The log is written, synced and emptied, and so is that of late samples.
    Log,
    /// Metrics are made, and the catalog is stored.
    Catalog,
    /// Partitions get metric files, and lose their pages.
    Seal,
    /// Rollups run.
    Rollup,
    /// Samples are deleted.
    Delete,
    /// Retention deletes partitions.
    Retention,
    /// Retention puts partitions into an archive.
    Archive,
    /// A store is opened that a killed process has left.
    Opening,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ingest,
        Self::Log,
        Self::Catalog,
        Self::Seal,
        Self::Rollup,
        Self::Delete,
        Self::Retention,
        Self::Archive,
        Self::Opening,
    ];
}

const SOURCE: &str = "source";
const ROLLED: &str = "rolled";
/// The store's samples before the work begins: so many days of them.
const DAYS: i64 = 3;
/// More calls than any work has: until it is ended.
const LASTING: u64 = u64::MAX;

type Host<G> = LocalHost<Short<G>>;
type Open<G> = (Engine<Host<G>>, Arc<Database<Host<G>>>);
/// Samples by metric, in their order.
type Content = BTreeMap<String, Vec<(i64, u32)>>;

/// Lets call after call fail, once by itself and once with all that follow, and returns how many
/// things were refused. `fresh` makes an empty directory.
///
/// # Panics
///
/// When the store breaks a promise.
pub fn hinder_everywhere<G: Ground>(
    work: Work,
    trouble: Trouble,
    fresh: impl Fn(&str) -> G + Clone + 'static,
) -> u64 {
    let mut refused = 0;
    for count in [1, LASTING] {
        for from in 1.. {
            let at = format!("{work:?}, {trouble:?}, {count} calls from {from} on");
            let mut store = Store::new(work, trouble, fresh.clone(), at);
            store.shortage.begin(from, count);
            store.is_hindered = true;
            store.work();
            store.look_while_hindered();
            let calls = store.shortage.end();
            // Sealing that failed behind a sample is told by the next tick.
            store.upkeep();
            store.is_hindered = false;
            refused += store.refused;
            store.go_on();
            store.stop_and_open();
            if calls < from {
                assert_eq!(store.refused, 0, "{}: nothing failed", store.at);
                break;
            }
        }
    }
    refused
}

struct Store<G: Ground> {
    work: Work,
    trouble: Trouble,
    /// For messages.
    at: String,
    host: Host<G>,
    shortage: Rc<Shortage>,
    open: Option<Open<G>>,
    /// What was acknowledged, and not deleted.
    acknowledged: Content,
    /// What a call that failed may have taken: batches are not taken whole or not at all.
    perhaps: Content,
    now: i64,
    counter: i32,
    /// Whether things may fail.
    is_hindered: bool,
    /// Things that failed for the trouble.
    refused: u64,
    /// Whether the delete is done.
    is_deleted: bool,
}

impl<G: Ground> Store<G> {
    /// A store with samples in files, in memory and in the log.
    fn new(work: Work, trouble: Trouble, fresh: impl Fn(&str) -> G + 'static, at: String) -> Self {
        let shortage = Shortage::new(trouble);
        let root = Short::new(fresh("root"), &shortage);
        let host = LocalHost::new(move || root.clone());
        let mut settings = settings(work);
        let manifest = manifest(work, &settings);
        settings.manifest_defaults.retention_action = RetentionAction::Keep;
        replace(&host.root_directory(), "engine.toml", &settings.to_toml());
        for name in [SOURCE, ROLLED] {
            host.set_database(name, Short::new(fresh(name), &shortage));
        }
        replace(&host.directory(SOURCE).expect("set"), "manifest.toml", &manifest);
        host.clock.set(Timestamp(START));
        let (acknowledged, perhaps) = (Content::new(), Content::new());
        let mut store = Self {
            work,
            trouble,
            at,
            host,
            shortage,
            open: None,
            acknowledged,
            perhaps,
            now: START,
            counter: 0,
            is_hindered: false,
            refused: 0,
            is_deleted: false,
        };
        store.fill();
        store
    }

    fn fill(&mut self) {
        self.open();
        self.engine().set_auto_rollups(false);
        for day in 0..DAYS {
            for n in 0..5 {
                self.set_clock(START + day * DAY + n * HOUR);
                self.add("a", self.now);
                self.add("b", self.now);
            }
            if day == 1 {
                self.engine().close().expect("nothing fails yet");
                self.open();
                self.engine().set_auto_rollups(false);
            }
        }
        self.engine().set_auto_rollups(true);
        if self.work == Work::Opening {
            self.open = None; // without a word
        }
    }

    fn engine(&self) -> &Engine<Host<G>> {
        &self.open.as_ref().expect("it is open").0
    }

    fn database(&self) -> &Database<Host<G>> {
        &self.open.as_ref().expect("it is open").1
    }

    fn set_clock(&mut self, now: i64) {
        self.now = now;
        self.host.clock.set(Timestamp(now));
    }

    fn open(&mut self) {
        self.open = None;
        let opened = Engine::open(self.host.clone(), EngineOptions::default());
        let opened = opened.and_then(|engine| Ok((engine.database(SOURCE)?, engine)));
        let opened = self.allow(opened);
        self.open = opened.map(|(database, engine)| (engine, database));
    }

    /// What came of something that may fail for the trouble, and for nothing else.
    fn allow<T>(&mut self, done: Result<T, Error>) -> Option<T> {
        match done {
            Ok(done) => Some(done),
            Err(Error::Storage(error))
                if self.is_hindered && error.kind == self.trouble.kind() && !error.in_doubt =>
            {
                self.refused += 1;
                None
            }
            Err(error) => panic!("{}: {error}", self.at),
        }
    }

    fn allow_problems(&mut self, problems: &[String]) {
        assert!(self.is_hindered || problems.is_empty(), "{}: {problems:?}", self.at);
        self.refused += problems.len() as u64;
    }

    fn value(&mut self, metric: &str) -> Value {
        self.counter += 1;
        if metric.starts_with('b') {
            Value::F32(f32::from_bits(self.counter.unsigned_abs()))
        } else {
            Value::I32(self.counter)
        }
    }

    /// Adds a sample; one that is refused is not there.
    fn add(&mut self, metric: &str, time: i64) {
        let value = self.value(metric);
        let added = self.database().add(metric, Timestamp(time), value);
        if self.allow(added).is_some() {
            let samples = self.acknowledged.entry(metric.to_owned()).or_default();
            samples.push((time, value.to_raw()));
        }
    }

    fn add_batch(&mut self, metric: &str, times: &[i64]) {
        let samples: Vec<_> = times.iter().map(|time| (*time, self.value(metric))).collect();
        let rows = samples.iter().map(|(time, value)| {
            let time = Timestamp(*time);
            Row { target: Target::Name(metric), time, value: *value }
        });
        let added = self.database().add_rows(rows);
        let taken = self.allow(added).map(|report| assert_eq!(report.rejected, []));
        let content = if taken.is_some() { &mut self.acknowledged } else { &mut self.perhaps };
        let raws = samples.into_iter().map(|(time, value)| (time, value.to_raw()));
        content.entry(metric.to_owned()).or_default().extend(raws);
    }

    /// Does the work, whatever fails.
    fn work(&mut self) {
        match self.work {
            Work::Ingest => self.ingest(),
            Work::Log => self.log(),
            Work::Catalog => self.catalog(),
            Work::Seal => {
                self.set_clock(START + DAYS * DAY);
                self.add("a", self.now);
                self.add("b", self.now);
                self.tick();
            }
            Work::Rollup => {
                self.set_clock(self.now + 2 * HOUR);
                self.add("a", self.now);
                self.add("b", self.now);
                self.tick();
                self.roll_up();
            }
            Work::Delete => self.delete(),
            Work::Retention | Work::Archive => {
                self.set_clock(START + (DAYS + 2) * DAY);
                self.tick();
                self.retire();
            }
            Work::Opening => {
                self.open();
                if self.open.is_some() {
                    self.add("a", self.now);
                }
            }
        }
    }

    fn ingest(&mut self) {
        for _ in 0..5 {
            self.set_clock(self.now + 60 * SECOND);
            self.add("a", self.now);
            self.add("b", self.now);
        }
        let times: Vec<i64> = (1..8).map(|n| self.now + n * SECOND).collect();
        self.add_batch("c", &times);
        self.set_clock(self.now + 60 * SECOND);
        let flushed = self.database().flush();
        self.allow(flushed);
        self.tick();
    }

    fn log(&mut self) {
        for n in 0..4 {
            self.set_clock(self.now + 60 * SECOND);
            self.add("a", self.now);
            self.add("late", self.now - 2 * HOUR + n);
            self.add("b", self.now);
            if n == 1 {
                self.tick();
            }
        }
        let flushed = self.database().flush();
        self.allow(flushed);
        self.add("late", self.now - HOUR);
        self.add("a", self.now);
        self.tick();
    }

    fn catalog(&mut self) {
        for metric in ["new1", "new2", "new3"] {
            let made = self.database().metric(metric, ValueType::I32);
            self.allow(made);
            self.tick();
            self.add(metric, self.now);
        }
        let flushed = self.database().flush();
        self.allow(flushed);
    }

    fn tick(&mut self) {
        let ticked = self.engine().tick();
        let Some(tick) = self.allow(ticked) else { return };
        for report in tick.databases.values() {
            self.allow_problems(&report.problems);
        }
        for run in &tick.rollups {
            self.allow_problems(&run.problems);
        }
        self.note_expiry();
    }

    fn roll_up(&mut self) {
        let run = self.engine().run_rollups(SOURCE);
        if let Some(run) = self.allow(run) {
            self.allow_problems(&run.problems);
        }
    }

    fn retire(&mut self) {
        let retired = self.engine().apply_retention(SOURCE);
        if let Some(report) = self.allow(retired) {
            self.allow_problems(&report.problems);
        }
        self.note_expiry();
    }

    /// Samples of partitions that are gone were taken by retention, and are nobody's loss.
    fn note_expiry(&mut self) {
        if self.work == Work::Retention {
            let kept = self.database().partitions();
            let is_kept = |time: i64| kept.contains(&key_of(time)) || time >= self.expiry();
            let forget = |samples: &Vec<(i64, u32)>| -> Vec<(i64, u32)> {
                samples.iter().copied().filter(|(time, _)| is_kept(*time)).collect()
            };
            self.acknowledged =
                self.acknowledged.iter().map(|(name, of)| (name.clone(), forget(of))).collect();
        }
    }

    /// What is older has expired.
    fn expiry(&self) -> i64 {
        (self.now - START).div_euclid(DAY) * DAY + START - DAY
    }

    /// Deletes the middle of one metric and all of another. One that fails may have deleted in some
    /// partitions.
    fn delete(&mut self) {
        self.is_deleted = true;
        for metric in ["a", "b"] {
            let deleted = self.database().delete(metric, doomed(metric));
            let refused = match self.allow(deleted) {
                Some(report) => report.refused.into_iter().map(|(_, error)| error).collect(),
                None => {
                    self.is_deleted = false;
                    vec![]
                }
            };
            for error in refused {
                self.is_deleted = false;
                self.allow(Err::<(), _>(error));
            }
        }
        if self.is_deleted {
            for (metric, samples) in &mut self.acknowledged {
                samples.retain(|(time, _)| !is_doomed(metric, *time));
            }
        }
    }

    /// An answer is exact, or it is that the trouble is in the way of it.
    fn look_while_hindered(&mut self) {
        // Archives are looked into, too.
        if self.open.is_none() || self.work == Work::Archive {
            return;
        }
        let refused = self.refused;
        let found = self.try_read(SOURCE);
        if let Some(found) = self.allow(found) {
            self.judge(&found, "while it is hindered");
        }
        self.refused = refused;
    }

    /// The trouble is over.
    fn go_on(&mut self) {
        if self.open.is_none() {
            self.open();
        }
        self.judge(&self.read(SOURCE), "when the trouble is over");
        assert_eq!(self.database().check_writable(), Ok(()), "{}", self.at);
        assert_eq!(self.database().lost_files(), [""; 0], "{}", self.at);
        for metric in ["a", "b", "afterwards"] {
            self.add(metric, self.now + SECOND);
        }
        self.upkeep();
        match self.work {
            Work::Delete => self.delete(),
            Work::Rollup => self.roll_up(),
            _ => {}
        }
        self.judge(&self.read(SOURCE), "after it went on");
    }

    /// What has failed is tried again within the hour.
    fn upkeep(&mut self) {
        self.host.clock.run(Duration::from_hours(1));
        if self.open.is_some() {
            self.tick();
        }
    }

    fn stop_and_open(&mut self) {
        assert_eq!(self.engine().close(), Ok(()), "{}", self.at);
        self.open();
        let report = self.database().open_report();
        assert_eq!(report.problems, Vec::<String>::new(), "{}", self.at);
        self.judge(&self.read(SOURCE), "opened again");
        let verified = self.database().verify(|_| ()).expect("it can be read");
        assert!(verified.is_whole(), "{}: {verified:?}", self.at);
        self.judge_work();
    }

    /// The work is done, too.
    fn judge_work(&self) {
        match self.work {
            Work::Seal => {
                let sealed: Vec<String> = (0..DAYS).map(|day| key_of(START + day * DAY)).collect();
                assert_eq!(self.database().metric_partitions(), sealed, "{}", self.at);
            }
            Work::Rollup => self.judge_rollups(),
            Work::Retention | Work::Archive => {
                let kept = [key_of(self.now)];
                assert_eq!(self.database().partitions(), kept, "{}", self.at);
            }
            _ => {}
        }
    }

    /// Every hour that is over has its count, and none has two.
    fn judge_rollups(&self) {
        let rolled = self.read(ROLLED);
        for metric in ["a", "b"] {
            let mut hours: BTreeMap<i64, i32> = BTreeMap::new();
            for (time, _) in &self.acknowledged[metric] {
                *hours.entry(time.div_euclid(HOUR) * HOUR).or_default() += 1;
            }
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let mut expected: Vec<(i64, u32)> =
                hours.iter().map(|(hour, count)| (*hour, (*count as f32).to_bits())).collect();
            expected.pop(); // it is not over: samples have just come
            let found = &rolled[&format!("{metric}.count")];
            assert_eq!(found, &expected, "{}: {metric}", self.at);
        }
    }

    fn read(&self, database: &str) -> Content {
        self.try_read(database).unwrap_or_else(|error| panic!("{}: {error}", self.at))
    }

    fn try_read(&self, database: &str) -> Result<Content, Error> {
        let database = self.engine().database(database)?;
        let mut content = Content::new();
        for metric in database.metrics() {
            let series = database.range_query(&metric.name, RangeQuery::all(TimeRange::ALL))?;
            let samples: Vec<_> = series.times.iter().copied().zip(series.raws).collect();
            if !samples.is_empty() {
                content.insert(metric.name, samples);
            }
        }
        Ok(content)
    }

    /// Every acknowledged sample is there, and no other.
    fn judge(&self, found: &Content, when: &str) {
        let mut expected = self.acknowledged.clone();
        let mut found = found.clone();
        if self.work == Work::Delete && !self.is_deleted {
            for (metric, samples) in &mut expected {
                let found = found.entry(metric.clone()).or_default();
                samples.retain(|sample| found.contains(sample) || !is_doomed(metric, sample.0));
            }
        }
        for (metric, samples) in &self.perhaps {
            let found = found.entry(metric.clone()).or_default();
            found.retain(|sample| !samples.contains(sample));
        }
        if self.work == Work::Archive {
            self.take_archived(&mut found);
        }
        found.retain(|_, samples| !samples.is_empty());
        expected.retain(|_, samples| !samples.is_empty());
        assert_eq!(found, expected, "{}, {when}", self.at);
    }

    /// Adds what is in the archive, and in no other file.
    fn take_archived(&self, found: &mut Content) {
        let directory = self.host.directory(SOURCE).expect("set");
        let archive = directory.read(&name("archive-2026-01.tar"));
        let Some(archive) = archive.expect("it can be read") else { return };
        let unpacked = MemoryStorage::new();
        replace(&unpacked, "a.tar", "");
        unpacked.open(&name("a.tar")).and_then(|mut file| file.append(&archive)).expect("memory");
        let (entries, _) = tar::entries(&unpacked.open(&name("a.tar")).expect("it is there"))
            .unwrap_or_else(|error| panic!("{}: {error}", self.at));
        let host = LocalHost::new(MemoryStorage::new);
        let files = MemoryStorage::new();
        let catalog = directory.read(&name("catalog.json")).expect("it can be read");
        files.replace(&name("catalog.json"), &catalog.unwrap_or_default()).expect("memory");
        for entry in entries {
            let at = usize::try_from(entry.offset).expect("it is in memory");
            let content = &archive[at..at + usize::try_from(entry.size).expect("as well")];
            files.replace(&name(&entry.name), content).expect("memory");
        }
        host.set_database("archived", files);
        let engine = Engine::open(host, EngineOptions::default()).expect("memory");
        let archived = engine.database("archived").expect("it was unpacked");
        let kept = self.database().partitions();
        for metric in archived.metrics() {
            let series = archived.range_query(&metric.name, RangeQuery::all(TimeRange::ALL));
            let series = series.expect("memory");
            let samples = series.times.iter().copied().zip(series.raws);
            // A file may have come to the archive and be where it was, too.
            let samples = samples.filter(|(time, _)| !kept.contains(&key_of(*time)));
            let all = found.entry(metric.name).or_default();
            all.extend(samples);
            all.sort_by_key(|(time, _)| *time);
        }
    }
}

/// What is to be deleted of a metric.
fn doomed(metric: &str) -> TimeRange {
    match metric {
        "a" => {
            TimeRange { from: Timestamp(START + 2 * HOUR), to: Timestamp(START + 2 * DAY + HOUR) }
        }
        _ => TimeRange::ALL,
    }
}

fn is_doomed(metric: &str, time: i64) -> bool {
    ["a", "b"].contains(&metric) && doomed(metric).contains(Timestamp(time))
}

fn settings(work: Work) -> EngineSettings {
    let mut settings = EngineSettings::fresh();
    settings.durability = Durability::Balanced;
    settings.stats.enabled = false;
    settings.metrics.enabled = work == Work::Seal;
    settings.metrics.raw_ingest_action = RawAction::Delete;
    if work == Work::Log {
        settings.wal.fsync_policy = FsyncPolicy::Always;
        settings.wal.max_segment_size = 400;
    }
    settings.manifest_defaults.page_max_records = 4;
    settings.manifest_defaults.max_active_days = 1;
    settings.manifest_defaults.wal_skip_before = written("0s");
    settings
}

fn manifest(work: Work, settings: &EngineSettings) -> String {
    let mut manifest = settings.manifest_defaults.clone();
    manifest.retention_days = 1;
    manifest.retention_action = match work {
        Work::Retention => RetentionAction::Delete,
        Work::Archive => RetentionAction::Archive,
        _ => RetentionAction::Keep,
    };
    if work == Work::Rollup {
        manifest.rollups.enabled = true;
        manifest.rollups.jobs = vec![RollupJob {
            id: "all".to_owned(),
            source: RollupSource::Pattern(Pattern::new("*").expect("a pattern")),
            exclude_patterns: vec![],
            interval: written("1h"),
            aggregates: vec!["count".to_owned()],
            destination_db: ROLLED.to_owned(),
            destination_metric_prefix: String::new(),
            grace: Some(written("0s")),
        }];
    }
    manifest.to_toml()
}

fn written(text: &str) -> WrittenDuration {
    WrittenDuration::new(text).expect("a duration")
}

fn name(text: &str) -> FileName {
    FileName::new(text).expect("a name")
}

fn replace(directory: &impl Storage, file: &str, text: &str) {
    directory.replace(&name(file), text.as_bytes()).expect("nothing fails yet");
}

fn key_of(time: i64) -> String {
    use nanotdb_core::partition::Partition;
    use nanotdb_core::settings::Partitioning;
    Partition::containing(Partitioning::Day, Timestamp(time)).to_string()
}
