//! Opening a database: settings, catalog, files, and what the log adds to them.

use super::clock_watch::ClockWatch;
use super::database::Database;
use super::event::{Event, Level};
use super::files::{FileKind, StoredFile, read_frame};
use super::host::{Clock, Host, Shared};
use super::ids::{self, IDS_CACHE, RecoveredMetric};
use super::ingest::{Staged, Staging};
use super::logs::{LogKind, Logs};
use super::rollup::deleted::DELETED;
use super::rollup::seen::GONE;
use super::spare_room;
use super::state::{FileOf, Readable, State};
use super::trouble::Trouble;
use super::upkeep::build::BuildOptions;
use super::upkeep::lost::Lost;
use super::upkeep::retention::events_partition;
use super::writer::{CATALOG, End, MIN_OPEN_PAGES, WriteRules, Writer, to_u64};
use crate::catalog::{self, Catalog, Newest, Slot};
use crate::compress::Codecs;
use crate::error::{Error, Result};
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::query::{Cache, Source};
use crate::settings::{DatabaseSettings, EngineSettings, Warning};
use crate::sorted::{SortedMap, SortedSet};
use crate::stats::ReplayStats;
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use crate::wal::{Item, Log, MAX_RECORD_LEN, Record, Records, Tail};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use hashbrown::HashMap;

/// Name of a database's settings file.
pub(crate) const MANIFEST: &str = "manifest.toml";

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenReport {
    /// Log records that were taken over.
    pub replayed: u64,
    /// Log records whose sample a data file already held (D-21).
    pub duplicates: u64,
    /// What was wrong in the log, record by record; the rest was taken over (D-01).
    pub problems: Vec<String>,
    /// What was cut off the ends of data files, and where it is kept: torn appends (D-07), or
    /// damage at the very end, which looks the same.
    pub cut: Vec<String>,
    /// Bytes cut off the end of the log: a torn append (D-02).
    pub log_bytes_cut: u64,
    /// Metrics whose names are lost: samples have their ids, and neither catalog nor log has a
    /// name.
    pub recovered: Vec<RecoveredMetric>,
    /// Keys of the manifest that mean nothing here.
    pub warnings: Vec<Warning>,
}

impl OpenReport {
    /// What somebody should know of, a sentence each; empty after an ordinary opening.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let warnings = self.warnings.iter().map(|warning| format!("{MANIFEST}: {warning}"));
        let problems = self.problems.iter().map(|problem| format!("passed over {problem}"));
        let cut = self.cut.iter().map(|cut| format!("cut off {cut}"));
        warnings.chain(problems).chain(cut).chain(RecoveredMetric::note(&self.recovered))
    }
}

/// How to open a database.
#[derive(Debug)]
pub(crate) struct OpenRules<'a> {
    pub(crate) engine: &'a EngineSettings,
    pub(crate) codecs: Codecs,
    pub(crate) cache_bytes: usize,
    pub(crate) read_only: bool,
    pub(crate) logs: bool,
}

/// Opens the database in `storage`, making what it lacks unless it is for reading only.
pub(crate) fn open<H: Host>(
    host: Arc<H>,
    name: &str,
    storage: H::Storage,
    rules: &OpenRules<'_>,
    clock: Arc<H::Shared<ClockWatch>>,
) -> Result<Database<H>> {
    let mut report = OpenReport::default();
    let settings = load_manifest(&storage, name, rules, &mut report)?;
    let records = load_catalog(&storage, name)?;
    // The logs before the list of files: a writer in another process moves samples from the
    // logs to files, so in this order a reader finds them in one or in both, never in neither.
    let logs = [
        StoredLog::read(&storage, name, LogKind::Main)?,
        StoredLog::read(&storage, name, LogKind::Late)?,
    ];
    let readable = Arc::new(Readable::<H> {
        name: name.to_string(),
        codecs: rules.codecs,
        state: H::Shared::new(State::default()),
        cache: H::Shared::new(Cache::new(
            rules.cache_bytes,
            usize::try_from(rules.engine.metrics.time_cache_slots).unwrap_or(usize::MAX),
        )),
        lost: H::Shared::new(Lost::default()),
        read_only: rules.read_only,
        storage,
    });
    let has_samples = readable.find_files()?;
    let mut catalog = Catalog::from_records(records);
    if !has_samples {
        catalog.iter_mut().for_each(|entry| entry.last = Newest::None);
    }
    readable.state.write(|state| state.catalog = catalog);
    readable.load_ids()?;
    let mut writer = Writer::new(readable, host, rules, settings)?;
    let replayed = writer.replay(&logs, &mut report);
    writer.poisoning(replayed)?;
    report.recovered = ids::check_at_opening(&mut writer)?;
    tell(&mut writer, &report);
    let build = BuildOptions::from_settings(&rules.engine.metrics);
    Ok(Database::new(writer, build, rules.engine.metrics.enabled, report, clock))
}

