//! `export`: lines out.

use super::args::{DatabaseArg, MetricArgs, RangeArgs};
use super::output::{Out, bytes_text, count_text};
use super::select::{self, Selector};
use super::{Failure, Outcome, open_to_read};
use nanotdb::engine::ExportOptions;
use nanotdb::storage::{StorageError, StorageErrorKind};
use nanotdb::{Database, Timestamp};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    #[command(flatten)]
    metrics: MetricArgs,
    #[command(flatten)]
    range: RangeArgs,
    /// Write to this file, replacing it [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write integers as the reference does, without `i`: they come back as floats
    #[arg(long)]
    peer: bool,
    /// Print a report as JSON
    #[arg(long, requires = "out")]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    output_file: String,
    lines: u64,
    bytes: u64,
    duration_ms: u128,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_read(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let selector = Selector::new(&options.metrics, &database.metrics())?;
    // To the very end, not until now: what lies in the future is exported, too.
    let range = options.range.resolve(store.now(), Timestamp::MIN, Timestamp::MAX)?;
    let export = ExportOptions { range, integer_suffix: !options.peer };

    let Some(path) = &options.out else {
        write(&database, export, &selector, out)?;
        return Ok(());
    };
    let failed = |error: io::Error| Failure::failed(format!("write {}: {error}", path.display()));
    let mut file = Counted { to: File::create(path).map_err(failed)?, bytes: 0 };
    let mut buffered = BufWriter::with_capacity(1 << 18, &mut file);
    let lines = write(&database, export, &selector, &mut buffered)?;
    buffered.flush().map_err(failed)?;
    drop(buffered);
    file.to.sync_all().or_else(only_files_sync).map_err(failed)?;
    let report = Report {
        root_dir: root.display().to_string(),
        database: database.name().to_string(),
        output_file: path.display().to_string(),
        lines,
        bytes: file.bytes,
        duration_ms: started.elapsed().as_millis(),
    };
    if options.json {
        return Ok(out.json(&report)?);
    }
    let (lines, bytes) = (count_text(report.lines), bytes_text(report.bytes));
    let (target, millis) = (&report.output_file, report.duration_ms);
    writeln!(out, "exported {lines} lines, {bytes}, to {target} ({millis} ms)")?;
    Ok(())
}

fn write(
    database: &Database,
    options: ExportOptions,
    selector: &Selector,
    to: &mut impl Write,
) -> Result<u64, Failure> {
    let mut failed: Option<io::Error> = None;
    let exported = database.export_metrics(
        options,
        |name| selector.selects(name),
        |text| {
            to.write_all(text).map_err(|error| {
                // Stops the scan; the caller hears the true reason below.
                let stop = StorageError::new(StorageErrorKind::Io, error.to_string());
                failed = Some(error);
                stop.into()
            })
        },
    );
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(exported?),
    }
}

/// A pipe or a device cannot be synced, and need not be.
fn only_files_sync(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) }
}

/// Counts what passes.
#[derive(Debug)]
struct Counted {
    to: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += u64::try_from(written).unwrap_or(0);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
