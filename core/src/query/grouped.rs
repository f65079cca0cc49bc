//! A decoded page regrouped by metric, as the cache keeps it.

use crate::page::Payload;
use alloc::vec;
use alloc::vec::Vec;

/// The records of a page, those of each metric side by side.
///
/// Metrics sampled at the same instants share one list of times, so a page of a regular
/// collector takes little more than four bytes a record, instead of fourteen.
#[derive(Debug, Default)]
pub(crate) struct GroupedPage {
    groups: Vec<Group>,
    times: Vec<i64>,
    raws: Vec<u32>,
    sorted: bool,
}

/// Where the records of one metric are.
#[derive(Debug, Clone, Copy)]
struct Group {
    id: u16,
    times_at: usize,
    raws_at: usize,
    len: usize,
}

impl GroupedPage {
    /// Regroups a page. Records of a metric keep their order.
    pub(crate) fn new(page: &Payload) -> Self {
        let order = order_by_id(page.ids());
        let mut grouped = Self { sorted: page.is_sorted(), ..Self::default() };
        grouped.raws.reserve_exact(page.len());
        let (times, raws) = (page.times(), page.raws());
        let mut own_times = Vec::new();
        for run in order.chunk_by(|a, b| a.0 == b.0) {
            own_times.clear();
            let raws_at = grouped.raws.len();
            for &(_, row) in run {
                let row = usize::from(row);
                own_times.extend(times.get(row).map(|bytes| i64::from_le_bytes(*bytes)));
                grouped.raws.extend(raws.get(row).map(|bytes| u32::from_le_bytes(*bytes)));
            }
            let times_at = grouped.place_times(&own_times);
            let id = run.first().map_or(0, |first| first.0);
            grouped.groups.push(Group { id, times_at, raws_at, len: run.len() });
        }
        grouped.times.shrink_to_fit();
        grouped
    }

    /// Where these times are: with the metric before, when it has the same, or at the end.
    fn place_times(&mut self, own: &[i64]) -> usize {
        if let Some(last) = self.groups.last() {
            let shared = self.times.get(last.times_at..).and_then(|times| times.get(..own.len()));
            if shared == Some(own) {
                return last.times_at;
            }
        }
        self.times.extend_from_slice(own);
        self.times.len() - own.len()
    }

    /// Times and raw values of a metric; empty when the page has none.
    pub(crate) fn get(&self, id: u16) -> (&[i64], &[u32]) {
        let Ok(index) = self.groups.binary_search_by_key(&id, |group| group.id) else {
            return (&[], &[]);
        };
        let Some(group) = self.groups.get(index) else { return (&[], &[]) };
        let times = self.times.get(group.times_at..group.times_at + group.len);
        let raws = self.raws.get(group.raws_at..group.raws_at + group.len);
        (times.unwrap_or_default(), raws.unwrap_or_default())
    }

    /// Whether the page's times never step back, and so those of no metric do.
    pub(crate) fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// Bytes of memory.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + self.groups.capacity() * size_of::<Group>()
            + self.times.capacity() * size_of::<i64>()
            + self.raws.capacity() * size_of::<u32>()
    }
}

/// Row numbers sorted by metric id, then by row: a counting sort over the ids that occur.
fn order_by_id(ids: &[[u8; 2]]) -> Vec<(u16, u16)> {
    let highest = ids.iter().map(|id| u16::from_le_bytes(*id)).max().unwrap_or(0);
    let mut starts = vec![0_u32; usize::from(highest) + 2];
    for id in ids {
        if let Some(count) = starts.get_mut(usize::from(u16::from_le_bytes(*id)) + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for start in &mut starts {
        total += *start;
        *start = total;
    }
    let mut order = vec![(0, 0); ids.len()];
    // The ids first: with 65,535 of them, the counter has no number after the last row.
    for (id, row) in ids.iter().zip(0_u16..) {
        let id = u16::from_le_bytes(*id);
        let Some(start) = starts.get_mut(usize::from(id)) else { continue };
        let place = usize::try_from(*start).unwrap_or(usize::MAX);
        if let Some(place) = order.get_mut(place) {
            *place = (id, row);
        }
        *start += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Columns;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn groups_hold_what_a_filter_finds(
            rows in proptest::collection::vec((1_u16..6, any::<i64>(), any::<u32>()), 0..300),
        ) {
            let mut columns = Columns::default();
            for &(id, time, raw) in &rows {
                columns.push(id, time, raw);
            }
            let mut page = Payload::default();
            page.refill(u16::try_from(rows.len()).unwrap(), |buffer| {
                columns.encode(buffer);
                Ok(())
            }).unwrap();
            let grouped = GroupedPage::new(&page);
            for id in 0..7 {
                let expected: (Vec<i64>, Vec<u32>) =
                    rows.iter().filter(|row| row.0 == id).map(|row| (row.1, row.2)).unzip();
                let (times, raws) = grouped.get(id);
                prop_assert_eq!((times.to_vec(), raws.to_vec()), expected);
            }
        }
    }

    #[test]
    fn the_largest_page() {
        let mut columns = Columns::default();
        (0..65_535).for_each(|n| columns.push(1, n, 0));
        let mut page = Payload::default();
        page.refill(65_535, |buffer| {
            columns.encode(buffer);
            Ok(())
        })
        .unwrap();
        assert_eq!(GroupedPage::new(&page).get(1).0.len(), 65_535);
    }

    #[test]
    fn equal_times_are_kept_once() {
        let mut columns = Columns::default();
        for tick in 0..100 {
            for id in 1..=80 {
                columns.push(id, tick, 0);
            }
        }
        let mut page = Payload::default();
        page.refill(8000, |buffer| {
            columns.encode(buffer);
            Ok(())
        })
        .unwrap();
        assert!(GroupedPage::new(&page).size() < 8000 * 5);
    }
}
