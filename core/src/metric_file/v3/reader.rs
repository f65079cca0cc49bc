//! Reading v3 files.

use super::error::PartError;
use super::front::{Decode, Front, Whose};
use super::index::{Extent, Index, TimeFrame};
use super::statistics::{self, Numbers, Span, Statistics};
use crate::codec::checksum::crc32;
use crate::column::{BLOCK_LEN, Description, block_count, times, values};
use crate::error::{Error, Result};
use crate::metric_file::footer;
use crate::metric_file::frame::FrameTimes;
use crate::metric_file::header::{FileHeader, Places};
use crate::metric_file::info::FrameInfo;
use crate::metric_file::source::Source;
use crate::storage::StorageFile;
use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

const HEADER_END: u64 = 64;
const FOOTER_LEN: u64 = 16;

/// How a frame is encoded, and how many bytes its parts take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoding {
    /// Number of points.
    pub points: u32,
    /// What was made of the column.
    pub column: Description,
    /// Bytes of what says how the blocks are encoded.
    pub head_len: u32,
    /// Bytes before the blocks, with the head.
    pub front_len: u32,
    /// Bytes of the blocks.
    pub body_len: u32,
    /// Bytes of the statistics; 0 for times, and where there are none.
    pub statistics_len: u32,
}

/// A v3 file whose index has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a, F> {
    pub(crate) source: Source<'a, F>,
    pub(crate) index: &'a Index,
}

/// Where a frame is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    front_len: u32,
    body_len: u32,
}

impl<F: StorageFile> Source<'_, F> {
    /// Reads and checks footer and index.
    pub(crate) fn open_v3(
        &self,
        header: &FileHeader,
        places: Places,
    ) -> Result<(Index, Vec<FrameInfo>)> {
        let Some(end) = self.size.checked_sub(FOOTER_LEN) else {
            return Err(self.corrupt(0, "file cut short"));
        };
        let Places { statistics, index, .. } = places;
        if statistics < HEADER_END || index < statistics || end < index {
            let detail = format!(
                "found statistics at {statistics} and index at {index}, \
                 expected in order between {HEADER_END} and {end}"
            );
            return Err(self.corrupt(40, detail));
        }
        let tail = self.read(index, self.fitting(index, self.size - index)?)?;
        let (bytes, foot) =
            tail.split_at_checked(tail.len().saturating_sub(footer::LEN)).unwrap_or_default();
        let stored =
            footer::decode_v3(foot).map_err(|error| self.corrupt(end, format!("{error}")))?;
        let computed = crc32(bytes);
        if stored != computed {
            let error = PartError::BadChecksum { what: "index", stored, computed };
            return Err(self.refuse(index, error));
        }
        Index::decode(bytes, header, places).map_err(|(at, error)| {
            let at = index.saturating_add(u64::try_from(at).unwrap_or_default());
            self.refuse(at, error)
        })
    }

    fn refuse(&self, offset: u64, error: PartError) -> Error {
        if error.is_of_a_later_version() {
            let detail = format!("byte {offset}: {error}");
            return Error::Unsupported { file: self.name.into(), detail };
        }
        self.corrupt(offset, format!("{error}"))
    }
}

