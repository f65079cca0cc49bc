//! Fronts: what stands before the blocks of a frame.
//!
//! | field | size | `TPG3`, times | `MPG3`, values |
//! |---|---|---|---|
//! | magic | 4 | | |
//! | whose | uvarints | id | value type (1 byte), metric, time frame, time offset |
//! | points | uvarint | 1 to 65,536 | likewise |
//! | head | length uvarint, bytes | how the times are encoded | how the values are |
//! | directory | each length uvarint, CRC-32 | of the blocks | likewise |
//! | checksum | 4 | CRC-32 of everything before | likewise |

use super::error::PartError;
use super::fields::Fields;
use crate::codec::Writer;
use crate::codec::checksum::crc32;
use crate::column::{ColumnError, Encoded, MAX_POINTS, block_count, block_range, times, values};
use crate::types::{MetricId, ValueType};
use alloc::vec::Vec;
use core::ops::Range;

const TIME_MAGIC: [u8; 4] = *b"TPG3";
const METRIC_MAGIC: [u8; 4] = *b"MPG3";

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A time frame.
    Times { id: u32 },
    /// A metric frame, and where its times are.
    Values { metric: MetricId, value_type: ValueType, time_frame: u32, time_offset: u32 },
}

/// What a front says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Front<'b> {
    pub(crate) whose: Whose,
    pub(crate) points: u32,
    pub(crate) head: &'b [u8],
    blocks: Vec<Block>,
}

/// Where in the body a block is, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    place: Range<usize>,
    checksum: u32,
}

/// Appends the front of a frame of so many points to `out`.
pub(crate) fn encode(whose: Whose, points: u32, column: &Encoded, out: &mut Vec<u8>) {
    let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut w = Writer::new(out);
    match whose {
        Whose::Times { id } => w.bytes(&TIME_MAGIC).uvarint(id.into()),
        Whose::Values { metric, value_type, time_frame, time_offset } => w
            .bytes(&METRIC_MAGIC)
            .u8(value_type.byte())
            .uvarint(metric.get().into())
            .uvarint(time_frame.into())
            .uvarint(time_offset.into()),
    };
    w.uvarint(points.into()).uvarint(len(&column.head)).bytes(&column.head);
    for block in column.blocks() {
        w.uvarint(len(block)).u32(crc32(block));
    }
    w.crc32();
}

impl<'b> Front<'b> {
    /// Decodes the front that `bytes` are, all of them, trusting no field until the checksum holds.
    pub(crate) fn decode(bytes: &'b [u8]) -> Result<Self, PartError> {
        let (content, stored) = bytes.split_last_chunk::<4>().ok_or(PartError::Truncated)?;
        let (stored, computed) = (u32::from_le_bytes(*stored), crc32(content));
        if stored != computed {
            return Err(PartError::BadChecksum { what: "front", stored, computed });
        }
        let mut fields = Fields::new(content);
        let whose = Whose::decode(&mut fields)?;
        let points = points(&mut fields)?;
        let head_len = fields.uvarint()?;
        let head = fields.bytes(head_len)?;
        let blocks = blocks(points, &mut fields)?;
        fields.end()?;
        Ok(Self { whose, points, head, blocks })
    }

    /// Bytes of all blocks.
    pub(crate) fn body_len(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.place.end)
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.points).unwrap_or(usize::MAX)
    }

    /// Where in the body these blocks are.
    pub(crate) fn place(&self, blocks: &Range<usize>) -> Range<usize> {
        let blocks = self.blocks.get(blocks.clone()).unwrap_or_default();
        let start = blocks.first().map_or(0, |block| block.place.start);
        start..blocks.last().map_or(start, |block| block.place.end)
    }

    /// Appends the points of these blocks to `out`; `bytes` is the part of the body they are in.
    pub(crate) fn decode_blocks<D: Decode>(
        &self,
        decoder: &D,
        blocks: Range<usize>,
        bytes: &[u8],
        out: &mut Vec<D::Point>,
    ) -> Result<(), PartError> {
        let base = self.place(&blocks).start;
        let wanted = self.blocks.get(blocks.clone()).unwrap_or_default();
        for (index, block) in blocks.zip(wanted) {
            let place = block.place.start - base..block.place.end - base;
            let bytes = bytes.get(place).ok_or(PartError::Truncated)?;
            let (stored, computed) = (block.checksum, crc32(bytes));
            if stored != computed {
                return Err(PartError::BadChecksum { what: "block", stored, computed });
            }
            let expected = out.len() + block_range(index, self.len()).len();
            decoder.block(index, bytes, out)?;
            debug_assert_eq!(out.len(), expected, "decoders append what they should");
        }
        Ok(())
    }
}

impl Whose {
    fn decode(fields: &mut Fields<'_>) -> Result<Self, PartError> {
        match fields.magic()? {
            TIME_MAGIC => Ok(Self::Times { id: fields.u32("time frame")? }),
            METRIC_MAGIC => {
                let value_type = value_type(fields.u8()?)?;
                let metric = metric(fields.uvarint()?)?;
                let time_frame = fields.u32("time frame")?;
                let time_offset = fields.u32("time offset")?;
                Ok(Self::Values { metric, value_type, time_frame, time_offset })
            }
            found => Err(PartError::BadMagic { found, expected: METRIC_MAGIC }),
        }
    }
}

/// The metric with this id.
pub(crate) fn metric(found: u64) -> Result<MetricId, PartError> {
    let metric = u16::try_from(found).ok().and_then(MetricId::new);
    metric.ok_or(PartError::Invalid { what: "metric", found, expected: "1 to 65535" })
}

/// Takes the number of a frame's points.
pub(crate) fn points(fields: &mut Fields<'_>) -> Result<u32, PartError> {
    let found = fields.u32("points")?;
    let fits = usize::try_from(found).is_ok_and(|points| (1..=MAX_POINTS).contains(&points));
    let expected = "1 to 65536";
    fits.then_some(found).ok_or(PartError::Invalid {
        what: "points",
        found: found.into(),
        expected,
    })
}

fn value_type(byte: u8) -> Result<ValueType, PartError> {
    ValueType::from_byte(byte).ok_or(PartError::Unknown { what: "value type", id: byte })
}

fn blocks(points: u32, fields: &mut Fields<'_>) -> Result<Vec<Block>, PartError> {
    let mut blocks = Vec::new();
    let mut end = 0_usize;
    for _ in 0..block_count(usize::try_from(points).unwrap_or(usize::MAX)) {
        let len = fields.u32("block length")?;
        let start = end;
        let len = usize::try_from(len).map_err(|_| PartError::Truncated)?;
        end = start.checked_add(len).ok_or(PartError::Truncated)?;
        blocks.push(Block { place: start..end, checksum: fields.checksum()? });
    }
    Ok(blocks)
}

/// What decodes the blocks of a column.
pub(crate) trait Decode {
    /// A point of the column.
    type Point;

    /// Appends the points of a block to `out`.
    fn block(
        &self,
        index: usize,
        bytes: &[u8],
        out: &mut Vec<Self::Point>,
    ) -> Result<(), ColumnError>;
}

impl Decode for times::Decoder {
    type Point = i64;

    fn block(&self, index: usize, bytes: &[u8], out: &mut Vec<i64>) -> Result<(), ColumnError> {
        self.block(index, bytes, out)
    }
}

impl Decode for values::Decoder {
    type Point = u32;

    fn block(&self, index: usize, bytes: &[u8], out: &mut Vec<u32>) -> Result<(), ColumnError> {
        self.block(index, bytes, out)
    }
}

#[cfg(test)]
#[path = "front_tests.rs"]
mod tests;
