//! How the raw pages of a partition relate to the metric file beside them.

use super::source::Source;
use crate::engine::{Digest, FileOf, Host, PartitionView, Readable, Shared, StoredFile, read_page};
use crate::error::Result;
use crate::metric_file::MetricFile;
use crate::page::{Columns, Payload};
use crate::partition::Partition;
use crate::sorted::sort_whole_rows;
use crate::types::{MetricId, TimeRange, Timestamp};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How the samples of a data file relate to those of a metric file beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same samples.
    Same,
    /// The data file has all of them, and later ones.
    DataHasMore,
    /// The metric file has others, too, and of the data file so many frames from the front: what
    /// was there at the build. The frames behind them came later.
    MetricHas(usize),
}

impl<H: Host> Readable<H> {
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

    pub(super) fn relation(
        &self,
        partition: Partition,
        metric: &StoredFile,
        data: &StoredFile,
    ) -> Result<Relation> {
        let (of_metric, of_data, len) = (metric.generation, data.generation, data.len);
        if let Some(known) = self.cache.write(|cache| cache.relation(of_metric, of_data, len)) {
            return Ok(known);
        }
        let found = self.find_relation(partition, metric, data)?;
        self.cache.write(|cache| cache.keep_relation(of_metric, of_data, len, found));
        Ok(found)
    }

    /// Whether nothing speaks against the two holding the same: equal counts and bounds, and the
    /// data file's first sample is in the metric file. For deciding whether a build is due, not
    /// for answering queries.
    pub(crate) fn look_alike(
        &self,
        partition: Partition,
        metric: &StoredFile,
        data: &StoredFile,
    ) -> Result<bool> {
        let (_, index) = self.indexed(partition, data)?;
        let metric = self.metric_file(metric)?;
        Ok(index.record_count() == metric.point_count()
            && index.bounds() == Some(metric.range())
            && self.holds_first_of(&metric, partition, data)?)
    }

    fn find_relation(
        &self,
        partition: Partition,
        metric: &StoredFile,
        data: &StoredFile,
    ) -> Result<Relation> {
        let (_, index) = self.indexed(partition, data)?;
        let metric = self.metric_file(metric)?;
        let points = metric.point_count();
        let starts_alike = self.holds_first_of(&metric, partition, data)?;
        let mut records = 0;
        let mut bounds: Option<TimeRange> = None;
        for (at, frame) in index.frames.iter().enumerate() {
            records += u64::from(frame.header.record_count);
            let (from, to) = (frame.header.start, frame.header.end);
            bounds = Some(bounds.map_or(range_of(from, to), |so_far| {
                range_of(so_far.from.0.min(from), so_far.to.0.max(to))
            }));
            if records == points
                && bounds == Some(metric.range())
                && starts_alike
                && self.holds_the_same(&metric, partition, data, at)?
            {
                let is_last = at + 1 == index.frames.len();
                return Ok(if is_last { Relation::Same } else { Relation::DataHasMore });
            }
        }
        self.relation_by_content(partition, &metric, data)
    }

    /// Whether the metric file and the frames of the data file up to number `last` hold the same
    /// samples. Equal counts and bounds do not prove it: where many samples have equal times,
    /// later ones may stand in for as many that a build has deleted.
    fn holds_the_same(
        &self,
        metric: &MetricFile<FileOf<H>>,
        partition: Partition,
        data: &StoredFile,
        last: usize,
    ) -> Result<bool> {
        let (handle, mut index) = self.indexed(partition, data)?;
        Arc::make_mut(&mut index).frames.truncate(last + 1);
        let mut in_data = Digest::default();
        self.scan_sources(&[Source::Pages(data.clone(), handle, index)], &mut |i, t, r| {
            for ((&id, &time), &raw) in i.iter().zip(t).zip(r) {
                in_data.add(id, time, raw);
            }
            Ok(())
        })?;
        let mut in_metric = Digest::default();
        for frame in metric.stored_frames() {
            let frame = frame?;
            for (&time, &raw) in frame.times.iter().zip(&frame.raws) {
                in_metric.add(frame.info.metric.get(), time, raw);
            }
        }
        Ok(in_data == in_metric)
    }

