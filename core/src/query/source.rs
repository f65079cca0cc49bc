//! Which files of a partition a query reads, and opening them.

use super::cache::OpenFile;
use super::relation::Relation;
use crate::engine::{
    FileKind, FileOf, FrameIndex, Host, PartitionView, Readable, Shared, StoredFile,
};
use crate::error::{Error, Result};
use crate::metric_file::MetricFile;
use crate::page::PageView;
use crate::partition::Partition;
use crate::storage::{Storage, StorageError, StorageErrorKind};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Something that holds samples of a partition.
#[derive(Debug, Clone)]
pub(crate) enum Source<F> {
    /// Frames of raw pages.
    Pages(StoredFile, Arc<F>, Arc<FrameIndex>),
    /// A metric file.
    Metric(StoredFile, Arc<MetricFile<F>>),
    /// The open page.
    Open(PageView),
}

impl<H: Host> Readable<H> {
    /// The sources that together hold every sample of the partition once, in storage order.
    ///
    /// The reference reads the metric file alone as soon as there is one, which hides samples
    /// that came later (D-09).
    ///
    /// Files may be replaced or deleted between the moment of the view and their opening. Then
    /// the partition is looked at anew: once opened, files stay readable (D-22).
    pub(crate) fn sources(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
        let mut found = self.sources_of(view);
        for _ in 0..RETRIES {
            if found.is_ok() || !self.is_outdated(view) {
                break;
            }
            found = self.sources_of(&self.current_view(view.partition));
        }
        found
    }

    fn sources_of(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
        let mut sources = Vec::new();
        let files = &view.files;
        let data = files.data.as_ref().filter(|file| file.len > 0);
        match (&files.metric, data) {
            (Some(metric), None) => sources.push(self.metric_source(metric)?),
            (Some(metric), Some(data)) => match self.relation(view.partition, metric, data)? {
                Relation::Same => sources.push(self.metric_source(metric)?),
                Relation::DataHasMore => sources.push(self.pages(view.partition, data)?),
                Relation::MetricHas(frames) => {
                    sources.push(self.metric_source(metric)?);
                    sources.extend(self.pages_behind(view.partition, data, frames)?);
                }
            },
            (None, data) => {
                for file in files.raw.iter().chain(data) {
                    sources.push(self.pages(view.partition, file)?);
                }
            }
        }
        sources.extend(view.page.clone().map(Source::Open));
        Ok(sources)
    }

    /// The sources of a metric file to be built: raw pages where they have all samples, so that
    /// a metric file is made from a metric file only where nothing else is left.
    pub(crate) fn build_sources(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
        let files = &view.files;
        let Some(metric) = &files.metric else { return self.raw_sources(view) };
        let partition = view.partition;
        let relation_of_data = match &files.data {
            Some(data) => self.relation(partition, metric, data)?,
            None => Relation::MetricHas(0),
        };
        match (&files.raw, &files.data, relation_of_data) {
            (_, Some(data), Relation::Same | Relation::DataHasMore) => {
                Ok(alloc::vec![self.pages(partition, data)?])
            }
            (Some(raw), data, Relation::MetricHas(frames))
                if self.data_covers_metric(partition, metric, raw)? =>
            {
                let mut sources = alloc::vec![self.pages(partition, raw)?];
                if let Some(data) = data {
                    sources.extend(self.pages_behind(partition, data, frames)?);
                }
                Ok(sources)
            }
            _ => self.sources(view),
        }
    }

    /// The raw files of the partition, whatever metric file there is.
    pub(crate) fn raw_sources(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
        let files = view.files.raw.iter().chain(&view.files.data);
        files.map(|file| self.pages(view.partition, file)).collect()
    }

    /// The data file of the partition, whatever other files there are.
    pub(crate) fn data_source(&self, view: &PartitionView) -> Result<Option<Source<FileOf<H>>>> {
        view.files.data.as_ref().map(|file| self.pages(view.partition, file)).transpose()
    }

    pub(super) fn pages(
        &self,
        partition: Partition,
        file: &StoredFile,
    ) -> Result<Source<FileOf<H>>> {
        let (handle, index) = self.indexed(partition, file)?;
        Ok(Source::Pages(file.clone(), handle, index))
    }

