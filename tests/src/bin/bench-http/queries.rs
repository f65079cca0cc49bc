//! How long a query of one metric's day takes: alone, and while 100,000 samples a second come in.

use crate::bodies::{BATCH, bodies, plain_name};
use crate::ingest::Sent;
use crate::peer::Peer;
use crate::process::Running;
use nanotdb_tests::random::Random;
use nanotdb_tests::workload::{METRICS, name};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Samples a second that come in meanwhile.
const RATE: usize = 100_000;

/// Queries asked when nothing else happens.
const IDLE: usize = 84;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Busy {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Samples that came in.
    pub(crate) samples: usize,
}

/// The median of a query when nothing else happens, in milliseconds.
pub(crate) fn idle(running: &Running, sent: &Sent) -> Result<f64, String> {
    let mut times = Vec::new();
    let mut random = Random::new(1);
    for _ in 0..IDLE {
        times.push(ask(running, sent, &mut random)?);
    }
    Ok(percentile(&mut times, 50))
}

/// Asks for so many seconds, while samples of after what was sent come in.
pub(crate) fn while_samples_come_in(
    running: &Running,
    sent: &Sent,
    seconds: u64,
) -> Result<Busy, String> {
    let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| write(running, sent.to, &is_over, &count));
        let mut times = Vec::new();
        let mut random = Random::new(2);
        let began = Instant::now();
        let mut asked = Ok(());
        while began.elapsed().as_secs() < seconds && asked.is_ok() {
            asked = ask(running, sent, &mut random).map(|took| times.push(took));
            std::thread::sleep(Duration::from_millis(10));
        }
        is_over.store(true, Ordering::Relaxed);
        writing.join().map_err(|_| "the writer panicked")??;
        asked?;
        let samples = count.load(Ordering::Relaxed);
        let wanted = RATE * usize::try_from(seconds).unwrap_or(0);
        if samples < wanted / 10 * 9 {
            eprintln!("{}: {samples} samples came in, not {wanted}", running.peer.name());
        }
        Ok(Busy { p50: percentile(&mut times, 50), p99: percentile(&mut times, 99), samples })
    })
}

/// Writes at an even pace: a tick of every metric each 840 microseconds of their own time, too.
fn write(
    running: &Running,
    start: i64,
    is_over: &AtomicBool,
    count: &AtomicUsize,
) -> Result<(), String> {
    let step = SECOND / i64::try_from(RATE / METRICS).unwrap_or(1);
    // Remote write knows milliseconds only.
    let step = (step / 1_000_000 + 1) * 1_000_000;
    let began = Instant::now();
    for (number, body) in bodies(running.peer.form(), start, step, usize::MAX / METRICS).enumerate()
    {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let due = Duration::from_secs_f64((number * BATCH) as f64 / RATE as f64);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        running.post(running.peer.write_path(), body?)?;
        count.fetch_add(BATCH, Ordering::Relaxed);
    }
    Ok(())
}

/// Asks for the first day of some metric; how long that took, in milliseconds.
fn ask(running: &Running, sent: &Sent, random: &mut Random) -> Result<f64, String> {
    let metric = usize::try_from(random.below(METRICS as u64)).unwrap_or(0);
    let metric = match running.peer {
        Peer::Nanotdb => name(metric),
        _ => plain_name(metric),
    };
    let from = sent.from / SECOND;
    let path = running.peer.day_path(&metric, from, from + DAY - 10);
    let began = Instant::now();
    let body = running.get(&path)?;
    let took = began.elapsed().as_secs_f64() * 1000.0;
    // An answer of nothing would be quick.
    if body.len() < 8640 * 10 {
        let shown = String::from_utf8_lossy(body.get(..200).unwrap_or(&body)).into_owned();
        return Err(format!("{path}: {} bytes: {shown}", body.len()));
    }
    Ok(took)
}

fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or(f64::NAN)
}