/// Tells the host that a database is open.
fn tell<H: Host>(writer: &mut Writer<H>, report: &OpenReport) {
    let (database, host) = (writer.readable.name.as_str(), &writer.host);
    let (replay, metrics) =
        writer.readable.state.read(|state| (state.stats.replay, state.catalog.len()));
    let logs = writer.staging.logs.is_some();
    host.note(&Event::DatabaseOpened { database, logs, replay: &replay, report });
    for note in report.notes() {
        host.note(&Event::Noticed { database, note: &note });
    }
    writer.told_metrics = host.wants(Level::Trace).then_some(metrics);
}

/// A log as it was found.
#[derive(Debug)]
struct StoredLog {
    kind: LogKind,
    name: FileName,
    exists: bool,
    bytes: Vec<u8>,
}

impl StoredLog {
    fn read<S: Storage>(storage: &S, database: &str, kind: LogKind) -> Result<Self> {
        let name = kind.file_name(database)?;
        let bytes = storage.read(&name)?;
        Ok(Self { kind, name, exists: bytes.is_some(), bytes: bytes.unwrap_or_default() })
    }

    fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

fn load_manifest<S: Storage>(
    storage: &S,
    database: &str,
    rules: &OpenRules<'_>,
    report: &mut OpenReport,
) -> Result<DatabaseSettings> {
    let name = FileName::new(MANIFEST)?;
    let file = format!("{database}/{MANIFEST}");
    match storage.read(&name)? {
        Some(bytes) => {
            let text = core::str::from_utf8(&bytes).map_err(|error| Error::Settings {
                file: file.clone(),
                detail: format!("not UTF-8 from byte {} on", error.valid_up_to()),
            })?;
            let defaults = &rules.engine.manifest_defaults;
            let (settings, warnings) = DatabaseSettings::parse(text, &file, defaults)?;
            report.warnings = warnings;
            Ok(settings)
        }
        None => {
            let settings = rules.engine.manifest_defaults.clone();
            if !rules.read_only {
                storage.replace(&name, settings.to_toml().as_bytes())?;
            }
            Ok(settings)
        }
    }
}

pub(super) fn load_catalog<S: Storage>(
    storage: &S,
    database: &str,
) -> Result<Vec<catalog::file::Record>> {
    let bytes = storage.read(&FileName::new(CATALOG)?)?.unwrap_or_default();
    catalog::file::decode(&bytes).map_err(|error| error.into_error(format!("{database}/{CATALOG}")))
}

impl<H: Host> Readable<H> {
    /// Lists the partitions' files; says whether there are any.
    fn find_files(&self) -> Result<bool> {
        let mut found = Vec::new();
        let mut events = SortedSet::new();
        let room = spare_room::file_name(&self.name)?;
        for name in self.storage.list()? {
            let is_leftover = is_leftover(name.as_str()) || name == room;
            if !self.read_only && is_leftover {
                let _ = self.storage.remove_if_present(&name); // it takes room, and nothing else
                continue;
            }
            events.extend(events_partition(name.as_str()));
            if let Some((kind, partition)) = FileKind::parse(name.as_str()) {
                let len = self.storage.open(&name)?.len()?;
                found.push((partition, kind, name, len));
            }
        }
        let any = found.iter().any(|(_, _, _, len)| *len > 0);
        self.state.write(|state| {
            state.events = events;
            for (partition, kind, name, len) in found {
                state.set_file(partition, kind, Some((name, len)));
            }
        });
        Ok(any)
    }

