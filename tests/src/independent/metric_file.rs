//! Metric files; version 3 is decoded in `metric_v3`.
//!
//! Decoding demands everything a careful reader may demand: every checksum, every reserved zero,
//! indexes and frames that agree, and frames that follow one another without gaps.

use super::block::Codec;
use super::bytes::{Cursor, crc32};
use super::{Problem, metric_v3, value_type};

/// A decoded `metric-` file.
#[derive(Debug, Clone)]
pub struct MetricFile {
    /// Its name.
    pub name: String,
    /// The partition its name says it holds.
    pub partition: String,
    /// 1, 2 or 3.
    pub version: u16,
    /// The header's partition kind.
    pub partition_kind: u8,
    /// The shared time vectors; version 1 has none.
    pub time_frames: Vec<TimeFrame>,
    /// One frame after another, as the file has them.
    pub metric_frames: Vec<MetricFrame>,
    /// Rules it breaks although it can be read.
    pub problems: Vec<Problem>,
}

/// A time vector that metric frames point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFrame {
    /// Its number, from 1.
    pub id: u32,
    /// How it is compressed; nothing in version 3.
    pub codec: Option<Codec>,
    /// Compressed bytes.
    pub payload_len: usize,
    /// The times.
    pub times: Vec<i64>,
}

/// The values of one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricFrame {
    /// The metric.
    pub id: u16,
    /// 1 for int32, 2 for float32.
    pub value_type: u8,
    /// How it is compressed; nothing in version 3.
    pub codec: Option<Codec>,
    /// Compressed bytes.
    pub payload_len: usize,
    /// Bytes before compression.
    pub decoded_len: usize,
    /// The time frame, and the first time used in it; version 1 has none.
    pub shares: Option<(u32, usize)>,
    /// The times of its samples.
    pub times: Vec<i64>,
    /// The four value bytes of each sample, as numbers.
    pub raws: Vec<u32>,
}

const HEADER_LEN: usize = 64;
const FRAME_HEADER_LEN: usize = 48;
const FOOTER_LEN: usize = 16;

impl MetricFile {
    /// Decodes a whole file; any damage makes it unreadable.
    pub fn decode(name: &str, partition: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let fault = |(offset, what): Fault| Problem::damage(name, offset, what);
        let header = Header::decode(bytes).map_err(fault)?;
        let mut file = Self {
            name: name.into(),
            partition: partition.into(),
            version: header.version,
            partition_kind: header.partition_kind,
            time_frames: Vec::new(),
            metric_frames: Vec::new(),
            problems: Vec::new(),
        };
        let decoded = match header.version {
            1 => file.decode_v1(bytes, &header),
            3 => file.decode_v3(bytes, &header),
            _ => file.decode_v2(bytes, &header),
        };
        decoded.map_err(fault)?;
        file.check(&header);
        Ok(file)
    }

    /// The samples of one metric in file order: time and raw value.
    pub fn stream(&self, id: u16) -> Vec<(i64, u32)> {
        let frames = self.metric_frames.iter().filter(|frame| frame.id == id);
        let mut stream: Vec<(i64, u32)> =
            frames.flat_map(|f| f.times.iter().copied().zip(f.raws.iter().copied())).collect();
        if self.version == 3 {
            stream.sort_by_key(|&(time, _)| time); // late samples may be in a later frame
        }
        stream
    }

    fn decode_v1(&mut self, bytes: &[u8], header: &Header) -> Result<(), Fault> {
        let [frame_count, page_count] = header.counts;
        let trailer = index_start(bytes, &[(page_count, 44)])?;
        want(frame_count == page_count, HEADER_LEN, "the two counts differ")?;
        want(header.index_offsets == [0, 0], 40, "reserved bytes are not zero")?;
        footer(bytes, 1, page_count)?;

        let mut next = HEADER_LEN;
        for i in 0..to_usize(page_count) {
            let at = trailer + 44 * i;
            let entry = PageInfo::decode(bytes, at).ok_or((at, "truncated".to_owned()))?;
            want(entry.offset == next as u64, at, "frames are not in index order without gaps")?;
            let (frame, end) = v1_frame(bytes, next, &entry)?;
            self.metric_frames.push(frame);
            next = end;
        }
        want(next == trailer, next, "a gap before the index")
    }

