//! The processor's temperature, in thousandths of a degree Celsius.

use super::machine::{Machine, number};
use super::settings::Cpu;
use super::{Measure, Put};
use nanotdb_core::Value;
use std::path::PathBuf;
use std::time::Instant;

/// Parts of a zone's type that say that it is the processor's.
const OF_PROCESSORS: [&str; 4] = ["cpu", "x86_pkg", "soc", "core"];

#[derive(Debug)]
pub(super) struct Temperature {
    path: Option<PathBuf>,
    metric: String,
}

impl Temperature {
    pub(super) fn new(machine: &Machine, settings: &Cpu) -> Self {
        let path = settings.temp_path.clone().or_else(|| find(machine));
        Self { path, metric: settings.temp_metric.clone() }
    }
}

/// The zone of the processor, else the first there is.
fn find(machine: &Machine) -> Option<PathBuf> {
    const ZONES: &str = "sys/class/thermal";
    let names = machine.list(ZONES);
    let zones: Vec<&String> =
        names.iter().filter(|name| name.starts_with("thermal_zone")).collect();
    let is_processors = |zone: &&&String| {
        let of = machine.read(&format!("{ZONES}/{zone}/type")).unwrap_or_default();
        let of = of.to_ascii_lowercase();
        OF_PROCESSORS.iter().any(|part| of.contains(part))
    };
    let zone = zones.iter().find(is_processors).or(zones.first())?;
    Some(machine.path(&format!("{ZONES}/{zone}/temp")))
}

impl Measure for Temperature {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        let read = self.path.as_deref().and_then(number);
        if let Some(millidegrees) = read.and_then(|read| i32::try_from(read).ok()) {
            put(&self.metric, Value::I32(millidegrees));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn measured(temperature: &mut Temperature) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        temperature
            .measure(Instant::now(), &mut |name, value| found.push((name.to_owned(), value)));
        found
    }

    #[test]
    fn the_processors_zone_is_preferred_and_a_path_overrides() {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine::at(directory.path());
        let mut none = Temperature::new(&machine, &Cpu::default());
        assert_eq!(measured(&mut none), []);
        for (zone, of, millidegrees) in [(0, "acpitz", "30000\n"), (1, "cpu-thermal", "48312\n")] {
            let zone = directory.path().join(format!("sys/class/thermal/thermal_zone{zone}"));
            fs::create_dir_all(&zone).unwrap();
            fs::write(zone.join("type"), of).unwrap();
            fs::write(zone.join("temp"), millidegrees).unwrap();
        }
        let mut found = Temperature::new(&machine, &Cpu::default());
        assert_eq!(measured(&mut found), [("cpu.temp_mdeg".to_owned(), Value::I32(48_312))]);
        let typed = Cpu {
            temp_path: Some(directory.path().join("sys/class/thermal/thermal_zone0/temp")),
            temp_metric: "temp.cpu".to_owned(),
            ..Cpu::default()
        };
        let mut typed = Temperature::new(&machine, &typed);
        assert_eq!(measured(&mut typed), [("temp.cpu".to_owned(), Value::I32(30_000))]);
    }
}
