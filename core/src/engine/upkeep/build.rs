//! Turning the raw pages of a partition into a metric file.

use super::copy::copy;
use crate::compress::CodecId;
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::{FileKind, StoredFile};
use crate::engine::host::{Host, Shared};
use crate::engine::state::{FileOf, PartitionView, Readable};
use crate::error::{Error, Rejection, Result};
use crate::metric_file::{self, SampleScan, Target, Version, Visit};
use crate::partition::Partition;
use crate::query::{Source, invalid};
use crate::settings::{MetricsSettings, RawAction};
use crate::storage::{FileName, Storage, StorageFile};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

/// What to build.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct BuildOptions {
    /// The version of the file.
    pub version: Version,
    /// What its payloads are compressed with; of no account in version 3.
    pub codec: CodecId,
    /// What becomes of the raw pages afterwards.
    pub raw_action: RawAction,
    /// Whether a codec is allowed that the reference engine cannot read.
    pub allow_foreign_codec: bool,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            version: Version::V2,
            codec: CodecId::default(),
            raw_action: RawAction::Keep,
            allow_foreign_codec: false,
        }
    }
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Key of the partition.
    pub partition: String,
    /// The files that were read.
    pub sources: Vec<FileName>,
    /// Bytes of those files.
    pub source_bytes: u64,
    /// The file that was written.
    pub metric_file: FileName,
    /// Its layout.
    pub version: Version,
    /// Bytes of that file.
    pub metric_bytes: u64,
    /// Metrics in it.
    pub metrics: u64,
    /// Samples in it.
    pub points: u64,
}

impl BuildReport {
    fn set_sources<F>(&mut self, sources: &[Source<F>]) {
        for (name, bytes) in sources.iter().filter_map(Source::file) {
            self.sources.push(name);
            self.source_bytes = self.source_bytes.saturating_add(bytes);
        }
    }
}

impl BuildOptions {
    /// What the engine's settings say.
    pub fn from_settings(settings: &MetricsSettings) -> Self {
        Self {
            version: settings.format,
            codec: settings.compression,
            raw_action: settings.raw_ingest_action,
            allow_foreign_codec: false,
        }
    }
}

/// What a partition took and takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactReport {
    /// Name of the database.
    pub database: String,
    /// Key of the partition.
    pub partition: String,
    /// The file that was read; the first of them when there were more.
    pub data_file: FileName,
    /// The file that was written.
    pub metric_file: FileName,
    /// Its layout.
    pub version: Version,
    /// Bytes of all files that were read.
    pub data_bytes: u64,
    /// Bytes of the file that was written.
    pub metric_bytes: u64,
    /// By how much that is less; by how much more, when it is negative.
    pub saved_bytes: i64,
}

impl<H: Host> Database<H> {
    /// Builds the metric file of a partition with the layout and the codec of the engine's
    /// settings, and does with the raw pages what they say.
    ///
    /// # Errors
    ///
    /// As [`build_metric_file`](Self::build_metric_file).
    pub fn compact(&self, key: &str) -> Result<CompactReport> {
        let built = self.build_metric_file(key, self.build_defaults())?;
        let data_file = built.sources.into_iter().next().unwrap_or(built.metric_file.clone());
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Ok(CompactReport {
            database: self.name().to_string(),
            partition: built.partition,
            data_file,
            metric_file: built.metric_file,
            version: built.version,
            data_bytes: built.source_bytes,
            metric_bytes: built.metric_bytes,
            saved_bytes: signed(built.source_bytes).saturating_sub(signed(built.metric_bytes)),
        })
    }

    /// Keys of the partitions that have files, in order of time.
    pub fn partitions(&self) -> Vec<String> {
        self.readable().state.read(|state| state.files.keys().map(ToString::to_string).collect())
    }

