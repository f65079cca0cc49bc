//! Times on a grid: ticks of a period, each a little late.

use super::super::numbers::{self, Plan};
use super::super::{BLOCK_LEN, ColumnError, Description, Encoded, gcd};
use super::GRID;
use crate::codec::{Reader, Writer};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// What a period may be a multiple of, in nanoseconds: collectors are told round ones.
const ROUND: [u64; 8] =
    [1, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
/// A rounded period may differ from the usual step by one part in so many.
const NEAR: u64 = 16;
/// Steps and times looked at to find the period.
const SAMPLE: usize = 512;

/// The times as a grid, if they are near one.
pub(super) fn encode(times: &[i64]) -> Option<Encoded> {
    let first = *times.first()?;
    let period = period(times)?;
    let mut origins = Vec::with_capacity(times.len().div_ceil(BLOCK_LEN));
    let (mut ticks, mut lates) = (Vec::with_capacity(times.len()), Vec::with_capacity(times.len()));
    for block in times.chunks(BLOCK_LEN) {
        let mut start = None;
        for &time in block {
            let (tick, late) = place(first, time, period)?;
            let start = *start.get_or_insert(tick);
            ticks.push(u32::try_from(tick - start).ok()?);
            lates.push(late);
        }
        let origin = start.unwrap_or(0).wrapping_mul(period);
        origins.push(first.wrapping_add(origin.cast_signed()));
    }
    let least = lates.iter().copied().min()?;
    let above = || lates.iter().map(|&late| late.wrapping_sub(least).cast_unsigned());
    let unit = gcd::of_long(above());
    let lates: Option<Vec<u32>> = above().map(|late| u32::try_from(late / unit).ok()).collect();
    let lates = lates?;

    let mut out = Encoded::default();
    let tick_plan = Plan::new(&ticks, numbers::estimate(&ticks).order);
    let late_plan = Plan::new(&lates, numbers::estimate(&lates).order);
    Writer::new(&mut out.head).u8(GRID).uvarint(period).uvarint(unit).i64(least);
    tick_plan.write_head(&mut out.head);
    late_plan.write_head(&mut out.head);
    let (mut tick_blocks, mut late_blocks) = (tick_plan.writer(), late_plan.writer());
    let mut block = Vec::new();
    for (index, origin) in origins.into_iter().enumerate() {
        block.clear();
        tick_blocks.write(index, &mut block);
        let len = u64::try_from(block.len()).unwrap_or(u64::MAX);
        Writer::new(&mut out.body).i64(origin).uvarint(len).bytes(&block);
        late_blocks.write(index, &mut out.body);
        out.end_block();
    }
    Some(out)
}

/// Which tick after `first` is nearest to a time not before it, and how late the time is.
fn place(first: i64, time: i64, period: u64) -> Option<(u64, i64)> {
    let since = time.wrapping_sub(first).cast_unsigned();
    let tick = since.checked_add(period / 2)? / period;
    Some((tick, since.wrapping_sub(tick.wrapping_mul(period)).cast_signed()))
}

/// The period from which the times differ least.
fn period(times: &[i64]) -> Option<u64> {
    let gap = (times.len() / SAMPLE).max(1);
    let pairs = times.windows(2).step_by(gap);
    let mut steps: Vec<u64> = pairs
        .filter_map(|pair| match pair {
            [before, after] => Some(after.wrapping_sub(*before).cast_unsigned()),
            _ => None,
        })
        .collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(1).max(1);
    let first = *times.first()?;
    let spread = |period: u64| {
        let lates = times.iter().take(SAMPLE).map(|&time| place(first, time, period).map(|p| p.1));
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for late in lates {
            let late = late?;
            (least, most) = (least.min(late), most.max(late));
        }
        Some(most.wrapping_sub(least).cast_unsigned())
    };
    let rounded = ROUND.into_iter().filter_map(|unit| {
        let period = usual.checked_add(unit / 2)? / unit * unit;
        (period > 0 && period.abs_diff(usual) <= usual / NEAR).then_some(period)
    });
    // The roundest among equals: it holds beyond the sample.
    let spreads = rounded.filter_map(|period| Some((spread(period)?, period)));
    spreads.reduce(|best, next| if next.0 <= best.0 { next } else { best }).map(|best| best.1)
}

/// Decodes the blocks of a grid.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    period: u64,
    unit: u64,
    least: i64,
    ticks: numbers::Decoder,
    lates: numbers::Decoder,
}

impl Grid {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ColumnError> {
        let period = reader.uvarint().ok_or(ColumnError::Truncated)?;
        let unit = reader.uvarint().ok_or(ColumnError::Truncated)?;
        let least = reader.i64().ok_or(ColumnError::Truncated)?;
        let ticks = numbers::Decoder::read(reader)?;
        let lates = numbers::Decoder::read(reader)?;
        Ok(Self { period, unit, least, ticks, lates })
    }

    pub(super) fn block(
        &self,
        bytes: &[u8],
        len: usize,
        out: &mut Vec<i64>,
    ) -> Result<(), ColumnError> {
        let mut reader = Reader::new(bytes);
        let origin = reader.i64().ok_or(ColumnError::Truncated)?;
        let ticks_len = reader.uvarint().ok_or(ColumnError::Truncated)?;
        let ticks_len = usize::try_from(ticks_len).map_err(|_| ColumnError::Truncated)?;
        let ticks_bytes = reader.bytes(ticks_len).ok_or(ColumnError::Truncated)?;
        let (mut ticks, mut lates) = (vec![0; len], vec![0; len]);
        self.ticks.block(ticks_bytes, &mut ticks)?;
        self.lates.block(reader.rest(), &mut lates)?;
        let start = origin.wrapping_add(self.least).cast_unsigned();
        out.extend(ticks.into_iter().zip(lates).map(|(tick, late)| {
            let tick = u64::from(tick).wrapping_mul(self.period);
            let late = u64::from(late).wrapping_mul(self.unit);
            start.wrapping_add(tick).wrapping_add(late).cast_signed()
        }));
        Ok(())
    }

    pub(super) fn describe(&self) -> Description {
        Description {
            numbers: format!("grid {} ns", self.period),
            divisor: self.unit,
            delta: self.lates.order(),
            body: self.lates.body(),
        }
    }
}
