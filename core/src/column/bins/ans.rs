//! Coding numbers by the states of a table.
//!
//! A stream begins with four states of `log` bits. Number `i` belongs to state `i % 4`: the state
//! says the bin, and how many bits follow for the state after it; behind these stand the number's
//! offset bits. At the end all four states are 0, where the encoder began.

use super::super::BLOCK_LEN;
use super::super::ColumnError;
use super::super::bits::{BitWriter, PADDING, PEEK_BITS, low, mask, peek, width};
use super::{Bin, Bins, MAX_LOG};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

const STATES: usize = 4;
const TABLE_LEN: usize = 1 << MAX_LOG;

/// What a state stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Entry {
    lower: u32,
    offset_mask: u32,
    /// The state after it, before some of the next bits are added.
    next: u16,
    state_mask: u16,
    state_bits: u8,
    /// Bits of the state and the offset.
    bits: u8,
}

/// Decodes numbers.
#[derive(Debug, Clone)]
pub(in crate::column) struct Table {
    log: u32,
    /// Most bits that a number takes.
    most_bits: u32,
    entries: Box<[Entry; TABLE_LEN]>,
}

/// Visits the states of the bins, in table order: the bin's place, and its how manieth state it is.
///
/// The states of a bin are spread by a stride that has no common factor with the table's size.
fn spread(bins: &Bins, mut visit: impl FnMut(usize, u32, &Bin, u32)) {
    let size = 1_usize << bins.log;
    let stride = size / 2 + size / 8 + 3;
    let mut places = vec![0_u8; size];
    let mut at = 0;
    for (place, bin) in (0_u8..).zip(&bins.list) {
        for _ in 0..bin.weight {
            if let Some(slot) = places.get_mut(at) {
                *slot = place;
            }
            at = (at + stride) & (size - 1);
        }
    }
    let mut seen = [0_u32; 256];
    for (state, place) in (0_u32..).zip(places) {
        let place = usize::from(place);
        if let (Some(bin), Some(seen)) = (bins.list.get(place), seen.get_mut(place)) {
            visit(place, state, bin, *seen);
            *seen += 1;
        }
    }
}

impl Table {
    pub(in crate::column) fn new(bins: &Bins) -> Self {
        let mut entries = Box::new([Entry::default(); TABLE_LEN]);
        let size = 1_u32 << bins.log;
        let mut slots = entries.iter_mut();
        let mut most_bits = 0;
        spread(bins, |_, _, bin, nth| {
            let count = bin.weight + nth;
            let state_bits = (bins.log + 1).saturating_sub(width(count));
            let bits = state_bits + bin.offset_bits;
            most_bits = bits.max(most_bits);
            if let Some(entry) = slots.next() {
                *entry = Entry {
                    lower: bin.lower,
                    offset_mask: low(mask(bin.offset_bits)),
                    next: half((count << state_bits).saturating_sub(size)),
                    state_mask: half(low(mask(state_bits))),
                    state_bits: byte(state_bits),
                    bits: byte(bits),
                };
            }
        });
        Self { log: bins.log, most_bits, entries }
    }

    #[inline]
    fn entry(&self, state: u32) -> Entry {
        let index = usize::try_from(state).unwrap_or(0) & (TABLE_LEN - 1);
        self.entries.get(index).copied().unwrap_or_default()
    }

    /// Fills `out` with the numbers of the stream in `bytes`.
    pub(in crate::column) fn decode(
        &self,
        bytes: &[u8],
        out: &mut [u32],
    ) -> Result<(), ColumnError> {
        let padded = [bytes, &[0; PADDING]].concat();
        let position = self.numbers(&padded, out).ok_or(ColumnError::Truncated)?;
        match bytes.len().checked_sub(position.div_ceil(8)) {
            Some(0) => Ok(()),
            Some(behind) => Err(ColumnError::TrailingBytes(behind)),
            None => Err(ColumnError::Truncated),
        }
    }

    /// The position behind the stream; nothing when it ends too soon or in another state than 0.
    fn numbers(&self, bytes: &[u8], out: &mut [u32]) -> Option<usize> {
        match PEEK_BITS / self.most_bits.max(1) {
            0 | 1 => self.numbers_by::<1>(bytes, out),
            2 | 3 => self.numbers_by::<2>(bytes, out),
            _ => self.numbers_by::<4>(bytes, out),
        }
    }

