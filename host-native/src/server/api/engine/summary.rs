//! A database in short.

use super::settings::Manifest;
use super::stats::Stats;
use crate::Database;
use crate::server::answer::Failure;
use crate::server::app::App;
use nanotdb_core::Error;
use nanotdb_core::engine::{FileKind, Host, OpenPageStats};
use nanotdb_core::storage::FileName;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    name: String,
    metric_count: usize,
    manifest: Manifest,
    stats: Stats,
    open_pages: usize,
    data_files: usize,
    data_bytes: u64,
    wal_files: usize,
    wal_bytes: u64,
    active: bool,
    runtime: Runtime,
}

/// What is in memory.
#[derive(Debug, Serialize)]
pub(super) struct Runtime {
    database: String,
    metric_count: usize,
    manifest: Manifest,
    stats: Stats,
    open_pages: Vec<OpenPage>,
}

#[derive(Debug, Serialize)]
pub(super) struct OpenPage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<String>,
    pub(super) day: String,
    records: usize,
    metric_slots: usize,
    unique_metrics: usize,
    value_bytes: u64,
    pub(super) start_timestamp_ns: i64,
    end_timestamp_ns: i64,
    max_records: usize,
    max_bytes: u64,
    max_age_ns: i64,
    age_ns: i64,
    wal_segment_id: u16,
    full: bool,
    persisted: bool,
}

/// What a file of a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Part(FileKind),
    Log,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        if std::path::Path::new(name).extension().is_some_and(|end| end == "wal") {
            return Some(Self::Log);
        }
        FileKind::parse(name).map(|(kind, _)| Self::Part(kind))
    }
}

impl Summary {
    pub(super) fn of(app: &App, database: &Database) -> Result<Self, Failure> {
        let runtime = Runtime::of(database);
        let (mut data_files, mut data_bytes, mut wal_files, mut wal_bytes) = (0, 0, 0, 0);
        for (name, bytes) in sizes(app, database.name())? {
            match Kind::of(name.as_str()) {
                Some(Kind::Log) => {
                    wal_files += 1;
                    wal_bytes += bytes;
                }
                Some(Kind::Part(_)) => {
                    data_files += 1;
                    data_bytes += bytes;
                }
                None => {}
            }
        }
        Ok(Self {
            name: database.name().to_owned(),
            metric_count: runtime.metric_count,
            manifest: runtime.manifest.clone(),
            stats: Stats::of(&database.stats()),
            open_pages: runtime.open_pages.len(),
            data_files,
            data_bytes,
            wal_files,
            wal_bytes,
            active: !runtime.open_pages.is_empty(),
            runtime,
        })
    }
}

/// The files of a database with their lengths, by name.
pub(super) fn sizes(app: &App, database: &str) -> Result<Vec<(FileName, u64)>, Failure> {
    let files = app.engine.host().database(database, false).map_err(Error::from)?;
    Ok(files.sizes().map_err(Error::from)?)
}

impl Runtime {
    pub(super) fn of(database: &Database) -> Self {
        let found = database.inspect();
        Self {
            metric_count: found.metric_count,
            manifest: Manifest::of(&found.settings),
            stats: Stats::of(&found.stats),
            open_pages: found.open_pages.iter().map(OpenPage::of).collect(),
            database: found.database,
        }
    }

    /// The open pages, each with the database's name.
    pub(super) fn into_pages(self) -> impl Iterator<Item = OpenPage> {
        let database = self.database;
        self.open_pages
            .into_iter()
            .map(move |page| OpenPage { database: Some(database.clone()), ..page })
    }
}

impl OpenPage {
    fn of(page: &OpenPageStats) -> Self {
        Self {
            database: None,
            day: page.partition.clone(),
            records: page.records,
            metric_slots: page.metric_slots,
            unique_metrics: page.unique_metrics,
            value_bytes: page.value_bytes,
            start_timestamp_ns: page.range.from.0,
            end_timestamp_ns: page.range.to.0,
            max_records: page.max_records,
            max_bytes: page.max_bytes,
            max_age_ns: page.max_age_ns,
            age_ns: page.age_ns,
            wal_segment_id: u16::from(page.logged),
            full: page.full,
            persisted: page.persisted,
        }
    }
}
