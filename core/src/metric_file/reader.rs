//! Reading metric files of every version.

use super::compressed::{self, Compressed};
use super::frame::FrameTimes;
use super::header::{FileHeader, Layout, Version};
use super::info::{Frame, FrameInfo, Summary};
use super::scan::invalid;
use super::source::Source;
use super::v3::{self, Encoding, Index, Statistics};
use crate::column::BLOCK_LEN;
use crate::compress::{CodecId, Codecs};
use crate::error::{Error, Result};
use crate::sorted::order;
use crate::storage::StorageFile;
use crate::types::{MetricId, TimeRange, Timestamp};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

/// An open metric file of any version: header and indexes in memory, frames read on demand.
///
/// What is checked when, in v1 and v2:
///
/// | at | checks |
/// |---|---|
/// | [`Self::open`] | file header and footer with their checksums; indexes: in bounds, frames in order without gap or overlap from the header to the indexes, metric ids ascending, time frame ids 1, 2, 3…, used times inside their frame, earliest and latest time as in the header |
/// | [`Self::entries_of`] | the metric's index entries, and the entry on either side, against the frame headers |
/// | [`Self::read_times`], [`Self::read_values`] | frame header and its checksum, equality with the index entry, payload checksum, decoded length, order of times |
/// | [`Self::entry_times`] | first and last used time against the frame header |
///
/// **Their index entries have no checksum, frame headers have one.** A damaged entry must not hide a
/// frame from a query, neither by its times nor by its metric id. Frames are stored in ascending
/// order of metric ids, and entry *i* is frame *i* because frames tile the file; so when the
/// headers of the two neighbours name a smaller and a larger id, every frame of the metric lies
/// between them, and each of those is compared itself. This costs a metric's first query two
/// extra reads of 48 bytes, and later ones nothing.
///
/// In v3 a checksum covers the index, so opening the file has checked every entry, and
/// [`Self::entries_of`] reads nothing; `docs/FORMAT.md` has the rest.
///
/// **What a hostile file can cost.** Indexes are not larger than the file. Compressed and decoded
/// payloads are allocated after the header's checksum holds, payloads only when they lie inside
/// the file. Decoded times are at most 64 MiB or 256 times their payload, whichever is more:
/// compressors reach higher ratios only where most timestamps repeat exactly. Decoded values have
/// no ratio of their own, because a constant column compresses to nothing, but are at most half
/// the size of the times they belong to. v1 frames, times and values together, have 3/2 of the
/// bound of times. v3 frames have at most 65,536 points.
#[derive(Debug)]
pub struct MetricFile<F> {
    file: F,
    name: String,
    size: u64,
    header: FileHeader,
    entries: Vec<FrameInfo>,
    contents: Contents,
    payload_read: AtomicU64,
}

/// What is known beside the entries, by kind of version.
#[derive(Debug)]
enum Contents {
    /// v1 and v2.
    Compressed(Compressed),
    /// v3.
    Columns(Index),
}

