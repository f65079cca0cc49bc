//! `build metric`: metric files from raw pages.

use super::args::DatabaseArg;
use super::output::{Out, count_text};
use super::{Failure, Outcome, open_to_write, progress, select};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use nanotdb::Database;
use nanotdb::compress::CodecId;
use nanotdb::engine::{BuildOptions, BuildReport, FileKind};
use nanotdb::metric_file::Version;
use nanotdb::settings::RawAction;
use nanotdb_core::storage::Storage;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Partition to build, like 2026-05-14 [default: every one that has raw pages]
    #[arg(long = "part", value_name = "KEY")]
    partition: Option<String>,
    /// Layout of the files; the reference does not read v3 [default: as engine.toml says]
    #[arg(long, value_parser = version())]
    format: Option<Version>,
    /// Compression of v1 and v2; lz4 needs --allow-foreign-codec [default: as engine.toml says]
    #[arg(long, value_parser = codec())]
    codec: Option<CodecId>,
    /// What becomes of the raw pages [default: as engine.toml says]
    #[arg(long, value_parser = raw_action())]
    raw_ingest_action: Option<RawAction>,
    /// Compare each file with the raw pages, before anything becomes of those
    #[arg(long)]
    verify: bool,
    /// Allow a codec that the reference cannot read
    #[arg(long)]
    allow_foreign_codec: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn version() -> impl clap::builder::TypedValueParser<Value = Version> {
    PossibleValuesParser::new(Version::ALL.map(Version::name)).map(|name| {
        Version::ALL.into_iter().find(|version| version.name() == name).unwrap_or_default()
    })
}

pub(super) fn codec() -> impl clap::builder::TypedValueParser<Value = CodecId> {
    PossibleValuesParser::new(CodecId::ALL.map(CodecId::name))
        .map(|name| name.parse().unwrap_or_default())
}

fn raw_action() -> impl clap::builder::TypedValueParser<Value = RawAction> {
    PossibleValuesParser::new(
        [RawAction::Keep, RawAction::Rename, RawAction::Delete].map(RawAction::name),
    )
    .map(|name| RawAction::parse(&name).unwrap_or_default())
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    format: &'static str,
    codec: &'static str,
    raw_ingest_action: &'static str,
    verified: bool,
    partitions: Vec<Built>,
    partition_count: usize,
    source_bytes: u64,
    metric_bytes: u64,
    duration_ms: u128,
}

