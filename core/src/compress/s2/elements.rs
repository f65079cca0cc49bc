//! Writes S2 elements, each in its shortest form; the table is in [`super::decode`].

/// Shortest copy there is.
pub(super) const MIN_COPY: usize = 4;

/// First offset that a one-byte-offset copy cannot hold.
const NEAR_END: usize = 1 << 11;
/// First offset that a two-byte-offset copy cannot hold.
const MIDDLE_END: usize = 1 << 16;
/// Longest one-byte-offset copy.
const NEAR_MAX: usize = 11;
/// Longest copy of the other two kinds.
const COPY_MAX: usize = 64;
/// Longest repeat: its code 7 has a three-byte length.
const REPEAT_MAX: usize = 65540 + 0x00ff_ffff;

/// Short literals are moved as one chunk of this many bytes.
const CHUNK: usize = 16;

/// Writes elements into a slice.
///
/// A block that does not fit is not worth writing: [`Self::finish`] then says so, and until then
/// nothing needs to check.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    out: &'a mut [u8],
    len: usize,
    /// Of the last copy; 0 before the first.
    offset: usize,
    overflow: bool,
}

impl<'a> Elements<'a> {
    pub(super) fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0, offset: 0, overflow: false }
    }

    /// What a repeat would copy from.
    pub(super) fn last_offset(&self) -> usize {
        self.offset
    }

    /// How many bytes were written, or `None` if more were needed than there is room for.
    pub(super) fn finish(self) -> Option<usize> {
        (!self.overflow).then_some(self.len)
    }

    /// Writes `source[from..to]` as a literal, or nothing if that is empty.
    #[inline]
    pub(super) fn literal(&mut self, source: &[u8], from: usize, to: usize) {
        let Some(less_one) = to.saturating_sub(from).checked_sub(1) else { return };
        if less_one < CHUNK
            && let Some(chunk) = source.get(from..).and_then(<[u8]>::first_chunk::<CHUNK>)
            && let Some(room) = self.out.get_mut(self.len..)
            && let Some((tag, room)) = room.split_first_mut()
            && let Some(room) = room.first_chunk_mut::<CHUNK>()
        {
            *tag = byte(less_one) << 2;
            *room = *chunk; // too much, but what follows overwrites it
            self.len += less_one + 2;
            return;
        }
        self.long_literal(source.get(from..to).unwrap_or_default(), less_one);
    }

    fn long_literal(&mut self, literal: &[u8], less_one: usize) {
        let [b0, b1, b2, b3, ..] = less_one.low_bytes();
        match less_one {
            0..60 => self.put(&[b0 << 2]),
            60..0x100 => self.put(&[60 << 2, b0]),
            0x100..0x1_0000 => self.put(&[61 << 2, b0, b1]),
            0x1_0000..0x100_0000 => self.put(&[62 << 2, b0, b1, b2]),
            _ => self.put(&[63 << 2, b0, b1, b2, b3]),
        }
        self.put(literal);
    }

    /// Writes a copy of `size >= 4` bytes from `offset >= 1` bytes back.
    #[inline]
    pub(super) fn copy(&mut self, offset: usize, mut size: usize) {
        if offset != self.offset {
            self.offset = offset;
            size -= self.first_copy(offset, size);
        }
        while size > 0 {
            // Leaves none or enough for another.
            let part = if size <= REPEAT_MAX { size } else { REPEAT_MAX - MIN_COPY };
            self.repeat(part);
            size -= part;
        }
    }

    /// Writes the copy that states the offset, and returns how much it covers: all, or as much as
    /// leaves a repeat for the rest.
    #[inline]
    fn first_copy(&mut self, offset: usize, size: usize) -> usize {
        let [o0, o1, o2, o3, ..] = offset.low_bytes();
        if offset < NEAR_END && (size <= NEAR_MAX || size > COPY_MAX) {
            let part = first_part(size, NEAR_MAX);
            self.put(&[o1 << 5 | byte(part - MIN_COPY) << 2 | 1, o0]);
            return part;
        }
        let part = first_part(size, COPY_MAX);
        let tag = byte(part - 1) << 2;
        if offset < MIDDLE_END {
            self.put(&[tag | 2, o0, o1]);
        } else {
            self.put(&[tag | 3, o0, o1, o2, o3]);
        }
        part
    }

    #[inline]
    fn repeat(&mut self, size: usize) {
        let code = |code: u8| code << 2 | 1;
        match size {
            ..=8 => self.put(&[code(byte(size - 4)), 0]),
            9..264 => self.put(&[code(5), 0, byte(size - 8)]),
            264..65796 => {
                let [b0, b1, ..] = (size - 260).low_bytes();
                self.put(&[code(6), 0, b0, b1]);
            }
            _ => {
                let [b0, b1, b2, ..] = (size - 65540).low_bytes();
                self.put(&[code(7), 0, b0, b1, b2]);
            }
        }
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let room = self.out.get_mut(self.len..).and_then(|rest| rest.get_mut(..bytes.len()));
        match room {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.overflow = true,
        }
    }
}

