//! `convert`: metric files written anew in another layout.

use super::args::DatabaseArg;
use super::build::{codec, percent, version};
use super::output::{Columns, Out, bytes_text, count_text};
use super::{Failure, Outcome, open_to_write, progress, select};
use nanotdb::Database;
use nanotdb::compress::CodecId;
use nanotdb::engine::{ConvertOptions, ConvertReport};
use nanotdb::metric_file::Version;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Partition whose metric file to convert, like 2026-05-14 [default: every one that has one]
    #[arg(long = "part", value_name = "KEY")]
    partition: Option<String>,
    /// Layout to convert to; v1 and v2 are those that the reference reads
    #[arg(long, value_parser = version())]
    format: Version,
    /// Compression of v1 and v2; lz4 needs --allow-foreign-codec [default: as engine.toml says]
    #[arg(long, value_parser = codec())]
    codec: Option<CodecId>,
    /// Allow a codec that the reference cannot read
    #[arg(long)]
    allow_foreign_codec: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    format: &'static str,
    partitions: Vec<Done>,
    partition_count: usize,
    /// Of those, how many were in another layout.
    converted_count: usize,
    old_bytes: u64,
    new_bytes: u64,
    duration_ms: u128,
}

#[derive(Debug, Serialize)]
struct Done {
    partition: String,
    path: String,
    old_format: &'static str,
    new_format: &'static str,
    old_bytes: u64,
    new_bytes: u64,
    metrics: u64,
    points: u64,
    converted: bool,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_write(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let mut wanted = ConvertOptions::default();
    wanted.version = options.format;
    wanted.codec = options.codec.unwrap_or(store.settings().metrics.compression);
    wanted.allow_foreign_codec = options.allow_foreign_codec;
    super::build::refuse_foreign(wanted.version, wanted.codec, wanted.allow_foreign_codec)?;
    let keys = match &options.partition {
        Some(key) => vec![key.clone()],
        None => database.metric_partitions(),
    };
    let converted = keys.iter().map(|key| one(&database, key, wanted));
    let converted = converted.collect::<Result<Vec<ConvertReport>, Failure>>();
    // What an earlier partition became is kept, whatever happened to a later one.
    store.close()?;
    let directory = root.join(database.name());
    let partitions: Vec<Done> =
        converted?.into_iter().map(|done| Done::new(done, &directory)).collect();
    let report = Report {
        root_dir: root.display().to_string(),
        database: database.name().to_string(),
        format: options.format.name(),
        partition_count: partitions.len(),
        converted_count: partitions.iter().filter(|done| done.converted).count(),
        old_bytes: partitions.iter().map(|done| done.old_bytes).sum(),
        new_bytes: partitions.iter().map(|done| done.new_bytes).sum(),
        partitions,
        duration_ms: started.elapsed().as_millis(),
    };
    Ok(if options.json { out.json(&report) } else { show(&report, out) }?)
}

fn one(database: &Database, key: &str, wanted: ConvertOptions) -> Result<ConvertReport, Failure> {
    let progress = progress::spinner(format!("converting {key}"));
    let converted = database.convert_metric_file(key, wanted);
    progress.finish_and_clear();
    Ok(converted?)
}

impl Done {
    fn new(done: ConvertReport, directory: &Path) -> Self {
        Self {
            path: directory.join(done.metric_file.as_str()).display().to_string(),
            partition: done.partition,
            old_format: done.old_version.name(),
            new_format: done.version.name(),
            old_bytes: done.old_bytes,
            new_bytes: done.bytes,
            metrics: done.metrics,
            points: done.points,
            converted: done.converted,
        }
    }
}

const COLUMNS: Columns<'_> = &[
    ("partition", false),
    ("before", false),
    ("bytes", true),
    ("after", false),
    ("bytes", true),
    ("percent", true),
    ("metrics", true),
    ("samples", true),
    ("", false),
];

fn show(report: &Report, out: &mut Out) -> io::Result<()> {
    if report.partitions.is_empty() {
        return writeln!(out, "{} has no metric files", report.database);
    }
    out.table(COLUMNS, report.partitions.iter().map(row), 0)?;
    let (done, count) = (report.converted_count, report.partition_count);
    let (old, new) = (bytes_text(report.old_bytes), bytes_text(report.new_bytes));
    writeln!(
        out,
        "{done} of {count} metric files converted to {}, each compared bit for bit: \
         {old} before, {new} after ({} ms)",
        report.format, report.duration_ms
    )
}

fn row(done: &Done) -> Vec<String> {
    vec![
        done.partition.clone(),
        done.old_format.to_string(),
        count_text(done.old_bytes),
        done.new_format.to_string(),
        count_text(done.new_bytes),
        percent(done.new_bytes, done.old_bytes),
        count_text(done.metrics),
        count_text(done.points),
        if done.converted { "" } else { "was so already" }.to_string(),
    ]
}
