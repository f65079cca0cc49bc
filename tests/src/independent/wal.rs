//! The write-ahead log.

use super::bytes::{Cursor, crc32};
use super::{Problem, value_type};
use std::borrow::Cow;
use std::fmt;

/// A decoded log.
#[derive(Debug, Clone, Default)]
pub struct Wal {
    /// Its file name.
    pub name: String,
    /// Its length in bytes.
    pub len: usize,
    /// Every record a reader yields.
    pub records: Vec<WalRecord>,
    /// Why reading stopped before the end, if it did.
    pub stop: Option<Stop>,
    /// Where the last record that was read ends; what follows is the tail.
    pub end: usize,
    /// What is wrong with it on its own, without catalog and data files.
    pub problems: Vec<Problem>,
}

/// One record of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalRecord {
    /// Where it begins.
    pub offset: usize,
    /// Bytes it occupies, its length prefix included.
    pub len: usize,
    /// The metric's id.
    pub id: u16,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The four value bytes as a number.
    pub raw: u32,
    /// The flags byte.
    pub flags: u8,
    /// Name and type, when the record introduces its metric.
    pub introduces: Option<(String, u8)>,
    /// Length of the partition's data file when the log began to use the partition (extension).
    pub data_len: Option<u64>,
}

/// Whether to honour the extensions in flag bits 5 and 4, or to ignore them as the reference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extensions {
    /// Check and return them.
    Read,
    /// What the reference engine sees.
    Ignored,
}

/// Why reading stopped. `Display` gives the reference's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The length prefix is incomplete or no number.
    Length,
    /// The payload is incomplete.
    Payload,
    /// The payload has fewer than ten bytes.
    TooShort,
    /// The baseline is incomplete.
    Baseline,
    /// The name is incomplete.
    Name,
    /// The value is incomplete.
    Value,
    /// No such type.
    ValueType(u8),
    /// An extension is incomplete.
    Extension,
    /// The checksum of an extension does not match.
    Checksum,
}

/// Where the flags are in a payload.
const FLAGS_AT: usize = 5;
const BASELINE: u8 = 0x80;
const NAMED: u8 = 0x40;
const CHECKSUM: u8 = 0x20;
const DATA_LEN: u8 = 0x10;

impl Wal {
    /// Decodes `bytes` up to their end or the first record that cannot be read.
    pub fn decode(name: &str, bytes: &[u8], extensions: Extensions) -> Self {
        let mut wal = Self { name: name.into(), len: bytes.len(), ..Self::default() };
        let mut baseline = None;
        while wal.end < bytes.len() {
            match wal.record(bytes, &mut baseline, extensions) {
                Ok(len) => wal.end += len,
                Err(stop) => {
                    wal.stop = Some(stop);
                    break;
                }
            }
        }
        wal
    }

    /// Bytes after the last record that could be read.
    pub const fn tail_len(&self) -> usize {
        self.len - self.end
    }

