//! Reading everything a database holds, to find out whether it is whole.

use super::build::PartitionScan;
use crate::engine::database::Database;
use crate::engine::files::{FrameIndex, StoredFile, read_page};
use crate::engine::host::{Host, Shared};
use crate::engine::logs::LogKind;
use crate::engine::state::{PartitionView, Readable};
use crate::engine::writer::CATALOG;
use crate::error::{Error, Result};
use crate::metric_file::{self, Version};
use crate::page::Payload;
use crate::partition::Partition;
use crate::query::Source;
use crate::sorted::SortedMap;
use crate::storage::{FileName, Storage, StorageError, StorageErrorKind};
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use crate::wal::{Item, Records};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of samples that a comparison holds in memory.
const COMPARE_BUDGET: usize = 24 << 20;

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileCheck {
    /// The file.
    pub file: FileName,
    /// Its length in bytes.
    pub bytes: u64,
    /// Of a metric file: its layout.
    pub version: Option<Version>,
    /// Frames, or log records.
    pub frames: u64,
    /// Samples.
    pub samples: u64,
    /// For a metric file beside raw pages: whether both hold the same samples.
    pub equals_raw: Option<bool>,
    /// What is wrong, with the offset; nothing when the file is whole.
    pub problems: Vec<String>,
    /// Why the file could not be read now, which says nothing about what it holds: permissions, or
    /// too many open files.
    pub unread: Option<String>,
}

/// What was found in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// File by file.
    pub files: Vec<FileCheck>,
}

impl VerifyReport {
    /// Whether everything was read and nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.files.iter().all(FileCheck::is_whole)
    }
}

impl<H: Host> Database<H> {
    /// Reads every byte of every file, checks whatever the formats allow to check, and compares
    /// metric files with raw pages. `done` hears of each file as it is finished.
    ///
    /// # Errors
    ///
    /// When the log cannot be read at all; everything else is in the report, file by file.
    pub fn verify(&self, mut done: impl FnMut(&FileCheck)) -> Result<VerifyReport> {
        let readable = self.readable();
        readable.learn_ids()?;
        let types = readable.types_in_use();
        let mut report = VerifyReport::default();
        if let Some(catalog) = readable.check_catalog()? {
            done(&catalog);
            report.files.push(catalog);
        }
        for view in readable.view(TimeRange::ALL) {
            for check in self.check_partition(view.partition, &types)? {
                done(&check);
                report.files.push(check);
            }
        }
        for kind in LogKind::ALL {
            if let Some(log) = readable.check_log(kind, &types)? {
                done(&log);
                report.files.push(log);
            }
        }
        Ok(report)
    }

    /// As [`verify`](Self::verify), of the files of one partition.
    ///
    /// # Errors
    ///
    /// `Rejected` when the key is none of this database; when a file cannot be read at all.
    pub fn verify_partition(&self, key: &str) -> Result<VerifyReport> {
        let partition = self.partition(key)?;
        self.readable().learn_ids()?;
        let types = self.readable().types_in_use();
        Ok(VerifyReport { files: self.check_partition(partition, &types)? })
    }

    /// Checks the files of a partition, which nobody builds, moves or deletes meanwhile; but a
    /// page that is written may make a metric file go.
    fn check_partition(&self, partition: Partition, types: &Types) -> Result<Vec<FileCheck>> {
        let readable = self.readable();
        self.builds().write(|()| {
            let view = readable.partition_view(partition);
            match readable.check_files(&view, types) {
                Err(_) if readable.is_outdated(&view) => {
                    readable.check_files(&readable.partition_view(partition), types)
                }
                checked => checked,
            }
        })
    }
}

type Types = SortedMap<u16, ValueType>;

impl<H: Host> Readable<H> {
    fn check_files(&self, view: &PartitionView, types: &Types) -> Result<Vec<FileCheck>> {
        let mut checks = Vec::new();
        let files = &view.files;
        for file in files.raw.iter().chain(&files.data) {
            checks.push(judged(file, self.check_pages(view.partition, file, types))?);
        }
        if let Some(file) = &files.metric {
            checks.push(judged(file, self.check_metric_file(view, file, types))?);
        }
        // Of one that somebody has replaced meanwhile, another look is to be taken.
        let is_unsure = |check: &FileCheck| !check.is_whole();
        if checks.iter().any(is_unsure) && self.is_outdated(view) {
            let detail = "files were replaced while they were checked";
            return Err(StorageError::new(StorageErrorKind::NotFound, detail).into());
        }
        Ok(checks)
    }