    /// Where the last frame of a data file ends whose payload is what was written. At most
    /// `max_torn` frames are passed over: no more can have been under way at once. If the one
    /// before them is wrong, too, this is damage, which stays where it is for queries to report.
    pub(super) fn whole_frames(
        &self,
        partition: Partition,
        file: &StoredFile,
        max_torn: usize,
    ) -> Result<u64> {
        let (handle, index) = self.indexed(partition, file)?;
        let mut buffer = Vec::new();
        let mut end = index.good_end;
        for (torn, frame) in index.frames.iter().rev().enumerate() {
            read_frame(&*handle, frame, &mut buffer)?;
            if frame.header.checked_payload(&buffer).is_ok() {
                break;
            }
            if torn == max_torn {
                return Ok(index.good_end);
            }
            end = frame.offset;
        }
        Ok(end)
    }

    /// The latest time in any file. Files of earlier partitions end before the newest begins.
    pub(super) fn newest_stored(&self) -> Result<Option<i64>> {
        let views = self.view(TimeRange::ALL);
        let mut newest = None;
        for view in views.iter().rev() {
            if newest.is_some_and(|newest| newest > view.partition.range().to.0) {
                break;
            }
            for source in self.raw_sources(view)? {
                if let Source::Pages(_, _, index) = source {
                    newest = newest.max(index.bounds().map(|bounds| bounds.to.0));
                }
            }
            if let Some(metric) = &view.files.metric {
                newest = newest.max(Some(self.metric_file(metric)?.range().to.0));
            }
        }
        Ok(newest)
    }
}

/// What becomes of pages that are full while the logs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pages {
    Written,
    /// They are written when all of the logs was read.
    Grow,
}

/// Files of a database that are replaced whole, besides data.
const REPLACED: [&str; 6] = [CATALOG, MANIFEST, IDS_CACHE, GONE, "rollup.checkpoints.log", DELETED];

/// Whether a file is what a killed process has left of one that was to take the place of another.
/// Files of somebody else are none.
fn is_leftover(name: &str) -> bool {
    let without_tmp = name.strip_suffix(".tmp");
    let stem = without_tmp.unwrap_or(name);
    let new = [".new", ".whole"].iter().find_map(|suffix| stem.strip_suffix(suffix));
    if new.and_then(FileKind::parse).is_some() {
        return true;
    }
    let spooled = stem.strip_suffix(".spool").unwrap_or(stem);
    let kept = [".new", ".whole", ".torn"].iter().find_map(|suffix| spooled.strip_suffix(suffix));
    let is_archive = stem.starts_with("archive-") && stem.strip_suffix(".tar").is_some();
    without_tmp.is_some()
        && (FileKind::parse(kept.unwrap_or(spooled)).is_some()
            || REPLACED.contains(&stem)
            || stem.ends_with(".wal.damaged")
            || is_archive)
}

/// What was found in a log.
#[derive(Debug, Default)]
struct LogEnd {
    /// Records.
    records: u64,
    /// Where the last one ends.
    good_end: u64,
    /// The newest time of all.
    newest: i64,
}

/// What a log says of one partition.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// From its earliest to its latest sample.
    range: TimeRange,
    /// Where in the data file frames begin that may hold samples of the log, if the log says so.
    ///
    /// The reference's logs do not, so of those every frame counts whose time fits.
    anchor: Option<u64>,
    /// The log's samples of the partition so far.
    digest: Digest,
    /// What the frames behind the anchor hold, once somebody looked.
    in_frames: Option<Digest>,
    /// Whether the frames behind the anchor hold exactly the log's first samples.
    is_prefix: bool,
}

impl Span {
    fn new(time: Timestamp, anchor: Option<u64>, in_frames: Option<Digest>) -> Self {
        let range = TimeRange { from: time, to: time };
        let is_prefix = in_frames == Some(Digest::default());
        Self { range, anchor, digest: Digest::default(), in_frames, is_prefix }
    }

    fn add(&mut self, record: &Record<'_>) {
        let time = Timestamp(record.time);
        self.range.from = self.range.from.min(time);
        self.range.to = self.range.to.max(time);
        self.digest.add(record.id, record.time, record.raw);
        self.is_prefix |= self.in_frames == Some(self.digest);
    }
}

