//! Finding the bins for given numbers.
//!
//! Sorted numbers are cut into groups of about equal size. The best way of joining neighbouring
//! groups to bins is found by dynamic programming: a number in a bin costs the logarithm of how
//! rare the bin is and the bits of its offset, a bin costs its entry in the table.

use super::super::bits::width;
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

/// The binary logarithm, good to 0.01.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^24")]
fn log2(value: usize) -> f32 {
    let bits = (value as f32).to_bits();
    let exponent = (bits >> 23) as f32 - 128.0;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    exponent + (2.0 - mantissa / 3.0) * mantissa - 2.0 / 3.0
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
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^24")]
fn join(groups: &[Group], count: usize, table_bits: f32) -> (f32, Vec<Bin>) {
    /// The cheapest way to cover the groups up to some place.
    #[derive(Clone, Copy)]
    struct Best {
        cost: f32,
        /// Where its last bin begins.
        from: usize,
        until: usize,
    }
    let whole = log2(count);
    let mut best = Vec::with_capacity(groups.len() + 1);
    best.push(Best { cost: 0.0, from: 0, until: 0 });
    for (to, last) in groups.iter().enumerate() {
        let mut found = Best { cost: f32::INFINITY, from: to, until: last.until };
        for (from, (before, first)) in best.iter().zip(groups).enumerate().take(to + 1) {
            let numbers = last.until - before.until;
            let bits = whole - log2(numbers) + width(last.upper - first.lower) as f32;
            let cost = before.cost + (numbers as f32) * bits + table_bits;
            if cost < found.cost {
                (found.cost, found.from) = (cost, from);
            }
        }
        best.push(found);
    }
    let cost = best.last().map_or(0.0, |best| best.cost);
    let mut bins = Vec::new();
    let mut to = groups.len();
    while let (Some(way), Some(last)) =
        (best.get(to), to.checked_sub(1).and_then(|at| groups.get(at)))
    {
        let Some(first) = groups.get(way.from) else { break };
        bins.push(Bin::of(first.lower, last.upper));
        to = way.from;
    }
    bins.reverse();
    (cost, bins)
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
    pub(in crate::column) places: Vec<u8>,
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
    let finder = Finder::new(starts(&planned), sorted.last().copied().unwrap_or(0));
    let places: Vec<u8> = numbers.iter().map(|&number| finder.place(number)).collect();
    let (mut bins, counts, renumbered) = fit(numbers, &places, finder.starts.len());
    bins.weigh(&counts);
    let places = places
        .into_iter()
        .map(|place| renumbered.get(usize::from(place)).copied().unwrap_or(0))
        .collect();
    let each = bins.list.iter().zip(&counts).map(|(bin, &count)| {
        let state_bits = bins.log as f32 - log2(usize::try_from(bin.weight).unwrap_or(1));
        (count as f32) * (state_bits + bin.offset_bits as f32)
    });
    let cost = each.sum::<f32>() / 8.0 + (bins.list.len() as f32) * TABLE_BITS / 8.0;
    Chosen { bins, places, cost: cost as usize }
}

/// The lower bounds of the bins, and of the gaps between them: numbers that the sample lacked
/// must not make a bin wider.
fn starts(planned: &[Bin]) -> Vec<u32> {
    let mut starts = Vec::with_capacity(planned.len() * 2 + 1);
    let mut free = Some(0);
    for bin in planned {
        if let Some(gap) = free.filter(|&gap| gap < bin.lower) {
            starts.push(gap);
        }
        starts.push(bin.lower);
        free = 1_u32.checked_shl(bin.offset_bits).and_then(|len| bin.lower.checked_add(len));
    }
    starts.extend(free);
    starts
}

/// Finds the place of a number: the last whose start is not above it.
struct Finder {
    starts: Vec<u32>,
    /// By the highest bits of numbers: the first and the last place that come into question.
    cells: [(u8, u8); CELLS],
    shift: u32,
}

const CELLS: usize = 256;

impl Finder {
    /// A finder that is fast for numbers up to `most`.
    fn new(starts: Vec<u32>, most: u32) -> Self {
        let shift = width(most).saturating_sub(width(255));
        let last = |number: u32| {
            let after = starts.partition_point(|&start| start <= number);
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
        Self { starts, cells, shift }
    }

    #[inline]
    fn place(&self, number: u32) -> u8 {
        let cell = usize::try_from(number >> self.shift).unwrap_or(CELLS).min(CELLS - 1);
        let (from, to) = self.cells.get(cell).copied().unwrap_or_default();
        if from == to {
            return from;
        }
        let open = self.starts.get(usize::from(from)..=usize::from(to)).unwrap_or_default();
        let after = open.partition_point(|&start| start <= number).saturating_sub(1);
        from + u8::try_from(after).unwrap_or(0)
    }
}

/// Bins as narrow as the numbers in them allow, without those that have none; their counts; and
/// for each old place the new one.
fn fit(numbers: &[u32], places: &[u8], bins: usize) -> (Bins, Vec<u32>, Vec<u8>) {
    let mut found = alloc::vec![(u32::MAX, 0, 0); bins];
    for (&number, &place) in numbers.iter().zip(places) {
        if let Some((lower, upper, count)) = found.get_mut(usize::from(place)) {
            (*lower, *upper) = (number.min(*lower), number.max(*upper));
            *count += 1;
        }
    }
    let (mut list, mut counts, mut renumbered) = (Vec::new(), Vec::new(), Vec::new());
    for (lower, upper, count) in found {
        renumbered.push(u8::try_from(list.len()).unwrap_or(0));
        if count > 0 {
            list.push(Bin::of(lower, upper));
            counts.push(count);
        }
    }
    (Bins { log: 0, list }, counts, renumbered)
}
