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
#[derive(Debug, Clone)]
pub struct ManualClock {
    wall: Rc<Cell<i64>>,
    monotonic: Rc<Cell<u64>>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new(Timestamp(0))
    }
}

impl ManualClock {
    /// A clock showing `now`.
    pub fn new(now: Timestamp) -> Self {
        let monotonic = u64::try_from(now.0).unwrap_or(0);
        Self { wall: Rc::new(Cell::new(now.0)), monotonic: Rc::new(Cell::new(monotonic)) }
    }

    /// Sets the clock, and all its clones. Where it shows a later time then, that much time has
    /// passed.
    pub fn set(&self, now: Timestamp) {
        let passed = now.0.saturating_sub(self.wall.get());
        self.run(Duration::from_nanos(u64::try_from(passed).unwrap_or(0)));
        self.step(now);
    }

    /// Turns the clock on by `nanos`.
    pub fn advance(&self, nanos: i64) {
        self.set(Timestamp(self.wall.get().saturating_add(nanos)));
    }

    /// Sets the clock as somebody does who thinks that it is wrong: no time has passed.
    pub fn step(&self, now: Timestamp) {
        self.wall.set(now.0);
    }

    /// Lets time pass without a change of what the clock shows.
    pub fn run(&self, time: Duration) {
        let passed = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.monotonic.set(self.monotonic.get().saturating_add(passed));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.get())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic.get())
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