    fn decode_v2(&mut self, bytes: &[u8], header: &Header) -> Result<(), Fault> {
        let [time_count, metric_count] = header.counts;
        let time_index = index_start(bytes, &[(time_count, 40), (metric_count, 44)])?;
        let metric_index = time_index + 40 * to_usize(time_count);
        let expected = [time_index as u64, metric_index as u64];
        want(header.index_offsets == expected, 40, "index offsets do not fit the counts")?;
        footer(bytes, 2, 0)?;

        let mut next = HEADER_LEN;
        for i in 0..to_usize(time_count) {
            let at = time_index + 40 * i;
            let entry = TimeEntry::decode(bytes, at).ok_or((at, "truncated".to_owned()))?;
            want(entry.offset == next as u64, at, "frames are not in index order without gaps")?;
            want(usize::from(entry.id) == i + 1, at, "time frames are not numbered from 1")?;
            let (frame, end) = time_frame(bytes, next, &entry)?;
            self.time_frames.push(frame);
            next = end;
        }
        for i in 0..to_usize(metric_count) {
            let at = metric_index + 44 * i;
            let entry = MetricEntry::decode(bytes, at).ok_or((at, "truncated".to_owned()))?;
            want(entry.offset == next as u64, at, "frames are not in index order without gaps")?;
            let (frame, end) = v2_frame(bytes, next, &entry, &self.time_frames)?;
            self.metric_frames.push(frame);
            next = end;
        }
        want(next == time_index, next, "a gap before the indexes")
    }

    fn decode_v3(&mut self, bytes: &[u8], header: &Header) -> Result<(), Fault> {
        let layout = metric_v3::Layout { counts: header.counts, offsets: header.index_offsets };
        (self.time_frames, self.metric_frames) = metric_v3::decode(bytes, &layout)?;
        Ok(())
    }

    fn check(&mut self, header: &Header) {
        let mut problems = Vec::new();
        let mut rule = |broken: bool, what: &str| {
            if broken {
                problems.push(Problem::rule(&self.name, 0, what));
            }
        };
        let frames = &self.metric_frames;
        rule(header.flags != 1, "the flags are not 1");
        rule(!(1..=4).contains(&header.partition_kind), "unknown partition kind");
        rule(frames.is_empty(), "no frames");
        rule(!frames.is_sorted_by_key(|f| f.id), "metric ids are not ascending");
        rule(frames.iter().any(|f| f.id == 0), "metric id 0");
        rule(frames.iter().any(|f| !f.times.is_sorted()), "times go back within a frame");
        let times = || frames.iter().flat_map(|f| f.times.iter().copied());
        rule(times().min() != Some(header.min), "the header's first time is wrong");
        rule(times().max() != Some(header.max), "the header's last time is wrong");
        let unused = |t: &TimeFrame| {
            !frames.iter().any(|f| f.shares.is_some_and(|(time_frame, _)| time_frame == t.id))
        };
        rule(self.time_frames.iter().any(unused), "a time frame is not used");
        self.problems = problems;
    }

    /// Whether frames share times exactly as the reference would lay them out.
    pub fn shares_like_the_reference(&self) -> bool {
        let pages = &self.metric_frames;
        let mut order: Vec<usize> = (0..pages.len()).collect();
        order.sort_by_key(|&k| (std::cmp::Reverse(pages[k].times.len()), pages[k].id));
        let mut vectors: Vec<&[i64]> = Vec::new();
        order.iter().all(|&k| {
            let times = pages[k].times.as_slice();
            let find = |vector: &[i64]| vector.windows(times.len()).position(|w| w == times);
            let shared = vectors.iter().enumerate().find_map(|(i, v)| Some((i, find(v)?)));
            let (index, offset) = shared.unwrap_or((vectors.len(), 0));
            if shared.is_none() {
                vectors.push(times);
            }
            pages[k]
                .shares
                .is_some_and(|(id, at)| usize::try_from(id) == Ok(index + 1) && at == offset)
                && self.time_frames.get(index).is_some_and(|frame| frame.times == vectors[index])
        }) && self.time_frames.len() == vectors.len()
    }
}

