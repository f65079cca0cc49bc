//! Metrics of which nothing is left, and those that come back.

use super::Seen;
use super::selection::Selection;
use crate::catalog::Slot;
use crate::engine::host::{Host, Shared};
use crate::engine::writer::Writer;
use crate::error::Result;
use crate::types::{TimeRange, ValueType};
use alloc::vec;
use alloc::vec::Vec;

impl<H: Host> Writer<H> {
    /// Forgets the selected metrics that have no sample any more. Partitions that were seen
    /// without any need no second look.
    pub(super) fn forget_metrics(&mut self, selection: &Selection, seen: &Seen) -> Result<()> {
        let mut remain = vec![false; selection.slots.len()];
        for view in self.readable.view(TimeRange::ALL) {
            if view.page.is_none() && seen.get(&view.partition) == Some(&view.files) {
                continue;
            }
            let count = match self.readable.count_selected(&view, selection) {
                // Nobody knows what is in there: then the metrics stay.
                Err(error) if error.is_unreadable() => return Ok(()),
                count => count?,
            };
            for (remains, found) in remain.iter_mut().zip(count.selected) {
                *remains |= found > 0;
            }
        }
        let gone: Vec<Slot> = selection
            .slots
            .iter()
            .zip(remain)
            .filter(|(_, remains)| !remains)
            .map(|(&slot, _)| slot)
            .collect();
        self.readable.state.write(|state| {
            for slot in gone {
                state.catalog.delete(slot);
            }
        });
        let stored = self.store_catalog();
        self.poisoning(stored)
    }

    /// Makes a metric that was deleted one like any other again. It may have another type then,
    /// unless files have samples of it after all, or cannot be read.
    ///
    /// The catalog file has the new type before the log has a sample: what a crash leaves agrees.
    pub(in crate::engine) fn revive(&mut self, slot: Slot, value_type: ValueType) -> Result<()> {
        let value_type = match self.readable.resolve_newest(slot) {
            Ok(()) => Some(value_type),
            Err(error) if error.is_unreadable() => None,
            Err(error) => return self.poisoning(Err(error)),
        };
        let has_other_type =
            self.readable.state.write(|state| state.catalog.revive(slot, value_type));
        if !has_other_type {
            return Ok(());
        }
        let stored = self.store_catalog();
        self.poisoning(stored)
    }
}
