//! Runs plans on simulated disks that lose power, processes that die and writes that fail, and
//! compares what comes back with what was promised.
//!
//! Every check returns what is wrong instead of panicking, so that tests can also demand that
//! something is found: on a disk that lies, or with a protocol that skips a step.

use crate::operations::{Operation, Point, START, Step};
use nanotdb_core::engine::testing::LocalHost;
use nanotdb_core::engine::{
    BuildOptions, ConvertOptions, Database, Engine, EngineOptions, Row, Target,
};
use nanotdb_core::partition::Partition;
use nanotdb_core::query::RangeQuery;
use nanotdb_core::settings::{
    Durability, EngineSettings, FsyncPolicy, Partitioning, RawAction, WrittenDuration,
};
use nanotdb_core::storage::{
    self, FileName, Flaw, SimFile, SimOptions, SimStorage, Storage, StorageErrorKind, StorageFile,
    Window,
};
use nanotdb_core::{Error, TimeRange, Timestamp, Value, ValueType};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The one database.
const DATABASE: &str = "db";

/// What a check found to be wrong.
pub type Found = Result<(), String>;

/// How the store keeps its promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// When data files are synced.
    pub durability: Durability,
    /// When the log is synced.
    pub policy: FsyncPolicy,
    /// Whether there is a log.
    pub log: bool,
}

impl Setup {
    /// Every combination that differs.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for durability in [Durability::Strict, Durability::Balanced, Durability::Throughput] {
            for policy in [FsyncPolicy::Segment, FsyncPolicy::Always] {
                all.push(Self { durability, policy, log: true });
            }
            all.push(Self { durability, policy: FsyncPolicy::Segment, log: false });
        }
        all
    }

    /// Small pages, so that a short plan fills many.
    fn settings(self) -> EngineSettings {
        let mut settings = EngineSettings::fresh();
        settings.durability = self.durability;
        settings.wal.fsync_policy = self.policy;
        settings.wal.max_segment_size = 6000;
        settings.manifest_defaults.wal_enabled = self.log;
        settings.manifest_defaults.page_max_records = 25;
        settings.metrics.enabled = self.seals();
        settings.manifest_defaults.max_active_days = 1;
        settings.metrics.raw_ingest_action = match self.durability {
            Durability::Strict => RawAction::Keep,
            Durability::Balanced => RawAction::Rename,
            Durability::Throughput => RawAction::Delete,
        };
        if let Ok(window) = WrittenDuration::new("20h") {
            settings.manifest_defaults.wal_skip_before = window;
        }
        settings
    }

    /// Whether partitions get metric files as time goes on, and not only when asked for.
    const fn seals(self) -> bool {
        matches!(self.policy, FsyncPolicy::Always) || !self.log
    }
}

/// How a process ends that did not want to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The system goes on and keeps what it was handed.
    Kill,
    /// Only what was synced is sure to stay.
    PowerCut,
}

impl End {
    /// What is left of the disk.
    pub fn after(self, disk: &SimStorage, seed: u64) -> SimStorage {
        match self {
            Self::Kill => disk.after_kill(seed),
            Self::PowerCut => disk.after_crash(seed),
        }
    }
}

/// A simulated disk, or something around one.
pub trait Disk: Storage + Clone + 'static {
    /// Around this one.
    fn on(disk: SimStorage) -> Self;
}

impl Disk for SimStorage {
    fn on(disk: SimStorage) -> Self {
        disk
    }
}

/// A disk that says it has synced data files, and has not.
#[derive(Debug, Clone)]
pub struct Forgetful(SimStorage);

/// A file of a [`Forgetful`] disk.
#[derive(Debug)]
pub struct ForgetfulFile {
    file: SimFile,
    forgets: bool,
}

impl Disk for Forgetful {
    fn on(disk: SimStorage) -> Self {
        Self(disk)
    }
}

impl Forgetful {
    fn file(name: &FileName, file: SimFile) -> ForgetfulFile {
        ForgetfulFile { file, forgets: name.as_str().starts_with("data-") }
    }
}

impl Storage for Forgetful {
    type File = ForgetfulFile;

    fn list(&self) -> storage::Result<Vec<FileName>> {
        self.0.list()
    }

    fn create(&self, name: &FileName) -> storage::Result<ForgetfulFile> {
        self.0.create(name).map(|file| Self::file(name, file))
    }

    fn open(&self, name: &FileName) -> storage::Result<ForgetfulFile> {
        self.0.open(name).map(|file| Self::file(name, file))
    }

    fn open_log(&self, name: &FileName) -> storage::Result<ForgetfulFile> {
        self.0.open_log(name).map(|file| Self::file(name, file))
    }

