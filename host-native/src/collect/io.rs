//! `io.*`: paging since the start of the machine. Linux only.

use super::machine::Machine;
use super::{Measure, Put, count};
use std::time::Instant;

/// Fields of `/proc/vmstat`: KiB read from and written to disks, pages swapped in and out.
const FIELDS: [&str; 4] = ["pgpgin", "pgpgout", "pswpin", "pswpout"];

#[derive(Debug)]
pub(super) struct Paging {
    machine: Machine,
}

impl Paging {
    pub(super) fn new(machine: &Machine) -> Self {
        Self { machine: machine.clone() }
    }
}

impl Measure for Paging {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        let Some(text) = self.machine.read("proc/vmstat") else { return };
        for line in text.lines() {
            let Some((field, number)) = line.split_once(' ') else { continue };
            if FIELDS.contains(&field)
                && let Ok(number) = number.trim().parse()
            {
                put(&format!("io.{field}"), count(number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanotdb_core::Value;

    #[test]
    fn four_fields_are_picked() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("proc")).unwrap();
        let text = "nr_free 9\npgpgin 12\npgpgout 34\npswpin x\npswpout 0\npgpginner 1\n";
        std::fs::write(directory.path().join("proc/vmstat"), text).unwrap();
        let mut found = Vec::new();
        Paging::new(&Machine::at(directory.path()))
            .measure(Instant::now(), &mut |name, value| found.push((name.to_owned(), value)));
        let expected = [("io.pgpgin", 12.0), ("io.pgpgout", 34.0), ("io.pswpout", 0.0)];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), Value::F32(value))));
    }
}
