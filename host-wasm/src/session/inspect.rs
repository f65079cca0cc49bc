//! Looking into a store.

use super::query::type_name;
use super::view::{
    DatabaseInfo, DatabaseStats, FileInfo, FrameInfo, LogInfo, LogRecord, LogReset, OpenPage,
    PartitionInfo, StoreStats, StoredFile, object,
};
use super::{Answer, Session, count, settings};
use crate::error::{thrown, with_code};
use crate::root::Listed;
use nanotdb_core::compress::CodecId;
use nanotdb_core::engine::{DbInspect, FileKind, FrameIndex, OpenPageStats};
use nanotdb_core::error::Result;
use nanotdb_core::metric_file::MetricFile;
use nanotdb_core::partition::Partition;
use nanotdb_core::query::MetricInfo;
use nanotdb_core::sorted::{SortedMap, SortedSet, sort_by};
use nanotdb_core::stats::DbStats;
use nanotdb_core::storage::{FileName, Storage, StorageFile};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Session {
    /// The store as a whole.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn stats(&self) -> Answer<JsValue> {
        let engine = self.engine()?;
        let files = self.root.files().map_err(thrown)?;
        let file_bytes: u64 = files.iter().map(|file| file.bytes).sum();
        object(&StoreStats {
            version: super::version(),
            storage: self.storage,
            databases: engine.databases().map_err(thrown)?,
            file_bytes: count(file_bytes),
            stored_bytes: count(self.root.volume_bytes().unwrap_or(file_bytes)),
            memory_bytes: crate::memory_bytes(),
            warnings: engine.warnings().iter().map(ToString::to_string).collect(),
        })
    }

    /// The settings of `engine.toml`.
    ///
    /// # Errors
    ///
    /// `closed`.
    pub fn settings(&self) -> Answer<JsValue> {
        object(&settings::of_engine(self.engine()?.settings()))
    }

    /// A database as it is now.
    ///
    /// # Errors
    ///
    /// `unknown-database`, or why it does not open.
    pub fn inspect(&self, database: &str) -> Answer<JsValue> {
        let opened = self.database(database)?;
        let files = self.root.files_in(database).map_err(thrown)?;
        let found: DbInspect = opened.inspect();
        let partitions: SortedSet<Partition> = files.iter().filter_map(partition_of).collect();
        object(&DatabaseInfo {
            name: found.database,
            metrics: count(found.metric_count),
            partitions: count(partitions.len()),
            bytes: count(files.iter().map(|file| file.bytes).sum::<u64>()),
            settings: settings::of_database(&found.settings),
            open_pages: found.open_pages.iter().map(open_page).collect(),
            problems: opened.open_report().notes().collect(),
            stats: stats(&found.stats),
        })
    }

    /// Partitions and their files, oldest first.
    ///
    /// # Errors
    ///
    /// `unknown-database`, or why it does not open.
    pub fn partitions(&self, database: &str) -> Answer<JsValue> {
        let opened = self.database(database)?;
        let mut partitions: SortedMap<Partition, Vec<StoredFile>> = SortedMap::new();
        for file in self.root.files_in(database).map_err(thrown)? {
            if let Some((kind, partition)) = FileKind::parse(file.name.as_str()) {
                let name = file.name.to_string();
                let file = StoredFile { name, kind: kind_name(kind), bytes: count(file.bytes) };
                partitions.get_or_default(partition).push(file);
            }
        }
        let pages = opened.inspect().open_pages;
        let open: SortedSet<Partition> =
            pages.iter().filter_map(|page| page.partition.parse().ok()).collect();
        for &partition in &open {
            partitions.get_or_default(partition);
        }
        let view = |(partition, files): (Partition, Vec<StoredFile>)| {
            let range = partition.range();
            PartitionInfo {
                partition: partition.to_string(),
                from: range.from.0,
                to: range.to.0,
                files,
                open: open.contains(&partition),
            }
        };
        let mut views: Vec<_> = partitions.into_iter().map(view).collect();
        sort_by(&mut views, |a, b| a.from < b.from);
        object(&views)
    }

    /// What a file of a partition holds.
    ///
    /// # Errors
    ///
    /// `invalid` when it is no such file, `not-found` when it does not exist.
    #[wasm_bindgen(js_name = inspectFile)]
    pub fn inspect_file(&self, database: &str, file: &str) -> Answer<JsValue> {
        let opened = self.database(database)?;
        let name = FileName::new(file).map_err(thrown)?;
        let Some((kind, partition)) = FileKind::parse(file) else {
            let detail = format!("{file}: expected a data, raw or metric file");
            return Err(with_code("invalid", &detail));
        };
        let stored = self.root.directory(database).open(&name).map_err(thrown)?;
        let bytes = stored.len().map_err(thrown)?;
        let mut info = FileInfo {
            name: file.to_owned(),
            bytes: count(bytes),
            format: "pages".to_owned(),
            frames: Vec::new(),
            problems: Vec::new(),
        };
        let described = match kind {
            FileKind::Metric => self.describe_metrics(stored, &mut info, &opened.metrics()),
            FileKind::Data | FileKind::Raw => {
                self.describe_pages(&stored, bytes, partition, &mut info)
            }
        };
        if let Err(error) = described {
            info.problems.push(error.to_string());
        }
        object(&info)
    }

    /// The log: its newest records and what is wrong with it.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    #[wasm_bindgen(js_name = inspectLog)]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn inspect_log(&self, database: &str, limit: f64) -> Answer<JsValue> {
        let found = self.database(database)?.inspect_wal().map_err(thrown)?;
        let records = found.records.len();
        let first = records.saturating_sub(limit.clamp(0.0, 100_000.0) as usize);
        let view = |record: &nanotdb_core::engine::WalRecord| LogRecord {
            offset: count(record.offset),
            metric: record.metric.clone().unwrap_or_else(|| format!("#{}", record.metric_id)),
            time: record.time.0,
            value: record.value.as_f64(),
        };
        object(&LogInfo {
            bytes: count(found.bytes),
            records: count(records),
            newest: found.records.iter().skip(first).map(view).collect(),
            problems: found.problems,
        })
    }

    fn describe_pages(
        &self,
        file: &impl StorageFile,
        bytes: u64,
        partition: Partition,
        info: &mut FileInfo,
    ) -> Result<()> {
        let mut index = FrameIndex::default();
        index.walk(file, bytes, partition, self.options.codecs.get(CodecId::S2))?;
        info.frames.extend(index.frames.iter().map(|frame| FrameInfo {
            offset: count(frame.offset),
            bytes: count(frame.header.frame_len()),
            samples: frame.header.record_count.into(),
            codec: CodecId::S2.name(),
            from: frame.header.start,
            to: frame.header.end,
            metric: None,
            value_type: None,
        }));
        info.problems.extend(index.damage.iter().map(|damage| {
            format!("{} bytes at {} are no page: {}", damage.len, damage.offset, damage.error)
        }));
        Ok(())
    }

    fn describe_metrics(
        &self,
        file: impl StorageFile,
        info: &mut FileInfo,
        metrics: &[MetricInfo],
    ) -> Result<()> {
        let opened = MetricFile::open(file, &info.name, &self.options.codecs)?;
        let summary = opened.summary();
        info.format = format!("metric v{}", summary.version.number());
        info.frames.extend(opened.entries().iter().map(|entry| {
            let known = metrics.iter().find(|metric| metric.id == entry.metric);
            let name = known.map_or_else(|| format!("#{}", entry.metric.get()), |m| m.name.clone());
            FrameInfo {
                offset: count(entry.offset),
                bytes: entry.payload_len.into(),
                samples: entry.point_count.into(),
                codec: summary.codec.name(),
                from: entry.range.from.0,
                to: entry.range.to.0,
                metric: Some(name),
                value_type: Some(type_name(entry.value_type)),
            }
        }));
        Ok(())
    }
}