/// Where, and what is wrong.
pub(super) type Fault = (usize, String);

pub(super) fn want(holds: bool, offset: usize, otherwise: &str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err((offset, otherwise.into())) }
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).expect("tests run on 32 bits or more")
}

/// Where indexes of these counts and entry sizes begin, directly before the footer.
fn index_start(bytes: &[u8], indexes: &[(u32, usize)]) -> Result<usize, Fault> {
    let size = indexes.iter().map(|&(count, size)| to_usize(count) * size).sum::<usize>();
    let start = bytes.len().checked_sub(FOOTER_LEN + size).filter(|&start| start >= HEADER_LEN);
    start.ok_or((0, "the indexes do not fit into the file".into()))
}

struct Header {
    version: u16,
    flags: u32,
    partition_kind: u8,
    min: i64,
    max: i64,
    counts: [u32; 2],
    index_offsets: [u64; 2],
}

impl Header {
    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        want(bytes.len() >= HEADER_LEN + FOOTER_LEN, 0, "shorter than header and footer")?;
        want(checksum_follows(bytes, 0, 60), 60, "header checksum")?;
        let fields = Self::fields(Cursor::new(bytes));
        let (header, well_formed) = fields.ok_or((0, "truncated header".to_owned()))?;
        want(well_formed, 0, "magic, header length or reserved bytes")?;
        want([1, 2, 3].contains(&header.version), 4, "unknown version")?;
        Ok(header)
    }

    fn fields(mut c: Cursor<'_>) -> Option<(Self, bool)> {
        let magic = c.take(4)?;
        let version = c.u16()?;
        let header_len = c.u16()?;
        let flags = c.u32()?;
        let partition_kind = c.u8()?;
        let padding = c.take(3)?;
        let (min, max) = (c.i64()?, c.i64()?);
        let counts = [c.u32()?, c.u32()?];
        let index_offsets = [c.u64()?, c.u64()?];
        let reserved = c.u32()?;
        let well_formed =
            magic == b"NTMF" && header_len == 64 && padding == [0; 3] && reserved == 0;
        let header = Self { version, flags, partition_kind, min, max, counts, index_offsets };
        Some((header, well_formed))
    }
}

/// Whether the bytes from `start` to `end` are followed by their checksum.
fn checksum_follows(bytes: &[u8], start: usize, end: usize) -> bool {
    let stored = Cursor::at(bytes, end).u32();
    bytes.get(start..end).is_some_and(|covered| stored == Some(crc32(covered)))
}

fn footer(bytes: &[u8], version: u32, count: u32) -> Result<(), Fault> {
    let at = bytes.len() - FOOTER_LEN;
    let mut c = Cursor::at(bytes, at);
    want(c.take(4) == Some(b"NTFT"), at, "footer magic")?;
    want(c.u32() == Some(version), at, "footer version")?;
    want(c.u32() == Some(count), at, "footer count")?;
    want(checksum_follows(bytes, at, at + 12), at, "footer checksum")
}

struct PageInfo {
    id: u16,
    value_type: u8,
    offset: u64,
    min: i64,
    max: i64,
    count: u32,
    decoded_len: u32,
    payload_len: u32,
    reserved: (u8, u32),
}

impl PageInfo {
    fn decode(bytes: &[u8], at: usize) -> Option<Self> {
        let mut c = Cursor::at(bytes, at);
        let (id, value_type, padding) = (c.u16()?, c.u8()?, c.u8()?);
        let (offset, min, max) = (c.u64()?, c.i64()?, c.i64()?);
        let (count, decoded_len, payload_len) = (c.u32()?, c.u32()?, c.u32()?);
        let reserved = (padding, c.u32()?);
        Some(Self { id, value_type, offset, min, max, count, decoded_len, payload_len, reserved })
    }
}