    /// Builds the metric file of a partition from everything the partition holds, replacing one
    /// that is there. Ingest into other partitions, and queries, go on meanwhile.
    ///
    /// # Errors
    ///
    /// `Rejected` when the key is none of this database, the partition has no samples, samples
    /// for it arrive meanwhile, or the codec is not allowed; when files are damaged or cannot be
    /// written.
    pub fn build_metric_file(&self, key: &str, options: BuildOptions) -> Result<BuildReport> {
        let partition = self.partition(key)?;
        let built = self.build_partition(partition, options);
        let (database, partition) = (self.name(), &*partition.to_string());
        match &built {
            Ok(BuildReport { points, metric_bytes, .. }) => {
                let (version, points, bytes) = (options.version, *points, *metric_bytes);
                let event = Event::MetricFileBuilt { database, partition, version, points, bytes };
                self.host().note(&event);
            }
            Err(error) => {
                self.host().note(&Event::MetricFileFailed { database, partition, error });
            }
        }
        built
    }

    fn build_partition(&self, partition: Partition, options: BuildOptions) -> Result<BuildReport> {
        check_codec(options.version, options.codec, options.allow_foreign_codec)?;
        self.builds().write(|()| {
            self.settle_for_build(partition)?;
            let view = self.readable().partition_view(partition);
            // A flush may have removed the metric file just now.
            let sources = match self.readable().build_sources(&view) {
                Err(_) if self.readable().is_outdated(&view) => {
                    return Err(Error::Rejected(Rejection::PartitionOpen(partition.to_string())));
                }
                sources => sources?,
            };
            if sources.is_empty() {
                return Err(invalid(&format!("partition {partition} has no samples")));
            }
            let mut scan = PartitionScan { readable: self.readable(), sources: &sources };
            let mut report = self.readable().build_scanned(&view, &mut scan, options)?;
            report.set_sources(&sources);
            drop(sources);
            self.publish(&view, options.raw_action, &report)?;
            Ok(report)
        })
    }

    /// Writes the partition's page, so that its files have everything.
    pub(in crate::engine) fn settle_for_build(&self, partition: Partition) -> Result<()> {
        self.writer().write(|writer| {
            writer.check_writable()?;
            // Of a data file whose end is torn, the end is kept elsewhere: the file may go.
            writer.make_appendable(partition)?;
            writer.flush(partition)?;
            // The metric file will be durable. Were the pages not, a power cut could leave
            // samples in it that replay does not find in the data file, and adds again.
            let synced = writer.store_catalog().and_then(|()| writer.sync_data());
            writer.poisoning(synced)
        })
    }

    /// The partition of a key, which must be one of this database's kind.
    ///
    /// # Errors
    ///
    /// [`Rejection::InvalidPartition`] when it is none.
    pub fn partition(&self, key: &str) -> Result<Partition> {
        let partitioning = self.settings().partition;
        let parsed = key.trim().parse::<Partition>().ok();
        parsed.filter(|partition| partition.partitioning() == partitioning).ok_or_else(|| {
            let expected = Partition::form(partitioning);
            Error::Rejected(Rejection::InvalidPartition { partition: key.to_string(), expected })
        })
    }

    /// Makes queries use the new file, then does away with the raw pages as asked: in this
    /// order, so that the samples are in some file at every moment.
    pub(in crate::engine) fn publish(
        &self,
        view: &PartitionView,
        action: RawAction,
        report: &BuildReport,
    ) -> Result<()> {
        let published = self.put_in_place(view, action, report);
        if published.is_err() {
            // Unless it has its name by now.
            self.readable().storage.remove_if_present(&building(&report.metric_file)?)?;
        }
        published
    }

