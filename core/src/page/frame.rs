//! Page frame: one page of samples in a data file.
//!
//! | offset | size | field          | type    | meaning                                    |
//! |-------:|-----:|----------------|---------|--------------------------------------------|
//! |      0 |    8 | `start`        | i64 LE  | time of the first record, nanoseconds      |
//! |      8 |    8 | `end`          | i64 LE  | time of the last record                    |
//! |     16 |    2 | `record_count` | u16 LE  | records, at least 1                        |
//! |     18 |    v | `payload_len`  | uvarint | bytes of payload                           |
//! |   18+v |    P | payload        | S2      | decodes to 14 bytes a record, see [`super::payload`] |
//! | 18+v+P |    4 | `checksum`     | u32 LE  | CRC-32 of the payload bytes                |
//!
//! The header is not covered by the checksum, so a decoded page is checked against it.

use crate::codec::varint::{self, VarintError};
use crate::codec::{Reader, Writer, checksum};
use crate::compress::{BlockCodec, BlockError};
use crate::page::payload::{self, Payload, RECORD_LEN};
use alloc::vec::Vec;
use core::fmt;

/// Bytes before the payload length.
pub const FIXED_LEN: usize = 18;
/// Longest header: the fixed part and the longest length.
pub const MAX_HEADER_LEN: usize = FIXED_LEN + varint::MAX_LEN;
/// Bytes behind the payload.
pub const CHECKSUM_LEN: usize = 4;

/// The fields in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Time of the first record, nanoseconds.
    pub start: i64,
    /// Time of the last record, nanoseconds.
    pub end: i64,
    /// Records in the page, at least 1.
    pub record_count: u16,
    /// Bytes of compressed payload.
    pub payload_len: u32,
    /// Bytes of this header as it stands in the file (a length may be padded).
    pub header_len: u8,
}

/// One variant for each check, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes end inside the frame. At the end of a file this is a torn append.
    Truncated,
    /// The payload length needs more than 64 bits.
    LengthOverflow,
    /// A page has at least one record.
    NoRecords,
    /// The last record is before the first.
    TimesReversed {
        /// The header's first time.
        start: i64,
        /// The header's last time.
        end: i64,
    },
    /// No encoder makes a payload this long from that many records.
    PayloadTooLarge {
        /// The longest a payload of this many records can be, in bytes.
        limit: u32,
        /// What the header says.
        found: u64,
    },
    /// Records take at least a byte: zeros where a length should be, behind which the checksum
    /// of nothing is zero, too.
    NoPayload,
    /// The payload is not what was written.
    Checksum {
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the payload.
        computed: u32,
    },
    /// The payload does not decompress.
    Payload(BlockError),
    /// The header disagrees with the times in the payload.
    TimesDiffer {
        /// The header's first and last time.
        header: (i64, i64),
        /// The payload's first and last time.
        payload: (i64, i64),
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the page frame is cut short"),
            Self::LengthOverflow => f.write_str("the payload length needs more than 64 bits"),
            Self::NoRecords => {
                f.write_str("the frame header counts 0 records, expected 1 to 65535")
            }
            Self::TimesReversed { start, end } => {
                write!(f, "the frame header ends ({end} ns) before it starts ({start} ns)")
            }
            Self::PayloadTooLarge { limit, found } => {
                write!(f, "payload of {found} bytes, expected at most {limit} for its record count")
            }
            Self::NoPayload => f.write_str("the frame header says that the payload has 0 bytes"),
            Self::Checksum { stored, computed } => {
                write!(f, "payload checksum is {stored:08x}, expected {computed:08x}")
            }
            Self::Payload(error) => write!(f, "payload does not decompress: {error:?}"),
            Self::TimesDiffer { header, payload } => write!(
                f,
                "frame header says {} to {} ns, its records are {} to {} ns",
                header.0, header.1, payload.0, payload.1
            ),
        }
    }
}

