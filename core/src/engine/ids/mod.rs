//! Metric ids that files use, and metrics that have lost their names.
//!
//! `catalog.json` alone says which metric an id stands for. It may be empty, missing or older than
//! the data beside it, after a power cut or a restore; then samples stand under ids that have no name,
//! and a new metric that got such an id would show them as its own. So before the first new id is given
//! out, every file was asked which ids it uses (`scan`, remembered in `cache`), and an id that has
//! no name, neither in the catalog nor in the log, becomes a metric `recovered.<id>`: it can be read and
//! is reported, never written, and not in the catalog file. [`Database::name_metric`] gives it its name.
//!
//! A catalog that gives an id another name than the samples had cannot be noticed: no other file
//! knows names.

mod cache;
mod name;
mod scan;
mod set;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod usage;

pub(crate) use cache::IDS_CACHE;
pub(crate) use set::IdMarks;
pub(crate) use usage::IdUsage;

use super::database::Database;
use super::event::Event;
use super::host::{Host, Shared};
use super::open::load_catalog;
use super::state::{Readable, State};
use super::writer::Writer;
use crate::catalog::{Entry, Recovered};
use crate::error::{Error, Result};
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A metric whose name is lost: samples have its id, and neither catalog nor log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveredMetric {
    /// Its number in files.
    pub id: MetricId,
    /// What it is called until it has a name: `recovered.<id>`, or `recovered.<id>.2` and so on
    /// where a metric has that name.
    pub name: String,
    /// The type of its values, where metric files tell. Raw pages do not; then values are shown as
    /// their 32 bits, an integer.
    pub value_type: Option<ValueType>,
}

impl RecoveredMetric {
    fn of(entry: &Entry) -> Self {
        let known = entry.recovered == Some(Recovered::Typed);
        let value_type = known.then_some(entry.value_type);
        Self { id: entry.id, name: entry.name.to_string(), value_type }
    }

    /// What is wrong with these, and how it is mended, in a sentence; nothing when there are none.
    pub fn note(recovered: &[Self]) -> Option<String> {
        let mut names: Vec<&str> = recovered.iter().map(|metric| metric.name.as_str()).collect();
        let more = match names.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => format!(" and {more} more"),
            _ => String::new(),
        };
        names.truncate(SHOWN);
        let (ids, each, value_type) = match recovered {
            [] => return None,
            [one] => (format!("metric id {}", one.id), one.id.to_string(), one.value_type),
            several => (format!("{} metric ids", several.len()), "ID".to_string(), None),
        };
        let value_type = value_type.map_or("int32|float32", ValueType::name);
        Some(format!(
            "{ids} with samples and no name in catalog or log, kept as {}{more}: name with `nanotdb \
             catalog set --id {each} --name NAME --type {value_type}`, or put the catalog.json back \
             that belongs to the data",
            names.join(", ")
        ))
    }
}

/// Names that a note shows.
const SHOWN: usize = 8;

impl<H: Host> Readable<H> {
    /// Takes over what the cache on disk says, if it says something.
    pub(super) fn load_ids(&self) -> Result<()> {
        let has_samples = self.state.read(|state| {
            let files = state.files.values().flat_map(|f| [&f.data, &f.raw, &f.metric]);
            files.flatten().any(|file| file.len > 0)
        });
        if !has_samples {
            self.state.write(|state| state.ids.complete());
            return Ok(());
        }
        let bytes = self.storage.read(&FileName::new(IDS_CACHE)?)?.unwrap_or_default();
        let Some(cached) = cache::decode(&bytes) else { return Ok(()) };
        self.state.write(|state| {
            state.catalog.reserve_up_to(cached.reserved);
            state.ids = IdUsage::cached(cached.files);
            let State { ids, files, .. } = state;
            ids.keep_only(files);
        });
        Ok(())
    }

    /// Whether something speaks for lost names: files with samples beside an empty catalog, a
    /// record of the log without a name, or a cache that knows ids that the catalog does not.
    fn may_lack_names(&self) -> bool {
        self.state.read(|state| {
            let named = |id: u16| MetricId::new(id).and_then(|id| state.catalog.find_id(id));
            !state.ids.is_complete()
                && (state.catalog.is_empty()
                    || state.catalog.recovered().next().is_some()
                    || state.catalog.lacks_reserved()
                    || state.ids.all().iter().any(|id| named(id).is_none()))
        })
    }

    /// Looks at every file that nobody has looked at, and keeps ids without a name as recovered
    /// metrics.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or read now. Damage is none: it has no ids.
    pub(crate) fn learn_ids(&self) -> Result<()> {
        // A file may be replaced while others are looked at.
        loop {
            let unknown = self.state.read(|state| state.ids.unknown(&state.files));
            if unknown.is_empty() {
                return self.recover_ids();
            }
            for file in &unknown {
                self.learn(file)?;
            }
        }
    }

    fn learn(
        &self,
        file: &(crate::partition::Partition, super::FileKind, super::StoredFile),
    ) -> Result<()> {
        let found = self.look_at(file)?;
        self.state.write(|state| state.ids.put(file.2.name.clone(), found));
        Ok(())
    }

