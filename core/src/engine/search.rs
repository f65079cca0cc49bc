//! Looking for intact frames among bytes that may hold anything (D-06).
//!
//! A frame is known by the checksum of its payload, and any byte may begin something that looks
//! like a header. To keep that from costing a payload for each byte, checksums of the file are
//! taken as it is read, every [`BLOCK`] bytes; the checksum of any stretch follows from those at
//! its ends. A payload is decoded only where its checksum is right. So each byte is read once, and
//! decoded at most once, whatever the file holds.

use super::files::FrameEntry;
use crate::codec::checksum::{crc32, crc32_joined};
use crate::compress::BlockCodec;
use crate::page::frame::{CHECKSUM_LEN, FrameHeader, MAX_HEADER_LEN};
use crate::page::{MAX_RECORDS, Payload, frame};
use crate::partition::Partition;
use crate::storage::{self, StorageFile};
use crate::types::Timestamp;
use alloc::vec::Vec;

/// Bytes from one checksum that is kept to the next.
const BLOCK: usize = 64;
/// Bytes read at a time.
const READ: usize = 256 * 1024;

/// What is at a place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No frame that is whole.
    Nothing,
    /// A payload with the right checksum that is not what the header says: the header is
    /// damaged, or the writer was at fault. No other frame begins inside it.
    Unusable(FrameEntry),
    /// A frame.
    Frame(FrameEntry),
}

/// Reads a file from front to back.
pub(super) struct Search<'a, F> {
    file: &'a F,
    len: u64,
    codec: &'a dyn BlockCodec,
    /// Where in the file `bytes` begin.
    base: u64,
    bytes: Vec<u8>,
    /// Checksums of everything from some byte of the file to every [`BLOCK`]th byte of `bytes`.
    sums: Vec<u32>,
    page: Payload,
}

impl<'a, F: StorageFile> Search<'a, F> {
    /// A search in the first `len` bytes of a file.
    pub(super) fn new(file: &'a F, len: u64, codec: &'a dyn BlockCodec) -> Self {
        let (bytes, sums, page) = (Vec::new(), Vec::new(), Payload::default());
        Self { file, len, codec, base: 0, bytes, sums, page }
    }

    /// The first intact frame of the partition that begins at `from` or behind.
    pub(super) fn next(
        &mut self,
        from: u64,
        partition: Partition,
    ) -> storage::Result<Option<FrameEntry>> {
        let mut at = from;
        while at < self.len {
            at = match self.at(at, Some(partition))? {
                Found::Nothing => at + 1,
                Found::Unusable(frame) => frame.end_offset(),
                Found::Frame(frame) => return Ok(Some(frame)),
            };
        }
        Ok(None)
    }

    /// What begins at `offset`: of this partition, if one is given, which rules out almost
    /// everything that is no header.
    pub(super) fn at(
        &mut self,
        offset: u64,
        partition: Option<Partition>,
    ) -> storage::Result<Found> {
        self.fill(offset)?;
        let Some(front) = self.stretch(offset, MAX_HEADER_LEN) else { return Ok(Found::Nothing) };
        let Ok(header) = FrameHeader::decode(front) else { return Ok(Found::Nothing) };
        let entry = FrameEntry { offset, header };
        if entry.end_offset() > self.len
            || partition.is_some_and(|partition| !is_inside(&header, partition))
            || !self.has_right_checksum(&entry)
        {
            return Ok(Found::Nothing);
        }
        let mut page = core::mem::take(&mut self.page);
        let decoded = header.decode_page(self.frame(&entry), self.codec, &mut page);
        self.page = page;
        Ok(if decoded.is_ok() { Found::Frame(entry) } else { Found::Unusable(entry) })
    }

    /// The bytes of the frame found last.
    pub(super) fn frame(&self, entry: &FrameEntry) -> &[u8] {
        self.stretch(entry.offset, entry.header.frame_len()).unwrap_or_default()
    }

    /// The samples of the frame found last.
    pub(super) const fn page(&self) -> &Payload {
        &self.page
    }

