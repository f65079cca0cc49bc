//! The bytes of a file that is about to be opened, and the checks of opening it.

use super::footer;
use super::frame::{self, FrameError, FrameTimes, MetricFrame, TimeFrame};
use super::header::{self, FileHeader, HeaderError, Layout};
use super::index;
use super::info::FrameInfo;
use crate::codec::checksum::crc32;
use crate::compress::CodecId;
use crate::error::{Error, Result};
use crate::storage::StorageFile;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Times of this many decoded bytes are read whatever their payload's size.
const FREE_TIMES_LEN: u64 = 64 << 20;
/// Beyond that, decoded times are at most this many times their payload.
const MAX_TIMES_RATIO: u64 = 256;

const HEADER_END: u64 = 64;
const FOOTER_LEN: u64 = 16;
const TIME_ENTRY_LEN: u64 = 40;
const METRIC_ENTRY_LEN: u64 = 44;

/// A file, its name for messages and its length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a, F> {
    pub(crate) file: &'a F,
    pub(crate) name: &'a str,
    pub(crate) size: u64,
    /// Bytes of payload read so far.
    pub(crate) payload_read: &'a AtomicU64,
}

/// What is read of a v1 or v2 file when it is opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) codec: CodecId,
    pub(crate) time_frames: Vec<(u64, TimeFrame)>,
    pub(crate) entries: Vec<FrameInfo>,
}

/// The entries of both indexes.
type Indexes = (Vec<(u64, TimeFrame)>, Vec<FrameInfo>);

/// Where the indexes are and how long they are.
#[derive(Debug, Clone, Copy)]
struct Places {
    start: u64,
    time_frames: u64,
}

