//! Where the journal is: two slots, written in turn.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `NTDBVOL1` |
//! | 8 | 8 | number (u64): the slot with the higher one counts |
//! | 16 | 4 | first block of the journal (u32) |
//! | 20 | 4 | blocks of the journal (u32) |
//! | 24 | 4 | CRC-32 of the above (u32) |

use super::BLOCK;
use super::medium::Medium;
use super::space::Extent;
use nanotdb_core::codec::checksum::crc32;
use nanotdb_core::codec::{Reader, Writer};
use nanotdb_core::storage::Result;

const MAGIC: &[u8; 8] = b"NTDBVOL1";
const LEN: usize = 28;

/// Blocks at the beginning that superblocks have.
pub(super) const BLOCKS: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) number: u64,
    pub(super) journal: Extent,
}

/// What the two slots say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The superblock that counts.
    Superblock(Superblock),
    /// Nothing was ever written, or the very first writing was cut short.
    Nothing,
    /// Something else is in the file.
    Foreign,
}

impl Superblock {
    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        let mut out = Writer::new(&mut bytes);
        out.bytes(MAGIC).u64(self.number).u32(self.journal.start).u32(self.journal.count).crc32();
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(bytes);
        let magic = fields.array::<8>()?;
        let number = fields.u64()?;
        let journal = Extent { start: fields.u32()?, count: fields.u32()? };
        let whole = crc32(bytes.get(..LEN - 4)?) == fields.u32()?;
        (magic == *MAGIC && whole).then_some(Self { number, journal })
    }

    /// Writes it over the older slot.
    pub(super) fn write<M: Medium>(self, medium: &mut M) -> Result<()> {
        medium.write_at(self.number % 2 * BLOCK, &self.encode())
    }

    pub(super) fn read<M: Medium>(medium: &M) -> Result<Found> {
        let mut slots = [[0; LEN]; 2];
        for (slot, offset) in slots.iter_mut().zip([0, BLOCK]) {
            medium.read_at(offset, slot)?;
        }
        let best = slots.iter().filter_map(|slot| Self::decode(slot));
        Ok(match best.max_by_key(|superblock| superblock.number) {
            Some(superblock) => Found::Superblock(superblock),
            None if begins_nothing(&slots) => Found::Nothing,
            None => Found::Foreign,
        })
    }
}

/// Whether the slots are what a crash leaves of the first writing: zeros, and parts of a slot.
fn begins_nothing(slots: &[[u8; LEN]; 2]) -> bool {
    let fits = |slot: &[u8; LEN]| slot.iter().zip(MAGIC).all(|(&a, &b)| a == b || a == 0);
    slots.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::testing::SimMedium;

    const fn superblock(number: u64) -> Superblock {
        Superblock { number, journal: Extent { start: 2, count: 16 } }
    }

    #[test]
    fn golden_bytes() {
        let bytes = superblock(258).encode();
        let fields = b"NTDBVOL1\x02\x01\0\0\0\0\0\0\x02\0\0\0\x10\0\0\0";
        assert_eq!(bytes, [&fields[..], &crc32(fields).to_le_bytes()].concat());
    }

    #[test]
    fn the_newer_whole_slot_counts() {
        let mut medium = SimMedium::default();
        assert_eq!(Superblock::read(&medium).unwrap(), Found::Nothing);
        for number in 1..4 {
            superblock(number).write(&mut medium).unwrap();
            assert_eq!(Superblock::read(&medium).unwrap(), Found::Superblock(superblock(number)));
        }
        medium.write_at(BLOCK + 9, &[1]).unwrap();
        assert_eq!(Superblock::read(&medium).unwrap(), Found::Superblock(superblock(2)));
        medium.write_at(0, b"something else").unwrap();
        assert_eq!(Superblock::read(&medium).unwrap(), Found::Foreign);
    }
}