impl FrameHeader {
    /// Decodes the header at the front of `bytes`.
    ///
    /// # Errors
    ///
    /// The first check that fails, up to [`FrameError::PayloadTooLarge`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes);
        let (Some(start), Some(end), Some(record_count)) =
            (reader.i64(), reader.i64(), reader.u16())
        else {
            return Err(FrameError::Truncated);
        };
        let (payload_len, varint_len) = varint::decode(reader.rest()).map_err(|e| match e {
            VarintError::Truncated => FrameError::Truncated,
            VarintError::Overflow => FrameError::LengthOverflow,
        })?;
        if record_count == 0 {
            return Err(FrameError::NoRecords);
        }
        if end < start {
            return Err(FrameError::TimesReversed { start, end });
        }
        let limit = max_payload_len(record_count);
        let payload_len = u32::try_from(payload_len)
            .ok()
            .filter(|&len| len <= limit)
            .ok_or(FrameError::PayloadTooLarge { limit, found: payload_len })?;
        if payload_len == 0 {
            return Err(FrameError::NoPayload);
        }
        let header_len = u8::try_from(FIXED_LEN + varint_len).unwrap_or(u8::MAX);
        Ok(Self { start, end, record_count, payload_len, header_len })
    }

    /// Bytes of the whole frame.
    pub fn frame_len(&self) -> usize {
        let payload_len = usize::try_from(self.payload_len).unwrap_or(usize::MAX);
        usize::from(self.header_len).saturating_add(payload_len).saturating_add(CHECKSUM_LEN)
    }

    /// Bytes the payload decompresses to.
    pub fn decoded_len(&self) -> usize {
        usize::from(self.record_count) * RECORD_LEN
    }

    /// Decodes the page whose whole frame is `frame`, into the buffer of `into`.
    ///
    /// # Errors
    ///
    /// [`FrameError`] when the frame is damaged; `into` then holds no page.
    pub fn decode_page(
        &self,
        frame: &[u8],
        codec: &dyn BlockCodec,
        into: &mut Payload,
    ) -> Result<(), FrameError> {
        let payload = self.checked_payload(frame)?;
        into.refill(self.record_count, |buffer| codec.decode(payload, self.decoded_len(), buffer))
            .map_err(FrameError::Payload)?;
        let found = into.bounds();
        if found != (self.start, self.end) {
            let error = FrameError::TimesDiffer { header: (self.start, self.end), payload: found };
            return Err(error);
        }
        Ok(())
    }

    /// The metric ids in the page whose whole frame is `frame`, little-endian, into `buffer`:
    /// times and values stay packed.
    ///
    /// # Errors
    ///
    /// [`FrameError`] when the frame is damaged.
    pub fn decode_ids<'b>(
        &self,
        frame: &[u8],
        codec: &dyn BlockCodec,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [[u8; 2]], FrameError> {
        let payload = self.checked_payload(frame)?;
        let wanted = usize::from(self.record_count) * 2;
        buffer.clear();
        codec
            .decode_front(payload, self.decoded_len(), wanted, buffer)
            .map_err(FrameError::Payload)?;
        Ok(buffer.as_chunks().0)
    }

    /// The payload bytes of `frame`, checksum verified.
    ///
    /// # Errors
    ///
    /// `Truncated` or `Checksum`.
    pub fn checked_payload<'a>(&self, frame: &'a [u8]) -> Result<&'a [u8], FrameError> {
        let payload_end = self.frame_len() - CHECKSUM_LEN;
        let payload = frame.get(usize::from(self.header_len)..payload_end);
        let stored = frame.get(payload_end..).and_then(|rest| Reader::new(rest).u32());
        let (Some(payload), Some(stored)) = (payload, stored) else {
            return Err(FrameError::Truncated);
        };
        let computed = checksum::crc32(payload);
        if stored != computed {
            return Err(FrameError::Checksum { stored, computed });
        }
        Ok(payload)
    }
}

/// The bytes in front of a payload of `payload_len` bytes.
pub fn encode_header(
    start: i64,
    end: i64,
    record_count: u16,
    payload_len: usize,
) -> heapless::Vec<u8, MAX_HEADER_LEN> {
    let mut header = heapless::Vec::new();
    let mut put = |bytes: &[u8]| {
        let fits = header.extend_from_slice(bytes);
        debug_assert!(fits.is_ok(), "MAX_HEADER_LEN covers the longest header");
    };
    put(&start.to_le_bytes());
    put(&end.to_le_bytes());
    put(&record_count.to_le_bytes());
    let mut len = payload_len;
    while len >= 0x80 {
        let [low, ..] = u64::try_from(len).unwrap_or(u64::MAX).to_le_bytes();
        put(&[low | 0x80]);
        len >>= 7;
    }
    put(&[u8::try_from(len).unwrap_or(0x7f)]);
    header
}

/// Longest payload that is plausible for so many records: S2 never grows its input by more than
/// a literal header every 64 bytes or so; the reference stays far below this.
pub fn max_payload_len(record_count: u16) -> u32 {
    let decoded = u32::from(record_count) * 14;
    decoded + decoded / 6 + 32
}

/// Appends the frame of one page to `out` and says how long its payload is. `records` are in page
/// order, times non-decreasing.
pub fn encode(records: &payload::Columns, codec: &dyn BlockCodec, out: &mut Vec<u8>) -> usize {
    let (Some(&start), Some(&end)) = (records.times.first(), records.times.last()) else {
        return 0; // a page without records has no frame
    };
    let mut plain = Vec::with_capacity(records.ids.len() * RECORD_LEN);
    records.encode(&mut plain);
    let mut block = Vec::with_capacity(plain.len() / 3);
    codec.encode(&plain, &mut block);
    let record_count = u16::try_from(records.ids.len()).unwrap_or(u16::MAX);
    let header = encode_header(start, end, record_count, block.len());
    let mut writer = Writer::new(out);
    writer.bytes(&header).bytes(&block).u32(checksum::crc32(&block));
    block.len()
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