#[derive(Debug, Serialize)]
struct Built {
    partition: String,
    source_path: String,
    metric_path: String,
    source_bytes: u64,
    metric_bytes: u64,
    metrics: u64,
    points: u64,
    verified: bool,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_write(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let mut build = BuildOptions::default();
    build.version = options.format.unwrap_or(store.settings().metrics.format);
    build.codec = options.codec.unwrap_or(store.settings().metrics.compression);
    build.raw_action =
        options.raw_ingest_action.unwrap_or(store.settings().metrics.raw_ingest_action);
    build.allow_foreign_codec = options.allow_foreign_codec;
    refuse_foreign(build.version, build.codec, build.allow_foreign_codec)?;

    let directory = root.join(database.name());
    let built = keys(&store, &database, options)?
        .iter()
        .map(|key| {
            let progress = progress::spinner(format!("building {key}"));
            let built = one(&database, key, build, options.verify, &directory);
            progress.finish_and_clear();
            built
        })
        .collect::<Result<Vec<Built>, Failure>>();
    // What an earlier partition got is kept, whatever happened to a later one.
    store.close()?;
    let partitions = built?;
    let report = Report {
        root_dir: root.display().to_string(),
        database: database.name().to_string(),
        format: build.version.name(),
        codec: if build.version == Version::V3 { NO_CODEC } else { build.codec.name() },
        raw_ingest_action: build.raw_action.name(),
        verified: options.verify,
        partition_count: partitions.len(),
        source_bytes: partitions.iter().map(|built| built.source_bytes).sum(),
        metric_bytes: partitions.iter().map(|built| built.metric_bytes).sum(),
        partitions,
        duration_ms: started.elapsed().as_millis(),
    };
    Ok(if options.json { out.json(&report) } else { show(&report, out) }?)
}

/// What stands for a codec where version 3 has its own encodings.
const NO_CODEC: &str = "columns";

pub(super) fn refuse_foreign(version: Version, codec: CodecId, allow_foreign: bool) -> Outcome {
    if version == Version::V3 || codec.is_known_to_reference() || allow_foreign {
        return Ok(());
    }
    let message = format!(
        "the reference cannot read {codec}: choose another --codec, or --allow-foreign-codec"
    );
    Err(Failure::Usage(message))
}

/// The partition that was typed, else all that have raw pages once everything is written out.
fn keys(
    store: &nanotdb::Store,
    database: &Database,
    options: &Options,
) -> Result<Vec<String>, Failure> {
    if let Some(key) = &options.partition {
        return Ok(vec![key.clone()]);
    }
    database.flush()?;
    let files = store.host().root_directory().database(database.name())?;
    let raw = |name: &str| match FileKind::parse(name) {
        Some((FileKind::Metric, _)) | None => None,
        Some((FileKind::Data | FileKind::Raw, partition)) => Some(partition),
    };
    let keys: BTreeSet<_> = files.list()?.iter().filter_map(|name| raw(name.as_str())).collect();
    Ok(keys.into_iter().map(|key| key.to_string()).collect())
}

fn one(
    database: &Database,
    key: &str,
    build: BuildOptions,
    verify: bool,
    directory: &Path,
) -> Result<Built, Failure> {
    // Raw pages must be there to compare with: they are kept until that is done.
    let mut first = build;
    if verify {
        first.raw_action = RawAction::Keep;
    }
    let mut report = database.build_metric_file(key, first)?;
    if verify {
        compare(database, key, &report)?;
        if build.raw_action != RawAction::Keep {
            report = database.build_metric_file(key, build)?;
        }
    }
    let path = |name: &str| directory.join(name).display().to_string();
    Ok(Built {
        partition: report.partition,
        source_path: report.sources.first().map_or_else(String::new, |name| path(name.as_str())),
        metric_path: path(report.metric_file.as_str()),
        source_bytes: report.source_bytes,
        metric_bytes: report.metric_bytes,
        metrics: report.metrics,
        points: report.points,
        verified: verify,
    })
}

fn compare(database: &Database, key: &str, report: &BuildReport) -> Outcome {
    let name = &report.metric_file;
    let checks = database.verify_partition(key)?;
    let differs = |detail: &str| Failure::failed(format!("{}: {detail}", name.as_str()));
    match checks.files.iter().find(|check| check.file == *name) {
        Some(check) if !check.problems.is_empty() => Err(differs(&check.problems.join("; "))),
        Some(check) if check.equals_raw == Some(false) => {
            Err(differs("differs from the raw pages it was built from"))
        }
        Some(_) => Ok(()),
        None => Err(differs("is not there after the build")),
    }
}

const COLUMNS: [(&str, bool); 7] = [
    ("partition", false),
    ("source bytes", true),
    ("metric bytes", true),
    ("percent", true),
    ("metrics", true),
    ("samples", true),
    ("verified", false),
];

fn show(report: &Report, out: &mut Out) -> io::Result<()> {
    if report.partitions.is_empty() {
        return writeln!(out, "{} has no raw pages to build from", report.database);
    }
    let rows = report.partitions.iter().map(|built| {
        vec![
            built.partition.clone(),
            count_text(built.source_bytes),
            count_text(built.metric_bytes),
            percent(built.metric_bytes, built.source_bytes),
            count_text(built.metrics),
            count_text(built.points),
            if built.verified { "yes" } else { "no" }.to_string(),
        ]
    });
    out.table(&COLUMNS, rows, 0)?;
    let count = report.partition_count;
    let (format, codec, action) = (report.format, report.codec, report.raw_ingest_action);
    let millis = report.duration_ms;
    writeln!(out, "{count} metric files, {format}, {codec}, raw pages: {action} ({millis} ms)")
}

pub(super) fn percent(part: u64, of: u64) -> String {
    let tenths = part.saturating_mul(1000).checked_div(of).unwrap_or(0);
    format!("{}.{}%", tenths / 10, tenths % 10)
}