/// A number of samples and a sum over them that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    count: u64,
    sum: u128,
}

impl Digest {
    pub(crate) fn add(&mut self, id: u16, time: i64, raw: u32) {
        let time = u64::from_le_bytes(time.to_le_bytes()) ^ 0x9e37_79b9_7f4a_7c15;
        let rest = (u64::from(id) << 32 | u64::from(raw)) ^ 0xd1b5_4a32_d192_ed03;
        let mixed = u128::from(time) * u128::from(rest) + u128::from(time.rotate_left(32));
        self.sum =
            self.sum.wrapping_add(mixed.wrapping_mul(0xa076_1d64_78bd_642f_e703_7ed1_a0b4_28db));
        self.count += 1;
    }
}

/// What files already hold of the samples of a log, by partition.
type Held = SortedMap<Partition, HeldSamples>;

/// What files hold of a log's samples of one partition.
#[derive(Debug)]
enum HeldSamples {
    /// The first so many: every page since the anchor was made of logged samples alone.
    First(u64),
    /// Each of these so many times.
    Each(Counts),
    /// Both logs speak of the partition, and one of them did so first.
    Split {
        /// The log that did later.
        later: LogKind,
        /// What frames hold that were written before that, which are none of that log's samples.
        before: Counts,
        /// What frames hold that were written afterwards.
        after: Counts,
    },
}

/// How often each of these (id, time, raw value) is there.
type Counts = HashMap<(u16, i64, u32), u32>;

impl HeldSamples {
    /// Whether a file holds the record's sample, one time more than counted off so far.
    fn count_off(&mut self, record: &Record<'_>, log: LogKind) -> bool {
        match self {
            Self::First(left) => {
                let is_held = *left > 0;
                *left = left.saturating_sub(1);
                is_held
            }
            Self::Each(samples) => count_off(samples, record),
            Self::Split { later, after, .. } if *later == log => count_off(after, record),
            Self::Split { before, after, .. } => {
                count_off(before, record) || count_off(after, record)
            }
        }
    }
}

fn count_off(samples: &mut Counts, record: &Record<'_>) -> bool {
    let left = samples.get_mut(&(record.id, record.time, record.raw));
    left.filter(|left| **left > 0).map(|left| *left -= 1).is_some()
}

impl<H: Host> Writer<H> {
    fn new(
        readable: Arc<Readable<H>>,
        host: Arc<H>,
        rules: &OpenRules<'_>,
        settings: DatabaseSettings,
    ) -> Result<Self> {
        // An unreadable newest file must not keep the database closed: without the answer each
        // metric is looked up on its own.
        let newest_stored = match readable.newest_stored() {
            Err(error) if error.is_unreadable() => Some(i64::MAX),
            other => other?,
        };
        let logs = settings.wal_enabled && rules.logs;
        let rules = WriteRules {
            settings,
            logs,
            durability: rules.engine.durability,
            max_log_len: rules.engine.wal.max_segment_size,
            fsync_policy: rules.engine.wal.fsync_policy,
            max_future_ns: rules.engine.clock.max_future.as_nanos(),
        };
        Ok(Self {
            readable,
            host,
            staging: Staging::new(rules, newest_stored),
            appendable: SortedMap::new(),
            unsynced: SortedMap::new(),
            appended: SortedMap::new(),
            has_begun: false,
            log_synced: None,
            cut: Vec::new(),
            uncut: SortedSet::new(),
            dir_unsynced: false,
            trouble: Trouble::default(),
            end: End::NotYet,
            staged: Vec::<Staged>::new(),
            last_reset: None,
            told_metrics: None,
            anchors_are_wrong: false,
            kept_room: 0,
        })
    }

