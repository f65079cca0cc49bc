//! What the tests of this module share.

use super::{BuildReport, Frame, MetricFile, SampleScan, Target, Visit};
use crate::codec::checksum::crc32;
use crate::codec::varint;
use crate::compress::s2::S2;
use crate::compress::{BlockCodec, BlockError, CodecId, Codecs};
use crate::error::Result;
use crate::storage::{FileName, MemoryStorage, Storage, StorageFile};
use crate::types::{MetricId, ValueType};
use alloc::vec::Vec;
use core::ops::Range;

/// A file in memory.
pub(crate) type MemoryFile = <MemoryStorage as Storage>::File;

/// The bytes that `text` writes in hexadecimal, white space ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// `golden` with `bytes` written over it at `at`, and the checksum at `checksum_at` made right.
pub(crate) fn patched(golden: &[u8], at: usize, bytes: &[u8], checksum_at: usize) -> Vec<u8> {
    let mut out = golden.to_vec();
    out[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32(&out[..checksum_at]).to_le_bytes();
    out[checksum_at..checksum_at + 4].copy_from_slice(&crc);
    out
}

/// Cuts `bytes` at every length.
pub(crate) fn assert_every_prefix_fails(bytes: &[u8], fails: impl Fn(&[u8]) -> bool) {
    for cut in 0..bytes.len() {
        assert!(fails(&bytes[..cut]), "accepted when cut to {cut} bytes");
    }
}

/// Flips each bit of `bytes` in turn.
pub(crate) fn assert_every_flip_fails(bytes: &[u8], fails: impl Fn(&[u8]) -> bool) {
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(fails(&damaged), "accepted with bit {bit} flipped");
    }
}

/// A partition held as pages of columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages(pub(crate) Vec<Page>);

/// Ids, times, values.
pub(crate) type Page = (Vec<u16>, Vec<i64>, Vec<u32>);

impl SampleScan for Pages {
    fn scan(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        self.0.iter().try_for_each(|(ids, times, raws)| visit(ids, times, raws))
    }
}

impl Pages {
    /// These samples in pages of three.
    pub(crate) fn of(samples: &[(u16, i64, u32)]) -> Self {
        Self(samples.chunks(3).map(page).collect())
    }
}

fn page(samples: &[(u16, i64, u32)]) -> Page {
    let ids = samples.iter().map(|sample| sample.0).collect();
    let times = samples.iter().map(|sample| sample.1).collect();
    (ids, times, samples.iter().map(|sample| sample.2).collect())
}

/// Even ids are integers, odd ones are not, and 1000 is unknown.
pub(crate) fn type_of(id: u16) -> Option<ValueType> {
    match id {
        1000 => None,
        _ if id.is_multiple_of(2) => Some(ValueType::I32),
        _ => Some(ValueType::F32),
    }
}

pub(crate) fn name() -> FileName {
    FileName::new("metric-2026-02-10.dat").unwrap()
}

pub(crate) fn metric(id: u16) -> MetricId {
    MetricId::new(id).unwrap()
}

/// Runs `write` against an empty directory and returns the file it made.
pub(crate) fn written(
    codec: CodecId,
    partition_kind: u8,
    write: impl FnOnce(&Target<'_, MemoryStorage>) -> Result<BuildReport>,
) -> Result<Vec<u8>> {
    let storage = MemoryStorage::new();
    let (name, codecs) = (name(), codecs());
    let target = Target { storage: &storage, name: &name, partition_kind, codec, codecs: &codecs };
    let report = write(&target)?;
    assert_eq!(storage.list()?, core::slice::from_ref(&name), "nothing else stays behind");
    let bytes = storage.read(&name)?.unwrap();
    assert_eq!(report.bytes, u64::try_from(bytes.len()).unwrap());
    Ok(bytes)
}

/// Opens `bytes` as a metric file.
pub(crate) fn opened(bytes: &[u8]) -> Result<MetricFile<MemoryFile>> {
    let storage = MemoryStorage::new();
    let mut file = storage.create(&name())?;
    file.append(bytes)?;
    MetricFile::open(file, "metric-2026-02-10.dat", &codecs())
}

/// All that `bytes` hold.
pub(crate) fn content(bytes: &[u8]) -> Result<Vec<Frame>> {
    opened(bytes)?.frames().collect()
}

/// The codecs of the crate, with an S2 encoder that gives the payloads of the format's examples.
pub(crate) fn codecs() -> Codecs {
    Codecs::portable().with(&ExampleS2)
}

/// Writes one literal, but for the one payload that the format's example decodes step by step.
#[derive(Debug)]
struct ExampleS2;

impl BlockCodec for ExampleS2 {
    fn id(&self) -> CodecId {
        CodecId::S2
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        let example =
            hex("30 046400 0901 00c8 0907 08002c01 0908 0090 0d00 0107 2c020000000300000004000000");
        let mut decoded = Vec::new();
        S2.decode(&example, 48, &mut decoded).unwrap();
        if input == decoded {
            out.extend(example);
            return;
        }
        varint::encode(u64::try_from(input.len()).unwrap(), out);
        match u16::try_from(input.len() - 1).unwrap() {
            short @ 0..60 => out.push(u8::try_from(short << 2).unwrap()),
            long => {
                out.push(61 << 2);
                out.extend(long.to_le_bytes());
            }
        }
        out.extend(input);
    }

    fn decode(
        &self,
        block: &[u8],
        len: usize,
        out: &mut Vec<u8>,
    ) -> core::result::Result<(), BlockError> {
        S2.decode(block, len, out)
    }
}

/// `bytes` of a metric file with payloads decoded, and zeros for what depends on how well they
/// were compressed: lengths, offsets and checksums.
pub(crate) fn without_compression(bytes: &[u8]) -> Vec<u8> {
    let v2 = bytes[4] == 2;
    let mut out = bytes[..64].to_vec();
    zero(&mut out, if v2 { 40..56 } else { 60..64 });
    zero(&mut out, 60..64);
    let mut at = 64;
    let (mut time_frames, mut metric_frames) = (0, 0);
    while let magic @ (b"TPG2" | b"MPG2" | b"MPG1") = &bytes[at..at + 4] {
        let mut header = bytes[at..at + 48].to_vec();
        let (payload, decoded) = if magic == b"MPG2" { (36, 40) } else { (32, 36) };
        let number = |at: usize| u32::from_le_bytes(*header[at..].first_chunk().unwrap());
        let (payload_len, decoded_len) = (number(payload) as usize, number(decoded) as usize);
        let codec = CodecId::from_u16(u16::from(header[6])).unwrap();
        let block = &bytes[at + 48..at + 48 + payload_len];
        zero(&mut header, payload..payload + 4);
        zero(&mut header, 44..48);
        out.extend(header);
        codecs().get(codec).decode(block, decoded_len, &mut out).unwrap();
        at += 52 + payload_len;
        if magic == b"TPG2" { time_frames += 1 } else { metric_frames += 1 }
    }
    for (count, len, payload) in
        [(time_frames, 40, 36), (metric_frames, 44, if v2 { 40 } else { 36 })]
    {
        for _ in 0..count {
            let mut entry = bytes[at..at + len].to_vec();
            zero(&mut entry, 4..12);
            zero(&mut entry, payload..payload + 4);
            out.extend(entry);
            at += len;
        }
    }
    out.extend(&bytes[at..]);
    out
}

fn zero(bytes: &mut [u8], range: Range<usize>) {
    bytes[range].fill(0);
}
