//! Putting a v3 file together, frame by frame, in memory that does not depend on its length.

use super::error::PartError;
use super::front::{self, Front, Whose};
use super::index::{Before, MetricEntry, TimeFrame};
use super::spans::Spans;
use super::statistics::{self, LEAST_POINTS, MOST_GROWTH, Numbers};
use crate::codec::checksum::crc32;
use crate::column::{Encoded, block_count, times, values};
use crate::error::{Error, Result};
use crate::metric_file::build::SeriesInput;
use crate::metric_file::footer;
use crate::metric_file::header::{FileHeader, Layout, Places};
use crate::metric_file::scan::invalid;
use crate::metric_file::spool::{FRAMES, Spool};
use crate::metric_file::time_match::{Slot, TimeHash};
use crate::metric_file::writer::{BuildReport, Target, count, ends, size};
use crate::sorted::SortedSet;
use crate::storage::Storage;
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use hashbrown::HashMap;

const HEADER_END: u64 = 64;

/// The kind of spool that statistics are in.
const STATISTICS: &str = "statistics";
/// Statistics take about a sixteenth of the bytes.
const STATISTICS_SHARE: usize = 16;

/// A v3 file that is being written.
pub(crate) struct Writer<'s, S: Storage> {
    target: &'s Target<'s, S>,
    frames: Spool<'s, S>,
    statistics: Spool<'s, S>,
    /// The entries so far.
    index: Vec<u8>,
    before: Before,
    /// Where time frames are: all of them, to read them back.
    places: Vec<Place>,
    /// Which of them have these times: so many, with this hash.
    known: HashMap<(u32, TimeHash), usize>,
    /// The time frames that this group uses, and at which position of `places` each is.
    group: Vec<(usize, TimeFrame)>,
    totals: Totals,
    scratch: Scratch,
}

/// Where a time frame is in the spool.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    front_len: u32,
    body_len: u32,
}

#[derive(Debug)]
struct Totals {
    min: i64,
    max: i64,
    frames: u32,
    points: u64,
    metrics: SortedSet<MetricId>,
}

/// Memory that is used again for each frame.
#[derive(Debug, Default)]
struct Scratch {
    column: Encoded,
    front: Vec<u8>,
    times: Vec<i64>,
    raws: Vec<u32>,
}

impl<S: Storage> Target<'_, S> {
    /// Runs `write` on a new writer and publishes the file; when that fails, clears up.
    pub(crate) fn write_v3<'s>(
        &'s self,
        spool_memory: usize,
        write: impl FnOnce(&mut Writer<'s, S>) -> Result<()>,
    ) -> Result<BuildReport> {
        self.clearing_up(&[FRAMES, STATISTICS], || {
            let mut writer = Writer::new(self, spool_memory)?;
            write(&mut writer)?;
            writer.finish()
        })
    }
}

impl<'s, S: Storage> Writer<'s, S> {
    fn new(target: &'s Target<'s, S>, spool_memory: usize) -> Result<Self> {
        target.checked_kind()?;
        let spool = |kind, memory| Spool::new(target.storage, target.name, kind, memory);
        let metrics = SortedSet::new();
        Ok(Self {
            target,
            frames: spool(FRAMES, spool_memory)?,
            statistics: spool(STATISTICS, spool_memory / STATISTICS_SHARE)?,
            index: Vec::new(),
            before: Before::default(),
            places: Vec::new(),
            known: HashMap::new(),
            group: Vec::new(),
            totals: Totals { min: i64::MAX, max: i64::MIN, frames: 0, points: 0, metrics },
            scratch: Scratch::default(),
        })
    }

    /// Begins a group of frames that share times with each other.
    pub(crate) fn begin_group(&mut self) {
        self.group.clear();
    }

