//! Which files of a partition a query reads, and opening them.

use super::cache::OpenFile;
use crate::engine::{FileOf, FrameIndex, Host, PartitionView, Readable, Shared, StoredFile};
use crate::error::Result;
use crate::metric_file::MetricFile;
use crate::page::PageView;
use crate::partition::Partition;
use crate::storage::Storage;
use crate::types::TimeRange;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hashbrown::HashMap;

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
    /// The metric file has all samples of the data file, and earlier ones: the data file was
    /// about to be removed after a build.
    MetricHasMore,
    /// The data file has other samples: what it had before was deleted after the build. Its first
    /// frames, this many, were merged into the metric file by a later build.
    Apart(usize),
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
        match (&files.metric, data) {
            (Some(metric), None) => sources.push(self.metric_source(metric)?),
            (Some(metric), Some(data)) => match self.relation(view.partition, metric, data)? {
                Relation::Same | Relation::MetricHasMore => {
                    sources.push(self.metric_source(metric)?);
                }
                Relation::DataHasMore => sources.push(self.pages(view.partition, data)?),
                Relation::Apart(merged) => {
                    sources.push(self.metric_source(metric)?);
                    sources.push(self.pages_after(view.partition, data, merged)?);
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
        let Some(raw) = files.raw.as_ref().or(files.data.as_ref()) else {
            return self.sources(view);
        };
        match self.relation(view.partition, metric, raw)? {
            Relation::Same | Relation::DataHasMore => self.raw_sources(view),
            Relation::MetricHasMore | Relation::Apart(_) => self.sources(view),
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

    fn pages(&self, partition: Partition, file: &StoredFile) -> Result<Source<FileOf<H>>> {
        let (handle, index) = self.indexed(partition, file)?;
        Ok(Source::Pages(file.clone(), handle, index))
    }

    /// The pages of a data file without its first frames.
    fn pages_after(
        &self,
        partition: Partition,
        file: &StoredFile,
        frames: usize,
    ) -> Result<Source<FileOf<H>>> {
        let (handle, mut index) = self.indexed(partition, file)?;
        if frames > 0 {
            let index = Arc::make_mut(&mut index);
            index.frames.drain(..frames.min(index.frames.len()));
            for damage in &mut index.damage {
                damage.after_frame = damage.after_frame.saturating_sub(frames);
            }
        }
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
        let relation = self.relation(partition, metric, data)?;
        Ok(matches!(relation, Relation::Same | Relation::DataHasMore))
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

    /// Decides where counts and times leave it open, say after a data file was re-paged or a
    /// build was cut short: compares all samples. What equals nothing the engine leaves behind
    /// counts as apart, so that no sample is hidden.
    fn relation_by_content(
        &self,
        partition: Partition,
        metric: &MetricFile<FileOf<H>>,
        data: &StoredFile,
    ) -> Result<Relation> {
        let mut in_data = Vec::new();
        let mut frame_ends = Vec::new();
        let source = self.pages(partition, data)?;
        self.scan_sources(&[source], &mut |ids, times, raws| {
            in_data.extend(ids.iter().zip(times).zip(raws).map(|((&i, &t), &r)| (i, t, r)));
            frame_ends.push(in_data.len());
            Ok(())
        })?;
        let mut in_metric = Vec::with_capacity(in_data.len());
        for frame in metric.frames() {
            let frame = frame?;
            let id = frame.info.metric.get();
            in_metric.extend(frame.times.iter().zip(&frame.raws).map(|(&t, &r)| (id, t, r)));
        }
        in_metric.sort_unstable();
        let merged = leading_frames_in(&in_data, &frame_ends, &in_metric);
        in_data.sort_unstable();
        Ok(if contains_all(&in_data, &in_metric) {
            Relation::DataHasMore
        } else if merged == frame_ends.len() {
            Relation::MetricHasMore
        } else {
            Relation::Apart(merged)
        })
    }
}

/// How many frames from the first on hold nothing that `known` does not.
///
/// Builds merge whole data files, and data files only grow: so what was merged are the first
/// frames. A sample that was measured twice, equal to the last bit, once before and once after
/// the build, may count as one.
fn leading_frames_in(
    records: &[(u16, i64, u32)],
    frame_ends: &[usize],
    known: &[(u16, i64, u32)],
) -> usize {
    let mut left: HashMap<(u16, i64, u32), u32> = HashMap::with_capacity(known.len());
    for record in known {
        *left.entry(*record).or_default() += 1;
    }
    let mut start = 0;
    let mut is_known = |end: usize| {
        let mut frame = records.get(start..end).unwrap_or_default().iter();
        start = end;
        frame.all(|record| match left.get_mut(record) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
    };
    frame_ends.iter().take_while(|end| is_known(**end)).count()
}

fn range_of(from: i64, to: i64) -> TimeRange {
    TimeRange { from: crate::Timestamp(from), to: crate::Timestamp(to) }
}

/// Whether every element of `wanted` is in `all`, as often. Both are sorted.
fn contains_all(all: &[(u16, i64, u32)], wanted: &[(u16, i64, u32)]) -> bool {
    let mut all = all.iter();
    wanted.iter().all(|wanted| all.any(|found| found == wanted))
}

/// Whether a file of this partition may be mid-append by another process.
pub(crate) fn may_be_growing<H: Host>(readable: &Readable<H>, partition: Partition) -> bool {
    readable.read_only
        && readable
            .state
            .read(|state| state.files.keys().rev().take(2).any(|&newest| newest == partition))
}
