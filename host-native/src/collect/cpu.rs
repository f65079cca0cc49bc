//! `cpu.*`: what the processors do, and since when the machine runs.

use super::machine::Machine;
use super::rate::Rates;
use super::settings::Cpu;
use super::{Measure, Put, count, percent, real, whole};
use std::time::Instant;
use sysinfo::System;

/// What the first line of `/proc/stat` counts, in its order. Each is a time in ticks of
/// 1/100 second, summed over all processors.
const TIMES: [&str; 7] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq"];

#[derive(Debug)]
pub(super) struct Processors {
    machine: Machine,
    /// Absent where the system says nothing of its processors.
    system: Option<System>,
    has_looked: bool,
    each: bool,
    rates: Rates,
}

impl Processors {
    pub(super) fn new(machine: &Machine, settings: &Cpu) -> Self {
        Self {
            machine: machine.clone(),
            system: System::new().ok(),
            has_looked: false,
            each: settings.per_cpu,
            rates: Rates::default(),
        }
    }

    fn usage(&mut self, put: &mut Put<'_>) {
        let Some(system) = &mut self.system else { return };
        system.refresh_cpu_usage();
        system.refresh_cpu_frequency();
        let clock = system.cpus().first().map_or(0, sysinfo::Cpu::frequency);
        if clock > 0 {
            put("cpu.freq_khz", whole(clock.saturating_mul(1000)));
        }
        // Usage is over the time since the look before.
        if !core::mem::replace(&mut self.has_looked, true) {
            return;
        }
        put("cpu.busy_pct", percent(f64::from(system.global_cpu_usage()) / 100.0));
        if self.each {
            for (number, cpu) in system.cpus().iter().enumerate() {
                let name = format!("cpu.{number}.busy_pct");
                put(&name, percent(f64::from(cpu.usage()) / 100.0));
            }
        }
    }

    fn times(&mut self, now: Instant, put: &mut Put<'_>) {
        let Some(stat) = self.machine.read("proc/stat") else { return };
        let all = stat.lines().find_map(|line| line.strip_prefix("cpu "));
        let ticks = all.into_iter().flat_map(str::split_whitespace);
        for (name, ticks) in TIMES.iter().zip(ticks.map_while(|ticks| ticks.parse().ok())) {
            put(&format!("cpu.{name}"), count(ticks));
        }
        let switches = stat.lines().find_map(|line| line.strip_prefix("ctxt "));
        if let Some(switches) = switches.and_then(|switches| switches.trim().parse().ok())
            && let Some(rate) = self.rates.per_second("ctxt", now, switches)
        {
            put("sys.context_switches_per_sec", real(rate.round()));
        }
    }
}

impl Measure for Processors {
    fn measure(&mut self, now: Instant, put: &mut Put<'_>) {
        self.usage(put);
        self.times(now, put);
        if let Ok(seconds) = System::uptime() {
            put("sys.uptime_sec", whole(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use nanotdb_core::Value;

    #[test]
    fn times_are_those_of_the_first_line() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("proc")).unwrap();
        let stat = "cpu  11 12 13 14 15 16 17 18 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nctxt 1000\n";
        std::fs::write(directory.path().join("proc/stat"), stat).unwrap();
        let mut processors = Processors::new(
            &Machine::at(directory.path()),
            &Cpu { per_cpu: false, ..Cpu::default() },
        );
        let start = Instant::now();
        let mut found = Vec::new();
        processors.times(start, &mut |name, value| found.push((name.to_owned(), value)));
        let expected = [11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0];
        let expected: Vec<(String, Value)> = TIMES
            .iter()
            .zip(expected)
            .map(|(name, ticks)| (format!("cpu.{name}"), Value::F32(ticks)))
            .collect();
        assert_eq!(found, expected);
        std::fs::write(directory.path().join("proc/stat"), "cpu 1 x\nctxt 3000\n").unwrap();
        found.clear();
        let later = start + Duration::from_secs(10);
        processors.times(later, &mut |name, value| found.push((name.to_owned(), value)));
        assert_eq!(
            found,
            [
                ("cpu.user".to_owned(), Value::F32(1.0)),
                ("sys.context_switches_per_sec".to_owned(), Value::F32(200.0))
            ]
        );
    }
}
