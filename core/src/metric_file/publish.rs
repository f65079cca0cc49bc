//! Giving a metric file its name, only after its bytes are durable.
//!
//! A writer that died leaves `<name>.tmp` and spools, which readers ignore and the next writer
//! replaces.

use super::spool::Spool;
use super::writer::Target;
use crate::error::{Error, Result};
use crate::storage::{FileName, Storage, StorageFile};
use alloc::vec::Vec;

impl<S: Storage> Target<'_, S> {
    /// Writes header, spools and what is behind them to a file under another name, then renames it;
    /// returns its length.
    pub(crate) fn publish(
        &self,
        header: &[u8],
        spools: Vec<Spool<'_, S>>,
        behind: &[u8],
    ) -> Result<u64> {
        let Self { storage, name, .. } = *self;
        let temporary = name.temporary()?;
        let mut file = storage.create_anew(&temporary)?;
        file.append(header)?;
        for spool in &spools {
            spool.copy_to(&mut file)?;
        }
        file.append(behind)?;
        file.sync()?; // before the rename: the name must never reach bytes that are not durable
        let bytes = file.len()?;
        drop(file);
        let names: Vec<FileName> = spools.iter().map(|spool| spool.name().clone()).collect();
        drop(spools); // no file is removed while somebody holds a handle on it
        // Before the rename: until then, a failure leaves the target as it was.
        for spool in &names {
            storage.remove_if_present(spool)?;
        }
        storage.rename(&temporary, name)?;
        storage.sync_dir()?;
        Ok(bytes)
    }

    /// Runs a writer; when it fails, removes what it leaves: spools of these names, too.
    pub(crate) fn clearing_up<T>(
        &self,
        spools: &[&str],
        write: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let result = write();
        if result.is_err() {
            // The first failure is the one to report; the next writer replaces what stays.
            let spools = spools.iter().map(|kind| Spool::<S>::name_of(self.name, kind));
            for name in spools.chain([self.name.temporary().map_err(Error::from)]).flatten() {
                let _ = self.storage.remove_if_present(&name);
            }
        }
        result
    }
}