/// How many bytes [`Elements::copy`] takes.
#[inline]
pub(super) fn copy_cost(offset: usize, size: usize, last_offset: usize) -> usize {
    if offset == last_offset {
        return repeat_cost(size);
    }
    if offset < NEAR_END && (size <= NEAR_MAX || size > COPY_MAX) {
        let part = first_part(size, NEAR_MAX);
        return 2 + repeat_cost(size - part);
    }
    let part = first_part(size, COPY_MAX);
    (if offset < MIDDLE_END { 3 } else { 5 }) + repeat_cost(size - part)
}

#[inline]
fn repeat_cost(size: usize) -> usize {
    match size {
        0 => 0,
        1..=8 => 2,
        9..264 => 3,
        264..65796 => 4,
        _ => 5,
    }
}

/// The first part of a copy of `size` whose form holds `max`.
#[inline]
fn first_part(size: usize, max: usize) -> usize {
    if size <= max { size } else { max.min(size - MIN_COPY) }
}

#[inline]
fn byte(value: usize) -> u8 {
    let [low, ..] = value.low_bytes();
    low
}

/// The bytes of a number, low byte first, the same on every host.
trait LowBytes {
    fn low_bytes(self) -> [u8; 8];
}

impl LowBytes for usize {
    #[inline]
    fn low_bytes(self) -> [u8; 8] {
        (self as u64).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn written(write: impl FnOnce(&mut Elements<'_>)) -> Vec<u8> {
        let mut out = vec![0; 100_000];
        let mut elements = Elements::new(&mut out);
        write(&mut elements);
        let len = elements.finish().expect("fits");
        out.truncate(len);
        out
    }

    #[test]
    fn literals_take_the_shortest_form() {
        let source = vec![7; 70_000];
        for (len, header) in [
            (0, &[][..]),
            (1, &[0]),
            (16, &[15 << 2]),
            (17, &[16 << 2]),
            (60, &[59 << 2]),
            (61, &[60 << 2, 60]),
            (256, &[60 << 2, 255]),
            (257, &[61 << 2, 0, 1]),
            (65536, &[61 << 2, 255, 255]),
            (65537, &[62 << 2, 0, 0, 1]),
        ] {
            let bytes = written(|e| e.literal(&source, 0, len));
            assert_eq!(bytes[..header.len()], *header, "{len}");
            assert_eq!(bytes.len(), header.len() + len);
        }
    }

    #[test]
    fn copies_take_the_shortest_form() {
        for (offset, size, expected) in [
            (1, 4, &[1, 1][..]),
            (2047, 11, &[7 << 5 | 7 << 2 | 1, 255]),
            (2047, 12, &[11 << 2 | 2, 255, 7]),
            (2048, 4, &[3 << 2 | 2, 0, 8]),
            (5, 64, &[63 << 2 | 2, 5, 0]),
            (5, 65, &[7 << 2 | 1, 5, 5 << 2 | 1, 0, 46]),
            (3000, 65, &[60 << 2 | 2, 184, 11, 1, 0]),
            (65536, 4, &[3 << 2 | 3, 0, 0, 1, 0]),
            (5, 11 + 263, &[7 << 2 | 1, 5, 5 << 2 | 1, 0, 255]),
            (5, 11 + 264, &[7 << 2 | 1, 5, 6 << 2 | 1, 0, 4, 0]),
            (5, 11 + 65795, &[7 << 2 | 1, 5, 6 << 2 | 1, 0, 255, 255]),
            (5, 11 + 65796, &[7 << 2 | 1, 5, 7 << 2 | 1, 0, 0, 1, 0]),
        ] {
            assert_eq!(written(|e| e.copy(offset, size)), expected, "{offset} {size}");
            assert_eq!(copy_cost(offset, size, 0), expected.len(), "{offset} {size}");
        }
    }

    #[test]
    fn the_same_offset_again_is_a_repeat() {
        let bytes = written(|e| {
            e.copy(9, 4);
            e.copy(9, 8);
            e.copy(9, 20);
        });
        assert_eq!(bytes, [1, 9, 4 << 2 | 1, 0, 5 << 2 | 1, 0, 12]);
        assert_eq!((copy_cost(9, 8, 9), copy_cost(9, 20, 9)), (2, 3));
    }

    #[test]
    fn the_longest_copies_take_several_repeats() {
        let bytes = written(|e| e.copy(1, 11 + REPEAT_MAX + 1));
        assert_eq!(bytes.len(), 2 + 5 + 2);
        assert_eq!(bytes[7..], [1 << 2 | 1, 0]);
    }

    #[test]
    fn no_room_is_reported() {
        let mut out = [0; 4];
        let mut elements = Elements::new(&mut out);
        elements.literal(&[1, 2, 3], 0, 3);
        elements.copy(3, 4);
        assert_eq!(elements.finish(), None);
    }
}
