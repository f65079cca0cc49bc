//! Samples of other systems on their way into a database.
//!
//! Senders repeat what they got no answer for. So a sample that has a time is compared with what is
//! stored, and one that is there already, with the same time and value, counts as stored: at least
//! once sent is exactly once stored. Another sample at or before the metric's newest is stale.
//!
//! Values become 32-bit floats, or 32-bit integers where the metric holds those.

mod names;
mod plan;
mod report;
mod value;

pub use report::{IntakeReport, MAX_NAMED, Refused};

use crate::{Database, Engine, Result, Timestamp};
use names::Names;
use nanotdb_core::engine::AddOptions;
use plan::Plan;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Samples that are looked at together, and held until then.
const CHUNK: usize = 4096;

/// Most labels of one series that are looked at. A metric's name has no room for half as many.
pub const MAX_LABELS: usize = 128;

/// Where all intakes of a server begin, so that they wait for each other: between the comparison
/// of a sample and its storing, no other request may store the same.
#[derive(Debug, Default)]
pub struct Intakes {
    turns: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
}

impl Intakes {
    /// An intake into a database, which is made with the first sample when there is none.
    pub fn begin(&self, engine: &Arc<Engine>, database: &str) -> Intake {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the requests that are under way count: names are chosen by clients.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        let turn = Arc::clone(turns.entry(database.to_owned()).or_default());
        Intake {
            engine: Arc::clone(engine),
            name: database.to_owned(),
            database: None,
            turn,
            undated: None,
            names: Names::default(),
            chunk: Vec::new(),
            report: IntakeReport::default(),
        }
    }
}

/// Takes the samples of one request in.
#[derive(Debug)]
pub struct Intake {
    engine: Arc<Engine>,
    name: String,
    database: Option<Arc<Database>>,
    turn: Arc<Mutex<()>>,
    /// The time of samples that have none, one for all: when the first samples are stored.
    undated: Option<Timestamp>,
    names: Names,
    chunk: Vec<Incoming>,
    report: IntakeReport,
}

/// A sample as it came.
#[derive(Debug, Clone, Copy)]
struct Incoming {
    /// Number of the line or series that it is from.
    place: u64,
    /// Number of its metric.
    metric: usize,
    /// Nothing where the sender knows none, and so would not send it again.
    time: Option<Timestamp>,
    value: f64,
}

impl Intake {
    /// Takes a sample of the line or series `place`; without a time it is of when the request's
    /// first samples are stored.
    ///
    /// # Errors
    ///
    /// Why nothing can be stored now: as [`Database::add_rows`] and
    /// [`create_database`](nanotdb_core::engine::Engine::create_database); or that a file cannot
    /// be read. What the sample itself does wrong is in the report.
    pub fn add(
        &mut self,
        place: u64,
        metric: &str,
        time: Option<Timestamp>,
        value: f64,
    ) -> Result<()> {
        self.add_spelled(place, (metric, ""), || metric.to_owned(), time, value)
    }

    /// As [`add`](Self::add), of a metric that its sender spells in two parts, always the same way;
    /// the name is made only for the first of them.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_spelled(
        &mut self,
        place: u64,
        spelling: (&str, &str),
        metric: impl FnOnce() -> String,
        time: Option<Timestamp>,
        value: f64,
    ) -> Result<()> {
        let metric = match self.names.find(spelling, metric) {
            Ok(metric) => metric,
            Err(rejection) => {
                self.refuse(place, rejection.to_string());
                return Ok(());
            }
        };
        self.chunk.push(Incoming { place, metric, time, value });
        if self.chunk.len() >= CHUNK { self.store() } else { Ok(()) }
    }

    /// Notes that a line or series is none.
    pub fn refuse(&mut self, place: u64, reason: impl Into<String>) {
        self.report.refuse(place, reason.into());
    }

    /// Notes that a line has texts, which cannot be stored and are left out.
    pub fn skip(&mut self, texts: u64) {
        self.report.skipped += texts;
    }

    /// Stores what is left, and says what was done.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn finish(mut self) -> Result<IntakeReport> {
        self.store()?;
        self.report.named.sort_by_key(|refused| refused.place);
        Ok(self.report)
    }

    /// What was done so far.
    pub const fn report(&self) -> &IntakeReport {
        &self.report
    }

    fn store(&mut self) -> Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let database = match &self.database {
            Some(database) => database,
            None => self.database.insert(self.engine.create_database(&self.name)?),
        };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // Not before it is this request's turn: others that are stored first are not later.
        let undated = *self.undated.get_or_insert_with(|| self.engine.now());
        let options = AddOptions { undated: Some(undated), ..AddOptions::LIVE };
        Plan::new(database, &self.names, &self.chunk)?.carry_out(options, &mut self.report)?;
        self.chunk.clear();
        self.names.trim();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
