//! Opening a database: settings, catalog, files, and what the log adds to them.

use super::database::Database;
use super::files::FileKind;
use super::host::{Clock, Host, Shared};
use super::ingest::{Staged, Staging};
use super::state::{Readable, State};
use super::writer::{CATALOG, WriteRules, Writer};
use crate::catalog::{self, Catalog, Newest, Slot};
use crate::compress::Codecs;
use crate::error::{Error, Result};
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::query::Cache;
use crate::settings::{DatabaseSettings, EngineSettings, Partitioning, Warning};
use crate::storage::{self, FileName, Storage, StorageFile};
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use crate::wal::{Item, Log, Record, Records};
use alloc::collections::{BTreeMap, BTreeSet};
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
    /// Bytes cut off the end of the log: a torn append (D-02).
    pub log_bytes_cut: u64,
    /// Keys of the manifest that mean nothing here.
    pub warnings: Vec<Warning>,
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
        cache: H::Shared::new(Cache::new(rules.cache_bytes)),
        read_only: rules.read_only,
        storage,
    });
    let has_samples = readable.find_files()?;
    let mut catalog = Catalog::from_records(records);
    if !has_samples {
        catalog.iter_mut().for_each(|entry| entry.last = Newest::None);
    }
    readable.state.write(|state| state.catalog = catalog);
    let mut writer = Writer::new(readable, host, rules, settings)?;
    let replayed = writer.replay(&log_bytes, &log_name, &mut report);
    writer.poisoning(replayed)?;
    Ok(Database::new(writer, report))
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

fn load_catalog<S: Storage>(storage: &S, database: &str) -> Result<Vec<catalog::file::Record>> {
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

/// How often data files already hold each sample (id, time, raw value) that the log may hold too.
type Held = HashMap<(u16, i64, u32), u32>;

/// What a log says of one partition.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// From its earliest to its latest sample.
    range: TimeRange,
    /// Where in the data file frames begin that may hold samples of the log, if the log says so.
    ///
    /// The reference's logs do not, so of those every frame counts whose time fits.
    anchor: Option<u64>,
}

/// What a log says of each partition that it speaks of.
fn survey(log: &[u8], partitioning: Partitioning) -> BTreeMap<Partition, Span> {
    let mut spans: BTreeMap<Partition, Span> = BTreeMap::new();
    let mut current: Option<(Partition, TimeRange)> = None;
    for (_, item) in Records::new(log) {
        let Item::Record(record, _) = item else { continue };
        let time = Timestamp(record.time);
        let (partition, _) = match current.filter(|(_, range)| range.contains(time)) {
            Some(current) => current,
            None => {
                let partition = Partition::containing(partitioning, time);
                *current.insert((partition, partition.range()))
            }
        };
        let range = TimeRange { from: time, to: time };
        let span = spans.entry(partition).or_insert(Span { range, anchor: record.anchor });
        span.range.from = span.range.from.min(time);
        span.range.to = span.range.to.max(time);
    }
    spans
}