    /// Takes over what the logs hold and readies them for more.
    fn replay(&mut self, logs: &[StoredLog; 2], report: &mut OpenReport) -> Result<()> {
        if !self.readable.read_only {
            // A process that was killed may have renamed a catalog and not come to this. Pages
            // that are written from here on need its names.
            self.readable.storage.sync_dir()?;
            self.cut_newest_data_files()?;
        }
        let mut held = self.held_of(logs)?;
        report.cut = core::mem::take(&mut self.cut);
        let [main, late] = logs;
        // The second log may have samples older than those of their metric in the first, and pages
        // are in the order in which samples came.
        let pages = if late.bytes.is_empty() { Pages::Written } else { Pages::Grow };
        let ends = [
            self.take_over_log(main, pages, &mut held, report)?,
            self.take_over_log(late, pages, &mut held, report)?,
        ];
        if pages == Pages::Grow {
            self.put_in_order()?;
        }
        self.note_replay(&ends, report.problems.is_empty());
        if self.check_writable().is_err() {
            return Ok(()); // also where a damaged log could not be kept: it stays as it is
        }
        let found = logs.iter().map(StoredLog::len).sum::<u64>();
        report.log_bytes_cut = found.saturating_sub(ends.iter().map(|end| end.good_end).sum());
        self.open_logs(logs, &ends)?;
        if !report.problems.is_empty() {
            // Records whose metric is unknown must not meet, at a later opening, a metric that
            // got its id meanwhile. The copies keep them.
            self.flush_all()?;
            return self.empty_log();
        }
        let needed = self.readable.state.read(State::needs_log);
        if needed || ends.iter().all(|end| end.good_end == 0) {
            return Ok(());
        }
        // Files hold everything already, and were synced when they were looked at.
        self.empty_log()
    }

