//! Little-endian fields, uvarints and the checksum.

/// Reads fields from the front of a slice; `None` when it ends first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    all: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(all: &'a [u8]) -> Self {
        Self { all, pos: 0 }
    }

    pub(super) const fn at(all: &'a [u8], pos: usize) -> Self {
        Self { all, pos }
    }

    pub(super) const fn pos(&self) -> usize {
        self.pos
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.all.get(self.pos..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.pos.checked_add(len)?;
        let taken = self.all.get(self.pos..end)?;
        self.pos = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A LEB128 number, and whether it was written in as few bytes as possible.
    pub(super) fn uvarint(&mut self) -> Option<(u64, bool)> {
        let mut value = 0_u64;
        for i in 0..10_u32 {
            let byte = self.u8()?;
            if i == 9 && byte > 1 {
                return None;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                return Some((value, i == 0 || byte != 0));
            }
        }
        None
    }
}

/// CRC-32/ISO-HDLC, bit by bit as its definition reads.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = 0xFFFF_FFFF_u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// Bytes from hexadecimal text; white space is ignored.
#[cfg(test)]
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn uvarints() {
        let read = |text| Cursor::new(&hex(text)).uvarint();
        assert_eq!(read("00"), Some((0, true)));
        assert_eq!(read("7f"), Some((127, true)));
        assert_eq!(read("8001"), Some((128, true)));
        assert_eq!(read("8000"), Some((0, false)));
        assert_eq!(read("ffffffffffffffffff01"), Some((u64::MAX, true)));
        assert_eq!(read("ffffffffffffffffff02"), None);
        assert_eq!(read("80"), None);
    }
}