/// The open file as its version reads it.
enum Reader<'a, F> {
    Compressed(compressed::Reader<'a, F>),
    Columns(v3::Reader<'a, F>),
}

impl<F> MetricFile<F> {
    /// Bytes that the index takes in memory, about.
    pub(crate) fn index_size(&self) -> usize {
        let contents = match &self.contents {
            Contents::Compressed(contents) => contents.size(),
            Contents::Columns(index) => index.size(),
        };
        self.entries.capacity() * size_of::<FrameInfo>() + contents
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
        let payload_read = AtomicU64::new(0);
        let source = Source { file: &file, name: &name, size, payload_read: &payload_read };
        let (header, front) = source.front()?;
        let (contents, entries) = match header.layout {
            Layout::V1 { .. } | Layout::V2 { .. } => {
                let (contents, entries) = Compressed::open(&source, &header, &front, codecs)?;
                (Contents::Compressed(contents), entries)
            }
            Layout::V3(places) => {
                let (index, entries) = source.open_v3(&header, places)?;
                (Contents::Columns(index), entries)
            }
        };
        Ok(Self { file, name, size, header, entries, contents, payload_read })
    }

    /// The layout of the file.
    pub const fn version(&self) -> Version {
        self.header.layout.version()
    }

    /// 1 day, 2 month, 3 year, 4 forever.
    pub const fn partition_kind(&self) -> u8 {
        self.header.partition_kind
    }

    /// What the first frame is compressed with; writers use one codec for a whole file. v3 has
    /// none: [`encoding`](Self::encoding) tells what became of a column.
    pub const fn codec(&self) -> Option<CodecId> {
        match &self.contents {
            Contents::Compressed(contents) => Some(contents.codec),
            Contents::Columns(_) => None,
        }
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

    /// Bytes of payload read so far, compressed: of times and values, not of headers, indexes and
    /// statistics.
    pub fn payload_bytes_read(&self) -> u64 {
        self.payload_read.load(Ordering::Relaxed)
    }

    /// All metric frames by ascending metric id, those of one metric in file order, as the index
    /// describes them.
    ///
    /// For listings: in v1 and v2 no frame header has been compared, so whoever skips frames by
    /// what is said here should use [`entries_of`](Self::entries_of), or
    /// [`verify_index`](Self::verify_index) first.
    pub fn entries(&self) -> &[FrameInfo] {
        &self.entries
    }

    /// The frames of one metric in file order, of v1 and v2 compared with the frame headers.
    ///
    /// Their samples, one frame behind the other, stably sorted by time, are the metric's. Unless
    /// a v3 file was made of samples that were not in order, no frame reaches into the next.
    ///
    /// # Errors
    ///
    /// `Corrupt` when an entry and its frame differ, `Storage` when the host cannot read.
    pub fn entries_of(&self, metric: MetricId) -> Result<&[FrameInfo]> {
        let from = self.entries.partition_point(|entry| entry.metric < metric);
        let to = self.entries.partition_point(|entry| entry.metric <= metric);
        if let Reader::Compressed(reader) = self.reader() {
            let end = to.saturating_add(1).min(self.entries.len());
            reader.verify_entries(from.saturating_sub(1), end)?;
        }
        Ok(self.entries.get(from..to).unwrap_or_default())
    }

    /// Compares every index entry with its frame's header.
    ///
    /// # Errors
    ///
    /// As [`entries_of`](Self::entries_of).
    pub fn verify_index(&self) -> Result<()> {
        match self.reader() {
            Reader::Compressed(reader) => reader.verify_entries(0, self.entries.len()),
            Reader::Columns(reader) => {
                self.entries.iter().try_for_each(|entry| reader.verify(entry))
            }
        }
    }

    /// The file in numbers.
    pub fn summary(&self) -> Summary {
        let metrics = self.entries.chunk_by(|a, b| a.metric == b.metric).count();
        Summary {
            version: self.version(),
            partition_kind: self.partition_kind(),
            codec: self.codec(),
            bytes: self.size,
            time_frames: self.time_frame_count(),
            frames: self.entries.len(),
            metrics,
            points: self.point_count(),
            range: self.range(),
        }
    }

    /// The time vector that `entry` uses: all of a shared one, in v1 the frame's own.
    ///
    /// [`FrameInfo::times_key`] tells which entries get the same one, for a cache;
    /// [`entry_times`](Self::entry_times) selects the entry's part of it.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the frame is damaged or differs from the index, `Unsupported` when its codec
    /// or encoding is unknown, `Storage` when the host cannot read.
    pub fn read_times(&self, entry: &FrameInfo) -> Result<Vec<i64>> {
        match (self.reader(), entry.times) {
            (Reader::Compressed(reader), FrameTimes::Own) => Ok(reader.read_page(entry)?.times),
            (_, FrameTimes::Shared { frame, .. }) => self.read_time_frame(frame),
            (Reader::Columns(_), FrameTimes::Own) => Err(self.foreign(entry)),
        }
    }

    /// The values of `entry` as they are on disk.
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn read_values(&self, entry: &FrameInfo) -> Result<Vec<u32>> {
        match (self.reader(), entry.times) {
            (Reader::Compressed(reader), FrameTimes::Own) => Ok(reader.read_page(entry)?.raws),
            (Reader::Compressed(reader), FrameTimes::Shared { .. }) => {
                Ok(reader.read_metric_frame(entry)?.1)
            }
            (Reader::Columns(reader), _) => reader.read_values(entry),
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
            self.source().corrupt(entry.offset, detail)
        })?;
        self.source().check_ends(entry.offset, part, (entry.range.from.0, entry.range.to.0))?;
        Ok(part)
    }

    /// Times and values of `entry`.
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn read_frame(&self, entry: &FrameInfo) -> Result<Frame> {
        if let (Reader::Compressed(reader), FrameTimes::Own) = (self.reader(), entry.times) {
            return reader.read_page(entry);
        }
        let times = self.read_times(entry)?;
        self.frame_with_times(entry, &times)
    }

    /// Times and values of some of the entry's points, by their positions in it.
    ///
    /// v3 reads only the blocks of 1,024 points that these are in; v1 and v2 read all.
    ///
    /// # Errors
    ///
    /// `Rejected` when the entry has fewer points, else as [`read_times`](Self::read_times).
    pub fn read_points(
        &self,
        entry: &FrameInfo,
        points: Range<usize>,
    ) -> Result<(Vec<i64>, Vec<u32>)> {
        let len = usize::try_from(entry.point_count).unwrap_or(usize::MAX);
        if points.start > points.end || points.end > len {
            return Err(invalid(format!("found points {points:?}, expected some of {len}")));
        }
        let Reader::Columns(reader) = self.reader() else {
            let Frame { times, raws, .. } = self.read_frame(entry)?;
            let times = times.get(points.clone()).unwrap_or_default().to_vec();
            return Ok((times, raws.get(points).unwrap_or_default().to_vec()));
        };
        reader.read_points(entry, points)
    }

    /// Times and values of the entry as far as they can be read; `note` hears of what cannot.
    ///
    /// Of v3 only the blocks of 1,024 points are missing that are damaged themselves; of v1 and v2
    /// all or nothing is there.
    pub(crate) fn readable_points(
        &self,
        entry: &FrameInfo,
        note: &mut dyn FnMut(Error) -> Result<()>,
    ) -> Result<(Vec<i64>, Vec<u32>)> {
        match self.read_frame(entry) {
            Ok(frame) => return Ok((frame.times, frame.raws)),
            Err(error) => note(error)?,
        }
        let (mut times, mut raws) = (Vec::new(), Vec::new());
        if let Reader::Columns(reader) = self.reader() {
            let len = usize::try_from(entry.point_count).unwrap_or(usize::MAX);
            for start in (0..len).step_by(BLOCK_LEN) {
                let block = start..start.saturating_add(BLOCK_LEN).min(len);
                match reader.read_points(entry, block) {
                    Ok((block_times, block_raws)) => {
                        times.extend_from_slice(&block_times);
                        raws.extend_from_slice(&block_raws);
                    }
                    Err(error) => note(error)?,
                }
            }
        }
        Ok((times, raws))
    }

    /// What is known of stretches of the entry without reading its points; nothing in v1 and v2,
    /// and for frames so short that reading them costs no more.
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn statistics(&self, entry: &FrameInfo) -> Result<Option<Statistics>> {
        match self.reader() {
            Reader::Compressed(_) => Ok(None),
            Reader::Columns(reader) => reader.statistics(entry),
        }
    }

    /// How the values of `entry` are encoded; nothing in v1 and v2.
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn encoding(&self, entry: &FrameInfo) -> Result<Option<Encoding>> {
        match self.reader() {
            Reader::Compressed(_) => Ok(None),
            Reader::Columns(reader) => reader.describe_values(entry).map(Some),
        }
    }

    /// How the shared time vectors are encoded, those with the key 1, 2, 3…; none in v1 and v2. See
    /// [`FrameInfo::times_key`].
    ///
    /// # Errors
    ///
    /// As [`read_times`](Self::read_times).
    pub fn times_encodings(&self) -> Result<Vec<Encoding>> {
        match self.reader() {
            Reader::Compressed(_) => Ok(Vec::new()),
            Reader::Columns(reader) => {
                let ids = (1_u32..).take(self.time_frame_count());
                ids.map(|id| reader.describe_times(id)).collect()
            }
        }
    }

    /// Reads and checks every frame, in the order of [`entries`](Self::entries).
    ///
    /// The whole file has been verified when the iterator ends without an error: time frames that
    /// nobody uses, and statistics, too.
    pub fn frames(&self) -> Frames<'_, F> {
        let order = (0..self.entries.len()).collect();
        Frames { file: self, order, next: 0, times: None, unused: self.unused_time_frames() }
    }

    /// As [`frames`](Self::frames), in the order in which the frames are stored: those that share
    /// times stand together.
    pub fn stored_frames(&self) -> Frames<'_, F> {
        let offset = |index: usize| self.entries.get(index).map(|entry| entry.offset);
        let order = order(self.entries.len(), &mut |a, b| offset(a) < offset(b));
        Frames { order, ..self.frames() }
    }

    fn frame_with_times(&self, entry: &FrameInfo, times: &[i64]) -> Result<Frame> {
        let (codec, raws) = match self.reader() {
            Reader::Compressed(reader) => {
                let (codec, raws) = reader.read_metric_frame(entry)?;
                (Some(codec), raws)
            }
            Reader::Columns(reader) => (None, reader.read_values(entry)?),
        };
        let times = self.entry_times(entry, times)?.to_vec();
        Ok(Frame { info: *entry, codec, times, raws })
    }

    fn time_frame_count(&self) -> usize {
        match &self.contents {
            Contents::Compressed(contents) => contents.time_frames.len(),
            Contents::Columns(index) => index.time_frames.len(),
        }
    }

    fn read_time_frame(&self, id: u32) -> Result<Vec<i64>> {
        match self.reader() {
            Reader::Compressed(reader) => reader.read_time_frame(id),
            Reader::Columns(reader) => reader.read_times(id),
        }
    }

    fn unused_time_frames(&self) -> Vec<u32> {
        let mut used = vec![false; self.time_frame_count()];
        for entry in &self.entries {
            if let FrameTimes::Shared { frame, .. } = entry.times
                && let Some(position) = usize::try_from(frame).ok().and_then(|id| id.checked_sub(1))
                && let Some(slot) = used.get_mut(position)
            {
                *slot = true;
            }
        }
        (1_u32..).zip(used).filter(|(_, used)| !used).map(|(id, _)| id).collect()
    }

    fn reader(&self) -> Reader<'_, F> {
        let (source, entries) = (self.source(), &*self.entries);
        match &self.contents {
            Contents::Compressed(file) => {
                Reader::Compressed(compressed::Reader { source, file, entries })
            }
            Contents::Columns(index) => Reader::Columns(v3::Reader { source, index }),
        }
    }

    fn source(&self) -> Source<'_, F> {
        let Self { file, name, size, payload_read, .. } = self;
        Source { file, name, size: *size, payload_read }
    }

    fn foreign(&self, entry: &FrameInfo) -> Error {
        self.source().corrupt(entry.offset, "the frame is of another file")
    }
}

