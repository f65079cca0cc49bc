//! Journal records and the frames they come in.
//!
//! | frame | size | |
//! |---|---|---|
//! | length | u32 | bytes of the content |
//! | checksum | u32 | CRC-32 of the checksum of the frame before (u32) and the content |
//! | content | | epoch (uvarint), then records |
//!
//! The first frame of an area starts from the superblock's number instead of a checksum, so
//! frames that an earlier use of the blocks left behind never continue a chain.
//!
//! | record | fields (uvarint unless said otherwise; text: length, bytes) |
//! |---|---|
//! | 1 create | file, directory (text), name (text) |
//! | 2 rename | file, directory (text), name (text); a file that has the name is removed |
//! | 3 remove | file |
//! | 4 extend | file, start, count |
//! | 5 grow | file, from, to, CRC-32 (u32) of the bytes between |
//! | 6 place | file, length, number of extents, start and count of each |
//! | 7 trim | file, blocks: those behind the first so many are given back |

use super::space::Extent;
use nanotdb_core::codec::checksum::crc32;
use nanotdb_core::codec::{Reader, Writer};
use nanotdb_core::storage::FileName;

/// Bytes of a frame before its content.
pub(super) const FRAME_HEADER: usize = 8;

/// Number of a file for as long as it exists.
pub(super) type FileId = u64;

/// One change of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// An empty file.
    Create { file: FileId, directory: String, name: FileName },
    /// Another name, or directory.
    Rename { file: FileId, directory: String, name: FileName },
    /// The file is gone.
    Remove { file: FileId },
    /// More blocks behind those it has.
    Extend { file: FileId, extent: Extent },
    /// Bytes were appended.
    Grow { file: FileId, from: u64, to: u64, checksum: u32 },
    /// All its blocks and its length, whatever they were before.
    Place { file: FileId, len: u64, extents: Vec<Extent> },
    /// Fewer blocks: no more than the first `blocks`.
    Trim { file: FileId, blocks: u32 },
}

impl Record {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut out = Writer::new(out);
        match self {
            Self::Create { file, directory, name } => {
                out.u8(1).uvarint(*file);
                text(text(&mut out, directory), name.as_str());
            }
            Self::Rename { file, directory, name } => {
                out.u8(2).uvarint(*file);
                text(text(&mut out, directory), name.as_str());
            }
            Self::Remove { file } => {
                out.u8(3).uvarint(*file);
            }
            Self::Extend { file, extent } => {
                out.u8(4).uvarint(*file).uvarint(extent.start.into()).uvarint(extent.count.into());
            }
            Self::Grow { file, from, to, checksum } => {
                out.u8(5).uvarint(*file).uvarint(*from).uvarint(*to).u32(*checksum);
            }
            Self::Place { file, len, extents } => {
                out.u8(6).uvarint(*file).uvarint(*len).uvarint(as_u64(extents.len()));
                for extent in extents {
                    out.uvarint(extent.start.into()).uvarint(extent.count.into());
                }
            }
            Self::Trim { file, blocks } => {
                out.u8(7).uvarint(*file).uvarint((*blocks).into());
            }
        }
    }

    /// The file that it is about.
    pub(super) const fn file(&self) -> FileId {
        match self {
            Self::Create { file, .. }
            | Self::Rename { file, .. }
            | Self::Remove { file }
            | Self::Extend { file, .. }
            | Self::Grow { file, .. }
            | Self::Place { file, .. }
            | Self::Trim { file, .. } => *file,
        }
    }

    /// Nothing when the bytes are no record.
    pub(super) fn decode(bytes: &mut Reader<'_>) -> Option<Self> {
        let kind = bytes.u8()?;
        let file = bytes.uvarint()?;
        Some(match kind {
            1 => Self::Create { file, directory: directory(bytes)?, name: name(bytes)? },
            2 => Self::Rename { file, directory: directory(bytes)?, name: name(bytes)? },
            3 => Self::Remove { file },
            4 => Self::Extend { file, extent: extent(bytes)? },
            5 => {
                let (from, to) = (bytes.uvarint()?, bytes.uvarint()?);
                Self::Grow { file, from, to, checksum: bytes.u32()? }
            }
            6 => {
                let (len, count) = (bytes.uvarint()?, bytes.uvarint()?);
                let extents = (0..count).map(|_| extent(bytes)).collect::<Option<_>>()?;
                Self::Place { file, len, extents }
            }
            7 => Self::Trim { file, blocks: u32::try_from(bytes.uvarint()?).ok()? },
            _ => return None,
        })
    }
}

