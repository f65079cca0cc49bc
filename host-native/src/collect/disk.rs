//! `disk.<device>.*`: what block devices did. Linux only.

use super::machine::Machine;
use super::rate::Rates;
use super::settings::{Disk, SettingsError, Skips};
use super::{Measure, Put, count, part, percent, real, whole};
use std::time::Instant;

/// What a line of `/proc/diskstats` counts after the device's name, in its order.
const COUNTERS: [&str; 11] = [
    "reads",
    "reads_merged",
    "read_sectors",
    "read_ms",
    "writes",
    "writes_merged",
    "write_sectors",
    "write_ms",
    "io_in_progress",
    "io_ms",
    "io_weighted_ms",
];

/// Sectors in a kilobyte of 1024 bytes; the kernel counts in 512 bytes whatever the device has.
const SECTORS_PER_KB: f64 = 2.0;

#[derive(Debug)]
pub(super) struct BlockDevices {
    machine: Machine,
    skips: Skips,
    rates: Rates,
}

impl BlockDevices {
    pub(super) fn new(machine: &Machine, settings: &Disk) -> Result<Self, SettingsError> {
        let skips = Skips::new("collectors.disk.skip", &settings.skip)?;
        Ok(Self { machine: machine.clone(), skips, rates: Rates::default() })
    }

    /// Whether hardware is behind the name: not a partition, nor a loop or memory device.
    fn is_hardware(&self, device: &str) -> bool {
        !device.contains('/') && self.machine.path(&format!("sys/block/{device}/device")).exists()
    }

    fn device(&mut self, device: &str, counters: &[u64], now: Instant, put: &mut Put<'_>) {
        let name = format!("disk.{}", part(device));
        for (counter, value) in COUNTERS.iter().zip(counters) {
            let metric = format!("{name}.{counter}");
            // How many requests wait is no total, and small.
            let value = if *counter == "io_in_progress" { whole(*value) } else { count(*value) };
            put(&metric, value);
        }
        let counter = |of: &str| {
            let at = COUNTERS.iter().position(|counter| *counter == of)?;
            counters.get(at).copied()
        };
        let rates = &mut self.rates;
        let mut rate = |of: &str, counted: Option<u64>| {
            rates.per_second(&format!("{name}.{of}"), now, counted?)
        };
        let requests =
            counter("reads").zip(counter("writes")).map(|(reads, writes)| reads + writes);
        if let Some(requests) = rate("iops", requests) {
            put(&format!("{name}.iops"), real(tenths(requests)));
        }
        if let Some(sectors) = rate("read_kbps", counter("read_sectors")) {
            put(&format!("{name}.read_kbps"), real(tenths(sectors / SECTORS_PER_KB)));
        }
        if let Some(sectors) = rate("write_kbps", counter("write_sectors")) {
            put(&format!("{name}.write_kbps"), real(tenths(sectors / SECTORS_PER_KB)));
        }
        if let Some(millis) = rate("busy_pct", counter("io_ms")) {
            put(&format!("{name}.busy_pct"), percent((millis / 1000.0).min(1.0)));
        }
    }
}

impl Measure for BlockDevices {
    fn measure(&mut self, now: Instant, put: &mut Put<'_>) {
        let Some(text) = self.machine.read("proc/diskstats") else { return };
        for line in text.lines() {
            // Two numbers of the device come first.
            let mut fields = line.split_whitespace().skip(2);
            let Some(device) = fields.next() else { continue };
            if self.skips.covers(device) || !self.is_hardware(device) {
                continue;
            }
            let counters: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
            self.device(device, &counters, now, put);
        }
    }
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use std::collections::BTreeMap;
    use std::fs;

    fn measured(devices: &mut BlockDevices, now: Instant) -> BTreeMap<String, f64> {
        let mut found = BTreeMap::new();
        devices.measure(now, &mut |name, value| {
            assert!(found.insert(name.to_owned(), value.as_f64()).is_none(), "{name} twice");
        });
        found
    }

    #[test]
    fn devices_are_those_with_hardware_and_rates_come_with_the_second_look() {
        let directory = tempfile::tempdir().unwrap();
        for device in ["mmcblk0", "sda"] {
            fs::create_dir_all(directory.path().join(format!("sys/block/{device}/device")))
                .unwrap();
        }
        fs::create_dir_all(directory.path().join("proc")).unwrap();
        let stats = directory.path().join("proc/diskstats");
        fs::write(
            &stats,
            "7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n\
             179 0 mmcblk0 10 1 100 5 20 2 200 6 3 1000 12 0 0\n\
             179 1 mmcblk0p1 10 1 100 5 20 2 200 6 3 7 12\n\
             8 0 sda 1 1 1 1 1 1 1 1 1 1 1\nshort\n",
        )
        .unwrap();
        let settings = Disk { skip: vec!["sd*".to_owned()], ..Disk::default() };
        let mut devices = BlockDevices::new(&Machine::at(directory.path()), &settings).unwrap();
        let start = Instant::now();
        let first = measured(&mut devices, start);
        assert_eq!(first.len(), COUNTERS.len(), "{first:?}");
        let is = |found: &BTreeMap<String, f64>, name: &str, expected: f64| {
            let difference = (found[name] - expected).abs();
            assert!(difference < 0.001, "{name}: {}, expected {expected}", found[name]);
        };
        is(&first, "disk.mmcblk0.reads", 10.0);
        is(&first, "disk.mmcblk0.io_in_progress", 3.0);
        is(&first, "disk.mmcblk0.io_weighted_ms", 12.0);
        fs::write(&stats, "179 0 mmcblk0 60 1 300 5 70 2 600 6 3 3500 12\n").unwrap();
        let second = measured(&mut devices, start + Duration::from_secs(10));
        is(&second, "disk.mmcblk0.iops", 10.0);
        is(&second, "disk.mmcblk0.read_kbps", 10.0);
        is(&second, "disk.mmcblk0.write_kbps", 20.0);
        is(&second, "disk.mmcblk0.busy_pct", 25.0);
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        let settings = Disk { skip: vec!["[".to_owned()], ..Disk::default() };
        let refused = BlockDevices::new(&Machine::this(), &settings).unwrap_err().to_string();
        assert!(refused.contains("collectors.disk.skip") && refused.contains("\"[\""), "{refused}");
    }
}