    fn rename(&self, from: &FileName, to: &FileName) -> storage::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &FileName) -> storage::Result<()> {
        self.0.remove(name)
    }

    fn sync_dir(&self) -> storage::Result<()> {
        self.0.sync_dir()
    }
}

impl StorageFile for ForgetfulFile {
    fn len(&self) -> storage::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> storage::Result<usize> {
        self.file.read_at(offset, buf)
    }

    fn append(&mut self, bytes: &[u8]) -> storage::Result<()> {
        self.file.append(bytes)
    }

    fn truncate(&mut self, len: u64) -> storage::Result<()> {
        self.file.truncate(len)
    }

    fn sync(&mut self) -> storage::Result<()> {
        if self.forgets { Ok(()) } else { self.file.sync() }
    }
}

type Db<D> = Arc<Database<LocalHost<D>>>;

/// An open store and the disk below it.
struct Open<D: Disk> {
    host: LocalHost<D>,
    engine: Engine<LocalHost<D>>,
    database: Db<D>,
}

impl<D: Disk> Open<D> {
    fn on(setup: Setup, disk: &SimStorage, now: i64) -> Result<Self, Error> {
        let name = FileName::new("engine.toml")?;
        let files = BTreeMap::from([(name, setup.settings().to_toml().into_bytes())]);
        let root = SimStorage::holding(files);
        let host = LocalHost::new(move || D::on(root.clone()));
        host.set_database(DATABASE, D::on(disk.clone()));
        host.clock.set(Timestamp(now));
        Self::again(host)
    }

    fn again(host: LocalHost<D>) -> Result<Self, Error> {
        let engine = Engine::open(host.clone(), EngineOptions::default())?;
        let database = engine.create_database(DATABASE)?;
        Ok(Self { host, engine, database })
    }
}

/// Everything in a database, by metric.
pub type Content = BTreeMap<String, (ValueType, Vec<(i64, u32)>)>;

fn read<D: Disk>(database: &Db<D>) -> Result<Content, String> {
    let mut content = Content::new();
    let mut total = 0;
    for metric in database.metrics() {
        let failed = |error| format!("cannot read {}: {error}", metric.name);
        let query = RangeQuery::all(TimeRange::ALL);
        let series = database.range_query(&metric.name, query).map_err(failed)?;
        let points: Vec<_> = series.times.iter().copied().zip(series.raws).collect();
        let last = database.last(&metric.name).map_err(failed)?;
        let last = last.map(|sample| (sample.time.0, sample.value.to_raw()));
        if last != points.last().copied() {
            return Err(format!("{}: last is {last:?} of {points:?}", metric.name));
        }
        total += points.len();
        if !points.is_empty() {
            content.insert(metric.name, (metric.value_type, points));
        }
    }
    let mut scanned = 0;
    let count = |ids: &[u16]| scanned += ids.len();
    let mut count = count;
    database
        .scan(TimeRange::ALL, |ids, _, _| {
            count(ids);
            Ok(())
        })
        .map_err(|error| format!("cannot scan: {error}"))?;
    if scanned != total {
        return Err(format!("queries find {total} samples, a scan {scanned}"));
    }
    Ok(content)
}

/// One sample that was tried.
#[derive(Debug, Clone, Copy)]
struct Entry {
    time: i64,
    raw: u32,
    acknowledged: bool,
    /// Whether it was refused. Its record was cut off the log, which a power cut may undo.
    refused: bool,
    /// Whether it must survive a kill, and a power cut.
    promised: [bool; 2],
}

/// What was tried and what was promised.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    metrics: BTreeMap<String, (ValueType, Vec<Entry>)>,
    /// How many operations failed without leaving doubt.
    refused: u64,
}

/// What is printed of the neighbours of a wrong sample.
const NEAR: u64 = 1_000_000_000;

const KILL: usize = 0;
const CUT: usize = 1;

impl Ledger {
    /// Notes an attempt; the answer says what became of it.
    fn attempt(&mut self, point: &Point) {
        let (_, entries) = self
            .metrics
            .entry(point.metric.clone())
            .or_insert_with(|| (point.value.value_type(), Vec::new()));
        let (time, raw) = (point.time, point.value.to_raw());
        let (acknowledged, refused, promised) = (false, false, [false; 2]);
        entries.push(Entry { time, raw, acknowledged, refused, promised });
    }

    fn entries(&mut self, metric: &str) -> &mut Vec<Entry> {
        &mut self.metrics.get_mut(metric).expect("it was attempted").1
    }

