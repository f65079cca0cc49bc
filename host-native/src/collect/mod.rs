//! This machine's own metrics: what `nanotdb collect` records.
//!
//! A [`Collector`] is made of [`Settings`] and answers with [`Reading`]s. Each group of metrics is
//! one small file behind one trait; a group that finds nothing on this machine is silent. A
//! [`Recorder`] writes into a store from a thread of its own; a `Courier` sends to a server, and
//! keeps what the server could not take.
//!
//! Names and units are listed in `docs/COLLECT.md`. They are those of the reference's collector
//! where it has such a metric, so its dashboards go on.
//!
//! ```
//! use nanotdb::collect::{Collector, Settings};
//! use std::time::Instant;
//!
//! let mut collector = Collector::new(&Settings::default())?;
//! for reading in collector.collect(Instant::now()) {
//!     println!("{} {:?}", reading.metric, reading.value);
//! }
//! # Ok::<(), nanotdb::collect::SettingsError>(())
//! ```

#[cfg(feature = "collect")]
mod courier;
mod cpu;
mod disk;
mod filesystem;
mod io;
mod loadavg;
mod machine;
mod memory;
mod network;
mod onewire;
mod process;
mod queue;
mod rate;
mod recorder;
mod refusals;
mod sd_write_probe;
mod settings;
mod temperature;

#[cfg(feature = "collect")]
pub use courier::{Courier, Delivery, Server};
pub use queue::Queue;
pub use recorder::{Recorder, Recording, record};
pub use refusals::{LookTimes, Refusals};
pub use settings::{
    Collectors, Cpu, Disk, OneWire, Process, SdWriteProbe, Settings, SettingsError, Skipping,
    Switch,
};

use core::fmt;
use machine::Machine;
use nanotdb_core::text::line::format_line;
use nanotdb_core::{Timestamp, Value};
use std::time::Instant;

/// What one metric says now.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The metric's name.
    pub metric: String,
    /// Its value. A metric has values of one type always.
    pub value: Value,
}

/// Takes the readings of one look.
type Put<'p> = dyn FnMut(&str, Value) + 'p;

/// One group of metrics.
trait Measure: fmt::Debug + Send {
    /// Puts what can be read now. What cannot be read, or is not there, is left out.
    fn measure(&mut self, now: Instant, put: &mut Put<'_>);
}

/// Looks at this machine, again and again.
#[derive(Debug)]
pub struct Collector {
    groups: Vec<Box<dyn Measure>>,
}

impl Collector {
    /// A collector of the groups that the settings switch on.
    ///
    /// # Errors
    ///
    /// When a pattern of the settings is none.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::on(&Machine::this(), settings)
    }

    fn on(machine: &Machine, settings: &Settings) -> Result<Self, SettingsError> {
        let on = &settings.collectors;
        let mut groups: Vec<Box<dyn Measure>> = Vec::new();
        if on.cpu.enabled {
            groups.push(Box::new(cpu::Processors::new(machine, &on.cpu)));
            groups.push(Box::new(temperature::Temperature::new(machine, &on.cpu)));
        }
        if on.memory.enabled {
            groups.push(Box::new(memory::Memory::new(machine)));
        }
        if on.process.enabled && !on.process.exe_names.is_empty() {
            groups.push(Box::new(process::Processes::new(&on.process)));
        }
        if on.disk.enabled {
            groups.push(Box::new(disk::BlockDevices::new(machine, &on.disk)?));
            groups.push(Box::new(filesystem::FileSystems::new(&on.disk)?));
        }
        if on.io.enabled {
            groups.push(Box::new(io::Paging::new(machine)));
        }
        if on.sd_write_probe.enabled {
            groups.push(Box::new(sd_write_probe::WriteProbe::new(&on.sd_write_probe)));
        }
        if on.network.enabled {
            groups.push(Box::new(network::Interfaces::new(machine, &on.network)?));
        }
        if on.loadavg.enabled {
            groups.push(Box::new(loadavg::Load::new(machine)));
        }
        if on.onewire.enabled {
            groups.push(Box::new(onewire::Thermometers::new(&on.onewire)));
        }
        Ok(Self { groups })
    }

    /// What every group says now, in the order of the groups. Rates are over the time since the
    /// look before, so the first look has none.
    pub fn collect(&mut self, now: Instant) -> Vec<Reading> {
        let mut readings: Vec<Reading> = Vec::new();
        for group in &mut self.groups {
            group.measure(now, &mut |metric, value| {
                readings.push(Reading { metric: metric.to_owned(), value });
            });
        }
        readings
    }
}