impl<F: StorageFile> Reader<'_, F> {
    /// All times of a time frame.
    pub(crate) fn read_times(&self, id: u32) -> Result<Vec<i64>> {
        let frame = self.time_frame(id)?;
        let place = frame.place();
        let bytes = self.whole(place)?;
        let (front, body) = self.checked(place, times_of(id), frame.points, &bytes)?;
        let mut times = Vec::with_capacity(front.len());
        let decoder = self.times_decoder(place, &front)?;
        self.decode(place, &front, &decoder, 0..block_count(front.len()), body, &mut times)?;
        self.source.check_order(place.offset, &times)?;
        self.source.check_ends(place.offset, &times, (frame.start, frame.end))?;
        Ok(times)
    }

    /// All values of a metric frame.
    pub(crate) fn read_values(&self, entry: &FrameInfo) -> Result<Vec<u32>> {
        let place = self.place(entry)?;
        let bytes = self.whole(place)?;
        let (front, body) = self.checked(place, values_of(entry), entry.point_count, &bytes)?;
        let mut raws = Vec::with_capacity(front.len());
        let decoder = self.values_decoder(entry, place, &front)?;
        self.decode(place, &front, &decoder, 0..block_count(front.len()), body, &mut raws)?;
        Ok(raws)
    }

    /// Times and values of these points, which are in the frame; reads the blocks they are in.
    pub(crate) fn read_points(
        &self,
        entry: &FrameInfo,
        points: Range<usize>,
    ) -> Result<(Vec<i64>, Vec<u32>)> {
        if points.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (id, offset) = shared(entry);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let frame = self.time_frame(id)?;
        let place = frame.place();
        let bytes = self.front(place)?;
        let (front, _) = self.checked(place, times_of(id), frame.points, &bytes)?;
        let decoder = self.times_decoder(place, &front)?;
        let in_frame = points.start + offset..points.end + offset;
        let times = self.points(place, &front, &decoder, in_frame)?;
        self.source.check_order(place.offset, &times)?;

        let place = self.place(entry)?;
        let bytes = self.front(place)?;
        let (front, _) = self.checked(place, values_of(entry), entry.point_count, &bytes)?;
        let decoder = self.values_decoder(entry, place, &front)?;
        Ok((times, self.points(place, &front, &decoder, points)?))
    }

    /// The statistics of a metric frame, if it has any.
    pub(crate) fn statistics(&self, entry: &FrameInfo) -> Result<Option<Statistics>> {
        let extent = self.extent(entry)?;
        let Some(numbers) = self.numbers(entry, extent)? else { return Ok(None) };
        let (id, offset) = shared(entry);
        let spans = &self.time_frame(id)?.spans;
        let parts = spans.of_part(offset, entry.point_count).zip(numbers);
        let spans_of = |((slot, points), numbers): ((i64, Range<usize>), Numbers)| -> Span {
            numbers.span(entry.value_type, slot, points)
        };
        Ok(Some(Statistics { span_ns: spans.len_ns(), spans: parts.map(spans_of).collect() }))
    }

    /// Compares the frame's statistics, if it has any, with its values.
    pub(crate) fn check_statistics(&self, entry: &FrameInfo, raws: &[u32]) -> Result<()> {
        let extent = self.extent(entry)?;
        let Some(found) = self.numbers(entry, extent)? else { return Ok(()) };
        let (id, offset) = shared(entry);
        let spans = self.time_frame(id)?.spans.of_part(offset, entry.point_count);
        let part = |points: Range<usize>| raws.get(points).unwrap_or_default();
        let differs = spans.zip(found).find(|((_, points), found)| {
            *found != Numbers::of(entry.value_type, part(points.clone()))
        });
        let Some(((slot, points), _)) = differs else { return Ok(()) };
        let detail = format!(
            "statistics of metric {}: found other than those of its points {points:?}, slot {slot}",
            entry.metric
        );
        Err(self.source.corrupt(extent.statistics, detail))
    }

    /// Compares a frame's front with its index entry.
    pub(crate) fn verify(&self, entry: &FrameInfo) -> Result<()> {
        let place = self.place(entry)?;
        let bytes = self.front(place)?;
        self.checked(place, values_of(entry), entry.point_count, &bytes).map(|_| ())
    }

    /// How the values of a metric frame are encoded.
    pub(crate) fn describe_values(&self, entry: &FrameInfo) -> Result<Encoding> {
        let place = self.place(entry)?;
        let bytes = self.front(place)?;
        let (front, _) = self.checked(place, values_of(entry), entry.point_count, &bytes)?;
        let column = self.values_decoder(entry, place, &front)?.describe();
        let statistics_len = self.extent(entry)?.statistics_len;
        Ok(encoding(place, &front, column, statistics_len))
    }

    /// How the times of a time frame are encoded.
    pub(crate) fn describe_times(&self, id: u32) -> Result<Encoding> {
        let frame = self.time_frame(id)?;
        let place = frame.place();
        let bytes = self.front(place)?;
        let (front, _) = self.checked(place, times_of(id), frame.points, &bytes)?;
        let column = self.times_decoder(place, &front)?.describe();
        Ok(encoding(place, &front, column, 0))
    }

    fn time_frame(&self, id: u32) -> Result<&TimeFrame> {
        let position = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let frame = position.and_then(|position| self.index.time_frames.get(position));
        frame.ok_or_else(|| self.source.corrupt(0, format!("time frame {id} is not in the index")))
    }

    fn extent(&self, entry: &FrameInfo) -> Result<&Extent> {
        let extent = self.index.extents.get(entry.index);
        extent.ok_or_else(|| self.source.corrupt(entry.offset, "the frame is not in the index"))
    }

    fn place(&self, entry: &FrameInfo) -> Result<Place> {
        let front_len = self.extent(entry)?.front_len;
        Ok(Place { offset: entry.offset, front_len, body_len: entry.payload_len })
    }

    fn numbers(&self, entry: &FrameInfo, extent: &Extent) -> Result<Option<Vec<Numbers>>> {
        if extent.statistics_len == 0 {
            return Ok(None);
        }
        let at = extent.statistics;
        let len = self.source.fitting(at, extent.statistics_len.into())?;
        let bytes = self.source.read(at, len)?;
        let (id, offset) = shared(entry);
        let spans = self.time_frame(id)?.spans.of_part(offset, entry.point_count);
        let counts: Vec<usize> = spans.map(|(_, points)| points.len()).collect();
        let decoded = statistics::decode(entry.value_type, &counts, &bytes);
        decoded.map(Some).map_err(|error| self.source.refuse(at, error))
    }

    fn front(&self, place: Place) -> Result<Vec<u8>> {
        let len = self.source.fitting(place.offset, place.front_len.into())?;
        self.source.read(place.offset, len)
    }

    /// Front and body.
    fn whole(&self, place: Place) -> Result<Vec<u8>> {
        let len = u64::from(place.front_len) + u64::from(place.body_len);
        self.source.count_payload(place.body_len.into());
        self.source.read(place.offset, self.source.fitting(place.offset, len)?)
    }

    /// The front in `bytes`, compared with the index, and what is behind it.
    fn checked<'b>(
        &self,
        place: Place,
        whose: Whose,
        points: u32,
        bytes: &'b [u8],
    ) -> Result<(Front<'b>, &'b [u8])> {
        let front_len = self.source.usize(place.front_len.into())?;
        let (front, body) = bytes.split_at_checked(front_len).unwrap_or_default();
        let front =
            Front::decode(front).map_err(|error| self.source.refuse(place.offset, error))?;
        let body_len = self.source.usize(place.body_len.into())?;
        if (front.whose, front.points, front.body_len()) != (whose, points, body_len) {
            let detail = format!(
                "front: found {:?}, {} points, {} bytes of blocks, \
                 expected {whose:?}, {points} points, {body_len} bytes as in the index",
                front.whose,
                front.points,
                front.body_len()
            );
            return Err(self.source.corrupt(place.offset, detail));
        }
        Ok((front, body))
    }

    fn times_decoder(&self, place: Place, front: &Front<'_>) -> Result<times::Decoder> {
        let decoder = times::Decoder::new(front.head, front.len());
        decoder.map_err(|error| self.source.refuse(place.offset, error.into()))
    }

    fn values_decoder(
        &self,
        entry: &FrameInfo,
        place: Place,
        front: &Front<'_>,
    ) -> Result<values::Decoder> {
        let decoder = values::Decoder::new(front.head, entry.value_type, front.len());
        decoder.map_err(|error| self.source.refuse(place.offset, error.into()))
    }

    fn decode<D: Decode>(
        &self,
        place: Place,
        front: &Front<'_>,
        decoder: &D,
        blocks: Range<usize>,
        bytes: &[u8],
        out: &mut Vec<D::Point>,
    ) -> Result<()> {
        let decoded = front.decode_blocks(decoder, blocks, bytes, out);
        decoded.map_err(|error| self.source.refuse(place.offset, error))
    }

    /// Reads the blocks that these points are in.
    fn points<D: Decode>(
        &self,
        place: Place,
        front: &Front<'_>,
        decoder: &D,
        points: Range<usize>,
    ) -> Result<Vec<D::Point>> {
        let blocks = points.start / BLOCK_LEN..points.end.div_ceil(BLOCK_LEN);
        let in_body = front.place(&blocks);
        let number = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        let at = place.offset + u64::from(place.front_len) + number(in_body.start);
        self.source.count_payload(number(in_body.len()));
        let bytes = self.source.read(at, self.source.fitting(at, number(in_body.len()))?)?;
        let mut out = Vec::with_capacity(blocks.len() * BLOCK_LEN);
        let first = blocks.start * BLOCK_LEN;
        self.decode(place, front, decoder, blocks, &bytes, &mut out)?;
        out.truncate(points.end - first);
        out.drain(..points.start - first);
        Ok(out)
    }
}

impl TimeFrame {
    const fn place(&self) -> Place {
        Place { offset: self.offset, front_len: self.front_len, body_len: self.body_len }
    }
}

const fn times_of(id: u32) -> Whose {
    Whose::Times { id }
}

fn values_of(entry: &FrameInfo) -> Whose {
    let (time_frame, time_offset) = shared(entry);
    let (metric, value_type) = (entry.metric, entry.value_type);
    Whose::Values { metric, value_type, time_frame, time_offset }
}

/// The id of the entry's time frame, and where in it its times begin.
const fn shared(entry: &FrameInfo) -> (u32, u32) {
    match entry.times {
        FrameTimes::Own => (0, 0),
        FrameTimes::Shared { frame, offset } => (frame, offset),
    }
}

fn encoding(place: Place, front: &Front<'_>, column: Description, statistics_len: u32) -> Encoding {
    Encoding {
        points: front.points,
        column,
        head_len: u32::try_from(front.head.len()).unwrap_or(u32::MAX),
        front_len: place.front_len,
        body_len: place.body_len,
        statistics_len,
    }
}