    /// Keeps ids that have no name as recovered metrics. Every file was looked at.
    fn recover_ids(&self) -> Result<()> {
        let is_nameless = |state: &State, id: MetricId| state.catalog.find_id(id).is_none();
        let nameless = |state: &State| -> Vec<MetricId> {
            let ids = state.ids.all();
            let ids = ids.iter().filter_map(MetricId::new);
            ids.filter(|id| is_nameless(state, *id)).collect()
        };
        if self.read_only && !self.state.read(nameless).is_empty() {
            // Another process may have stored it between our looks at catalog and files.
            let records = load_catalog(&self.storage, &self.name)?;
            self.state.write(|state| {
                for record in &records {
                    let _ = state.catalog.introduce(&record.name, record.id, record.value_type);
                }
            });
        }
        self.state.write(|state| {
            for id in nameless(state) {
                let value_type = state.ids.type_of(id.get());
                state.catalog.recover(id, value_type);
            }
            // Those that the log had may have a type by now.
            let untyped: Vec<MetricId> = state.catalog.recovered().map(|entry| entry.id).collect();
            for id in untyped {
                let value_type = state.ids.type_of(id.get());
                state.catalog.recover(id, value_type);
            }
            state.ids.complete();
        });
        Ok(())
    }

    /// Whether a file uses an id that a record of the log has, and that has no name so far.
    pub(super) fn may_have_id(&self, id: u16) -> bool {
        let is_known = |state: &State| MetricId::new(id).and_then(|id| state.catalog.find_id(id));
        !self.state.read(|state| state.ids.is_complete())
            && self.learn_ids().is_ok()
            && self.state.read(is_known).is_some()
    }

    /// The metrics whose names are lost, as far as that is known.
    pub(crate) fn recovered(&self) -> Vec<RecoveredMetric> {
        self.state.read(|state| state.catalog.recovered().map(RecoveredMetric::of).collect())
    }
}

impl<H: Host> Writer<H> {
    /// Makes certain that no file uses an id that is given out from here on.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or read now; nothing has changed then.
    pub(super) fn learn_ids(&mut self) -> Result<()> {
        if self.readable.state.read(|state| state.ids.is_complete()) {
            return Ok(());
        }
        self.readable.learn_ids()?;
        self.pass_over_recovered();
        self.store_ids();
        Ok(())
    }

    /// Recovered metrics are not new ones.
    pub(super) fn pass_over_recovered(&mut self) {
        if let Some(told) = &mut self.told_metrics {
            *told = self.readable.state.read(|state| state.catalog.len());
        }
    }

    /// Writes the cache, if all is known and something is new. Nothing depends on it: a cache that
    /// could not be written is built anew.
    pub(super) fn store_ids(&mut self) {
        let readable = &self.readable;
        if readable.read_only || !readable.state.read(|state| state.ids.is_complete()) {
            return;
        }
        // Metric files were built meanwhile.
        if readable.learn_ids().is_err() {
            return;
        }
        let bytes = readable.state.write(|state| {
            let State { ids, files, catalog, .. } = state;
            ids.keep_only(files);
            let whole: Vec<_> = ids.iter().filter(|(_, known)| !known.partial).collect();
            ids.is_changed().then(|| cache::encode(catalog.highest(), &whole))
        });
        if let Some(bytes) = bytes {
            let _ = self.overwrite_ids(&bytes);
            self.readable.state.write(|state| state.ids.stored());
        }
    }

    /// Neither synced nor renamed: a checksum tells whether it is whole.
    fn overwrite_ids(&self, bytes: &[u8]) -> Result<()> {
        let (mut file, created) =
            self.readable.storage.open_or_create(&FileName::new(IDS_CACHE)?)?;
        if !created {
            file.truncate(0)?;
        }
        Ok(file.append(bytes)?)
    }
}

impl<H: Host> Database<H> {
    /// The metrics whose names are lost, as far as that is known: from opening, where something spoke
    /// for it, and for certain after [`find_recovered`](Self::find_recovered) or the first new
    /// metric.
    pub fn recovered(&self) -> Vec<RecoveredMetric> {
        self.readable().recovered()
    }

    /// Looks at every file for ids that have no name, and returns the metrics that these are. What
    /// was looked at before is not read again.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or read now. Damage is passed over.
    pub fn find_recovered(&self) -> Result<Vec<RecoveredMetric>> {
        self.readable().learn_ids()?;
        Ok(self.recovered())
    }

    /// Looks at one more file, so that lost names are found without anybody asking; says so when
    /// some are. A file that cannot be read now is tried again by whoever needs to know.
    pub(super) fn learn_some_ids(&self) {
        let readable = self.readable();
        if readable.state.read(|state| state.ids.is_complete()) {
            return;
        }
        let unknown = readable.state.read(|state| state.ids.unknown(&state.files));
        let learned = match unknown.first() {
            Some(file) => readable.learn(file),
            None => readable.recover_ids(),
        };
        if learned.is_ok() && readable.state.read(|state| state.ids.is_complete()) {
            self.writer().write(|writer| {
                writer.pass_over_recovered();
                writer.store_ids();
            });
            if let Some(note) = &RecoveredMetric::note(&readable.recovered()) {
                self.host().note(&Event::Noticed { database: self.name(), note });
            }
        }
    }
}

/// What opening does about ids: see the module.
pub(super) fn check_at_opening<H: Host>(writer: &mut Writer<H>) -> Result<Vec<RecoveredMetric>> {
    if writer.readable.may_lack_names() {
        match writer.learn_ids() {
            // Whoever needs a new id asks again.
            Err(Error::Storage(_)) => {}
            learned => learned?,
        }
    }
    Ok(writer.readable.recovered())
}
