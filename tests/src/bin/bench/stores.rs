//! Stores to measure on.

use crate::report::Bench;
use nanotdb::compress::CodecId;
use nanotdb::engine::{BuildOptions, Row, Target};
use nanotdb::metric_file::Version;
use nanotdb::settings::{
    DatabaseSettings, Durability, EngineSettings, FsyncPolicy, RawAction, WrittenDuration,
};
use nanotdb::{Database, OpenOptions, Store, Timestamp};
use nanotdb_tests::workload::{self, DATABASE, Point, SAMPLES_PER_DAY, Shape, Workload};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The partition of the first day.
pub(crate) const DAY: &str = "2026-01-01";

/// How the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wal {
    Always,
    Segment,
    Off,
    /// On, but all samples are older than it takes.
    Skipped,
}

impl Wal {
    pub(crate) const ALL: [Self; 4] = [Self::Always, Self::Off, Self::Skipped, Self::Segment];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Always => "wal_always",
            Self::Segment => "wal_segment",
            Self::Off => "wal_off",
            Self::Skipped => "wal_on_but_skipped_as_older_than_1h",
        }
    }
}

/// The settings of the measured stores: pages of 9,072 samples.
pub(crate) fn settings(durability: Durability, wal: Wal) -> EngineSettings {
    let skip = if wal == Wal::Skipped { "1h" } else { "0s" };
    let mut settings = EngineSettings::fresh();
    settings.durability = durability;
    settings.stats.enabled = false;
    settings.metrics.enabled = false; // builds are cases of their own
    settings.wal.fsync_policy =
        if wal == Wal::Always { FsyncPolicy::Always } else { FsyncPolicy::Segment };
    settings.manifest_defaults = DatabaseSettings {
        wal_enabled: wal != Wal::Off,
        wal_skip_before: WrittenDuration::new(skip).expect("a duration"),
        ..DatabaseSettings::fresh()
    };
    settings
}

/// A new store with these settings.
pub(crate) fn create(root: &Path, settings: &EngineSettings) -> Store {
    fs::write(root.join("engine.toml"), settings.to_toml()).expect("writable");
    open(root)
}

pub(crate) fn open(root: &Path) -> Store {
    OpenOptions::default().background(false).open(root).expect("a store")
}

/// Files stay open, but what was decoded of them is not kept.
pub(crate) fn open_without_cache(root: &Path) -> Store {
    OpenOptions::default().background(false).cache_bytes(0).open(root).expect("a store")
}

pub(crate) fn day(shape: Shape) -> Vec<Point> {
    Workload::new(shape).take(SAMPLES_PER_DAY).collect()
}

/// A row that names its metric.
pub(crate) fn row<'a>(names: &'a [String], point: &Point) -> Row<'a> {
    let target = Target::Name(&names[point.metric]);
    Row { target, time: Timestamp(point.time), value: point.value }
}

pub(crate) fn add_batches(database: &Database, points: &[Point], rows: usize) {
    let names = workload::names();
    for batch in points.chunks(rows) {
        let report = database.add_rows(batch.iter().map(|point| row(&names, point)));
        assert!(report.expect("taken in").rejected.is_empty());
    }
}

/// Bytes of the files of a database whose names start so.
pub(crate) fn bytes(root: &Path, start: &str) -> u64 {
    let files = fs::read_dir(root.join(DATABASE)).expect("a database").map(|file| file.unwrap());
    let chosen = files.filter(|file| file.file_name().to_string_lossy().starts_with(start));
    chosen.map(|file| file.metadata().expect("a file").len()).sum()
}

/// A store of one day as raw pages, closed.
pub(crate) fn raw_day(bench: &Bench, shape: Shape) -> TempDir {
    let root = bench.directory();
    let store = create(root.path(), &settings(Durability::Throughput, Wal::Off));
    let database = store.create_database(DATABASE).expect("a database");
    // One by one, because the sizes of pages are compared.
    let names = workload::names();
    for point in day(shape) {
        database.add(&names[point.metric], Timestamp(point.time), point.value).expect("taken in");
    }
    drop(database);
    store.close().expect("closed");
    root
}

/// A copy of a closed store.
pub(crate) fn copy(bench: &Bench, from: &Path) -> TempDir {
    let root = bench.directory();
    fs::copy(from.join("engine.toml"), root.path().join("engine.toml")).expect("copied");
    fs::create_dir(root.path().join(DATABASE)).expect("created");
    for file in fs::read_dir(from.join(DATABASE)).expect("a database") {
        let file = file.expect("a file");
        let to = root.path().join(DATABASE).join(file.file_name());
        fs::copy(file.path(), to).expect("copied");
    }
    root
}

/// What a metric file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) version: Version,
    pub(crate) codec: CodecId,
}

impl Kind {
    pub(crate) const DEFAULT: Self = Self { version: Version::V2, codec: CodecId::ZstdFastest };

    /// Version 3 has no codec.
    pub(crate) const V3: Self = Self { version: Version::V3, codec: CodecId::ZstdFastest };

    pub(crate) fn name(self) -> String {
        match self.version {
            Version::V3 => String::from("v3"),
            version => format!("{version}/{}", self.codec),
        }
    }

    pub(crate) fn options(self, raw_action: RawAction) -> BuildOptions {
        let mut options = BuildOptions::default();
        options.version = self.version;
        options.codec = self.codec;
        options.allow_foreign_codec = true;
        options.raw_action = raw_action;
        options
    }
}

/// A store of one day as a metric file without raw pages, closed.
pub(crate) fn metric_day(bench: &Bench, raw: &Path, kind: Kind) -> TempDir {
    let root = copy(bench, raw);
    let store = open(root.path());
    let database = store.database(DATABASE).expect("there");
    database.build_metric_file(DAY, kind.options(RawAction::Delete)).expect("built");
    drop(database);
    store.close().expect("closed");
    root
}