    /// The same, where so many numbers are seen with one look at the bits.
    fn numbers_by<const SEEN: usize>(&self, bytes: &[u8], out: &mut [u32]) -> Option<usize> {
        let log = usize::try_from(self.log).ok()?;
        let mut states = [0_u32; STATES];
        let mut position = 0;
        for state in &mut states {
            *state = low(peek(bytes, position)? & mask(self.log));
            position += log;
        }
        let (rounds, rest) = out.as_chunks_mut::<STATES>();
        for round in rounds {
            let entries = states.map(|state| self.entry(state));
            let (numbers, _) = round.as_chunks_mut::<SEEN>();
            let (states, _) = states.as_chunks_mut::<SEEN>();
            let (entries, _) = entries.as_chunks::<SEEN>();
            for ((numbers, states), entries) in numbers.iter_mut().zip(states).zip(entries) {
                let mut bits = peek(bytes, position)?;
                for ((number, state), entry) in numbers.iter_mut().zip(states).zip(entries) {
                    (*number, *state) = entry.read(bits);
                    bits >>= entry.bits;
                    position += usize::from(entry.bits);
                }
            }
        }
        for (number, state) in rest.iter_mut().zip(&mut states) {
            let entry = self.entry(*state);
            (*number, *state) = entry.read(peek(bytes, position)?);
            position += usize::from(entry.bits);
        }
        (states == [0; STATES]).then_some(position)
    }
}

impl Entry {
    /// The number, and the state after it.
    #[inline]
    fn read(&self, bits: u64) -> (u32, u32) {
        let state = u32::from(self.next) + (low(bits) & u32::from(self.state_mask));
        let offset = low(bits >> self.state_bits) & self.offset_mask;
        (self.lower.wrapping_add(offset), state)
    }
}

fn half(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(0)
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(0)
}

/// What it takes to code one bin.
#[derive(Debug, Clone, Copy, Default)]
struct Code {
    lower: u32,
    offset_bits: u32,
    weight: u32,
    /// Bits that a state gives off at most.
    state_bits: u32,
    /// Where the bin's states begin in the coder's list.
    start: u32,
}

/// Encodes numbers.
#[derive(Debug)]
pub(in crate::column) struct Coder {
    log: u32,
    codes: Vec<Code>,
    /// The states of each bin, one bin after the other.
    states: Vec<u16>,
    /// Fields to come, the last first; how long each is stands in its highest bits.
    fields: Vec<u64>,
}

/// Where in a field its length stands.
const LEN_SHIFT: u32 = 58;

impl Coder {
    /// A coder for these bins; numbers will be said to be in a stretch, for which `bin_of` has
    /// the bin.
    pub(in crate::column) fn new(bins: &Bins, bin_of: &[u8]) -> Self {
        let mut start = 0;
        let codes: Vec<Code> = bins
            .list
            .iter()
            .map(|bin| {
                let state_bits = (bins.log + 1).saturating_sub(width(bin.weight));
                let Bin { lower, offset_bits, weight } = *bin;
                let code = Code { lower, offset_bits, weight, state_bits, start };
                start += weight;
                code
            })
            .collect();
        let mut states = vec![0; 1 << bins.log];
        spread(bins, |place, state, _, nth| {
            let index = codes.get(place).and_then(|code| usize::try_from(code.start + nth).ok());
            if let Some(slot) = index.and_then(|index| states.get_mut(index)) {
                *slot = u16::try_from(state).unwrap_or(0);
            }
        });
        let code_of = |bin: &u8| codes.get(usize::from(*bin)).copied().unwrap_or_default();
        let codes = bin_of.iter().map(code_of).collect();
        Self { log: bins.log, codes, states, fields: Vec::with_capacity(BLOCK_LEN) }
    }

    /// Appends the stream of `numbers`, of which each is in the stretch at the same place of `places`.
    pub(in crate::column) fn encode(&mut self, numbers: &[u32], places: &[u8], out: &mut Vec<u8>) {
        let size = 1_u32 << self.log;
        let mut states = [size; STATES];
        self.fields.clear();
        // From the last number to the first, so that the decoder goes from the first to the last.
        for (at, (number, place)) in numbers.iter().zip(places).enumerate().rev() {
            let Some(state) = states.get_mut(at % STATES) else { continue };
            let code = self.codes.get(usize::from(*place)).copied().unwrap_or_default();
            let most = *state >> code.state_bits;
            let state_bits = code.state_bits - u32::from(most < code.weight);
            let offset = u64::from(number.wrapping_sub(code.lower));
            let field = (u64::from(*state) & mask(state_bits)) | (offset << state_bits);
            self.fields.push(field | (u64::from(state_bits + code.offset_bits) << LEN_SHIFT));
            let nth = (*state >> state_bits) - code.weight;
            let index = usize::try_from(code.start + nth).unwrap_or(0);
            *state = size + u32::from(self.states.get(index).copied().unwrap_or(0));
        }
        let mut writer = BitWriter::new(out);
        for state in states {
            writer.push(u64::from(state - size), self.log);
        }
        for field in self.fields.iter().rev() {
            writer.push(field & mask(LEN_SHIFT), low(field >> LEN_SHIFT));
        }
        writer.finish();
    }
}
