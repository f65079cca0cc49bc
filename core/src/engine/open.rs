//! Opening a database: settings, catalog, files, and what the log adds to them.

use super::database::Database;
use super::event::{Event, Level};
use super::files::{FileKind, StoredFile, read_frame};
use super::host::{Clock, Host, Shared};
use super::ids::{self, RecoveredMetric};
use super::ingest::{Staged, Staging};
use super::state::{Readable, State};
use super::upkeep::build::BuildOptions;
use super::writer::{CATALOG, MIN_OPEN_PAGES, WriteRules, Writer};
use crate::catalog::{self, Catalog, Newest, Slot};
use crate::compress::Codecs;
use crate::error::{Error, Result};
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::query::Cache;
use crate::settings::{DatabaseSettings, EngineSettings, Warning};
use crate::sorted::SortedMap;
use crate::stats::ReplayStats;
use crate::storage::{self, FileName, Storage, StorageFile};
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use crate::wal::{Item, Log, MAX_RECORD_LEN, Record, Records, Tail};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
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
}

/// Opens the database in `storage`, making what it lacks unless it is for reading only.
pub(crate) fn open<H: Host>(
    host: Arc<H>,
    name: &str,
    storage: H::Storage,
    rules: &OpenRules<'_>,
) -> Result<Database<H>> {
    let mut report = OpenReport::default();
    let settings = load_manifest(&storage, name, rules, &mut report)?;
    let records = load_catalog(&storage, name)?;
    let log_name = log_name(name)?;
    // The log before the list of files: a writer in another process moves samples from the
    // log to files, so in this order a reader finds them in one or in both, never in neither.
    let log_bytes = storage.read(&log_name)?.unwrap_or_default();
    let readable = Arc::new(Readable::<H> {
        name: name.to_string(),
        codecs: rules.codecs,
        state: H::Shared::new(State::default()),
        cache: H::Shared::new(Cache::new(
            rules.cache_bytes,
            usize::try_from(rules.engine.metrics.time_cache_slots).unwrap_or(usize::MAX),
        )),
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
    let replayed = writer.replay(&log_bytes, &log_name, &mut report);
    writer.poisoning(replayed)?;
    report.recovered = ids::check_at_opening(&mut writer)?;
    tell(&mut writer, &report);
    let build = BuildOptions::from_settings(&rules.engine.metrics);
    Ok(Database::new(writer, build, rules.engine.metrics.enabled, report))
}

/// Tells the host that a database is open.
fn tell<H: Host>(writer: &mut Writer<H>, report: &OpenReport) {
    let (database, host) = (writer.readable.name.as_str(), &writer.host);
    let (replay, metrics) =
        writer.readable.state.read(|state| (state.stats.replay, state.catalog.len()));
    let logs = writer.staging.log.is_some();
    host.note(&Event::DatabaseOpened { database, logs, replay: &replay, report });
    for note in report.notes() {
        host.note(&Event::Noticed { database, note: &note });
    }
    writer.told_metrics = host.wants(Level::Trace).then_some(metrics);
}

/// The name of a database's log: its own name, as the reference has it.
pub(crate) fn log_name(database: &str) -> storage::Result<FileName> {
    FileName::new(&format!("{database}.wal"))
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
        for name in self.storage.list()? {
            if let Some((kind, partition)) = FileKind::parse(name.as_str()) {
                let len = self.storage.open(&name)?.len()?;
                found.push((partition, kind, name, len));
            }
        }
        let any = found.iter().any(|(_, _, _, len)| *len > 0);
        self.state.write(|state| {
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
    fn newest_stored(&self) -> Result<Option<i64>> {
        let views = self.view(TimeRange::ALL);
        let mut newest = None;
        for view in views.iter().rev() {
            if newest.is_some_and(|newest| newest > view.partition.range().to.0) {
                break;
            }
            for source in self.raw_sources(view)? {
                if let crate::query::Source::Pages(_, _, index) = source {
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
    /// Each of these (id, time, raw value) so many times.
    Each(HashMap<(u16, i64, u32), u32>),
}

impl HeldSamples {
    /// Whether a file holds the record's sample, one time more than counted off so far.
    fn count_off(&mut self, record: &Record<'_>) -> bool {
        let left = match self {
            Self::First(left) => {
                let is_held = *left > 0;
                *left = left.saturating_sub(1);
                return is_held;
            }
            Self::Each(samples) => samples.get_mut(&(record.id, record.time, record.raw)),
        };
        let left = left.filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }
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
        let rules = WriteRules {
            settings,
            durability: rules.engine.durability,
            max_log_len: rules.engine.wal.max_segment_size,
            fsync_policy: rules.engine.wal.fsync_policy,
        };
        Ok(Self {
            readable,
            host,
            staging: Staging::new(rules, newest_stored),
            appendable: SortedMap::new(),
            unsynced: SortedMap::new(),
            appended: SortedMap::new(),
            has_begun: false,
            log_synced: Timestamp(0),
            cut: Vec::new(),
            poisoned: None,
            closed: false,
            staged: Vec::<Staged>::new(),
            last_reset: None,
            told_metrics: None,
        })
    }

    /// Takes over what the log holds and readies it for more.
    fn replay(&mut self, bytes: &[u8], name: &FileName, report: &mut OpenReport) -> Result<()> {
        if !self.readable.read_only {
            // A process that was killed may have renamed a catalog and not come to this. Pages
            // that are written from here on need its names.
            self.readable.storage.sync_dir()?;
            self.cut_newest_data_files()?;
        }
        let spans = self.survey(bytes)?;
        let mut held = Held::new();
        for (&partition, span) in &spans {
            let samples = self.readable.held_samples(partition, span)?;
            held.extend(samples.map(|samples| (partition, samples)));
        }
        report.cut = core::mem::take(&mut self.cut);
        let mut records = Records::new(bytes);
        let mut whole = 0;
        let now = self.host.clock().now();
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, _) => {
                    whole += 1;
                    self.take_over(&record, offset, &mut held, now, report)?;
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
        let good_end = u64::try_from(records.good_end()).unwrap_or(u64::MAX);
        self.note_replay(whole, good_end, report.problems.is_empty());
        if self.readable.read_only {
            return Ok(());
        }
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        report.log_bytes_cut = len.saturating_sub(good_end);
        if !report.problems.is_empty() {
            self.readable.storage.replace(&FileName::new(&format!("{name}.damaged"))?, bytes)?;
        }
        self.open_log(name, len, good_end)?;
        if !report.problems.is_empty() {
            // Records whose metric is unknown must not meet, at a later opening, a metric that
            // got its id meanwhile. The copy above keeps them.
            self.flush_all()?;
            return self.empty_log();
        }
        let needed = self.readable.state.read(State::needs_log);
        if needed || good_end == 0 {
            return Ok(());
        }
        // Files hold everything already, and were synced when they were looked at.
        self.empty_log()
    }

    /// Counts what the log held: its records are the first appended.
    fn note_replay(&self, records: u64, bytes: u64, all_taken: bool) {
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
        newest.into_iter().try_for_each(|partition| self.make_appendable(partition))
    }

    /// What the log says of each partition that it speaks of, set against the partition's file.
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
                    self.make_appendable(partition)?;
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

    fn take_over(
        &mut self,
        record: &Record<'_>,
        offset: usize,
        held: &mut Held,
        now: Timestamp,
        report: &mut OpenReport,
    ) -> Result<()> {
        let mut taken = self.place(record, held, now);
        if taken.is_err() && self.readable.may_have_id(record.id) {
            // A file uses the id, so the record is of a metric that has lost its name.
            taken = self.place(record, held, now);
        }
        match taken {
            Err(problem) => report.problems.push(format!("log record at {offset}: {problem}")),
            Ok(None) => report.duplicates += 1,
            Ok(Some((partition, is_full))) => {
                report.replayed += 1;
                // The log stays as it is until all of it was read: it is not open for writing
                // yet, so writing a page cannot empty it (D-01).
                if is_full && !self.readable.read_only {
                    self.flush(partition)?;
                }
            }
        }
        Ok(())
    }

    /// Puts a record's sample into its open page; says which, and whether that is full then.
    /// Nothing when a file holds it.
    fn place(
        &mut self,
        record: &Record<'_>,
        held: &mut Held,
        now: Timestamp,
    ) -> core::result::Result<Option<(Partition, bool)>, String> {
        let Self { readable, staging, .. } = self;
        readable.state.write(|state| {
            let slot = resolve(&mut state.catalog, record)?;
            note_newest(&mut state.catalog, slot, (record.time, record.raw), staging.newest_stored);
            let partition = staging.partition_of(Timestamp(record.time));
            if held.get_mut(&partition).is_some_and(|held| held.count_off(record)) {
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

    fn open_log(&mut self, name: &FileName, len: u64, good_end: u64) -> Result<()> {
        let unused = !self.staging.rules.settings.wal_enabled && good_end == 0 && len == 0;
        let file = (!unused).then(|| self.readable.storage.open_log(name)).transpose()?;
        // The log may be new; from here on it counts as safe.
        self.readable.storage.sync_dir()?;
        let Some(mut file) = file else { return Ok(()) };
        if good_end < file.len()?.max(len) {
            // No sync: should the torn tail come back, the next opening cuts it again.
            file.truncate(good_end)?;
        }
        let mut log = Log::new(file, good_end, self.staging.rules.fsync_policy);
        if !self.staging.rules.settings.wal_enabled {
            // Left from when the log was on; the reference throws it away, here it is kept safe.
            self.flush_all()?;
            log.reset()?;
            log.sync()?;
            return Ok(());
        }
        self.staging.log = Some(log);
        Ok(())
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
        let mut held = HashMap::new();
        let from = span.anchor.unwrap_or(0);
        self.scan_readable(&sources, from, span.range, &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                if span.range.contains(Timestamp(time)) {
                    *held.entry((id, time, raw)).or_default() += 1;
                }
            }
            Ok(())
        })?;
        Ok((!held.is_empty()).then_some(HeldSamples::Each(held)))
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
