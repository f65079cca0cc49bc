//! Files, threads and the system clock, as the engine wants them.

use crate::storage::{FsRoot, FsStorage, Result};
use nanotdb_core::Timestamp;
use nanotdb_core::engine::{Clock, Host, Shared};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall time of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
        };
        Timestamp(nanos)
    }

    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// A value that threads share. A thread that panicked while changing it leaves it as it is: the
/// engine's values are whole between any two statements that can panic.
#[derive(Debug)]
pub struct Locked<T>(RwLock<T>);

impl<T> Shared<T> for Locked<T> {
    fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One root directory.
#[derive(Debug)]
pub struct NativeHost {
    root: FsRoot,
    clock: SystemClock,
}

impl NativeHost {
    pub(crate) const fn new(root: FsRoot) -> Self {
        Self { root, clock: SystemClock }
    }

    /// The root directory.
    pub fn root_directory(&self) -> &FsRoot {
        &self.root
    }
}

impl Host for NativeHost {
    type Storage = FsStorage;
    type Shared<T> = Locked<T>;
    type Clock = SystemClock;

    fn clock(&self) -> &SystemClock {
        &self.clock
    }

    fn root(&self) -> Result<FsStorage> {
        self.root.storage()
    }

    fn databases(&self) -> Result<Vec<String>> {
        self.root.databases()
    }

    fn database(&self, name: &str, create: bool) -> Result<FsStorage> {
        if create { self.root.create_database(name) } else { self.root.database(name) }
    }

    #[cfg(feature = "tracing")]
    fn wants(&self, level: nanotdb_core::engine::Level) -> bool {
        crate::logging::wants(level)
    }

    #[cfg(feature = "tracing")]
    fn note(&self, event: &nanotdb_core::engine::Event<'_>) {
        crate::logging::note(event);
    }

    fn measure(&self, put: &mut dyn FnMut(&str, f64)) {
        // Only Linux has this file; elsewhere nothing is measured.
        if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
            measure_process(&status, put);
        }
    }
}

/// Picks measurements out of the system's description of a process.
fn measure_process(status: &str, put: &mut dyn FnMut(&str, f64)) {
    for line in status.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let number = value.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
        match (key, number) {
            ("VmRSS", Some(kibibytes)) => put("rss_bytes", kibibytes * 1024.0),
            ("Threads", Some(count)) => put("threads", count),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_from_its_description() {
        let status = "Name:\tnanotdb\nVmRSS:\t    4096 kB\nThreads:\t3\nMems_allowed:\t1\n";
        let mut found = Vec::new();
        measure_process(status, &mut |key, value| found.push((key.to_owned(), value)));
        assert_eq!(found, [("rss_bytes".to_owned(), 4_194_304.0), ("threads".to_owned(), 3.0)]);
    }
}
