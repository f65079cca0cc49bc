//! Writing the pages of a partition anew, as full as the settings allow.
//!
//! Pages that were written early, because of their age or a flush, compress badly and cost each
//! query a header. Samples and their order stay what they are.

use crate::compress::BlockCodec;
use crate::engine::database::Database;
use crate::engine::files::{FileKind, StoredFile, read_page};
use crate::engine::host::{Host, Shared};
use crate::engine::state::{PartitionView, Readable};
use crate::engine::writer::Writer;
use crate::error::{Error, Rejection, Result};
use crate::page::{Columns, PageLimits, Payload, frame};
use crate::partition::Partition;
use crate::query::invalid;
use crate::storage::{FileName, Storage, StorageFile};
use crate::types::TimeRange;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Bytes of new frames that are written at a time.
const CHUNK: usize = 256 * 1024;

/// What a data file consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageTotals {
    /// Page frames.
    pub frames: u64,
    /// Samples in them.
    pub records: u64,
    /// Bytes they take.
    pub bytes: u64,
}

/// What became of a data file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecompactReport {
    /// Name of the database.
    pub database: String,
    /// Key of the partition.
    pub partition: String,
    /// The data file.
    pub file: FileName,
    /// What it was.
    pub old: PageTotals,
    /// What it is.
    pub new: PageTotals,
}

impl<H: Host> Database<H> {
    /// Puts the samples of a partition's data file, in their order, into pages as full as the
    /// settings allow. Ingest into other partitions, and queries, go on meanwhile.
    ///
    /// # Errors
    ///
    /// [`Rejection::PartitionOpen`] when samples of the partition are in memory, or arrive
    /// meanwhile; `Rejected` when the key is none of this database or has no data file; when the
    /// file is damaged or cannot be replaced. The data file is then as it was.
    pub fn recompact(&self, key: &str) -> Result<RecompactReport> {
        let partition = self.partition(key)?;
        self.builds().write(|()| {
            self.writer().write(|writer| {
                writer.check_writable()?;
                writer.must_not_be_open(partition)
            })?;
            let view = self.readable().partition_view(partition);
            let Some(file) = &view.files.data else {
                return Err(invalid(&format!("partition {partition} has no data file")));
            };
            let done = self.recompact_file(&view, file);
            if done.is_err() {
                self.readable().storage.remove_if_present(&file.name.temporary()?)?;
            }
            done.map_err(|error| error.needing(file.len))
        })
    }

    fn recompact_file(&self, view: &PartitionView, file: &StoredFile) -> Result<RecompactReport> {
        let (old, new) = self.readable().write_anew(view, file, self.page_limits())?;
        if old.frames > 0 {
            self.writer().write(|writer| {
                writer.check_writable()?;
                writer.replace_data_file(view, file, new.bytes)
            })?;
        }
        let (database, partition) = (self.name().to_string(), view.partition.to_string());
        Ok(RecompactReport { database, partition, file: file.name.clone(), old, new })
    }

    fn page_limits(&self) -> PageLimits {
        self.writer().read(|writer| writer.staging.rules.page_limits())
    }
}

impl<H: Host> Readable<H> {
    /// Writes the samples of a data file under the temporary name of the file, and makes them
    /// durable there.
    fn write_anew(
        &self,
        view: &PartitionView,
        file: &StoredFile,
        limits: PageLimits,
    ) -> Result<(PageTotals, PageTotals)> {
        let (handle, index) = self.indexed(view.partition, file)?;
        index.damage_in(&file.name, TimeRange::ALL).map_or(Ok(()), Err)?;
        index.tail_in(&file.name, TimeRange::ALL).map_or(Ok(()), Err)?;
        let mut old = PageTotals {
            frames: u64::try_from(index.frames.len()).unwrap_or(u64::MAX),
            records: 0,
            bytes: file.len,
        };
        if old.frames == 0 {
            return Ok((old, old));
        }
        let seams = self.seams(view)?;
        let temporary = file.name.temporary()?;
        let fresh = self.storage.create_anew(&temporary)?;
        let mut pager = Pager::new(fresh, self.page_codec(), limits);
        let (mut buffer, mut page) = (Vec::new(), Payload::default());
        for (at, frame) in index.frames.iter().enumerate() {
            read_page(&*handle, &file.name, frame, self.page_codec(), &mut buffer, &mut page)?;
            if !page.is_sorted() {
                let detail = "times step back within the page";
                return Err(Error::corrupt(file.name.as_str(), frame.offset, detail));
            }
            if seams.contains(&at) {
                pager.end_page()?;
            }
            old.records += u64::from(frame.header.record_count);
            pager.add(&page)?;
        }
        Ok((old, pager.finish()?))
    }
}

