//! Taking a whole data directory in.
//!
//! Files are staged under numbers and get their names when all of them are there, so that an
//! import that is given up, or cut short by the end of the tab, leaves nothing behind.

use super::view::{RootReport, object};
use super::{Answer, Session};
use crate::error::{thrown, with_code};
use crate::host::WebHost;
use crate::root::{AnyFile, Root, STAGING};
use nanotdb_core::engine::{Engine, shows_database};
use nanotdb_core::error::Error;
use nanotdb_core::name::DatabaseName;
use nanotdb_core::settings::INTERNAL;
use nanotdb_core::sorted::{SortedMap, SortedSet};
use nanotdb_core::storage::{FileName, Storage, StorageFile};
use std::fmt;
use wasm_bindgen::prelude::*;

/// Directory of a root that has earlier dashboards, and is no database.
const BACKUPS: &str = "dashboard_backups";

#[wasm_bindgen]
impl Session {
    /// Begins to take a data directory in.
    ///
    /// # Errors
    ///
    /// `closed`, or whatever the platform reports.
    #[wasm_bindgen(js_name = beginImport)]
    pub fn begin_import(&self) -> Answer<RootImport> {
        self.engine()?;
        if let Root::Node(root) = &self.root {
            root.make_directory(STAGING).map_err(thrown)?;
        }
        self.root.remove_directory(STAGING).map_err(thrown)?;
        Ok(RootImport {
            root: self.root.clone(),
            staged: Vec::new(),
            current: None,
            bytes: 0,
            problems: Vec::new(),
        })
    }

    /// Ends an import: the staged files get their names, and the store is opened with them.
    ///
    /// # Errors
    ///
    /// `invalid` when they are no data directory, `exists` when a database exists and nothing is
    /// to be replaced: then nothing has changed. Whatever the platform reports.
    #[wasm_bindgen(js_name = finishImport)]
    pub fn finish_import(&self, mut import: RootImport, replace: bool) -> Answer<JsValue> {
        import.current = None;
        let finished = self.take_over(&mut import, replace);
        if finished.is_err() {
            import.discard();
        }
        finished
    }

    fn take_over(&self, import: &mut RootImport, replace: bool) -> Answer<JsValue> {
        let places = import.places();
        let databases: SortedSet<String> = databases(places.values());
        if databases.is_empty() {
            let detail = "no NanoTDB data directory: nothing in it is a database, \
                          a directory with a manifest, a catalog, a log or raw data";
            return Err(with_code("invalid", detail));
        }
        let present = self.engine()?.databases().map_err(thrown)?;
        let is_empty = present.iter().all(|name| name == INTERNAL);
        if !replace
            && !is_empty
            && let Some(twice) = present.iter().find(|name| databases.contains(*name))
        {
            let detail = format!("database {twice} exists already");
            return Err(with_code("exists", &detail));
        }
        // From here on, files change under the engine.
        let mut problems = core::mem::take(&mut import.problems);
        if let Err(errors) = self.close_engine() {
            problems.extend(errors.iter().map(ToString::to_string));
        }
        let swapped = self.swap(places, replace || is_empty, &present);
        let reopened = self.open_engine().map_err(thrown);
        swapped.and(reopened)?;
        let engine = self.engine()?;
        for database in &databases {
            problems.extend(notes(&engine, database));
        }
        self.root.flush().map_err(thrown)?;
        object(&RootReport {
            databases: databases.into_iter().collect(),
            files: import.staged.len().into(),
            bytes: import.bytes.into(),
            problems,
        })
    }

    /// Removes what is replaced, and gives the staged files their names.
    fn swap(
        &self,
        places: SortedMap<FileName, (String, FileName)>,
        replace: bool,
        present: &[String],
    ) -> Answer<()> {
        let root = self.root.directory("");
        if replace {
            for directory in self.root.directories().map_err(thrown)? {
                if directory == BACKUPS || present.contains(&directory) {
                    self.root.remove_directory(&directory).map_err(thrown)?;
                }
            }
        }
        let mut moves = Vec::new();
        for (staged, (directory, name)) in places {
            let stays = !replace && directory.is_empty() && root.open(&name).is_ok();
            if stays {
                let staging = self.root.directory(STAGING);
                staging.remove(&staged).map_err(thrown)?;
            } else {
                moves.push((staged, (directory, name)));
            }
        }
        self.root.publish(moves).map_err(thrown)?;
        self.root.flush().map_err(thrown)
    }
}

