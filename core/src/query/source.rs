//! Which files of a partition a query reads, and opening them.

use super::cache::OpenFile;
use crate::engine::{FileOf, FrameIndex, Host, PartitionView, Readable, Shared, StoredFile};
use crate::error::Result;
use crate::metric_file::MetricFile;
use crate::page::PageView;
use crate::page::Payload;
use crate::partition::Partition;
use crate::storage::Storage;
use crate::types::TimeRange;
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

/// How the samples of a metric file relate to those of a data file beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The same samples.
    Same,
    /// The data file has all of them, and later ones.
    DataHasMore,
    /// The data file has other samples: what it had before was deleted after the build.
    Apart,
}

impl<H: Host> Readable<H> {
    /// The sources that together hold every sample of the partition once, in storage order.
    ///
    /// The reference reads the metric file alone as soon as there is one, which hides samples
    /// that came later (D-09).
    pub(crate) fn sources(&self, view: &PartitionView) -> Result<Vec<Source<FileOf<H>>>> {
        let mut sources = Vec::new();
        let files = &view.files;
        let data = files.data.as_ref().filter(|file| file.len > 0);
        match (&files.metric, data, &files.raw) {
            (Some(metric), None, _) => sources.push(self.metric_source(metric)?),
            (Some(metric), Some(data), None) => {
                match self.relation(view.partition, metric, data)? {
                    Relation::Same => sources.push(self.metric_source(metric)?),
                    Relation::DataHasMore => sources.push(self.pages(view.partition, data)?),
                    Relation::Apart => {
                        sources.push(self.metric_source(metric)?);
                        sources.push(self.pages(view.partition, data)?);
                    }
                }
            }
            // The metric file was built from the raw file; the data file came later.
            (Some(metric), Some(data), Some(_)) => {
                sources.push(self.metric_source(metric)?);
                sources.push(self.pages(view.partition, data)?);
            }
            (None, data, raw) => {
                for file in raw.iter().chain(data) {
                    sources.push(self.pages(view.partition, file)?);
                }
            }
        }
        sources.extend(view.page.clone().map(Source::Open));
        Ok(sources)
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

    fn pages(&self, partition: Partition, file: &StoredFile) -> Result<Source<FileOf<H>>> {
        let (handle, index) = self.indexed(partition, file)?;
        Ok(Source::Pages(file.clone(), handle, index))
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
            _ => (Arc::new(self.storage.open(&file.name)?), Arc::default()),
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
        let handle = self.storage.open(&file.name)?;
        let opened = Arc::new(MetricFile::open(handle, file.name.as_str(), &self.codecs)?);
        let kept = OpenFile::Metric(Arc::clone(&opened));
        self.cache.write(|cache| cache.keep_file(file.generation, kept));
        Ok(opened)
    }

    /// Whether the data file has every sample of the metric file.
    pub(crate) fn data_covers_metric(
        &self,
        partition: Partition,
        metric: &StoredFile,
        data: &StoredFile,
    ) -> Result<bool> {
        Ok(self.relation(partition, metric, data)? != Relation::Apart)
    }

    fn relation(
        &self,
        partition: Partition,
        metric: &StoredFile,
        data: &StoredFile,
    ) -> Result<Relation> {
        let (_, index) = self.indexed(partition, data)?;
        let metric = self.metric_file(metric)?;
        let points = metric.point_count();
        let mut records = 0;
        let mut bounds: Option<TimeRange> = None;
        for (at, frame) in index.frames.iter().enumerate() {
            records += u64::from(frame.header.record_count);
            let (from, to) = (frame.header.start, frame.header.end);
            bounds = Some(bounds.map_or(range_of(from, to), |so_far| {
                range_of(so_far.from.0.min(from), so_far.to.0.max(to))
            }));
            if records == points && bounds == Some(metric.range()) {
                let is_last = at + 1 == index.frames.len();
                return Ok(if is_last { Relation::Same } else { Relation::DataHasMore });
            }
        }
        self.relation_by_content(partition, &metric, data)
    }

    /// Decides where counts and times leave it open, say after a data file was re-paged: looks
    /// whether the data file holds all samples that the metric file has of its first metric.
    fn relation_by_content(
        &self,
        partition: Partition,
        metric: &MetricFile<FileOf<H>>,
        data: &StoredFile,
    ) -> Result<Relation> {
        let Some(entry) = metric.entries().first() else { return Ok(Relation::DataHasMore) };
        let id = entry.metric;
        let mut wanted: Vec<(i64, u32)> = Vec::new();
        for entry in metric.entries_of(id)? {
            let frame = metric.read_frame(entry)?;
            wanted.extend(frame.times.into_iter().zip(frame.raws));
        }
        let (handle, index) = self.indexed(partition, data)?;
        let (mut buffer, mut page, mut found) = (Vec::new(), Payload::default(), Vec::new());
        for frame in &index.frames {
            crate::engine::read_page(
                &*handle,
                &data.name,
                frame,
                self.page_codec(),
                &mut buffer,
                &mut page,
            )?;
            page.for_each_of(id.get(), |time, raw| found.push((time, raw)));
        }
        Ok(if contains_all(&mut found, &mut wanted) {
            Relation::DataHasMore
        } else {
            Relation::Apart
        })
    }
}

fn range_of(from: i64, to: i64) -> TimeRange {
    TimeRange { from: crate::Timestamp(from), to: crate::Timestamp(to) }
}

/// Whether every element of `wanted` is in `all`, as often.
fn contains_all(all: &mut [(i64, u32)], wanted: &mut [(i64, u32)]) -> bool {
    all.sort_unstable();
    wanted.sort_unstable();
    let mut all = all.iter();
    wanted.iter().all(|wanted| all.any(|found| found == wanted))
}

/// Whether a file of this partition may be mid-append by another process.
pub(crate) fn may_be_growing<H: Host>(readable: &Readable<H>, partition: Partition) -> bool {
    readable.read_only
        && readable.state.read(|state| {
            state.files.keys().rev().take(2).any(|&newest| newest == partition)
        })
}