    /// Adds a time frame of these non-decreasing times to the group: an earlier group's if it has
    /// the same, else a new one.
    pub(crate) fn time_frame(&mut self, times: &[i64]) -> Result<()> {
        let (start, end) = ends(times)?;
        let points = count(times.len())?;
        let spans = Spans::of(times);
        let mut frame =
            TimeFrame { offset: 0, front_len: 0, body_len: 0, points, start, end, spans };
        let key = (points, TimeHash::of(times));
        let earlier = self.known.get(&key).copied();
        if let Some(position) = earlier
            && self.read_back(position)? == times
        {
            self.group.push((position, frame));
            return Ok(());
        }
        let position = self.places.len();
        let place = self.append_times(times, points)?;
        (frame.front_len, frame.body_len) = (place.front_len, place.body_len);
        frame.encode(&mut self.before, &mut self.index);
        self.places.push(place);
        self.known.insert(key, position);
        self.group.push((position, frame));
        Ok(())
    }

    fn append_times(&mut self, times: &[i64], points: u32) -> Result<Place> {
        let id = number(self.places.len())?;
        let mut scratch = core::mem::take(&mut self.scratch);
        let Scratch { column, front, .. } = &mut scratch;
        times::encode(times, column);
        front.clear();
        front::encode(Whose::Times { id }, points, column, front);
        scratch.times.clear();
        let restored = restore_times(&scratch.front, &scratch.column.body, &mut scratch.times);
        self.check(restored, scratch.times == times)?;
        let place = self.append(&scratch)?;
        self.scratch = scratch;
        Ok(place)
    }

    /// The times of the group's time frame at this position, read back.
    pub(crate) fn read_time_frame(&self, index: usize) -> Result<Vec<i64>> {
        let (position, _) = self.group.get(index).ok_or_else(|| invalid("no such time frame"))?;
        self.read_back(*position)
    }

    fn read_back(&self, position: usize) -> Result<Vec<i64>> {
        let place = self.places.get(position).ok_or_else(|| invalid("no such time frame"))?;
        let front = self.frames.read(place.offset, size(place.front_len)?)?;
        let body = place.offset.saturating_add(place.front_len.into());
        let body = self.frames.read(body, size(place.body_len)?)?;
        let mut times = Vec::new();
        restore_times(&front, &body, &mut times).map_err(|error| self.not_restored(&error))?;
        Ok(times)
    }

    /// Adds a metric frame, whose times start at `slot` of the group's time frames.
    pub(crate) fn metric_frame(&mut self, series: &SeriesInput<'_>, slot: Slot) -> Result<()> {
        let SeriesInput { metric, value_type, times, raws } = *series;
        let (start, end) = ends(times)?;
        let (points, time_offset) = (count(times.len())?, count(slot.offset)?);
        let (position, frame) =
            self.group.get(slot.frame).ok_or_else(|| invalid("no such time frame"))?;
        let time_frame = number(*position)?;
        let ends_of_times = (frame.start, frame.end);
        let spans: Vec<Range<usize>> =
            frame.spans.of_part(time_offset, points).map(|(_, points)| points).collect();

        let mut scratch = core::mem::take(&mut self.scratch);
        let Scratch { column, front, .. } = &mut scratch;
        values::encode(value_type, raws, column);
        front.clear();
        let whose = Whose::Values { metric, value_type, time_frame, time_offset };
        front::encode(whose, points, column, front);
        scratch.raws.clear();
        let restored =
            restore_values(&scratch.front, &scratch.column.body, value_type, &mut scratch.raws);
        self.check(restored, scratch.raws == raws)?;
        let Place { front_len, body_len, .. } = self.append(&scratch)?;
        let statistics_len = self.statistics(value_type, raws, &spans, &mut scratch)?;
        self.scratch = scratch;

        let entry = MetricEntry {
            metric,
            value_type,
            front_len,
            body_len,
            statistics_len,
            time_frame,
            time_offset,
            points,
            start,
            end,
        };
        let time_frames = count(self.places.len())?;
        entry.encode(ends_of_times, time_frames, &mut self.before, &mut self.index);
        self.totals.add(&entry);
        Ok(())
    }