/// A data directory on its way in.
#[wasm_bindgen]
pub struct RootImport {
    root: Root,
    /// Paths of the staged files; their numbers are their places here.
    staged: Vec<Vec<String>>,
    current: Option<AnyFile>,
    bytes: u64,
    problems: Vec<String>,
}

impl fmt::Debug for RootImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootImport").field("staged", &self.staged).finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl RootImport {
    /// Begins a file, and says whether its content is wanted.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn file(&mut self, path: &str) -> Answer<bool> {
        self.current = None;
        let parts: Vec<String> = path
            .split(['/', '\\'])
            .filter(|part| !part.is_empty() && *part != ".")
            .map(ToOwned::to_owned)
            .collect();
        let is_plain = parts.iter().all(|part| FileName::new(part).is_ok());
        if !is_plain || parts.is_empty() || parts.len() > 3 {
            // Locks, temporary files, what a system leaves in directories.
            self.problems.push(format!("left out {path}: no file of a data directory"));
            return Ok(false);
        }
        let name = staged_name(self.staged.len()).map_err(thrown)?;
        let staging = self.root.directory(STAGING);
        self.current = Some(staging.create(&name).map_err(thrown)?);
        self.staged.push(parts);
        Ok(true)
    }

    /// Adds to the file that was begun last.
    ///
    /// # Errors
    ///
    /// `no-space`, or whatever the platform reports.
    pub fn write(&mut self, bytes: &[u8]) -> Answer<()> {
        self.bytes += bytes.len() as u64;
        match &mut self.current {
            Some(file) => file.append(bytes).map_err(thrown),
            None => Err(with_code("invalid", "no file was begun")),
        }
    }

    /// Gives the import up.
    pub fn cancel(mut self) {
        self.discard();
    }
}

impl RootImport {
    fn discard(&mut self) {
        self.current = None;
        // What stays is removed at the next opening.
        let _ = self.root.remove_directory(STAGING);
    }

    /// Where each staged file goes; files that fit nowhere become problems.
    fn places(&mut self) -> SortedMap<FileName, (String, FileName)> {
        let outer = self.outer_directory();
        let mut places = SortedMap::new();
        for (number, parts) in self.staged.iter().enumerate() {
            let parts = parts.get(usize::from(outer)..).unwrap_or_default();
            let place = match parts {
                [name] => Some((String::new(), name)),
                [directory, name] if is_directory(directory) => Some((directory.clone(), name)),
                _ => None,
            };
            let name = place.and_then(|(to, name)| Some((to, FileName::new(name).ok()?)));
            match (name, staged_name(number)) {
                (Some(place), Ok(staged)) => {
                    places.insert(staged, place);
                }
                _ => {
                    let path = parts.join("/");
                    self.problems.push(format!("left out {path}: no file of a data directory"));
                }
            }
        }
        places
    }

    /// Whether there is one more directory around the data directory, as in most archives.
    fn outer_directory(&self) -> bool {
        let first = self.staged.first().and_then(|parts| parts.first());
        let same = |parts: &Vec<String>| parts.len() > 1 && parts.first() == first;
        let deeper = |parts: &Vec<String>| {
            parts.len() == 3 || parts.get(1).is_some_and(|name| name == "engine.toml")
        };
        self.staged.iter().all(same) && self.staged.iter().any(deeper)
    }
}

fn staged_name(number: usize) -> Result<FileName, nanotdb_core::storage::StorageError> {
    FileName::new(&number.to_string())
}

fn is_directory(name: &str) -> bool {
    name == BACKUPS || DatabaseName::existing(name).is_ok()
}

/// The directories among the places that look like databases.
fn databases<'a>(places: impl Iterator<Item = &'a (String, FileName)>) -> SortedSet<String> {
    let in_database = places.filter(|(directory, _)| !directory.is_empty());
    in_database
        .filter(|(directory, name)| shows_database(directory, name.as_str()))
        .map(|(directory, _)| directory.clone())
        .collect()
}

/// What is to be said of a database that was taken in.
fn notes(engine: &Engine<WebHost>, name: &str) -> Vec<String> {
    match engine.database(name) {
        Ok(database) => {
            database.open_report().notes().map(|note| format!("{name}: {note}")).collect()
        }
        Err(error @ Error::Storage(_)) => vec![format!("{name}: {error}")],
        Err(error) => vec![format!("{name} does not open: {error}")],
    }
}
