//! The dashboard's file and its predecessors.

use crate::replace_file::replace;
use crate::server::Settings;
use crate::server::answer::Failure;
use crate::storage::FsStorage;
use jiff::Timestamp;
use nanotdb_core::Error;
use nanotdb_core::storage::{FileName, Storage as _};
use std::io;
use std::path::{Path, PathBuf};

/// Directory, beside the file, of what it was before.
pub(in crate::server) const BACKUPS: &str = "dashboard_backups";

fn path(settings: &Settings) -> PathBuf {
    settings.root.join(&settings.web.dashboard_config)
}

/// The file as it is, if there is one.
pub(super) fn read(settings: &Settings) -> Result<Option<Vec<u8>>, Failure> {
    let path = path(settings);
    match std::fs::read(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::execution(format_args!("{}: {error}", path.display()))),
    }
}

/// Replaces the file, whole or not at all, and keeps what it was; the answer is where.
pub(super) fn save(settings: &Settings, text: &[u8]) -> Result<Option<String>, Failure> {
    let path = path(settings);
    let directory = path.parent().unwrap_or(&settings.root);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("dashboard");
    // Before the new one: with a full disk the old one must stay.
    let backup = match read(settings)? {
        Some(old) => Some(keep(directory, stem, &old, Timestamp::now())?),
        None => None,
    };
    std::fs::create_dir_all(directory)
        .and_then(|()| replace(&path, text))
        .map_err(|error| Failure::execution(format_args!("{}: {error}", path.display())))?;
    Ok(backup)
}

fn keep(directory: &Path, stem: &str, old: &[u8], now: Timestamp) -> Result<String, Failure> {
    let name = format!("{stem}.{}.json", stamp(now));
    put(&directory.join(BACKUPS), &name, old)?;
    Ok(format!("{BACKUPS}/{name}"))
}

/// `20260514T080000.123000000Z`, which sorts by time.
fn stamp(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%S.%9fZ").to_string()
}

fn put(directory: &Path, name: &str, text: &[u8]) -> Result<(), Failure> {
    let name = FileName::new(name).map_err(Error::from)?;
    let replaced = FsStorage::create(directory).and_then(|files| files.replace(&name, text));
    replaced.map_err(|error| Error::from(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_has_nine_digits_behind_the_second() {
        let stamped = |text: &str| stamp(text.parse().unwrap());
        assert_eq!(stamped("2026-05-14T08:00:00.123Z"), "20260514T080000.123000000Z");
        assert_eq!(stamped("2026-05-14T08:00:00Z"), "20260514T080000.000000000Z");
    }

    #[test]
    fn what_was_there_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let engine = nanotdb_core::settings::EngineSettings::default();
        let settings = Settings::of_root(root.path(), &engine).unwrap();
        assert_eq!(read(&settings).unwrap(), None);
        assert_eq!(save(&settings, b"one").unwrap(), None);
        let backup = save(&settings, b"two").unwrap().unwrap();
        assert!(backup.starts_with("dashboard_backups/dashboard.20"), "{backup}");
        assert_eq!(std::fs::read(root.path().join(backup)).unwrap(), b"one");
        assert_eq!(read(&settings).unwrap().unwrap(), b"two");
    }
}
