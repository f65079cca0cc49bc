//! Index: one entry for each frame, in file order, fields of variable length.
//!
//! | time frame | | metric frame | |
//! |---|---|---|---|
//! | kind | 1 byte, 0 | kind | 1 byte, the value type |
//! | front, body | uvarints, lengths | front, body | uvarints, lengths |
//! | points | uvarint | statistics | uvarint, length |
//! | start | zigzag, from the time frame before | metric | zigzag, from the metric entry before |
//! | duration | uvarint | time frame | uvarint, how many back |
//! | spans | see `spans` | time offset, points | uvarints |
//! | | | start, end | uvarints, from the time frame's inwards |
//!
//! Offsets are not stored: frames follow one another, and so do their statistics.

use super::error::PartError;
use super::fields::{Fields, to_zigzag};
use super::front::{metric, points};
use super::spans::Spans;
use crate::codec::Writer;
use crate::metric_file::frame::FrameTimes;
use crate::metric_file::header::{FileHeader, Places};
use crate::metric_file::info::FrameInfo;
use crate::sorted::sort_by;
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use alloc::vec::Vec;

/// Bytes of the shortest entry.
const LEAST_LEN: usize = 7;
const TIMES: u8 = 0;

/// A time frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeFrame {
    pub(crate) offset: u64,
    pub(crate) front_len: u32,
    pub(crate) body_len: u32,
    pub(crate) points: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) spans: Spans,
}

/// What is known of a metric frame beside its [`FrameInfo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) front_len: u32,
    pub(crate) statistics: u64,
    pub(crate) statistics_len: u32,
}

/// The index in memory, without what [`FrameInfo`]s say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    /// By id, which counts from 1.
    pub(crate) time_frames: Vec<TimeFrame>,
    /// By [`FrameInfo::index`].
    pub(crate) extents: Vec<Extent>,
}

/// A metric frame as its entry describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MetricEntry {
    pub(crate) metric: MetricId,
    pub(crate) value_type: ValueType,
    pub(crate) front_len: u32,
    pub(crate) body_len: u32,
    pub(crate) statistics_len: u32,
    pub(crate) time_frame: u32,
    pub(crate) time_offset: u32,
    pub(crate) points: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// What entries are relative to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Before {
    start: i64,
    metric: u16,
}

impl TimeFrame {
    /// Appends this frame's entry to `out`.
    pub(crate) fn encode(&self, before: &mut Before, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.u8(TIMES).uvarint(self.front_len.into()).uvarint(self.body_len.into());
        w.uvarint(self.points.into()).uvarint(to_zigzag(self.start.wrapping_sub(before.start)));
        w.uvarint(self.end.wrapping_sub(self.start).cast_unsigned());
        self.spans.encode(out);
        before.start = self.start;
    }

    fn decode(fields: &mut Fields<'_>, before: &mut Before) -> Result<Self, PartError> {
        let (front_len, body_len) = (fields.u32("front length")?, fields.u32("body length")?);
        let points = points(fields)?;
        let start = before.start.wrapping_add(fields.zigzag()?);
        let end = inwards(start, fields.uvarint()?, i64::checked_add_unsigned)?;
        let spans = Spans::decode(fields, (start, end), points)?;
        before.start = start;
        Ok(Self { offset: 0, front_len, body_len, points, start, end, spans })
    }
}

impl MetricEntry {
    /// Appends this frame's entry to `out`; `times` is its time frame, and so many frames were
    /// made so far.
    pub(crate) fn encode(
        &self,
        times: (i64, i64),
        time_frames: u32,
        before: &mut Before,
        out: &mut Vec<u8>,
    ) {
        let id = i64::from(self.metric.get());
        let mut w = Writer::new(out);
        w.u8(self.value_type.byte());
        w.uvarint(self.front_len.into()).uvarint(self.body_len.into());
        w.uvarint(self.statistics_len.into());
        w.uvarint(to_zigzag(id - i64::from(before.metric)));
        w.uvarint(time_frames.saturating_sub(self.time_frame).into());
        w.uvarint(self.time_offset.into()).uvarint(self.points.into());
        w.uvarint(self.start.wrapping_sub(times.0).cast_unsigned());
        w.uvarint(times.1.wrapping_sub(self.end).cast_unsigned());
        before.metric = self.metric.get();
    }

    fn decode(
        value_type: ValueType,
        fields: &mut Fields<'_>,
        time_frames: &[TimeFrame],
        before: &mut Before,
    ) -> Result<Self, PartError> {
        let (front_len, body_len) = (fields.u32("front length")?, fields.u32("body length")?);
        let statistics_len = fields.u32("statistics length")?;
        let id = i64::from(before.metric).wrapping_add(fields.zigzag()?);
        let metric = metric(id.cast_unsigned())?;
        let back = fields.uvarint()?;
        let (what, expected) = ("time frames back", "one of those before");
        let newest = time_frames.len().checked_sub(1);
        let position = usize::try_from(back).ok().and_then(|back| newest?.checked_sub(back));
        let times = position.and_then(|position| Some((position, time_frames.get(position)?)));
        let (position, times) = times.ok_or(PartError::Invalid { what, found: back, expected })?;
        let time_frame = u32::try_from(position).unwrap_or(u32::MAX).saturating_add(1);
        let (time_offset, points) = (fields.u32("time offset")?, points(fields)?);
        if time_offset.checked_add(points).is_none_or(|end| end > times.points) {
            let (what, expected) = ("time offset", "points inside the time frame");
            return Err(PartError::Invalid { what, found: time_offset.into(), expected });
        }
        let start = inwards(times.start, fields.uvarint()?, i64::checked_add_unsigned)?;
        let end = inwards(times.end, fields.uvarint()?, i64::checked_sub_unsigned)?;
        if start > end {
            let (what, expected) = ("start after the end by", "0");
            return Err(PartError::Invalid { what, found: start.abs_diff(end), expected });
        }
        before.metric = metric.get();
        Ok(Self {
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
        })
    }

