//! Sorting samples: as fast as the standard library's sort, whose code is made for few types.

use alloc::vec::Vec;

/// Sorts by the first number, keeping the order of those that are alike.
#[inline(never)]
pub(crate) fn sort_rows(rows: &mut [(i64, u64)]) {
    rows.sort_by_key(|row| row.0);
}

/// Sorts by both numbers.
#[inline(never)]
pub(crate) fn sort_whole_rows(rows: &mut [(i64, u64)]) {
    rows.sort_unstable();
}

/// Sorts numbers.
#[inline(never)]
pub(crate) fn sort_times(times: &mut [i64]) {
    times.sort_unstable();
}

/// Puts samples in the order of their times; equal times keep the order they came in.
#[inline(never)]
pub(crate) fn sort_samples(times: &mut [i64], raws: &mut [u32]) {
    let pairs = times.iter().zip(raws.iter());
    let mut rows: Vec<(i64, u64)> = pairs.map(|(&time, &raw)| (time, u64::from(raw))).collect();
    sort_rows(&mut rows);
    for ((time, raw), row) in times.iter_mut().zip(raws).zip(rows) {
        #[expect(clippy::cast_possible_truncation, reason = "it was 32 bits wide")]
        let value = row.1 as u32;
        (*time, *raw) = (row.0, value);
    }
}

/// Sorts as [`f64::total_cmp`] orders.
#[inline(never)]
pub(crate) fn sort_numbers(numbers: &mut Vec<f64>) {
    // Taken apart and put together, both vectors have the same memory.
    let mut keys: Vec<i64> =
        core::mem::take(numbers).into_iter().map(|n| flip(n.to_bits().cast_signed())).collect();
    sort_times(&mut keys);
    *numbers = keys.into_iter().map(|key| f64::from_bits(flip(key).cast_unsigned())).collect();
}

/// Turns the bits of a number into an integer that orders alike, and back.
const fn flip(bits: i64) -> i64 {
    // All but the sign, where that is set: of negative numbers the greater magnitude is less.
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_sorted_as_the_standard_library_does(
            bits in proptest::collection::vec(any::<u64>(), 0..100),
        ) {
            let special = [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
            let numbers = bits.into_iter().map(f64::from_bits).chain(special);
            let mut numbers: Vec<f64> = numbers.collect();
            let mut expected = numbers.clone();
            expected.sort_by(f64::total_cmp);
            sort_numbers(&mut numbers);
            let bits = |numbers: &[f64]| -> Vec<u64> { numbers.iter().map(|n| n.to_bits()).collect() };
            prop_assert_eq!(bits(&numbers), bits(&expected));
        }

        #[test]
        fn equal_times_keep_their_order(
            rows in proptest::collection::vec((-5_i64..5, any::<u32>()), 0..200),
        ) {
            let (mut times, mut raws): (Vec<i64>, Vec<u32>) = rows.iter().copied().unzip();
            sort_samples(&mut times, &mut raws);
            let mut expected = rows;
            expected.sort_by_key(|row| row.0);
            prop_assert!(times.into_iter().zip(raws).eq(expected));
        }
    }
}
