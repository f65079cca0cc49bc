//! What is stored, sent to another system by Prometheus remote write 1.0.
//!
//! The database itself is the queue: only a *cursor* is kept, which says for each metric up to
//! where everything has been dealt with. So a receiver may be away for a second or a month, and
//! either side may be restarted. Each sample is sent at least once, those of a metric in order.
//!
//! ```no_run
//! use nanotdb::Store;
//! use nanotdb::forward::{Forwarder, ForwardOptions};
//!
//! let store = Store::open("data")?;
//! let options = ForwardOptions::to("http://localhost:9090/api/v1/write");
//! let mut forwarder = Forwarder::open("data".as_ref(), options)?;
//! let counts = forwarder.round(store.engine())?;
//! println!("{} samples sent", counts.sent);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//! round     what is new in a database, in batches
//! cursor    up to where; a file in the store's directory
//! names     a metric's name as the labels of a series
//! deliver   a batch until it is taken or refused for good
//! running   all that the settings name, on threads of their own
//! ```
//!
//! The protocol has milliseconds: of samples of a metric within one millisecond, the last of a
//! batch is sent. What a rollup's backfill replaces behind the cursor is not sent again.

mod cursor;
mod deliver;
mod lock;
mod names;
mod options;
mod round;
mod running;
mod settings;
mod stop;
#[cfg(test)]
mod tests;

pub use options::{ForwardError, ForwardOptions};
pub use running::Forwarding;
pub use settings::ForwardSettings;
pub use stop::Stop;

use crate::settings::INTERNAL;
use crate::{Database, Engine};
use core::time::Duration;
use cursor::{Cursor, Position};
use deliver::{Delivery, Halt};
use lock::Lock;
use names::Names;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

/// How often the cursor is stored while batches are sent. What was sent since would be sent again
/// after a crash.
const STORE_EVERY: Duration = Duration::from_secs(1);

/// What became of samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Samples that the receiver took.
    pub sent: u64,
    /// Samples that it refused for good.
    pub refused: u64,
    /// Samples that another one within the same millisecond took the place of.
    pub merged: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Requests that have to be repeated.
    pub failures: u64,
}

impl Counts {
    /// What was counted since `earlier`.
    fn since(self, earlier: Self) -> Self {
        Self {
            sent: self.sent - earlier.sent,
            refused: self.refused - earlier.refused,
            merged: self.merged - earlier.merged,
            requests: self.requests - earlier.requests,
            failures: self.failures - earlier.failures,
        }
    }
}

/// Sends what is new, from where it stopped the last time.
#[derive(Debug)]
pub struct Forwarder {
    options: ForwardOptions,
    cursor: Cursor,
    delivery: Delivery,
    names: BTreeMap<String, Names>,
    /// Metrics that had nothing new when all their samples at the cursor were counted.
    idle: HashMap<(String, String), Position>,
    stored: Instant,
    _lock: Lock,
}

impl Forwarder {
    /// A forwarder whose cursor is in the store's directory `root`.
    ///
    /// # Errors
    ///
    /// When options make no sense, or the cursor cannot be read or is in use.
    pub fn open(root: &Path, options: ForwardOptions) -> Result<Self, ForwardError> {
        if options.batch_samples == 0 {
            return Err(ForwardError::Options("a batch has more than 0 samples".into()));
        }
        names::check_labels(&options.labels).map_err(ForwardError::Options)?;
        let name = options.checked_name()?;
        let lock = Lock::acquire(root, &name)?;
        let cursor = Cursor::load(root, &name)?;
        let delivery = Delivery::new(&options)?;
        Ok(Self {
            options,
            cursor,
            delivery,
            names: BTreeMap::new(),
            idle: HashMap::new(),
            stored: Instant::now(),
            _lock: lock,
        })
    }

    /// Ends a round that is under way as soon as its request was answered.
    pub fn stop(&self) -> Stop {
        self.delivery.stop().clone()
    }