fn text<'w, 'a>(out: &'w mut Writer<'a>, text: &str) -> &'w mut Writer<'a> {
    out.uvarint(as_u64(text.len())).bytes(text.as_bytes())
}

fn directory(bytes: &mut Reader<'_>) -> Option<String> {
    let len = usize::try_from(bytes.uvarint()?).ok()?;
    core::str::from_utf8(bytes.bytes(len)?).ok().map(ToOwned::to_owned)
}

fn name(bytes: &mut Reader<'_>) -> Option<FileName> {
    FileName::new(&directory(bytes)?).ok()
}

fn extent(bytes: &mut Reader<'_>) -> Option<Extent> {
    let start = u32::try_from(bytes.uvarint()?).ok()?;
    let count = u32::try_from(bytes.uvarint()?).ok()?;
    start.checked_add(count)?;
    Some(Extent { start, count })
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A frame around encoded records, and the checksum that the next one starts from. Nothing when
/// the records are too long for a frame.
pub(super) fn frame(chain: u32, epoch: u64, records: &[u8]) -> Option<(Vec<u8>, u32)> {
    let mut content = Vec::with_capacity(records.len() + 10);
    Writer::new(&mut content).uvarint(epoch).bytes(records);
    let checksum = chained(chain, &content);
    let mut bytes = Vec::with_capacity(FRAME_HEADER + content.len());
    Writer::new(&mut bytes).u32(u32::try_from(content.len()).ok()?).u32(checksum).bytes(&content);
    Some((bytes, checksum))
}

/// A frame that was read back.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) epoch: u64,
    pub(super) records: Vec<Record>,
    /// What the next frame starts from.
    pub(super) chain: u32,
}

/// The frame at the reader's place, if it is whole and continues the chain.
pub(super) fn read_frame(chain: u32, bytes: &mut Reader<'_>) -> Option<Frame> {
    let len = usize::try_from(bytes.u32()?).ok()?;
    let checksum = bytes.u32()?;
    let content = bytes.bytes(len)?;
    if len == 0 || chained(chain, content) != checksum {
        return None;
    }
    let mut content = Reader::new(content);
    let epoch = content.uvarint()?;
    let mut records = Vec::new();
    while !content.rest().is_empty() {
        records.push(Record::decode(&mut content)?);
    }
    Some(Frame { epoch, records, chain: checksum })
}

fn chained(chain: u32, content: &[u8]) -> u32 {
    nanotdb_core::codec::checksum::crc32_joined(
        crc32(&chain.to_le_bytes()),
        crc32(content),
        as_u64(content.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_record() -> Vec<Record> {
        let name = |name| FileName::new(name).unwrap();
        let extent = Extent { start: 300, count: 2 };
        vec![
            Record::Create { file: 1, directory: String::new(), name: name("engine.toml") },
            Record::Rename { file: 1, directory: "home".into(), name: name("b") },
            Record::Extend { file: 1, extent },
            Record::Grow { file: 1, from: 0, to: 8000, checksum: 0xDEAD_BEEF },
            Record::Place { file: 1, len: 7, extents: vec![extent; 2] },
            Record::Trim { file: 1, blocks: 1 },
            Record::Remove { file: 1 },
        ]
    }

    #[test]
    fn golden_bytes() {
        let mut out = Vec::new();
        every_record().iter().for_each(|record| record.encode(&mut out));
        let expected = [
            &b"\x01\x01\x00\x0bengine.toml"[..],
            b"\x02\x01\x04home\x01b",
            b"\x04\x01\xac\x02\x02",
            b"\x05\x01\x00\xc0\x3e\xef\xbe\xad\xde",
            b"\x06\x01\x07\x02\xac\x02\x02\xac\x02\x02",
            b"\x07\x01\x01",
            b"\x03\x01",
        ];
        assert_eq!(out, expected.concat());
    }

    #[test]
    fn frames_come_back_and_every_flipped_bit_is_noticed() {
        let mut records = Vec::new();
        every_record().iter().for_each(|record| record.encode(&mut records));
        let (bytes, next) = frame(7, 3, &records).unwrap();
        let read = read_frame(7, &mut Reader::new(&bytes)).unwrap();
        assert_eq!((read.epoch, read.records, read.chain), (3, every_record(), next));
        assert!(read_frame(8, &mut Reader::new(&bytes)).is_none(), "another chain");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_frame(7, &mut Reader::new(&damaged)).is_none(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(read_frame(7, &mut Reader::new(&bytes[..len])).is_none(), "first {len} bytes");
        }
    }
}