    /// Takes over what one log holds; a log that is damaged is kept beside it.
    fn take_over_log(
        &mut self,
        log: &StoredLog,
        pages: Pages,
        held: &mut Held,
        report: &mut OpenReport,
    ) -> Result<LogEnd> {
        let (name, bytes) = (&log.name, log.bytes.as_slice());
        let problems = report.problems.len();
        let mut records = Records::new(bytes);
        let mut end = LogEnd { newest: i64::MIN, ..LogEnd::default() };
        let now = self.host.clock().monotonic();
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, _) => {
                    end.records += 1;
                    end.newest = end.newest.max(record.time);
                    match self.take_over(&record, log.kind, held, now, report) {
                        Ok(Some(full)) if pages == Pages::Written => self.write_full(full)?,
                        Ok(_) => {}
                        Err(problem) => {
                            report.problems.push(format!("{name}: record at {offset}: {problem}"));
                        }
                    }
                }
                Item::Damage(len, error) => {
                    report.problems.push(format!("{name}: {len} bytes at {offset}: {error}"));
                }
            }
        }
        if let Some(tail) = damaged_tail(&records, bytes) {
            report
                .problems
                .push(format!("{name}: {} bytes at {}: {}", tail.len, tail.offset, tail.reason));
        }
        end.good_end = to_u64(records.good_end());
        if report.problems.len() > problems && !self.readable.read_only {
            self.keep_damaged(name, bytes)?;
        }
        Ok(end)
    }

    /// Keeps a damaged log beside it. Without room for that the log stays as it is, and nothing is
    /// written; everything can be read, so it is no reason to stay closed.
    fn keep_damaged(&mut self, name: &FileName, bytes: &[u8]) -> Result<()> {
        let damaged = FileName::new(&format!("{name}.damaged"))?;
        match self.readable.storage.replace(&damaged, bytes).map_err(Error::from) {
            Err(error) if error.lacks_room() => {
                self.poison(&error);
                Ok(())
            }
            kept => kept,
        }
    }

    /// Counts what the log held: its records are the first appended.
    fn note_replay(&self, ends: &[LogEnd], all_taken: bool) {
        let records = ends.iter().map(|end| end.records).sum();
        let bytes = ends.iter().map(|end| end.good_end).sum();
        let (successes, errors) = if all_taken { (1, 0) } else { (0, 1) };
        self.readable.state.write(|state| {
            state.stats.replay = ReplayStats { records, bytes, successes, errors };
            state.stats.wal.append_count = records;
            state.stats.wal.append_bytes = bytes;
            state.stats.wal.buffer_bytes = bytes;
        });
    }

    /// The newest data files may end in a torn frame, whether the log speaks of them or not.
    fn cut_newest_data_files(&mut self) -> Result<()> {
        let newest: Vec<Partition> = self
            .readable
            .state
            .read(|state| state.files.keys().rev().take(MIN_OPEN_PAGES).copied().collect());
        newest.into_iter().try_for_each(|partition| self.make_appendable_with_room(partition))
    }

    /// Cuts a torn frame off, unless there is no room to keep it: nobody sees it, and it is cut
    /// before anything is appended.
    fn make_appendable_with_room(&mut self, partition: Partition) -> Result<()> {
        let made = self.make_appendable(partition);
        if self.uncut.contains(&partition) { Ok(()) } else { made }
    }

    /// What files already hold of the samples of the logs.
    fn held_of(&mut self, [main, late]: &[StoredLog; 2]) -> Result<Held> {
        let mut main = self.survey(&main.bytes)?;
        let late = self.survey(&late.bytes)?;
        let mut held = Held::new();
        for (&partition, late) in &late {
            let samples = match main.remove(&partition) {
                Some(main) => self.readable.held_of_both(partition, &main, late)?,
                None => self.readable.held_samples(partition, late)?,
            };
            held.extend(samples.map(|samples| (partition, samples)));
        }
        for (&partition, span) in &main {
            let samples = self.readable.held_samples(partition, span)?;
            held.extend(samples.map(|samples| (partition, samples)));
        }
        Ok(held)
    }

    /// What a log says of each partition that it speaks of, set against the partition's file.
    fn survey(&mut self, log: &[u8]) -> Result<SortedMap<Partition, Span>> {
        let mut spans: SortedMap<Partition, Span> = SortedMap::new();
        let mut current: Option<(Partition, TimeRange)> = None;
        for (_, item) in Records::new(log) {
            let Item::Record(record, _) = item else { continue };
            let time = Timestamp(record.time);
            let (partition, _) = match current.filter(|(_, range)| range.contains(time)) {
                Some(current) => current,
                None => {
                    let partition = self.staging.partition_of(time);
                    *current.insert((partition, partition.range()))
                }
            };
            if !spans.contains_key(&partition) {
                if !self.readable.read_only {
                    self.make_appendable_with_room(partition)?;
                }
                let anchor = record.anchor;
                let in_frames =
                    anchor.map(|anchor| self.readable.digest_of_frames(partition, anchor));
                spans.insert(partition, Span::new(time, anchor, in_frames.transpose()?));
            }
            if let Some(span) = spans.get_mut(&partition) {
                span.add(&record);
            }
        }
        Ok(spans)
    }

    /// Takes over one record, and says whose page is full then; the inner error says why it cannot
    /// be.
    fn take_over(
        &mut self,
        record: &Record<'_>,
        log: LogKind,
        held: &mut Held,
        now: Duration,
        report: &mut OpenReport,
    ) -> core::result::Result<Option<Partition>, String> {
        let mut taken = self.place(record, log, held, now);
        if taken.is_err() && self.readable.may_have_id(record.id) {
            // A file uses the id, so the record is of a metric that has lost its name.
            taken = self.place(record, log, held, now);
        }
        let Some((partition, is_full)) = taken? else {
            report.duplicates += 1;
            return Ok(None);
        };
        report.replayed += 1;
        Ok(is_full.then_some(partition))
    }

    /// Writes a page that is full. The logs stay as they are until all of them was read: they are
    /// not open for writing yet, so writing a page cannot empty them (D-01).
    fn write_full(&mut self, partition: Partition) -> Result<()> {
        if self.check_writable().is_err() || self.trouble.is_hindered() {
            return Ok(()); // on a full disk the page grows, at most by what the logs have
        }
        let flushed = self.flush(partition);
        self.postponing(flushed)
    }

    /// Puts the samples of each page in the order of their times, and writes the pages that are
    /// full. Of equal times those of the first log come first.
    fn put_in_order(&mut self) -> Result<()> {
        let limits = self.staging.rules.page_limits();
        let full: Vec<Partition> = self.readable.state.write(|state| {
            for page in state.pages.values_mut() {
                let mut samples = page.view().to_columns();
                samples.sort_by_time();
                page.retain(&samples);
            }
            let full = state.pages.iter().filter(|(_, page)| page.is_full(&limits));
            full.map(|(partition, _)| *partition).collect()
        });
        full.into_iter().try_for_each(|partition| self.write_full(partition))
    }

    fn open_logs(&mut self, logs: &[StoredLog; 2], ends: &[LogEnd; 2]) -> Result<()> {
        let [main, late] = logs;
        let [main_end, late_end] = ends;
        let enabled = self.staging.rules.logs;
        let main = if enabled || !main.bytes.is_empty() {
            self.open_log(main, main_end.good_end)?
        } else {
            Log::without_file(self.staging.rules.fsync_policy)
        };
        // Most databases never take a late sample, and have no file for them.
        let late = if late.exists {
            self.open_log(late, late_end.good_end)?
        } else {
            Log::without_file(self.staging.rules.fsync_policy)
        };
        // The logs may be new; from here on they count as safe.
        self.readable.storage.sync_dir()?;
        let late_before = main_end.newest.max(late_end.newest.saturating_add(1));
        let mut logs = Logs::new(main, late, late_before);
        if !enabled {
            // Left from when the log was on; the reference throws it away, here it is kept safe.
            // Without room for its samples it stays.
            let flushed = self.flush_all();
            self.postponing(flushed)?;
            if self.readable.state.read(State::needs_log) {
                return Ok(());
            }
            logs.reset()?;
            logs.sync_emptied()?;
            return self.remove_late_log(&mut logs);
        }
        self.staging.logs = Some(logs);
        Ok(())
    }

    /// Puts a record's sample into its open page; says which, and whether that is full then.
    /// Nothing when a file holds it.
    fn place(
        &mut self,
        record: &Record<'_>,
        log: LogKind,
        held: &mut Held,
        now: Duration,
    ) -> core::result::Result<Option<(Partition, bool)>, String> {
        let Self { readable, staging, .. } = self;
        readable.state.write(|state| {
            let slot = resolve(&mut state.catalog, record)?;
            state.catalog.revive(slot, None);
            note_newest(&mut state.catalog, slot, (record.time, record.raw), staging.newest_stored);
            let partition = staging.partition_of(Timestamp(record.time));
            if held.get_mut(&partition).is_some_and(|held| held.count_off(record, log)) {
                return Ok(None);
            }
            let page = state.pages.get_or_insert_with(partition, || {
                staging.note_page(now);
                OpenPage::new(now)
            });
            page.push(record.id, record.time, record.raw);
            page.logged = true;
            Ok(Some((partition, page.is_full(&staging.rules.page_limits()))))
        })
    }

    fn open_log(&self, log: &StoredLog, good_end: u64) -> Result<Log<FileOf<H>>> {
        let mut file = self.readable.storage.open_log(&log.name)?;
        if good_end < file.len()?.max(log.len()) {
            // No sync: should the torn tail come back, the next opening cuts it again.
            file.truncate(good_end)?;
        }
        Ok(Log::new(file, good_end, self.staging.rules.fsync_policy))
    }
}