    /// The newest attempt was acknowledged.
    fn acknowledge(&mut self, metric: &str, at: usize, promised: [bool; 2]) {
        let entry = &mut self.entries(metric)[at];
        (entry.acknowledged, entry.promised) = (true, promised);
    }

    /// Everything acknowledged so far is promised to survive.
    fn promise(&mut self, kill: bool, cut: bool) {
        for (_, entries) in self.metrics.values_mut() {
            for entry in entries.iter_mut().filter(|entry| entry.acknowledged) {
                entry.promised[KILL] |= kill;
                entry.promised[CUT] |= cut;
            }
        }
    }

    /// What was not acknowledged so far is refused.
    fn note_refusal(&mut self) {
        self.refused += 1;
        let entries = self.metrics.values_mut().flat_map(|(_, entries)| entries);
        entries.filter(|entry| !entry.acknowledged).for_each(|entry| entry.refused = true);
    }

    /// Number of samples promised to survive.
    pub fn promised(&self, end: End) -> usize {
        let of = |entries: &Vec<Entry>| entries.iter().filter(|e| e.promised[end as usize]).count();
        self.metrics.values().map(|(_, entries)| of(entries)).sum()
    }

    /// What is wrong with what was found, where entries that `must` picks are to be there.
    fn judge(&self, found: &Content, must: impl Fn(&Entry) -> bool) -> Found {
        for (metric, (value_type, points)) in found {
            let Some((expected, entries)) = self.metrics.get(metric) else {
                return Err(format!("{metric} was never written and has {points:?}"));
            };
            if expected != value_type {
                return Err(format!("{metric} has type {value_type}, not {expected}"));
            }
            let mut tried = entries.iter();
            for point in points {
                let is_it = |entry: &&Entry| (entry.time, entry.raw) == *point;
                let mut later = tried.clone();
                if later.by_ref().any(|entry| is_it(&entry)) {
                    tried = later;
                    continue;
                }
                // One that was refused, and came back with an end of a log that was cut off, is in
                // the log that it was meant for: of equal times it may stand anywhere.
                if !entries.iter().any(|entry| entry.refused && is_it(&entry)) {
                    return Err(format!(
                        "{metric}: {point:?} was never tried, is there twice or in another order; \
                         around it there is {:?}, tried was {:?}",
                        points
                            .iter()
                            .filter(|near| near.0.abs_diff(point.0) < NEAR)
                            .collect::<Vec<_>>(),
                        entries
                            .iter()
                            .filter(|e| e.time.abs_diff(point.0) < NEAR)
                            .map(|e| (e.time, e.raw))
                            .collect::<Vec<_>>(),
                    ));
                }
            }
        }
        for (metric, (_, entries)) in &self.metrics {
            let mut counts: BTreeMap<(i64, u32), i64> = BTreeMap::new();
            for point in found.get(metric).map(|(_, points)| points.as_slice()).unwrap_or_default()
            {
                *counts.entry(*point).or_default() += 1;
            }
            for entry in entries.iter().filter(|entry| must(entry)) {
                let left = counts.entry((entry.time, entry.raw)).or_default();
                *left -= 1;
                if *left < 0 {
                    return Err(format!("{metric}: {entry:?} is lost"));
                }
            }
        }
        Ok(())
    }

