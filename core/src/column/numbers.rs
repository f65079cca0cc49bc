//! Columns of unsigned 32-bit numbers, which times and values are turned into.
//!
//! The head says how often differences are taken, what is subtracted from them so that the least
//! is 0, and the body:
//!
//! ```text
//! order u8 | least u32 | body u8 | bins …
//! ```
//!
//! A block is its seeds, then what the body makes of the differences.

use super::bins::{Bins, Chosen, Coder, Table, bits_each, choose};
use super::bits::precise;
use super::delta::{MAX_ORDER, Seeds, differences, sum};
use super::pack::{self, Packing};
use super::{BLOCK_LEN, ColumnError, block_range};
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;

/// All differences are equal.
const CONSTANT: u8 = 0;
/// Fields of one width.
const PACK: u8 = 1;
/// Entropy-coded bins.
const BINS: u8 = 2;

/// The fast body is taken when it is larger by less than this part: it decodes several times as
/// fast.
const PACK_MARGIN: usize = 32;

/// Numbers of a sample at most.
const SAMPLE: usize = 1024;
/// Numbers next to each other of which a small sample is made, and how many times.
const STRETCH: usize = 34;
const STRETCHES: usize = 8;

/// What is stored of the differences.
#[derive(Debug)]
enum Body {
    Constant,
    Pack(Vec<Packing>),
    Bins(Chosen),
}

/// How a column will be encoded: everything but the bytes.
#[derive(Debug)]
pub(super) struct Plan {
    order: usize,
    least: u32,
    body: Body,
    /// The differences of all blocks, less the least.
    rest: Vec<u32>,
    seeds: Vec<Seeds>,
}

/// What numbers would take, from a sample of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) order: usize,
    /// Bits of each number, about.
    pub(super) bits: f32,
}

/// Adds this to differences so that negative ones come before positive ones.
const HALF: u32 = 1 << 31;

/// Tries the orders on a few stretches of the numbers.
pub(super) fn estimate(numbers: &[u32]) -> Estimate {
    let mut best = Estimate { order: 0, bits: f32::INFINITY };
    let mut sample = Vec::with_capacity(STRETCH * STRETCHES);
    for (order, seeds_bits) in (0..=MAX_ORDER).zip([0.0, 0.02, 0.04]) {
        sample.clear();
        let gap = (numbers.len() / STRETCHES).max(STRETCH);
        for stretch in numbers.chunks(gap).filter_map(|chunk| chunk.get(..STRETCH.min(chunk.len())))
        {
            differences(stretch, order, &mut sample);
        }
        if order > 0 {
            for difference in &mut sample {
                *difference = difference.wrapping_add(HALF);
            }
        }
        sample.sort_unstable();
        let bits = bits_each(&sample) + seeds_bits;
        if bits >= best.bits {
            break; // differences that are worse than what they are of do not get better
        }
        best = Estimate { order, bits };
    }
    best
}

impl Plan {
    /// The plan for these numbers, with differences of this order.
    pub(super) fn new(numbers: &[u32], order: usize) -> Self {
        let mut rest = Vec::with_capacity(numbers.len());
        let blocks = numbers.chunks(BLOCK_LEN);
        let seeds = blocks.map(|block| differences(block, order, &mut rest)).collect();
        let half = if order == 0 { 0 } else { HALF };
        let bounds = rest.iter().fold((u32::MAX, 0), |(least, most), difference| {
            let shifted = difference.wrapping_add(half);
            (least.min(shifted), most.max(shifted))
        });
        let (least, most) = if rest.is_empty() { (half, half) } else { bounds };
        let least_difference = least.wrapping_sub(half);
        let mut plan = Self { order, least: least_difference, body: Body::Constant, rest, seeds };
        if least < most {
            plan.rest
                .iter_mut()
                .for_each(|difference| *difference = difference.wrapping_sub(least_difference));
            plan.choose_body();
        }
        plan
    }

    fn choose_body(&mut self) {
        let stride = self.rest.len().div_ceil(SAMPLE).max(1);
        let mut sample: Vec<u32> = self.rest.iter().step_by(stride).copied().collect();
        sample.sort_unstable();
        let chosen = choose(&self.rest, &sample);
        let small = chosen.cost + 8 * self.seeds.len();
        let enough = small + small / PACK_MARGIN;
        // A base and a width for each block save something, but not half.
        let far = pack::bytes_each(&sample) * precise(self.rest.len()) > 2.0 * precise(enough);
        let packings: Vec<Packing> =
            if far { Vec::new() } else { self.rest.chunks(BLOCK_LEN).map(Packing::of).collect() };
        let packed: usize = packings.iter().map(|packing| packing.len).sum();
        self.body =
            if !far && packed <= enough { Body::Pack(packings) } else { Body::Bins(chosen) };
    }

