//! Writing a metric file anew in another layout, with the same samples.

use super::build::{PartitionScan, building, check_codec};
use crate::compress::CodecId;
use crate::engine::database::Database;
use crate::engine::event::Event;
use crate::engine::files::FileKind;
use crate::engine::host::{Host, Shared};
use crate::engine::state::PartitionView;
use crate::engine::writer::Writer;
use crate::error::{Error, Rejection, Result};
use crate::metric_file::{self, MetricFile, Version};
use crate::query::{Source, invalid};
use crate::storage::{FileName, Storage};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of samples that the comparison holds in memory.
const COMPARE_BUDGET: usize = 24 << 20;

/// What a metric file should be like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvertOptions {
    /// Its layout.
    pub version: Version,
    /// What its payloads are compressed with; of no account in version 3.
    pub codec: CodecId,
    /// Whether a codec is allowed that the reference engine cannot read.
    pub allow_foreign_codec: bool,
}

/// What a metric file was and is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvertReport {
    /// Key of the partition.
    pub partition: String,
    /// The file.
    pub metric_file: FileName,
    /// The layout it had.
    pub old_version: Version,
    /// The length it had.
    pub old_bytes: u64,
    /// The layout it has.
    pub version: Version,
    /// The length it has.
    pub bytes: u64,
    /// Metrics in it.
    pub metrics: u64,
    /// Samples in it.
    pub points: u64,
    /// Whether it was written anew. It was not where it was as it should be.
    pub converted: bool,
}

impl<H: Host> Database<H> {
    /// Keys of the partitions that have a metric file, in order of time.
    pub fn metric_partitions(&self) -> Vec<String> {
        self.readable().state.read(|state| {
            let files = state.files.iter().filter(|(_, files)| files.metric.is_some());
            files.map(|(partition, _)| partition.to_string()).collect()
        })
    }

    /// Writes the metric file of a partition anew in another layout. Before it takes the place
    /// of the old one, it is read and compared with it bit for bit. Raw pages stay as they are,
    /// whatever they hold. Ingest and queries go on meanwhile.
    ///
    /// # Errors
    ///
    /// `Rejected` when the key is none of this database, the partition has no metric file, the
    /// file is replaced or removed meanwhile, or the codec is not allowed; when it is damaged, or
    /// the new one cannot be written. The old file is there then.
    pub fn convert_metric_file(&self, key: &str, options: ConvertOptions) -> Result<ConvertReport> {
        let partition = self.partition(key)?;
        check_codec(options.version, options.codec, options.allow_foreign_codec)?;
        let converted = self.builds().write(|()| {
            self.writer().read(Writer::check_writable)?;
            let view = self.readable().partition_view(partition);
            match self.convert(&view, options) {
                Err(_) if self.readable().is_outdated(&view) => {
                    Err(Error::Rejected(Rejection::PartitionOpen(partition.to_string())))
                }
                converted => converted,
            }
        });
        let (database, partition) = (self.name(), key.trim());
        match &converted {
            Ok(ConvertReport { converted: false, .. }) => {}
            Ok(ConvertReport { version, old_bytes, bytes, .. }) => {
                let (version, old_bytes, bytes) = (*version, *old_bytes, *bytes);
                let event =
                    Event::MetricFileConverted { database, partition, version, old_bytes, bytes };
                self.host().note(&event);
            }
            Err(error) => {
                self.host().note(&Event::MetricFileFailed { database, partition, error });
            }
        }
        converted
    }

    fn convert(&self, view: &PartitionView, options: ConvertOptions) -> Result<ConvertReport> {
        let readable = self.readable();
        let partition = view.partition;
        let Some(stored) = &view.files.metric else {
            return Err(invalid(&format!("partition {partition} has no metric file")));
        };
        let old = readable.metric_file(stored)?;
        let summary = old.summary();
        let mut report = ConvertReport {
            partition: partition.to_string(),
            metric_file: stored.name.clone(),
            old_version: summary.version,
            old_bytes: stored.len,
            version: options.version,
            bytes: stored.len,
            metrics: u64::try_from(summary.metrics).unwrap_or(u64::MAX),
            points: summary.points,
            converted: false,
        };
        let has_codec = summary.codec.is_none_or(|codec| codec == options.codec);
        if summary.version == options.version && has_codec {
            return Ok(report);
        }
        let sources = [Source::Metric(stored.clone(), old)];
        let mut scan = PartitionScan { readable, sources: &sources };
        let build = super::build::BuildOptions {
            version: options.version,
            codec: options.codec,
            ..super::build::BuildOptions::default()
        };
        let built = readable.build_scanned(view, &mut scan, build)?;
        let compared = self.compare_new(view, &mut scan);
        drop(sources);
        let replaced = compared.and_then(|()| self.replace_metric_file(view, built.metric_bytes));
        if replaced.is_err() {
            readable.storage.remove_if_present(&building(&stored.name)?)?;
        }
        replaced?;
        report.bytes = built.metric_bytes;
        report.converted = true;
        Ok(report)
    }

    /// What was just written, read from storage and compared with what it was made from.
    fn compare_new(&self, view: &PartitionView, scan: &mut PartitionScan<'_, H>) -> Result<()> {
        let readable = self.readable();
        let name = FileKind::Metric.name(view.partition)?;
        let name = building(&name)?;
        let types = readable.types();
        let type_of = |id: u16| types.get(&id).copied();
        let new = MetricFile::open(readable.storage.open(&name)?, name.as_str(), &readable.codecs)?;
        let compared = metric_file::compare(scan, &type_of, &new, COMPARE_BUDGET)?;
        compared.mismatch.map_or(Ok(()), |mismatch| {
            Err(Error::corrupt(name.as_str(), 0, format!("not what was to be written: {mismatch}")))
        })
    }

    /// Gives the new file its name, if the old one is still what it was made from.
    fn replace_metric_file(&self, view: &PartitionView, bytes: u64) -> Result<()> {
        let readable = self.readable();
        let partition = view.partition;
        let name = FileKind::Metric.name(partition)?;
        let new = building(&name)?;
        let old = view.files.metric.as_ref().map(|file| file.generation);
        self.writer().write(|writer| {
            writer.check_writable()?;
            let forget = || {
                if let Some(old) = old {
                    readable.cache.write(|cache| cache.forget(old));
                }
            };
            forget(); // no handle is held on a file that is renamed over
            // Name and state change under one lock, as with every build.
            let unchanged = readable.state.write(|state| {
                let now = state.files_of(partition).metric.as_ref().map(|file| file.generation);
                let unchanged = now == old;
                if unchanged {
                    readable.storage.rename(&new, &name)?;
                    state.replace_file(partition, FileKind::Metric, (name.clone(), bytes));
                }
                Ok::<_, Error>(unchanged)
            })?;
            let settled = if unchanged { Ok(()) } else { readable.storage.remove_if_present(&new) };
            let settled = settled.map_err(Error::from).and_then(|()| writer.sync_dir());
            writer.poisoning(settled)?;
            forget();
            let gone = || Error::Rejected(Rejection::PartitionOpen(partition.to_string()));
            if unchanged { Ok(()) } else { Err(gone()) }
        })
    }
}
