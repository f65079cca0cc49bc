//! Zstandard frames (RFC 8878) by `ruzstd`.
//!
//! | size | field | here |
//! |---:|---|---|
//! | 4 | magic | `28 B5 2F FD` |
//! | 1 | descriptor | content-size form in bits 7-6, single segment 5, reserved 3, checksum 2, dictionary form 1-0 |
//! | 0/1 | window | absent in a single segment, whose window is its content |
//! | 0/1/2/4 | dictionary id | only 0 is accepted: no dictionary |
//! | 0/1/2/4/8 | content size | LE; the two-byte form holds 256 less |
//! | | blocks | 3 bytes of header each: last block in bit 0, type 2-1 (0 raw, 1 run, 2 compressed), size above |
//! | 0/4 | checksum | low half of XXH64 over the content, LE |
//!
//! Ids 3 and 4 differ only in how hard an encoder works. This one has a single level for both; a
//! host that wants more registers its own.
//!
//! The reader accepts several frames one after another and skippable frames between them. The
//! header is read here and not by `ruzstd`: it decides how much memory decoding may take, and
//! what it states about the content is checked.

use super::{BlockCodec, BlockError, CodecId};
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use ruzstd::io::Read;

const MAGIC: u32 = 0xfd2f_b528;
/// The low four bits of a skippable frame's magic are free.
const SKIPPABLE_MAGIC: u32 = 0x184d_2a50;

const SINGLE_SEGMENT: u8 = 1 << 5;
const RESERVED: u8 = 1 << 3;
const CHECKSUM: u8 = 1 << 2;
const CHECKSUM_LEN: usize = 4;

/// The largest window the reference accepts.
const MAX_WINDOW: u64 = 512 << 20;
/// The smallest window that a header can state.
const MIN_WINDOW: u64 = 1 << 10;
/// Largest block, encoded and decoded.
const MAX_BLOCK: usize = 128 << 10;

/// The `zstd_fastest` codec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ZstdFastest;

/// The `zstd_default` codec.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ZstdDefault;

impl BlockCodec for ZstdFastest {
    fn id(&self) -> CodecId {
        CodecId::ZstdFastest
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        encode(input, out);
    }

    fn decode(
        &self,
        block: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        decode(block, decoded_len, out)
    }
}

impl BlockCodec for ZstdDefault {
    fn id(&self) -> CodecId {
        CodecId::ZstdDefault
    }

    fn encode(&self, input: &[u8], out: &mut Vec<u8>) {
        encode(input, out);
    }

    fn decode(
        &self,
        block: &[u8],
        decoded_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        decode(block, decoded_len, out)
    }
}

/// Appends one frame: compressed, or with the input stored in raw blocks if that is shorter.
fn encode(input: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let frame = compress_to_vec(input, CompressionLevel::Fastest);
    // Both forms end in the same checksum.
    let checksum = frame.last_chunk::<CHECKSUM_LEN>().copied().unwrap_or_default();
    if frame.len() < stored_len(input.len()) {
        out.extend(frame);
    } else {
        store(input, checksum, out);
        debug_assert_eq!(out.len() - start, stored_len(input.len()));
    }
}

/// The length of a frame of raw blocks.
fn stored_len(input_len: usize) -> usize {
    let blocks = input_len.div_ceil(MAX_BLOCK).max(1);
    4 + 1 + content_size_field(input_len).1.len() + 3 * blocks + input_len + CHECKSUM_LEN
}

/// Appends a single-segment frame of raw blocks.
fn store(input: &[u8], checksum: [u8; CHECKSUM_LEN], out: &mut Vec<u8>) {
    let (form, content_size) = content_size_field(input.len());
    let mut w = Writer::new(out);
    w.u32(MAGIC).u8(form << 6 | SINGLE_SEGMENT | CHECKSUM).bytes(content_size.as_slice());
    let mut rest = input;
    loop {
        let (block, behind) = rest.split_at(rest.len().min(MAX_BLOCK));
        rest = behind;
        let last = u8::from(rest.is_empty());
        let [size0, size1, size2, ..] = ((block.len() as u64) << 3).to_le_bytes();
        w.bytes(&[size0 | last, size1, size2]).bytes(block);
        if rest.is_empty() {
            break;
        }
    }
    w.bytes(&checksum);
}

/// The form and the bytes of a single segment's content size.
fn content_size_field(len: usize) -> (u8, heapless::Vec<u8, 8>) {
    let len = len as u64;
    let (form, bytes) = match len {
        0..256 => (0, heapless::Vec::from_slice(&len.to_le_bytes()[..1])),
        256..65792 => (1, heapless::Vec::from_slice(&(len - 256).to_le_bytes()[..2])),
        _ if u32::try_from(len).is_ok() => (2, heapless::Vec::from_slice(&len.to_le_bytes()[..4])),
        _ => (3, heapless::Vec::from_slice(&len.to_le_bytes())),
    };
    (form, bytes.unwrap_or_default())
}

