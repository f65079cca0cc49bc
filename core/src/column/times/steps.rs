//! Times by their distances.

use super::super::fields::{flag, list};
use super::super::numbers::{self, Plan};
use super::super::{BLOCK_LEN, ColumnError, Description, Encoded, gcd};
use super::STEPS;
use crate::codec::{Reader, Writer};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of a long step: where, and how long.
const LONG_LEN: usize = 10;

pub(super) fn encode(times: &[i64]) -> Encoded {
    // The first of each block has no step: the block says where it is.
    let steps_of = |block: &[i64]| {
        let before = block.iter();
        let steps = before.zip(block.get(1..).unwrap_or_default());
        steps.map(|(before, after)| after.wrapping_sub(*before).cast_unsigned()).collect::<Vec<_>>()
    };
    let blocks: Vec<Vec<u64>> = times.chunks(BLOCK_LEN).map(steps_of).collect();
    let unit = gcd::of_long(blocks.iter().flatten().copied());
    let is_long = |step: u64| step / unit > u64::from(u32::MAX);
    let has_long = blocks.iter().flatten().any(|&step| is_long(step));
    let mut steps: Vec<u32> = Vec::with_capacity(times.len());
    for block in &blocks {
        let mut before = block.iter().copied().find(|&step| !is_long(step)).unwrap_or(0);
        // The place of the first holds what follows it, which costs least.
        steps.extend(u32::try_from(before / unit));
        for &step in block {
            if !is_long(step) {
                before = step;
            }
            steps.extend(u32::try_from(before / unit));
        }
    }

    let mut out = Encoded::default();
    let plan = Plan::new(&steps, numbers::estimate(&steps).order);
    Writer::new(&mut out.head).u8(STEPS).uvarint(unit).u8(has_long.into());
    plan.write_head(&mut out.head);
    let mut writer = plan.writer();
    for (index, (block, steps)) in times.chunks(BLOCK_LEN).zip(&blocks).enumerate() {
        let mut fields = Writer::new(&mut out.body);
        fields.i64(block.first().copied().unwrap_or(0));
        if has_long {
            let long = || (1_u16..).zip(steps).filter(|(_, step)| is_long(**step));
            fields.uvarint(u64::try_from(long().count()).unwrap_or(0));
            for (position, step) in long() {
                fields.u16(position).u64(*step);
            }
        }
        writer.write(index, &mut out.body);
        out.end_block();
    }
    out
}

/// Decodes the blocks of steps.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    unit: u64,
    has_long: bool,
    numbers: numbers::Decoder,
}

impl Steps {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ColumnError> {
        let unit = reader.uvarint().ok_or(ColumnError::Truncated)?;
        let has_long = flag(reader, "long steps")?;
        Ok(Self { unit, has_long, numbers: numbers::Decoder::read(reader)? })
    }

    pub(super) fn block(
        &self,
        bytes: &[u8],
        len: usize,
        out: &mut Vec<i64>,
    ) -> Result<(), ColumnError> {
        let mut reader = Reader::new(bytes);
        let mut time = reader.i64().ok_or(ColumnError::Truncated)?;
        let about = ("long steps", "at most one for each time");
        let long: &[[u8; LONG_LEN]] =
            if self.has_long { list(&mut reader, len, about)? } else { &[] };
        let mut steps = vec![0; len];
        self.numbers.block(reader.rest(), &mut steps)?;

        let mut long = long.iter().filter_map(|long| {
            let mut reader = Reader::new(long);
            Some((usize::from(reader.u16()?), reader.u64()?))
        });
        let mut next = long.next();
        out.reserve(len);
        for (position, step) in steps.into_iter().enumerate() {
            let mut step = u64::from(step).wrapping_mul(self.unit);
            if let Some((at, long_step)) = next
                && at == position
            {
                step = long_step;
                next = long.next();
            }
            if position > 0 {
                time = time.wrapping_add(step.cast_signed());
            }
            out.push(time);
        }
        match next {
            None => Ok(()),
            Some((position, _)) => {
                let found = u64::try_from(position).unwrap_or(u64::MAX);
                let (what, expected) = ("position of a long step", "ascending, inside the block");
                Err(ColumnError::Invalid { what, found, expected })
            }
        }
    }

    pub(super) fn describe(&self) -> Description {
        Description {
            numbers: String::from("steps"),
            divisor: self.unit,
            delta: self.numbers.order(),
            body: self.numbers.body(),
        }
    }
}