    fn check_pages(
        &self,
        partition: Partition,
        file: &StoredFile,
        types: &Types,
    ) -> Result<FileCheck> {
        let (handle, index) = self.indexed(partition, file)?;
        let mut check = FileCheck::new(file);
        check.frames = u64::try_from(index.frames.len()).unwrap_or(u64::MAX);
        check.samples = index.record_count();
        check.note_gaps(&index);
        let (mut buffer, mut page) = (Vec::new(), Payload::default());
        for frame in &index.frames {
            let read =
                read_page(&*handle, &file.name, frame, self.page_codec(), &mut buffer, &mut page);
            match read {
                Err(Error::Corrupt(damage)) => {
                    check.problems.push(format!("byte {}: {}", damage.offset, damage.detail));
                }
                read => {
                    read?;
                    let wrong = what_is_wrong(&page, partition, types);
                    check
                        .problems
                        .extend(wrong.map(|wrong| format!("byte {}: {wrong}", frame.offset)));
                }
            }
        }
        Ok(check)
    }

    fn check_metric_file(
        &self,
        view: &PartitionView,
        file: &StoredFile,
        types: &Types,
    ) -> Result<FileCheck> {
        let mut check = FileCheck::new(file);
        match self.read_metric_file(view, file, types, &mut check) {
            // Raw pages that cannot be compared are no fault of this file, and named themselves.
            Err(Error::Corrupt(damage)) if damage.file != file.name.as_str() => Ok(check),
            Err(Error::Corrupt(damage)) => {
                check.problems.push(format!("byte {}: {}", damage.offset, damage.detail));
                Ok(check)
            }
            Err(Error::Unsupported { detail, .. }) => {
                check.problems.push(detail);
                Ok(check)
            }
            other => other.map(|()| check),
        }
    }

    fn read_metric_file(
        &self,
        view: &PartitionView,
        file: &StoredFile,
        types: &Types,
        check: &mut FileCheck,
    ) -> Result<()> {
        let opened = self.metric_file(file)?;
        check.version = Some(opened.version());
        let mut frames = opened.stored_frames();
        while let Some((_, frame)) = frames.next_entry() {
            let frame = match frame {
                Err(Error::Corrupt(damage)) => {
                    check.problems.push(format!("byte {}: {}", damage.offset, damage.detail));
                    continue;
                }
                frame => frame?,
            };
            check.frames += 1;
            check.samples += u64::from(frame.info.point_count);
            let id = frame.info.metric.get();
            if types.get(&id) != Some(&frame.info.value_type) {
                check.problems.push(format!(
                    "byte {}: metric {id} as {}, the catalog has {:?}",
                    frame.info.offset,
                    frame.info.value_type,
                    types.get(&id)
                ));
            }
        }
        if !check.problems.is_empty() {
            return Ok(()); // whatever the raw pages hold
        }
        let sources = self.raw_sources(view)?;
        if sources.is_empty() {
            return Ok(());
        }
        let mut scan = PartitionScan { readable: self, sources: &sources };
        let type_of = |id: u16| types.get(&id).copied();
        let compared = metric_file::compare(&mut scan, &type_of, &opened, COMPARE_BUDGET)?;
        check.equals_raw = Some(compared.mismatch.is_none());
        Ok(())
    }

    /// The type of each metric by id, whatever stands for one that nobody knows.
    fn types_in_use(&self) -> Types {
        self.state.read(|state| {
            state.catalog.iter().map(|entry| (entry.id.get(), entry.value_type)).collect()
        })
    }