impl<H: Host> Readable<H> {
    /// What the partition's frames hold from byte `from` on; damaged ones hold nothing.
    fn digest_of_frames(&self, partition: Partition, from: u64) -> Result<Digest> {
        let view = self.partition_view(partition);
        let sources: Vec<_> = self.data_source(&view)?.into_iter().collect();
        let mut digest = Digest::default();
        self.scan_readable(&sources, from, TimeRange::ALL, &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                digest.add(id, time, raw);
            }
            Ok(())
        })?;
        Ok(digest)
    }

    /// What files hold of the log's samples of a partition.
    fn held_samples(&self, partition: Partition, span: &Span) -> Result<Option<HeldSamples>> {
        if let Some(Digest { count, .. }) = span.in_frames.filter(|_| span.is_prefix) {
            return Ok((count > 0).then_some(HeldSamples::First(count)));
        }
        let view = self.partition_view(partition);
        let sources = match span.anchor {
            Some(_) => self.data_source(&view)?.into_iter().collect(),
            None => match self.sources(&view) {
                // An unreadable metric file must not keep the database closed.
                Err(error) if error.is_unreadable() => self.raw_sources(&view)?,
                sources => sources?,
            },
        };
        let held = self.counts(&sources, span.anchor.unwrap_or(0), span.range)?;
        Ok((!held.is_empty()).then_some(HeldSamples::Each(held)))
    }

    /// What files hold of the samples that both logs have of a partition.
    fn held_of_both(
        &self,
        partition: Partition,
        main: &Span,
        late: &Span,
    ) -> Result<Option<HeldSamples>> {
        let range = TimeRange {
            from: main.range.from.min(late.range.from),
            to: main.range.to.max(late.range.to),
        };
        let (Some(main), Some(late)) = (main.anchor, late.anchor) else {
            let span = Span { range, anchor: None, is_prefix: false, ..*main };
            return self.held_samples(partition, &span);
        };
        let view = self.partition_view(partition);
        let sources: Vec<_> = self.data_source(&view)?.into_iter().collect();
        let mut before = self.counts(&sources, main.min(late), range)?;
        if main == late {
            return Ok((!before.is_empty()).then_some(HeldSamples::Each(before)));
        }
        let after = self.counts(&sources, main.max(late), range)?;
        for (sample, count) in &after {
            if let Some(all) = before.get_mut(sample) {
                *all = all.saturating_sub(*count);
            }
        }
        let later = if main > late { LogKind::Main } else { LogKind::Late };
        Ok(Some(HeldSamples::Split { later, before, after }))
    }

    /// How often samples are in frames from byte `from` on.
    fn counts(&self, sources: &[Source<FileOf<H>>], from: u64, range: TimeRange) -> Result<Counts> {
        let mut counts = Counts::new();
        self.scan_readable(sources, from, range, &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                if range.contains(Timestamp(time)) {
                    *counts.entry((id, time, raw)).or_default() += 1;
                }
            }
            Ok(())
        })?;
        Ok(counts)
    }
}

