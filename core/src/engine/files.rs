//! The files of a partition, and where the frames in its data files are.

use super::search::{Search, is_inside};
use crate::compress::BlockCodec;
use crate::error::{Error, Result};
use crate::page::frame::{FrameError, FrameHeader, MAX_HEADER_LEN};
use crate::page::{MAX_RECORDS, Payload};
use crate::partition::Partition;
use crate::storage::{self, FileName, StorageFile};
use crate::types::{TimeRange, Timestamp};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Which of the three kinds of file a partition can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `data-<part>.dat`: raw pages, appended to.
    Data,
    /// `raw-<part>.dat`: raw pages, set aside after a metric file was built.
    Raw,
    /// `metric-<part>.dat`: one frame for each metric.
    Metric,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Data, Self::Raw, Self::Metric];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Data => "data-",
            Self::Raw => "raw-",
            Self::Metric => "metric-",
        }
    }

    /// The name of the partition's file of this kind.
    ///
    /// # Errors
    ///
    /// None in practice: every key makes a valid name.
    pub fn name(self, partition: Partition) -> storage::Result<FileName> {
        FileName::new(&format!("{}{partition}.dat", self.prefix()))
    }

    /// Kind and partition of a file, when its name is one of these.
    pub fn parse(name: &str) -> Option<(Self, Partition)> {
        let stem = name.strip_suffix(".dat")?;
        Self::ALL.into_iter().find_map(|kind| {
            let partition = stem.strip_prefix(kind.prefix())?.parse().ok()?;
            Some((kind, partition))
        })
    }
}

/// Whether a file shows that the directory it is in is the database of this name: a manifest, a
/// catalog, a log or raw data.
pub fn shows_database(database: &str, file: &str) -> bool {
    let is_data = file.strip_prefix("data-").is_some_and(|key| key.strip_suffix(".dat").is_some());
    let log = file.strip_suffix(".wal");
    let is_log =
        log == Some(database) || log.and_then(|log| log.strip_suffix(".late")) == Some(database);
    file == "manifest.toml" || file == "catalog.json" || is_log || is_data
}

/// One file as queries may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name.
    pub name: FileName,
    /// Bytes that count: the writer may already have appended more.
    pub len: u64,
    /// Differs between files that had the same name one after the other.
    pub generation: u64,
}

/// The files of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionFiles {
    /// Raw pages, appended to.
    pub data: Option<StoredFile>,
    /// Raw pages set aside.
    pub raw: Option<StoredFile>,
    /// The metric file.
    pub metric: Option<StoredFile>,
}

impl PartitionFiles {
    /// The file of one kind.
    pub fn get(&self, kind: FileKind) -> Option<&StoredFile> {
        match kind {
            FileKind::Data => self.data.as_ref(),
            FileKind::Raw => self.raw.as_ref(),
            FileKind::Metric => self.metric.as_ref(),
        }
    }

    /// The file of one kind, to change it.
    pub fn get_mut(&mut self, kind: FileKind) -> &mut Option<StoredFile> {
        match kind {
            FileKind::Data => &mut self.data,
            FileKind::Raw => &mut self.raw,
            FileKind::Metric => &mut self.metric,
        }
    }

    /// Whether no file is left.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        FileKind::ALL.iter().filter(|kind| self.get(**kind).is_some()).count()
    }
}

/// Where one frame is and what its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameEntry {
    /// Where it starts.
    pub offset: u64,
    /// Its header.
    pub header: FrameHeader,
}

impl FrameEntry {
    /// Where the frame ends.
    pub fn end_offset(&self) -> u64 {
        self.offset.saturating_add(u64::try_from(self.header.frame_len()).unwrap_or(u64::MAX))
    }
}

/// Bytes in a data file that are no frame, though frames follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where they start.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
    /// What is wrong first.
    pub error: FrameError,
    /// Frames before them.
    pub after_frame: usize,
}

/// The frames of a data file, in file order.
#[derive(Debug, Clone, Default)]
pub struct FrameIndex {
    /// The frames.
    pub frames: Vec<FrameEntry>,
    /// Damage between frames.
    pub damage: Vec<Damage>,
    /// Where the last frame ends.
    pub good_end: u64,
    /// What follows the last frame, if anything: a torn append.
    pub tail: Option<FrameError>,
    /// How far the file was looked at.
    pub walked: u64,
}

