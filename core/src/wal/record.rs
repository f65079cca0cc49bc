//! Log record: one sample, behind its length.
//!
//! | part     | size | type    | present         | meaning                                        |
//! |----------|-----:|---------|-----------------|------------------------------------------------|
//! | length   | 1–10 | uvarint | always          | bytes of payload that follow                   |
//! | `id`     |    2 | u16 LE  | always          | metric id                                      |
//! | `delta`  |    3 | u24 LE  | always          | nanoseconds since the baseline; 0 with bit 7   |
//! | `flags`  |    1 | u8      | always          | the bits below                                 |
//! | baseline |    8 | i64 LE  | bit 7 (`0x80`)  | this record's time, and the new baseline       |
//! | name     | 1+n+1| u8, bytes, u8 | bit 6 (`0x40`) | length, metric name, value type (1, 2; 0 = unknown) |
//! | value    |    4 | bytes   | always          | raw value                                      |
//! | checksum |    4 | u32 LE  | bit 5 (`0x20`)  | CRC-32 of the payload up to here               |
//! | anchor   | 8+4  | u64, u32 LE | bit 4 (`0x10`) | see [`Record::anchor`]; CRC-32 of the payload up to it |
//!
//! The reference ignores bits 0 to 5 and whatever follows the value, so it reads records with
//! checksum and anchor as it reads its own. It writes neither.
//!
//! The checksum does not cover the length in front of the payload, so this reader also wants the
//! fields to fill the payload exactly, which they do in every log that was ever written. A length
//! that grew would otherwise swallow the next records unnoticed.

use crate::codec::{Reader, checksum, varint};
use crate::types::ValueType;
use alloc::vec::Vec;
use core::fmt;

/// Bytes of the shortest payload.
pub const MIN_PAYLOAD_LEN: usize = 10;
/// Longest metric name: one byte counts it.
pub const MAX_NAME_LEN: usize = 255;
/// Bytes of the longest record this crate writes: length, all fields, checksum and anchor.
pub const MAX_RECORD_LEN: usize = 2 + 6 + 8 + (1 + MAX_NAME_LEN + 1) + 4 + 4 + 12;

const BASELINE: u8 = 0x80;
const NAMED: u8 = 0x40;
const CHECKED: u8 = 0x20;
const ANCHORED: u8 = 0x10;
const MAX_DELTA: u32 = 0x00ff_ffff;
const CRC_LEN: usize = 4;
const ANCHOR_LEN: usize = 8 + CRC_LEN;

/// What one record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The metric; 0 is damage, but readable.
    pub id: u16,
    /// When it was measured, nanoseconds.
    pub time: i64,
    /// The raw value.
    pub raw: u32,
    /// Name and type, in the record that introduces a metric.
    pub introduces: Option<Introduction<'a>>,
    /// Length in bytes of the data file of the sample's partition when this log first took a
    /// sample of that partition. Frames from there on may hold samples that are also in the log;
    /// frames before it cannot, so replay knows exactly where to look for duplicates.
    pub anchor: Option<u64>,
    /// Whether the record sets the baseline and so can be read on its own.
    pub has_baseline: bool,
    /// Whether a checksum protects it.
    pub checked: bool,
}

/// Name and type of a metric that the stored catalog may not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Introduction<'a> {
    /// The metric's name as stored; the reference may have written bytes that are not UTF-8.
    pub name: &'a [u8],
    /// The metric's type, unless the record leaves it open.
    pub value_type: Option<ValueType>,
}