    fn put_in_place(
        &self,
        view: &PartitionView,
        action: RawAction,
        report: &BuildReport,
    ) -> Result<()> {
        let partition = view.partition;
        self.writer().write(|writer| {
            writer.check_writable()?;
            let old = view.files.metric.as_ref().map(|file| file.generation);
            let forget = || {
                if let Some(old) = old {
                    self.readable().cache.write(|cache| cache.forget(old));
                }
            };
            forget(); // no handle is held on a file that is renamed over
            let built = building(&report.metric_file)?;
            let storage = &self.readable().storage;
            // The name under the same lock as the state: a query that opened a file and finds
            // the state as it was knows that the file is the one it meant.
            let unchanged = self.readable().state.write(|state| {
                let now = state.files_of(partition);
                let unchanged =
                    now.data == view.files.data && !state.pages.contains_key(&partition);
                if unchanged {
                    storage.rename(&built, &report.metric_file)?;
                    let file = (report.metric_file.clone(), report.metric_bytes);
                    state.replace_file(partition, FileKind::Metric, file);
                }
                Ok::<_, Error>(unchanged)
            })?;
            // What came meanwhile would be hidden from the reference by the new file.
            let settled = if unchanged { Ok(()) } else { storage.remove_if_present(&built) };
            let settled = settled.map_err(Error::from).and_then(|()| writer.sync_dir());
            writer.poisoning(settled)?;
            forget();
            if !unchanged {
                return Err(Error::Rejected(Rejection::PartitionOpen(partition.to_string())));
            }
            if action != RawAction::Keep {
                // The log may hold samples of this partition, and tells them from those in
                // files by the data file that is about to go.
                writer.flush_all()?;
                writer.empty_log()?;
            }
            let acted = match action {
                RawAction::Keep => Ok(()),
                RawAction::Delete => [FileKind::Raw, FileKind::Data]
                    .into_iter()
                    .try_for_each(|kind| writer.retire_file(partition, kind)),
                RawAction::Rename => writer.set_aside(partition),
            };
            writer.poisoning(acted)
        })
    }
}

impl<H: Host> Readable<H> {
    pub(in crate::engine) fn partition_view(&self, partition: Partition) -> PartitionView {
        let files = self.state.read(|state| state.files_of(partition));
        PartitionView { partition, files, page: None }
    }

    /// Writes the partition's metric file under a temporary name.
    pub(in crate::engine) fn build_scanned(
        &self,
        view: &PartitionView,
        scan: &mut dyn SampleScan,
        options: BuildOptions,
    ) -> Result<BuildReport> {
        self.build_as(view, scan, options, &building(&FileKind::Metric.name(view.partition)?)?)
    }

    /// Writes the partition's metric file under another name.
    pub(super) fn build_as(
        &self,
        view: &PartitionView,
        scan: &mut dyn SampleScan,
        options: BuildOptions,
        under: &FileName,
    ) -> Result<BuildReport> {
        let name = FileKind::Metric.name(view.partition)?;
        let target = Target {
            storage: &self.storage,
            name: under,
            partition_kind: view.partition.partitioning().kind(),
            codec: options.codec,
            codecs: &self.codecs,
        };
        let types = self.types();
        let type_of = |id: u16| types.get(&id).copied();
        let limits = metric_file::BuildOptions::default();
        let written = match options.version {
            Version::V1 => metric_file::build_v1(&target, scan, &type_of, &limits),
            Version::V2 => metric_file::build_v2(&target, scan, &type_of, &limits),
            Version::V3 => metric_file::build_v3(&target, scan, &type_of, &limits),
        }?;
        Ok(BuildReport {
            partition: view.partition.to_string(),
            sources: Vec::new(),
            source_bytes: 0,
            metric_file: name,
            version: options.version,
            metric_bytes: written.bytes,
            metrics: u64::try_from(written.metrics).unwrap_or(u64::MAX),
            points: written.points,
        })
    }
}

/// Refuses a codec that the reference engine does not know, unless that is wanted. Version 3 has
/// none.
pub(super) fn check_codec(version: Version, codec: CodecId, allow_foreign: bool) -> Result<()> {
    if version == Version::V3 || codec.is_known_to_reference() || allow_foreign {
        return Ok(());
    }
    Err(invalid(&format!("the reference engine cannot read codec {}", codec.name())))
}

/// The name of a metric file until it is whole and takes the place of an older one.
pub(super) fn building(metric_file: &FileName) -> Result<FileName> {
    Ok(FileName::new(&format!("{metric_file}.new"))?)
}

