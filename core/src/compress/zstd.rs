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
    let content_size_len = if u8::try_from(input_len).is_ok() { 1 } else { 4 };
    let blocks = input_len.div_ceil(MAX_BLOCK).max(1);
    4 + 1 + content_size_len + 3 * blocks + input_len + CHECKSUM_LEN
}

/// Appends a single-segment frame of raw blocks.
fn store(input: &[u8], checksum: [u8; CHECKSUM_LEN], out: &mut Vec<u8>) {
    let mut w = Writer::new(out);
    w.u32(MAGIC);
    match u8::try_from(input.len()) {
        Ok(len) => w.u8(SINGLE_SEGMENT | CHECKSUM).u8(len),
        // Inputs have less than 4 GiB.
        Err(_) => w
            .u8(2 << 6 | SINGLE_SEGMENT | CHECKSUM)
            .u32(u32::try_from(input.len()).unwrap_or(u32::MAX)),
    };
    let mut rest = input;
    loop {
        let (block, behind) = rest.split_at(rest.len().min(MAX_BLOCK));
        let last = u64::from(behind.is_empty());
        let [b0, b1, b2, ..] = ((block.len() as u64) << 3 | last).to_le_bytes();
        w.bytes(&[b0, b1, b2]).bytes(block);
        if behind.is_empty() {
            break;
        }
        rest = behind;
    }
    w.bytes(&checksum);
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

#[cfg(test)]
mod tests {
    use super::super::tests::{noise, structured};
    use super::super::w84::{self, Shape};
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;
    use std::io::Write;

    /// Two `f32` in a raw block, as the reference writes them: window stated, checksum.
    const FRAME: [u8; 21] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0x41, 0x00, 0x00, 0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00,
        0x20, 0x40, 0x2f, 0xf9, 0x6f, 0x56,
    ];
    const CONTENT: [u8; 8] = [0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x20, 0x40];

    fn decoded(block: &[u8], decoded_len: usize) -> Result<Vec<u8>, BlockError> {
        let mut out = vec![0xee; 3];
        let result = ZstdFastest.decode(block, decoded_len, &mut out);
        let content = out.split_off(3);
        assert!(result.is_ok() || content.is_empty(), "a failure appends nothing");
        result.map(|()| content)
    }

    fn encoded(input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        ZstdDefault.encode(input, &mut out);
        out
    }

    fn libzstd(input: &[u8], level: i32, checksum: bool, content_size: bool) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), level).unwrap();
        encoder.include_checksum(checksum).unwrap();
        if content_size {
            encoder.set_pledged_src_size(Some(input.len() as u64)).unwrap();
        }
        encoder.write_all(input).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(decoded(&FRAME, 8), Ok(CONTENT.to_vec()));
        // Ours is a single segment that states its size instead of a window.
        let mut ours = FRAME;
        ours[4..6].copy_from_slice(&[0x24, 8]);
        assert_eq!(encoded(&CONTENT), ours);
        assert_eq!(decoded(&ours, 8), Ok(CONTENT.to_vec()));
    }

    #[test]
    fn a_frame_without_checksum_is_read() {
        let mut frame = FRAME[..17].to_vec();
        frame[4] = 0;
        assert_eq!(decoded(&frame, 8), Ok(CONTENT.to_vec()));
    }

    #[test]
    fn every_prefix_is_refused() {
        for frame in [FRAME.to_vec(), encoded(&[1, 2, 3, 4, 5].repeat(300))] {
            let len = if frame == FRAME { 8 } else { 1500 };
            assert!(decoded(&frame, len).is_ok());
            for cut in 0..frame.len() {
                assert!(decoded(&frame[..cut], len).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_never_changes_the_content() {
        let input: Vec<u8> = (0..400_u32).flat_map(|n| (n * n / 50).to_le_bytes()).collect();
        for frame in [encoded(&input), libzstd(&input, 3, true, true)] {
            assert!(frame.len() < 1200, "compressed");
            for bit in 0..frame.len() * 8 {
                let mut damaged = frame.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                if let Ok(content) = decoded(&damaged, input.len()) {
                    assert!(content == input, "bit {bit}");
                }
            }
        }
        let mut damaged = FRAME;
        damaged[9] ^= 1;
        assert_eq!(decoded(&damaged, 8), Err(BlockError::Checksum));
    }

    #[test]
    fn frames_are_joined_and_skippable_frames_ignored() {
        let skippable = [0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        let block = [&skippable[..], &FRAME, &skippable, &skippable, &FRAME, &skippable].concat();
        assert_eq!(decoded(&block, 16), Ok([CONTENT, CONTENT].concat()));
        let length = |expected, found| Err(BlockError::Length { expected, found });
        assert_eq!(decoded(&block, 15), length(15, 16));
        assert_eq!(decoded(&block, 17), length(17, 16));
        assert_eq!(decoded(&skippable, 0), Ok(vec![]));
        assert_eq!(decoded(&skippable[..10], 0), Err(BlockError::Malformed));
        assert_eq!(decoded(&[&FRAME[..], &[0]].concat(), 8), Err(BlockError::Malformed));
    }

    #[test]
    fn headers_that_are_refused() {
        let with = |descriptor: u8, fields: &[u8]| {
            [&FRAME[..4], &[descriptor], fields, &FRAME[6..]].concat()
        };
        assert_eq!(decoded(&with(0x04, &[0]), 8), Ok(CONTENT.to_vec()));
        assert_eq!(decoded(&with(0x05, &[0, 0]), 8), Ok(CONTENT.to_vec()), "dictionary 0 is none");
        for (descriptor, fields, what) in [
            (0x0c, &[0][..], "reserved bit"),
            (0x05, &[0, 1], "dictionary 1"),
            (0x06, &[0, 0, 1], "dictionary 256"),
            (0x04, &[19 << 3 | 1], "window above 512 MiB"),
            (0x04, &[0xff], "largest window"),
            (0x24, &[7], "content size too small"),
        ] {
            assert_eq!(decoded(&with(descriptor, fields), 8), Err(BlockError::Malformed), "{what}");
        }
        let too_long = BlockError::Length { expected: 8, found: 9 };
        assert_eq!(decoded(&with(0x24, &[9]), 8), Err(too_long), "content size too large");
    }

    #[test]
    fn a_large_window_costs_nothing_and_runs_stop_early() {
        let mut frame = FRAME;
        frame[5] = 19 << 3;
        assert_eq!(decoded(&frame, 8), Ok(CONTENT.to_vec()));
        // 4 GiB of zeros in 32768 runs of 128 KiB.
        let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 19 << 3];
        for _ in 0..32768 {
            bomb.extend([0x02, 0x00, 0x10, 0x00]);
        }
        for len in [0, 1000, 100_000] {
            match decoded(&bomb, len) {
                Err(BlockError::Length { expected, found }) => {
                    assert_eq!(expected, len);
                    assert!(found <= len + MAX_BLOCK, "{found}");
                }
                // A window this small allows no block of this size.
                other => assert_eq!(other, Err(BlockError::Malformed)),
            }
        }
    }

    #[test]
    fn noise_is_stored() {
        for len in [0, 1, 255, 256, 1000, MAX_BLOCK, MAX_BLOCK + 1, 400_000] {
            let input = noise(len);
            let block = encoded(&input);
            assert!(block.len() <= stored_len(len), "{len}");
            assert_eq!(zstd::decode_all(&*block).unwrap(), input);
            assert_eq!(decoded(&block, len), Ok(input));
        }
    }

    #[test]
    fn the_workload_passes_between_both_implementations() {
        let rows = w84::day(Shape::Stagger);
        let vectors =
            (0..84).step_by(5).flat_map(|m| [w84::times(&rows, m), w84::values(&rows, m)]);
        for input in vectors.chain(w84::pages(&rows).into_iter().step_by(20)) {
            let block = encoded(&input);
            assert!(zstd::decode_all(&*block).unwrap() == input);
            for level in [1, 3, 12] {
                let block = libzstd(&input, level, true, level == 3);
                assert!(decoded(&block, input.len()).unwrap() == input);
            }
        }
    }

    proptest! {
        #[test]
        fn libzstd_reads_ours(input in structured()) {
            prop_assert_eq!(zstd::decode_all(&*encoded(&input)).unwrap(), input);
        }

        #[test]
        fn ours_reads_libzstd(
            input in structured(),
            level in prop::sample::select(vec![-3, 1, 3, 9, 19]),
            checksum: bool,
            content_size: bool,
        ) {
            let block = libzstd(&input, level, checksum, content_size);
            prop_assert_eq!(decoded(&block, input.len()), Ok(input));
        }

        #[test]
        fn damaged_frames_without_checksum_never_panic(
            input in structured(),
            level in prop::sample::select(vec![1, 3, 19]),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut block = libzstd(&input, level, false, true);
            for (index, value) in &damage {
                let at = index.index(block.len());
                block[at] = *value;
            }
            if let Ok(content) = decoded(&block, input.len()) {
                prop_assert_eq!(content.len(), input.len());
            }
        }
    }
}
