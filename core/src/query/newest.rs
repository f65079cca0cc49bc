//! The newest sample of a metric, looked up in the files (D-15: the reference forgets it at
//! every restart).

use super::damage::OnDamage;
use super::gather::{Points, Selection};
use super::source::{Source, may_be_growing};
use crate::catalog::{Newest, Slot};
use crate::engine::{FileOf, FrameEntry, Host, PartitionView, Readable, Shared, StoredFile};
use crate::error::{Error, Result};
use crate::metric_file::MetricFile;
use crate::page::Payload;
use crate::sorted::order;
use crate::types::{MetricId, Sample, TimeRange, Timestamp, Value, ValueType};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

impl<H: Host> Readable<H> {
    /// The newest sample of a metric.
    pub(crate) fn last(&self, metric: &str, on: OnDamage<'_>) -> Result<Option<Sample>> {
        let Some(slot) = self.state.read(|state| state.catalog.find(metric)) else {
            return Ok(None);
        };
        let entry = |state: &crate::engine::State| {
            state.catalog.get(slot).map(|entry| (entry.last, entry.last_sample()))
        };
        match self.state.read(entry) {
            Some((Newest::Unknown, _)) => match self.resolve_newest(slot) {
                // Not for good: the file may be mended.
                Err(error) if on.tolerates(&error) => self.newest_around(slot, on),
                resolved => {
                    resolved?;
                    Ok(self.state.read(entry).and_then(|(_, sample)| sample))
                }
            },
            known => Ok(known.and_then(|(_, sample)| sample)),
        }
    }

    /// Finds out what the files hold of a metric whose newest sample is unknown, and notes it.
    pub(crate) fn resolve_newest(&self, slot: Slot) -> Result<()> {
        let newest = self.find_newest(slot, OnDamage::Fail)?;
        self.note_newest(slot, newest);
        Ok(())
    }

    /// Takes a sample for the newest of a metric, unless one has come meanwhile.
    pub(crate) fn note_newest(&self, slot: Slot, newest: Option<(i64, u32)>) {
        self.state.write(|state| {
            let entry = state.catalog.get_mut(slot);
            if let Some(entry) = entry.filter(|entry| entry.last == Newest::Unknown) {
                entry.last = newest.map_or(Newest::None, |(time, raw)| Newest::At(time, raw));
                entry.accepted = entry.accepted.max(newest.map(|(time, _)| time));
            }
        });
    }

    /// The newest sample of a metric in all files that can be read.
    fn newest_around(&self, slot: Slot, on: OnDamage<'_>) -> Result<Option<Sample>> {
        let newest = self.find_newest(slot, on)?;
        let value_type =
            self.state.read(|state| state.catalog.get(slot).map(|entry| entry.value_type));
        Ok(newest.zip(value_type).map(|((time, raw), value_type)| Sample {
            time: Timestamp(time),
            value: Value::from_raw(value_type, raw),
        }))
    }

    /// Looks a metric's newest sample up in the files.
    pub(crate) fn find_newest(&self, slot: Slot, on: OnDamage<'_>) -> Result<Option<(i64, u32)>> {
        let metric = self
            .state
            .read(|state| state.catalog.get(slot).map(|entry| (entry.id.get(), entry.value_type)));
        let Some(metric) = metric else { return Ok(None) };
        let mut newest: Option<(i64, u32)> = None;
        for view in self.view(TimeRange::ALL).iter().rev() {
            // Partitions of different length may overlap; all others end once one has a sample.
            if newest.is_some_and(|(time, _)| time > view.partition.range().to.0) {
                break;
            }
            let found = match self.newest_in(view, metric.0) {
                Err(error) if on.tolerates(&error) => {
                    on.note_named(error)?;
                    self.newest_readable(view, metric, on)?
                }
                found => found?,
            };
            newest = [newest, found].into_iter().flatten().max_by_key(|sample| sample.0);
        }
        Ok(newest)
    }