    fn record(
        &mut self,
        bytes: &[u8],
        baseline: &mut Option<i64>,
        extensions: Extensions,
    ) -> Result<usize, Stop> {
        let offset = self.end;
        let mut outer = Cursor::at(bytes, offset);
        let (len, minimal) = outer.uvarint().ok_or(Stop::Length)?;
        let len = usize::try_from(len).map_err(|_| Stop::Payload)?;
        let payload = outer.take(len).ok_or(Stop::Payload)?;
        let len = outer.pos() - offset;

        if payload.len() < 10 {
            return Err(Stop::TooShort);
        }
        if payload[FLAGS_AT] & BASELINE == 0 && baseline.is_none() {
            let what = "no baseline before this record, so it has no time";
            self.problems.push(Problem::rule(&self.name, offset, what));
            return Ok(len);
        }
        let fields = Fields::decode(payload, extensions)?;
        let mut rule = |broken: bool, what: &str| {
            if broken {
                self.problems.push(Problem::rule(&self.name, offset, what));
            }
        };
        rule(!minimal, "length is not written in as few bytes as possible");
        rule(fields.unread > 0, "bytes after the last field");
        rule(fields.id == 0, "metric id 0");
        rule(fields.flags & 0x0f != 0, "unknown flags");
        rule(fields.baseline.is_some() && fields.delta != 0, "a delta beside a baseline");
        if let Some((name, value_type)) = &fields.introduces {
            rule(name.is_empty(), "empty name");
            rule(*value_type == 0, "value type 0");
            rule(fields.name_is_lossy, "name is not UTF-8");
        }

        let time = match fields.baseline {
            Some(time) => time,
            None => baseline.unwrap_or_default().wrapping_add(fields.delta),
        };
        *baseline = fields.baseline.or(*baseline);
        self.records.push(WalRecord {
            offset,
            len,
            id: fields.id,
            time,
            raw: fields.raw,
            flags: fields.flags,
            introduces: fields.introduces,
            data_len: fields.data_len,
        });
        Ok(len)
    }
}

struct Fields {
    id: u16,
    delta: i64,
    flags: u8,
    baseline: Option<i64>,
    introduces: Option<(String, u8)>,
    name_is_lossy: bool,
    raw: u32,
    data_len: Option<u64>,
    unread: usize,
}

impl Fields {
    fn decode(payload: &[u8], extensions: Extensions) -> Result<Self, Stop> {
        let mut cursor = Cursor::new(payload);
        let id = cursor.u16().ok_or(Stop::TooShort)?;
        let delta = cursor.take(3).ok_or(Stop::TooShort)?;
        let delta = i64::from(delta[0]) | i64::from(delta[1]) << 8 | i64::from(delta[2]) << 16;
        let flags = cursor.u8().ok_or(Stop::TooShort)?;
        let has = |bit: u8| flags & bit != 0;

        let baseline = has(BASELINE).then(|| cursor.i64().ok_or(Stop::Baseline)).transpose()?;
        let introduces = has(NAMED).then(|| name_and_type(&mut cursor)).transpose()?;
        let name_is_lossy = matches!(introduces, Some((Cow::Owned(_), _)));
        let introduces = introduces.map(|(name, value_type)| (name.into_owned(), value_type));
        let raw = cursor.u32().ok_or(Stop::Value)?;
        let mut data_len = None;
        if extensions == Extensions::Read {
            if has(CHECKSUM) {
                checksum(payload, &mut cursor)?;
            }
            if has(DATA_LEN) {
                data_len = Some(cursor.u64().ok_or(Stop::Extension)?);
                checksum(payload, &mut cursor)?;
            }
        }
        let unread = if extensions == Extensions::Read { cursor.rest().len() } else { 0 };
        Ok(Self { id, delta, flags, baseline, introduces, name_is_lossy, raw, data_len, unread })
    }
}

/// The name is owned when bytes that are not UTF-8 had to be replaced.
fn name_and_type<'a>(cursor: &mut Cursor<'a>) -> Result<(Cow<'a, str>, u8), Stop> {
    let len = cursor.u8().ok_or(Stop::Name)?;
    let name = cursor.take(usize::from(len)).ok_or(Stop::Name)?;
    let value_type = cursor.u8().ok_or(Stop::Value)?;
    // The reference misses a value that is not there before it minds its type.
    if cursor.rest().len() >= 4 && value_type > value_type::FLOAT32 {
        return Err(Stop::ValueType(value_type));
    }
    Ok((String::from_utf8_lossy(name), value_type))
}

