//! Putting a partition's new files in place.

use super::plan::{Plan, Step};
use super::selection::Selection;
use crate::catalog::Newest;
use crate::engine::files::FileKind;
use crate::engine::host::{Host, Shared};
use crate::engine::state::Readable;
use crate::engine::writer::Writer;
use crate::error::Result;
use crate::partition::Partition;
use crate::storage::{self, Storage};
use crate::types::Timestamp;

impl<H: Host> Writer<H> {
    /// Sees to it that a partition's samples are in its files and nowhere else: what the logs
    /// have of them would come back.
    pub(super) fn settle_partition(&mut self, partition: Partition) -> Result<()> {
        let is_open = self.readable.state.read(|state| state.pages.contains_key(&partition));
        if is_open {
            self.flush(partition)?;
        }
        self.settle_log()
    }

    /// Takes a partition away with what is in memory of it. The logs may still have it.
    pub(super) fn remove_whole(
        &mut self,
        partition: Partition,
        selection: &Selection,
    ) -> Result<()> {
        self.staging.leave();
        self.readable.state.write(|state| state.pages.remove(&partition));
        self.forget_newest(selection);
        self.remove_partition(partition)
    }

    /// Carries out a plan whose partition is as it was, for queries all at once.
    pub(super) fn carry_out(&mut self, plan: &Plan, selection: &Selection) -> Result<()> {
        if plan.steps.is_empty() {
            return Ok(());
        }
        let partition = plan.view.partition;
        self.forget_data_file(partition);
        let Readable { storage, state, cache, .. } = &*self.readable;
        // No handle is held on a file that is removed or renamed over.
        for file in FileKind::ALL.into_iter().filter_map(|kind| plan.view.files.get(kind)) {
            cache.write(|cache| cache.forget(file.generation));
        }
        let mut done = 0;
        let replaced = state.write(|state| -> storage::Result<()> {
            for step in &plan.steps {
                match step {
                    Step::Replace(kind, new, len) => {
                        let name = kind.name(partition)?;
                        storage.rename(new, &name)?;
                        state.replace_file(partition, *kind, (name, *len));
                    }
                    Step::Remove(kind) => {
                        storage.remove_if_present(&kind.name(partition)?)?;
                        state.set_file(partition, *kind, None);
                    }
                }
                done += 1;
            }
            Ok(())
        });
        // Half of it is neither the old partition nor the new one.
        replaced.map_err(|error| if done > 0 { error.leaving_doubt() } else { error })?;
        self.forget_newest(selection);
        self.sync_dir()
    }

    /// Forgets the newest samples of metrics, and the newest times that were accepted, where they
    /// may be gone: what is left has to be looked up.
    pub(super) fn forget_newest(&mut self, selection: &Selection) {
        let range = selection.range;
        let Self { readable, staging, .. } = self;
        readable.state.write(|state| {
            for &slot in &selection.slots {
                let Some(entry) = state.catalog.get_mut(slot) else { continue };
                let newest = match entry.last {
                    Newest::At(time, _) => Some(time),
                    Newest::Unknown | Newest::None => None,
                };
                let newest = newest.max(entry.accepted);
                if newest.is_some_and(|newest| range.contains(Timestamp(newest))) {
                    entry.last = Newest::Unknown;
                    entry.accepted = None;
                    // Samples before it have to be compared with what is left.
                    staging.newest_stored = staging.newest_stored.max(newest);
                }
            }
        });
    }
}