    /// Judges what an end left, and goes on from there: what is lost may not come back, and what
    /// was found is to survive the next end of the same kind.
    fn absorb(&mut self, found: &Content, end: End) -> Found {
        self.judge(found, |entry| entry.promised[end as usize])?;
        let old = core::mem::take(&mut self.metrics);
        for (metric, (value_type, points)) in found {
            let mut synced: BTreeMap<(i64, u32), i64> = BTreeMap::new();
            for entry in old.get(metric).map(|(_, old)| old.as_slice()).unwrap_or_default() {
                *synced.entry((entry.time, entry.raw)).or_default() +=
                    i64::from(entry.promised[CUT]);
            }
            let mut refused = old.get(metric).map_or(Vec::new(), |(_, old)| old.clone());
            refused.retain(|entry| entry.refused && end == End::Kill);
            let mut refused = refused.into_iter().peekable();
            let mut entries = Vec::new();
            for &(time, raw) in points {
                // Times of a metric do not step back, so this is their order, too.
                while let Some(entry) = refused.next_if(|entry| entry.time <= time) {
                    entries.push(entry);
                }
                let left = synced.entry((time, raw)).or_default();
                *left -= 1;
                // Whatever comes back after a power cut is on the disk.
                let promised = [true, end == End::PowerCut || *left >= 0];
                entries.push(Entry { time, raw, acknowledged: true, refused: false, promised });
            }
            entries.extend(refused);
            self.metrics.insert(metric.clone(), (*value_type, entries));
        }
        Ok(())
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every step was tried.
    Finished,
    /// The disk stopped.
    Crashed,
    /// A write failed and left doubt: the store refused the next one.
    Poisoned,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The disk stopped.
    Crashed,
    /// Nothing has changed; it may be tried again.
    Refused,
    /// Nobody knows what the disk holds.
    Doubtful,
}

/// How often a program tries to open or close a store before it gives up.
const PATIENCE: usize = 10_000;

/// Runs a plan until it ends or the disk fails, noting in `ledger` what is tried and promised.
pub fn run<D: Disk>(
    setup: Setup,
    disk: &SimStorage,
    plan: &[Step],
    ledger: &mut Ledger,
) -> Result<Outcome, String> {
    let start = plan.first().map_or(START, |step| step.now);
    let mut open = None;
    for _ in 0..PATIENCE {
        match Open::<D>::on(setup, disk, start) {
            Ok(opened) => open = Some(opened),
            Err(error) => match failure(disk, &error, "open")? {
                Failure::Crashed => return Ok(Outcome::Crashed),
                Failure::Refused => ledger.refused += 1,
                Failure::Doubtful => return Ok(Outcome::Poisoned),
            },
        }
        if open.is_some() {
            break;
        }
    }
    let mut open = open.ok_or("it never opens")?;
    for (number, step) in plan.iter().enumerate() {
        open.host.clock.set(Timestamp(step.now));
        let at = || format!("step {number}, {:?}", step.operation);
        let opens = matches!(step.operation, Operation::Reopen | Operation::Abandon);
        for _ in 0..if opens { PATIENCE } else { 1 } {
            let answer = perform(setup, disk, &mut open, step, ledger);
            let Err(error) = answer.map_err(|error| format!("{}: {error}", at()))? else { break };
            match failure(disk, &error, &at())? {
                Failure::Crashed => return Ok(Outcome::Crashed),
                Failure::Refused => {
                    ledger.note_refusal();
                    answers(disk, &open, ledger).map_err(|error| format!("{}: {error}", at()))?;
                }
                Failure::Doubtful if opens => return Ok(Outcome::Poisoned),
                Failure::Doubtful => {
                    if refuses(disk, &open, &error, ledger)? {
                        return Ok(Outcome::Poisoned);
                    } // else a build failed, which touches nothing that was there
                }
            }
        }
    }
    if disk.has_crashed() {
        return Ok(Outcome::Crashed); // while a page was written, say, that may as well be later
    }
    answers(disk, &open, ledger)?;
    Ok(Outcome::Finished)
}

/// Whether an error is the disk's, and not the engine's own, and what it means.
fn failure(disk: &SimStorage, error: &Error, at: &str) -> Result<Failure, String> {
    if disk.has_crashed() {
        return Ok(Failure::Crashed);
    }
    match error {
        Error::Storage(error) if error.detail.starts_with("injected") => {
            Ok(if error.in_doubt { Failure::Doubtful } else { Failure::Refused })
        }
        // It failed while a partition was sealed behind somebody's sample, which was taken.
        Error::Poisoned { cause } if cause.starts_with("injected") => Ok(Failure::Doubtful),
        error => Err(format!("{at}: {error}")),
    }
}

/// Everything acknowledged is there to be read.
fn answers<D: Disk>(disk: &SimStorage, open: &Open<D>, ledger: &Ledger) -> Found {
    let found = disk.undisturbed(|| read(&open.database))?;
    ledger.judge(&found, |entry| entry.acknowledged)
}

/// After a failure that left doubt: later writes are refused with the first cause, and reads go on.
fn refuses<D: Disk>(
    disk: &SimStorage,
    open: &Open<D>,
    first: &Error,
    ledger: &Ledger,
) -> Result<bool, String> {
    answers(disk, open, ledger)?;
    let Err(error) = open.database.tick() else { return Ok(false) };
    let poisoned = match first {
        Error::Poisoned { .. } => first.clone(),
        first => Error::Poisoned { cause: first.to_string() },
    };
    let add = open.database.add("refused", Timestamp(START), 1);
    let flush = open.database.flush();
    let close = open.database.close();
    let metric = open.database.metric("refused", ValueType::I32).map(drop);
    for answer in [Err(error), add, flush, close, metric] {
        if answer != Err(poisoned.clone()) {
            return Err(format!("after {first:?} the answer is {answer:?}"));
        }
    }
    answers(disk, open, ledger)?;
    Ok(true)
}

/// Does one thing. The outer error is a broken promise, the inner one what the engine answered.
fn perform<D: Disk>(
    setup: Setup,
    disk: &SimStorage,
    open: &mut Open<D>,
    step: &Step,
    ledger: &mut Ledger,
) -> Result<Result<(), Error>, String> {
    let synced = setup.durability != Durability::Throughput;
    let answer = match &step.operation {
        Operation::Add(point) => add(setup, open, core::slice::from_ref(point), ledger),
        Operation::Batch(points) => add(setup, open, points, ledger),
        Operation::Flush => open.database.flush().inspect(|()| ledger.promise(true, synced)),
        Operation::Tick => open.engine.tick().map(drop),
        Operation::Build { day, action, codec, version } => {
            let mut options = BuildOptions::default();
            (options.raw_action, options.codec, options.version) = (*action, *codec, *version);
            match open.database.build_metric_file(&key_of(*day), options).map(drop) {
                Err(Error::Rejected(_)) => Ok(()),
                other => other,
            }
        }
        Operation::Convert { day, codec, version } => {
            let mut options = ConvertOptions::default();
            (options.codec, options.version) = (*codec, *version);
            match open.database.convert_metric_file(&key_of(*day), options).map(drop) {
                Err(Error::Rejected(_)) => Ok(()),
                other => other,
            }
        }
        Operation::Recompact { day } => match open.database.recompact(&key_of(*day)) {
            Err(Error::Rejected(_)) => Ok(()),
            Ok(report) if report.old.frames > 0 => {
                ledger.promise(true, true);
                Ok(())
            }
            other => other.map(drop),
        },
        Operation::Reopen => {
            if let Err(mut errors) = open.engine.close() {
                Err(errors.remove(0))
            } else {
                ledger.promise(true, true);
                reopen(disk, open, ledger)?
            }
        }
        Operation::Abandon => reopen(disk, open, ledger)?,
    };
    Ok(answer)
}

/// The partition of a day counted from [`START`].
fn key_of(day: i64) -> String {
    let time = Timestamp(START + day * crate::operations::DAY);
    Partition::containing(Partitioning::Day, time).to_string()
}

fn reopen<D: Disk>(
    disk: &SimStorage,
    open: &mut Open<D>,
    ledger: &mut Ledger,
) -> Result<Result<(), Error>, String> {
    match Open::again(open.host.clone()) {
        Ok(again) => *open = again,
        Err(error) => return Ok(Err(error)),
    }
    ledger.absorb(&disk.undisturbed(|| read(&open.database))?, End::Kill)?;
    Ok(Ok(()))
}

/// Adds samples and notes what became of them.
fn add<D: Disk>(
    setup: Setup,
    open: &Open<D>,
    points: &[Point],
    ledger: &mut Ledger,
) -> Result<(), Error> {
    for point in points {
        ledger.attempt(point);
    }
    let row = |point: &'_ Point| -> (Timestamp, Value) { (Timestamp(point.time), point.value) };
    let mut rejected = Vec::new();
    if let [point] = points {
        match open.database.add(&point.metric, Timestamp(point.time), point.value) {
            Err(Error::Rejected(_)) => rejected.push(0),
            other => other?,
        }
    } else {
        let rows = points.iter().map(|point| {
            let (time, value) = row(point);
            Row { target: Target::Name(&point.metric), time, value }
        });
        let report = open.database.add_rows(rows)?;
        rejected.extend(report.rejected.iter().map(|(at, _)| *at));
    }
    // Backwards, so that each attempt is the last of its metric that is undecided.
    let mut decided: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, point) in points.iter().enumerate().rev() {
        let behind = decided.entry(&point.metric).or_default();
        let entries = ledger.entries(&point.metric);
        let at = entries.len() - 1 - *behind;
        if rejected.contains(&number) {
            entries.remove(at);
        } else {
            *behind += 1;
            let logged = setup.log;
            let synced = logged && setup.policy == FsyncPolicy::Always;
            ledger.acknowledge(&point.metric, at, [logged, synced]);
        }
    }
    Ok(())
}

