//! A set in a sorted vector.

use super::sort_by;
use alloc::vec;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::slice;

/// A set in a sorted vector: see [the module](super).
///
/// ```
/// use nanotdb_core::sorted::SortedSet;
///
/// let mut set = SortedSet::from([3, 1]);
/// assert!(set.insert(2) && !set.insert(3));
/// assert_eq!(set.as_slice(), [1, 2, 3]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SortedSet<T> {
    /// Ascending, no two alike.
    items: Vec<T>,
}

impl<T> SortedSet<T> {
    /// An empty set.
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// Number of items.
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets all items.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// The items, ascending.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    /// The items, ascending.
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }

    /// The items, ascending.
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.items.iter()
    }

    /// The lowest item.
    pub fn first(&self) -> Option<&T> {
        self.items.first()
    }

    /// The highest item.
    pub fn last(&self) -> Option<&T> {
        self.items.last()
    }
}

impl<T: Ord> SortedSet<T> {
    fn place<Q: Ord + ?Sized>(&self, item: &Q) -> Result<usize, usize>
    where
        T: Borrow<Q>,
    {
        // What comes in order is asked for, or added, at the end.
        if self.items.last().is_none_or(|last| last.borrow() < item) {
            return Err(self.items.len());
        }
        self.items.binary_search_by(|other| other.borrow().cmp(item))
    }

    /// Whether the item is there.
    pub fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.place(item).is_ok()
    }

    /// Adds the item; says whether it was not there.
    pub fn insert(&mut self, item: T) -> bool {
        match self.place(&item) {
            Ok(_) => false,
            Err(at) => {
                self.items.insert(at, item);
                true
            }
        }
    }

    /// Takes the item out; says whether it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.place(item).map(|at| self.items.remove(at)).is_ok()
    }

    fn settle(&mut self) {
        if self.items.is_sorted_by(|a, b| a < b) {
            return;
        }
        sort_by(&mut self.items, |a, b| a < b);
        self.items.dedup();
    }
}

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for SortedSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<T: Ord> Extend<T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.items.extend(items);
        self.settle();
    }
}

impl<T: Ord> From<Vec<T>> for SortedSet<T> {
    fn from(items: Vec<T>) -> Self {
        let mut set = Self { items };
        set.settle();
        set
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::from(items.into_iter().collect::<Vec<T>>())
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SortedSet<T> {
    fn from(items: [T; N]) -> Self {
        Self::from(Vec::from(items))
    }
}

impl<T> IntoIterator for SortedSet<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a SortedSet<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_does_as_a_b_tree_does(
            start in proptest::collection::vec(0_u8..30, 0..40),
            steps in proptest::collection::vec((0_u8..3, 0_u8..30), 0..60),
        ) {
            let mut set: SortedSet<u8> = start.iter().copied().collect();
            let mut model: BTreeSet<u8> = start.into_iter().collect();
            for (step, item) in steps {
                match step {
                    0 => prop_assert_eq!(set.insert(item), model.insert(item)),
                    1 => prop_assert_eq!(set.remove(&item), model.remove(&item)),
                    _ => {
                        set.extend([item, item / 2]);
                        model.extend([item, item / 2]);
                    }
                }
                prop_assert_eq!(set.contains(&item), model.contains(&item));
                prop_assert!(set.iter().eq(&model));
                prop_assert_eq!((set.first(), set.last()), (model.first(), model.last()));
            }
        }
    }
}
