//! Opening a database: settings, catalog, files, and what the log adds to them.

use super::database::Database;
use super::files::FileKind;
use super::host::{Clock, Host, Shared};
use super::ingest::Staged;
use super::state::{Readable, State};
use super::writer::{CATALOG, WriteRules, Writer};
use crate::catalog::{self, Catalog, Newest, Slot};
use crate::compress::Codecs;
use crate::error::{Error, Result};
use crate::page::OpenPage;
use crate::partition::Partition;
use crate::query::Cache;
use crate::settings::{DatabaseSettings, EngineSettings, Warning};
use crate::storage::{self, FileName, Storage, StorageFile};
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use crate::wal::{Item, Log, MAX_RECORD_LEN, Record, Records, Tail};
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

/// A sample as replay compares it: id, time, raw value.
type Sample = (u16, i64, u32);

/// How often a data file already holds each sample that the log may hold too.
type Held = HashMap<Sample, u32>;

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
        Ok(Self {
            readable,
            host,
            rules: WriteRules {
                settings,
                durability: rules.engine.durability,
                max_log_len: rules.engine.wal.max_segment_size,
                fsync_policy: rules.engine.wal.fsync_policy,
            },
            log: None,
            appendable: BTreeMap::new(),
            anchored: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            newest_stored,
            poisoned: None,
            staged: Vec::<Staged>::new(),
        })
    }

    /// Takes over what the log holds and readies it for more.
    fn replay(&mut self, bytes: &[u8], name: &FileName, report: &mut OpenReport) -> Result<()> {
        if !self.readable.read_only {
            self.cut_torn_data_files(bytes)?;
        }
        let mut held = self.held_by_files(bytes)?;
        let mut records = Records::new(bytes);
        let now = self.host.clock().now();
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, _) => {
                    self.take_over(&record, offset, &mut held, now, report)?
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
        // With everything in files already, the log has served its purpose.
        self.try_reset_log()
    }

    /// The partitions that the log speaks of, and the two newest, may end in a torn frame.
    fn cut_torn_data_files(&mut self, log: &[u8]) -> Result<()> {
        let partitioning = self.rules.settings.partition;
        let mut partitions: BTreeSet<Partition> = Records::new(log)
            .filter_map(|(_, item)| match item {
                Item::Record(record, _) => {
                    Some(Partition::containing(partitioning, Timestamp(record.time)))
                }
                Item::Damage(..) => None,
            })
            .collect();
        partitions.extend(self.readable.state.read(|state| -> Vec<Partition> {
            state.files.keys().rev().take(2).copied().collect()
        }));
        partitions.into_iter().try_for_each(|partition| self.make_appendable(partition))
    }

    /// What the files hold of the samples that the log may hold, too.
    ///
    /// An anchor in the log says from where on frames can repeat its samples. The reference
    /// writes none, so of its logs every frame counts whose time fits.
    fn held_by_files(&self, log: &[u8]) -> Result<Held> {
        let mut spans: BTreeMap<Partition, (TimeRange, Option<u64>)> = BTreeMap::new();
        let partitioning = self.rules.settings.partition;
        for (_, item) in Records::new(log) {
            let Item::Record(record, _) = item else { continue };
            let time = Timestamp(record.time);
            let partition = match spans.last_key_value() {
                Some((last, (range, _))) if range.contains(time) => *last,
                _ => Partition::containing(partitioning, time),
            };
            let (span, _) = spans
                .entry(partition)
                .or_insert((TimeRange { from: time, to: time }, record.anchor));
            span.from = span.from.min(time);
            span.to = span.to.max(time);
        }
        let mut held = Held::new();
        for (partition, (span, anchor)) in spans {
            self.readable.count_held(partition, span, anchor, &mut held)?;
        }
        Ok(held)
    }

    fn take_over(
        &mut self,
        record: &Record<'_>,
        offset: usize,
        held: &mut Held,
        now: Timestamp,
        report: &mut OpenReport,
    ) -> Result<()> {
        let slot = self.readable.state.write(|state| resolve(&mut state.catalog, record));
        let slot = match slot {
            Ok(slot) => slot,
            Err(problem) => {
                report.problems.push(format!("log record at {offset}: {problem}"));
                return Ok(());
            }
        };
        let sample = (record.id, record.time, record.raw);
        let already = held.get_mut(&sample).filter(|count| **count > 0);
        let is_new = already.is_none();
        if let Some(count) = already {
            *count -= 1;
            report.duplicates += 1;
        } else {
            report.replayed += 1;
        }
        let partition =
            Partition::containing(self.rules.settings.partition, Timestamp(record.time));
        let limits = self.rules.page_limits();
        let newest_stored = self.newest_stored;
        let is_full = self.readable.state.write(|state| {
            note_newest(&mut state.catalog, slot, (record.time, record.raw), newest_stored);
            if !is_new {
                return false;
            }
            let page = state.pages.entry(partition).or_insert_with(|| OpenPage::new(now));
            page.push(record.id, record.time, record.raw);
            page.logged = true;
            page.is_full(&limits)
        });
        // The log stays as it is until all of it was read: `log` is not open yet, so writing a
        // page cannot empty it (D-01).
        if is_full && !self.readable.read_only { self.flush(partition) } else { Ok(()) }
    }

    fn open_log(&mut self, name: &FileName, len: u64, good_end: u64) -> Result<()> {
        if !self.rules.settings.wal_enabled && good_end == 0 && len == 0 {
            return Ok(());
        }
        let mut file = self.readable.storage.open_log(name)?;
        let len = file.len()?.max(len);
        if good_end < len {
            file.truncate(good_end)?;
            file.sync()?;
        }
        self.readable.storage.sync_dir()?;
        let mut log = Log::new(file, good_end, self.rules.fsync_policy);
        if !self.rules.settings.wal_enabled {
            // Left from when the log was on; the reference throws it away, here it is kept safe.
            self.flush_all()?;
            log.reset()?;
            log.sync()?;
            return Ok(());
        }
        self.log = Some(log);
        Ok(())
    }
}

impl<H: Host> Readable<H> {
    fn count_held(
        &self,
        partition: Partition,
        span: TimeRange,
        anchor: Option<u64>,
        held: &mut Held,
    ) -> Result<()> {
        let files = self.state.read(|state| state.files_of(partition));
        let view = super::state::PartitionView { partition, files, page: None };
        let sources = match anchor {
            Some(_) => self.data_source(&view)?.into_iter().collect(),
            None => self.sources(&view)?,
        };
        self.scan_from(&sources, anchor.unwrap_or(0), span, &mut |ids, times, raws| {
            for ((&id, &time), &raw) in ids.iter().zip(times).zip(raws) {
                if span.contains(Timestamp(time)) {
                    *held.entry((id, time, raw)).or_default() += 1;
                }
            }
            Ok(())
        })
    }
}

/// What follows the last record, when it is more than one append can have left: a torn record is
/// shorter than a whole one, and behind it are only zeros.
fn damaged_tail(records: &Records<'_>, bytes: &[u8]) -> Option<Tail> {
    let tail = records.tail()?;
    let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    (written.saturating_sub(tail.offset) > MAX_RECORD_LEN).then_some(tail)
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
