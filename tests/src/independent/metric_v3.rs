//! Metric files of version 3, from `docs/FORMAT.md`.

use super::bytes::{Cursor, crc32};
use super::columns;
use super::metric_file::{Fault, MetricFrame, TimeFrame, want};
use super::value_type;

const HEADER_LEN: usize = 64;
const FOOTER_LEN: usize = 16;
const SECOND: i64 = 1_000_000_000;
const LENGTHS: [i64; 10] = [1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 691_200];

/// What the header says: counts of time and metric frames, where statistics and index begin.
pub(super) struct Layout {
    pub(super) counts: [u32; 2],
    pub(super) offsets: [u64; 2],
}

/// Decodes everything behind the header.
pub(super) fn decode(
    bytes: &[u8],
    layout: &Layout,
) -> Result<(Vec<TimeFrame>, Vec<MetricFrame>), Fault> {
    let foot = bytes.len() - FOOTER_LEN;
    let [statistics, index] = layout.offsets.map(|at| usize::try_from(at).unwrap_or(usize::MAX));
    want(HEADER_LEN <= statistics && statistics <= index && index <= foot, 40, "offsets")?;
    let mut c = Cursor::at(bytes, foot);
    want(c.take(4) == Some(b"NTFT") && c.u32() == Some(3), foot, "footer magic or version")?;
    want(c.u32() == Some(crc32(&bytes[index..foot])), foot, "index checksum")?;
    want(c.u32() == Some(crc32(&bytes[foot..foot + 12])), foot, "footer checksum")?;

    let mut walk = Walk {
        bytes,
        c: Cursor::at(&bytes[..foot], index),
        next: HEADER_LEN,
        statistics,
        start: 0,
        metric: 0,
        times: Vec::new(),
        spans: Vec::new(),
        metrics: Vec::new(),
    };
    while !walk.c.rest().is_empty() {
        let at = walk.c.pos();
        walk.entry().map_err(|fault| fault.unwrap_or((at, "entry cut short".to_owned())))?;
    }
    want(walk.next == statistics, walk.next, "frames do not end where statistics begin")?;
    want(walk.statistics == index, walk.statistics, "statistics do not end at the index")?;
    let found = [walk.times.len(), walk.metrics.len()];
    want(found == layout.counts.map(|count| count as usize), 32, "counts of frames")?;
    let mut metrics = walk.metrics;
    metrics.sort_by_key(|frame| frame.id);
    Ok((walk.times, metrics))
}

struct Walk<'a> {
    bytes: &'a [u8],
    c: Cursor<'a>,
    next: usize,
    statistics: usize,
    start: i64,
    metric: i64,
    times: Vec<TimeFrame>,
    /// Of each time frame the slot and the end of each span.
    spans: Vec<Vec<(i64, usize)>>,
    metrics: Vec<MetricFrame>,
}

/// A fault, or nothing where the bytes end.
type Stop = Option<Fault>;

fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

