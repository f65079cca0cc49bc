//! The files of the data directory.

use crate::Engine;
use crate::server::answer::Failure;
use crate::server::dashboard::BACKUPS;
use crate::storage::FsStorage;
use nanotdb_core::Error;
use nanotdb_core::name::DatabaseName;
use nanotdb_core::settings::SETTINGS_FILE;
use nanotdb_core::storage::FileName;

/// A file and its length in bytes.
#[derive(Debug)]
pub(super) struct Listed {
    /// Its directory; empty for the root.
    pub(super) directory: String,
    pub(super) name: FileName,
    pub(super) bytes: u64,
}

impl Listed {
    /// Its path below the root.
    pub(super) fn path(&self) -> String {
        path(&self.directory, &self.name)
    }
}

/// A path below the root.
pub(super) fn path(directory: &str, name: &FileName) -> String {
    if directory.is_empty() { name.to_string() } else { format!("{directory}/{name}") }
}

/// Whether a file of the root directory is shown: the settings and dashboards. What else is there
/// is not the store's, and may be nobody's business: the token, say.
pub(super) fn is_shown(name: &str) -> bool {
    name == SETTINGS_FILE || is_json(name)
}

/// Whether a file is one of those that belong to pages.
pub(super) fn is_json(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(base, end)| !base.is_empty() && end == "json")
}

/// All files of the store, by directory and name.
pub(super) fn all(engine: &Engine) -> Result<Vec<Listed>, Failure> {
    let databases = engine.databases()?;
    let mut directories = vec![String::new(), BACKUPS.to_owned()];
    directories.extend(databases.iter().cloned());
    directories.sort();
    let mut files = Vec::new();
    for own in directories {
        let Some(storage) = existing(engine, &own, &databases)? else { continue };
        let shown = |(name, _): &(FileName, u64)| !own.is_empty() || is_shown(name.as_str());
        let found = storage.sizes().map_err(Error::from)?.into_iter().filter(shown);
        files.extend(found.map(|(name, bytes)| Listed { directory: own.clone(), name, bytes }));
    }
    Ok(files)
}

/// A directory of the store: the root, a database, or the earlier dashboards.
pub(super) fn directory(engine: &Engine, name: &str) -> Result<FsStorage, Failure> {
    let missing = || Failure::not_found(format_args!("{name}: no such directory"));
    existing(engine, name, &engine.databases()?)?.ok_or_else(missing)
}

fn existing(
    engine: &Engine,
    name: &str,
    databases: &[String],
) -> Result<Option<FsStorage>, Failure> {
    let root = engine.host().root_directory();
    if name.is_empty() {
        return Ok(Some(root.storage().map_err(Error::from)?));
    }
    DatabaseName::existing(name).map_err(Error::from)?;
    if name == BACKUPS {
        let path = root.path().join(BACKUPS);
        return if path.is_dir() { open(path) } else { Ok(None) };
    }
    if databases.iter().any(|database| database == name) {
        return Ok(Some(root.database(name).map_err(Error::from)?));
    }
    Ok(None)
}

fn open(path: std::path::PathBuf) -> Result<Option<FsStorage>, Failure> {
    Ok(Some(FsStorage::open(path).map_err(Error::from)?))
}