fn partition_of(file: &Listed) -> Option<Partition> {
    FileKind::parse(file.name.as_str()).map(|(_, partition)| partition)
}

const fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Data => "data",
        FileKind::Raw => "raw",
        FileKind::Metric => "metric",
    }
}

fn open_page(page: &OpenPageStats) -> OpenPage {
    OpenPage {
        partition: page.partition.clone(),
        samples: count(page.records),
        metrics: count(page.unique_metrics),
        bytes: count(page.value_bytes),
        from: page.range.from.0,
        to: page.range.to.0,
        max_samples: count(page.max_records),
        max_bytes: count(page.max_bytes),
        max_age_ns: page.max_age_ns,
        age_ns: page.age_ns,
        logged: page.logged,
        full: page.full,
    }
}

fn stats(stats: &DbStats) -> DatabaseStats {
    let cache = stats.cache.blocks;
    DatabaseStats {
        samples: count(stats.samples),
        pages_written: count(stats.data.flush_bytes.count()),
        page_bytes: count(stats.data.flush_bytes.total()),
        log_bytes: count(stats.wal.buffer_bytes),
        log_records: count(stats.wal.append_count),
        log_resets: stats
            .wal
            .recent_resets
            .iter()
            .map(|reset| LogReset { at: reset.at.0, bytes: count(reset.bytes) })
            .collect(),
        replayed_records: count(stats.replay.records),
        cache_bytes: count(cache.bytes),
        cache_entries: count(cache.entries),
        cache_hits: count(cache.hits),
        cache_misses: count(cache.misses),
    }
}
