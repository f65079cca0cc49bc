//! Columns of values.
//!
//! A value becomes a *number*: an unsigned integer of 32 bits that a way of counting gives it. Values
//! that the way cannot restore to the bit are *exceptions* and stand beside it.
//!
//! | id | way | number |
//! |---:|---|---|
//! | 0 | integer | the `i32` |
//! | 1 | decimal | the integer that, divided by 10^digits, is the `f32` |
//! | 2 | float | the bits of the `f32`, so ordered that larger floats are larger integers |
//!
//! ```text
//! head   encoding u8 | way u8 (digits u8) | exceptions u8 | base u32 | divisor uvarint | numbers …
//! block  (exceptions uvarint | position u16, value u32 …) numbers …
//! ```
//!
//! What `numbers` encodes is (number − base) ÷ divisor.

mod ways;

use super::fields::{flag, list};
use super::numbers::{self, Plan};
use super::raw::{self, RAW};
use super::{BLOCK_LEN, ColumnError, Description, Encoded, block_range, gcd};
use crate::codec::{Reader, Writer};
use crate::types::ValueType;
use alloc::string::ToString;
use alloc::vec::Vec;
use ways::{Counted, Way};
pub(crate) use ways::{ordered, unordered};

/// Numbers of some way.
const NUMBERS: u8 = 1;

/// Encodes up to [`MAX_POINTS`](super::MAX_POINTS) values, at least one, into `out`.
pub fn encode(value_type: ValueType, raws: &[u32], out: &mut Encoded) {
    out.clear();
    numbers_of(value_type, raws, out);
    if out.head.len() + out.body.len() > raws.len() * 4 {
        raw::encode(raws, u32::to_le_bytes, out);
    }
}

fn numbers_of(value_type: ValueType, raws: &[u32], out: &mut Encoded) {
    let Counted { way, mut numbers, exceptions } = ways::count(value_type, raws);
    let base = numbers.iter().copied().min().unwrap_or(0);
    for number in &mut numbers {
        *number -= base;
    }
    let divisor = gcd::of(&numbers);
    if divisor > 1 {
        for number in &mut numbers {
            *number /= divisor;
        }
    }
    let order = numbers::estimate(&numbers).order;
    let plan = Plan::new(&numbers, order);

    let mut writer = Writer::new(&mut out.head);
    writer.u8(NUMBERS);
    way.write(&mut writer);
    writer.u8(u8::from(!exceptions.is_empty())).u32(base).uvarint(divisor.into());
    plan.write_head(&mut out.head);
    let mut blocks = plan.writer();
    let mut exceptions_left = exceptions.as_slice();
    for (index, block) in raws.chunks(BLOCK_LEN).enumerate() {
        if !exceptions.is_empty() {
            let start = index * BLOCK_LEN;
            let own = exceptions_left.partition_point(|&position| position < start + block.len());
            let (own, later) = exceptions_left.split_at_checked(own).unwrap_or_default();
            exceptions_left = later;
            let mut writer = Writer::new(&mut out.body);
            writer.uvarint(u64::try_from(own.len()).unwrap_or(0));
            for position in own.iter().filter_map(|position| position.checked_sub(start)) {
                writer.u16(u16::try_from(position).unwrap_or(0));
                writer.u32(block.get(position).copied().unwrap_or(0));
            }
        }
        blocks.write(index, &mut out.body);
        out.end_block();
    }
}

/// Decodes the blocks of one column.
#[derive(Debug, Clone)]
pub struct Decoder {
    points: usize,
    column: Column,
}

#[derive(Debug, Clone)]
enum Column {
    Raw,
    Numbers { way: Way, exceptions: bool, base: u32, divisor: u32, numbers: numbers::Decoder },
}

impl Decoder {
    /// A decoder for the column with this head and so many points.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when the head is damaged or of a later version.
    pub fn new(head: &[u8], value_type: ValueType, points: usize) -> Result<Self, ColumnError> {
        let mut reader = Reader::new(head);
        let column = match reader.u8().ok_or(ColumnError::Truncated)? {
            RAW => Column::Raw,
            NUMBERS => Column::read(&mut reader, value_type)?,
            id => return Err(ColumnError::Unknown { what: "value encoding", id }),
        };
        if !reader.rest().is_empty() {
            return Err(ColumnError::TrailingBytes(reader.rest().len()));
        }
        Ok(Self { points, column })
    }

    /// Appends the values of the block with this index to `out`.
    ///
    /// # Errors
    ///
    /// [`ColumnError`] when `bytes` are no such block; `out` may then have more values.
    pub fn block(&self, index: usize, bytes: &[u8], out: &mut Vec<u32>) -> Result<(), ColumnError> {
        let len = block_range(index, self.points).len();
        let start = out.len();
        out.resize(start + len, 0);
        let block = out.get_mut(start..).unwrap_or_default();
        match &self.column {
            Column::Raw => {
                for (value, raw) in block.iter_mut().zip(raw::fields(bytes, len)?) {
                    *value = u32::from_le_bytes(*raw);
                }
                Ok(())
            }
            Column::Numbers { way, exceptions, base, divisor, numbers } => {
                let mut reader = Reader::new(bytes);
                let about = ("exceptions", "at most one for each value");
                let listed: &[[u8; EXCEPTION_LEN]] =
                    if *exceptions { list(&mut reader, len, about)? } else { &[] };
                numbers.block(reader.rest(), block)?;
                way.restore(*base, *divisor, block);
                for exception in listed {
                    let mut reader = Reader::new(exception);
                    let (Some(position), Some(raw)) = (reader.u16(), reader.u32()) else {
                        continue;
                    };
                    let (what, expected) = ("exception position", "inside the block");
                    let error = ColumnError::Invalid { what, found: position.into(), expected };
                    *block.get_mut(usize::from(position)).ok_or(error)? = raw;
                }
                Ok(())
            }
        }
    }

    /// How the column is encoded.
    pub fn describe(&self) -> Description {
        match &self.column {
            Column::Raw => raw::describe(),
            Column::Numbers { way, divisor, numbers, .. } => Description {
                numbers: way.to_string(),
                divisor: u64::from(*divisor),
                delta: numbers.order(),
                body: numbers.body(),
            },
        }
    }
}

/// Bytes of an exception: where, and what.
const EXCEPTION_LEN: usize = 6;

impl Column {
    fn read(reader: &mut Reader<'_>, value_type: ValueType) -> Result<Self, ColumnError> {
        let way = Way::read(reader, value_type)?;
        let exceptions = flag(reader, "exceptions")?;
        let base = reader.u32().ok_or(ColumnError::Truncated)?;
        let found = reader.uvarint().ok_or(ColumnError::Truncated)?;
        let (what, expected) = ("divisor", "1 to 32 bits");
        let divisor = u32::try_from(found).ok().filter(|divisor| *divisor > 0);
        let divisor = divisor.ok_or(ColumnError::Invalid { what, found, expected })?;
        Ok(Self::Numbers {
            way,
            exceptions,
            base,
            divisor,
            numbers: numbers::Decoder::read(reader)?,
        })
    }
}
