//! This machine's own metrics.

use crate::cli::output::{GOOD, Out, count_text};
use crate::cli::{Failure, Outcome};
use core::time::Duration;
use indicatif::{ProgressBar, ProgressStyle};
use nanotdb::engine::{Row, Target};
use nanotdb::{Database, Timestamp, Value};
use std::io::{self, IsTerminal, Write};
use std::thread::sleep;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use sysinfo::{Disks, NetworkData, Networks, System};

/// Between two looks; the system counts CPU time in about this grain.
const PAUSE: Duration = Duration::from_millis(250);

/// Processors that get a metric of their own.
const MAX_CPUS: usize = 8;

const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;

/// Records for some seconds.
pub(super) fn record(database: &Database, seconds: u64, out: &mut Out) -> Outcome {
    writeln!(out)?;
    out.heading("2. This machine, recorded")?;
    out.flush()?;
    let mut machine = Machine::new()?;
    let progress = progress(seconds);
    let started = Instant::now();
    let (mut taken, mut looks) = (0, 0_u64);
    while started.elapsed() < Duration::from_secs(seconds) {
        sleep(PAUSE);
        let readings = machine.look();
        let time = now();
        let rows = readings.iter().map(|(name, value)| Row {
            target: Target::Name(name),
            time,
            value: *value,
        });
        taken += database.add_rows(rows)?.accepted;
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

/// The time in whole milliseconds, which is more than the system's counters resolve.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(0) * 1_000_000)
}

/// What the system says about itself.
struct Machine {
    system: System,
    disks: Option<Disks>,
    networks: Option<Networks>,
}

impl Machine {
    fn new() -> Result<Self, Failure> {
        let asked = System::new();
        let mut system = asked.map_err(|error| Failure::failed(error.to_string()))?;
        system.refresh_cpu_usage();
        // A machine without disks or network, such as a container, is recorded without them.
        let (disks, networks) =
            (Disks::new_with_refreshed_list().ok(), Networks::new_with_refreshed_list().ok());
        Ok(Self { system, disks, networks })
    }

    fn look(&mut self) -> Vec<(String, Value)> {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        let system = &self.system;
        let mut readings = vec![
            reading("cpu.usage", percent(system.global_cpu_usage())),
            reading("mem.used_mib", whole(system.used_memory() / MIB)),
            reading("mem.available_mib", whole(system.available_memory() / MIB)),
        ];
        for (number, cpu) in system.cpus().iter().take(MAX_CPUS).enumerate() {
            readings.push((format!("cpu.{number}.usage"), percent(cpu.usage())));
        }
        if let Ok(load) = System::load_average() {
            readings.push(reading("load.1m", rounded(load.one)));
            readings.push(reading("load.5m", rounded(load.five)));
        }
        self.disks(&mut readings);
        self.networks(&mut readings);
        readings
    }

    fn disks(&mut self, readings: &mut Vec<(String, Value)>) {
        let Some(disks) = &mut self.disks else { return };
        disks.refresh(false);
        // Of several mounts, the largest; its counters cover the whole device.
        let Some(disk) = disks.iter().max_by_key(|disk| disk.total_space()) else { return };
        let used = disk.total_space().saturating_sub(disk.available_space());
        let share = used.saturating_mul(10_000).checked_div(disk.total_space()).unwrap_or(0);
        let share = f64::from(u32::try_from(share).unwrap_or(0)) / 100.0;
        readings.push(reading("disk.used_percent", rounded(share)));
        readings.push(reading("disk.read_kib", whole(disk.usage().read_bytes / KIB)));
        readings.push(reading("disk.written_kib", whole(disk.usage().written_bytes / KIB)));
    }

    fn networks(&mut self, readings: &mut Vec<(String, Value)>) {
        let Some(networks) = &mut self.networks else { return };
        networks.refresh(false);
        let received: u64 = networks.values().map(NetworkData::received).sum();
        let sent: u64 = networks.values().map(NetworkData::transmitted).sum();
        readings.push(reading("net.received_bytes", whole(received)));
        readings.push(reading("net.sent_bytes", whole(sent)));
    }
}

fn reading(name: &str, value: Value) -> (String, Value) {
    (name.to_string(), value)
}

fn whole(number: u64) -> Value {
    Value::I32(i32::try_from(number).unwrap_or(i32::MAX))
}

fn percent(number: f32) -> Value {
    Value::F32((number * 100.0).round() / 100.0)
}

#[expect(clippy::cast_possible_truncation, reason = "two decimals of a small number")]
fn rounded(number: f64) -> Value {
    Value::F32(((number * 100.0).round() / 100.0) as f32)
}
