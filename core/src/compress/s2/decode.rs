//! Reads S2 blocks: a length, then elements until both input and output are used up.
//!
//! ```text
//! block := uvarint(decoded_len) element*
//! ```
//!
//! The low two bits of an element's first byte `t` tell its kind:
//!
//! | `t & 3` | kind | length | then |
//! |---:|---|---|---|
//! | 0 | literal | `(t >> 2) + 1`; from 60 on, 1 to 4 bytes hold length − 1 | the bytes |
//! | 1 | copy | `(t >> 2 & 7) + 4` | low byte of an 11-bit offset, `t >> 5` above it |
//! | 1, offset 0 | repeat | code `t >> 2 & 7`, table below | |
//! | 2 | copy | `(t >> 2) + 1` | offset, `u16` LE |
//! | 3 | copy | `(t >> 2) + 1` | offset, `u32` LE |
//!
//! A repeat copies from the offset of the copy before it:
//!
//! | code | length |
//! |---:|---|
//! | 0..=4 | code + 4 |
//! | 5 | 8 + next byte |
//! | 6 | 260 + next two bytes |
//! | 7 | 65540 + next three bytes |
//!
//! A copy may reach into what it writes: offset 1 repeats one byte. Nothing may run past the
//! stated length, and a block that stops short of it is damaged.

use super::super::BlockError;
use crate::codec::varint;
use alloc::vec::Vec;

/// Longest content a block can state, in bytes.
const MAX_DECODED_LEN: u64 = 0xffff_ffff;

/// The kind of element that is not a copy.
const LITERAL: u8 = 0;

/// The longest literal and copy that the fast path moves as one fixed-size chunk, which the
/// compiler turns into plain register moves. What is moved too much is overwritten later.
const CHUNK: usize = 16;

/// The same for longer copies.
const LONG_CHUNK: usize = 64;

/// Input the fast path wants to see: a tag, one chunk of literals, a short copy.
const WINDOW: usize = 1 + CHUNK + 3;