struct TimeEntry {
    id: u16,
    reserved: u16,
    offset: u64,
    min: i64,
    max: i64,
    count: u32,
    decoded_len: u32,
    payload_len: u32,
}

impl TimeEntry {
    fn decode(bytes: &[u8], at: usize) -> Option<Self> {
        let mut c = Cursor::at(bytes, at);
        Some(Self {
            id: c.u16()?,
            reserved: c.u16()?,
            offset: c.u64()?,
            min: c.i64()?,
            max: c.i64()?,
            count: c.u32()?,
            decoded_len: c.u32()?,
            payload_len: c.u32()?,
        })
    }
}

struct MetricEntry {
    id: u16,
    value_type: u8,
    padding: u8,
    offset: u64,
    min: i64,
    max: i64,
    time_frame: u16,
    reserved: u16,
    time_offset: u32,
    decoded_len: u32,
    payload_len: u32,
}

impl MetricEntry {
    fn decode(bytes: &[u8], at: usize) -> Option<Self> {
        let mut c = Cursor::at(bytes, at);
        Some(Self {
            id: c.u16()?,
            value_type: c.u8()?,
            padding: c.u8()?,
            offset: c.u64()?,
            min: c.i64()?,
            max: c.i64()?,
            time_frame: c.u16()?,
            reserved: c.u16()?,
            time_offset: c.u32()?,
            decoded_len: c.u32()?,
            payload_len: c.u32()?,
        })
    }
}

/// The frame header's fields up to the last time; all three kinds of frame begin like this.
struct FrameStart {
    codec: Codec,
    id: u16,
    /// Value type or time encoding.
    kind: u8,
    min: i64,
    max: i64,
}

impl FrameStart {
    fn decode<'a>(bytes: &'a [u8], at: usize, magic: &[u8]) -> Result<(Self, Cursor<'a>), Fault> {
        want(checksum_follows(bytes, at, at + 44), at, "frame header checksum")?;
        let mut c = Cursor::at(bytes, at);
        want(c.take(4) == Some(magic), at, "frame magic")?;
        want(c.u16() == Some(48), at, "frame header length")?;
        let codec = c.u16().and_then(Codec::from_id).ok_or((at, "unknown codec".to_owned()))?;
        let fields = (|| Some((c.u16()?, c.u8()?, c.u8()?, c.i64()?, c.i64()?)))();
        let (id, kind, padding, min, max) = fields.ok_or((at, "truncated".to_owned()))?;
        want(padding == 0, at, "reserved byte is not zero")?;
        Ok((Self { codec, id, kind, min, max }, c))
    }

    /// The decoded payload, and where the frame ends.
    fn payload(
        &self,
        bytes: &[u8],
        at: usize,
        payload_len: u32,
        decoded_len: u32,
    ) -> Result<(Vec<u8>, usize), Fault> {
        let start = at + FRAME_HEADER_LEN;
        let end = start + to_usize(payload_len);
        want(checksum_follows(bytes, start, end), start, "payload checksum")?;
        let decoded = self.codec.decode(&bytes[start..end], to_usize(decoded_len));
        Ok((decoded.map_err(|what| (start, what))?, end + 4))
    }
}

