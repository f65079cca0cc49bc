//! `export --format parquet`: a file for each partition, in a folder or an object store.

use super::{Options, ranges};
use crate::cli::output::{Out, bytes_text, count_text};
use crate::cli::select::Selector;
use crate::cli::{Failure, Outcome, damage};
use nanotdb::parquet::{Destination, WrittenFile, export_readable};
use nanotdb::{Database, TimeRange};
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    output: String,
    files: Vec<ReportedFile>,
    rows: u64,
    bytes: u64,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Files that were not replaced for that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kept: Vec<String>,
    duration_ms: u128,
}

#[derive(Debug, Serialize)]
struct ReportedFile {
    path: String,
    rows: u64,
    bytes: u64,
}

pub(super) fn run(
    root: &Path,
    database: &Database,
    selector: &Selector,
    range: TimeRange,
    options: &Options,
    out: &mut Out,
) -> Outcome {
    let started = Instant::now();
    let name = options.out.as_ref().ok_or_else(|| {
        Failure::usage("--format parquet needs --out, a folder or s3://bucket/prefix")
    })?;
    let name = name.to_str().ok_or_else(|| Failure::usage("--out: expected UTF-8"))?;
    let failed = |error: nanotdb::parquet::ExportError| Failure::failed(error.to_string());
    let destination = Destination::new(name).map_err(failed)?;
    let mut files: Vec<WrittenFile> = Vec::new();
    let (mut damage, mut kept) = (Vec::new(), Vec::new());
    for range in ranges(database, range, &options.partitions)? {
        let selects = |metric: &str| selector.selects(metric);
        let exported = export_readable(database, range, selects, &destination).map_err(failed)?;
        files.extend(exported.files);
        damage.extend(exported.damage);
        kept.extend(exported.kept);
    }
    let report = Report {
        root_dir: root.display().to_string(),
        database: database.name().to_owned(),
        output: name.to_owned(),
        rows: files.iter().map(|file| file.rows).sum(),
        bytes: files.iter().map(|file| file.bytes).sum(),
        files: files.into_iter().map(ReportedFile::from).collect(),
        warnings: damage.iter().map(ToString::to_string).collect(),
        kept,
        duration_ms: started.elapsed().as_millis(),
    };
    if options.json {
        out.json(&report)?;
        return damage::tell(&damage);
    }
    let (rows, bytes) = (count_text(report.rows), bytes_text(report.bytes));
    let (files, millis) = (report.files.len(), report.duration_ms);
    let plural = if files == 1 { "" } else { "s" };
    writeln!(out, "exported {rows} rows, {bytes}, {files} file{plural}, to {name} ({millis} ms)")?;
    for path in &report.kept {
        writeln!(out, "{path} stays as it was, since not everything can be read")?;
    }
    damage::tell(&damage)
}

impl From<WrittenFile> for ReportedFile {
    fn from(file: WrittenFile) -> Self {
        Self { path: file.path, rows: file.rows, bytes: file.bytes }
    }
}
