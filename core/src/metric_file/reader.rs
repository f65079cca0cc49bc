//! Reading metric files.

use super::frame::{self, FrameError, FrameTimes, MetricFrame, TimeFrame};
use super::header::{FileHeader, Version};
use super::info::{Frame, FrameInfo, Summary};
use super::payload;
use super::source::{Opened, Source};
use crate::compress::{CodecId, Codecs};
use crate::error::{Error, Result};
use crate::storage::StorageFile;
use crate::types::{MetricId, TimeRange, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

/// The name and value of a header field.
type Field = (&'static str, i64);

/// An open metric file of either version: header and indexes in memory, frames read on demand.
///
/// What is checked when:
///
/// | at | checks |
/// |---|---|
/// | [`Self::open`] | file header and footer with their checksums; indexes: in bounds, frames in order without gap or overlap from the header to the indexes, metric ids ascending, time frame ids 1, 2, 3…, used times inside their frame, earliest and latest time as in the header |
/// | [`Self::entries_of`] | the metric's index entries, and the entry on either side, against the frame headers |
/// | [`Self::read_times`], [`Self::read_values`] | frame header and its checksum, equality with the index entry, payload checksum, decoded length, order of times |
/// | [`Self::entry_times`] | first and last used time against the frame header |
///
/// **Index entries have no checksum, frame headers have one.** A damaged entry must not hide a
/// frame from a query, neither by its times nor by its metric id. Frames are stored in ascending
/// order of metric ids, and entry *i* is frame *i* because frames tile the file; so when the
/// headers of the two neighbours name a smaller and a larger id, every frame of the metric lies
/// between them, and each of those is compared itself. This costs a metric's first query two
/// extra reads of 48 bytes, and later ones nothing.
///
/// **What a hostile file can cost.** Indexes are not larger than the file. Compressed and decoded
/// payloads are allocated after the header's checksum holds, payloads only when they lie inside
/// the file. Decoded times are at most 64 MiB or 256 times their payload, whichever is more:
/// compressors reach higher ratios only where most timestamps repeat exactly. Decoded values have
/// no ratio of their own, because a constant column compresses to nothing, but are at most half
/// the size of the times they belong to. v1 frames, times and values together, have 3/2 of the
/// bound of times.
#[derive(Debug)]
pub struct MetricFile<F> {
    file: F,
    name: String,
    size: u64,
    codecs: Codecs,
    codec: CodecId,
    header: FileHeader,
    time_frames: Vec<(u64, TimeFrame)>,
    entries: Vec<FrameInfo>,
    /// Which entries were found equal to their frame's header; atomic so that readers can share
    /// the open file.
    verified: Vec<AtomicBool>,
}

impl<F> MetricFile<F> {
    /// Bytes that the index takes in memory, about.
    pub(crate) fn index_size(&self) -> usize {
        let entry = size_of::<FrameInfo>() + size_of::<AtomicBool>();
        self.entries.capacity() * entry
            + self.time_frames.capacity() * size_of::<(u64, TimeFrame)>()
    }
}

impl<F: StorageFile> MetricFile<F> {
    /// Opens `file` in three reads or fewer; `name` is for error messages.
    ///
    /// # Errors
    ///
    /// `Corrupt` when header, footer or indexes are damaged, `Unsupported` when the version or the
    /// first frame's codec is unknown, `Storage` when the host cannot read.
    pub fn open(file: F, name: impl Into<String>, codecs: &Codecs) -> Result<Self> {
        let name = name.into();
        let size = file.len()?;
        let Opened { header, codec, time_frames, entries } =
            Source { file: &file, name: &name, size }.open()?;
        let verified = entries.iter().map(|_| AtomicBool::new(false)).collect();
        let codecs = *codecs;
        Ok(Self { file, name, size, codecs, codec, header, time_frames, entries, verified })
    }

    /// The layout of the file.
    pub const fn version(&self) -> Version {
        self.header.layout.version()
    }

    /// 1 day, 2 month, 3 year, 4 forever.
    pub const fn partition_kind(&self) -> u8 {
        self.header.partition_kind
    }

    /// What the first frame is compressed with; writers use one codec for a whole file.
    pub const fn codec(&self) -> CodecId {
        self.codec
    }

    /// Length of the file in bytes.
    pub const fn bytes(&self) -> u64 {
        self.size
    }

    /// The file's name, as given to [`open`](Self::open).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From the first to the last time in the file.
    pub const fn range(&self) -> TimeRange {
        TimeRange { from: Timestamp(self.header.min_time), to: Timestamp(self.header.max_time) }
    }

    /// Number of samples of all metrics.
    pub fn point_count(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(entry.point_count)).sum()
    }

    /// All metric frames in file order, by ascending metric id, as the index describes them.
    ///
    /// For listings: no frame header has been compared, so whoever skips frames by what is said
    /// here should use [`entries_of`](Self::entries_of), or [`verify_index`](Self::verify_index)
    /// first.
    pub fn entries(&self) -> &[FrameInfo] {
        &self.entries
    }

    /// The frames of one metric in file order, compared with the frame headers.
    ///
    /// # Errors
    ///
    /// `Corrupt` when an entry and its frame differ, `Storage` when the host cannot read.
    pub fn entries_of(&self, metric: MetricId) -> Result<&[FrameInfo]> {
        let from = self.entries.partition_point(|entry| entry.metric < metric);
        let to = self.entries.partition_point(|entry| entry.metric <= metric);
        let end = to.saturating_add(1).min(self.entries.len());
        self.verify_entries(from.saturating_sub(1), end)?;
        Ok(self.entries.get(from..to).unwrap_or_default())
    }

    /// Compares every index entry with its frame's header.
    ///
    /// # Errors
    ///
    /// As [`entries_of`](Self::entries_of).
    pub fn verify_index(&self) -> Result<()> {
        self.verify_entries(0, self.entries.len())
    }

    /// The file in numbers.
    pub fn summary(&self) -> Summary {
        let metrics = self.entries.chunk_by(|a, b| a.metric == b.metric).count();
        Summary {
            version: self.version(),
            partition_kind: self.partition_kind(),
            codec: self.codec,
            bytes: self.size,
            time_frames: self.time_frames.len(),
            frames: self.entries.len(),
            metrics,
            points: self.point_count(),
            range: self.range(),
        }
    }

    /// The time vector that `entry` uses: all of a shared one in v2, the frame's own in v1.
    ///
    /// [`FrameInfo::times_key`] tells which entries get the same one, for a cache;
    /// [`entry_times`](Self::entry_times) selects the entry's part of it.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the frame is damaged or differs from the index, `Unsupported` when its codec
    /// is unknown, `Storage` when the host cannot read.
    pub fn read_times(&self, entry: &FrameInfo) -> Result<Vec<i64>> {
        match entry.times {
            FrameTimes::Own => Ok(self.read_page(entry)?.times),
            FrameTimes::Shared { frame, .. } => self.read_time_frame(frame),
        }
    }

    /// The values of `entry` as they are on disk.
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn read_values(&self, entry: &FrameInfo) -> Result<Vec<u32>> {
        match entry.times {
            FrameTimes::Own => Ok(self.read_page(entry)?.raws),
            FrameTimes::Shared { .. } => Ok(self.read_metric_frame(entry)?.1),
        }
    }

    /// The part of `times`, a vector of [`read_times`](Self::read_times), that `entry` uses.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the part is not inside, or does not start and end as the entry says.
    pub fn entry_times<'t>(&self, entry: &FrameInfo, times: &'t [i64]) -> Result<&'t [i64]> {
        let offset = match entry.times {
            FrameTimes::Own => 0,
            FrameTimes::Shared { offset, .. } => offset,
        };
        let part = part(times, offset, entry.point_count).ok_or_else(|| {
            let detail = format!(
                "frame of metric {}: found {} points from index {offset} on, expected inside {} times",
                entry.metric,
                entry.point_count,
                times.len()
            );
            self.corrupt(entry.offset, detail)
        })?;
        self.check_ends(entry.offset, part, (entry.range.from.0, entry.range.to.0))?;
        Ok(part)
    }

    /// Times and values of `entry`.
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn read_frame(&self, entry: &FrameInfo) -> Result<Frame> {
        if entry.times == FrameTimes::Own {
            return self.read_page(entry);
        }
        let times = self.read_times(entry)?;
        self.frame_with_times(entry, &times)
    }

    /// Reads and checks every frame, in file order.
    ///
    /// The whole file has been verified when the iterator ends without an error: time frames that
    /// nobody uses, too.
    pub fn frames(&self) -> Frames<'_, F> {
        Frames { file: self, next: 0, times: None, unused: self.unused_time_frames() }
    }

    fn frame_with_times(&self, entry: &FrameInfo, times: &[i64]) -> Result<Frame> {
        let (codec, raws) = self.read_metric_frame(entry)?;
        let times = self.entry_times(entry, times)?.to_vec();
        Ok(Frame { info: *entry, codec, times, raws })
    }

    fn unused_time_frames(&self) -> Vec<u16> {
        let mut used = vec![false; self.time_frames.len()];
        for entry in &self.entries {
            if let FrameTimes::Shared { frame, .. } = entry.times
                && let Some(slot) = used.get_mut(usize::from(frame).wrapping_sub(1))
            {
                *slot = true;
            }
        }
        let unused = self.time_frames.iter().zip(used).filter(|(_, used)| !used);
        unused.map(|((_, frame), _)| frame.id).collect()
    }

    fn verify_entries(&self, from: usize, to: usize) -> Result<()> {
        let entries = self.entries.get(from..to).unwrap_or_default();
        let verified = self.verified.get(from..to).unwrap_or_default();
        for (entry, verified) in entries.iter().zip(verified) {
            if !verified.load(Ordering::Relaxed) {
                let bytes = self.source().read(entry.offset, frame::HEADER_LEN)?;
                self.check_header(entry, &bytes)?;
                verified.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Compares the header in `bytes` with `entry`; returns the codec's number.
    fn check_header(&self, entry: &FrameInfo, bytes: &[u8]) -> Result<u16> {
        let decoded = match entry.times {
            FrameTimes::Own => MetricFrame::decode_v1_header(bytes),
            FrameTimes::Shared { .. } => MetricFrame::decode_v2_header(bytes),
        };
        let (codec, found) = decoded.map_err(|error| self.bad_frame(entry.offset, &error))?;
        let expected = entry.frame();
        if found != expected {
            return Err(self.differs(entry.offset, &found.fields(), &expected.fields()));
        }
        Ok(codec)
    }

    fn read_time_frame(&self, id: u16) -> Result<Vec<i64>> {
        let (offset, expected) = usize::from(id)
            .checked_sub(1)
            .and_then(|index| self.time_frames.get(index))
            .ok_or_else(|| self.corrupt(0, format!("time frame {id} is not in the index")))?;
        let bytes = self.frame_bytes(*offset, expected.payload_len)?;
        let decoded = TimeFrame::decode_header(&bytes);
        let (codec, found) = decoded.map_err(|error| self.bad_frame(*offset, &error))?;
        if found != *expected {
            return Err(self.differs(*offset, &found.fields(), &expected.fields()));
        }
        let (_, content) = self.content(*offset, &bytes, codec, expected.decoded_len)?;
        let times = payload::times(&content);
        self.check_order(*offset, &times)?;
        self.check_ends(*offset, &times, (expected.start, expected.end))?;
        Ok(times)
    }

    fn read_metric_frame(&self, entry: &FrameInfo) -> Result<(CodecId, Vec<u32>)> {
        let (codec, content) = self.entry_content(entry)?;
        Ok((codec, payload::values(&content)))
    }

    fn read_page(&self, entry: &FrameInfo) -> Result<Frame> {
        let (codec, content) = self.entry_content(entry)?;
        let split = content.len() / 12 * 8;
        let (times, raws) = content.split_at_checked(split).unwrap_or_default();
        let times = payload::times(times);
        self.check_order(entry.offset, &times)?;
        self.check_ends(entry.offset, &times, (entry.range.from.0, entry.range.to.0))?;
        Ok(Frame { info: *entry, codec, times, raws: payload::values(raws) })
    }

    fn entry_content(&self, entry: &FrameInfo) -> Result<(CodecId, Vec<u8>)> {
        let bytes = self.frame_bytes(entry.offset, entry.payload_len)?;
        let codec = self.check_header(entry, &bytes)?;
        if let Some(verified) = self.verified.get(entry.index) {
            verified.store(true, Ordering::Relaxed);
        }
        self.content(entry.offset, &bytes, codec, entry.decoded_len)
    }

    fn frame_bytes(&self, offset: u64, payload_len: u32) -> Result<Vec<u8>> {
        let len = u64::from(payload_len) + frame::OVERHEAD;
        self.source().read(offset, self.source().fitting(offset, len)?)
    }

    /// The decoded payload of the frame in `bytes`, whose header has been checked.
    fn content(
        &self,
        offset: u64,
        bytes: &[u8],
        codec: u16,
        decoded_len: u32,
    ) -> Result<(CodecId, Vec<u8>)> {
        let block = self.source().checked_payload(offset, bytes)?;
        let codec = self.source().codec(offset, codec)?;
        let decoder = self.codecs.get(codec);
        let decoded_len = self.source().usize(u64::from(decoded_len))?;
        let mut content = Vec::new();
        decoder
            .decode(block, decoded_len, &mut content)
            .map_err(|error| self.corrupt(offset, format!("{codec} payload: {error}")))?;
        if content.len() != decoded_len {
            let detail = format!("payload: found {} bytes, expected {decoded_len}", content.len());
            return Err(self.corrupt(offset, detail));
        }
        Ok((codec, content))
    }

    fn check_order(&self, offset: u64, times: &[i64]) -> Result<()> {
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

    fn check_ends(&self, offset: u64, times: &[i64], (start, end): (i64, i64)) -> Result<()> {
        let found = (times.first().copied(), times.last().copied());
        if found == (Some(start), Some(end)) {
            return Ok(());
        }
        let (first, last) = (found.0.unwrap_or_default(), found.1.unwrap_or_default());
        let detail =
            format!("times: found {first} to {last}, expected {start} to {end} as in the header");
        Err(self.corrupt(offset, detail))
    }

    fn source(&self) -> Source<'_, F> {
        Source { file: &self.file, name: &self.name, size: self.size }
    }

    fn corrupt(&self, offset: u64, detail: String) -> Error {
        Error::corrupt(self.name.as_str(), offset, detail)
    }

    fn bad_frame(&self, offset: u64, error: &FrameError) -> Error {
        self.corrupt(offset, format!("{error}"))
    }

    fn differs(&self, offset: u64, found: &[Field], expected: &[Field]) -> Error {
        let mut pairs = found.iter().zip(expected);
        let detail = match pairs.find(|(found, expected)| found != expected) {
            Some(((name, found), (_, expected))) => {
                format!("frame header: {name}: found {found}, expected {expected} as in the index")
            }
            None => String::from("frame header: found another than in the index"),
        };
        self.corrupt(offset, detail)
    }
}

fn part(times: &[i64], offset: u32, count: u32) -> Option<&[i64]> {
    let from = usize::try_from(offset).ok()?;
    times.get(from..from.checked_add(usize::try_from(count).ok()?)?)
}

/// The frames of a file, in order; see [`MetricFile::frames`].
#[derive(Debug)]
pub struct Frames<'a, F> {
    file: &'a MetricFile<F>,
    next: usize,
    /// The time vector used last, because neighbours often share it.
    times: Option<(u16, Vec<i64>)>,
    unused: Vec<u16>,
}

impl<F: StorageFile> Frames<'_, F> {
    fn read(&mut self, entry: &FrameInfo) -> Result<Frame> {
        let FrameTimes::Shared { frame, .. } = entry.times else {
            return self.file.read_page(entry);
        };
        let times = match self.times.take() {
            Some((id, times)) if id == frame => times,
            _ => self.file.read_time_frame(frame)?,
        };
        let read = self.file.frame_with_times(entry, &times);
        self.times = Some((frame, times));
        read
    }
}

impl<F: StorageFile> Iterator for Frames<'_, F> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        if let Some(entry) = self.file.entries.get(self.next) {
            self.next += 1;
            return Some(self.read(entry));
        }
        while let Some(id) = self.unused.pop() {
            if let Err(error) = self.file.read_time_frame(id) {
                return Some(Err(error));
            }
        }
        None
    }
}