    /// Appends the head.
    pub(super) fn write_head(&self, out: &mut Vec<u8>) {
        let order = u8::try_from(self.order).unwrap_or(0);
        let mut writer = Writer::new(out);
        writer.u8(order).u32(self.least);
        match &self.body {
            Body::Constant => {
                writer.u8(CONSTANT);
            }
            Body::Pack(_) => {
                writer.u8(PACK);
            }
            Body::Bins(chosen) => {
                writer.u8(BINS);
                chosen.bins.write(out);
            }
        }
    }

    /// What appends the blocks.
    pub(super) fn writer(&self) -> BlockWriter<'_> {
        let coder = match &self.body {
            Body::Bins(chosen) => Some(Coder::new(&chosen.bins, &chosen.bin_of)),
            Body::Constant | Body::Pack(_) => None,
        };
        BlockWriter { plan: self, coder }
    }
}

/// Appends the blocks of a plan.
#[derive(Debug)]
pub(super) struct BlockWriter<'p> {
    plan: &'p Plan,
    coder: Option<Coder>,
}

impl BlockWriter<'_> {
    /// Appends the block with this index.
    pub(super) fn write(&mut self, index: usize, out: &mut Vec<u8>) {
        let plan = self.plan;
        let range = block_range(index, plan.rest.len());
        if let Some(seeds) = plan.seeds.get(index) {
            seeds.write(Seeds::count(plan.order, range.len()), out);
        }
        let rest = plan.rest.get(range.clone()).unwrap_or_default();
        match (&plan.body, &mut self.coder) {
            (Body::Bins(chosen), Some(coder)) => {
                coder.encode(rest, chosen.places.get(range).unwrap_or_default(), out);
            }
            (Body::Pack(packings), _) => {
                if let Some(packing) = packings.get(index) {
                    packing.encode(rest, out);
                }
            }
            _ => {}
        }
    }
}

/// Decodes blocks of numbers.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    order: usize,
    least: u32,
    body: Decode,
}

#[derive(Debug, Clone)]
enum Decode {
    Constant,
    Pack,
    Bins(Table),
}

impl Decoder {
    /// Reads the head that [`Plan::write_head`] wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ColumnError> {
        let order = reader.u8().ok_or(ColumnError::Truncated)?;
        if usize::from(order) > MAX_ORDER {
            return Err(ColumnError::Unknown { what: "order of differences", id: order });
        }
        let least = reader.u32().ok_or(ColumnError::Truncated)?;
        let body = match reader.u8().ok_or(ColumnError::Truncated)? {
            CONSTANT => Decode::Constant,
            PACK => Decode::Pack,
            BINS => Decode::Bins(Table::new(&Bins::read(reader)?)),
            id => return Err(ColumnError::Unknown { what: "body", id }),
        };
        Ok(Self { order: order.into(), least, body })
    }

    /// Fills `out` with the numbers of the block in `bytes`.
    pub(super) fn block(&self, bytes: &[u8], out: &mut [u32]) -> Result<(), ColumnError> {
        let count = Seeds::count(self.order, out.len());
        let mut reader = Reader::new(bytes);
        let seeds = Seeds::read(count, &mut reader)?;
        match &self.body {
            Decode::Constant if reader.rest().is_empty() => out.fill(self.least),
            Decode::Constant => return Err(ColumnError::TrailingBytes(reader.rest().len())),
            Decode::Pack => pack::decode(reader.rest(), out)?,
            Decode::Bins(table) => table.decode(reader.rest(), out)?,
        }
        if self.least != 0 && !matches!(self.body, Decode::Constant) {
            for difference in out.iter_mut() {
                *difference = difference.wrapping_add(self.least);
            }
        }
        sum(seeds, self.order, out);
        Ok(())
    }

    pub(super) const fn order(&self) -> u8 {
        match self.order {
            0 => 0,
            1 => 1,
            _ => 2,
        }
    }

    pub(super) const fn body(&self) -> &'static str {
        match self.body {
            Decode::Constant => "constant",
            Decode::Pack => "pack",
            Decode::Bins(_) => "bins",
        }
    }
}