    /// Whether the metric file holds the first sample of the data file. If not, the data file was
    /// begun after the build, however alike the two look.
    fn holds_first_of(
        &self,
        metric: &MetricFile<FileOf<H>>,
        partition: Partition,
        data: &StoredFile,
    ) -> Result<bool> {
        let (handle, index) = self.indexed(partition, data)?;
        let Some(frame) = index.frames.first() else { return Ok(false) };
        let (mut buffer, mut page) = (Vec::new(), Payload::default());
        read_page(&*handle, &data.name, frame, self.page_codec(), &mut buffer, &mut page)?;
        let mut columns = Columns::default();
        page.copy_to(&mut columns);
        let (Some(&id), Some(&time), Some(&raw)) =
            (columns.ids.first(), columns.times.first(), columns.raws.first())
        else {
            return Ok(false);
        };
        let Some(id) = MetricId::new(id) else { return Ok(false) };
        let entries = metric.entries_of(id)?.iter();
        for entry in entries.filter(|entry| entry.range.contains(Timestamp(time))) {
            let found = metric.read_frame(entry)?;
            if found.times.iter().zip(&found.raws).any(|(&t, &r)| (t, r) == (time, raw)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Decides where counts and times leave it open, say after a data file was re-paged, a build
    /// was cut short, or samples came after a build that merged an older metric file: compares
    /// all samples. What is in doubt counts as new, so that no sample is hidden.
    fn relation_by_content(
        &self,
        partition: Partition,
        metric: &MetricFile<FileOf<H>>,
        data: &StoredFile,
    ) -> Result<Relation> {
        let mut in_metric = Vec::new();
        for frame in metric.stored_frames() {
            let frame = frame?;
            let id = frame.info.metric.get();
            in_metric.extend(frame.times.iter().zip(&frame.raws).map(|(&t, &r)| row(id, t, r)));
        }
        sort_whole_rows(&mut in_metric);
        let total = in_metric.len();
        let (frames, found) = self.leading_frames_in(partition, data, &in_metric)?;
        if found == total {
            return Ok(Relation::DataHasMore);
        }
        Ok(Relation::MetricHas(frames))
    }

    /// How many of a file's frames, from the front, hold nothing but samples of `all`, which is
    /// sorted; and how many of `all` the whole file holds.
    fn leading_frames_in(
        &self,
        partition: Partition,
        file: &StoredFile,
        all: &[(i64, u64)],
    ) -> Result<(usize, usize)> {
        let source = self.pages(partition, file)?;
        let mut taken = alloc::vec![false; all.len()];
        let (mut leading, mut only_leading) = (0, true);
        self.scan_sources(&[source], &mut |ids, times, raws| {
            let mut inside = true;
            for sample in ids.iter().zip(times).zip(raws).map(|((&i, &t), &r)| row(i, t, r)) {
                inside &= take(all, &mut taken, sample);
            }
            only_leading &= inside;
            leading += usize::from(only_leading);
            Ok(())
        })?;
        Ok((leading, taken.iter().filter(|taken| **taken).count()))
    }

    /// Numbers of the frames of the data file that must begin a page when it is paged anew.
    ///
    /// Of a data file beside other files it is known frame by frame, from the front, which of its
    /// samples they have, too. A page with some that they have and some that they lack would
    /// count as new, and show samples twice.
    pub(crate) fn seams(&self, view: &PartitionView) -> Result<Vec<usize>> {
        let files = &view.files;
        let Some(data) = files.data.as_ref().filter(|data| data.len > 0) else {
            return Ok(Vec::new());
        };
        let mut seams = Vec::new();
        if let Some(metric) = &files.metric
            && let Relation::MetricHas(frames) = self.relation(view.partition, metric, data)?
        {
            seams.push(frames);
        }
        if let Some(raw) = files.raw.as_ref().filter(|raw| raw.len > 0) {
            seams.push(self.leading_frames_in_raw(view.partition, raw, data)?);
        }
        Ok(seams)
    }

    /// Where the frames of `data` begin that `raw` does not have: behind 0 bytes, unless moving
    /// pages from one to the other was cut short.
    pub(crate) fn not_yet_in_raw(
        &self,
        partition: Partition,
        raw: &StoredFile,
        data: &StoredFile,
    ) -> Result<u64> {
        let leading = self.leading_frames_in_raw(partition, raw, data)?;
        let (_, index) = self.indexed(partition, data)?;
        Ok(index.frames.get(leading).map_or(data.len, |frame| frame.offset))
    }

    /// How many frames of `data`, from the front, hold nothing but samples of `raw`.
    fn leading_frames_in_raw(
        &self,
        partition: Partition,
        raw: &StoredFile,
        data: &StoredFile,
    ) -> Result<usize> {
        let mut in_raw = Vec::new();
        let source = self.pages(partition, raw)?;
        self.scan_sources(&[source], &mut |ids, times, raws| {
            in_raw.extend(ids.iter().zip(times).zip(raws).map(|((&i, &t), &r)| row(i, t, r)));
            Ok(())
        })?;
        sort_whole_rows(&mut in_raw);
        Ok(self.leading_frames_in(partition, data, &in_raw)?.0)
    }
}

fn range_of(from: i64, to: i64) -> TimeRange {
    TimeRange { from: Timestamp(from), to: Timestamp(to) }
}

/// A sample as one of many that are sorted.
fn row(id: u16, time: i64, raw: u32) -> (i64, u64) {
    (time, u64::from(id) << 32 | u64::from(raw))
}

/// Takes one occurrence of `sample` out of `all`, which is sorted, if one is left.
fn take(all: &[(i64, u64)], taken: &mut [bool], sample: (i64, u64)) -> bool {
    let from = all.partition_point(|other| *other < sample);
    let same = all.iter().skip(from).take_while(|other| **other == sample);
    let free = same.zip(taken.iter_mut().skip(from)).find(|(_, taken)| !**taken);
    free.map(|(_, taken)| *taken = true).is_some()
}
