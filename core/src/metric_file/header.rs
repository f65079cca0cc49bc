//! File header: the fixed-size start of every metric file.
//!
//! | offset | size | field            | type   | meaning                                          |
//! |-------:|-----:|------------------|--------|--------------------------------------------------|
//! |      0 |    4 | `magic`          | bytes  | `b"NTMF"`                                        |
//! |      4 |    2 | `version`        | u16 LE | 1, 2 or 3                                        |
//! |      6 |    2 | `header_len`     | u16 LE | 64                                               |
//! |      8 |    4 | `flags`          | u32 LE | 1 (sealed); not checked                          |
//! |     12 |    1 | `partition_kind` | u8     | 1 day, 2 month, 3 year, 4 forever; not checked   |
//! |     13 |    3 | –                |        | 0; not checked                                   |
//! |     16 |    8 | `min_time`       | i64 LE | earliest start of a frame                        |
//! |     24 |    8 | `max_time`       | i64 LE | latest end of a frame                            |
//! |     32 |    4 | count            | u32 LE | v1: frames; else time frames                     |
//! |     36 |    4 | count            | u32 LE | v1: frames again; else metric frames             |
//! |     40 |    8 | offset           | u64 LE | v1: 0, not checked; v2: where the time index is; v3: where statistics begin |
//! |     48 |    8 | offset           | u64 LE | v1: 0, not checked; v2: where the metric index is; v3: where the index begins |
//! |     56 |    4 | reserved         | u32 LE | 0; not checked in v1                             |
//! |     60 |    4 | `checksum`       | u32 LE | CRC-32 of bytes 0..60                            |

use super::scan::invalid;
use crate::codec::checksum::crc32;
use crate::codec::{Reader, Writer};
use crate::error::Error;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// Bytes of the header.
pub(crate) const LEN: usize = 64;

const MAGIC: [u8; 4] = *b"NTMF";
const CHECKED_LEN: usize = LEN - 4;
const SEALED: u32 = 1;

/// The layout of a metric file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u16)]
pub enum Version {
    /// Every frame holds its own times.
    V1 = 1,
    /// Frames of equal times share one time frame; the default.
    #[default]
    V2 = 2,
    /// Columns of numbers, with statistics; see `docs/FORMAT.md`. The reference refuses it.
    V3 = 3,
}

impl Version {
    /// The version of the metric file that starts with these bytes; nothing for other files and
    /// unknown versions.
    pub fn of(front: &[u8; 8]) -> Option<Self> {
        let [magic @ .., low, high, _, _] = front;
        match (*magic == MAGIC, u16::from_le_bytes([*low, *high])) {
            (true, 1) => Some(Self::V1),
            (true, 2) => Some(Self::V2),
            (true, 3) => Some(Self::V3),
            _ => None,
        }
    }

    /// All versions.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::V3];

    /// The number in the file.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The name that settings use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads a name as settings spell it: case and surrounding blanks do not count.
///
/// ```
/// use nanotdb_core::metric_file::Version;
///
/// assert_eq!("V3".parse::<Version>()?, Version::V3);
/// let error = "v9".parse::<Version>().unwrap_err();
/// assert_eq!(error.to_string(), "no such layout of metric files: v9, expected v1, v2 or v3");
/// # Ok::<(), nanotdb_core::Error>(())
/// ```
impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        Self::ALL.into_iter().find(|version| version.name().eq_ignore_ascii_case(name)).ok_or_else(
            || invalid(format!("no such layout of metric files: {name}, expected v1, v2 or v3")),
        )
    }
}

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) partition_kind: u8,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
    pub(crate) layout: Layout,
}

/// The part of the header that depends on the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    V1 { frames: u32 },
    V2 { time_frames: u32, metric_frames: u32, time_index: u64, metric_index: u64 },
    V3(Places),
}

/// How many frames a v3 file has, and where the other parts begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) time_frames: u32,
    pub(crate) metric_frames: u32,
    pub(crate) statistics: u64,
    pub(crate) index: u64,
}

impl Layout {
    pub(crate) const fn version(self) -> Version {
        match self {
            Self::V1 { .. } => Version::V1,
            Self::V2 { .. } => Version::V2,
            Self::V3(_) => Version::V3,
        }
    }
}

/// One variant for each check, in the order the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderError {
    Truncated { found: usize },
    BadMagic([u8; 4]),
    UnknownVersion(u16),
    BadHeaderLen(u16),
    BadChecksum { stored: u32, computed: u32 },
    ReservedNotZero(u32),
    CountsDiffer { metrics: u32, pages: u32 },
}

