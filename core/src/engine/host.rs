//! What a host supplies besides files: a clock, and cells that its threads may share.

use super::event::{Event, Level};
use crate::storage::{Result, Storage};
use crate::types::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

/// Wall time, and how long things take.
pub trait Clock {
    /// The current time. It may be wrong and be set: samples without a time have it, and the window
    /// in which samples skip the log, seals, rollups and retention go by it. What is deleted by it
    /// is so only while it is plausible, see [`ClockJump`](super::ClockJump).
    fn now(&self) -> Timestamp;

    /// Time since some start that stays the same: how old pages are, how long to wait, and how long
    /// writes and syncs take. Asked around those only, never for a sample.
    fn monotonic(&self) -> Duration;
}

/// How long `work` takes.
pub(crate) fn timed(clock: &impl Clock, work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let started = clock.monotonic();
    work()?;
    Ok(clock.monotonic().saturating_sub(started))
}

/// A value that is read and changed through shared references.
///
/// A single-threaded host uses [`RefCell`]; a host with threads a lock. The engine never calls
/// into a cell from within a closure that it handed to the same cell.
pub trait Shared<T> {
    /// Wraps `value`.
    fn new(value: T) -> Self;
    /// Runs `read` on the value.
    fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R;
    /// Runs `change` on the value; no one else reads or changes it meanwhile.
    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R;
}

impl<T> Shared<T> for RefCell<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.borrow())
    }

    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.borrow_mut())
    }
}

/// Everything the engine needs from its surroundings.
pub trait Host {
    /// One directory of files.
    type Storage: Storage;
    /// How values are shared between threads.
    type Shared<T>: Shared<T>;
    /// Where time comes from.
    type Clock: Clock;

    /// The clock.
    fn clock(&self) -> &Self::Clock;

    /// The root directory, which holds `engine.toml`.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn root(&self) -> Result<Self::Storage>;

    /// Names of the sub-directories that look like databases, in any order.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    fn databases(&self) -> Result<Vec<String>>;

    /// The directory of one database. `name` is one path component, checked by the caller.
    ///
    /// # Errors
    ///
    /// `NotFound` when it does not exist and `create` is false; whatever the platform reports.
    fn database(&self, name: &str, create: bool) -> Result<Self::Storage>;

    /// Measures the process that the engine runs in: hands on the name of each measurement that
    /// can be taken here, such as `rss_bytes`, and its value. The engine records them with its
    /// own metrics.
    fn measure(&self, put: &mut dyn FnMut(&str, f64)) {
        let _ = put;
    }

    /// Whether events of this level are of interest now. For [`Level::Trace`], which concerns
    /// single samples, databases ask when they are opened and not again.
    fn wants(&self, level: Level) -> bool {
        let _ = level;
        false
    }

    /// Takes note of something that happened. Called from the middle of the engine's work: it
    /// must not call the engine, and what it does, writes wait for.
    fn note(&self, event: &Event<'_>) {
        let _ = event;
    }
}