    /// Up to `len` bytes of the file from `offset` on.
    fn stretch(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.base)?).ok()?;
        self.bytes.get(start..start.saturating_add(len).min(self.bytes.len()))
    }

    fn has_right_checksum(&self, entry: &FrameEntry) -> bool {
        let frame = self.frame(entry);
        let Some((payload, stored)) = frame.split_last_chunk::<CHECKSUM_LEN>() else {
            return false;
        };
        let (from, len) = (usize::from(entry.header.header_len), frame.len());
        let start = entry.offset.saturating_sub(self.base);
        let Ok(start) = usize::try_from(start) else { return false };
        let (from, to) = (start.saturating_add(from), start.saturating_add(payload.len()));
        let (Some(front), Some(whole)) = (self.sum(from), self.sum(to)) else { return false };
        let payload_len = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        len == entry.header.frame_len()
            && crc32_joined(front, whole, payload_len) == u32::from_le_bytes(*stored)
    }

    /// The checksum of everything up to byte `to` of `bytes`.
    fn sum(&self, to: usize) -> Option<u32> {
        let rest = self.bytes.get(to / BLOCK * BLOCK..to)?;
        let before = self.sums.get(to / BLOCK)?;
        Some(crc32_joined(*before, crc32(rest), u64::try_from(rest.len()).ok()?))
    }

    /// Sees to it that a frame that begins at `offset` is in memory as a whole.
    fn fill(&mut self, offset: u64) -> storage::Result<()> {
        let held = self.base.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(0));
        let wanted = offset.saturating_add(max_frame_len()).min(self.len);
        if (self.base..=held).contains(&offset) && wanted <= held && !self.sums.is_empty() {
            return Ok(());
        }
        if self.sums.is_empty() || !(self.base..=held).contains(&offset) {
            self.base = offset;
            self.bytes.clear();
            self.sums.clear();
            self.sums.push(0);
        }
        let passed = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(0) / BLOCK;
        self.sums.drain(..passed.min(self.sums.len().saturating_sub(1)));
        self.bytes.drain(..(passed * BLOCK).min(self.bytes.len()));
        self.base = self.base.saturating_add(u64::try_from(passed * BLOCK).unwrap_or(0));
        let have = self.bytes.len();
        let end = wanted.saturating_add(u64::try_from(READ).unwrap_or(0)).min(self.len);
        let want = usize::try_from(end.saturating_sub(self.base)).unwrap_or(have);
        self.bytes.resize(want.max(have), 0);
        let from = self.base.saturating_add(u64::try_from(have).unwrap_or(0));
        let read = self.file.read_at(from, self.bytes.get_mut(have..).unwrap_or_default())?;
        self.bytes.truncate(have.saturating_add(read));
        if read < want.saturating_sub(have) {
            self.len = from.saturating_add(u64::try_from(read).unwrap_or(0)); // it was cut meanwhile
        }
        self.extend_sums();
        Ok(())
    }

    fn extend_sums(&mut self) {
        let known = self.sums.len().saturating_sub(1);
        let mut sum = self.sums.last().copied().unwrap_or(0);
        let blocks = self.bytes.get(known * BLOCK..).unwrap_or_default().chunks_exact(BLOCK);
        for block in blocks {
            sum = crc32_joined(sum, crc32(block), BLOCK as u64);
            self.sums.push(sum);
        }
    }
}

/// Whether a frame's times are those of a partition.
pub(super) fn is_inside(header: &FrameHeader, partition: Partition) -> bool {
    let range = partition.range();
    range.contains(Timestamp(header.start)) && range.contains(Timestamp(header.end))
}

/// Bytes of the longest frame.
fn max_frame_len() -> u64 {
    let records = u16::try_from(MAX_RECORDS).unwrap_or(u16::MAX);
    let around = u64::try_from(MAX_HEADER_LEN + CHECKSUM_LEN).unwrap_or(0);
    u64::from(frame::max_payload_len(records)) + around
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