fn v1_frame(bytes: &[u8], at: usize, entry: &PageInfo) -> Result<(MetricFrame, usize), Fault> {
    let (start, mut c) = FrameStart::decode(bytes, at, b"MPG1")?;
    let lengths = [c.u32(), c.u32(), c.u32(), c.u32()];
    let (count, payload_len, decoded_len) = (entry.count, entry.payload_len, entry.decoded_len);
    let expected = [Some(count), Some(payload_len), Some(decoded_len), Some(0)];
    want(lengths == expected, at, "lengths differ from the index, or reserved is not zero")?;
    want(entry.reserved == (0, 0), at, "reserved bytes of the index are not zero")?;
    want((start.id, start.kind) == (entry.id, entry.value_type), at, "index has another metric")?;
    want((start.min, start.max) == (entry.min, entry.max), at, "index has other times")?;
    want(count > 0 && u64::from(decoded_len) == 12 * u64::from(count), at, "decoded length")?;
    known_type(start.kind, at)?;

    let (decoded, end) = start.payload(bytes, at, payload_len, decoded_len)?;
    let count = to_usize(count);
    let times = i64s(&decoded[..8 * count]);
    let raws = u32s(&decoded[8 * count..]);
    want(spans(&times, start.min, start.max), at, "times do not fit the header")?;
    let frame = MetricFrame {
        id: start.id,
        value_type: start.kind,
        codec: Some(start.codec),
        payload_len: to_usize(payload_len),
        decoded_len: to_usize(decoded_len),
        shares: None,
        times,
        raws,
    };
    Ok((frame, end))
}

fn time_frame(bytes: &[u8], at: usize, entry: &TimeEntry) -> Result<(TimeFrame, usize), Fault> {
    let (start, mut c) = FrameStart::decode(bytes, at, b"TPG2")?;
    let lengths = [c.u32(), c.u32(), c.u32(), c.u32()];
    let (count, payload_len, decoded_len) = (entry.count, entry.payload_len, entry.decoded_len);
    let expected = [Some(count), Some(payload_len), Some(decoded_len), Some(0)];
    want(lengths == expected, at, "lengths differ from the index, or reserved is not zero")?;
    want(entry.reserved == 0, at, "reserved bytes of the index are not zero")?;
    want(start.id == entry.id, at, "index has another number")?;
    want((start.min, start.max) == (entry.min, entry.max), at, "index has other times")?;
    want(start.kind == 1, at, "unknown time encoding")?;
    want(count > 0 && u64::from(decoded_len) == 8 * u64::from(count), at, "decoded length")?;

    let (decoded, end) = start.payload(bytes, at, payload_len, decoded_len)?;
    let times = i64s(&decoded);
    want(spans(&times, start.min, start.max), at, "times do not fit the header")?;
    let payload_len = to_usize(payload_len);
    let codec = Some(start.codec);
    Ok((TimeFrame { id: start.id.into(), codec, payload_len, times }, end))
}

fn v2_frame(
    bytes: &[u8],
    at: usize,
    entry: &MetricEntry,
    time_frames: &[TimeFrame],
) -> Result<(MetricFrame, usize), Fault> {
    let (start, mut c) = FrameStart::decode(bytes, at, b"MPG2")?;
    let shares = (c.u16(), c.u16(), c.u32());
    let expected = (Some(entry.time_frame), Some(0), Some(entry.time_offset));
    want(shares == expected, at, "index shares other times, or reserved is not zero")?;
    let (payload_len, decoded_len) = (entry.payload_len, entry.decoded_len);
    let lengths = [c.u32(), c.u32()];
    want(lengths == [Some(payload_len), Some(decoded_len)], at, "lengths differ from the index")?;
    want((entry.padding, entry.reserved) == (0, 0), at, "reserved bytes of the index")?;
    want((start.id, start.kind) == (entry.id, entry.value_type), at, "index has another metric")?;
    want((start.min, start.max) == (entry.min, entry.max), at, "index has other times")?;
    want(decoded_len > 0 && decoded_len % 4 == 0, at, "decoded length")?;
    known_type(start.kind, at)?;

    let (decoded, end) = start.payload(bytes, at, payload_len, decoded_len)?;
    let raws = u32s(&decoded);
    let from = to_usize(entry.time_offset);
    let shared = time_frames.iter().find(|frame| frame.id == u32::from(entry.time_frame));
    let times = shared.and_then(|frame| frame.times.get(from..from + raws.len()));
    let times = times.ok_or((at, "the times it shares do not exist".to_owned()))?.to_vec();
    want(spans(&times, start.min, start.max), at, "times do not fit the header")?;
    let frame = MetricFrame {
        id: start.id,
        value_type: start.kind,
        codec: Some(start.codec),
        payload_len: to_usize(payload_len),
        decoded_len: to_usize(decoded_len),
        shares: Some((entry.time_frame.into(), from)),
        times,
        raws,
    };
    Ok((frame, end))
}

