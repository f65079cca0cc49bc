//! Room that a log leaves for pages.
//!
//! A sample takes several times as much in a log as in a page, and a log is emptied when all its
//! samples are in pages. On a small disk, or in a browser's quota, a log could fill the room that
//! its own pages need, and nothing would ever be stored again. So a log that grows beyond
//! [`SMALL_LOG`] has a file of zeros beside it, as long as itself or longer, which is given back
//! when the log finds no room: then pages are written and the log is emptied. Where there is no
//! room for the zeros either, pages are written at once.
//!
//! The file is written once for many logs, holds nothing and is never synced. It goes at `close`,
//! and what a killed process has left goes at the next opening.

use super::host::Host;
use super::writer::{Writer, to_u64};
use crate::error::Result;
use crate::storage::{self, FileName, Storage, StorageFile};
use alloc::format;

/// Up to this length a log needs nothing beside it.
const SMALL_LOG: u64 = 4 << 10;

/// More room is not kept: larger logs are those whose samples are in pages already.
const MOST_KEPT: u64 = 1 << 20;

/// The file: `<db>.room`.
pub(super) fn file_name(database: &str) -> storage::Result<FileName> {
    FileName::new(&format!("{database}.room"))
}

/// Whether logs of this length ask for more room than is kept.
pub(super) const fn needs_room(logs: u64, kept: u64) -> bool {
    logs > SMALL_LOG && logs > kept && kept < MOST_KEPT
}

impl<H: Host> Writer<H> {
    /// Keeps as much room as the logs take, and once more; where there is none, writes pages.
    #[cold]
    pub(super) fn keep_room(&mut self) -> Result<()> {
        let logs = self.staging.logs.as_ref().map_or(0, super::logs::Logs::len);
        if self.trouble.is_hindered() {
            return Ok(()); // a tick does what can be done
        }
        if self.try_keep_room(logs.saturating_mul(2).min(MOST_KEPT)).is_ok() {
            return Ok(());
        }
        self.give_room()?;
        self.flush_all()?;
        self.settle_log()
    }

    fn try_keep_room(&mut self, bytes: u64) -> Result<()> {
        let (mut file, _) =
            self.readable.storage.open_or_create(&file_name(&self.readable.name)?)?;
        // Until it is whole it may be of any length.
        self.kept_room = self.kept_room.max(1);
        let zeros = [0; 4096];
        let mut len = file.len()?;
        while len < bytes {
            file.append(&zeros)?;
            len = len.saturating_add(to_u64(zeros.len()));
        }
        self.kept_room = len;
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn give_room(&mut self) -> Result<()> {
        if self.kept_room == 0 {
            return Ok(());
        }
        self.readable.storage.remove_if_present(&file_name(&self.readable.name)?)?;
        self.kept_room = 0;
        // Some hosts use the room of a file again once it is gone for certain.
        self.sync_dir()
    }
}
