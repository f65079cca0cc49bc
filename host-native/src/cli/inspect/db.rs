//! `inspect db`.

use super::catalog::{self, CATALOG};
use super::{Options, Place, PlaceFields, Span, dat, wal};
use crate::cli::output::Out;
use crate::cli::time::{distance, generated_at};
use crate::cli::{Failure, Outcome};
use nanotdb::report::Rollups;
use nanotdb::settings::{DatabaseSettings, EngineSettings};
use nanotdb_core::ValueType;
use nanotdb_core::storage::{FileName, Storage};
use serde::Serialize;
use std::io::{self, Write};

const MANIFEST: &str = "manifest.toml";

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    place: PlaceFields,
    engine_config: String,
    catalog: CatalogPart,
    manifest: ManifestPart,
    data: DataPart,
    wal: WalPart,
    verbose: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_detail: Option<Vec<dat::DatFile>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wal_detail: Option<Vec<wal::WalFile>>,
    generated_at: String,
}

#[derive(Debug, Serialize)]
struct CatalogPart {
    path: String,
    exists: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parse_error: Option<String>,
    metrics_count: usize,
    int32_count: usize,
    float32_count: usize,
    /// Metrics whose names are lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovered: Vec<catalog::Lost>,
}

#[derive(Debug, Serialize)]
struct ManifestPart {
    path: String,
    exists: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parse_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Config>,
}

#[derive(Debug, Serialize)]
struct DataPart {
    files: usize,
    total_bytes: u64,
    total_frames: u64,
    total_records: u64,
    #[serde(flatten)]
    span: Span,
}

#[derive(Debug, Serialize)]
struct WalPart {
    files: usize,
    total_bytes: u64,
    total_records: u64,
    has_tail: bool,
}

/// Settings as the reference's reports spell them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    retention: Retention,
    #[serde(rename = "WAL")]
    wal: Wal,
    page: PageLimits,
    rollups: Rollups,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the reference's names")]
