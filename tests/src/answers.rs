//! What a database of ours answers, in the shapes that tests compare.

use crate::independent::{Db, Problem};
use nanotdb::engine::ExportOptions;
use nanotdb::{Database, OpenOptions, Result, Store, TimeRange, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};
use tempfile::TempDir;

/// The samples of each metric: times and raw values, by time.
pub type Streams = BTreeMap<String, Vec<(i64, u32)>>;

/// Opens a store that does nothing on its own, so that a test sees what it caused.
///
/// # Panics
///
/// When it does not open.
pub fn open(root: &Path) -> Store {
    OpenOptions::default()
        .background(false)
        .open(root)
        .unwrap_or_else(|e| panic!("{}: {e}", root.display()))
}

/// Opens a store for reading only.
///
/// # Panics
///
/// When it does not open.
pub fn open_read_only(root: &Path) -> Store {
    OpenOptions::read_only().open(root).unwrap_or_else(|e| panic!("{}: {e}", root.display()))
}

/// The export of a database.
pub fn export(database: &Database, integer_suffix: bool) -> Result<String> {
    let options = ExportOptions { range: TimeRange::ALL, integer_suffix };
    let mut text = Vec::new();
    database.export(options, |bytes| {
        text.extend_from_slice(bytes);
        Ok(())
    })?;
    Ok(String::from_utf8(text).expect("exports are UTF-8"))
}

/// Every metric's samples, by range queries. Metrics without samples are left out, as in
/// [`streams_on_disk`].
pub fn streams(database: &Database) -> Result<Streams> {
    let mut streams = Streams::new();
    for metric in database.metrics() {
        let series = database.range(&metric.name, Timestamp::MIN, Timestamp::MAX)?;
        if !series.is_empty() {
            streams.insert(metric.name, series.times.into_iter().zip(series.raws).collect());
        }
    }
    Ok(streams)
}

/// Every metric's samples as the second decoder finds them.
pub fn streams_on_disk(db: &Db) -> std::result::Result<Streams, Problem> {
    let raw = |(name, points): (String, Vec<_>)| {
        let points = points.into_iter();
        (name, points.map(|(time, value): (i64, crate::independent::Number)| (time, value.raw())))
    };
    let streams = db.streams()?.into_iter().map(raw);
    Ok(streams.map(|(name, points)| (name, points.collect())).collect())
}

/// All files below a directory by their path in it, but for the lock file of the store.
pub fn tree(root: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    collect(root, "", &mut files)?;
    files.remove(nanotdb::storage::RootLock::FILE_NAME);
    Ok(files)
}

fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// A copy of a root as the end of the process would leave it, without the lock.
///
/// # Panics
///
/// When files cannot be read or written.
pub fn killed(root: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a temporary directory");
    for (path, bytes) in tree(root).expect("a readable root") {
        let path = copy.path().join(path);
        fs::create_dir_all(path.parent().expect("files are in the root")).expect("a directory");
        fs::write(path, bytes).expect("a writable directory");
    }
    copy
}

/// A new root with one database for each manifest.
///
/// # Panics
///
/// When files cannot be written.
pub fn root_with(engine: &str, manifests: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    if !engine.is_empty() {
        fs::write(root.path().join("engine.toml"), engine).expect("a writable directory");
    }
    for (database, manifest) in manifests {
        let dir = root.path().join(database);
        fs::create_dir(&dir).expect("a writable directory");
        fs::write(dir.join("manifest.toml"), manifest).expect("a writable directory");
    }
    root
}