fn part(times: &[i64], offset: u32, count: u32) -> Option<&[i64]> {
    let from = usize::try_from(offset).ok()?;
    times.get(from..from.checked_add(usize::try_from(count).ok()?)?)
}

/// The frames of a file, one after the other; see [`MetricFile::frames`].
#[derive(Debug)]
pub struct Frames<'a, F> {
    file: &'a MetricFile<F>,
    /// Positions of entries.
    order: Vec<usize>,
    next: usize,
    /// The time vector used last, because neighbours often share it.
    times: Option<(u32, Vec<i64>)>,
    unused: Vec<u32>,
}

impl<F: StorageFile> Frames<'_, F> {
    fn read(&mut self, entry: &FrameInfo) -> Result<Frame> {
        let FrameTimes::Shared { frame, .. } = entry.times else {
            return self.file.read_frame(entry);
        };
        let times = match self.times.take() {
            Some((id, times)) if id == frame => times,
            _ => self.file.read_time_frame(frame)?,
        };
        let read = self.file.frame_with_times(entry, &times);
        self.times = Some((frame, times));
        let read = read?;
        if let Reader::Columns(reader) = self.file.reader() {
            reader.check_statistics(entry, &read.raws)?;
        }
        Ok(read)
    }
}

impl<F: StorageFile> Frames<'_, F> {
    /// The next frame, with its entry in the index. An error without an entry is of something that
    /// no frame uses. After an error the frames behind it can be asked for.
    pub(crate) fn next_entry(&mut self) -> Option<(Option<FrameInfo>, Result<Frame>)> {
        let position = self.order.get(self.next);
        if let Some(entry) = position.and_then(|&position| self.file.entries.get(position)) {
            self.next += 1;
            return Some((Some(*entry), self.read(entry)));
        }
        while let Some(id) = self.unused.pop() {
            if let Err(error) = self.file.read_time_frame(id) {
                return Some((None, Err(error)));
            }
        }
        None
    }
}

impl<F: StorageFile> Iterator for Frames<'_, F> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        self.next_entry().map(|(_, frame)| frame)
    }
}