struct Retention {
    grace: String,
    retention_days: u64,
    retention_action: &'static str,
    max_active_days: u64,
    partition: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wal {
    enabled: bool,
    skip_before: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the reference's names")]
struct PageLimits {
    max_records: u16,
    max_bytes: u64,
    max_age: String,
}

pub(super) fn run(place: &Place, options: &Options, out: &mut Out) -> Outcome {
    let (data, wal) = (dat::read(place, options.verbose)?, wal::read(place, options.verbose)?);
    let mut report = Report {
        place: place.fields(),
        engine_config: place.root.join("engine.toml").display().to_string(),
        catalog: CatalogPart::read(place)?,
        manifest: ManifestPart::read(place)?,
        data: DataPart::of(&data),
        wal: WalPart {
            files: wal.len(),
            total_bytes: wal.iter().map(|file| file.bytes).sum(),
            total_records: wal.iter().map(|file| file.records).sum(),
            has_tail: wal.iter().any(|file| file.has_tail),
        },
        verbose: options.verbose,
        data_detail: None,
        wal_detail: None,
        generated_at: generated_at(),
    };
    if options.json {
        report.data_detail = options.verbose.then_some(data);
        report.wal_detail = options.verbose.then_some(wal);
        return Ok(out.json(&report)?);
    }
    show(&report, out)?;
    if options.verbose {
        writeln!(out)?;
        out.heading("Data files")?;
        dat::show(out, &data)?;
        writeln!(out)?;
        out.heading("Log")?;
        wal::show(out, &wal)?;
    }
    Ok(())
}

impl CatalogPart {
    fn read(place: &Place) -> Result<Self, Failure> {
        let read = catalog::read(place)?;
        let exists = read.is_some();
        let (records, parse_error) = match read {
            Some(Ok(records)) => (records, None),
            Some(Err(error)) => (Vec::new(), Some(error)),
            None => (Vec::new(), None),
        };
        let of = |value_type| records.iter().filter(|r| r.value_type == value_type).count();
        Ok(Self {
            path: place.path(CATALOG),
            exists,
            parse_error,
            metrics_count: records.len(),
            int32_count: of(ValueType::I32),
            float32_count: of(ValueType::F32),
            recovered: catalog::recovered(place),
        })
    }
}

impl ManifestPart {
    fn read(place: &Place) -> Result<Self, Failure> {
        let read = place.files.read(&FileName::new(MANIFEST)?)?;
        let parsed = read.as_ref().map(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            let defaults = defaults(place).unwrap_or_default();
            DatabaseSettings::parse(&text, MANIFEST, &defaults).map(|(settings, _)| settings)
        });
        let (settings, error) = match parsed {
            Some(Ok(settings)) => (Some(settings), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        Ok(Self {
            path: place.path(MANIFEST),
            exists: read.is_some(),
            parse_error: error,
            config: settings.as_ref().map(Config::of),
        })
    }
}

/// What `engine.toml` sets where a manifest is silent.
fn defaults(place: &Place) -> Option<DatabaseSettings> {
    let text = std::fs::read_to_string(place.root.join("engine.toml")).ok()?;
    EngineSettings::parse(&text, "engine.toml").ok().map(|(settings, _)| settings.manifest_defaults)
}

impl DataPart {
    fn of(files: &[dat::DatFile]) -> Self {
        Self {
            files: files.len(),
            total_bytes: files.iter().map(|file| file.bytes).sum(),
            total_frames: files.iter().map(|file| file.frames).sum(),
            total_records: files.iter().map(|file| file.records).sum(),
            span: Span::all(files.iter().map(|file| &file.span)),
        }
    }
}

impl Config {
    fn of(settings: &DatabaseSettings) -> Self {
        Self {
            retention: Retention {
                grace: settings.grace.as_str().to_string(),
                retention_days: settings.retention_days,
                retention_action: settings.retention_action.name(),
                max_active_days: settings.max_active_days,
                partition: settings.partition.name(),
            },
            wal: Wal {
                enabled: settings.wal_enabled,
                skip_before: settings.wal_skip_before.as_str().to_string(),
            },
            page: PageLimits {
                max_records: settings.page_max_records,
                max_bytes: settings.page_max_bytes,
                max_age: settings.page_max_age.as_str().to_string(),
            },
            rollups: Rollups::of(&settings.rollups),
        }
    }
}

fn show(report: &Report, out: &mut Out) -> io::Result<()> {
    let yes = |exists: bool| if exists { "" } else { " (missing)" };
    out.heading(&format!("Database {}", report.place.database))?;
    writeln!(out, "  directory  {}", report.place.database_dir)?;
    writeln!(out, "  settings   {}", report.engine_config)?;
    let catalog = &report.catalog;
    out.heading("Catalog")?;
    writeln!(out, "  file       {}{}", catalog.path, yes(catalog.exists))?;
    if let Some(error) = &catalog.parse_error {
        writeln!(out, "  unreadable {error}")?;
    }
    let (ints, floats) = (catalog.int32_count, catalog.float32_count);
    writeln!(out, "  metrics    total={} int32={ints} float32={floats}", catalog.metrics_count)?;
    catalog::show_recovered(&catalog.recovered, out)?;
    out.heading("Manifest")?;
    writeln!(out, "  file       {}{}", report.manifest.path, yes(report.manifest.exists))?;
    if let Some(error) = &report.manifest.parse_error {
        writeln!(out, "  unreadable {error}")?;
    }
    if let Some(config) = &report.manifest.config {
        show_config(config, out)?;
    }
    let data = &report.data;
    out.heading("Data")?;
    let (bytes, frames, records) = (data.total_bytes, data.total_frames, data.total_records);
    writeln!(out, "  files={} bytes={bytes} frames={frames} records={records}", data.files)?;
    if let Some(range) = data.span.range() {
        writeln!(out, "  start={} duration={}", range.from, distance(range.from, range.to))?;
    }
    let wal = &report.wal;
    out.heading("Log")?;
    let (bytes, records, tail) = (wal.total_bytes, wal.total_records, wal.has_tail);
    writeln!(out, "  files={} bytes={bytes} records={records} torn_tail={tail}", wal.files)
}

fn show_config(config: &Config, out: &mut Out) -> io::Result<()> {
    let Config { retention, wal, page, rollups } = config;
    writeln!(out, "  partition  {}", retention.partition)?;
    let Retention { grace, retention_days, retention_action, max_active_days, .. } = retention;
    writeln!(
        out,
        "  retention  days={retention_days} action={retention_action} grace={grace} \
         max_active_days={max_active_days}"
    )?;
    writeln!(out, "  wal        enabled={} skip_before={}", wal.enabled, wal.skip_before)?;
    let PageLimits { max_records, max_bytes, max_age } = page;
    writeln!(
        out,
        "  page       max_records={max_records} max_bytes={max_bytes} max_age={max_age}"
    )?;
    let jobs = rollups.jobs.as_ref().map_or(0, Vec::len);
    writeln!(out, "  rollups    enabled={} jobs={jobs}", rollups.enabled)
}
