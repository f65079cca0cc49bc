//! Salvage: what a damaged data file still holds.

use crate::compress::{CodecId, Codecs};
use crate::engine::database::Database;
use crate::engine::files::FileKind;
use crate::engine::host::{Host, Shared};
use crate::engine::logs::LogKind;
use crate::engine::open::MANIFEST;
use crate::engine::search::{Found, Search};
use crate::engine::writer::CATALOG;
use crate::error::{Error, Result};
use crate::partition::Partition;
use crate::query::invalid;
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::Timestamp;
use alloc::format;
use alloc::vec::Vec;

/// Bytes of salvaged frames that are written at a time.
const CHUNK: usize = 256 * 1024;

/// What was found in a data file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoverReport {
    /// Bytes of the file.
    pub source_bytes: u64,
    /// Bytes of all frames taken.
    pub output_bytes: u64,
    /// Frames taken.
    pub recovered_frames: u64,
    /// Samples in them.
    pub recovered_records: u64,
    /// Bytes that are in no frame.
    pub skipped_bytes: u64,
    /// Intact frames left out: of another partition, or with times that step back within.
    pub rejected_frames: u64,
    /// Where the first frame taken begins.
    pub first_accepted_offset: Option<u64>,
    /// Where the last frame taken begins.
    pub last_accepted_offset: Option<u64>,
}

/// Visits every intact frame of a partition's data file, in file order, with its offset, and
/// passes over everything else.
///
/// Unlike the reference it takes frames that go back in time or end when another one ends, as
/// metrics that lag behind others make them (D-06). Memory is bounded, and the file is read once,
/// whatever it holds. Nothing but the file is needed, so it works where a database does not open.
///
/// # Errors
///
/// `Corrupt` when there is no intact frame; when the file cannot be read; what `visit` returns.
pub fn salvage<S: Storage>(
    storage: &S,
    partition: Partition,
    codecs: &Codecs,
    mut visit: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<RecoverReport> {
    let name = FileKind::Data.name(partition)?;
    let file = storage.open(&name)?;
    let len = file.len()?;
    let mut search = Search::new(&file, len, codecs.get(CodecId::S2));
    let mut report = RecoverReport { source_bytes: len, ..RecoverReport::default() };
    // Behind a frame, one of another partition is worth telling. Elsewhere it is mostly chance.
    let (mut at, mut is_behind_frame) = (0, true);
    while at < len {
        let wanted = (!is_behind_frame).then_some(partition);
        let found = search.at(at, wanted)?;
        is_behind_frame = found != Found::Nothing;
        let next = match found {
            Found::Nothing => at.saturating_add(1),
            Found::Unusable(frame) | Found::Frame(frame) => frame.end_offset(),
        };
        match found {
            Found::Frame(frame) => {
                let (first, last) = search.page().bounds();
                let range = partition.range();
                let inside = range.contains(Timestamp(first)) && range.contains(Timestamp(last));
                if inside && search.page().is_sorted() {
                    report.note(at, next, frame.header.record_count);
                    visit(at, search.frame(&frame))?;
                } else {
                    report.rejected_frames += 1;
                }
            }
            Found::Nothing | Found::Unusable(_) => report.skipped_bytes += next - at,
        }
        at = next;
    }
    if report.recovered_frames == 0 {
        let detail = format!("there is no intact page in {len} bytes");
        return Err(Error::corrupt(name.as_str(), 0, detail));
    }
    Ok(report)
}

impl RecoverReport {
    fn note(&mut self, at: u64, end: u64, records: u16) {
        self.recovered_frames += 1;
        self.recovered_records += u64::from(records);
        self.output_bytes += end.saturating_sub(at);
        self.first_accepted_offset = self.first_accepted_offset.or(Some(at));
        self.last_accepted_offset = Some(at);
    }
}

impl<H: Host> Database<H> {
    /// As [`salvage`], for a partition of this database.
    ///
    /// # Errors
    ///
    /// `Rejected` when the key is none of this database, or samples of the partition are in
    /// memory and would be missing; as [`salvage`].
    pub fn salvage(
        &self,
        key: &str,
        visit: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<RecoverReport> {
        let partition = self.partition(key)?;
        self.writer().read(|writer| writer.must_not_be_open(partition))?;
        let readable = self.readable();
        salvage(&readable.storage, partition, &readable.codecs, visit)
    }

    /// Writes what a partition's data file still holds to another file beside it, replacing one
    /// that has the name. The data file stays as it is.
    ///
    /// # Errors
    ///
    /// As [`salvage`](Self::salvage); `Rejected` when the engine itself uses files of that name;
    /// when the file cannot be written.
    pub fn recover(&self, key: &str, to: &FileName) -> Result<RecoverReport> {
        if self.uses(to)? {
            return Err(invalid(&format!("{to} is a name of the database's own files")));
        }
        self.builds().write(|()| {
            self.writer().read(crate::engine::writer::Writer::check_writable)?;
            let storage = &self.readable().storage;
            let temporary = to.temporary()?;
            let written = self.recover_to(key, &temporary);
            if written.is_err() {
                storage.remove_if_present(&temporary)?;
            }
            let report = written?;
            storage.rename(&temporary, to)?;
            storage.sync_dir()?;
            Ok(report)
        })
    }

    fn recover_to(&self, key: &str, name: &FileName) -> Result<RecoverReport> {
        let mut file = self.readable().storage.create_anew(name)?;
        let mut frames = Vec::new();
        let report = self.salvage(key, |_, frame| {
            frames.extend_from_slice(frame);
            if frames.len() >= CHUNK {
                file.append(&frames)?;
                frames.clear();
            }
            Ok(())
        })?;
        file.append(&frames)?;
        file.sync()?; // before the rename: a name must never reach bytes that are not durable
        Ok(report)
    }

    fn uses(&self, name: &FileName) -> Result<bool> {
        let settings = name.as_str() == CATALOG || name.as_str() == MANIFEST;
        let [main, late] = LogKind::ALL.map(|kind| kind.file_name(self.name()));
        let logs = *name == main? || *name == late?;
        Ok(settings || logs || FileKind::parse(name.as_str()).is_some())
    }
}
