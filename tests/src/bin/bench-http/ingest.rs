//! How fast samples come in: bodies of 5,000, one after the other. Samples have to come in their
//! order, which two connections would not keep.

use crate::bodies::bodies;
use crate::process::Running;
use nanotdb_tests::workload::{METRICS, TICKS_PER_DAY};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Ten seconds.
const STEP: i64 = 10_000_000_000;

/// What was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) samples: usize,
    took: Duration,
    /// The first time and the first after the last, in nanoseconds.
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Sent {
    pub(crate) fn rate(&self) -> f64 {
        self.samples as f64 / self.took.as_secs_f64()
    }
}

/// Now, in nanoseconds, on a whole ten seconds.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX) / STEP * STEP
}

/// Sends the days before now.
pub(crate) fn send(running: &Running, days: usize) -> Result<Sent, String> {
    let ticks = days * TICKS_PER_DAY;
    let to = now();
    let from = to - i64::try_from(ticks).unwrap_or(0) * STEP;
    // Made before the clock runs: what is measured is the server.
    let bodies: Vec<Vec<u8>> =
        bodies(running.peer.form(), from, STEP, ticks).collect::<Result<_, _>>()?;
    let began = Instant::now();
    for body in bodies {
        running.post(running.peer.write_path(), body)?;
    }
    let took = began.elapsed();
    Ok(Sent { samples: ticks * METRICS, took, from, to })
}
