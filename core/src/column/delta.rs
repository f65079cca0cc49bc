//! Differences of neighbours, taken up to twice, modulo 2^32.

use super::ColumnError;
use super::fields::narrow;
use crate::codec::{Reader, Writer};
use alloc::vec::Vec;

/// How often differences may be taken.
pub(super) const MAX_ORDER: usize = 2;

/// The first numbers of a block, from which its differences go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seeds {
    /// The first number, the first difference.
    values: [u32; MAX_ORDER],
}

impl Seeds {
    /// Seeds that a block with so many numbers has.
    pub(super) fn count(order: usize, numbers: usize) -> usize {
        order.min(numbers)
    }

    /// Appends the first `count` seeds.
    pub(super) fn write(self, count: usize, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        let [first, second] = self.values;
        if count > 0 {
            writer.uvarint(first.into());
        }
        if count > 1 {
            writer.uvarint(zigzag(second).into());
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(super) fn read(count: usize, reader: &mut Reader<'_>) -> Result<Self, ColumnError> {
        let mut values = [0; MAX_ORDER];
        for value in values.iter_mut().take(count) {
            *value = narrow(reader, "seed")?;
        }
        values[1] = unzigzag(values[1]);
        Ok(Self { values })
    }
}

const fn zigzag(value: u32) -> u32 {
    (value << 1) ^ (value.cast_signed() >> 31).cast_unsigned()
}

const fn unzigzag(value: u32) -> u32 {
    (value >> 1) ^ (value & 1).wrapping_neg()
}

/// Appends the differences of one block to `out`, as many as numbers: where the seeds are, stands
/// what follows them, which costs least.
pub(super) fn differences(numbers: &[u32], order: usize, out: &mut Vec<u32>) -> Seeds {
    let first = numbers.first().copied().unwrap_or(0);
    let second = numbers.get(1).map_or(0, |second| second.wrapping_sub(first));
    let start = out.len();
    let later = numbers.get(1..).unwrap_or_default();
    let steps = numbers.iter().zip(later).map(|(a, b)| b.wrapping_sub(*a));
    match order {
        0 => out.extend_from_slice(numbers),
        1 => {
            out.resize(start + Seeds::count(order, numbers.len()), 0);
            out.extend(steps);
        }
        _ => {
            out.resize(start + Seeds::count(order, numbers.len()), 0);
            let last = numbers.get(2..).unwrap_or_default();
            let changes = steps.zip(later.iter().zip(last));
            out.extend(changes.map(|(step, (b, c))| c.wrapping_sub(*b).wrapping_sub(step)));
        }
    }
    if let Some((seeds, differences)) =
        out.get_mut(start..).and_then(|all| all.split_at_mut_checked(order))
        && let Some(&difference) = differences.first()
    {
        seeds.fill(difference);
    }
    Seeds { values: [first, second] }
}

/// Turns the differences in `block` into numbers.
pub(super) fn sum(seeds: Seeds, order: usize, block: &mut [u32]) {
    let [first, second] = seeds.values;
    match order {
        0 => {}
        1 => {
            let (front, differences) = block.split_at_mut(block.len().min(1));
            front.fill(first);
            let mut number = first;
            for difference in differences {
                number = number.wrapping_add(*difference);
                *difference = number;
            }
        }
        _ => {
            let (front, differences) = block.split_at_mut(block.len().min(2));
            let (mut number, mut step) = (first.wrapping_add(second), second);
            for (slot, value) in front.iter_mut().zip([first, number]) {
                *slot = value;
            }
            for difference in differences {
                step = step.wrapping_add(*difference);
                number = number.wrapping_add(step);
                *difference = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn differences_add_up(numbers in proptest::collection::vec(any::<u32>(), 0..40), order in 0_usize..=2) {
            let mut block = Vec::new();
            let seeds = differences(&numbers, order, &mut block);
            prop_assert_eq!(block.len(), numbers.len());
            let mut bytes = Vec::new();
            let count = Seeds::count(order, numbers.len());
            seeds.write(count, &mut bytes);
            let mut reader = Reader::new(&bytes);
            let read = Seeds::read(count, &mut reader).unwrap();
            prop_assert!(reader.rest().is_empty());
            sum(read, order, &mut block);
            prop_assert_eq!(block, numbers);
        }
    }
}
