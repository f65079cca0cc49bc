//! What is measured of this process, and how.

use crate::report::{Bench, Unit};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

/// The result of `run`, and how long it took.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = run();
    (result, start.elapsed())
}

/// Seconds of processor time this process has used, in all its threads.
pub(crate) fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// The most memory this process has had, in MiB.
pub(crate) fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024.0
}

/// The machine's load over a minute, as a warning about what else it was doing.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What it costs here to make 4 KiB durable; no engine is involved.
pub(crate) fn sync(bench: &mut Bench) {
    let name = "machine/append_4KiB_and_fdatasync";
    if !bench.wants(name) {
        return;
    }
    let directory = bench.directory();
    let mut file = File::create(directory.path().join("file")).expect("a file");
    let mut append = || {
        let (done, time) = timed(|| file.write_all(&[1; 4096]).and_then(|()| file.sync_data()));
        done.expect("written");
        millis(time)
    };
    let times = (0..200).map(|_| append()).collect();
    bench.figure(name, Unit::Millis, times);
}
