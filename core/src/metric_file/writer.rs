//! Putting a metric file together, frame by frame.
//!
//! Frames go to a [`Spool`]; the file itself is then written front to back: header, frames,
//! indexes, footer; see [`Target::publish`].

use super::footer;
use super::frame::{self, FrameTimes, MetricFrame, TimeFrame};
use super::header::{FileHeader, Layout, Version};
use super::payload;
use super::scan::invalid;
use super::spool::{FRAMES, Spool};
use super::time_match::Slot;
use crate::codec::checksum::crc32;
use crate::compress::{BlockCodec, CodecId, Codecs};
use crate::error::{Error, Result};
use crate::storage::{FileName, Storage};
use crate::types::{MetricId, ValueType};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

const HEADER_END: u64 = 64;
const TIME_ENTRY_LEN: u64 = 40;

/// Where a metric file is written, and how.
#[derive(Debug)]
pub struct Target<'a, S> {
    /// The directory.
    pub storage: &'a S,
    /// The file's name; a file that has it is replaced.
    pub name: &'a FileName,
    /// 1 day, 2 month, 3 year, 4 forever.
    pub partition_kind: u8,
    /// What payloads are compressed with.
    pub codec: CodecId,
    /// Where the codec is found.
    pub codecs: &'a Codecs,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Number of metrics.
    pub metrics: usize,
    /// Number of samples.
    pub points: u64,
    /// Length of the file.
    pub bytes: u64,
    /// Number of shared time vectors; 0 in v1.
    pub time_frames: usize,
}

impl<S: Storage> Target<'_, S> {
    /// Runs `write` on a new writer and publishes the file; when that fails, clears up.
    pub(crate) fn write<'s>(
        &'s self,
        version: Version,
        spool_memory: usize,
        write: impl FnOnce(&mut FileWriter<'s, S>) -> Result<()>,
    ) -> Result<BuildReport> {
        self.clearing_up(&[FRAMES], || {
            let mut writer = FileWriter::new(self, version, spool_memory)?;
            write(&mut writer)?;
            writer.finish()
        })
    }

    /// What the header says of the partition, if there is such a kind.
    pub(crate) fn checked_kind(&self) -> Result<u8> {
        let kind = self.partition_kind;
        if !(1..=4).contains(&kind) {
            return Err(invalid(format!("partition kind: found {kind}, expected 1 to 4")));
        }
        Ok(kind)
    }
}

/// A metric file that is being written.
pub(crate) struct FileWriter<'s, S: Storage> {
    target: &'s Target<'s, S>,
    version: Version,
    codec: &'static dyn BlockCodec,
    spool: Spool<'s, S>,
    time_frames: Vec<(u64, TimeFrame)>,
    metric_frames: Vec<(u64, MetricFrame)>,
    raw: Vec<u8>,
    block: Vec<u8>,
    restored: Vec<u8>,
}

impl<'s, S: Storage> FileWriter<'s, S> {
    fn new(target: &'s Target<'s, S>, version: Version, spool_memory: usize) -> Result<Self> {
        target.checked_kind()?;
        Ok(Self {
            target,
            version,
            codec: target.codecs.get(target.codec),
            spool: Spool::new(target.storage, target.name, FRAMES, spool_memory)?,
            time_frames: Vec::new(),
            metric_frames: Vec::new(),
            raw: Vec::new(),
            block: Vec::new(),
            restored: Vec::new(),
        })
    }

    /// Adds a v2 time frame of non-decreasing times.
    pub(crate) fn time_frame(&mut self, times: &[i64]) -> Result<()> {
        let id = u16::try_from(self.time_frames.len() + 1)
            .map_err(|_| invalid("more than 65535 different time vectors in one file"))?;
        self.raw.clear();
        payload::append_times(times, &mut self.raw);
        let (start, end) = ends(times)?;
        let (payload_len, decoded_len) = self.compress()?;
        let point_count = count(times.len())?;
        let frame = TimeFrame { id, start, end, point_count, payload_len, decoded_len };
        let offset = self.append(|codec, out| frame.encode_header(codec, out))?;
        self.time_frames.push((offset, frame));
        Ok(())
    }

    /// The times of the time frame at this position, read back.
    pub(crate) fn read_time_frame(&self, index: usize) -> Result<Vec<i64>> {
        let (offset, frame) =
            self.time_frames.get(index).ok_or_else(|| invalid("no such time frame"))?;
        let spooled = offset.saturating_sub(HEADER_END).saturating_add(48);
        let block = self.spool.read(spooled, size(frame.payload_len)?)?;
        let mut content = Vec::new();
        self.decode(&block, size(frame.decoded_len)?, &mut content)?;
        Ok(payload::times(&content))
    }

    /// Adds a v2 metric frame, whose times start at `slot`.
    pub(crate) fn metric_frame(
        &mut self,
        (metric, value_type): (MetricId, ValueType),
        times: &[i64],
        raws: &[u32],
        slot: Slot,
    ) -> Result<()> {
        let frame = count(slot.frame + 1)?;
        let shared = FrameTimes::Shared { frame, offset: count(slot.offset)? };
        self.raw.clear();
        self.frame((metric, value_type), times, raws, shared)
    }