impl Walk<'_> {
    fn number(&mut self) -> Result<u64, Stop> {
        self.c.uvarint().map(|(number, _)| number).ok_or(None)
    }

    fn size(&mut self) -> Result<usize, Stop> {
        usize::try_from(self.number()?).map_err(|_| None)
    }

    fn entry(&mut self) -> Result<(), Stop> {
        match self.c.u8().ok_or(None)? {
            0 => self.time_entry(),
            kind @ (value_type::INT32 | value_type::FLOAT32) => self.metric_entry(kind),
            _ => Err(Some((self.c.pos(), "unknown kind of frame".to_owned()))),
        }
    }

    fn time_entry(&mut self) -> Result<(), Stop> {
        let (front, body, points) = (self.size()?, self.size()?, self.size()?);
        self.start = self.start.wrapping_add(zigzag(self.number()?));
        let last = self.start.wrapping_add_unsigned(self.number()?);
        let id = self.times.len() + 1;
        let frame = Frame::read(self.bytes, self.next, front, body, points)?;
        let mut own = Cursor::new(frame.front);
        let named = own.take(4) == Some(b"TPG3") && own.uvarint() == Some((id as u64, true));
        want(named, self.next, "not this time frame").map_err(Some)?;
        let (head, blocks) = frame.column(own)?;
        let times =
            columns::times(head, &blocks, points).map_err(|what| Some((self.next, what)))?;
        let fits = times.first() == Some(&self.start) && times.last() == Some(&last);
        want(fits && times.is_sorted(), self.next, "times do not fit the index").map_err(Some)?;
        let spans = self.spans_of(&times)?;
        self.spans.push(spans);
        let id = u32::try_from(id).map_err(|_| None)?;
        self.times.push(TimeFrame { id, codec: None, payload_len: body, times });
        self.next += front + body;
        Ok(())
    }

    fn spans_of(&mut self, times: &[i64]) -> Result<Vec<(i64, usize)>, Stop> {
        let id = usize::from(self.c.u8().ok_or(None)?);
        if id == 0 {
            return Ok(vec![(0, times.len())]);
        }
        let unknown = || Some((self.c.pos(), "unknown length of spans".to_owned()));
        let len = LENGTHS.get(id - 1).ok_or_else(unknown)? * SECOND;
        let mut slots: Vec<(i64, usize)> = Vec::new();
        for (position, time) in times.iter().enumerate() {
            let slot = time.div_euclid(len);
            match slots.last_mut() {
                Some((last, end)) if *last == slot => *end = position + 1,
                _ => slots.push((slot, position + 1)),
            }
        }
        let mut before: Option<(i64, usize)> = None;
        for &(slot, end) in &slots {
            let at = self.c.pos();
            if let Some((last, _)) = before {
                let gap = self.number()?;
                want(gap == (slot - last - 1).cast_unsigned(), at, "slots left out")
                    .map_err(Some)?;
            }
            let points = self.size()?;
            let expected = end - before.map_or(0, |before| before.1);
            want(points == expected, at, "points of a span").map_err(Some)?;
            before = Some((slot, end));
        }
        Ok(slots)
    }

    fn metric_entry(&mut self, kind: u8) -> Result<(), Stop> {
        let (front, body, statistics_len) = (self.size()?, self.size()?, self.size()?);
        self.metric = self.metric.wrapping_add(zigzag(self.number()?));
        let back = self.size()?;
        let (offset, points) = (self.size()?, self.size()?);
        let (later, earlier) = (self.number()?, self.number()?);
        let at = self.next;
        let damage = |what: &str| Some((at, what.to_owned()));
        let position = self.times.len().checked_sub(back + 1).ok_or_else(|| damage("times"))?;
        let vector = &self.times[position].times;
        let times =
            vector.get(offset..offset + points).ok_or_else(|| damage("its times"))?.to_vec();
        let start = vector[0].wrapping_add_unsigned(later);
        let end = vector[vector.len() - 1].wrapping_sub_unsigned(earlier);
        let fits = times.first() == Some(&start) && times.last() == Some(&end);
        want(fits, at, "times do not fit the index").map_err(Some)?;

        let frame = Frame::read(self.bytes, at, front, body, points)?;
        let mut own = Cursor::new(frame.front);
        let named = own.take(4) == Some(b"MPG3")
            && own.u8() == Some(kind)
            && own.uvarint() == Some((self.metric.cast_unsigned(), true))
            && own.uvarint() == Some((position as u64 + 1, true))
            && own.uvarint() == Some((offset as u64, true));
        want(named, at, "not this metric frame").map_err(Some)?;
        let (head, blocks) = frame.column(own)?;
        let is_integer = kind == value_type::INT32;
        let raws = columns::values(head, &blocks, points, is_integer);
        let raws = raws.map_err(|what| Some((at, what)))?;
        let lens = (front + body, statistics_len);
        self.check_statistics(lens, (position, offset), &raws, is_integer)?;
        self.next += front + body;
        self.metrics.push(MetricFrame {
            id: u16::try_from(self.metric).map_err(|_| damage("metric id"))?,
            value_type: kind,
            codec: None,
            payload_len: body,
            decoded_len: 4 * points,
            shares: Some((u32::try_from(position + 1).map_err(|_| None)?, offset)),
            times,
            raws,
        });
        Ok(())
    }

    /// The record must say of each span what its values are.
    fn check_statistics(
        &mut self,
        (frame_len, len): (usize, usize),
        (position, offset): (usize, usize),
        raws: &[u32],
        is_integer: bool,
    ) -> Result<(), Stop> {
        let at = self.statistics;
        let most = 4 * raws.len() * 101 / 100;
        if len == 0 {
            // How long the record would have been is not known, only that it is no longer.
            let longest = 64 * self.spans[position].len();
            let may_lack = raws.len() < 64 || frame_len + longest > most;
            return want(may_lack, at, "no statistics").map_err(Some);
        }
        want(raws.len() >= 64, at, "statistics of a short frame").map_err(Some)?;
        want(frame_len + len <= most, at, "statistics of noise").map_err(Some)?;
        self.statistics += len;
        let record = self.bytes.get(at..at + len).ok_or(None)?;
        let (record, checksum) = record.split_last_chunk::<4>().ok_or(None)?;
        let holds = u32::from_le_bytes(*checksum) == crc32(record);
        want(holds, at, "statistics checksum").map_err(Some)?;
        let clip = |end: usize| end.clamp(offset, offset + raws.len()) - offset;
        let mut from = 0;
        let mut spans: Vec<&[u32]> = Vec::new();
        for &(_, end) in &self.spans[position] {
            if clip(end) > from {
                spans.push(&raws[from..clip(end)]);
                from = clip(end);
            }
        }
        let found = record_of(record, spans.len(), is_integer).map_err(|what| Some((at, what)))?;
        let expected: Vec<Known> = spans.iter().map(|raws| Known::of(raws, is_integer)).collect();
        want(found == expected, at, "statistics of other values").map_err(Some)
    }
}