fn known_type(byte: u8, at: usize) -> Result<(), Fault> {
    want([value_type::INT32, value_type::FLOAT32].contains(&byte), at, "unknown value type")
}

fn spans(times: &[i64], first: i64, last: i64) -> bool {
    times.first() == Some(&first) && times.last() == Some(&last)
}

fn i64s(bytes: &[u8]) -> Vec<i64> {
    let mut c = Cursor::new(bytes);
    std::iter::from_fn(|| c.i64()).collect()
}

fn u32s(bytes: &[u8]) -> Vec<u32> {
    let mut c = Cursor::new(bytes);
    std::iter::from_fn(|| c.u32()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bytes::hex;
    use super::*;

    const V2: &str = "
        4e544d46 0200 4000 01000000 01 000000 6400000000000000 9001000000000000
        02000000 03000000 9201000000000000 e201000000000000 00000000 0ba8c846
        54504732 3000 0100 0100 01 00 6400000000000000 9001000000000000
        04000000 22000000 20000000 00000000 a4f992cc
        20 7c 6400000000000000 c800000000000000 2c01000000000000 9001000000000000  811ef4da
        54504732 3000 0100 0200 01 00 9600000000000000 9600000000000000
        01000000 0a000000 08000000 00000000 ef414b4d
        08 1c 9600000000000000  91244653
        4d504732 3000 0100 0100 02 00 2c01000000000000 9001000000000000
        0100 0000 02000000 0a000000 08000000 904ce099
        08 1c 0000c03f 00002040  36cd686b
        4d504732 3000 0100 0200 01 00 6400000000000000 9001000000000000
        0100 0000 00000000 12000000 10000000 6468d8de
        10 3c 01000000 02000000 03000000 04000000  39cfeca6
        4d504732 3000 0100 0300 01 00 9600000000000000 9600000000000000
        0200 0000 00000000 06000000 04000000 5c3d24ee
        04 0c ffffffff  572e1831
        0100 0000 4000000000000000 6400000000000000 9001000000000000 04000000 20000000 22000000
        0200 0000 9600000000000000 9600000000000000 9600000000000000 01000000 08000000 0a000000
        0100 02 00 d400000000000000 2c01000000000000 9001000000000000
        0100 0000 02000000 08000000 0a000000
        0200 01 00 1201000000000000 6400000000000000 9001000000000000
        0100 0000 00000000 10000000 12000000
        0300 01 00 5801000000000000 9600000000000000 9600000000000000
        0200 0000 00000000 04000000 06000000
        4e544654 02000000 00000000 c76cdf94";

    const V1: &str = "
        4e544d46 0100 4000 01000000 01 000000 6400000000000000 9001000000000000
        03000000 03000000 00000000 00000000 00000000 00000000 00000000 053ef992
        4d504731 3000 0100 0100 02 00 2c01000000000000 9001000000000000
        02000000 1a000000 18000000 00000000 7bca5fa2
        18 5c 2c01000000000000 9001000000000000 0000c03f 00002040   31475568
        4d504731 3000 0100 0200 01 00 6400000000000000 9001000000000000
        04000000 23000000 30000000 00000000 6c392dc3
        30 046400 0901 00c8 0907 08002c01 0908 0090 0d00 0107 2c020000000300000004000000 8394c536
        4d504731 3000 0100 0300 01 00 9600000000000000 9600000000000000
        01000000 0e000000 0c000000 00000000 8d6636d3
        0c 2c 9600000000000000 ffffffff                              fb1dd38f
        0100 02 00 4000000000000000 2c01000000000000 9001000000000000
        02000000 18000000 1a000000 00000000
        0200 01 00 8e00000000000000 6400000000000000 9001000000000000
        04000000 30000000 23000000 00000000
        0300 01 00 e500000000000000 9600000000000000 9600000000000000
        01000000 0c000000 0e000000 00000000
        4e544654 01000000 03000000 cac4e508";

    #[test]
    fn the_worked_examples() {
        for (text, len) in [(V1, 443), (V2, 630)] {
            let bytes = hex(text);
            assert_eq!(bytes.len(), len);
            let file = MetricFile::decode("metric-x.dat", "x", &bytes).unwrap();
            assert_eq!(file.problems, []);
            let floats = [(300, 1.5_f32.to_bits()), (400, 2.5_f32.to_bits())];
            assert_eq!(file.stream(1), floats);
            assert_eq!(file.stream(2), [(100, 1), (200, 2), (300, 3), (400, 4)]);
            assert_eq!(file.stream(3), [(150, u32::MAX)]);
            assert_eq!(file.shares_like_the_reference(), file.version == 2);
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        for text in [V1, V2] {
            let bytes = hex(text);
            for bit in 0..8 * bytes.len() {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let decoded = MetricFile::decode("metric-x.dat", "x", &flipped);
                assert!(decoded.is_err(), "bit {bit} of version {}", bytes[4]);
            }
        }
    }

    /// A version 1 file of one metric with one value, compressed as `codec` says.
    fn one_point(codec: Codec, payload: &[u8]) -> Vec<u8> {
        let with_crc = |mut bytes: Vec<u8>| {
            bytes.extend(crc32(&bytes).to_le_bytes());
            bytes
        };
        let time = 7_i64.to_le_bytes();
        let times = [time, time].concat();
        let len = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let header = hex("4e544d46 0100 4000 01000000 04 000000");
        let header = [header, times.clone(), hex("01000000 01000000"), vec![0; 20]].concat();
        let frame = [hex("4d504731 3000"), codec.id().to_le_bytes().to_vec(), hex("0500 01 00")];
        let lengths = [&hex("01000000")[..], &len, &hex("0c000000 00000000")].concat();
        let frame = [frame.concat(), times.clone(), lengths].concat();
        let index = [&hex("0500 01 00 4000000000000000")[..], &times, &hex("01000000 0c000000")];
        let index = [&index.concat()[..], &len, &[0; 4]].concat();
        let footer = with_crc(hex("4e544654 01000000 01000000"));
        let parts = [with_crc(header), with_crc(frame), with_crc(payload.to_vec()), index, footer];
        parts.concat()
    }

    #[test]
    fn every_codec() {
        let content = hex("0700000000000000 2a000000");
        let s2 = [&[12, 11 << 2][..], &content].concat();
        let zstd = zstd::bulk::compress(&content, 1).unwrap();
        // A token of twelve literals, then these, by hand: no length in front of the block.
        let lz4 = [&[0xc0][..], &content].concat();
        let blocks = [
            (Codec::S2, &s2),
            (Codec::S2Better, &s2),
            (Codec::ZstdFastest, &zstd),
            (Codec::ZstdDefault, &zstd),
            (Codec::Lz4, &lz4),
        ];
        for (codec, payload) in blocks {
            let bytes = one_point(codec, payload);
            let file = MetricFile::decode("metric-forever.dat", "forever", &bytes).unwrap();
            assert_eq!(file.problems, []);
            assert_eq!((file.metric_frames[0].codec, file.stream(5)), (Some(codec), vec![(7, 42)]));
        }
        let mistaken = one_point(Codec::ZstdFastest, &lz4);
        assert!(MetricFile::decode("metric-forever.dat", "forever", &mistaken).is_err());
    }

    #[test]
    fn every_prefix_is_an_error() {
        for text in [V1, V2] {
            let bytes = hex(text);
            for len in 0..bytes.len() {
                assert!(MetricFile::decode("metric-x.dat", "x", &bytes[..len]).is_err(), "{len}");
            }
        }
    }
}
