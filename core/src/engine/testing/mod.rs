//! A host for tests: one thread, directories that a test supplies, a clock that a test turns.

mod answers;

pub use answers::answers;

use super::host::{Clock, Host};
use crate::storage::{Result, Storage, StorageError, StorageErrorKind};
use crate::types::Timestamp;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::time::Duration;

/// A clock that stands still until it is set.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Rc<Cell<i64>>);

impl ManualClock {
    /// A clock showing `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Rc::new(Cell::new(now.0)))
    }

    /// Sets the clock, and all its clones.
    pub fn set(&self, now: Timestamp) {
        self.0.set(now.0);
    }

    /// Turns the clock on by `nanos`.
    pub fn advance(&self, nanos: i64) {
        self.0.set(self.0.get().saturating_add(nanos));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.get())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.get()).unwrap_or(0))
    }
}

/// Directories that outlive the engines opened on them: clones share them.
pub struct LocalHost<S> {
    root: S,
    databases: Rc<RefCell<BTreeMap<String, S>>>,
    make: Rc<dyn Fn() -> S>,
    /// The clock of engines on this host.
    pub clock: ManualClock,
}

impl<S: Clone> Clone for LocalHost<S> {
    fn clone(&self) -> Self {
        Self {
            root: self.root.clone(),
            databases: Rc::clone(&self.databases),
            make: Rc::clone(&self.make),
            clock: self.clock.clone(),
        }
    }
}

impl<S> fmt::Debug for LocalHost<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHost").finish_non_exhaustive()
    }
}

impl<S: Storage + Clone> LocalHost<S> {
    /// A host whose directories `make` supplies, the clock at 2026-01-01.
    pub fn new(make: impl Fn() -> S + 'static) -> Self {
        Self {
            root: make(),
            databases: Rc::default(),
            make: Rc::new(make),
            clock: ManualClock::new(Timestamp(1_767_225_600_000_000_000)),
        }
    }

    /// Puts a directory in place of the database's.
    pub fn set_database(&self, name: &str, storage: S) {
        self.databases.borrow_mut().insert(name.to_string(), storage);
    }

    /// The directory of a database, if there is one.
    pub fn directory(&self, name: &str) -> Option<S> {
        self.databases.borrow().get(name).cloned()
    }

    /// The root directory.
    pub fn root_directory(&self) -> S {
        self.root.clone()
    }
}

impl<S: Storage + Clone> Host for LocalHost<S> {
    type Storage = S;
    type Shared<T> = RefCell<T>;
    type Clock = ManualClock;

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    fn root(&self) -> Result<S> {
        Ok(self.root.clone())
    }

    fn databases(&self) -> Result<Vec<String>> {
        Ok(self.databases.borrow().keys().cloned().collect())
    }

    fn database(&self, name: &str, create: bool) -> Result<S> {
        let mut databases = self.databases.borrow_mut();
        if !databases.contains_key(name) {
            if !create {
                let detail = format!("{name}: no such database");
                return Err(StorageError::new(StorageErrorKind::NotFound, detail));
            }
            databases.insert(name.to_string(), (self.make)());
        }
        databases
            .get(name)
            .cloned()
            .ok_or_else(|| StorageError::new(StorageErrorKind::NotFound, name.to_string()))
    }
}