    /// Adds a v1 page frame.
    pub(crate) fn page_frame(
        &mut self,
        metric: (MetricId, ValueType),
        times: &[i64],
        raws: &[u32],
    ) -> Result<()> {
        self.raw.clear();
        payload::append_times(times, &mut self.raw);
        self.frame(metric, times, raws, FrameTimes::Own)
    }

    fn frame(
        &mut self,
        (metric, value_type): (MetricId, ValueType),
        times: &[i64],
        raws: &[u32],
        shared: FrameTimes,
    ) -> Result<()> {
        if times.len() != raws.len() {
            let detail =
                format!("metric {metric}: {} times and {} values", times.len(), raws.len());
            return Err(invalid(detail));
        }
        payload::append_values(raws, &mut self.raw);
        let (start, end) = ends(times)?;
        let (payload_len, decoded_len) = self.compress()?;
        let frame = MetricFrame {
            metric,
            value_type,
            start,
            end,
            times: shared,
            point_count: count(times.len())?,
            payload_len,
            decoded_len,
        };
        let offset = self.append(|codec, out| frame.encode_header(codec, out))?;
        self.metric_frames.push((offset, frame));
        Ok(())
    }

    /// Compresses `raw` into `block` and makes sure that it can be read again.
    fn compress(&mut self) -> Result<(u32, u32)> {
        self.block.clear();
        self.restored.clear();
        let decoded_len = count(self.raw.len())?;
        self.codec.encode(&self.raw, &mut self.block);
        let mut restored = core::mem::take(&mut self.restored);
        self.decode(&self.block, self.raw.len(), &mut restored)?;
        if restored != self.raw {
            return Err(self.not_restored("other bytes"));
        }
        self.restored = restored;
        Ok((count(self.block.len())?, decoded_len))
    }

    fn decode(&self, block: &[u8], len: usize, out: &mut Vec<u8>) -> Result<()> {
        self.codec.decode(block, len, out).map_err(|error| self.not_restored(&format!("{error}")))
    }

    fn not_restored(&self, found: &str) -> Error {
        let detail =
            format!("codec {} does not restore what it compressed: {found}", self.target.codec);
        Error::corrupt(self.target.name.as_str(), self.next_offset(), detail)
    }

    /// Appends the frame of `block` and says where in the file it will be.
    fn append(&mut self, encode_header: impl FnOnce(u16, &mut Vec<u8>)) -> Result<u64> {
        let offset = self.next_offset();
        let mut header = Vec::with_capacity(frame::HEADER_LEN);
        encode_header(self.target.codec.to_u16(), &mut header);
        self.spool.append(&header)?;
        self.spool.append(&self.block)?;
        self.spool.append(&crc32(&self.block).to_le_bytes())?;
        Ok(offset)
    }

    fn next_offset(&self) -> u64 {
        self.spool.len().saturating_add(HEADER_END)
    }

    /// Writes the file and gives it its name.
    fn finish(self) -> Result<BuildReport> {
        let (header, indexes) = self.ends_of_file()?;
        let mut report = self.report();
        report.bytes = self.target.publish(&header, vec![self.spool], &indexes)?;
        Ok(report)
    }

    /// The bytes before and behind the frames.
    fn ends_of_file(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let frames = || self.metric_frames.iter().map(|(_, frame)| frame);
        let (Some(min_time), Some(max_time)) =
            (frames().map(|frame| frame.start).min(), frames().map(|frame| frame.end).max())
        else {
            return Err(invalid("a metric file needs at least one metric"));
        };
        let layout = self.layout()?;
        let partition_kind = self.target.partition_kind;
        let (mut header, mut indexes) = (Vec::new(), Vec::new());
        FileHeader { partition_kind, min_time, max_time, layout }.encode(&mut header);
        for (offset, frame) in &self.time_frames {
            frame.encode_entry(*offset, &mut indexes);
        }
        for (offset, frame) in &self.metric_frames {
            frame.encode_entry(*offset, &mut indexes);
        }
        footer::encode(layout, &mut indexes);
        Ok((header, indexes))
    }

    fn layout(&self) -> Result<Layout> {
        let metric_frames = count(self.metric_frames.len())?;
        if self.version == Version::V1 {
            return Ok(Layout::V1 { frames: metric_frames });
        }
        let time_frames = count(self.time_frames.len())?;
        let time_index = self.next_offset();
        let metric_index = time_index.saturating_add(u64::from(time_frames) * TIME_ENTRY_LEN);
        Ok(Layout::V2 { time_frames, metric_frames, time_index, metric_index })
    }

    fn report(&self) -> BuildReport {
        let frames = &self.metric_frames;
        BuildReport {
            metrics: frames.chunk_by(|(_, a), (_, b)| a.metric == b.metric).count(),
            points: frames.iter().map(|(_, frame)| u64::from(frame.point_count)).sum(),
            bytes: 0,
            time_frames: self.time_frames.len(),
        }
    }
}

pub(crate) fn ends(times: &[i64]) -> Result<(i64, i64)> {
    match (times.first(), times.last()) {
        (Some(&first), Some(&last)) => Ok((first, last)),
        _ => Err(invalid("a frame needs at least one sample")),
    }
}

pub(crate) fn count(len: usize) -> Result<u32> {
    u32::try_from(len).map_err(|_| invalid(format!("{len} in one frame, at most 4 GiB fit")))
}

pub(crate) fn size(len: u32) -> Result<usize> {
    usize::try_from(len).map_err(|_| invalid(format!("{len} bytes do not fit memory")))
}
