//! `net.<interface>.*`: what went over network interfaces.

use super::machine::{Machine, number};
use super::rate::Rates;
use super::settings::{SettingsError, Skipping, Skips};
use super::{Measure, Put, count, part, real};
use std::time::Instant;
use sysinfo::{NetworkData, Networks};

#[derive(Debug)]
pub(super) struct Interfaces {
    machine: Machine,
    networks: Option<Networks>,
    skips: Skips,
    rates: Rates,
}

impl Interfaces {
    pub(super) fn new(machine: &Machine, settings: &Skipping) -> Result<Self, SettingsError> {
        Ok(Self {
            machine: machine.clone(),
            networks: Networks::new().ok(),
            skips: Skips::new("collectors.network.skip", &settings.skip)?,
            rates: Rates::default(),
        })
    }
}

impl Measure for Interfaces {
    fn measure(&mut self, now: Instant, put: &mut Put<'_>) {
        let Some(networks) = &mut self.networks else { return };
        networks.refresh(true);
        let mut interfaces: Vec<(String, &NetworkData)> = networks
            .iter()
            .map(|(name, data)| (name.to_string_lossy().into_owned(), data))
            .filter(|(name, _)| !self.skips.covers(name))
            .collect();
        interfaces.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (interface, data) in interfaces {
            let name = format!("net.{}", part(&interface));
            for (counter, total) in totals(data) {
                put(&format!("{name}.{counter}"), count(total));
            }
            for counter in ["rx_dropped", "tx_dropped"] {
                if let Some(total) = dropped(&self.machine, &interface, counter) {
                    let metric = format!("{name}.{}", counter.trim_end_matches("ped"));
                    put(&metric, count(total));
                }
            }
            let both = [("rx", data.total_received()), ("tx", data.total_transmitted())];
            for (direction, total) in both {
                let metric = format!("{name}.{direction}_bytes_per_sec");
                if let Some(rate) = self.rates.per_second(&metric, now, total) {
                    put(&metric, real(rate.round()));
                }
            }
        }
    }
}

fn totals(data: &NetworkData) -> [(&'static str, u64); 6] {
    [
        ("rx_bytes", data.total_received()),
        ("rx_packets", data.total_packets_received()),
        ("rx_errors", data.total_errors_on_received()),
        ("tx_bytes", data.total_transmitted()),
        ("tx_packets", data.total_packets_transmitted()),
        ("tx_errors", data.total_errors_on_transmitted()),
    ]
}

/// Packets that the kernel did not pass on. Only Linux tells.
fn dropped(machine: &Machine, interface: &str, counter: &str) -> Option<u64> {
    if interface.contains('/') {
        return None;
    }
    let path = machine.path(&format!("sys/class/net/{interface}/statistics/{counter}"));
    u64::try_from(number(&path)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_is_silent_and_drops_come_from_files() {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine::at(directory.path());
        let statistics = directory.path().join("sys/class/net/eth0/statistics");
        std::fs::create_dir_all(&statistics).unwrap();
        std::fs::write(statistics.join("rx_dropped"), "17\n").unwrap();
        assert_eq!(dropped(&machine, "eth0", "rx_dropped"), Some(17));
        assert_eq!(dropped(&machine, "eth0", "tx_dropped"), None);
        assert_eq!(dropped(&machine, "../eth0", "rx_dropped"), None);

        let all = Skipping { enabled: true, skip: vec!["*".to_owned()] };
        let mut none = Interfaces::new(&machine, &all).unwrap();
        none.measure(Instant::now(), &mut |name, _| panic!("{name}"));
    }
}
