//! Which files of a partition a query reads, and opening them.

use super::cache::OpenFile;
use super::relation::Relation;
use crate::engine::{
    FileKind, FileOf, FrameIndex, Host, PartitionFiles, PartitionView, Readable, Shared, StoredFile,
};
use crate::error::{Error, Result};
use crate::metric_file::MetricFile;
use crate::page::{OpenPage, PageView};
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
    /// The sources that together hold every sample of the partition once, in storage order, all
    /// of them open: whatever becomes of the files later, they stay what they are.
    ///
    /// A file may be gone or replaced between the view and its opening. Then another view takes
    /// its place, which has everything that the first had (D-22).
    ///
    /// The reference reads the metric file alone as soon as there is one, which hides samples
    /// that came later (D-09).
    pub(crate) fn sources(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
        let mut opened = self.open_sources(view);
        let mut current: Option<PartitionView> = None;
        while let Err(Error::Storage(error)) = &opened
            && error.kind == StorageErrorKind::NotFound
            && let Some(newer) = self.newer_view(current.as_ref().unwrap_or(view))
        {
            opened = self.open_sources(&newer);
            current = Some(newer);
        }
        opened
    }

    /// Whether files of the view are gone or replaced.
    pub(crate) fn is_outdated(&self, view: &PartitionView) -> bool {
        self.newer_view(view).is_some()
    }

    /// Another view of the partition, if files of this one are gone or replaced.
    pub(super) fn newer_view(&self, view: &PartitionView) -> Option<PartitionView> {
        self.state.read(|state| {
            let files = state.files_of(view.partition);
            let generation = |files: &PartitionFiles, kind| Some(files.get(kind)?.generation);
            let is_gone = |&kind: &FileKind| {
                let seen = generation(&view.files, kind);
                seen.is_some() && seen != generation(&files, kind)
            };
            // Without a page then, files held everything; then they still do.
            let page = view.page.as_ref().and_then(|_| state.pages.get(&view.partition));
            let page = page.filter(|page| !page.is_empty()).map(OpenPage::view);
            let partition = view.partition;
            FileKind::ALL.iter().any(is_gone).then_some(PartitionView { partition, files, page })
        })
    }

    /// Opens a file of a view. It may have another by now, which is not what the view saw.
    pub(crate) fn open_seen(&self, file: &StoredFile) -> Result<FileOf<H>> {
        let handle = self.storage.open(&file.name)?;
        // In this order: names and generations change together, so if the generation is still
        // the same, the name was, too.
        let is_the_same = self.state.read(|state| {
            let (kind, partition) = FileKind::parse(file.name.as_str())?;
            Some(state.files_of(partition).get(kind)?.generation == file.generation)
        });
        if is_the_same != Some(true) {
            let detail = format!("{}: replaced meanwhile", file.name);
            return Err(StorageError::new(StorageErrorKind::NotFound, detail).into());
        }
        Ok(handle)
    }

    fn open_sources(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
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

    pub(super) fn metric_source(&self, file: &StoredFile) -> Result<Source<FileOf<H>>> {
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
            Some(OpenFile::Pages(handle, mut index)) if index.walked >= file.len => {
                // What another query has seen since is in this view's open page.
                if index.walked > file.len {
                    Arc::make_mut(&mut index).cut_to(file.len);
                }
                return Ok((handle, index));
            }
            Some(OpenFile::Pages(handle, index)) => (handle, index),
            _ => (Arc::new(self.open_seen(file)?), Arc::default()),
        };
        Arc::make_mut(&mut index).walk(&*handle, file.len, partition, self.page_codec())?;
        let opened = OpenFile::Pages(Arc::clone(&handle), Arc::clone(&index));
        self.cache.write(|cache| cache.keep_file(file.generation, opened));
        Ok((handle, index))
    }

    /// The opened metric file.
    pub(crate) fn metric_file(&self, file: &StoredFile) -> Result<Arc<MetricFile<FileOf<H>>>> {
        if let Some(OpenFile::Metric(opened)) = self.cache.write(|c| c.file(file.generation)) {
            return Ok(opened);
        }
        let handle = self.open_seen(file)?;
        let opened = Arc::new(MetricFile::open(handle, file.name.as_str(), &self.codecs)?);
        let kept = OpenFile::Metric(Arc::clone(&opened));
        self.cache.write(|cache| cache.keep_file(file.generation, kept));
        Ok(opened)
    }
}

/// Whether a file of this partition may be mid-append by another process.
pub(crate) fn may_be_growing<H: Host>(readable: &Readable<H>, partition: Partition) -> bool {
    readable.read_only
        && readable
            .state
            .read(|state| state.files.keys().rev().take(2).any(|&newest| newest == partition))
}