    /// The newest sample of a metric in what can be read of one partition.
    fn newest_readable(
        &self,
        view: &PartitionView,
        metric: (u16, ValueType),
        on: OnDamage<'_>,
    ) -> Result<Option<(i64, u32)>> {
        let selection = Selection::new(vec![metric]);
        let mut points = [Points::default()];
        self.gather_around(view, TimeRange::ALL, &selection, &mut points, on)?;
        let [points] = points;
        Ok(points.times.last().copied().zip(points.raws.last().copied()))
    }

    /// The newest sample of a metric in one partition; of equal times the one stored last.
    fn newest_in(&self, view: &PartitionView, id: u16) -> Result<Option<(i64, u32)>> {
        let mut newest: Option<(i64, u32)> = None;
        let mut consider = |time: i64, raw: u32| {
            if newest.is_none_or(|(best, _)| time >= best) {
                newest = Some((time, raw));
            }
        };
        for source in self.sources(view)? {
            match source {
                Source::Open(page) => page.for_each_of(id, &mut consider),
                Source::Metric(stored, file) => {
                    let found = self.newest_in_metric_file(&stored, &file, id)?;
                    if let Some((time, raw)) = found {
                        consider(time, raw);
                    }
                }
                Source::Pages(file, handle, index) => {
                    let found = self.newest_in_pages(&file, &handle, &index.frames, id)?;
                    // What is no frame may have held a later one.
                    let from = found.map_or(i64::MIN, |(time, _)| time.saturating_add(1));
                    let later = TimeRange { from: Timestamp(from), to: Timestamp::MAX };
                    index.damage_in(&file.name, later).map_or(Ok(()), Err)?;
                    if !may_be_growing(self, view.partition) {
                        index.tail_in(&file.name, later).map_or(Ok(()), Err)?;
                    }
                    if let Some((time, raw)) = found {
                        consider(time, raw);
                    }
                }
            }
        }
        Ok(newest)
    }

    /// The last point of the frame that ends last; of several the one that is stored last.
    fn newest_in_metric_file(
        &self,
        stored: &StoredFile,
        file: &MetricFile<FileOf<H>>,
        id: u16,
    ) -> Result<Option<(i64, u32)>> {
        let Some(id) = MetricId::new(id) else { return Ok(None) };
        let Some(entry) = file.entries_of(id)?.iter().max_by_key(|entry| entry.range.to) else {
            return Ok(None);
        };
        if let Some(known) = self.statistics_of(stored, file, entry)?
            && let Some(span) = known.spans.last()
        {
            return Ok(Some((entry.range.to.0, span.last)));
        }
        let frame = file.read_frame(entry)?;
        Ok(frame.times.last().copied().zip(frame.raws.last().copied()))
    }

    /// Looks at frames from the latest to the earliest, until none left can hold a newer sample.
    fn newest_in_pages(
        &self,
        file: &StoredFile,
        handle: &FileOf<H>,
        frames: &[FrameEntry],
        id: u16,
    ) -> Result<Option<(i64, u32)>> {
        let end = |at: usize| frames.get(at).map(|frame| frame.header.end);
        let by_end = order(frames.len(), &mut |a, b| end(a) < end(b));
        // Time, frame number and value: of equal times the frame that was written last counts.
        let mut newest: Option<(i64, usize, u32)> = None;
        let (mut buffer, mut page) = (Vec::new(), Payload::default());
        for at in by_end.into_iter().rev() {
            let Some(frame) = frames.get(at) else { continue };
            if newest.is_some_and(|(time, _, _)| time > frame.header.end) {
                break;
            }
            crate::engine::read_frame(handle, frame, &mut buffer)?;
            frame
                .header
                .decode_page(&buffer, self.page_codec(), &mut page)
                .map_err(|e| Error::corrupt(file.name.as_str(), frame.offset, e.to_string()))?;
            page.for_each_of(id, |time, raw| {
                if newest.is_none_or(|(best, best_at, _)| (time, at) >= (best, best_at)) {
                    newest = Some((time, at, raw));
                }
            });
        }
        Ok(newest.map(|(time, _, raw)| (time, raw)))
    }
}