/// Appends the content of `block` to `out`, which stays as it was if that fails.
pub(super) fn decode(
    block: &[u8],
    decoded_len: usize,
    out: &mut Vec<u8>,
) -> Result<(), BlockError> {
    let source = elements(block, decoded_len)?;
    let start = out.len();
    out.resize(start + decoded_len, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let result = Decoder { source, read: 0, target, written: 0, offset: 0 }.run();
    if result.is_none() {
        out.truncate(start);
    }
    result.ok_or(BlockError::Malformed)
}

/// Appends the first `wanted` bytes of the content of `block`, or all, to `out`.
pub(super) fn decode_front(
    block: &[u8],
    decoded_len: usize,
    wanted: usize,
    out: &mut Vec<u8>,
) -> Result<(), BlockError> {
    let source = elements(block, decoded_len)?;
    let start = out.len();
    out.resize(start + decoded_len, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let wanted = wanted.min(decoded_len);
    let result = Decoder { source, read: 0, target, written: 0, offset: 0 }.run_to(wanted);
    out.truncate(start + result.map_or(0, |()| wanted));
    result.ok_or(BlockError::Malformed)
}

/// What follows the header of a block, which must state this length.
fn elements(block: &[u8], decoded_len: usize) -> Result<&[u8], BlockError> {
    let (stated, header_len) = varint::decode(block).map_err(|_| BlockError::Malformed)?;
    if stated > MAX_DECODED_LEN {
        return Err(BlockError::Malformed);
    }
    let found = usize::try_from(stated).unwrap_or(usize::MAX);
    if found != decoded_len {
        return Err(BlockError::Length { expected: decoded_len, found });
    }
    Ok(block.get(header_len..).unwrap_or_default())
}

/// Where decoding stands. `read` and `written` never exceed the slices they index; inside the
/// methods `None` means that the block is damaged.
struct Decoder<'a> {
    source: &'a [u8],
    read: usize,
    target: &'a mut [u8],
    written: usize,
    /// Of the last copy; 0 before the first.
    offset: usize,
}

impl Decoder<'_> {
    fn run(mut self) -> Option<()> {
        loop {
            self.short_elements()?;
            if self.read == self.source.len() {
                return (self.written == self.target.len()).then_some(());
            }
            self.any_element()?;
        }
    }

    /// Decodes until `wanted` bytes are there, which are not more than fit.
    fn run_to(mut self, wanted: usize) -> Option<()> {
        // The fast path stops before the end of its target, so it gets one that ends soon.
        let front = self.target.len().min(wanted.saturating_add(CHUNK + LONG_CHUNK));
        while self.written < wanted {
            let mut short = Decoder {
                source: self.source,
                read: self.read,
                target: self.target.get_mut(..front)?,
                written: self.written,
                offset: self.offset,
            };
            short.short_elements()?;
            (self.read, self.written, self.offset) = (short.read, short.written, short.offset);
            if self.written < wanted {
                self.any_element()?;
            }
        }
        Some(())
    }

    /// Decodes elements for as long as they are short and far enough from both ends that whole
    /// chunks can be moved. Leaves the first other element to [`Self::any_element`].
    fn short_elements(&mut self) -> Option<()> {
        let Self { source, target, .. } = self;
        let source = *source;
        let (mut read, mut written, mut offset) = (self.read, self.written, self.offset);
        while let Some(window) = source.get(read..).and_then(<[u8]>::first_chunk::<WINDOW>)
            && target.len() - written >= CHUNK + LONG_CHUNK
        {
            // Mostly a literal and a copy: one window holds both.
            let [mut tag, mut b1, mut b2, ..] = *window;
            if kind(tag) == LITERAL {
                let size = usize::from(tag >> 2) + 1;
                if size > CHUNK {
                    break;
                }
                let (_, literals) = window.split_first()?;
                *target.get_mut(written..)?.first_chunk_mut()? =
                    *literals.first_chunk::<CHUNK>()?;
                written += size;
                read += 1 + size;
                [tag, b1, b2] = *literals.get(size..)?.first_chunk()?;
                if kind(tag) == LITERAL {
                    continue;
                }
            }
            let code = usize::from(tag >> 2 & 7);
            let (from_offset, length, taken) = match kind(tag) {
                1 => match usize::from(tag >> 5) << 8 | usize::from(b1) {
                    0 if code < 5 => (offset, code + 4, 2),
                    0 if code == 5 => (offset, 8 + usize::from(b2), 3),
                    0 => break,
                    stated => (stated, code + 4, 2),
                },
                2 => (usize::from(u16::from_le_bytes([b1, b2])), usize::from(tag >> 2) + 1, 3),
                _ => break,
            };
            if from_offset == 0 || from_offset > written {
                return None;
            }
            let from = written - from_offset;
            if length <= CHUNK && from_offset >= CHUNK / 2 {
                // In two halves, because the second may read what the first wrote.
                let half = *target.get(from..)?.first_chunk::<{ CHUNK / 2 }>()?;
                *target.get_mut(written..)?.first_chunk_mut()? = half;
                let half = *target.get(from + CHUNK / 2..)?.first_chunk::<{ CHUNK / 2 }>()?;
                *target.get_mut(written + CHUNK / 2..)?.first_chunk_mut()? = half;
            } else if length <= LONG_CHUNK && from_offset >= LONG_CHUNK {
                let chunk = *target.get(from..)?.first_chunk::<LONG_CHUNK>()?;
                *target.get_mut(written..)?.first_chunk_mut()? = chunk;
            } else {
                break;
            }
            offset = from_offset;
            read += taken;
            written += length;
        }
        (self.read, self.written, self.offset) = (read, written, offset);
        Some(())
    }

    /// Decodes one element of any kind, to the byte.
    fn any_element(&mut self) -> Option<()> {
        let [tag] = self.take::<1>()?;
        let size = usize::from(tag >> 2);
        match kind(tag) {
            LITERAL => self.literal(size),
            1 => {
                let [low] = self.take::<1>()?;
                let offset = usize::from(tag >> 5) << 8 | usize::from(low);
                if offset == 0 {
                    return self.repeat(size & 7);
                }
                self.copy(offset, (size & 7) + 4)
            }
            2 => {
                let offset = u16::from_le_bytes(self.take()?);
                self.copy(usize::from(offset), size + 1)
            }
            _ => {
                let offset = u32::from_le_bytes(self.take()?);
                self.copy(usize::try_from(offset).ok()?, size + 1)
            }
        }
    }

    fn literal(&mut self, code: usize) -> Option<()> {
        let less_one = match code {
            60 => self.number::<1>()?,
            61 => self.number::<2>()?,
            62 => self.number::<3>()?,
            63 => self.number::<4>()?,
            short => short,
        };
        let size = less_one.checked_add(1)?;
        let read_end = self.read.checked_add(size)?;
        let literals = self.source.get(self.read..read_end)?;
        let written_end = self.written.checked_add(size)?;
        self.target.get_mut(self.written..written_end)?.copy_from_slice(literals);
        self.read = read_end;
        self.written = written_end;
        Some(())
    }

    fn repeat(&mut self, code: usize) -> Option<()> {
        let size = match code {
            5 => 8 + self.number::<1>()?,
            6 => 260 + self.number::<2>()?,
            7 => 65540 + self.number::<3>()?,
            short => short + 4,
        };
        self.copy(self.offset, size)
    }

    fn copy(&mut self, offset: usize, size: usize) -> Option<()> {
        if offset == 0 || size > self.target.len() - self.written {
            return None;
        }
        let from = self.written.checked_sub(offset)?;
        let end = self.written + size;
        if offset >= size {
            self.target.copy_within(from..from + size, self.written);
        } else {
            let window = self.target.get_mut(from..end)?;
            match offset {
                1 => tile::<1>(window),
                2 => tile::<2>(window),
                4 => tile::<4>(window),
                8 => tile::<8>(window),
                _ => double(window, offset),
            }
        }
        self.offset = offset;
        self.written = end;
        Some(())
    }

    /// A little-endian number of `N` bytes, at most four.
    fn number<const N: usize>(&mut self) -> Option<usize> {
        let mut wide = [0; 4];
        wide.first_chunk_mut::<N>()?.copy_from_slice(&self.take::<N>()?);
        usize::try_from(u32::from_le_bytes(wide)).ok()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.source.get(self.read..)?.first_chunk::<N>()?;
        self.read += N;
        Some(*taken)
    }
}