/// The samples of a partition, as often as a build reads them.
pub(in crate::engine) struct PartitionScan<'a, H: Host> {
    pub(in crate::engine) readable: &'a Readable<H>,
    pub(in crate::engine) sources: &'a [Source<FileOf<H>>],
}

impl<H: Host> SampleScan for PartitionScan<'_, H> {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        self.readable.scan_sources(self.sources, visit)
    }
}

impl<H: Host> crate::engine::writer::Writer<H> {
    /// Deletes a raw file whose samples a metric file holds.
    fn retire_file(&mut self, partition: Partition, kind: FileKind) -> Result<()> {
        if kind == FileKind::Data {
            self.forget_data_file(partition);
        }
        self.remove_file(partition, kind)
    }

    /// Lets go of the data file, which is about to be another one or none.
    pub(in crate::engine) fn forget_data_file(&mut self, partition: Partition) {
        self.appendable.remove(&partition);
        self.unsynced.remove(&partition);
        self.staging.leave();
    }

    /// Makes the data file the partition's raw file; one that is there gets its pages in front.
    fn set_aside(&mut self, partition: Partition) -> Result<()> {
        let files = self.readable.state.read(|state| state.files_of(partition));
        let Some(data) = &files.data else { return Ok(()) };
        let name = FileKind::Raw.name(partition)?;
        self.sync_data()?;
        self.forget_data_file(partition);
        let storage = &self.readable.storage;
        let (temporary, len) = match &files.raw {
            None => (data.name.clone(), data.len),
            Some(raw) => {
                let temporary = name.temporary()?;
                let joined = self.join_raw(partition, raw, data);
                if joined.is_err() {
                    storage.remove_if_present(&temporary)?;
                }
                (temporary, joined.map_err(|error| error.needing(raw.len + data.len))?)
            }
        };
        for file in [files.raw.as_ref(), Some(data)].into_iter().flatten() {
            self.readable.cache.write(|cache| cache.forget(file.generation));
        }
        // The metric file answers meanwhile.
        let set = |kind: FileKind, file: Option<(FileName, u64)>| {
            self.readable.state.write(|state| state.set_file(partition, kind, file));
        };
        let there = |file: &StoredFile| (file.name.clone(), file.len);
        set(FileKind::Data, None);
        set(FileKind::Raw, None);
        if let Err(error) = storage.rename(&temporary, &name) {
            set(FileKind::Data, Some(there(data)));
            set(FileKind::Raw, files.raw.as_ref().map(there));
            return Err(error.into());
        }
        set(FileKind::Raw, Some((name, len)));
        if files.raw.is_some()
            && let Err(error) = storage.remove_if_present(&data.name)
        {
            set(FileKind::Data, Some(there(data)));
            return Err(error.into());
        }
        self.sync_dir()
    }

    /// Writes the pages of a raw file, and behind them those of the data file, under a temporary
    /// name.
    fn join_raw(&self, partition: Partition, raw: &StoredFile, data: &StoredFile) -> Result<u64> {
        let storage = &self.readable.storage;
        let mut joined = storage.create_anew(&raw.name.temporary()?)?;
        // An earlier attempt may have ended before it removed the data file.
        let from = self.readable.not_yet_in_raw(partition, raw, data)?;
        copy_all(&storage.open(&raw.name)?, 0..raw.len, &mut joined)?;
        copy_all(&storage.open(&data.name)?, from..data.len, &mut joined)?;
        joined.sync()?;
        Ok(raw.len.saturating_add(data.len.saturating_sub(from)))
    }
}

/// A rejection, which stops no later writes: the files are still as they were.
fn copy_all<F: StorageFile>(from: &F, range: Range<u64>, to: &mut F) -> Result<()> {
    let len = range.end.saturating_sub(range.start);
    if copy(from, range, to)? < len {
        return Err(invalid("a data file became shorter while it was copied"));
    }
    Ok(())
}