    /// The pages of a file without so many frames at its front, if there are more.
    fn pages_behind(
        &self,
        partition: Partition,
        file: &StoredFile,
        frames: usize,
    ) -> Result<Option<Source<FileOf<H>>>> {
        let (handle, mut index) = self.indexed(partition, file)?;
        if frames > 0 {
            let index = Arc::make_mut(&mut index);
            index.frames.drain(..frames.min(index.frames.len()));
            index.damage.retain(|damage| damage.after_frame > frames);
            index.damage.iter_mut().for_each(|damage| damage.after_frame -= frames);
        }
        Ok((!index.frames.is_empty()).then(|| Source::Pages(file.clone(), handle, index)))
    }

    fn metric_source(&self, file: &StoredFile) -> Result<Source<FileOf<H>>> {
        Ok(Source::Metric(file.clone(), self.metric_file(file)?))
    }

    /// The data file's handle, and its frames up to the length that counts.
    pub(crate) fn indexed(
        &self,
        partition: Partition,
        file: &StoredFile,
    ) -> Result<(Arc<FileOf<H>>, Arc<FrameIndex>)> {
        let known = self.cache.write(|cache| cache.file(file.generation));
        let (handle, mut index) = match known {
            Some(OpenFile::Pages(handle, index)) if index.walked >= file.len => {
                return Ok((handle, index));
            }
            Some(OpenFile::Pages(handle, index)) => (handle, index),
            _ => {
                let opened = self.storage.open(&file.name)?;
                self.check_current(file)?;
                (Arc::new(opened), Arc::default())
            }
        };
        Arc::make_mut(&mut index).walk(&*handle, file.len, partition, self.page_codec())?;
        let opened = OpenFile::Pages(Arc::clone(&handle), Arc::clone(&index));
        self.cache.write(|cache| cache.keep_file(file.generation, opened));
        Ok((handle, index))
    }

    /// Refuses a file that was opened by a name which meanwhile stands for another one.
    ///
    /// Files are renamed over, and deleted, in one step with the change of the state, so a
    /// handle that was obtained before this check is on the right file.
    fn check_current(&self, file: &StoredFile) -> Result<()> {
        let current = FileKind::parse(file.name.as_str()).and_then(|(kind, partition)| {
            let files = self.state.read(|state| state.files_of(partition));
            files.get(kind).map(|current| current.generation)
        });
        if current == Some(file.generation) {
            return Ok(());
        }
        let detail = format!("{}: replaced meanwhile", file.name);
        Err(Error::Storage(StorageError::new(StorageErrorKind::NotFound, detail)))
    }

    /// Whether one of the view's files is no longer what its name stands for.
    fn is_outdated(&self, view: &PartitionView) -> bool {
        let now = self.state.read(|state| state.files_of(view.partition));
        FileKind::ALL.into_iter().any(|kind| {
            let generation = |file: &StoredFile| file.generation;
            view.files.get(kind).map(generation) != now.get(kind).map(generation)
        })
    }

    /// The opened metric file.
    pub(crate) fn metric_file(&self, file: &StoredFile) -> Result<Arc<MetricFile<FileOf<H>>>> {
        if let Some(OpenFile::Metric(opened)) = self.cache.write(|c| c.file(file.generation)) {
            return Ok(opened);
        }
        let handle = self.storage.open(&file.name)?;
        self.check_current(file)?;
        let opened = Arc::new(MetricFile::open(handle, file.name.as_str(), &self.codecs)?);
        let kept = OpenFile::Metric(Arc::clone(&opened));
        self.cache.write(|cache| cache.keep_file(file.generation, kept));
        Ok(opened)
    }
}

/// How often a query looks at a partition again whose files are replaced under its hands. Each
/// replacement takes a build or a flush, so it does not happen many times in a row.
const RETRIES: usize = 16;

/// Whether a file of this partition may be mid-append by another process.
pub(crate) fn may_be_growing<H: Host>(readable: &Readable<H>, partition: Partition) -> bool {
    readable.read_only
        && readable
            .state
            .read(|state| state.files.keys().rev().take(2).any(|&newest| newest == partition))
}
