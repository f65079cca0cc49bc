//! `ids.cache`: what is known of the ids in each file, so that nothing is read twice for it.
//!
//! | size | field | type | meaning |
//! |-----:|---|---|---|
//! | 4 | magic | `NTID` | |
//! | 2 | version | u16 LE | 1 |
//! | 2 | reserved | u16 LE | ids up to this one are not given out again |
//! | v | files | uvarint | how many follow |
//! | 1+n | name | u8, bytes | length, name of the file |
//! | 8 | length | u64 LE | bytes of it that this is about |
//! | 4 | end | bytes | the last four of them |
//! | 1 | kind | u8 | 0 raw pages, 1 metric file |
//! | v | ids | ranges | how many; of each the ids passed over before it, and those in it less one |
//! | v | floats | ranges | of a metric file: the ids whose values are floats |
//! | 4 | checksum | u32 LE | CRC-32 of everything before |
//!
//! The fields from `name` to `floats` stand there for each file. The file can be deleted at any
//! time; one that is damaged, or of another version, counts as none.

use super::set::IdSet;
use super::usage::FileIds;
use crate::codec::{Reader, Writer, checksum};
use crate::storage::FileName;
use alloc::vec::Vec;

/// Name of the file. The reference looks at no such name.
pub(crate) const IDS_CACHE: &str = "ids.cache";

const MAGIC: [u8; 4] = *b"NTID";
const VERSION: u16 = 1;
const CHECKSUM_LEN: usize = 4;

/// What the file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cached {
    pub(super) reserved: u16,
    pub(super) files: Vec<(FileName, FileIds)>,
}

pub(super) fn encode(reserved: u16, files: &[(&FileName, &FileIds)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = Writer::new(&mut bytes);
    out.bytes(&MAGIC).u16(VERSION).u16(reserved);
    out.uvarint(u64::try_from(files.len()).unwrap_or(0));
    for (name, known) in files {
        let name = name.as_str().as_bytes();
        out.u8(u8::try_from(name.len()).unwrap_or(u8::MAX)).bytes(name);
        out.u64(known.len).bytes(&known.end).u8(u8::from(known.floats.is_some()));
        known.ids.encode(&mut out);
        if let Some(floats) = &known.floats {
            floats.encode(&mut out);
        }
    }
    out.crc32();
    bytes
}

/// What `bytes` say; nothing when they are not what [`encode`] made.
pub(super) fn decode(bytes: &[u8]) -> Option<Cached> {
    let (content, stored) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_LEN)?)?;
    if Reader::new(stored).u32()? != checksum::crc32(content) {
        return None;
    }
    let mut reader = Reader::new(content);
    if reader.array()? != MAGIC || reader.u16()? != VERSION {
        return None;
    }
    let mut cached = Cached { reserved: reader.u16()?, files: Vec::new() };
    for _ in 0..reader.uvarint()? {
        cached.files.push(decode_file(&mut reader)?);
    }
    reader.rest().is_empty().then_some(cached)
}

fn decode_file(reader: &mut Reader<'_>) -> Option<(FileName, FileIds)> {
    let name_len = usize::from(reader.u8()?);
    let name = core::str::from_utf8(reader.bytes(name_len)?).ok()?;
    let (len, end, kind) = (reader.u64()?, reader.array()?, reader.u8()?);
    let ids = IdSet::decode(reader)?;
    let floats = match kind {
        0 => None,
        1 => Some(IdSet::decode(reader)?),
        _ => return None,
    };
    let known = FileIds { len, end, ids, floats, checked: false, partial: false };
    Some((FileName::new(name).ok()?, known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ValueType;
    use alloc::vec;
    use proptest::prelude::*;

    fn golden() -> (Vec<(FileName, FileIds)>, Vec<u8>) {
        let raw = FileIds { len: 0x1234, end: *b"abcd", ..FileIds::default() };
        let ids = IdSet::decode(&mut Reader::new(&[1, 1, 4])).unwrap();
        let metric = FileIds { len: 9, end: *b"efgh", ..FileIds::default() }
            .with_types([(7, ValueType::F32), (8, ValueType::I32)].into_iter());
        let files = vec![
            (FileName::new("data-2026.dat").unwrap(), FileIds { ids, ..raw }),
            (FileName::new("metric-2026.dat").unwrap(), metric),
        ];
        let mut bytes = b"NTID\x01\0\x05\0\x02\x0ddata-2026.dat\x34\x12\0\0\0\0\0\0abcd\0".to_vec();
        bytes.extend([1, 1, 4]);
        bytes.extend(b"\x0fmetric-2026.dat\x09\0\0\0\0\0\0\0efgh\x01");
        bytes.extend([1, 7, 1, 1, 7, 0]);
        bytes.extend(checksum::crc32(&bytes).to_le_bytes());
        (files, bytes)
    }

    #[test]
    fn golden_bytes() {
        let (files, bytes) = golden();
        assert_eq!(
            encode(5, &files.iter().map(|(name, ids)| (name, ids)).collect::<Vec<_>>()),
            bytes
        );
        assert_eq!(decode(&bytes), Some(Cached { reserved: 5, files }));
    }

    #[test]
    fn a_flipped_bit_or_a_lost_end_makes_it_no_cache() {
        let (_, bytes) = golden();
        for at in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert_eq!(decode(&damaged), None, "bit {at}");
        }
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_content_never_panics(mut content: Vec<u8>, seal: bool) {
            if seal {
                let mut sealed = b"NTID\x01\0".to_vec();
                sealed.append(&mut content);
                sealed.extend(checksum::crc32(&sealed).to_le_bytes());
                content = sealed;
            }
            let _ = decode(&content);
        }
    }
}