/// The readings as lines of line protocol, all with one time.
pub fn lines(database: &str, time: Timestamp, readings: &[Reading]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(readings.len() * 64);
    for Reading { metric, value } in readings {
        format_line(&mut lines, database, metric, *value, time);
        lines.push(b'\n');
    }
    lines
}

/// The time to whole milliseconds: more than the system's counters resolve, and cheaper to keep.
pub const fn whole_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp(time.0 - time.0.rem_euclid(1_000_000))
}

/// A whole number that fits an integer metric; what does not fit is the largest that does.
fn whole(number: u64) -> Value {
    Value::I32(i32::try_from(number).unwrap_or(i32::MAX))
}

/// A number of any size, to 24 bits.
#[expect(clippy::cast_possible_truncation, reason = "a float metric has 24 bits")]
fn real(number: f64) -> Value {
    Value::F32(number as f32)
}

/// A count of any size, to 24 bits.
#[expect(clippy::cast_precision_loss, reason = "a float metric has 24 bits")]
fn count(number: u64) -> Value {
    Value::F32(number as f32)
}

/// A share in percent, to two decimals: more is noise, and costs space on disk.
fn percent(share: f64) -> Value {
    real((share * 10_000.0).round() / 100.0)
}

/// The text as one part of a metric's name: a dot would begin another.
fn part(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let part: String = text.chars().map(|c| if kept(c) { c } else { '_' }).take(100).collect();
    if part.is_empty() { "_".to_owned() } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn this_machine_has_names_that_a_store_takes_each_once() {
        let mut collector = Collector::new(&Settings::default()).unwrap();
        let first = collector.collect(Instant::now());
        std::thread::sleep(core::time::Duration::from_millis(250));
        let second = collector.collect(Instant::now());
        assert!(second.len() >= first.len(), "{} then {}", first.len(), second.len());
        let names: BTreeSet<&str> = second.iter().map(|reading| &*reading.metric).collect();
        assert_eq!(names.len(), second.len(), "a name twice: {second:?}");
        for name in &names {
            nanotdb_core::name::check_metric_name(name).unwrap();
        }
        assert!(names.contains("mem.total"), "{names:?}");
        assert!(names.contains("cpu.busy_pct"), "{names:?}");
        for reading in &second {
            assert!(reading.value.as_f64().is_finite(), "{reading:?}");
            let before = first.iter().find(|before| before.metric == reading.metric);
            if let Some(before) = before {
                assert_eq!(before.value.value_type(), reading.value.value_type(), "{reading:?}");
            }
        }
    }

    #[test]
    fn groups_that_are_off_are_silent() {
        let settings: Settings = "[collectors.cpu]\nenabled = false\n[collectors.memory]\n\
            enabled = false\n[collectors.disk]\nenabled = false\n[collectors.io]\nenabled = false\n\
            [collectors.network]\nenabled = false\n[collectors.loadavg]\nenabled = false\n"
            .parse()
            .unwrap();
        assert_eq!(Collector::new(&settings).unwrap().collect(Instant::now()), []);
    }

    #[test]
    fn a_machine_without_files_is_no_failure() {
        let empty = tempfile::tempdir().unwrap();
        let machine = Machine::at(empty.path());
        let mut collector = Collector::on(&machine, &Settings::default()).unwrap();
        collector.collect(Instant::now());
    }

    #[test]
    fn readings_become_lines() {
        let readings = [
            Reading { metric: "sys.procs_total".into(), value: Value::I32(7) },
            Reading { metric: "sys.load1".into(), value: Value::F32(0.25) },
        ];
        assert_eq!(
            String::from_utf8(lines("home", Timestamp(1), &readings)).unwrap(),
            "home/sys.procs_total 7i 1970-01-01 00:00:00.000000001\n\
             home/sys.load1 0.25 1970-01-01 00:00:00.000000001\n"
        );
    }

    #[test]
    fn times_are_cut_to_milliseconds() {
        assert_eq!(whole_milliseconds(Timestamp(1_999_999)), Timestamp(1_000_000));
        assert_eq!(whole_milliseconds(Timestamp(-1)), Timestamp(-1_000_000));
    }

    #[test]
    fn parts_of_names_have_no_blanks_and_no_dots() {
        assert_eq!(part("eth0.100"), "eth0_100");
        assert_eq!(part("my disk/ü"), "my_disk__");
        assert_eq!(part(""), "_");
    }
}