/// Fills pages and writes them behind each other.
struct Pager<F> {
    file: F,
    codec: &'static dyn BlockCodec,
    limits: PageLimits,
    page: Columns,
    incoming: Columns,
    /// Frames that were not written yet.
    frames: Vec<u8>,
    totals: PageTotals,
}

impl<F: StorageFile> Pager<F> {
    fn new(file: F, codec: &'static dyn BlockCodec, limits: PageLimits) -> Self {
        Self {
            file,
            codec,
            limits,
            page: Columns::default(),
            incoming: Columns::default(),
            frames: Vec::new(),
            totals: PageTotals::default(),
        }
    }

    /// Adds the samples of a page. The next one may begin before this one ends: where time steps
    /// back, another page begins, since times in a page do not.
    fn add(&mut self, page: &Payload) -> Result<()> {
        let mut incoming = core::mem::take(&mut self.incoming);
        incoming.clear();
        page.copy_to(&mut incoming);
        for ((&id, &time), &raw) in incoming.ids.iter().zip(&incoming.times).zip(&incoming.raws) {
            if self.page.times.last().is_some_and(|last| time < *last) {
                self.end_page()?;
            }
            self.page.push(id, time, raw);
            if self.limits.are_reached(self.page.len()) {
                self.end_page()?;
            }
        }
        self.incoming = incoming;
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        self.totals.frames += 1;
        self.totals.records += u64::try_from(self.page.len()).unwrap_or(u64::MAX);
        frame::encode(&self.page, self.codec, &mut self.frames);
        self.page.clear();
        if self.frames.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        self.totals.bytes += u64::try_from(self.frames.len()).unwrap_or(u64::MAX);
        self.file.append(&self.frames)?;
        self.frames.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<PageTotals> {
        self.end_page()?;
        self.write()?;
        self.file.sync()?;
        Ok(self.totals)
    }
}

impl<H: Host> Writer<H> {
    /// Refuses a partition that has samples in memory.
    pub(in crate::engine) fn must_not_be_open(&self, partition: Partition) -> Result<()> {
        let open = self
            .readable
            .state
            .read(|state| state.pages.get(&partition).is_some_and(|page| !page.is_empty()));
        if open { Err(Rejection::PartitionOpen(partition.to_string()).into()) } else { Ok(()) }
    }

    /// Puts what was written under the temporary name in place of the data file.
    ///
    /// The log says by the length of a data file which of its frames may hold samples that the
    /// log has, too; of another file that is not true, so the log has to be empty for certain
    /// before there is one.
    fn replace_data_file(
        &mut self,
        view: &PartitionView,
        file: &StoredFile,
        len: u64,
    ) -> Result<()> {
        let partition = view.partition;
        self.must_not_be_open(partition)?;
        let unchanged = self.readable.state.read(|state| *state.files_of(partition) == *view.files);
        if !unchanged {
            return Err(Rejection::PartitionOpen(partition.to_string()).into());
        }
        self.flush_all()?;
        self.empty_log()?;
        self.forget_data_file(partition);
        let renamed = self.rename_over_data_file(partition, file, len);
        self.poisoning(renamed)
    }

    /// Queries that have begun read on where they are, or look at the partition anew.
    fn rename_over_data_file(
        &mut self,
        partition: Partition,
        file: &StoredFile,
        len: u64,
    ) -> Result<()> {
        let readable = Arc::clone(&self.readable);
        let Readable { storage, state, cache, .. } = &*readable;
        cache.write(|cache| cache.forget(file.generation)); // no handle stays on what is replaced
        state.write(|state| -> Result<()> {
            storage.rename(&file.name.temporary()?, &file.name)?;
            state.replace_file(partition, FileKind::Data, (file.name.clone(), len));
            Ok(())
        })?;
        self.sync_dir()
    }
}
