//! Finding the bins for given numbers.
//!
//! Sorted numbers are cut into groups of about equal size. The best way of joining neighbouring
//! groups to bins is found by dynamic programming: a number in a bin costs the logarithm of how
//! rare the bin is and the bits of its offset, a bin costs its entry in the table.

use super::super::bits::{precise, tally, width};
use super::{Bin, Bins};
use alloc::vec::Vec;

/// Groups at most.
const GROUPS: usize = 64;
/// Groups when only the cost is asked.
const FEW_GROUPS: usize = 16;
/// Bits that a bin takes in a head, about.
const TABLE_BITS: f32 = 36.0;

/// Neighbouring numbers of a sorted sample.
#[derive(Debug, Clone, Copy)]
struct Group {
    lower: u32,
    upper: u32,
    /// Numbers up to and with this group.
    until: usize,
}

/// The binary logarithm of a positive number, good to 0.01.
#[expect(clippy::cast_precision_loss, reason = "exponents are small")]
fn log2(value: f32) -> f32 {
    let bits = value.to_bits();
    let exponent = (bits >> 23) as f32 - 128.0;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    exponent + (2.0 - mantissa / 3.0) * mantissa - 2.0 / 3.0
}

/// The [`width`] of a number, at times one more from 2^24 on.
#[expect(clippy::cast_precision_loss, reason = "what is lost rounds the width up")]
fn about_width(number: u32) -> f32 {
    let exponent = (number as f32).to_bits() >> 23;
    exponent.saturating_sub(126) as f32
}

/// Cuts a sorted sample into groups; equal numbers stay together, and many of them alone.
fn groups(sorted: &[u32], most: usize) -> Vec<Group> {
    let least = (sorted.len() / most).max(1);
    let mut groups: Vec<Group> = Vec::with_capacity(most * 2);
    let mut open: Option<Group> = None;
    let (mut from, mut until) = (0, 0);
    for run in sorted.chunk_by(|a, b| a == b) {
        let Some(&number) = run.first() else { continue };
        if run.len() >= least {
            groups.extend(open.take());
            from = until;
        }
        until += run.len();
        let group = open.get_or_insert(Group { lower: number, upper: number, until });
        (group.upper, group.until) = (number, until);
        if until - from >= least {
            groups.extend(open.take());
            from = until;
        }
    }
    groups.extend(open);
    groups
}

/// The cheapest bins for these groups of `count` numbers, and their cost in bits. `table_bits` is
/// what a bin costs beside.
fn join(groups: &[Group], count: usize, table_bits: f32) -> (f32, Vec<Bin>) {
    let whole = log2(precise(count));
    let lowers: Vec<u32> = groups.iter().map(|group| group.lower).collect();
    let until = |group: &Group| precise(group.until);
    let befores: Vec<f32> = [0.0].into_iter().chain(groups.iter().map(until)).collect();
    // The cheapest ways to cover the groups before some place, and where their last bins begin.
    let mut best = Vec::with_capacity(groups.len() + 1);
    best.push(0.0);
    let mut begins = Vec::with_capacity(groups.len());
    let mut costs = Vec::with_capacity(groups.len());
    for last in groups {
        // All at once: a processor computes several costs with one instruction.
        costs.clear();
        costs.extend(best.iter().zip(&befores).zip(&lowers).map(|((cost, before), lower)| {
            let numbers = until(last) - before;
            let bits = whole - log2(numbers) + about_width(last.upper - lower);
            cost + numbers * bits + table_bits
        }));
        let mut found = (f32::INFINITY, costs.len() - 1);
        for (from, &cost) in costs.iter().enumerate() {
            if cost < found.0 {
                found = (cost, from);
            }
        }
        best.push(found.0);
        begins.push(found.1);
    }
    let mut bins = Vec::new();
    let mut left = groups;
    while let Some((last, before)) = left.split_last() {
        let Some(&begin) = begins.get(before.len()) else { break };
        bins.extend(groups.get(begin).map(|first| Bin::of(first.lower, last.upper)));
        left = groups.get(..begin).unwrap_or_default();
    }
    bins.reverse();
    (best.last().copied().unwrap_or(0.0), bins)
}

/// About how many bits each number takes, from a sorted sample of them.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^24")]
pub(in crate::column) fn bits_each(sorted: &[u32]) -> f32 {
    let groups = groups(sorted, FEW_GROUPS);
    join(&groups, sorted.len(), TABLE_BITS / 8.0).0 / (sorted.len().max(1) as f32)
}

/// Bins, and in which of them each number is.
#[derive(Debug, Default)]
pub(in crate::column) struct Chosen {
    pub(in crate::column) bins: Bins,
    /// For each number, in which stretch it is.
    pub(in crate::column) places: Vec<u8>,
    /// For each stretch, which bin it is.
    pub(in crate::column) bin_of: Vec<u8>,
    /// What all numbers take with it, in bytes.
    pub(in crate::column) cost: usize,
}