/// A frame's front without its checksum, and its body.
struct Frame<'a> {
    at: usize,
    front: &'a [u8],
    body: &'a [u8],
    points: usize,
}

impl<'a> Frame<'a> {
    fn read(
        bytes: &'a [u8],
        at: usize,
        front: usize,
        body: usize,
        points: usize,
    ) -> Result<Self, Stop> {
        let whole = bytes.get(at..at + front + body).ok_or(None)?;
        let (front, body) = whole.split_at(front);
        let (front, checksum) = front.split_last_chunk::<4>().ok_or(None)?;
        let holds = u32::from_le_bytes(*checksum) == crc32(front);
        want(holds, at, "front checksum").map_err(Some)?;
        want((1..=65_536).contains(&points), at, "points").map_err(Some)?;
        Ok(Self { at, front, body, points })
    }

    /// Head and blocks; `c` is in the front, before the number of points.
    fn column(&self, mut c: Cursor<'a>) -> Result<(&'a [u8], Vec<&'a [u8]>), Stop> {
        let fits = c.uvarint() == Some((self.points as u64, true));
        want(fits, self.at, "points differ from the index").map_err(Some)?;
        let number = |c: &mut Cursor<'a>| {
            let number = c.uvarint().ok_or(None)?.0;
            usize::try_from(number).map_err(|_| None::<Fault>)
        };
        let head_len = number(&mut c)?;
        let head = c.take(head_len).ok_or(None)?;
        let mut left = self.body;
        let mut blocks = Vec::new();
        for _ in 0..self.points.div_ceil(1024) {
            let len = number(&mut c)?;
            let (block, behind) = left.split_at_checked(len).ok_or(None)?;
            let holds = c.u32() == Some(crc32(block));
            want(holds, self.at, "block checksum").map_err(Some)?;
            blocks.push(block);
            left = behind;
        }
        let ends = c.rest().is_empty() && left.is_empty();
        want(ends, self.at, "bytes behind the last block").map_err(Some)?;
        Ok((head, blocks))
    }
}

