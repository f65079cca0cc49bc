//! Readings into a store.

use super::refusals::Refusals;
use super::{Collector, Reading, Settings, whole_milliseconds};
use crate::{Database, Engine};
use nanotdb_core::engine::{AddOptions, Row, RowTime, Target};
use nanotdb_core::error::Rejection;
use nanotdb_core::{Timestamp, Value, ValueType};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;
use tracing::warn;

/// What became of the readings of one look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    /// Samples that were taken.
    pub taken: u64,
    /// Why others were not.
    pub rejected: Vec<Rejection>,
    /// Samples that got the time of their metric's newest, which is later than that of the look:
    /// the clock was set back.
    pub clock_behind: u64,
}

/// Adds readings to a database, all with one time. A metric that exists with values of the other
/// type keeps its type; one whose newest sample is later, since the clock was set back meanwhile,
/// goes on from that one as long as it is not further ahead than `clock.max_future`.
///
/// # Errors
///
/// Those that stop all later writes; what only one sample suffers is in the answer.
pub fn record(
    database: &Database,
    time: Timestamp,
    readings: &[Reading],
) -> nanotdb_core::Result<Recording> {
    let rows: Vec<Row<'_, RowTime>> = readings
        .iter()
        .map(|reading| {
            let target = Target::Name(&reading.metric);
            Row { target, time: RowTime::Now, value: reading.value }
        })
        .collect();
    let options = AddOptions { undated: Some(time), ..AddOptions::LIVE };
    let report = database.add_rows_with(rows.iter().copied(), options)?;
    let (taken, clock_behind) = (report.accepted, report.clock_behind);
    let mut recording = Recording { taken, clock_behind, rejected: Vec::new() };
    let (mut again, mut why) = (Vec::new(), Vec::new());
    for (index, rejection) in report.rejected {
        let other = match (&rejection, rows.get(index)) {
            (Rejection::TypeMismatch { expected, .. }, Some(row)) => {
                as_type(row.value, *expected).map(|value| Row { value, ..*row })
            }
            _ => None,
        };
        match other {
            Some(row) => {
                again.push(row);
                why.push(rejection);
            }
            None => recording.rejected.push(rejection),
        }
    }
    if !again.is_empty() {
        let report = database.add_rows_with(again, options)?;
        recording.taken += report.accepted;
        recording.clock_behind += report.clock_behind;
        recording.rejected.extend(report.rejected.into_iter().map(|(_, rejection)| rejection));
    }
    Ok(recording)
}

/// The value as one of another type; a fraction is rounded, what does not fit is none.
fn as_type(value: Value, value_type: ValueType) -> Option<Value> {
    match (value, value_type) {
        #[expect(clippy::cast_precision_loss, reason = "a float metric has 24 bits")]
        (Value::I32(number), ValueType::F32) => Some(Value::F32(number as f32)),
        (Value::F32(number), ValueType::I32) => {
            let rounded = f64::from(number).round();
            let fits = rounded >= f64::from(i32::MIN) && rounded <= f64::from(i32::MAX);
            #[expect(clippy::cast_possible_truncation, reason = "it fits")]
            fits.then_some(Value::I32(rounded as i32))
        }
        (same, _) => Some(same),
    }
}