/// Why no record could be decoded, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// The length is cut short or overlong.
    BadLength,
    /// Fewer bytes are left than the length says.
    Truncated {
        /// What the length says.
        expected: u64,
        /// Bytes left.
        found: usize,
    },
    /// A payload has at least [`MIN_PAYLOAD_LEN`] bytes; runs of zeros end here.
    TooShort(usize),
    /// A field lies outside the payload.
    FieldOutside,
    /// The fields end before the payload does; neither engine writes such a record. The bytes
    /// left over.
    Leftover(usize),
    /// The payload is not what was written.
    Checksum {
        /// The checksum in the record.
        stored: u32,
        /// The checksum of the payload.
        computed: u32,
    },
    /// The value type is none of 0, 1, 2.
    BadType(u8),
    /// The record counts from a baseline that is not there. Its length in bytes, with which a
    /// reader may step over it as the reference does.
    NoBaseline(usize),
    /// The same in a record with a checksum, which is never written so: the record with the
    /// baseline was lost.
    LostBaseline,
    /// The record would have a checksum if its flags were others, or it counts from the baseline
    /// of a record with a checksum, which no engine writes: the flags are damaged. Only
    /// [`super::Records`] knows the record before and finds this.
    Unchecked,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadLength => f.write_str("record length is cut short or overlong"),
            Self::Truncated { expected, found } => {
                write!(f, "record of {expected} bytes, {found} are left")
            }
            Self::TooShort(found) => {
                write!(f, "record payload of {found} bytes, expected at least {MIN_PAYLOAD_LEN}")
            }
            Self::FieldOutside => f.write_str("a field lies outside the record"),
            Self::Leftover(found) => write!(f, "{found} bytes follow the fields of the record"),
            Self::Checksum { stored, computed } => {
                write!(f, "record checksum is {stored:08x}, expected {computed:08x}")
            }
            Self::BadType(found) => write!(f, "value type is {found}, expected 1 or 2"),
            Self::NoBaseline(_) | Self::LostBaseline => {
                f.write_str("the record counts from a baseline that is missing")
            }
            Self::Unchecked => f.write_str("the record has lost the flag of its checksum"),
        }
    }
}

/// What a writer remembers between records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encoder {
    baseline: Option<i64>,
}

impl Encoder {
    /// Appends one sample with its checksum to `out`. A `name` longer than [`MAX_NAME_LEN`] is
    /// cut, so callers check names first.
    pub fn encode(
        &mut self,
        (id, time, raw): (u16, i64, u32),
        introduces: Option<(&str, ValueType)>,
        anchor: Option<u64>,
        out: &mut Vec<u8>,
    ) {
        let delta = self.delta(time);
        let name = introduces.map(|(name, value_type)| {
            (name.as_bytes().get(..MAX_NAME_LEN).unwrap_or(name.as_bytes()), value_type)
        });
        let mut len = MIN_PAYLOAD_LEN + CRC_LEN;
        let mut flags = CHECKED;
        if delta.is_none() {
            flags |= BASELINE;
            len += 8;
        }
        if let Some((name, _)) = name {
            flags |= NAMED;
            len += 1 + name.len() + 1;
        }
        if anchor.is_some() {
            flags |= ANCHORED;
            len += ANCHOR_LEN;
        }
        out.reserve(MAX_RECORD_LEN);
        varint::encode(u64::try_from(len).unwrap_or(0), out);
        let start = out.len();
        let [id_low, id_high] = id.to_le_bytes();
        let [a, b, c, _] = delta.unwrap_or(0).to_le_bytes();
        out.extend_from_slice(&[id_low, id_high, a, b, c, flags]);
        if delta.is_none() {
            self.baseline = Some(time);
            out.extend_from_slice(&time.to_le_bytes());
        }
        if let Some((name, value_type)) = name {
            out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name);
            out.push(value_type.byte());
        }
        out.extend_from_slice(&raw.to_le_bytes());
        push_checksum(out, start);
        if let Some(anchor) = anchor {
            out.extend_from_slice(&anchor.to_le_bytes());
            push_checksum(out, start);
        }
    }

    /// The distance to the baseline, or nothing when a new one is needed.
    fn delta(self, time: i64) -> Option<u32> {
        let distance = time.checked_sub(self.baseline?)?;
        u32::try_from(distance).ok().filter(|&distance| distance <= MAX_DELTA)
    }
}