/// Appends the content of all frames in `block` to `out`, which stays as it was if that fails.
fn decode(block: &[u8], decoded_len: usize, out: &mut Vec<u8>) -> Result<(), BlockError> {
    let start = out.len();
    out.resize(start + decoded_len, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let result = decode_frames(block, target);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Fills `target` with the content of all frames.
fn decode_frames(mut block: &[u8], target: &mut [u8]) -> Result<(), BlockError> {
    let mut filled = 0;
    while !block.is_empty() {
        let room = target.get_mut(filled..).unwrap_or_default();
        let mut reader = Reader::new(block);
        match Frame::read(&mut reader).ok_or(BlockError::Malformed)? {
            Frame::Skippable => block = reader.rest(),
            Frame::Content(header) => {
                block = reader.rest();
                let outcome = decode_content(&header, &mut block, room);
                filled += outcome.map_err(|error| error.behind(filled, target.len()))?;
            }
        }
    }
    if filled < target.len() {
        return Err(BlockError::Length { expected: target.len(), found: filled });
    }
    Ok(())
}

/// Decodes the blocks and the checksum of one frame from the front of `source`, and returns how
/// many bytes they filled.
fn decode_content(
    header: &Header,
    source: &mut &[u8],
    target: &mut [u8],
) -> Result<usize, FrameError> {
    if let Some(size) = header.content_size
        && usize::try_from(size).map_or(true, |size| size > target.len())
    {
        return Err(FrameError::TooLong(usize::try_from(size).unwrap_or(usize::MAX)));
    }
    let mut decoder = FrameDecoder::new();
    let bounded = header.bounded(target.len());
    decoder.set_max_window_size(MAX_WINDOW);
    decoder.reset(bounded.as_slice()).map_err(|_| FrameError::Malformed)?;

    let mut filled = 0;
    loop {
        // One block at a time: as soon as the content does not fit, decoding stops.
        let last = decoder
            .decode_blocks(&mut *source, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| FrameError::Malformed)?;
        let room = target.get_mut(filled..).unwrap_or_default();
        filled += decoder.read(room).map_err(|_| FrameError::Malformed)?;
        if decoder.can_collect() > 0 {
            return Err(FrameError::TooLong(filled + decoder.can_collect()));
        }
        if last {
            break;
        }
    }
    if header.content_size.is_some_and(|size| size != filled as u64) {
        return Err(FrameError::Malformed);
    }
    if let Some(stored) = decoder.get_checksum_from_data()
        && Some(stored) != decoder.get_calculated_checksum()
    {
        return Err(FrameError::Checksum);
    }
    Ok(filled)
}

/// Why a frame could not be decoded; lengths count from the start of its content.
enum FrameError {
    Malformed,
    TooLong(usize),
    Checksum,
}

impl FrameError {
    /// The same in terms of the whole block, of which `filled` bytes came before the frame.
    fn behind(self, filled: usize, expected: usize) -> BlockError {
        match self {
            Self::Malformed => BlockError::Malformed,
            Self::Checksum => BlockError::Checksum,
            Self::TooLong(len) => {
                BlockError::Length { expected, found: filled.saturating_add(len) }
            }
        }
    }
}

/// What stands at the front of a block.
enum Frame {
    Skippable,
    Content(Header),
}

/// What a frame says about its content.
struct Header {
    checksum: bool,
    window: u64,
    content_size: Option<u64>,
}

impl Frame {
    /// Takes a frame's header, or all of a skippable frame.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        match reader.u32()? {
            MAGIC => Header::read(reader).map(Self::Content),
            magic if magic & !0xf == SKIPPABLE_MAGIC => {
                let len = usize::try_from(reader.u32()?).ok()?;
                reader.bytes(len)?;
                Some(Self::Skippable)
            }
            _ => None,
        }
    }
}

impl Header {
    /// Takes what follows the magic, up to the blocks.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let descriptor = reader.u8()?;
        let single_segment = descriptor & SINGLE_SEGMENT != 0;
        if descriptor & RESERVED != 0 {
            return None;
        }
        let stated_window = if single_segment { None } else { Some(window(reader.u8()?)) };
        let dictionary = match descriptor & 3 {
            0 => 0,
            1 => u32::from(reader.u8()?),
            2 => u32::from(reader.u16()?),
            _ => reader.u32()?,
        };
        let content_size = match descriptor >> 6 {
            0 if single_segment => Some(u64::from(reader.u8()?)),
            0 => None,
            1 => Some(u64::from(reader.u16()?) + 256),
            2 => Some(u64::from(reader.u32()?)),
            _ => Some(reader.u64()?),
        };
        let window = stated_window.or(content_size)?;
        if dictionary != 0 || window > MAX_WINDOW {
            return None;
        }
        Some(Self { checksum: descriptor & CHECKSUM != 0, window, content_size })
    }

    /// A header like this one for the decoder, with a window no larger than content of
    /// `content_len` bytes can make use of: the decoder keeps that much in memory.
    fn bounded(&self, content_len: usize) -> [u8; 6] {
        let wanted = self.window.min(content_len as u64).max(MIN_WINDOW);
        let smallest = (0..=u8::MAX).find(|byte| window(*byte) >= wanted).unwrap_or(u8::MAX);
        let [m0, m1, m2, m3] = MAGIC.to_le_bytes();
        let descriptor = if self.checksum { CHECKSUM } else { 0 };
        [m0, m1, m2, m3, descriptor, smallest]
    }
}

/// The window in bytes that a descriptor byte states. Grows with the byte.
fn window(descriptor: u8) -> u64 {
    let base = MIN_WINDOW << (descriptor >> 3);
    base + base / 8 * u64::from(descriptor & 7)
}
