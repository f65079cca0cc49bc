//! How long a small file takes to reach the disk. A memory card that wears out gets slow first.

use super::settings::SdWriteProbe;
use super::{Measure, Put, real};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug)]
pub(super) struct WriteProbe {
    settings: SdWriteProbe,
    /// Looks until the next write.
    left: u32,
    /// What the newest write took, in milliseconds.
    newest: Option<f64>,
}

impl WriteProbe {
    pub(super) fn new(settings: &SdWriteProbe) -> Self {
        Self { settings: settings.clone(), left: 0, newest: None }
    }

    /// A name that nobody else has: what is there already is never opened, so that a link that
    /// somebody put into a shared directory leads nowhere.
    fn path(&self) -> PathBuf {
        let own = std::process::id();
        self.settings.directory.join(format!(".nanotdb-write-probe-{own}"))
    }
}

impl Measure for WriteProbe {
    fn measure(&mut self, _: Instant, put: &mut Put<'_>) {
        if self.left == 0 {
            self.left = self.settings.every_n_cycles.max(1);
            // A disk that cannot be written has no newest value.
            self.newest = write(&self.path(), self.settings.bytes).ok();
        }
        self.left -= 1;
        if let Some(millis) = self.newest {
            put(&self.settings.metric, real((millis * 100.0).round() / 100.0));
        }
    }
}

/// Milliseconds until a new file of so many bytes was on the disk.
fn write(path: &Path, bytes: u32) -> io::Result<f64> {
    let bytes = vec![0xA5; usize::try_from(bytes).unwrap_or(0)];
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let started = Instant::now();
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    let took = started.elapsed();
    fs::remove_file(path)?;
    written.map(|()| took.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(probe: &mut WriteProbe) -> Vec<(String, f64)> {
        let mut found = Vec::new();
        probe.measure(Instant::now(), &mut |name, value| {
            found.push((name.to_owned(), value.as_f64()));
        });
        found
    }

    #[test]
    fn a_write_is_timed_now_and_then_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let settings = SdWriteProbe {
            directory: directory.path().to_owned(),
            every_n_cycles: 2,
            ..SdWriteProbe::default()
        };
        let mut probe = WriteProbe::new(&settings);
        let first = measured(&mut probe);
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].0, "disk.sd_write_probe_ms");
        assert!(first[0].1 >= 0.0);
        assert_eq!(measured(&mut probe), first, "the newest value is repeated");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        fs::remove_dir(directory.path()).unwrap();
        assert_eq!(measured(&mut probe), [], "a disk that cannot be written");
    }

    #[test]
    fn what_is_there_already_is_never_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("there");
        fs::write(&path, "precious").unwrap();
        assert!(write(&path, 8).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