/// What a disk has after an end, looked at in every way. `disk` makes it anew each time.
pub fn examine<D: Disk>(
    setup: Setup,
    ledger: &Ledger,
    end: End,
    now: i64,
    disk: impl Fn() -> SimStorage,
) -> Result<Content, String> {
    let disk = disk();
    let open = Open::<D>::on(setup, &disk, now).map_err(|error| format!("no open: {error}"))?;
    let found = read(&open.database)?;
    ledger.clone().absorb(&found, end)?;
    let Open { host, engine, database } = open;
    drop((engine, database)); // once more, without a word
    let open = Open::again(host.clone()).map_err(|error| format!("no second open: {error}"))?;
    let second = read(&open.database)?;
    if second != found {
        return Err(format!(
            "the second open finds other samples: {}",
            difference(&second, &found)
        ));
    }
    let expected = append(&open.database, found.clone(), now)?;
    open.engine.close().map_err(|errors| format!("cannot close: {errors:?}"))?;
    let open = Open::again(host).map_err(|error| format!("no third open: {error}"))?;
    let third = read(&open.database)?;
    if third != expected {
        return Err(format!("after appending: {}", difference(&third, &expected)));
    }
    let report = open.database.verify(|_| ()).map_err(|error| format!("verify: {error}"))?;
    if !report.is_whole() {
        return Err(format!("not whole: {report:?}"));
    }
    Ok(found)
}