/// What is known of a span, in bits.
#[derive(Debug, PartialEq)]
struct Known {
    nans: u64,
    first: u32,
    last: u32,
    least: u32,
    greatest: u32,
    sum: u64,
}

impl Known {
    fn of(raws: &[u32], is_integer: bool) -> Self {
        let number = |raw: u32| {
            if is_integer { f64::from(raw.cast_signed()) } else { f64::from(f32::from_bits(raw)) }
        };
        let numbers: Vec<u32> = raws.iter().copied().filter(|&raw| !number(raw).is_nan()).collect();
        let mut sum = 0.0;
        let (mut least, mut greatest) = (None, None);
        for &raw in &numbers {
            sum += number(raw);
            if least.is_none_or(|least| number(raw) < number(least)) {
                least = Some(raw);
            }
            if greatest.is_none_or(|greatest| number(raw) > number(greatest)) {
                greatest = Some(raw);
            }
        }
        let sum = if sum.is_nan() { 0x7ff8_0000_0000_0000 } else { sum.to_bits() };
        let (first, last) = (raws[0], raws[raws.len() - 1]);
        let nans = (raws.len() - numbers.len()) as u64;
        let (least, greatest) = (least.unwrap_or(first), greatest.unwrap_or(first));
        Self { nans, first, last, least, greatest, sum }
    }
}

fn record_of(bytes: &[u8], spans: usize, is_integer: bool) -> Result<Vec<Known>, String> {
    let short = || "statistics cut short".to_owned();
    let mut c = Cursor::new(bytes);
    let number = |c: &mut Cursor<'_>| c.uvarint().map(|(number, _)| number).ok_or_else(short);
    let flags = c.u8().ok_or_else(short)?;
    let mut nans = vec![0; spans];
    match flags {
        0 => {}
        1 => nans.iter_mut().try_for_each(|nans| number(&mut c).map(|found| *nans = found))?,
        _ => return Err("unknown flags".to_owned()),
    }
    let head_len = usize::try_from(number(&mut c)?).map_err(|_| short())?;
    let head = c.take(head_len).ok_or_else(short)?;
    let mut blocks = Vec::new();
    for _ in 0..(4 * spans).div_ceil(1024) {
        let len = usize::try_from(number(&mut c)?).map_err(|_| short())?;
        blocks.push(c.take(len).ok_or_else(short)?);
    }
    let values = columns::values(head, &blocks, 4 * spans, is_integer)?;
    let mut sums = Vec::new();
    match c.u8().ok_or_else(short)? {
        0 => {
            for _ in 0..spans {
                sums.push(c.u64().ok_or_else(short)?);
            }
        }
        1 => {
            let exponent = i32::try_from(number(&mut c)?).map_err(|_| short())? - 149;
            let mut multiple = 0_i64;
            for _ in 0..spans {
                multiple = multiple.wrapping_add(zigzag(number(&mut c)?));
                #[expect(clippy::cast_precision_loss, reason = "it has 53 bits at most")]
                sums.push((multiple as f64 * 2_f64.powi(exponent)).to_bits());
            }
        }
        _ => return Err("unknown encoding of sums".to_owned()),
    }
    if !c.rest().is_empty() {
        return Err("bytes behind the statistics".to_owned());
    }
    let known = |i: usize| Known {
        nans: nans[i],
        first: values[i],
        last: values[spans + i],
        least: values[2 * spans + i],
        greatest: values[3 * spans + i],
        sum: sums[i],
    };
    Ok((0..spans).map(known).collect())
}