/// A thread that looks at this machine at every interval and writes into a store. Dropping it
/// stops and joins the thread.
///
/// ```
/// use nanotdb::Store;
/// use nanotdb::collect::{Recorder, Settings};
///
/// # let directory = tempfile::tempdir()?;
/// let store = Store::open(directory.path().join("metrics"))?;
/// let recorder = Recorder::start(store.engine(), Settings::default())?;
/// // … this machine is being recorded into the database `metrics` …
/// drop(recorder);
/// assert!(store.database("metrics")?.last("mem.total")?.is_some());
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Takes the first look at once, so that there is something to see, then starts the thread.
    /// It ends by itself when the store refuses to write.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the settings cannot be used, `Other` when the first look cannot be
    /// written; those of starting a thread.
    pub fn start(engine: &Arc<Engine>, settings: Settings) -> io::Result<Self> {
        let refused = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        settings.check().map_err(refused)?;
        let mut collector = Collector::new(&settings).map_err(refused)?;
        let mut refusals = Refusals::default();
        look(engine, &mut collector, &settings, &mut refusals).map_err(io::Error::other)?;
        let engine = Arc::clone(engine);
        let (stop, stopped) = channel();
        let work = move || {
            let mut due = Instant::now() + settings.interval;
            let wait =
                |due: Instant| stopped.recv_timeout(due.saturating_duration_since(Instant::now()));
            while wait(due) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = look(&engine, &mut collector, &settings, &mut refusals) {
                    warn!(database = settings.database, %error, "recording this machine ends");
                    return;
                }
                due = next(due, settings.interval, Instant::now());
            }
        };
        let thread = std::thread::Builder::new().name("nanotdb-collect".into()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(
    engine: &Engine,
    collector: &mut Collector,
    settings: &Settings,
    refusals: &mut Refusals,
) -> crate::Result<()> {
    let readings = collector.collect(Instant::now());
    let database = engine.create_database(&settings.database)?;
    let recording = record(&database, whole_milliseconds(engine.now()), &readings)?;
    for note in refusals.of_recording(&recording) {
        warn!(database = settings.database, "{note}");
    }
    Ok(())
}

/// When the next look is due. Looks that would already be over are left out: the machine slept,
/// or had no time.
pub(super) fn next(due: Instant, interval: core::time::Duration, now: Instant) -> Instant {
    let next = due + interval;
    if next > now { next } else { now + interval }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use core::time::Duration;

    fn reading(metric: &str, value: Value) -> Reading {
        Reading { metric: metric.to_owned(), value }
    }

    #[test]
    fn a_metric_keeps_the_type_that_it_has() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let database = store.create_database("metrics").unwrap();
        database.add("mem.total", Timestamp(0), 1.0_f32).unwrap();
        database.add("cpu.user", Timestamp(0), 1_i32).unwrap();
        let readings = [
            reading("mem.total", Value::I32(1024)),
            reading("cpu.user", Value::F32(2.5)),
            reading("sys.load1", Value::F32(0.5)),
        ];
        let recording = record(&database, Timestamp(1), &readings).unwrap();
        assert_eq!(recording, Recording { taken: 3, ..Recording::default() });
        let last = |metric| database.last(metric).unwrap().unwrap().value;
        assert_eq!(last("mem.total"), Value::F32(1024.0));
        assert_eq!(last("cpu.user"), Value::I32(3));
        assert_eq!(last("sys.load1"), Value::F32(0.5));

        let too_large =
            [reading("cpu.user", Value::F32(3e9)), reading("sys.load1", Value::F32(1.0))];
        let recording = record(&database, Timestamp(2), &too_large).unwrap();
        assert_eq!((recording.taken, recording.rejected.len()), (1, 1));
        store.close().unwrap();
    }

    #[test]
    fn readings_go_on_when_the_clock_was_set_back() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let database = store.create_database("metrics").unwrap();
        let readings = [reading("cpu.user", Value::F32(2.5)), reading("new", Value::I32(1))];
        let now = whole_milliseconds(store.now());
        let hour = 3_600_000_000_000;
        database.add("cpu.user", Timestamp(now.0 + hour), 1.0_f32).unwrap();
        let recording = record(&database, now, &readings).unwrap();
        assert_eq!((recording.taken, recording.clock_behind), (2, 1), "{recording:?}");
        assert_eq!(database.last("cpu.user").unwrap().unwrap().time, Timestamp(now.0 + hour));
        assert_eq!(database.last("new").unwrap().unwrap().time, now);

        database.add("far", Timestamp(now.0 + 24 * 365 * hour), 1).unwrap();
        let recording = record(&database, now, &[reading("far", Value::I32(1))]).unwrap();
        assert!(matches!(recording.rejected[..], [Rejection::ClockBehind { .. }]), "{recording:?}");
        store.close().unwrap();
    }

    #[test]
    fn a_recorder_looks_again_and_ends_when_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let settings = Settings { interval: Duration::from_millis(250), ..Settings::default() };
        let recorder = Recorder::start(store.engine(), settings).unwrap();
        let database = store.database("metrics").unwrap();
        let count = || database.range("mem.total", Timestamp::MIN, Timestamp::MAX).unwrap().len();
        while count() < 3 {
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(recorder);
        let seen = count();
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(count(), seen, "nothing comes after the end");
        store.close().unwrap();
    }

    #[test]
    fn settings_that_cannot_be_used_start_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        let settings = Settings { database: "a b".to_owned(), ..Settings::default() };
        let refused = Recorder::start(store.engine(), settings).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert!(refused.to_string().contains("collect.database"), "{refused}");
    }

    #[test]
    fn looks_that_are_over_are_left_out() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(next(start, second, start), start + second);
        assert_eq!(next(start, second, start + 10 * second), start + 11 * second);
    }
}