fn difference(found: &Content, expected: &Content) -> String {
    let differs = |metric: &&String| found.get(*metric) != expected.get(*metric);
    let Some(metric) = found.keys().chain(expected.keys()).find(differs) else {
        return String::new();
    };
    let points = |content: &Content| content.get(metric).map_or(Vec::new(), |(_, p)| p.clone());
    let (found, expected) = (points(found), points(expected));
    let same = found.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    format!("{metric} from {same} on: {:?} instead of {:?}", &found[same..], &expected[same..])
}

/// Writes a sample of every metric, and of a new one.
fn append<D: Disk>(database: &Db<D>, mut content: Content, now: i64) -> Result<Content, String> {
    content.insert("new".into(), (ValueType::I32, Vec::new()));
    for (metric, (value_type, points)) in &mut content {
        let time = points.last().map_or(now, |(time, _)| *time);
        // None that a plan uses: equal samples of a sealed partition count once.
        let raw = 1_000_000_007;
        let value = Value::from_raw(*value_type, raw);
        let added = database.add(metric, Timestamp(time), value);
        added.map_err(|error| format!("cannot append to {metric}: {error}"))?;
        points.push((time, raw));
    }
    Ok(content)
}

/// Counts the mutations of a plan that nothing disturbs, and checks it.
pub fn count_steps<D: Disk>(setup: Setup, plan: &[Step]) -> Result<u64, String> {
    let disk = SimStorage::new();
    let mut ledger = Ledger::default();
    match run::<D>(setup, &disk, plan, &mut ledger)? {
        Outcome::Finished => Ok(disk.steps()),
        outcome => Err(format!("without any fault the run ends as {outcome:?}")),
    }
}

/// What to do at every step of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// How the store keeps its promises.
    pub setup: Setup,
    /// How the process ends.
    pub end: End,
    /// A mistake in the storage.
    pub flaw: Option<Flaw>,
    /// Seeds of [`End::after`]: so many at each step, going on with the next ones at the next
    /// step. The first two, nothing and everything, come at each step.
    pub seeds: u64,
    /// Every how manieth crash is followed by others at every step of the recovery.
    pub recoveries: u64,
}

/// How much a campaign did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Crashes in the middle of the plan.
    pub crashes: u64,
    /// Crashes in the middle of a recovery.
    pub in_recovery: u64,
    /// Samples that were promised and found.
    pub promised: u64,
}

/// Crashes at every step.
pub fn crash_everywhere<D: Disk>(campaign: Campaign, plan: &[Step]) -> Result<Tally, String> {
    let Campaign { setup, end, flaw, seeds, recoveries } = campaign;
    let now = plan.last().map_or(START, |step| step.now);
    let steps = count_steps::<D>(setup, plan)?;
    let mut tally = Tally::default();
    for step in 1..=steps {
        let options = SimOptions { crash_at: Some(step), flaw, ..SimOptions::default() };
        let disk = SimStorage::new().with_options(options);
        let mut ledger = Ledger::default();
        let at = |error| format!("{setup:?} {end:?} at step {step}: {error}");
        if run::<D>(setup, &disk, plan, &mut ledger).map_err(at)? != Outcome::Crashed {
            break; // with a flaw there are fewer steps
        }
        let others = (0..seeds.saturating_sub(2)).map(|n| 2 + step * seeds + n);
        for seed in (0..seeds.min(2)).chain(others) {
            let at = |error| format!("{setup:?} {end:?} at step {step}, seed {seed}: {error}");
            let left = || end.after(&disk, seed);
            let found = examine::<D>(setup, &ledger, end, now, left).map_err(at)?;
            tally.crashes += 1;
            tally.promised += ledger.promised(end) as u64;
            if recoveries > 0 && (step + seed).is_multiple_of(recoveries) {
                let mut after = ledger.clone();
                after.absorb(&found, end).map_err(at)?;
                tally.in_recovery +=
                    crash_recovery::<D>(setup, &after, now, seed, left).map_err(at)?;
            }
        }
    }
    Ok(tally)
}