impl FileHeader {
    /// Appends the encoded header to `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer::new(out);
        w.bytes(&MAGIC).u16(self.layout.version().number()).u16(64).u32(SEALED);
        w.u8(self.partition_kind).bytes(&[0; 3]).i64(self.min_time).i64(self.max_time);
        match self.layout {
            Layout::V1 { frames } => w.u32(frames).u32(frames).u64(0).u64(0),
            Layout::V2 { time_frames, metric_frames, time_index, metric_index } => {
                w.u32(time_frames).u32(metric_frames).u64(time_index).u64(metric_index)
            }
            Layout::V3(Places { time_frames, metric_frames, statistics, index }) => {
                w.u32(time_frames).u32(metric_frames).u64(statistics).u64(index)
            }
        };
        w.u32(0).crc32();
    }

    /// Decodes the header at the front of `bytes`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let raw = Raw::read(bytes).ok_or(HeaderError::Truncated { found: bytes.len() })?;
        if raw.magic != MAGIC {
            return Err(HeaderError::BadMagic(raw.magic));
        }
        if !(1..=3).contains(&raw.version) {
            return Err(HeaderError::UnknownVersion(raw.version));
        }
        if usize::from(raw.header_len) != LEN {
            return Err(HeaderError::BadHeaderLen(raw.header_len));
        }
        let computed = crc32(bytes.get(..CHECKED_LEN).unwrap_or_default());
        if raw.checksum != computed {
            return Err(HeaderError::BadChecksum { stored: raw.checksum, computed });
        }
        Ok(Self {
            partition_kind: raw.partition_kind,
            min_time: raw.min_time,
            max_time: raw.max_time,
            layout: raw.layout()?,
        })
    }
}

/// The fields as they stand in the file.
struct Raw {
    magic: [u8; 4],
    version: u16,
    header_len: u16,
    partition_kind: u8,
    min_time: i64,
    max_time: i64,
    counts: (u32, u32),
    offsets: (u64, u64),
    reserved: u32,
    checksum: u32,
}

