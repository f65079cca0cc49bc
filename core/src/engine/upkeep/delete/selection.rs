//! Which samples go.

use crate::catalog::{Catalog, Slot};
use crate::types::{MetricId, TimeRange, Timestamp};
use alloc::vec;
use alloc::vec::Vec;

/// Metrics and a range.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) range: TimeRange,
    pub(super) slots: Vec<Slot>,
    /// By metric id: the metric's place among those selected.
    places: Vec<Option<usize>>,
}

impl Selection {
    pub(super) fn new(catalog: &Catalog, slots: &[Slot], range: TimeRange) -> Self {
        let mut places = Vec::new();
        for (place, &slot) in slots.iter().enumerate() {
            let Some(entry) = catalog.get(slot) else { continue };
            let at = usize::from(entry.id.get());
            if places.len() <= at {
                places.resize(at + 1, None);
            }
            if let Some(slot) = places.get_mut(at) {
                *slot = Some(place);
            }
        }
        Self { range, slots: slots.to_vec(), places }
    }

    /// The selected metrics by id.
    pub(super) fn ids(&self) -> impl Iterator<Item = MetricId> {
        let ids = self.places.iter().zip(0_u16..).filter(|(place, _)| place.is_some());
        ids.filter_map(|(_, id)| MetricId::new(id))
    }

    /// The metric's place among those selected, if this is a sample to delete.
    pub(super) fn place(&self, id: u16, time: i64) -> Option<usize> {
        let place = self.places.get(usize::from(id)).copied().flatten()?;
        self.range.contains(Timestamp(time)).then_some(place)
    }

    pub(super) fn contains(&self, id: u16, time: i64) -> bool {
        self.place(id, time).is_some()
    }
}

/// How many samples are selected, of each metric, and how many are not.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) selected: Vec<u64>,
    pub(super) kept: u64,
}

impl Count {
    pub(super) fn new(selection: &Selection) -> Self {
        Self { selected: vec![0; selection.slots.len()], kept: 0 }
    }

    /// Whether none is selected.
    pub(super) fn is_none(&self) -> bool {
        self.selected.iter().all(|&count| count == 0)
    }

    pub(super) fn add(&mut self, selection: &Selection, id: u16, time: i64) {
        self.add_many(selection, id, time, 1);
    }

    /// Adds samples of a metric that are all selected when one of them, of this time, is.
    pub(super) fn add_many(&mut self, selection: &Selection, id: u16, time: i64, samples: u64) {
        let place = selection.place(id, time);
        match place.and_then(|place| self.selected.get_mut(place)) {
            Some(count) => *count += samples,
            None => self.kept += samples,
        }
    }
}