impl FrameIndex {
    /// Records in all frames.
    pub fn record_count(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.header.record_count)).sum()
    }

    /// First and last time of all frames.
    pub fn bounds(&self) -> Option<TimeRange> {
        let from = self.frames.iter().map(|frame| frame.header.start).min()?;
        let to = self.frames.iter().map(|frame| frame.header.end).max()?;
        Some(TimeRange { from: Timestamp(from), to: Timestamp(to) })
    }

    /// The instants frame `index` may hold.
    ///
    /// Nothing protects a frame's header, so a flipped bit in its end could hide samples from a
    /// query that skips by headers. Frames normally follow each other in time; taking in the
    /// gaps to the neighbours makes such a frame be read, and reading finds the damage.
    pub fn reach(&self, index: usize) -> TimeRange {
        let Some(frame) = self.frames.get(index) else { return TimeRange::ALL };
        let before = index.checked_sub(1).and_then(|before| self.frames.get(before));
        let after = self.frames.get(index + 1);
        let from = before.map_or(i64::MIN, |before| before.header.end.min(frame.header.start));
        let to = after.map_or(i64::MAX, |after| after.header.start.max(frame.header.end));
        TimeRange { from: Timestamp(from), to: Timestamp(to) }
    }

    /// The error of the first damage that may have held samples of `range`.
    pub fn damage_in(&self, file: &FileName, range: TimeRange) -> Option<Error> {
        self.damages_in(file, range).next()
    }

    /// The errors of all damage between frames that may have held samples of `range`.
    pub(crate) fn damages_in(
        &self,
        file: &FileName,
        range: TimeRange,
    ) -> impl Iterator<Item = Error> {
        self.damage.iter().filter_map(move |damage| {
            let before = damage.after_frame.checked_sub(1).and_then(|i| self.frames.get(i));
            let after = self.frames.get(damage.after_frame);
            let from = before.map_or(i64::MIN, |frame| frame.header.start);
            let to = after.map_or(i64::MAX, |frame| frame.header.end);
            let reach = TimeRange { from: Timestamp(from), to: Timestamp(to.max(from)) };
            let error = Error::corrupt(file.as_str(), damage.offset, damage.error.to_string());
            range.overlaps(reach).then_some(error)
        })
    }

    /// The error of a torn tail, when it may hold samples of `range`: it is younger than the
    /// last frame.
    pub fn tail_in(&self, file: &FileName, range: TimeRange) -> Option<Error> {
        let error = self.tail?;
        let from = self.frames.last().map_or(i64::MIN, |frame| frame.header.start);
        let damaged = Error::corrupt(file.as_str(), self.good_end, error.to_string());
        (range.to.0 >= from).then_some(damaged)
    }

    /// Looks at the file from where the last look ended, up to `len`.
    ///
    /// Only headers are read. Where no frame starts, the next intact one is searched for; if
    /// there is none, the rest is a torn tail.
    ///
    /// # Errors
    ///
    /// What the file reports.
    pub fn walk<F: StorageFile>(
        &mut self,
        file: &F,
        len: u64,
        partition: Partition,
        codec: &dyn BlockCodec,
    ) -> storage::Result<()> {
        let mut at = self.good_end;
        let mut search = None;
        self.tail = None;
        while at < len {
            let header = match read_header(file, at, len)? {
                Ok(header) => judge(file, FrameEntry { offset: at, header }, partition)?,
                error => error,
            };
            match header {
                Ok(header) => at = self.push(FrameEntry { offset: at, header }),
                Err(error) => match search
                    .get_or_insert_with(|| Search::new(file, len, codec))
                    .next(at + 1, partition)?
                {
                    Some(FrameEntry { offset: next, .. }) => {
                        let after_frame = self.frames.len();
                        self.damage.push(Damage { offset: at, len: next - at, error, after_frame });
                        at = next;
                    }
                    None => {
                        self.tail = Some(error);
                        break;
                    }
                },
            }
        }
        self.walked = len;
        Ok(())
    }

    /// Forgets what is behind the first `len` bytes, which were whole frames once.
    pub(crate) fn cut_to(&mut self, len: u64) {
        let count = self.frames.partition_point(|frame| frame.end_offset() <= len);
        self.frames.truncate(count);
        self.good_end = self.frames.last().map_or(0, FrameEntry::end_offset);
        self.damage.retain(|damage| damage.offset < self.good_end);
        self.tail = None;
        self.walked = len;
    }

    fn push(&mut self, frame: FrameEntry) -> u64 {
        self.good_end = frame.end_offset();
        self.frames.push(frame);
        self.good_end
    }
}

/// The header at `offset` of a file of `len` bytes, provided the whole frame fits.
fn read_header<F: StorageFile>(
    file: &F,
    offset: u64,
    len: u64,
) -> storage::Result<core::result::Result<FrameHeader, FrameError>> {
    let mut buffer = [0; MAX_HEADER_LEN];
    let left = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
    let want = left.min(MAX_HEADER_LEN);
    let read = file.read_at(offset, buffer.get_mut(..want).unwrap_or_default())?;
    let header = FrameHeader::decode(buffer.get(..read).unwrap_or_default());
    Ok(header.and_then(|h| if h.frame_len() <= left { Ok(h) } else { Err(FrameError::Truncated) }))
}

/// Garbage at the end of a file can look like a header by chance. One whose times are not in the
/// partition is believed only when the payload behind it is what was written.
fn judge<F: StorageFile>(
    file: &F,
    frame: FrameEntry,
    partition: Partition,
) -> storage::Result<core::result::Result<FrameHeader, FrameError>> {
    if is_inside(&frame.header, partition) {
        return Ok(Ok(frame.header));
    }
    let mut bytes = Vec::new();
    read_frame(file, &frame, &mut bytes)?;
    Ok(frame.header.checked_payload(&bytes).map(|_| frame.header))
}

/// Reads the bytes of one frame into `buffer`; fewer when the file ends before it.
///
/// # Errors
///
/// What the file reports.
pub fn read_frame<F: StorageFile>(
    file: &F,
    frame: &FrameEntry,
    buffer: &mut Vec<u8>,
) -> storage::Result<()> {
    // Bounded: `FrameHeader::decode` limits the length by the record count.
    debug_assert!(frame.header.frame_len() <= 2 * 14 * MAX_RECORDS);
    buffer.resize(frame.header.frame_len(), 0);
    let read = file.read_at(frame.offset, buffer)?;
    buffer.truncate(read);
    Ok(())
}

/// Reads and decodes one frame.
///
/// # Errors
///
/// What the file reports, or the damage found.
pub fn read_page<F: StorageFile>(
    file: &F,
    name: &FileName,
    frame: &FrameEntry,
    codec: &dyn BlockCodec,
    buffer: &mut Vec<u8>,
    into: &mut Payload,
) -> Result<()> {
    read_frame(file, frame, buffer)?;
    frame
        .header
        .decode_page(buffer, codec, into)
        .map_err(|error| Error::corrupt(name.as_str(), frame.offset, error.to_string()))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