/// Reads a checksum of everything in `payload` before it.
fn checksum(payload: &[u8], cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    let computed = crc32(&payload[..cursor.pos()]);
    let stored = cursor.u32().ok_or(Stop::Extension)?;
    if stored == computed { Ok(()) } else { Err(Stop::Checksum) }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("bad varint"),
            Self::Payload => f.write_str("truncated payload"),
            Self::TooShort => f.write_str("decode error: wal compact payload too short"),
            Self::Baseline => f.write_str("decode error: truncated baseline ts"),
            Self::Name => f.write_str("decode error: truncated metric name"),
            Self::Value => f.write_str("decode error: truncated value"),
            Self::ValueType(byte) => {
                write!(f, "decode error: unsupported wal value type: {byte}")
            }
            Self::Extension => f.write_str("truncated extension"),
            Self::Checksum => f.write_str("checksum mismatch"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bytes::hex;
    use super::*;

    const SIX: &str = "
        1d 0100 000000 c0 00002a36fe9c9717 09 726f6f6d2e74656d70 02 0000ac41
        0d 0200 050000 40 01 6e 01 f9ffffff
        0a 0100 40420f 00 0000ae41
        0a 0200 ffffff 00 08000000
        12 0200 000000 80 00002a37fe9c9717 09000000
        12 0200 000000 80 28ff2937fe9c9717 0a000000";
    const BASE: i64 = 1_700_000_000_000_000_000;

    fn read(bytes: &[u8]) -> Wal {
        Wal::decode("db.wal", bytes, Extensions::Read)
    }

    #[test]
    fn the_worked_example() {
        let bytes = hex(SIX);
        assert_eq!(bytes.len(), 104);
        let wal = read(&bytes);
        assert_eq!((wal.stop, wal.problems.len()), (None, 0));
        let samples: Vec<_> = wal.records.iter().map(|r| (r.id, r.time - BASE, r.raw)).collect();
        let expected = [
            (1, 0, 21.5_f32.to_bits()),
            (2, 5, (-7_i32).cast_unsigned()),
            (1, 1_000_000, 21.75_f32.to_bits()),
            (2, 16_777_215, 8),
            (2, 16_777_216, 9),
            (2, 16_777_000, 10),
        ];
        assert_eq!(samples, expected);
        assert_eq!(wal.records[0].introduces, Some(("room.temp".into(), 2)));
        assert_eq!(wal.records[1].introduces, Some(("n".into(), 1)));
    }

    #[test]
    fn zeros_end_a_log() {
        let wal = read(&[hex(SIX), vec![0; 64]].concat());
        assert_eq!((wal.records.len(), wal.stop, wal.tail_len()), (6, Some(Stop::TooShort), 64));
    }

    #[test]
    fn a_record_without_baseline_is_skipped() {
        let wal = read(&hex("0a 0100 40420f 00 0000ae41"));
        assert_eq!((wal.records.len(), wal.stop, wal.problems.len()), (0, None, 1));
    }

    /// A record with both extensions, by hand from their description.
    fn extended() -> Vec<u8> {
        let mut payload = hex("0100 000000 b0 00002a36fe9c9717 0000ac41");
        payload.extend(crc32(&payload).to_le_bytes());
        payload.extend(4711_u64.to_le_bytes());
        payload.extend(crc32(&payload).to_le_bytes());
        payload.insert(0, u8::try_from(payload.len()).unwrap());
        payload
    }

    #[test]
    fn extensions_are_read_and_checked() {
        let bytes = extended();
        let wal = read(&bytes);
        assert_eq!((wal.stop, wal.problems.len()), (None, 0));
        assert_eq!(wal.records[0].data_len, Some(4711));

        for at in 1..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(read(&flipped).stop, Some(Stop::Checksum), "byte {at}");
        }
    }

    #[test]
    fn the_reference_sees_the_same_samples() {
        let bytes = [extended(), hex(SIX)].concat();
        let ours = read(&bytes);
        let theirs = Wal::decode("db.wal", &bytes, Extensions::Ignored);
        let sample = |r: &WalRecord| (r.offset, r.id, r.time, r.raw);
        assert!(ours.records.iter().map(sample).eq(theirs.records.iter().map(sample)));
    }
}
