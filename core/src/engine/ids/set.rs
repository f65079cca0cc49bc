//! A set of metric ids.

use crate::codec::{Reader, Writer};
use alloc::vec::Vec;

/// Metric ids as ranges: ids are given out one after the other, so most files need one range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdSet {
    /// First and last id of each, ascending, with a gap between any two.
    ranges: Vec<(u16, u16)>,
}

impl IdSet {
    /// Whether `id` is in the set.
    pub(crate) fn contains(&self, id: u16) -> bool {
        let at = self.ranges.partition_point(|range| range.1 < id);
        self.ranges.get(at).is_some_and(|range| range.0 <= id)
    }

    /// The ids, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Adds the ids of another set.
    pub(crate) fn add_all(&mut self, other: &Self) {
        let mut ranges = core::mem::take(&mut self.ranges);
        ranges.extend_from_slice(&other.ranges);
        crate::sorted::sort_by(&mut ranges, |a, b| a.0 < b.0);
        for range in ranges {
            self.push(range);
        }
    }

    /// Adds a range that begins at or after every other.
    fn push(&mut self, range: (u16, u16)) {
        match self.ranges.last_mut() {
            Some(last) if u32::from(range.0) <= u32::from(last.1) + 1 => {
                last.1 = last.1.max(range.1);
            }
            _ => self.ranges.push(range),
        }
    }

    /// Appends the set to `out`: how many ranges, and of each the ids passed over before it and
    /// those in it less one.
    pub(super) fn encode(&self, out: &mut Writer<'_>) {
        out.uvarint(u64::try_from(self.ranges.len()).unwrap_or(0));
        let mut next = 0;
        for &(first, last) in &self.ranges {
            out.uvarint(u64::from(first) - next);
            out.uvarint(u64::from(last - first));
            next = u64::from(last) + 1;
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let count = reader.uvarint()?;
        let mut set = Self::default();
        let mut next: u64 = 0;
        for _ in 0..count {
            let first = next.checked_add(reader.uvarint()?)?;
            let last = first.checked_add(reader.uvarint()?)?;
            set.push((u16::try_from(first).ok()?, u16::try_from(last).ok()?));
            next = last + 1;
        }
        Some(set)
    }
}

/// Gathers ids in any order, many times over. A byte for each and not a bit: pages name the same
/// few ids again and again, and bytes are written without reading what is there.
#[derive(Debug, Default)]
pub(crate) struct IdMarks(Vec<u8>);

impl IdMarks {
    /// Adds ids.
    pub(crate) fn insert_all(&mut self, ids: impl Iterator<Item = u16> + Clone) {
        let len = ids.clone().max().map_or(0, |highest| usize::from(highest) + 1);
        if self.0.len() < len {
            self.0.resize(len, 0);
        }
        for id in ids {
            if let Some(mark) = self.0.get_mut(usize::from(id)) {
                *mark = 1;
            }
        }
    }

    /// What was gathered, without 0, which is no id.
    pub(crate) fn to_set(&self) -> IdSet {
        let mut set = IdSet::default();
        for (id, &mark) in (0..=u16::MAX).zip(&self.0) {
            if mark > 0 && id > 0 {
                set.push((id, id));
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    fn set_of(ids: impl IntoIterator<Item = u16>) -> IdSet {
        let ids: Vec<u16> = ids.into_iter().collect();
        let mut marks = IdMarks::default();
        marks.insert_all(ids.iter().copied());
        marks.to_set()
    }

    #[test]
    fn all_ids_are_one_range_without_zero() {
        let all = set_of(0..=u16::MAX);
        assert_eq!(all.ranges, [(1, u16::MAX)]);
        assert!(!all.contains(0) && all.contains(u16::MAX));
    }

    #[test]
    fn golden_bytes() {
        let mut out = Vec::new();
        set_of([1, 2, 3, 9, 300]).encode(&mut Writer::new(&mut out));
        assert_eq!(out, [3, 1, 2, 5, 0, 0xa2, 0x02, 0]);
    }

    proptest! {
        #[test]
        fn it_is_a_set(a: Vec<u16>, b in proptest::collection::vec(0_u16..50, 0..60)) {
            let expected: BTreeSet<u16> =
                a.iter().chain(&b).copied().filter(|id| *id > 0).collect();
            let mut set = set_of(a);
            set.add_all(&set_of(b));
            prop_assert!(set.iter().eq(expected.iter().copied()));
            prop_assert_eq!(&set, &set_of(expected.iter().copied()), "one shape for one set");
            for id in 0..60 {
                prop_assert_eq!(set.contains(id), expected.contains(&id));
            }
            let mut bytes = Vec::new();
            set.encode(&mut Writer::new(&mut bytes));
            prop_assert_eq!(IdSet::decode(&mut Reader::new(&bytes)), Some(set));
            for len in 0..bytes.len() {
                prop_assert_eq!(IdSet::decode(&mut Reader::new(&bytes[..len])), None);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = IdSet::decode(&mut Reader::new(&bytes));
        }
    }
}
