//! Data files without some of their samples.

use super::selection::Selection;
use crate::engine::files::{StoredFile, read_page};
use crate::engine::host::Host;
use crate::engine::state::{FileOf, Readable};
use crate::engine::upkeep::copy::copy;
use crate::error::{Error, Result};
use crate::page::{Columns, Payload, frame};
use crate::partition::Partition;
use crate::storage::{Storage, StorageFile};
use crate::types::TimeRange;
use alloc::vec::Vec;

/// What a data file is without the samples that go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It has none of them.
    Same,
    /// Nothing is left.
    Nothing,
    /// The rest was written under the file's temporary name, and has this many bytes.
    Written(u64),
}

/// Copies a file up to where somebody is.
struct Copier<'a, F> {
    source: &'a F,
    file: &'a StoredFile,
    to: F,
    /// Bytes of the source that were copied or left out.
    done: u64,
}

impl<F: StorageFile> Copier<'_, F> {
    fn copy_to(&mut self, end: u64) -> Result<()> {
        let copied = copy(self.source, self.done..end, &mut self.to)?;
        if copied < end.saturating_sub(self.done) {
            let at = self.done.saturating_add(copied);
            return Err(Error::corrupt(self.file.name.as_str(), at, "the file became shorter"));
        }
        self.done = end;
        Ok(())
    }
}

impl<H: Host> Readable<H> {
    /// Writes a data file without the selected samples under its temporary name.
    ///
    /// Frames stay what they are, and those without such samples are copied byte for byte: what
    /// is known of a data file beside a metric file is known frame by frame. Those that end
    /// before the range or begin after it are not decoded.
    pub(super) fn write_rest(
        &self,
        partition: Partition,
        file: &StoredFile,
        selection: &Selection,
    ) -> Result<Rest> {
        let (source, index) = self.indexed(partition, file)?;
        index.damage_in(&file.name, TimeRange::ALL).map_or(Ok(()), Err)?;
        index.tail_in(&file.name, TimeRange::ALL).map_or(Ok(()), Err)?;
        let mut copier: Option<Copier<'_, FileOf<H>>> = None;
        let (mut buffer, mut page) = (Vec::new(), Payload::default());
        for (at, entry) in index.frames.iter().enumerate() {
            if !index.reach(at).overlaps(selection.range) {
                continue;
            }
            read_page(&*source, &file.name, entry, self.page_codec(), &mut buffer, &mut page)?;
            let Some(rest) = without(&page, selection) else { continue };
            if copier.is_none() {
                let to = self.storage.create_anew(&file.name.temporary()?)?;
                copier = Some(Copier { source: &*source, file, to, done: 0 });
            }
            let Some(copier) = &mut copier else { continue };
            copier.copy_to(entry.offset)?;
            copier.done = entry.end_offset();
            let mut frame = Vec::new();
            frame::encode(&rest, self.page_codec(), &mut frame);
            copier.to.append(&frame)?;
        }
        let Some(mut copier) = copier else { return Ok(Rest::Same) };
        copier.copy_to(index.good_end)?;
        copier.to.sync()?;
        let len = copier.to.len()?;
        drop(copier);
        if len > 0 {
            return Ok(Rest::Written(len));
        }
        self.storage.remove_if_present(&file.name.temporary()?)?;
        Ok(Rest::Nothing)
    }
}

/// The samples of a page that stay, in their order; nothing when all of them do.
fn without(page: &Payload, selection: &Selection) -> Option<Columns> {
    let mut all = Columns::default();
    page.copy_to(&mut all);
    let mut rest = Columns::default();
    for ((&id, &time), &raw) in all.ids.iter().zip(&all.times).zip(&all.raws) {
        if !selection.contains(id, time) {
            rest.push(id, time, raw);
        }
    }
    if rest.len() == all.len() {
        return None;
    }
    rest.sort_by_time(); // as every writer of pages does; almost all of them are in order
    Some(rest)
}