    /// What the catalog lacks, if it lacks something.
    fn check_catalog(&self) -> Result<Option<FileCheck>> {
        let recovered = self.recovered();
        if recovered.is_empty() {
            return Ok(None);
        }
        let name = FileName::new(CATALOG)?;
        let bytes = self.storage.read(&name)?.unwrap_or_default();
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut check = FileCheck::new(&StoredFile { name, len, generation: 0 });
        check.problems.extend(recovered.iter().map(|metric| {
            let (id, name) = (metric.id, &metric.name);
            let value_type = metric.value_type.map_or("of a type nobody knows", ValueType::name);
            format!("metric id {id} has samples and no name: kept as {name}, {value_type}")
        }));
        Ok(Some(check))
    }

    fn check_log(&self, kind: LogKind, types: &Types) -> Result<Option<FileCheck>> {
        let name = kind.file_name(&self.name)?;
        let Some(bytes) = self.storage.read(&name)? else { return Ok(None) };
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut check = FileCheck::new(&StoredFile { name, len, generation: 0 });
        let mut records = Records::new(&bytes);
        for (offset, item) in records.by_ref() {
            match item {
                Item::Record(record, _) => {
                    check.frames += 1;
                    check.samples += 1;
                    if MetricId::new(record.id).is_none() || !types.contains_key(&record.id) {
                        let id = record.id;
                        check.problems.push(format!("byte {offset}: unknown metric id {id}"));
                    }
                }
                Item::Damage(len, error) => {
                    check.problems.push(format!("byte {offset}: {len} bytes skipped: {error}"));
                }
            }
        }
        // Zeros behind the last record are room that a writer has reserved.
        let tail = records.tail().filter(|tail| {
            bytes.get(tail.offset..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0))
        });
        check.problems.extend(tail.map(|tail| {
            format!("byte {}: torn tail of {} bytes: {}", tail.offset, tail.len, tail.reason)
        }));
        Ok(Some(check))
    }
}

/// The outcome of a check. That a file cannot be opened or read is one, too.
fn judged(file: &StoredFile, checked: Result<FileCheck>) -> Result<FileCheck> {
    let error = match checked {
        Err(Error::Storage(error)) => error,
        checked => return checked,
    };
    let mut check = FileCheck::new(file);
    match error.kind {
        StorageErrorKind::Denied | StorageErrorKind::TooManyFiles => {
            check.unread = Some(error.detail);
        }
        // Gone, or on a medium that fails.
        _ => check.problems.push(error.detail),
    }
    Ok(check)
}

impl FileCheck {
    /// Whether the file was read and nothing is wrong with it.
    pub const fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.unread.is_none()
    }

    fn new(file: &StoredFile) -> Self {
        Self {
            file: file.name.clone(),
            bytes: file.len,
            version: None,
            frames: 0,
            samples: 0,
            equals_raw: None,
            problems: Vec::new(),
            unread: None,
        }
    }

    fn note_gaps(&mut self, index: &FrameIndex) {
        for damage in &index.damage {
            let (offset, len) = (damage.offset, damage.len);
            self.problems.push(format!("byte {offset}: {len} bytes skipped: {}", damage.error));
        }
        self.problems
            .extend(index.tail.map(|error| format!("byte {}: torn tail: {error}", index.good_end)));
    }
}

/// The first rule that a decoded page breaks.
fn what_is_wrong(page: &Payload, partition: Partition, types: &Types) -> Option<String> {
    let unknown = page.ids().iter().map(|id| u16::from_le_bytes(*id));
    if let Some(id) = unknown.into_iter().find(|id| !types.contains_key(id)) {
        return Some(format!("metric id {id}, which the catalog does not have"));
    }
    if !page.is_sorted() {
        return Some("times step back within the page".to_string());
    }
    let (first, last) = page.bounds();
    let range = partition.range();
    let inside = range.contains(Timestamp(first)) && range.contains(Timestamp(last));
    (!inside).then(|| format!("times {first} to {last} ns are outside partition {partition}"))
}

impl<F> Source<F> {
    /// Name and length of the file, unless this is the open page.
    pub(crate) fn file(&self) -> Option<(FileName, u64)> {
        match self {
            Self::Pages(file, ..) | Self::Metric(file, _) => Some((file.name.clone(), file.len)),
            Self::Open(_) => None,
        }
    }
}
