//! Writes that failed: whether others may follow, and when to try again by oneself.
//!
//! Most failures change nothing: a full disk, a file that cannot be opened. The write is refused,
//! and the next one may succeed. Only where nobody knows any more what the disk holds (a sync
//! failed, or a half-written append could not be cut off) everything after it is refused.

use super::event::Event;
use super::host::{Clock, Host};
use super::writer::{End, Writer};
use crate::error::{Error, Rejection, Result};
use alloc::string::{String, ToString};
use core::time::Duration;

/// How long ticks wait before they try again what could not be written.
const PAUSE: Duration = Duration::from_secs(2);

/// What stands in the way of writing.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// After which failure nobody knows what the disk holds; nothing is written after it.
    poisoned: Option<String>,
    /// What could not be written last, unless something was since.
    hindrance: Option<Hindrance>,
}

#[derive(Debug)]
struct Hindrance {
    error: Error,
    /// When it was tried last, by the monotonic clock.
    tried: Duration,
}

impl Trouble {
    /// Whether something could not be written, and nothing was since.
    pub(crate) const fn is_hindered(&self) -> bool {
        self.hindrance.is_some()
    }

    /// Something was written.
    pub(crate) fn note_success(&mut self) {
        self.hindrance = None;
    }
}

impl<H: Host> Writer<H> {
    /// Refuses to write where nobody knows what the disk holds or nothing may be written.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if self.readable.read_only {
            return Err(Error::Rejected(Rejection::ReadOnly));
        }
        match &self.trouble.poisoned {
            Some(cause) => Err(Error::Poisoned { cause: cause.clone() }),
            None if self.end != End::NotYet => Err(Error::Closed),
            None => Ok(()),
        }
    }

    /// Says what samples are refused with at present, as far as is known.
    pub(crate) fn readiness(&self) -> Result<()> {
        self.check_writable()?;
        match &self.trouble.hindrance {
            Some(hindrance) => Err(hindrance.error.clone()),
            None => Ok(()),
        }
    }

    /// Passes the result of a write on. A failure that leaves doubt stops all later writes.
    pub(crate) fn poisoning<T>(&mut self, result: Result<T>) -> Result<T> {
        match &result {
            Err(error) if error.leaves_doubt() => self.poison(error),
            Err(error @ Error::Storage(_)) => self.hinder(error),
            _ => {}
        }
        result
    }

    /// Stops all later writes.
    pub(crate) fn poison(&mut self, error: &Error) {
        if self.trouble.poisoned.is_none() {
            self.trouble.poisoned = Some(error.to_string());
            self.host.note(&Event::WriteFailed { database: &self.readable.name, error });
        }
    }

    /// Passes on only what stops later writes: what was to be written stays where it is safe, and
    /// is written later.
    pub(crate) fn postponing(&self, result: Result<()>) -> Result<()> {
        if self.trouble.poisoned.is_some() { result } else { Ok(()) }
    }

    fn hinder(&mut self, error: &Error) {
        if self.trouble.hindrance.is_none() {
            self.host.note(&Event::WriteRefused { database: &self.readable.name, error });
        }
        let tried = self.host.clock().monotonic();
        self.trouble.hindrance = Some(Hindrance { error: error.clone(), tried });
    }

    /// Writes pages that reached their age. After a failure it writes every page, a while later:
    /// that shows whether the cause is gone, and empties a log that has found no room.
    pub(crate) fn write_due(&mut self) -> Result<()> {
        if let Some(logs) = &mut self.staging.logs {
            logs.recheck();
        }
        let Some(hindrance) = &self.trouble.hindrance else { return self.flush_aged() };
        if self.host.clock().monotonic().saturating_sub(hindrance.tried) < PAUSE {
            return Ok(());
        }
        self.give_room()?;
        self.flush_all()?;
        self.trouble.note_success();
        Ok(())
    }
}