/// Whether a file holds the record's sample, one time more than counted off so far.
fn is_held(held: &mut Held, record: &Record<'_>) -> bool {
    if held.is_empty() {
        return false;
    }
    match held.get_mut(&(record.id, record.time, record.raw)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

impl<H: Host> Writer<H> {
    fn new(
        readable: Arc<Readable<H>>,
        host: Arc<H>,
        rules: &OpenRules<'_>,
        settings: DatabaseSettings,
    ) -> Result<Self> {
        // A damaged newest file must not keep the database closed: without the answer each
        // metric is looked up on its own.
        let newest_stored = match readable.newest_stored() {
            Err(Error::Corrupt(_)) => Some(i64::MAX),
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
            appendable: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            poisoned: None,
            closed: false,
            staged: Vec::<Staged>::new(),
        })
    }

    /// Takes over what the log holds and readies it for more.
    fn replay(&mut self, bytes: &[u8], name: &FileName, report: &mut OpenReport) -> Result<()> {
        let spans = survey(bytes, self.staging.rules.settings.partition);
        if !self.readable.read_only {
            self.cut_torn_data_files(&spans)?;
        }
        let mut held = Held::new();
        for (&partition, span) in &spans {
            self.readable.count_held(partition, *span, &mut held)?;
        }
        let mut records = Records::new(bytes);
        let now = self.host.clock().now();
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, _) => {
                    self.take_over(&record, offset, &mut held, now, report)?;
                }
                Item::Damage(len, error) => {
                    report.problems.push(format!("{name}: {len} bytes at {offset}: {error}"));
                }
            }
        }
        if self.readable.read_only {
            return Ok(());
        }
        let good_end = u64::try_from(records.good_end()).unwrap_or(u64::MAX);
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        report.log_bytes_cut = len.saturating_sub(good_end);
        if !report.problems.is_empty() {
            self.readable.storage.replace(&FileName::new(&format!("{name}.damaged"))?, bytes)?;
        }
        self.open_log(name, len, good_end)?;
        let needed = self.readable.state.read(|s| s.pages.values().any(|page| page.logged));
        if needed || good_end == 0 {
            return Ok(());
        }
        // Files hold everything already, though perhaps not on the disk yet.
        for &partition in spans.keys() {
            let data = self.readable.state.read(|state| state.files_of(partition).data.clone());
            if let Some(data) = data {
                self.readable.storage.open(&data.name)?.sync()?;
            }
        }
        self.empty_log()
    }

    /// The partitions that the log speaks of, and the two newest, may end in a torn frame.
    fn cut_torn_data_files(&mut self, spans: &BTreeMap<Partition, Span>) -> Result<()> {
        let mut partitions: BTreeSet<Partition> = spans.keys().copied().collect();
        partitions.extend(self.readable.state.read(|state| -> Vec<Partition> {
            state.files.keys().rev().take(2).copied().collect()
        }));
        partitions.into_iter().try_for_each(|partition| self.make_appendable(partition))
    }

    fn take_over(
        &mut self,
        record: &Record<'_>,
        offset: usize,
        held: &mut Held,
        now: Timestamp,
        report: &mut OpenReport,
    ) -> Result<()> {
        let Self { readable, staging, .. } = self;
        let taken = readable.state.write(|state| -> core::result::Result<_, String> {
            let slot = resolve(&mut state.catalog, record)?;
            note_newest(&mut state.catalog, slot, (record.time, record.raw), staging.newest_stored);
            if is_held(held, record) {
                return Ok(None);
            }
            let partition = staging.partition_of(Timestamp(record.time));
            let page = state.pages.entry(partition).or_insert_with(|| {
                staging.note_page(now);
                OpenPage::new(now)
            });
            page.push(record.id, record.time, record.raw);
            page.logged = true;
            Ok(Some((partition, page.is_full(&staging.rules.page_limits()))))
        });
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

    fn open_log(&mut self, name: &FileName, len: u64, good_end: u64) -> Result<()> {
        if !self.staging.rules.settings.wal_enabled && good_end == 0 && len == 0 {
            return Ok(());
        }
        let mut file = self.readable.storage.open_log(name)?;
        let len = file.len()?.max(len);
        if good_end < len {
            file.truncate(good_end)?;
            file.sync()?;
        }
        self.readable.storage.sync_dir()?;
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
    fn count_held(&self, partition: Partition, span: Span, held: &mut Held) -> Result<()> {
        let Span { range, anchor } = span;
        let files = self.state.read(|state| state.files_of(partition));
        let view = super::state::PartitionView { partition, files, page: None };
        let sources = match anchor {
            Some(_) => self.data_source(&view)?.into_iter().collect(),
            None => match self.sources(&view) {
                // A damaged metric file must not keep the database closed.
                Err(Error::Corrupt(_)) => self.raw_sources(&view)?,
                sources => sources?,
            },
        };
        self.scan_readable(&sources, anchor.unwrap_or(0), range, &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                if range.contains(Timestamp(time)) {
                    *held.entry((id, time, raw)).or_default() += 1;
                }
            }
            Ok(())
        })
    }
}

/// The metric of a log record.
fn resolve(catalog: &mut Catalog, record: &Record<'_>) -> core::result::Result<Slot, String> {
    let id = MetricId::new(record.id).ok_or("metric id 0")?;
    let Some(introduces) = record.introduces else {
        let unknown = || format!("metric id {id} is neither in the catalog nor in the log");
        return catalog.find_id(id).ok_or_else(unknown);
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
/// before `newest_stored` can have: then the question stays open until somebody asks.
fn note_newest(
    catalog: &mut Catalog,
    slot: Slot,
    (time, raw): (i64, u32),
    newest_stored: Option<i64>,
) {
    let Some(entry) = catalog.get_mut(slot) else { return };
    let is_newest = match entry.last {
        Newest::None => true,
        Newest::Unknown => newest_stored.is_none_or(|newest| time >= newest),
        Newest::At(newest, _) => time >= newest,
    };
    if is_newest {
        entry.last = Newest::At(time, raw);
        entry.accepted = entry.accepted.max(Some(time));
    }
}