/// What follows the last record, when it is more than one append can have left: a torn record is
/// shorter than a whole one, and behind it are only zeros.
fn damaged_tail(records: &Records<'_>, bytes: &[u8]) -> Option<Tail> {
    let tail = records.tail()?;
    let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    (written.saturating_sub(tail.offset) > MAX_RECORD_LEN).then_some(tail)
}

/// The metric of a log record. One that nobody names is a metric that has lost its name, if a
/// checksum says that the id is no damage.
fn resolve(catalog: &mut Catalog, record: &Record<'_>) -> core::result::Result<Slot, String> {
    let id = MetricId::new(record.id).ok_or("metric id 0")?;
    let Some(introduces) = record.introduces else {
        let unknown = || format!("metric id {id} is neither in the catalog nor in the log");
        let recovered = record.checked.then(|| catalog.recover(id, None));
        return recovered.or_else(|| catalog.find_id(id)).ok_or_else(unknown);
    };
    let name = core::str::from_utf8(introduces.name)
        .map_err(|_| format!("the name of metric id {id} is not UTF-8"))?;
    let known = catalog.find(name).and_then(|slot| catalog.get(slot)).map(|e| e.value_type);
    let value_type = introduces.value_type.or(known).unwrap_or(ValueType::I32);
    catalog.introduce(name, id, value_type).map_err(|entry| {
        format!(
            "introduces {name} as metric {id} ({value_type}), but the catalog has {} as {} ({})",
            entry.name, entry.id, entry.value_type
        )
    })
}

/// What a log record says of its metric's newest sample.
///
/// The log has the newest samples of a metric unless older ones bypassed it, which only those
/// before `newest_stored` can have, and unless a power cut has shortened the log: then the
/// question stays open until somebody asks.
fn note_newest(
    catalog: &mut Catalog,
    slot: Slot,
    (time, raw): (i64, u32),
    newest_stored: Option<i64>,
) {
    let Some(entry) = catalog.get_mut(slot) else { return };
    let is_newest = match entry.last {
        Newest::None => true,
        Newest::Unknown => newest_stored.is_none_or(|newest| time > newest),
        Newest::At(newest, _) => time >= newest,
    };
    if is_newest {
        entry.last = Newest::At(time, raw);
        entry.accepted = entry.accepted.max(Some(time));
    }
}
