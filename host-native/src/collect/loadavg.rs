//! `sys.load*` and `sys.procs_*`: how many processes run or wait.

use super::machine::Machine;
use super::{Measure, Put, real, whole};
use std::time::Instant;
use sysinfo::System;

#[derive(Debug)]
pub(super) struct Load {
    machine: Machine,
}

impl Load {
    pub(super) fn new(machine: &Machine) -> Self {
        Self { machine: machine.clone() }
    }
}

impl Measure for Load {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        // Windows has no load.
        if let Ok(load) = System::load_average()
            && cfg!(unix)
        {
            put("sys.load1", real(load.one));
            put("sys.load5", real(load.five));
            put("sys.load15", real(load.fifteen));
        }
        if let Some((running, total)) = processes(&self.machine) {
            put("sys.procs_running", whole(running));
            put("sys.procs_total", whole(total));
        }
    }
}

/// Runnable and all, from the fourth field of `/proc/loadavg`. The kernel counts threads.
fn processes(machine: &Machine) -> Option<(u64, u64)> {
    let text = machine.read("proc/loadavg")?;
    let (running, total) = text.split_whitespace().nth(3)?.split_once('/')?;
    Some((running.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_the_fourth_field() {
        let directory = tempfile::tempdir().unwrap();
        let machine = Machine::at(directory.path());
        assert_eq!(processes(&machine), None);
        std::fs::create_dir(directory.path().join("proc")).unwrap();
        let file = directory.path().join("proc/loadavg");
        std::fs::write(&file, "3.63 2.48 2.16 6/122 8155\n").unwrap();
        assert_eq!(processes(&machine), Some((6, 122)));
        std::fs::write(&file, "3.63 2.48 2.16 6\n").unwrap();
        assert_eq!(processes(&machine), None);
    }
}