impl<F: StorageFile> Source<'_, F> {
    /// The file header, and what of the first frame's header is behind it.
    pub(crate) fn front(&self) -> Result<(FileHeader, Vec<u8>)> {
        let least = HEADER_END + FOOTER_LEN;
        if self.size < least {
            let detail =
                format!("file cut short: found {} bytes, expected {least} or more", self.size);
            return Err(self.corrupt(0, detail));
        }
        let front = (HEADER_END + frame::HEADER_LEN as u64).min(self.size);
        let front = self.read(0, self.usize(front)?)?;
        Ok((self.header(&front)?, front))
    }

    /// Reads footer and indexes of a v1 or v2 file, and checks all against each other.
    pub(crate) fn open(&self, header: &FileHeader, front: &[u8]) -> Result<Opened> {
        let places = self.places(header.layout)?;
        let tail =
            self.read(places.start, self.fitting(places.start, self.size - places.start)?)?;
        let (time_frames, entries) = self.indexes(header.layout, places, &tail)?;
        self.check_tiling(places.start, &time_frames, &entries)?;
        self.check_times(header, &time_frames, &entries)?;
        let codec = self.first_codec(front)?;
        Ok(Opened { codec, time_frames, entries })
    }

    /// Notes that so many bytes of payload are about to be read.
    pub(crate) fn count_payload(&self, len: u64) {
        self.payload_read.fetch_add(len, Ordering::Relaxed);
    }

    /// Times that are out of order are damage.
    pub(crate) fn check_order(&self, offset: u64, times: &[i64]) -> Result<()> {
        if times.is_sorted() {
            return Ok(());
        }
        let found = times.windows(2).find_map(|pair| match pair {
            [before, after] if before > after => Some((*before, *after)),
            _ => None,
        });
        let (before, after) = found.unwrap_or_default();
        let detail = format!("times: found {after} after {before}, expected non-decreasing");
        Err(self.corrupt(offset, detail))
    }

    /// So are times that do not start and end as it was said.
    pub(crate) fn check_ends(
        &self,
        offset: u64,
        times: &[i64],
        (start, end): (i64, i64),
    ) -> Result<()> {
        let found = (times.first().copied(), times.last().copied());
        if found == (Some(start), Some(end)) {
            return Ok(());
        }
        let (first, last) = (found.0.unwrap_or_default(), found.1.unwrap_or_default());
        let detail =
            format!("times: found {first} to {last}, expected {start} to {end} as in the header");
        Err(self.corrupt(offset, detail))
    }

    pub(crate) fn corrupt(&self, offset: u64, detail: impl Into<String>) -> Error {
        Error::corrupt(self.name, offset, detail)
    }

    /// Exactly `len` bytes at `offset`.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let read = self.file.read_at(offset, &mut bytes)?;
        if read < len {
            let detail = format!("file ends too soon: found {read} bytes, expected {len}");
            return Err(self.corrupt(offset, detail));
        }
        Ok(bytes)
    }

    /// `len` as a size in memory, provided the file has that many bytes from `offset` on.
    pub(crate) fn fitting(&self, offset: u64, len: u64) -> Result<usize> {
        if offset.checked_add(len).is_none_or(|end| end > self.size) {
            let detail =
                format!("found {len} bytes of content, expected inside the file's {}", self.size);
            return Err(self.corrupt(offset, detail));
        }
        self.usize(len)
    }

    pub(crate) fn usize(&self, len: u64) -> Result<usize> {
        usize::try_from(len).map_err(|_| Error::Unsupported {
            file: self.name.into(),
            detail: format!("{len} bytes in one piece do not fit this platform's memory"),
        })
    }

    /// The codec of this number.
    pub(crate) fn codec(&self, offset: u64, number: u16) -> Result<CodecId> {
        CodecId::from_u16(number).ok_or_else(|| Error::Unsupported {
            file: self.name.into(),
            detail: format!("codec {number} of the frame at byte {offset} is unknown"),
        })
    }

    /// The payload of the whole frame in `bytes`, after its checksum has been compared.
    pub(crate) fn checked_payload<'b>(&self, offset: u64, bytes: &'b [u8]) -> Result<&'b [u8]> {
        let behind = bytes.get(frame::HEADER_LEN..).unwrap_or_default();
        let (payload, stored) = behind.split_last_chunk::<4>().unwrap_or((&[], &[0; 4]));
        let (stored, computed) = (u32::from_le_bytes(*stored), crc32(payload));
        if stored != computed {
            let detail =
                format!("payload checksum: found {stored:#010x}, expected {computed:#010x}");
            return Err(self.corrupt(offset, detail));
        }
        Ok(payload)
    }

    fn header(&self, front: &[u8]) -> Result<FileHeader> {
        FileHeader::decode(front).map_err(|error| match error {
            HeaderError::UnknownVersion(_) => {
                Error::Unsupported { file: self.name.into(), detail: format!("{error}") }
            }
            _ => self.corrupt(0, format!("{error}")),
        })
    }

    /// The indexes must end where the footer begins: a file that was cut or has grown is not
    /// what its header describes.
    fn places(&self, layout: Layout) -> Result<Places> {
        let (time_frames, metric_frames) = match layout {
            Layout::V1 { frames } => (0, frames),
            Layout::V2 { time_frames, metric_frames, .. } => (time_frames, metric_frames),
            Layout::V3(places) => (places.time_frames, places.metric_frames),
        };
        if metric_frames == 0 {
            return Err(self.corrupt(36, "found 0 metric frames, expected 1 or more"));
        }
        let places = Places::new(self.size, time_frames, metric_frames).ok_or_else(|| {
            let size = self.size;
            let detail = format!(
                "found {time_frames} time frames and {metric_frames} metric frames, \
                 expected as many as a file of {size} bytes has room for"
            );
            self.corrupt(32, detail)
        })?;
        if let Layout::V2 { time_index, metric_index, .. } = layout {
            self.check_place(40, "time index", time_index, places.start)?;
            self.check_place(48, "metric index", metric_index, places.metric_index())?;
        }
        Ok(places)
    }

    fn check_place(&self, at: u64, what: &str, found: u64, expected: u64) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        Err(self.corrupt(at, format!("{what}: found at {found}, expected at {expected}")))
    }

    fn indexes(&self, layout: Layout, places: Places, tail: &[u8]) -> Result<Indexes> {
        let (indexes, foot) =
            tail.split_at_checked(tail.len().saturating_sub(footer::LEN)).unwrap_or_default();
        footer::check(foot, layout)
            .map_err(|error| self.corrupt(self.size - FOOTER_LEN, format!("{error}")))?;
        let split = self.usize(places.time_frames * TIME_ENTRY_LEN)?;
        let (times, metrics) = indexes.split_at_checked(split).unwrap_or_default();
        Ok((self.time_index(places, times)?, self.metric_index(layout, places, metrics)?))
    }

    fn time_index(&self, places: Places, bytes: &[u8]) -> Result<Vec<(u64, TimeFrame)>> {
        let mut entries = Vec::with_capacity(bytes.len() / index::TIME_LEN);
        for (bytes, expected_id) in bytes.chunks(index::TIME_LEN).zip(1_u64..) {
            let at = places.start + (expected_id - 1) * TIME_ENTRY_LEN;
            let (offset, frame) =
                TimeFrame::decode_entry(bytes).map_err(|error| self.bad_entry(at, &error))?;
            if u64::from(frame.id) != expected_id {
                let detail =
                    format!("time index: found frame {}, expected {expected_id}", frame.id);
                return Err(self.corrupt(at, detail));
            }
            let bound = times_bound(frame.payload_len);
            if u64::from(frame.decoded_len) > bound {
                return Err(self.implausible(at, frame.decoded_len, bound));
            }
            entries.push((offset, frame));
        }
        Ok(entries)
    }

    fn metric_index(&self, layout: Layout, places: Places, bytes: &[u8]) -> Result<Vec<FrameInfo>> {
        let mut entries: Vec<FrameInfo> = Vec::with_capacity(bytes.len() / index::METRIC_LEN);
        for (index, bytes) in bytes.chunks(index::METRIC_LEN).enumerate() {
            let at = places.metric_entry(index);
            let decoded = match layout {
                Layout::V1 { .. } => MetricFrame::decode_v1_entry(bytes),
                Layout::V2 { .. } | Layout::V3(_) => MetricFrame::decode_v2_entry(bytes),
            };
            let (offset, frame) = decoded.map_err(|error| self.bad_entry(at, &error))?;
            if let Some(before) = entries.last().filter(|before| before.metric > frame.metric) {
                let detail = format!(
                    "metric index: found metric {} after {}, expected ascending ids",
                    frame.metric, before.metric
                );
                return Err(self.corrupt(at, detail));
            }
            let bound = times_bound(frame.payload_len) / 2 * 3;
            if frame.times == FrameTimes::Own && u64::from(frame.decoded_len) > bound {
                return Err(self.implausible(at, frame.decoded_len, bound));
            }
            entries.push(FrameInfo::new(index, offset, &frame));
        }
        Ok(entries)
    }

    /// Frames follow each other without gap or overlap from the header to the indexes, so that
    /// offsets and lengths vouch for each other and no frame is without an index entry.
    fn check_tiling(
        &self,
        end: u64,
        time_frames: &[(u64, TimeFrame)],
        entries: &[FrameInfo],
    ) -> Result<()> {
        let times = time_frames.iter().map(|(offset, frame)| (*offset, frame.payload_len));
        let metrics = entries.iter().map(|entry| (entry.offset, entry.payload_len));
        let mut expected = HEADER_END;
        for (offset, payload_len) in times.chain(metrics) {
            if offset != expected {
                let detail = format!("index: found a frame at {offset}, expected at {expected}");
                return Err(self.corrupt(end, detail));
            }
            expected = expected.saturating_add(frame::OVERHEAD + u64::from(payload_len));
        }
        if expected != end {
            let detail = format!("frames end: found at {expected}, expected at the index, {end}");
            return Err(self.corrupt(end, detail));
        }
        Ok(())
    }

    fn check_times(
        &self,
        header: &FileHeader,
        time_frames: &[(u64, TimeFrame)],
        entries: &[FrameInfo],
    ) -> Result<()> {
        let min = entries.iter().map(|entry| entry.range.from.0).min();
        let max = entries.iter().map(|entry| entry.range.to.0).max();
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or_default());
        if (min, max) != (header.min_time, header.max_time) {
            let detail = format!(
                "times of the file: found {} to {}, expected {min} to {max} as in the index",
                header.min_time, header.max_time
            );
            return Err(self.corrupt(16, detail));
        }
        entries.iter().try_for_each(|entry| self.check_shared_times(time_frames, entry))
    }

    fn check_shared_times(&self, times: &[(u64, TimeFrame)], entry: &FrameInfo) -> Result<()> {
        let FrameTimes::Shared { frame: id, offset } = entry.times else { return Ok(()) };
        let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let frame = index.and_then(|index| times.get(index));
        let Some((_, frame)) = frame else {
            let detail = format!(
                "metric {}: found time frame {id}, expected 1 to {}",
                entry.metric,
                times.len()
            );
            return Err(self.corrupt(entry.offset, detail));
        };
        let last = u64::from(offset) + u64::from(entry.point_count);
        if last > u64::from(frame.point_count)
            || entry.range.from.0 < frame.start
            || entry.range.to.0 > frame.end
        {
            let detail = format!(
                "metric {}: found {} points from time {offset} on, {} to {}, \
                 expected among {} points, {} to {}",
                entry.metric,
                entry.point_count,
                entry.range.from.0,
                entry.range.to.0,
                frame.point_count,
                frame.start,
                frame.end
            );
            return Err(self.corrupt(entry.offset, detail));
        }
        Ok(())
    }

    /// The number of the codec stands at byte 6 of the first frame's header.
    fn first_codec(&self, front: &[u8]) -> Result<CodecId> {
        let first = front.get(header::LEN..).unwrap_or_default();
        let decoded = if first.starts_with(&frame::TIME_MAGIC) {
            TimeFrame::decode_header(first).map(|(codec, _)| codec)
        } else {
            MetricFrame::decode_v1_header(first).map(|(codec, _)| codec)
        };
        self.codec(HEADER_END, decoded.map_err(|error| self.bad_entry(HEADER_END, &error))?)
    }

    fn bad_entry(&self, at: u64, error: &FrameError) -> Error {
        self.corrupt(at, format!("{error}"))
    }

    fn implausible(&self, at: u64, found: u32, bound: u64) -> Error {
        self.corrupt(at, format!("decoded length: found {found}, expected at most {bound}"))
    }
}

fn times_bound(payload_len: u32) -> u64 {
    (u64::from(payload_len) * MAX_TIMES_RATIO).max(FREE_TIMES_LEN)
}

impl Places {
    /// The places in a file of `size` bytes, or nothing when it is too short for the counts.
    fn new(size: u64, time_frames: u32, metric_frames: u32) -> Option<Self> {
        let (time_frames, metric_frames) = (u64::from(time_frames), u64::from(metric_frames));
        let indexes = time_frames * TIME_ENTRY_LEN + metric_frames * METRIC_ENTRY_LEN;
        let start = size.checked_sub(FOOTER_LEN)?.checked_sub(indexes)?;
        (start >= HEADER_END).then_some(Self { start, time_frames })
    }

    const fn metric_index(self) -> u64 {
        self.start + self.time_frames * TIME_ENTRY_LEN
    }

    fn metric_entry(self, index: usize) -> u64 {
        self.metric_index() + u64::try_from(index).unwrap_or_default() * METRIC_ENTRY_LEN
    }
}
