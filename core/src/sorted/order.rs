//! A stable sort whose code exists once, whatever is sorted.

use alloc::vec::Vec;

/// The numbers below `len` in the order that `less` says; alike ones stay in order.
///
/// Each comparison is an indirect call: for what is sorted now and then, not for samples.
pub fn order(len: usize, less: &mut dyn FnMut(usize, usize) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    merge_sort(&mut order, &mut Vec::with_capacity(len / 2), less);
    order
}

fn merge_sort(
    run: &mut [usize],
    spare: &mut Vec<usize>,
    less: &mut dyn FnMut(usize, usize) -> bool,
) {
    if run.len() < 2 {
        return;
    }
    let (left, right) = run.split_at_mut(run.len() / 2);
    merge_sort(left, spare, less);
    merge_sort(right, spare, less);
    if let (Some(&last), Some(&first)) = (left.last(), right.first())
        && !less(first, last)
    {
        return; // in order already
    }
    // What is written never overtakes what is read of the right half: as many of the left half
    // are still to come.
    spare.clear();
    spare.extend_from_slice(left);
    let (mut from_left, mut from_right) = (spare.iter().copied().peekable(), left.len());
    for at in 0..run.len() {
        let right = run.get(from_right).copied();
        let next = match (from_left.peek(), right) {
            (None, _) => return,
            (Some(&left), Some(right)) if less(right, left) => {
                from_right += 1;
                Some(right)
            }
            _ => from_left.next(),
        };
        if let (Some(place), Some(next)) = (run.get_mut(at), next) {
            *place = next;
        }
    }
}

/// Sorts, keeping the order of what is alike.
pub fn sort_by<T>(items: &mut [T], mut less: impl FnMut(&T, &T) -> bool) {
    let mut order = order(items.len(), &mut |a, b| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => less(a, b),
        _ => false,
    });
    permute(&mut order, &mut |a, b| items.swap(a, b));
}

/// Swaps until each place has what was at the place that `order` names.
fn permute(order: &mut [usize], swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..order.len() {
        let mut at = start;
        // Once around the circle; places that are done name themselves.
        while let Some(place) = order.get_mut(at) {
            let from = core::mem::replace(place, at);
            if from == start {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn a_rotation_is_one_circle() {
        let mut items: Vec<u32> = (1..1000).collect();
        items.push(0);
        sort_by(&mut items, |a, b| a < b);
        assert!(items.into_iter().eq(0..1000));
    }

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library(items in proptest::collection::vec(0_u8..20, 0..300)) {
            let mut numbered: Vec<(u8, usize)> =
                items.iter().copied().enumerate().map(|(at, item)| (item, at)).collect();
            let mut expected = numbered.clone();
            expected.sort_by_key(|item| item.0);
            sort_by(&mut numbered, |a, b| a.0 < b.0);
            prop_assert_eq!(numbered, expected);
        }
    }

    #[test]
    fn none_and_one_are_sorted() {
        assert_eq!(order(0, &mut |_, _| true), Vec::<usize>::new());
        assert_eq!(order(1, &mut |_, _| true), vec![0]);
    }
}
