//! `proc.<name>.*`: programs that the settings name, all their processes together.

use super::settings::Process;
use super::{Measure, Put, count, part, percent, whole};
use std::ffi::OsStr;
use std::path::Path;
use std::time::Instant;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Bytes of a program's name that Linux keeps.
const SHORT_NAME: usize = 15;

#[derive(Debug)]
pub(super) struct Processes {
    system: Option<System>,
    names: Vec<String>,
    has_looked: bool,
}

impl Processes {
    pub(super) fn new(settings: &Process) -> Self {
        let names = settings.exe_names.clone();
        Self { system: System::new().ok(), names, has_looked: false }
    }
}

impl Measure for Processes {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        let Some(system) = &mut self.system else { return };
        let wanted = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .with_exe(UpdateKind::OnlyIfNotSet)
            .without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted);
        let has_looked = core::mem::replace(&mut self.has_looked, true);
        for name in &self.names {
            let (mut number, mut bytes, mut usage) = (0, 0, 0.0);
            for process in system.processes().values() {
                if is_called(process.exe(), process.name(), name) {
                    number += 1;
                    bytes += process.memory();
                    usage += f64::from(process.cpu_usage());
                }
            }
            let name = part(name);
            put(&format!("proc.{name}.count"), whole(number));
            put(&format!("proc.{name}.rss_bytes"), count(bytes));
            // Usage is over the time since the look before.
            if has_looked {
                put(&format!("proc.{name}.cpu_pct"), percent(usage / 100.0));
            }
        }
    }
}

/// Whether a process runs the program of this name. Whose executable may not be read is known by
/// its name alone, of which Linux keeps the beginning.
fn is_called(executable: Option<&Path>, process: &OsStr, name: &str) -> bool {
    match executable.and_then(Path::file_name) {
        Some(file) => file == name,
        None => {
            let known = process.as_encoded_bytes();
            known == name.as_bytes()
                || (known.len() == SHORT_NAME && name.as_bytes().starts_with(known))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_file_else_by_their_name() {
        let file = Path::new("/usr/bin/nanotdb");
        assert!(is_called(Some(file), OsStr::new("renamed"), "nanotdb"));
        assert!(!is_called(Some(file), OsStr::new("other"), "other"));
        assert!(is_called(None, OsStr::new("nanotdb"), "nanotdb"));
        assert!(is_called(None, OsStr::new("victoria-metric"), "victoria-metrics"));
        assert!(!is_called(None, OsStr::new("nano"), "nanotdb"));
    }

    #[test]
    fn this_test_is_found_and_what_does_not_run_is_counted_as_none() {
        let own = std::env::current_exe().unwrap();
        let own = own.file_name().unwrap().to_str().unwrap().to_owned();
        let exe_names = vec![own.clone(), "no program is called so".to_owned()];
        let mut processes = Processes::new(&Process { enabled: true, exe_names });
        let mut found = Vec::new();
        processes.measure(Instant::now(), &mut |name, value| found.push((name.to_owned(), value)));
        let value = |name: &str| found.iter().find(|(found, _)| found == name).unwrap().1.as_f64();
        assert!(value(&format!("proc.{}.count", part(&own))) >= 1.0);
        assert!(value(&format!("proc.{}.rss_bytes", part(&own))) > 0.0);
        assert!(value("proc.no_program_is_called_so.count") < 0.5);
        assert!(!found.iter().any(|(name, _)| name.ends_with("cpu_pct")), "{found:?}");
    }
}