/// The kind of element that `tag` starts.
const fn kind(tag: u8) -> u8 {
    tag & 3
}

/// Repeats the first `N` bytes over all of `window`; `N` divides 32.
fn tile<const N: usize>(window: &mut [u8]) {
    let Some(unit) = window.first_chunk::<N>().copied() else { return };
    let mut pattern = [0; 32];
    for part in pattern.as_chunks_mut::<N>().0 {
        *part = unit;
    }
    let (whole, rest) = window.as_chunks_mut::<32>();
    whole.fill(pattern);
    for (byte, value) in rest.iter_mut().zip(pattern) {
        *byte = value;
    }
}

/// Repeats the first `period` bytes over all of `window`, each round copying all that is there.
fn double(window: &mut [u8], period: usize) {
    let mut filled = period;
    while filled < window.len() {
        let count = filled.min(window.len() - filled);
        window.copy_within(..count, filled);
        filled += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn decoded(block: &[u8], len: usize) -> Result<Vec<u8>, BlockError> {
        let mut out = vec![0xee; 3];
        let result = decode(block, len, &mut out);
        assert_eq!(out[..3], [0xee; 3], "what was there stays");
        let content = out.split_off(3);
        if result.is_err() {
            assert!(content.is_empty(), "a failure appends nothing");
        }
        result.map(|()| content)
    }

    /// A page payload of two columns, with a repeat in it.
    const PAGE: [u8; 39] = [
        0x30, 0x04, 0x64, 0x00, 0x09, 0x01, 0x00, 0xc8, 0x09, 0x07, 0x08, 0x00, 0x2c, 0x01, 0x09,
        0x08, 0x00, 0x90, 0x0d, 0x00, 0x01, 0x07, 0x2c, 0x02, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x00, 0x04, 0x00, 0x00, 0x00, 0, 0, 0, 0,
    ];

    fn page() -> &'static [u8] {
        &PAGE[..35]
    }

    #[test]
    fn golden_page() {
        let mut expected = Vec::new();
        for time in [100_i64, 200, 300, 400] {
            expected.extend(time.to_le_bytes());
        }
        for value in [1_i32, 2, 3, 4] {
            expected.extend(value.to_le_bytes());
        }
        assert_eq!(decoded(page(), 48), Ok(expected));
    }

    #[test]
    fn the_front_of_a_block_needs_no_more_than_the_front() {
        let mut whole = Vec::new();
        decode(page(), 48, &mut whole).unwrap();
        for wanted in 0..60 {
            let mut out = vec![0xee; 3];
            decode_front(page(), 48, wanted, &mut out).unwrap();
            assert_eq!(out[3..], whole[..wanted.min(48)]);
        }
        // The times are in the first 23 bytes; the values are lost.
        let mut out = Vec::new();
        assert_eq!(decode_front(&page()[..23], 48, 36, &mut out), Ok(()));
        assert_eq!(decode_front(&page()[..19], 48, 48, &mut vec![]), Err(BlockError::Malformed));
        assert_eq!(out, whole[..36]);
    }

    proptest! {
        #[test]
        fn every_front_is_the_front_of_the_whole(
            ids in proptest::collection::vec(0_u16..40, 0..900),
            tail: Vec<u8>,
            wanted in 0_usize..3000,
        ) {
            let mut input: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
            input.extend(tail);
            let mut block = Vec::new();
            crate::compress::BlockCodec::encode(&crate::compress::s2::S2, &input, &mut block);
            let mut out = Vec::new();
            decode_front(&block, input.len(), wanted, &mut out).unwrap();
            prop_assert_eq!(&out[..], &input[..wanted.min(input.len())]);
        }

        #[test]
        fn the_front_of_a_damaged_block_is_an_error_or_short(
            mut block: Vec<u8>,
            len in 0_usize..500,
            wanted in 0_usize..500,
        ) {
            let mut stated = Vec::new();
            varint::encode(len as u64, &mut stated);
            stated.append(&mut block);
            let mut out = Vec::new();
            match decode_front(&stated, len, wanted, &mut out) {
                Ok(()) => prop_assert_eq!(out.len(), wanted.min(len)),
                Err(_) => prop_assert!(out.is_empty()),
            }
        }
    }

    #[test]
    fn golden_literal_lengths() {
        assert_eq!(decoded(&[0], 0), Ok(vec![]));
        assert_eq!(decoded(&[1, 0x00, 7], 1), Ok(vec![7]));
        // 60..=63 announce 1 to 4 length bytes; a short length in a long form is valid.
        assert_eq!(decoded(&[2, 60 << 2, 1, 7, 8], 2), Ok(vec![7, 8]));
        assert_eq!(decoded(&[2, 61 << 2, 1, 0, 7, 8], 2), Ok(vec![7, 8]));
        assert_eq!(decoded(&[2, 62 << 2, 1, 0, 0, 7, 8], 2), Ok(vec![7, 8]));
        assert_eq!(decoded(&[2, 63 << 2, 1, 0, 0, 0, 7, 8], 2), Ok(vec![7, 8]));
    }

    #[test]
    fn golden_copies() {
        // Literal "ab", then each copy form with offset 2.
        assert_eq!(decoded(b"\x06\x04ab\x01\x02", 6), Ok(b"ababab".to_vec()));
        assert_eq!(decoded(b"\x05\x04ab\x0a\x02\x00", 5), Ok(b"ababa".to_vec()));
        assert_eq!(decoded(b"\x05\x04ab\x0b\x02\x00\x00\x00", 5), Ok(b"ababa".to_vec()));
        // An 11-bit offset: 0b001_00000001 = 257 back.
        let mut block = vec![0x86, 0x02, 61 << 2, 0x01, 0x01];
        let literals: Vec<u8> = (0..=u8::MAX).chain(0..2).collect();
        block.extend(&literals);
        block.extend([0x21, 0x01]);
        assert_eq!(decoded(&block, 262).unwrap()[258..], [1, 2, 3, 4]);
    }

    #[test]
    fn golden_repeats() {
        // Literal "x", copy of 4 with offset 1, then a repeat of each length code.
        for (code, extra, len) in [
            (0, &[][..], 4),
            (4, &[], 8),
            (5, &[0], 8),
            (5, &[255], 263),
            (6, &[0, 0], 260),
            (6, &[1, 2], 260 + 513),
            (7, &[0, 0, 0], 65540),
            (7, &[1, 2, 3], 65540 + 0x03_02_01),
        ] {
            let mut block = Vec::new();
            varint::encode(5 + len as u64, &mut block);
            block.extend(b"\x00x\x01\x01");
            block.extend([code << 2 | 1, 0]);
            block.extend(extra);
            assert_eq!(decoded(&block, 5 + len), Ok(vec![b'x'; 5 + len]), "code {code}");
        }
    }

    #[test]
    fn damaged_blocks() {
        for (block, len, what) in [
            (&b""[..], 0, "no header"),
            (b"\x80", 0, "cut header"),
            (b"\xff\xff\xff\xff\x1f", 1, "more than 32 bits"),
            (b"\x04\x0c", 4, "literal runs out of input"),
            (b"\x02\x08abc", 2, "literal past the end"),
            (b"\x03\x04ab", 3, "too short"),
            (b"\x00\x00a", 0, "input left over"),
            (b"\x06\x04ab\x01\x03", 6, "copy from before the start"),
            (b"\x05\x04ab\x01\x02", 5, "copy past the end"),
            (b"\x06\x04ab\x0e\x00\x00", 6, "offset 0 in two bytes"),
            (b"\x06\x04ab\x0f\x00\x00\x00\x00", 6, "offset 0 in four bytes"),
            (b"\x06\x04ab\x01\x00", 6, "repeat before any copy"),
            (b"\x04\x01\x01", 4, "copy from nothing"),
            (b"\x02\xfc\xff\xff\xff\xffab", 2, "literal of 4 GiB"),
        ] {
            assert_eq!(decoded(block, len), Err(BlockError::Malformed), "{what}");
        }
    }

    #[test]
    fn a_repeat_before_any_copy_is_damage_far_from_the_end_too() {
        let mut block = vec![200, 1, 0x00, 7, 0x01, 0];
        block.extend([60 << 2, 194]);
        block.extend([0; 195]);
        assert_eq!(decoded(&block, 200), Err(BlockError::Malformed));
        block[4] = 0x02;
        block.insert(5, 0);
        assert_eq!(decoded(&block, 200), Err(BlockError::Malformed), "offset 0 in two bytes");
    }

    #[test]
    fn another_length_than_expected_is_told_apart() {
        for expected in [0, 47, 49, usize::MAX] {
            let found = 48;
            assert_eq!(decoded(page(), expected), Err(BlockError::Length { expected, found }));
        }
    }

    #[test]
    fn every_prefix_is_damaged() {
        for cut in 0..page().len() {
            assert_eq!(decoded(&page()[..cut], 48), Err(BlockError::Malformed), "{cut}");
        }
    }

    #[test]
    fn flipped_bits_never_panic_and_keep_the_length() {
        for bit in 0..page().len() * 8 {
            let mut block = page().to_vec();
            block[bit / 8] ^= 1 << (bit % 8);
            if let Ok(content) = decoded(&block, 48) {
                assert_eq!(content.len(), 48);
            }
        }
    }

    /// The format's definition of a copy, one byte at a time.
    fn naive(elements: &[(Vec<u8>, usize, usize)]) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        for (literal, offset, size) in elements {
            out.extend(literal);
            for _ in 0..*size {
                out.push(out[out.len() - offset]);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(block: Vec<u8>, len in 0_usize..300) {
            let _ = decoded(&block, len);
        }

        #[test]
        fn arbitrary_elements_never_panic(
            mut elements in prop::collection::vec(any::<u8>(), 0..400),
            len in 0_usize..20_000,
        ) {
            let mut block = Vec::new();
            varint::encode(len as u64, &mut block);
            block.append(&mut elements);
            let _ = decoded(&block, len);
        }

        #[test]
        fn copies_are_forward_copies(
            steps in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 1..40), any::<prop::sample::Index>(), 1_usize..=64),
                1..60,
            ),
        ) {
            let mut elements = Vec::new();
            let mut block = Vec::new();
            let mut produced = 0;
            for (literal, index, size) in steps {
                produced += literal.len();
                let offset = index.index(produced.min(100)) + 1;
                block.push(u8::try_from(literal.len() - 1).unwrap() << 2);
                block.extend(&literal);
                block.push(u8::try_from(size - 1).unwrap() << 2 | 2);
                block.extend(u16::try_from(offset).unwrap().to_le_bytes());
                produced += size;
                elements.push((literal, offset, size));
            }
            let mut whole = Vec::new();
            varint::encode(produced as u64, &mut whole);
            whole.append(&mut block);
            prop_assert_eq!(decoded(&whole, produced), Ok(naive(&elements)));
        }
    }
}
