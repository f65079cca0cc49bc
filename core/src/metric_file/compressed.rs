//! Reading v1 and v2: frames of compressed bytes behind headers.

use super::frame::{self, FrameError, FrameTimes, MetricFrame, TimeFrame};
use super::header::FileHeader;
use super::info::{Frame, FrameInfo};
use super::payload;
use super::source::{Opened, Source};
use crate::compress::{CodecId, Codecs};
use crate::error::{Error, Result};
use crate::storage::StorageFile;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

/// The name and value of a header field.
type Field = (&'static str, i64);

/// What is known of a v1 or v2 file beside its entries.
#[derive(Debug)]
pub(crate) struct Compressed {
    codecs: Codecs,
    /// What the first frame is compressed with.
    pub(crate) codec: CodecId,
    pub(crate) time_frames: Vec<(u64, TimeFrame)>,
    /// Which entries were found equal to their frame's header; atomic so that readers can share
    /// the open file.
    verified: Vec<AtomicBool>,
}

impl Compressed {
    /// Reads indexes and footer; the entries are apart.
    pub(crate) fn open<F: StorageFile>(
        source: &Source<'_, F>,
        header: &FileHeader,
        front: &[u8],
        codecs: &Codecs,
    ) -> Result<(Self, Vec<FrameInfo>)> {
        let Opened { codec, time_frames, entries } = source.open(header, front)?;
        let verified = entries.iter().map(|_| AtomicBool::new(false)).collect();
        Ok((Self { codecs: *codecs, codec, time_frames, verified }, entries))
    }

    /// Bytes it takes in memory, about.
    pub(crate) fn size(&self) -> usize {
        self.verified.capacity() * size_of::<AtomicBool>()
            + self.time_frames.capacity() * size_of::<(u64, TimeFrame)>()
    }
}

/// A v1 or v2 file whose indexes have been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a, F> {
    pub(crate) source: Source<'a, F>,
    pub(crate) file: &'a Compressed,
    pub(crate) entries: &'a [FrameInfo],
}

impl<F: StorageFile> Reader<'_, F> {
    pub(crate) fn verify_entries(&self, from: usize, to: usize) -> Result<()> {
        let entries = self.entries.get(from..to).unwrap_or_default();
        let verified = self.file.verified.get(from..to).unwrap_or_default();
        for (entry, verified) in entries.iter().zip(verified) {
            if !verified.load(Ordering::Relaxed) {
                let bytes = self.source.read(entry.offset, frame::HEADER_LEN)?;
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

    pub(crate) fn read_time_frame(&self, id: u32) -> Result<Vec<i64>> {
        let (offset, expected) = usize::try_from(id)
            .ok()
            .and_then(|id| id.checked_sub(1))
            .and_then(|index| self.file.time_frames.get(index))
            .ok_or_else(|| {
                self.source.corrupt(0, format!("time frame {id} is not in the index"))
            })?;
        let bytes = self.frame_bytes(*offset, expected.payload_len)?;
        let decoded = TimeFrame::decode_header(&bytes);
        let (codec, found) = decoded.map_err(|error| self.bad_frame(*offset, &error))?;
        if found != *expected {
            return Err(self.differs(*offset, &found.fields(), &expected.fields()));
        }
        let (_, content) = self.content(*offset, &bytes, codec, expected.decoded_len)?;
        let times = payload::times(&content);
        self.source.check_order(*offset, &times)?;
        self.source.check_ends(*offset, &times, (expected.start, expected.end))?;
        Ok(times)
    }

    pub(crate) fn read_metric_frame(&self, entry: &FrameInfo) -> Result<(CodecId, Vec<u32>)> {
        let (codec, content) = self.entry_content(entry)?;
        Ok((codec, payload::values(&content)))
    }

    pub(crate) fn read_page(&self, entry: &FrameInfo) -> Result<Frame> {
        let (codec, content) = self.entry_content(entry)?;
        let split = content.len() / 12 * 8;
        let (times, raws) = content.split_at_checked(split).unwrap_or_default();
        let times = payload::times(times);
        self.source.check_order(entry.offset, &times)?;
        self.source.check_ends(entry.offset, &times, (entry.range.from.0, entry.range.to.0))?;
        Ok(Frame { info: *entry, codec: Some(codec), times, raws: payload::values(raws) })
    }

    fn entry_content(&self, entry: &FrameInfo) -> Result<(CodecId, Vec<u8>)> {
        let bytes = self.frame_bytes(entry.offset, entry.payload_len)?;
        let codec = self.check_header(entry, &bytes)?;
        if let Some(verified) = self.file.verified.get(entry.index) {
            verified.store(true, Ordering::Relaxed);
        }
        self.content(entry.offset, &bytes, codec, entry.decoded_len)
    }

    fn frame_bytes(&self, offset: u64, payload_len: u32) -> Result<Vec<u8>> {
        let len = u64::from(payload_len) + frame::OVERHEAD;
        self.source.count_payload(payload_len.into());
        self.source.read(offset, self.source.fitting(offset, len)?)
    }

    /// The decoded payload of the frame in `bytes`, whose header has been checked.
    fn content(
        &self,
        offset: u64,
        bytes: &[u8],
        codec: u16,
        decoded_len: u32,
    ) -> Result<(CodecId, Vec<u8>)> {
        let block = self.source.checked_payload(offset, bytes)?;
        let codec = self.source.codec(offset, codec)?;
        let decoder = self.file.codecs.get(codec);
        let decoded_len = self.source.usize(u64::from(decoded_len))?;
        let mut content = Vec::new();
        decoder
            .decode(block, decoded_len, &mut content)
            .map_err(|error| self.source.corrupt(offset, format!("{codec} payload: {error}")))?;
        if content.len() != decoded_len {
            let detail = format!("payload: found {} bytes, expected {decoded_len}", content.len());
            return Err(self.source.corrupt(offset, detail));
        }
        Ok((codec, content))
    }

    fn bad_frame(&self, offset: u64, error: &FrameError) -> Error {
        self.source.corrupt(offset, format!("{error}"))
    }

    fn differs(&self, offset: u64, found: &[Field], expected: &[Field]) -> Error {
        let mut pairs = found.iter().zip(expected);
        let detail = match pairs.find(|(found, expected)| found != expected) {
            Some(((name, found), (_, expected))) => {
                format!("frame header: {name}: found {found}, expected {expected} as in the index")
            }
            None => String::from("frame header: found another than in the index"),
        };
        self.source.corrupt(offset, detail)
    }
}
