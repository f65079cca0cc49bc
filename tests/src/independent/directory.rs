//! A whole data root in memory.

use super::{
    Catalog, DataFile, Extensions, Manifest, MetricFile, PartitionKind, Problem, Settings, Wal,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Everything in a data root.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// `engine.toml`; empty when there is none.
    pub engine: Settings,
    /// The databases by name.
    pub databases: BTreeMap<String, Db>,
}

/// Everything in one database's directory.
#[derive(Debug, Clone)]
pub struct Db {
    /// Its name.
    pub name: String,
    /// Its metrics, as persisted.
    pub catalog: Catalog,
    /// Its settings, as they are in force.
    pub manifest: Manifest,
    /// Its log.
    pub wal: Wal,
    /// Its log of late samples, which the reference passes over.
    pub late: Wal,
    /// `data-` files by partition.
    pub data: BTreeMap<String, DataFile>,
    /// `raw-` files by partition.
    pub raw: BTreeMap<String, DataFile>,
    /// `metric-` files by partition.
    pub metric: BTreeMap<String, MetricFile>,
    /// All other files, such as archives, checkpoints and leftovers ending in `.tmp`.
    pub others: Vec<String>,
    /// What could not be decoded at all.
    pub unreadable: Vec<Problem>,
}

impl Directory {
    /// Reads a data root.
    ///
    /// # Errors
    ///
    /// Only what the operating system refuses: damage is in [`Directory::problems`].
    pub fn read(root: &Path) -> io::Result<Self> {
        let engine_toml = optional(&root.join("engine.toml"))?;
        let engine = Settings::decode("engine.toml", &engine_toml).map_err(io::Error::other)?;
        let mut databases = BTreeMap::new();
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if entry.file_type()?.is_dir() && looks_like_a_database(&name, &list(&entry.path())?) {
                let db = Db::read(&entry.path(), &name, &engine)?;
                databases.insert(name, db);
            }
        }
        Ok(Self { engine, databases })
    }

    /// Everything in all databases that a writer must not have written. Files are named
    /// relative to the root.
    pub fn problems(&self) -> Vec<Problem> {
        let of = |db: &Db| {
            let in_root = |p: Problem| Problem { file: format!("{}/{}", db.name, p.file), ..p };
            db.problems().into_iter().map(in_root).collect::<Vec<_>>()
        };
        self.databases.values().flat_map(of).collect()
    }
}

impl Db {
    /// Reads one database's directory.
    ///
    /// # Errors
    ///
    /// Only what the operating system refuses.
    pub fn read(dir: &Path, name: &str, engine: &Settings) -> io::Result<Self> {
        let mut unreadable = Vec::new();
        let bytes = optional(&dir.join("catalog.json"))?;
        let catalog = or_note(Catalog::decode(&bytes), &mut unreadable);
        let own = optional(&dir.join("manifest.toml"))?;
        let own = or_note(Settings::decode("manifest.toml", &own), &mut unreadable);
        let manifest = Manifest::new(&own, engine).unwrap_or_else(|problem| {
            unreadable.push(problem);
            Manifest::new(&Settings::default(), &Settings::default()).expect("defaults are valid")
        });
        let wal_name = format!("{name}.wal");
        let wal = Wal::decode(&wal_name, &optional(&dir.join(&wal_name))?, Extensions::Read);
        let late_name = format!("{name}.late.wal");
        let late = Wal::decode(&late_name, &optional(&dir.join(&late_name))?, Extensions::Read);

        let mut db = Self {
            name: name.into(),
            catalog,
            manifest,
            wal,
            late,
            data: BTreeMap::new(),
            raw: BTreeMap::new(),
            metric: BTreeMap::new(),
            others: Vec::new(),
            unreadable,
        };
        for file in list(dir)? {
            if !["catalog.json", "manifest.toml", &wal_name, &late_name].contains(&file.as_str()) {
                db.add(&file, &fs::read(dir.join(&file))?);
            }
        }
        Ok(db)
    }

    fn add(&mut self, file: &str, bytes: &[u8]) {
        let stem = file.strip_suffix(".dat").unwrap_or_default();
        let (kind, key) = stem.split_once('-').unwrap_or_default();
        let known = PartitionKind::of_key(key).is_some();
        match kind {
            "data" if known => {
                self.data.insert(key.into(), DataFile::decode(file, key, bytes));
            }
            "raw" if known => {
                self.raw.insert(key.into(), DataFile::decode(file, key, bytes));
            }
            "metric" if known => match MetricFile::decode(file, key, bytes) {
                Ok(metric) => drop(self.metric.insert(key.into(), metric)),
                Err(problem) => self.unreadable.push(problem),
            },
            _ => self.others.push(file.into()),
        }
    }
}

fn or_note<T: Default>(decoded: Result<T, Problem>, problems: &mut Vec<Problem>) -> T {
    decoded.unwrap_or_else(|problem| {
        problems.push(problem);
        T::default()
    })
}

/// The bytes of a file, none when it does not exist.
fn optional(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        result => result,
    }
}

/// The names of the files in a directory, sorted.
fn list(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn looks_like_a_database(name: &str, files: &[String]) -> bool {
    files.iter().any(|file| {
        file == "manifest.toml"
            || file == "catalog.json"
            || file.strip_suffix(".wal") == Some(name)
            || (file.starts_with("data-") && file.strip_suffix(".dat").is_some())
    })
}

impl From<Problem> for io::Error {
    fn from(problem: Problem) -> Self {
        Self::other(problem.to_string())
    }
}

impl std::error::Error for Problem {}