/// Appends the checksum of everything from `start` on.
fn push_checksum(out: &mut Vec<u8>, start: usize) {
    let crc = checksum::crc32(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Decodes the record at the front of `bytes`; `baseline` is the last one seen, and is replaced
/// when the record sets another. Returns the record and its length in bytes.
///
/// # Errors
///
/// [`RecordError`]; `baseline` is as it was.
pub fn decode<'a>(
    bytes: &'a [u8],
    baseline: &mut Option<i64>,
) -> Result<(Record<'a>, usize), RecordError> {
    let (expected, prefix_len) = varint::decode(bytes).map_err(|_| RecordError::BadLength)?;
    let rest = bytes.get(prefix_len..).unwrap_or_default();
    let payload = usize::try_from(expected).ok().and_then(|len| rest.get(..len));
    let payload = payload.ok_or(RecordError::Truncated { expected, found: rest.len() })?;
    let record_len = prefix_len + payload.len();
    if payload.len() < MIN_PAYLOAD_LEN {
        return Err(RecordError::TooShort(payload.len()));
    }
    // The reference steps over a record without a baseline before it looks at anything else.
    // One that carries a checksum is looked at first: it may have lost the baseline's flag.
    let flags = payload.get(5).copied().unwrap_or(0);
    if flags & (BASELINE | CHECKED) == 0 && baseline.is_none() {
        return Err(RecordError::NoBaseline(record_len));
    }
    let fields = Fields::read(payload)?;
    fields.check(payload)?;
    let introduces = fields.introduction()?;
    let time = match (fields.baseline, *baseline) {
        (Some(time), _) => time,
        (None, Some(base)) => base.wrapping_add(i64::from(fields.delta)),
        // One without a checksum was stepped over above.
        (None, None) => return Err(RecordError::LostBaseline),
    };
    if fields.baseline.is_some() {
        *baseline = Some(time);
    }
    let record = Record {
        id: fields.id,
        time,
        raw: fields.raw,
        introduces,
        anchor: fields.anchor.map(|(anchor, _)| anchor),
        has_baseline: fields.baseline.is_some(),
        checked: fields.checksum.is_some(),
    };
    Ok((record, record_len))
}

/// Whether the end of a record is the checksum of what it would be with other flags.
pub(super) fn lost_its_flag(record: &[u8]) -> bool {
    let payload = varint::decode(record).ok().and_then(|(_, prefix)| record.get(prefix..));
    let Some((body, stored)) = payload.and_then(<[u8]>::split_last_chunk::<4>) else {
        return false;
    };
    let body = heapless::Vec::<u8, MAX_RECORD_LEN>::from_slice(body);
    let Ok(mut body) = body else { return false };
    let candidates = (CHECKED..=0xf0).step_by(0x10).filter(|flags| flags & CHECKED != 0);
    candidates.into_iter().any(|flags| {
        if let Some(found) = body.get_mut(5) {
            *found = flags;
        }
        checksum::crc32(&body) == u32::from_le_bytes(*stored)
    })
}

/// A payload cut into its fields, nothing believed yet.
struct Fields<'a> {
    id: u16,
    delta: u32,
    baseline: Option<i64>,
    named: Option<(&'a [u8], u8)>,
    raw: u32,
    /// Checksum and the offset it stands at.
    checksum: Option<(u32, usize)>,
    /// Anchor and, when the payload has room for it, its checksum and offset.
    anchor: Option<(u64, (u32, usize))>,
    /// Bytes of payload that the fields take.
    len: usize,
}

impl<'a> Fields<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, RecordError> {
        Self::read_all(payload).ok_or(RecordError::FieldOutside)
    }

    fn read_all(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let id = reader.u16()?;
        let [a, b, c] = reader.array::<3>()?;
        let flags = reader.u8()?;
        let baseline = if flags & BASELINE == 0 { None } else { Some(reader.i64()?) };
        let named = if flags & NAMED == 0 {
            None
        } else {
            let len = usize::from(reader.u8()?);
            Some((reader.bytes(len)?, reader.u8()?))
        };
        let raw = reader.u32()?;
        let mut checksum = None;
        if flags & CHECKED != 0 {
            let offset = reader.position();
            checksum = Some((reader.u32()?, offset));
        }
        let mut anchor = None;
        if flags & ANCHORED != 0 {
            let value = reader.u64()?;
            let offset = reader.position();
            anchor = Some((value, (reader.u32()?, offset)));
        }
        let delta = u32::from_le_bytes([a, b, c, 0]);
        Some(Self { id, delta, baseline, named, raw, checksum, anchor, len: reader.position() })
    }

    fn check(&self, payload: &[u8]) -> Result<(), RecordError> {
        let leftover = payload.len().saturating_sub(self.len);
        if leftover > 0 {
            return Err(RecordError::Leftover(leftover));
        }
        let anchor = self.anchor.map(|(_, checksum)| checksum);
        for (stored, offset) in self.checksum.into_iter().chain(anchor) {
            let computed = checksum::crc32(payload.get(..offset).unwrap_or_default());
            if stored != computed {
                return Err(RecordError::Checksum { stored, computed });
            }
        }
        Ok(())
    }

    fn introduction(&self) -> Result<Option<Introduction<'a>>, RecordError> {
        let Some((name, type_byte)) = self.named else { return Ok(None) };
        let value_type = ValueType::from_byte(type_byte);
        if value_type.is_none() && type_byte != 0 {
            return Err(RecordError::BadType(type_byte));
        }
        Ok(Some(Introduction { name, value_type }))
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
pub(crate) mod tests;
