//! Fields of variable length, and the numbers that are stored in them.

use super::error::PartError;
use crate::codec::Reader;

/// Takes fields from the front of bytes; ends with an error instead of nothing.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes) }
    }

    pub(crate) const fn position(&self) -> usize {
        self.reader.position()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.reader.rest().is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, PartError> {
        self.reader.u8().ok_or(PartError::Truncated)
    }

    pub(crate) fn checksum(&mut self) -> Result<u32, PartError> {
        self.reader.u32().ok_or(PartError::Truncated)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, PartError> {
        self.reader.u64().ok_or(PartError::Truncated)
    }

    pub(crate) fn magic(&mut self) -> Result<[u8; 4], PartError> {
        self.reader.array().ok_or(PartError::Truncated)
    }

    pub(crate) fn uvarint(&mut self) -> Result<u64, PartError> {
        self.reader.uvarint().ok_or(PartError::Truncated)
    }

    pub(crate) fn zigzag(&mut self) -> Result<i64, PartError> {
        self.uvarint().map(from_zigzag)
    }

    /// A uvarint that fits 32 bits.
    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, PartError> {
        let found = self.uvarint()?;
        let expected = "at most 32 bits";
        u32::try_from(found).map_err(|_| PartError::Invalid { what, found, expected })
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, count: u64) -> Result<&'a [u8], PartError> {
        let count = usize::try_from(count).map_err(|_| PartError::Truncated)?;
        self.reader.bytes(count).ok_or(PartError::Truncated)
    }

    pub(crate) fn end(&self) -> Result<(), PartError> {
        match self.reader.rest().len() {
            0 => Ok(()),
            left => Err(PartError::TrailingBytes(left)),
        }
    }
}

/// Small numbers of either sign as small numbers.
pub(crate) const fn to_zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

pub(crate) const fn from_zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_numbers_are_small() {
        assert_eq!([0, -1, 1, -2, i64::MIN].map(to_zigzag), [0, 1, 2, 3, u64::MAX]);
    }

    proptest! {
        #[test]
        fn round_trips(number: i64) {
            prop_assert_eq!(from_zigzag(to_zigzag(number)), number);
        }
    }
}