impl Raw {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        let (magic, version, header_len) = (r.array()?, r.u16()?, r.u16()?);
        let (_flags, [partition_kind, ..]) = (r.u32()?, r.array::<4>()?);
        Some(Self {
            magic,
            version,
            header_len,
            partition_kind,
            min_time: r.i64()?,
            max_time: r.i64()?,
            counts: (r.u32()?, r.u32()?),
            offsets: (r.u64()?, r.u64()?),
            reserved: r.u32()?,
            checksum: r.u32()?,
        })
    }

    fn layout(&self) -> Result<Layout, HeaderError> {
        let (first, second) = self.counts;
        if self.version == Version::V1.number() {
            if first != second {
                return Err(HeaderError::CountsDiffer { metrics: first, pages: second });
            }
            return Ok(Layout::V1 { frames: second });
        }
        if self.reserved != 0 {
            return Err(HeaderError::ReservedNotZero(self.reserved));
        }
        if self.version == Version::V3.number() {
            let (statistics, index) = self.offsets;
            let (time_frames, metric_frames) = self.counts;
            return Ok(Layout::V3(Places { time_frames, metric_frames, statistics, index }));
        }
        let (time_index, metric_index) = self.offsets;
        Ok(Layout::V2 { time_frames: first, metric_frames: second, time_index, metric_index })
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { found } => {
                write!(f, "file header cut short: found {found} bytes, expected {LEN}")
            }
            Self::BadMagic(found) => {
                write!(f, "no metric file: found magic {}, expected \"NTMF\"", found.escape_ascii())
            }
            Self::UnknownVersion(found) => {
                write!(f, "metric file version {found} is unknown, expected 1 to 3")
            }
            Self::BadHeaderLen(found) => {
                write!(f, "file header length: found {found}, expected {LEN}")
            }
            Self::BadChecksum { stored, computed } => {
                write!(f, "file header checksum: found {stored:#010x}, expected {computed:#010x}")
            }
            Self::ReservedNotZero(found) => {
                write!(f, "reserved field of the file header: found {found}, expected 0")
            }
            Self::CountsDiffer { metrics, pages } => {
                write!(f, "file header counts {metrics} metrics and {pages} pages, expected equal")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_file::testing::{
        assert_every_flip_fails, assert_every_prefix_fails, hex, patched,
    };
    use proptest::prelude::*;

    fn v1() -> FileHeader {
        let layout = Layout::V1 { frames: 3 };
        FileHeader { partition_kind: 1, min_time: 100, max_time: 400, layout }
    }

    fn v2() -> FileHeader {
        let layout =
            Layout::V2 { time_frames: 2, metric_frames: 3, time_index: 0x192, metric_index: 0x1e2 };
        FileHeader { layout, ..v1() }
    }

    fn v3() -> FileHeader {
        let (statistics, index) = (0x192, 0x1e2);
        let places = Places { time_frames: 2, metric_frames: 3, statistics, index };
        FileHeader { layout: Layout::V3(places), ..v1() }
    }

    fn golden_v1() -> Vec<u8> {
        hex("4e544d46 0100 4000 01000000 01 000000 6400000000000000 9001000000000000
             03000000 03000000 00000000 00000000 00000000 00000000 00000000 053ef992")
    }

    fn golden_v2() -> Vec<u8> {
        hex("4e544d46 0200 4000 01000000 01 000000 6400000000000000 9001000000000000
             02000000 03000000 9201000000000000 e201000000000000 00000000 0ba8c846")
    }

    fn encoded(header: &FileHeader) -> Vec<u8> {
        let mut out = Vec::new();
        header.encode(&mut out);
        out
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encoded(&v1()), golden_v1());
        assert_eq!(FileHeader::decode(&golden_v1()), Ok(v1()));
        assert_eq!(encoded(&v2()), golden_v2());
        assert_eq!(FileHeader::decode(&golden_v2()), Ok(v2()));
        let v3_bytes = patched(&golden_v2(), 4, &[3], 60);
        assert_eq!(encoded(&v3()), v3_bytes, "all but the version and the checksum are alike");
        assert_eq!(FileHeader::decode(&v3_bytes), Ok(v3()));
    }

    #[test]
    fn eight_bytes_tell_the_version() {
        assert_eq!(Version::of(b"NTMF\x01\0@\0"), Some(Version::V1));
        assert_eq!(Version::of(b"NTMF\x02\0@\0"), Some(Version::V2));
        assert_eq!(Version::of(b"NTMF\x03\0@\0"), Some(Version::V3));
        assert_eq!(Version::of(b"NTMF\x02\x01@\0"), None);
        assert_eq!(Version::of(b"NTMG\x02\0@\0"), None);
    }

    #[test]
    fn every_prefix_is_truncated() {
        assert_every_prefix_fails(
            &golden_v2(),
            |bytes| matches!(FileHeader::decode(bytes), Err(HeaderError::Truncated { found }) if found == bytes.len()),
        );
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        for golden in [golden_v1(), golden_v2()] {
            assert_every_flip_fails(&golden, |bytes| FileHeader::decode(bytes).is_err());
        }
    }

    #[test]
    fn each_check_reports_what_it_found() {
        let decode = |at, bytes: &[u8], golden: &[u8]| {
            FileHeader::decode(&patched(golden, at, bytes, 60)).expect_err("damaged")
        };
        let (v1, v2) = (golden_v1(), golden_v2());
        assert_eq!(decode(0, b"NTMG", &v2), HeaderError::BadMagic(*b"NTMG"));
        assert_eq!(decode(4, &[4, 0], &v2), HeaderError::UnknownVersion(4));
        assert_eq!(decode(6, &[65, 0], &v2), HeaderError::BadHeaderLen(65));
        assert_eq!(decode(56, &[7], &v2), HeaderError::ReservedNotZero(7));
        assert_eq!(decode(56, &[7], &encoded(&v3())), HeaderError::ReservedNotZero(7));
        assert_eq!(decode(36, &[4], &v1), HeaderError::CountsDiffer { metrics: 3, pages: 4 });
    }

    #[test]
    fn fields_the_reference_does_not_check_are_not_checked() {
        let bytes = patched(&golden_v2(), 8, &[9, 9, 9, 9, 77, 1, 2, 3], 60);
        assert_eq!(FileHeader::decode(&bytes), Ok(FileHeader { partition_kind: 77, ..v2() }));
    }

    proptest! {
        #[test]
        fn round_trips(
            kind: u8, times: (i64, i64), counts: (u32, u32), offsets: (u64, u64), first: bool,
        ) {
            let layout = if first { Layout::V1 { frames: counts.0 } } else {
                Layout::V2 {
                    time_frames: counts.0,
                    metric_frames: counts.1,
                    time_index: offsets.0,
                    metric_index: offsets.1,
                }
            };
            let header =
                FileHeader { partition_kind: kind, min_time: times.0, max_time: times.1, layout };
            prop_assert_eq!(FileHeader::decode(&encoded(&header)), Ok(header));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = FileHeader::decode(&bytes);
        }
    }
}
