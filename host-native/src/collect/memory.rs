//! `mem.*`: main memory and swap, in KiB.

use super::machine::Machine;
use super::{Measure, Put, whole};
use std::time::Instant;
use sysinfo::System;

/// What only Linux says, and the field of `/proc/meminfo` that says it.
const CACHES: [(&str, &str); 3] =
    [("mem.buffers", "Buffers"), ("mem.cached", "Cached"), ("mem.swapcached", "SwapCached")];

#[derive(Debug)]
pub(super) struct Memory {
    machine: Machine,
    system: Option<System>,
}

impl Memory {
    pub(super) fn new(machine: &Machine) -> Self {
        Self { machine: machine.clone(), system: System::new().ok() }
    }

    fn caches(&self, put: &mut Put<'_>) {
        let Some(text) = self.machine.read("proc/meminfo") else { return };
        for line in text.lines() {
            let Some((field, size)) = line.split_once(':') else { continue };
            let metric = CACHES.iter().find_map(|(metric, of)| (*of == field).then_some(*metric));
            let kibibytes = size.split_whitespace().next().and_then(|size| size.parse().ok());
            if let (Some(metric), Some(kibibytes)) = (metric, kibibytes) {
                put(metric, whole(kibibytes));
            }
        }
    }
}

impl Measure for Memory {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        if let Some(system) = &mut self.system {
            system.refresh_memory();
            put("mem.total", whole(system.total_memory() / 1024));
            put("mem.free", whole(system.free_memory() / 1024));
            put("mem.available", whole(system.available_memory() / 1024));
            put("mem.swaptotal", whole(system.total_swap() / 1024));
            put("mem.swapfree", whole(system.free_swap() / 1024));
        }
        self.caches(put);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanotdb_core::Value;

    #[test]
    fn caches_are_read_from_the_description() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("proc")).unwrap();
        let text = "MemTotal: 100 kB\nBuffers:   74084 kB\nCached: 4724324 kB\nbroken\n\
            SwapCached: none\n";
        std::fs::write(directory.path().join("proc/meminfo"), text).unwrap();
        let mut found = Vec::new();
        let memory = Memory::new(&Machine::at(directory.path()));
        memory.caches(&mut |name, value| found.push((name.to_owned(), value)));
        assert_eq!(
            found,
            [
                ("mem.buffers".to_owned(), Value::I32(74_084)),
                ("mem.cached".to_owned(), Value::I32(4_724_324))
            ]
        );
    }
}