    /// Whoever should hear of refusals, and of a receiver that goes and comes back.
    pub fn on_notice(&mut self, hear: impl Fn(&str) + Send + 'static) {
        self.delivery.on_notice(Box::new(hear));
    }

    /// Whether there is no cursor yet, so that the next round decides where to begin.
    pub const fn is_new(&self) -> bool {
        self.cursor.is_new()
    }

    /// What was counted since this value was made.
    pub const fn counts(&self) -> Counts {
        self.delivery.counts()
    }

    /// Sends everything that is there and was not sent yet, and returns what was counted. An
    /// unreachable receiver is tried again and again. When stopped, it has done a part.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or the cursor not be stored; `GaveUp` where that is allowed.
    /// What was sent so far is not sent again.
    pub fn round(&mut self, engine: &Engine) -> Result<Counts, ForwardError> {
        let before = self.delivery.counts();
        if self.cursor.is_new() {
            self.begin(engine)?;
        }
        let mut done = Ok(());
        for name in self.databases(engine)? {
            let database = match engine.database(&name) {
                Ok(database) => database,
                Err(error) if error.is_rejection() => continue, // not there yet, or no more
                Err(error) => {
                    done = Err(Halt::Failed(error.into()));
                    break;
                }
            };
            done = self.forward(&database);
            if done.is_err() {
                break;
            }
        }
        // What was sent is noted, whatever ended the round.
        self.cursor.store()?;
        self.stored = Instant::now();
        match done {
            Ok(()) | Err(Halt::Stopped) => Ok(self.delivery.counts().since(before)),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    /// Sends what is new every `interval`, until it is stopped; `engine` is asked for each round.
    /// A round that fails is told of and tried again.
    ///
    /// # Errors
    ///
    /// As [`round`](Self::round), when that is allowed to give up.
    pub fn run<E: AsRef<Engine>>(
        &mut self,
        mut engine: impl FnMut() -> crate::Result<E>,
        interval: Duration,
    ) -> Result<(), ForwardError> {
        let stop = self.stop();
        while !stop.is_stopped() {
            let done = match engine() {
                Ok(engine) => self.round(engine.as_ref()).map(|_| ()),
                Err(error) => Err(error.into()),
            };
            match done {
                Err(error @ ForwardError::GaveUp(_)) => return Err(error),
                Err(error) => self.delivery.notice(&error.to_string()),
                Ok(()) => {}
            }
            if stop.wait(interval) {
                break;
            }
        }
        Ok(())
    }

    fn databases(&self, engine: &Engine) -> Result<Vec<String>, ForwardError> {
        if !self.options.databases.is_empty() {
            return Ok(self.options.databases.clone());
        }
        let mut names = engine.databases()?;
        names.retain(|name| name != INTERNAL);
        Ok(names)
    }

    /// Decides where to begin.
    fn begin(&mut self, engine: &Engine) -> Result<(), ForwardError> {
        self.cursor.begin(self.options.from);
        if self.options.from.is_none() {
            for name in self.databases(engine)? {
                let database = match engine.database(&name) {
                    Err(error) if error.is_rejection() => continue,
                    other => other?,
                };
                for metric in database.metrics() {
                    if let Some(newest) = Position::newest_of(&database, &metric.name)? {
                        self.cursor.set(&name, &metric.name, newest);
                    }
                }
            }
        }
        Ok(self.cursor.store()?)
    }

    fn forward(&mut self, database: &Database) -> Result<(), Halt> {
        let names = self
            .names
            .entry(database.name().to_owned())
            .or_insert_with(|| Names::new(database.name(), self.options.labels.clone()));
        let mut metrics = database.metrics();
        // What lost its name is sent under its name, once it has it.
        metrics.retain(|metric| !metric.recovered);
        names.learn(&metrics);
        for group in round::groups(database, &metrics, &self.cursor, &self.idle)? {
            self.forward_group(database, &group)?;
        }
        Ok(())
    }
}