/// Bins for `numbers`, of which `sorted` is a sorted sample.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts stay far below 2^24, costs are not negative"
)]
pub(in crate::column) fn choose(numbers: &[u32], sorted: &[u32]) -> Chosen {
    let share = sorted.len() as f32 / numbers.len().max(1) as f32;
    let (_, mut planned) = join(&groups(sorted, GROUPS), sorted.len(), TABLE_BITS * share);
    if planned.len() > GROUPS {
        // Each may need a gap beside it, and places are bytes.
        planned = join(&groups(sorted, GROUPS / 2), sorted.len(), TABLE_BITS * share).1;
    }
    let finder = Finder::new(stretches(&planned), sorted.last().copied().unwrap_or(0));
    let places: Vec<u8> = numbers.iter().map(|&number| finder.place(number)).collect();
    let counts = tally(&places, |place| place);
    let (mut bins, counts, bin_of) = fit(numbers, &places, &finder.stretches, &counts);
    bins.weigh(&counts);
    let each = bins.list.iter().zip(&counts).map(|(bin, &count)| {
        let state_bits = bins.log as f32 - log2(precise(usize::try_from(bin.weight).unwrap_or(1)));
        (count as f32) * (state_bits + bin.offset_bits as f32)
    });
    let cost = each.sum::<f32>() / 8.0 + (bins.list.len() as f32) * TABLE_BITS / 8.0;
    Chosen { bins, places, bin_of, cost: cost as usize }
}

/// A stretch of numbers: a planned bin, or what lies between two of them.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    lower: u32,
    /// Offset bits of a planned bin; gaps have those that their numbers need.
    bits: Option<u32>,
}

/// The planned bins, and the gaps between them: numbers that the sample lacked must not make a
/// bin wider.
fn stretches(planned: &[Bin]) -> Vec<Stretch> {
    let mut all = Vec::with_capacity(planned.len() * 2 + 1);
    let mut free = Some(0);
    for bin in planned {
        if let Some(gap) = free.filter(|&gap| gap < bin.lower) {
            all.push(Stretch { lower: gap, bits: None });
        }
        all.push(Stretch { lower: bin.lower, bits: Some(bin.offset_bits) });
        free = 1_u32.checked_shl(bin.offset_bits).and_then(|len| bin.lower.checked_add(len));
    }
    all.extend(free.map(|lower| Stretch { lower, bits: None }));
    all
}

/// Finds the place of a number: the last stretch whose lower bound is not above it.
struct Finder {
    stretches: Vec<Stretch>,
    /// By the highest bits of numbers: the first and the last place that come into question.
    cells: [(u8, u8); CELLS],
    shift: u32,
}

const CELLS: usize = 256;

impl Finder {
    /// A finder that is fast for numbers up to `most`.
    fn new(stretches: Vec<Stretch>, most: u32) -> Self {
        let shift = width(most).saturating_sub(width(255));
        let last = |number: u32| {
            let after = stretches.partition_point(|stretch| stretch.lower <= number);
            u8::try_from(after.saturating_sub(1)).unwrap_or(u8::MAX)
        };
        let mut cells = [(0, 0); CELLS];
        for (cell, (from, to)) in (0_u32..).zip(&mut cells) {
            *from = last(cell << shift);
            *to = last(((cell + 1) << shift).wrapping_sub(1));
        }
        if let Some((_, to)) = cells.last_mut() {
            *to = last(u32::MAX);
        }
        Self { stretches, cells, shift }
    }

    #[inline]
    fn place(&self, number: u32) -> u8 {
        let cell = usize::try_from(number >> self.shift).unwrap_or(CELLS).min(CELLS - 1);
        let (from, to) = self.cells.get(cell).copied().unwrap_or_default();
        if from == to {
            return from;
        }
        let open = self.stretches.get(usize::from(from)..=usize::from(to)).unwrap_or_default();
        let after = open.partition_point(|stretch| stretch.lower <= number).saturating_sub(1);
        from + u8::try_from(after).unwrap_or(0)
    }
}

/// The bins that have numbers, their counts, and for each stretch which of them it is.
fn fit(
    numbers: &[u32],
    places: &[u8],
    stretches: &[Stretch],
    counts: &[usize],
) -> (Bins, Vec<u32>, Vec<u8>) {
    let (mut bins, mut bin_counts, mut bin_of) = (Vec::new(), Vec::new(), Vec::new());
    for ((stretch, &count), place) in stretches.iter().zip(counts).zip(0_u8..) {
        bin_of.push(u8::try_from(bins.len()).unwrap_or(0));
        if count == 0 {
            continue;
        }
        let lower = stretch.lower;
        bins.push(match stretch.bits {
            Some(offset_bits) => Bin { lower, offset_bits, weight: 0 },
            None => {
                let own = numbers.iter().zip(places).filter(|(_, found)| **found == place);
                let bounds = own.fold((u32::MAX, lower), |(least, most), (&number, _)| {
                    (number.min(least), number.max(most))
                });
                Bin::of(bounds.0, bounds.1)
            }
        });
        bin_counts.push(u32::try_from(count).unwrap_or(u32::MAX));
    }
    (Bins { log: 0, list: bins }, bin_counts, bin_of)
}