    /// Appends the statistics of a frame with these spans, whose front and body are in `scratch`;
    /// returns how many bytes they take. A frame that would grow too much with them goes without.
    fn statistics(
        &mut self,
        value_type: ValueType,
        raws: &[u32],
        spans: &[Range<usize>],
        scratch: &mut Scratch,
    ) -> Result<u32> {
        if count(raws.len())? < LEAST_POINTS {
            return Ok(0);
        }
        let frame_len = scratch.front.len().saturating_add(scratch.column.body.len());
        let of = |points: &Range<usize>| {
            Numbers::of(value_type, raws.get(points.clone()).unwrap_or_default())
        };
        let numbers: Vec<Numbers> = spans.iter().map(of).collect();
        let counts: Vec<usize> = spans.iter().map(Range::len).collect();
        let Scratch { column, front: record, .. } = scratch;
        record.clear();
        statistics::encode(value_type, &numbers, column, record);
        let restored = statistics::decode(value_type, &counts, record);
        let same = restored.as_ref() == Ok(&numbers);
        self.check(restored.map(|_| ()), same)?;
        let raw_len = raws.len().saturating_mul(size_of::<u32>());
        if frame_len.saturating_add(record.len()) > raw_len.saturating_add(raw_len / MOST_GROWTH) {
            return Ok(0);
        }
        self.statistics.append(record)?;
        count(record.len())
    }

    fn append(&mut self, scratch: &Scratch) -> Result<Place> {
        let offset = self.frames.len();
        self.frames.append(&scratch.front)?;
        self.frames.append(&scratch.column.body)?;
        let front_len = count(scratch.front.len())?;
        Ok(Place { offset, front_len, body_len: count(scratch.column.body.len())? })
    }

    /// Makes sure that what was encoded can be read again.
    fn check(&self, restored: core::result::Result<(), PartError>, same: bool) -> Result<()> {
        restored.map_err(|error| self.not_restored(&error))?;
        if !same {
            return Err(self.not_restored(&"other values"));
        }
        Ok(())
    }

    fn not_restored(&self, found: &dyn fmt::Display) -> Error {
        let detail = format!("a frame does not restore what it was made of: {found}");
        let offset = self.frames.len().saturating_add(HEADER_END);
        Error::corrupt(self.target.name.as_str(), offset, detail)
    }

    /// Writes the file and gives it its name.
    fn finish(self) -> Result<BuildReport> {
        let Totals { min: min_time, max: max_time, frames, points, metrics } = self.totals;
        if frames == 0 {
            return Err(invalid("a metric file needs at least one metric"));
        }
        let statistics = self.frames.len().saturating_add(HEADER_END);
        let index = statistics.saturating_add(self.statistics.len());
        let time_frames = count(self.places.len())?;
        let places = Places { time_frames, metric_frames: frames, statistics, index };
        let (partition_kind, layout) = (self.target.checked_kind()?, Layout::V3(places));
        let mut header = Vec::new();
        FileHeader { partition_kind, min_time, max_time, layout }.encode(&mut header);
        let mut behind = self.index;
        let checksum = crc32(&behind);
        footer::encode_v3(checksum, &mut behind);
        let spools = vec![self.frames, self.statistics];
        let bytes = self.target.publish(&header, spools, &behind)?;
        let (metrics, time_frames) = (metrics.as_slice().len(), self.places.len());
        Ok(BuildReport { metrics, points, bytes, time_frames })
    }
}

impl Totals {
    fn add(&mut self, entry: &MetricEntry) {
        self.min = self.min.min(entry.start);
        self.max = self.max.max(entry.end);
        self.frames = self.frames.saturating_add(1);
        self.points = self.points.saturating_add(entry.points.into());
        self.metrics.insert(entry.metric);
    }
}

/// The id of the time frame at this position.
fn number(position: usize) -> Result<u32> {
    count(position.saturating_add(1))
}

fn restore_times(
    front: &[u8],
    body: &[u8],
    out: &mut Vec<i64>,
) -> core::result::Result<(), PartError> {
    let front = Front::decode(front)?;
    let decoder = times::Decoder::new(front.head, front.len())?;
    front.decode_blocks(&decoder, 0..block_count(front.len()), body, out)
}

fn restore_values(
    front: &[u8],
    body: &[u8],
    value_type: ValueType,
    out: &mut Vec<u32>,
) -> core::result::Result<(), PartError> {
    let front = Front::decode(front)?;
    let decoder = values::Decoder::new(front.head, value_type, front.len())?;
    front.decode_blocks(&decoder, 0..block_count(front.len()), body, out)
}
