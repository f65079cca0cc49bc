//! What the reader says about a file and its frames.

use super::frame::{FrameTimes, MetricFrame};
use super::header::Version;
use crate::compress::CodecId;
use crate::types::{MetricId, TimeRange, Timestamp, ValueType};
use alloc::vec::Vec;

/// One frame of a metric, as the index describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameInfo {
    /// Position among the file's metric frames, from 0.
    pub index: usize,
    /// Whose samples these are.
    pub metric: MetricId,
    /// The type of the values.
    pub value_type: ValueType,
    /// From the first to the last sample's time.
    pub range: TimeRange,
    /// Number of samples.
    pub point_count: u32,
    /// Compressed bytes of the payload: values, in v1 also times; in v3 the blocks.
    pub payload_len: u32,
    /// Bytes of the payload before compression.
    pub decoded_len: u32,
    /// Where the frame is, in bytes from the start of the file.
    pub offset: u64,
    pub(crate) times: FrameTimes,
}

impl FrameInfo {
    pub(crate) const fn new(index: usize, offset: u64, frame: &MetricFrame) -> Self {
        Self {
            index,
            metric: frame.metric,
            value_type: frame.value_type,
            range: TimeRange { from: Timestamp(frame.start), to: Timestamp(frame.end) },
            point_count: frame.point_count,
            payload_len: frame.payload_len,
            decoded_len: frame.decoded_len,
            offset,
            times: frame.times,
        }
    }

    pub(crate) const fn frame(&self) -> MetricFrame {
        MetricFrame {
            metric: self.metric,
            value_type: self.value_type,
            start: self.range.from.0,
            end: self.range.to.0,
            times: self.times,
            point_count: self.point_count,
            payload_len: self.payload_len,
            decoded_len: self.decoded_len,
        }
    }

    /// What identifies this frame's times within its file: frames of equal keys share them.
    pub fn times_key(&self) -> usize {
        match self.times {
            FrameTimes::Own => self.index,
            FrameTimes::Shared { frame, .. } => usize::try_from(frame).unwrap_or(usize::MAX),
        }
    }
}

/// A frame, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the index says of it.
    pub info: FrameInfo,
    /// What its payload was compressed with; nothing in v3.
    pub codec: Option<CodecId>,
    /// The samples' times, non-decreasing.
    pub times: Vec<i64>,
    /// The samples' values as they are on disk, see [`crate::types::Value::from_raw`].
    pub raws: Vec<u32>,
}

/// A metric file in numbers, from header and indexes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The layout.
    pub version: Version,
    /// 1 day, 2 month, 3 year, 4 forever.
    pub partition_kind: u8,
    /// What the first frame is compressed with; nothing in v3.
    pub codec: Option<CodecId>,
    /// Length of the file.
    pub bytes: u64,
    /// Number of shared time vectors; 0 in v1.
    pub time_frames: usize,
    /// Number of metric frames.
    pub frames: usize,
    /// Number of different metrics.
    pub metrics: usize,
    /// Number of samples.
    pub points: u64,
    /// From the first to the last time in the file.
    pub range: TimeRange,
}
