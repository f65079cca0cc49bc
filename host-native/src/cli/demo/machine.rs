//! This machine's own metrics.

use crate::cli::output::{GOOD, Out, count_text};
use crate::cli::{Failure, Outcome};
use core::time::Duration;
use indicatif::{ProgressBar, ProgressStyle};
use nanotdb::collect::{Collector, Settings, record as record_readings, whole_milliseconds};
use nanotdb::engine::Clock;
use nanotdb::{Database, SystemClock};
use std::io::{self, IsTerminal, Write};
use std::thread::sleep;
use std::time::Instant;

/// Between two looks; the system counts CPU time in about this grain.
const PAUSE: Duration = Duration::from_millis(250);

/// How the metrics end that say something within seconds. Totals since the start do not.
const SHOWN: [&str; 10] = [
    "_pct",
    "_per_sec",
    "_kbps",
    ".iops",
    ".available",
    ".total",
    ".load1",
    ".procs_running",
    ".procs_total",
    ".temp_mdeg",
];

/// Records for some seconds.
pub(super) fn record(database: &Database, seconds: u64, out: &mut Out) -> Outcome {
    writeln!(out)?;
    out.heading("2. This machine, recorded")?;
    out.flush()?;
    let mut machine =
        Collector::new(&Settings::default()).map_err(|error| Failure::failed(error.to_string()))?;
    let progress = progress(seconds);
    let started = Instant::now();
    let (mut taken, mut looks) = (0, 0_u64);
    while started.elapsed() < Duration::from_secs(seconds) {
        sleep(PAUSE);
        let mut readings = machine.collect(Instant::now());
        readings.retain(|reading| SHOWN.iter().any(|end| reading.metric.ends_with(end)));
        let time = whole_milliseconds(SystemClock.now());
        taken += record_readings(database, time, &readings)?.taken;
        looks += 1;
        progress.set_position(started.elapsed().as_secs().min(seconds));
        progress.set_message(format!("{} samples", count_text(taken)));
    }
    progress.finish_and_clear();
    let metrics = database.metrics().len();
    let taken = out.styled(GOOD, count_text(taken));
    let about = "each logged before the next was taken";
    writeln!(out, "{taken} samples of {metrics} metrics in {looks} looks; {about}.")?;
    Ok(())
}

fn progress(seconds: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(seconds);
    match ProgressStyle::with_template("{bar:30} {pos} of {len} s, {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