/// Crashes at every step of opening what a crash has left. Returns how often.
fn crash_recovery<D: Disk>(
    setup: Setup,
    ledger: &Ledger,
    now: i64,
    seed: u64,
    left: impl Fn() -> SimStorage,
) -> Result<u64, String> {
    for step in 1.. {
        let options = SimOptions { crash_at: Some(step), ..SimOptions::default() };
        let disk = left().with_options(options);
        drop(Open::<D>::on(setup, &disk, now));
        if !disk.has_crashed() {
            return Ok(step - 1);
        }
        for end in [End::Kill, End::PowerCut] {
            examine::<D>(setup, ledger, end, now, || end.after(&disk, seed))
                .map_err(|error| format!("then {end:?} at step {step} of opening: {error}"))?;
        }
    }
    Ok(0)
}

/// Crash after crash on one disk, each at a random step of a plan that goes on.
pub fn chain<D: Disk>(setup: Setup, seed: u64, links: usize, steps: usize) -> Result<u64, String> {
    let mut random = crate::random::Random::new(seed ^ 0x6368_6169);
    let mut planner = crate::operations::Planner::new(seed);
    let mut disk = SimStorage::new();
    let mut ledger = Ledger::default();
    let mut crashes = 0;
    for link in 0..links {
        let plan = planner.steps(steps);
        let crash_at = Some(1 + random.below(steps as u64 * 2));
        disk = disk.with_options(SimOptions { crash_at, ..SimOptions::default() });
        let at = |error| format!("{setup:?} chain {seed}, link {link}: {error}");
        let outcome = run::<D>(setup, &disk, &plan, &mut ledger).map_err(at)?;
        // A plan that got to its end dies where it stands.
        let end = if random.one_in(2) { End::Kill } else { End::PowerCut };
        let fate = random.below(12);
        let left = || end.after(&disk, fate);
        let found = examine::<D>(setup, &ledger, end, planner.now(), left).map_err(|error| {
            at(format!("{end:?} at {crash_at:?}, fate {fate}, {outcome:?}: {error}"))
        })?;
        ledger.absorb(&found, end).map_err(at)?;
        disk = left();
        crashes += 1;
    }
    Ok(crashes)
}

/// A kill at every one of the first steps, and a power cut at every one of the first steps of
/// what the next process does: what a process left to the system is not its successor's to lose.
pub fn kill_then_cut<D: Disk>(
    setup: Setup,
    kills: u64,
    cuts: u64,
    plan: &[Step],
    next: &[Step],
) -> Result<u64, String> {
    let now = next.last().map_or(START, |step| step.now);
    let mut crashes = 0;
    for (kill_at, cut_at) in (1..=kills).flat_map(|kill| (1..=cuts).map(move |cut| (kill, cut))) {
        let at = |error| format!("{setup:?} kill at {kill_at}, power cut at {cut_at}: {error}");
        let mut ledger = Ledger::default();
        let disk = SimStorage::crashing_at(kill_at);
        run::<D>(setup, &disk, plan, &mut ledger).map_err(at)?;
        let found = examine::<D>(setup, &ledger, End::Kill, now, || disk.after_kill(1));
        ledger.absorb(&found.map_err(at)?, End::Kill).map_err(at)?;
        let options = SimOptions { crash_at: Some(cut_at), ..SimOptions::default() };
        let disk = disk.after_kill(1).with_options(options);
        run::<D>(setup, &disk, next, &mut ledger).map_err(at)?;
        for seed in [0, 1, kill_at * cuts + cut_at + 2] {
            examine::<D>(setup, &ledger, End::PowerCut, now, || disk.after_crash(seed))
                .map_err(at)?;
            crashes += 1;
        }
    }
    Ok(crashes)
}

/// Lets every step fail, one after the other, and goes on. Where a sync failed, opens the store
/// again on a disk that works. Returns how many operations were refused.
pub fn fail_everywhere<D: Disk>(
    setup: Setup,
    kind: StorageErrorKind,
    plan: &[Step],
) -> Result<u64, String> {
    let now = plan.last().map_or(START, |step| step.now);
    let steps = count_steps::<D>(setup, plan)?;
    let mut refused = 0;
    for step in 1..=steps {
        let at = |error| format!("{setup:?} {kind:?} at step {step}: {error}");
        let disk = SimStorage::failing_at(step, kind);
        let mut ledger = Ledger::default();
        let outcome = run::<D>(setup, &disk, plan, &mut ledger).map_err(at)?;
        refused += ledger.refused + u64::from(outcome == Outcome::Poisoned);
        let healed = disk.with_options(SimOptions::default());
        // The process goes away, the disk does not: as after a kill that interrupts nothing.
        examine::<D>(setup, &ledger, End::Kill, now, || healed.after_kill(0)).map_err(at)?;
    }
    Ok(refused)
}

