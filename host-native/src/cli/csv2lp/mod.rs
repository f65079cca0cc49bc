//! `csv2lp`: CSV exports of `VictoriaMetrics` in, lines out.
//!
//! Columns are metric, sensor, value and time; a first line that names them may be there. The lines
//! of all files come in order of time. A file that is wrong stops everything, and the output is then
//! what it was.

mod records;
mod rows;
mod rules;

use super::output::{Out, count_text};
use super::target::Target;
use super::{Failure, Outcome, progress};
use nanotdb::name::DatabaseName;
use nanotdb::text::line::{Line, is_blank_or_comment};
use rows::Rows;
use rules::Rules;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const META_HELP: &str = "\
JSON with rules for single files: {\"metrics\": {\"<file name without .csv>\": {\"enabled\": true, \
\"metric\": \"name\", \"value_type\": \"auto|int|float\", \"scale\": 1, \"append_sensor\": true}}}";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Directory whose *.csv files are read
    #[arg(long, value_name = "DIR")]
    in_dir: PathBuf,
    /// Write the lines to this file, replacing it
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// The database that the lines name
    #[arg(long = "db", value_name = "NAME")]
    database: String,
    #[arg(long, value_name = "FILE", help = META_HELP)]
    meta: Option<PathBuf>,
    /// Keep what the output has, and add only what is newer than its last line
    #[arg(long)]
    append: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    input_dir: String,
    output_file: String,
    database: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_file: Option<String>,
    append_mode: bool,
    files_seen: usize,
    files_included: usize,
    files_skipped: usize,
    rows_written: u64,
    duration_ms: u128,
}

pub(crate) fn run(options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let typed = options.database.trim_matches(|c: char| c.is_whitespace() || c == '/');
    let database = DatabaseName::new(typed)
        .map_err(|rejection| Failure::usage(format!("--db: {rejection}")))?;
    let rules = match &options.meta {
        Some(path) => Rules::read(path)?,
        None => Rules::default(),
    };
    let files = csv_files(&options.in_dir)?;
    let mut rows = Rows::default();
    let mut included = 0;
    let bar = progress::bytes(files.iter().map(|file| Some(fs::metadata(file).ok()?.len())).sum());
    for file in &files {
        let base = file.file_stem().unwrap_or_default().to_string_lossy();
        let rule = rules.of(&base);
        if rule.enabled {
            included += 1;
            rows.read(file, &base, rule, &bar)?;
        }
    }
    bar.finish_and_clear();
    let rows_written = write(options, database.as_str(), rows)?;
    let report = Report {
        input_dir: options.in_dir.display().to_string(),
        output_file: options.out.display().to_string(),
        database: database.as_str().to_string(),
        metadata_file: options.meta.as_ref().map(|path| path.display().to_string()),
        append_mode: options.append,
        files_seen: files.len(),
        files_included: included,
        files_skipped: files.len() - included,
        rows_written,
        duration_ms: started.elapsed().as_millis(),
    };
    if options.json {
        return Ok(out.json(&report)?);
    }
    let (lines, skipped) = (count_text(report.rows_written), report.files_skipped);
    let (target, millis) = (&report.output_file, report.duration_ms);
    writeln!(
        out,
        "wrote {lines} lines of {included} files, {skipped} left out, to {target} ({millis} ms)"
    )?;
    Ok(())
}

/// The files to read, by name.
fn csv_files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed =
        |error: io::Error| Failure::failed(format!("read {}: {error}", directory.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_csv = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        if is_csv && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes the rows, behind what is there when that is to be kept. Says how many.
fn write(options: &Options, database: &str, rows: Rows) -> Result<u64, Failure> {
    let path = &options.out;
    let failed = |error: io::Error| Failure::failed(format!("write {}: {error}", path.display()));
    let mut to = Target::create_all(path)?;
    let mut newest = None;
    if options.append && to.replaces() {
        let mut old = File::open(path).map_err(failed)?;
        newest = last_time(&mut old, path)?;
        old.rewind().map_err(failed)?;
        io::copy(&mut old, &mut to).map_err(failed)?;
        if ends_within_line(&mut old).map_err(failed)? {
            to.write_all(b"\n").map_err(failed)?;
        }
    }
    let count = rows.write(database, newest, &mut to)?;
    to.finish()?;
    Ok(count)
}

/// Bytes that are read to find a file's last line, which has less.
const TAIL: u64 = 1 << 17;

/// The time of the last line of the output.
fn last_time(file: &mut File, path: &Path) -> Result<Option<i64>, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("read {}: {error}", path.display()));
    let len = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).map_err(failed)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(failed)?;
    let text = String::from_utf8_lossy(&tail);
    let Some(last) = text.lines().rev().find(|line| !is_blank_or_comment(line)) else {
        return Ok(None);
    };
    let time = Line::parse(last).ok().and_then(|line| line.time);
    time.map(|time| Some(time.0)).ok_or_else(|| {
        Failure::failed(format!("{}: its last line has no time: {last:?}", path.display()))
    })
}

fn ends_within_line(file: &mut File) -> io::Result<bool> {
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last != *b"\n")
}