    fn info(&self, offset: u64) -> FrameInfo {
        FrameInfo {
            index: 0,
            metric: self.metric,
            value_type: self.value_type,
            range: TimeRange { from: Timestamp(self.start), to: Timestamp(self.end) },
            point_count: self.points,
            payload_len: self.body_len,
            decoded_len: self.points.saturating_mul(4),
            offset,
            times: FrameTimes::Shared { frame: self.time_frame, offset: self.time_offset },
        }
    }
}

fn inwards(
    from: i64,
    distance: u64,
    step: impl Fn(i64, u64) -> Option<i64>,
) -> Result<i64, PartError> {
    let (what, expected) = ("distance of times", "one to a time of 64 bits");
    step(from, distance).ok_or(PartError::Invalid { what, found: distance, expected })
}

impl Index {
    /// Decodes the whole index, which belongs to this header: and the metric frames by metric, those
    /// of one metric in file order. Errors come with the position of the entry they are in.
    pub(crate) fn decode(
        bytes: &[u8],
        header: &FileHeader,
        places: Places,
    ) -> Result<(Self, Vec<FrameInfo>), (usize, PartError)> {
        let mut fields = Fields::new(bytes);
        let mut at = 0;
        let mut read = || {
            let mut walk = Walk::new(places, bytes.len());
            while !fields.is_at_end() {
                at = fields.position();
                walk.entry(&mut fields)?;
            }
            at = fields.position();
            walk.end(header, places)
        };
        read().map_err(|error| (at, error))
    }

    /// Bytes it takes in memory, about.
    pub(crate) fn size(&self) -> usize {
        let spans: usize = self.time_frames.iter().map(|frame| frame.spans.size()).sum();
        self.time_frames.capacity() * size_of::<TimeFrame>()
            + spans
            + self.extents.capacity() * size_of::<Extent>()
    }
}

/// The entries so far, and where the next frame begins.
struct Walk {
    time_frames: Vec<TimeFrame>,
    frames: Vec<(FrameInfo, Extent)>,
    before: Before,
    offset: u64,
    statistics: u64,
}

impl Walk {
    fn new(places: Places, index_len: usize) -> Self {
        let room =
            |count: u32| usize::try_from(count).unwrap_or(usize::MAX).min(index_len / LEAST_LEN);
        Self {
            time_frames: Vec::with_capacity(room(places.time_frames)),
            frames: Vec::with_capacity(room(places.metric_frames)),
            before: Before::default(),
            offset: 64,
            statistics: places.statistics,
        }
    }

    fn entry(&mut self, fields: &mut Fields<'_>) -> Result<(), PartError> {
        let kind = fields.u8()?;
        if kind == TIMES {
            let mut frame = TimeFrame::decode(fields, &mut self.before)?;
            frame.offset = self.offset;
            self.advance(frame.front_len, frame.body_len);
            self.time_frames.push(frame);
            return Ok(());
        }
        let value_type = ValueType::from_byte(kind)
            .ok_or(PartError::Unknown { what: "kind of frame", id: kind })?;
        let entry = MetricEntry::decode(value_type, fields, &self.time_frames, &mut self.before)?;
        let (front_len, statistics_len) = (entry.front_len, entry.statistics_len);
        let extent = Extent { front_len, statistics: self.statistics, statistics_len };
        self.frames.push((entry.info(self.offset), extent));
        self.advance(front_len, entry.body_len);
        self.statistics = self.statistics.saturating_add(statistics_len.into());
        Ok(())
    }

    fn advance(&mut self, front_len: u32, body_len: u32) {
        let len = u64::from(front_len) + u64::from(body_len);
        self.offset = self.offset.saturating_add(len);
    }

    fn end(
        mut self,
        header: &FileHeader,
        places: Places,
    ) -> Result<(Index, Vec<FrameInfo>), PartError> {
        let count = |len: usize| i128::try_from(len).unwrap_or(i128::MAX);
        let min = self.frames.iter().map(|(info, _)| info.range.from.0).min().unwrap_or_default();
        let max = self.frames.iter().map(|(info, _)| info.range.to.0).max().unwrap_or_default();
        for (what, found, expected) in [
            ("time frames", count(self.time_frames.len()), places.time_frames.into()),
            ("metric frames", count(self.frames.len()), places.metric_frames.into()),
            ("end of the frames", self.offset.into(), places.statistics.into()),
            ("end of the statistics", self.statistics.into(), places.index.into()),
            ("earliest time", min.into(), header.min_time.into()),
            ("latest time", max.into(), header.max_time.into()),
        ] {
            if found != expected {
                return Err(PartError::Differs { what, found, expected });
            }
        }
        if !self.frames.is_sorted_by_key(|(info, _)| info.metric) {
            sort_by(&mut self.frames, |(a, _), (b, _)| a.metric < b.metric);
        }
        for (index, (info, _)) in self.frames.iter_mut().enumerate() {
            info.index = index;
        }
        let (entries, extents) = self.frames.into_iter().unzip();
        Ok((Index { time_frames: self.time_frames, extents }, entries))
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