/// What lasts for a while and then is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spell {
    /// The disk is full.
    FullDisk,
    /// No file can be opened: the process has as many as it may.
    TooManyFiles,
    /// No file can be opened: the process lacks the permission.
    Denied,
}

impl Spell {
    fn options(self, window: Window) -> SimOptions {
        let cannot_open =
            |kind| SimOptions { cannot_open: Some((window, kind)), ..SimOptions::default() };
        match self {
            Self::FullDisk => SimOptions { full: Some(window), ..SimOptions::default() },
            Self::TooManyFiles => cannot_open(StorageErrorKind::TooManyFiles),
            Self::Denied => cannot_open(StorageErrorKind::Denied),
        }
    }

    fn length(self, disk: &SimStorage) -> u64 {
        match self {
            Self::FullDisk => disk.steps(),
            Self::TooManyFiles | Self::Denied => disk.opens(),
        }
    }
}

/// Lets a spell begin at every step and last for `count` steps. The program goes on through it and
/// closes the store afterwards: every sample that was acknowledged is there, whatever comes then.
/// Returns how many operations were refused.
pub fn outlast_everywhere<D: Disk>(
    setup: Setup,
    spell: Spell,
    count: u64,
    plan: &[Step],
) -> Result<u64, String> {
    let now = plan.last().map_or(START, |step| step.now);
    let mut plan = plan.to_vec();
    plan.push(Step { now, operation: Operation::Reopen });
    let whole = SimStorage::new();
    run::<D>(setup, &whole, &plan, &mut Ledger::default())?;
    let mut refused = 0;
    for from in 1..=spell.length(&whole) {
        let at = |error| format!("{setup:?} {spell:?} for {count} from {from} on: {error}");
        let disk = SimStorage::new().with_options(spell.options(Window { from, count }));
        let mut ledger = Ledger::default();
        let outcome = run::<D>(setup, &disk, &plan, &mut ledger).map_err(at)?;
        if outcome != Outcome::Finished {
            return Err(at(format!("it ends as {outcome:?}")));
        }
        refused += ledger.refused;
        let healed = disk.with_options(SimOptions::default());
        for end in [End::Kill, End::PowerCut] {
            examine::<D>(setup, &ledger, end, now, || end.after(&healed, 0)).map_err(at)?;
        }
    }
    Ok(refused)
}

/// A spell from every step on, and a crash somewhere in it or soon after it.
pub fn crash_in_spell<D: Disk>(
    setup: Setup,
    spell: Spell,
    count: u64,
    plan: &[Step],
) -> Result<u64, String> {
    let now = plan.last().map_or(START, |step| step.now);
    let whole = SimStorage::new();
    run::<D>(setup, &whole, plan, &mut Ledger::default())?;
    let mut random = crate::random::Random::new(count);
    let mut crashes = 0;
    for from in 1..=spell.length(&whole) {
        let crash_at = Some(match spell {
            Spell::FullDisk => from + random.below(2 * count),
            Spell::TooManyFiles | Spell::Denied => 1 + random.below(whole.steps()),
        });
        let options = SimOptions { crash_at, ..spell.options(Window { from, count }) };
        let disk = SimStorage::new().with_options(options);
        let mut ledger = Ledger::default();
        let at = |error| format!("{setup:?} {spell:?} at {from}, crash at {crash_at:?}: {error}");
        let outcome = run::<D>(setup, &disk, plan, &mut ledger).map_err(at)?;
        crashes += u64::from(outcome == Outcome::Crashed);
        for (end, seed) in [(End::Kill, 0), (End::PowerCut, 0), (End::PowerCut, from + 2)] {
            examine::<D>(setup, &ledger, end, now, || end.after(&disk, seed)).map_err(at)?;
        }
    }
    Ok(crashes)
}

/// Runs `work` on each item, on every processor.
pub fn in_parallel<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let items = Mutex::new(items);
    let threads = std::thread::available_parallelism().map_or(2, Into::into);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = { items.lock().unwrap().pop() } {
                    work(item);
                }
            });
        }
    });
}
