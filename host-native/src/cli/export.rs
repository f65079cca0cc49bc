//! `export`: lines out, or Parquet files.

#[cfg(feature = "parquet")]
mod parquet;

use super::args::{DatabaseArg, MetricArgs, RangeArgs};
use super::output::{Out, bytes_text, count_text};
use super::select::{self, Selector};
use super::target::into_sink;
use super::{Failure, Outcome, open_to_read};
use nanotdb::engine::ExportOptions;
use nanotdb::partition::Partition;
use nanotdb::{Database, TimeRange, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
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
    /// Only these partitions, like 2026-05-14; several with commas [default: all]
    #[arg(long = "part", visible_alias = "parts", value_name = "KEY", value_delimiter = ',')]
    partitions: Vec<String>,
    /// Write to this file, replacing it [default: standard output]; Parquet goes to a folder or
    /// to <s3://bucket/prefix>, a file for each partition
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What is written
    #[cfg(feature = "parquet")]
    #[arg(long, value_enum, default_value = "lp")]
    format: Format,
    /// Write integers as the reference does, without `i`: they come back as floats
    #[arg(long)]
    peer: bool,
    /// Print a report as JSON
    #[arg(long, requires = "out")]
    json: bool,
}

/// What an export can write.
#[cfg(feature = "parquet")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Line protocol, which import takes
    Lp,
    /// Columns with time, metric, name, labels and value
    Parquet,
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
    #[cfg(feature = "parquet")]
    if options.format == Format::Parquet {
        if options.peer {
            return Err(Failure::usage("--peer is about lines: --format parquet has none"));
        }
        return parquet::run(root, &database, &selector, range, options, out);
    }
    let ranges = ranges(&database, range, &options.partitions)?;
    let exports: Vec<ExportOptions> = ranges
        .into_iter()
        .map(|range| ExportOptions { range, integer_suffix: !options.peer })
        .collect();

    let Some(path) = &options.out else {
        write(&database, &exports, &selector, out)?;
        return Ok(());
    };
    let failed = |error: io::Error| Failure::failed(format!("write {}: {error}", path.display()));
    let mut file = Counted { to: File::create(path).map_err(failed)?, bytes: 0 };
    let mut buffered = BufWriter::with_capacity(1 << 18, &mut file);
    let lines = write(&database, &exports, &selector, &mut buffered)?;
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

/// The whole range, or what of it lies in the partitions that were typed, in order of time.
fn ranges(
    database: &Database,
    range: TimeRange,
    typed: &[String],
) -> Result<Vec<TimeRange>, Failure> {
    if typed.is_empty() {
        return Ok(vec![range]);
    }
    let partitioning = database.settings().partition;
    let mut partitions = BTreeSet::new();
    for key in typed {
        let parsed = key.trim().parse::<Partition>().ok();
        let parsed = parsed.filter(|partition| partition.partitioning() == partitioning);
        partitions.insert(parsed.ok_or_else(|| {
            let form = Partition::form(partitioning);
            Failure::usage(format!("--part {key:?}: keys of this database look like {form}"))
        })?);
    }
    let stored = database.partitions();
    let missing = partitions.iter().find(|partition| !stored.contains(&partition.to_string()));
    if let Some(missing) = missing {
        let name = database.name();
        return Err(Failure::failed(format!("{name} has no file of partition {missing}")));
    }
    let within = partitions.into_iter().map(Partition::range);
    Ok(within
        .filter_map(|whole| TimeRange::new(whole.from.max(range.from), whole.to.min(range.to)))
        .collect())
}

fn write(
    database: &Database,
    exports: &[ExportOptions],
    selector: &Selector,
    to: &mut impl Write,
) -> Result<u64, Failure> {
    exports.iter().try_fold(0, |lines, options| {
        let selects = |name: &str| selector.selects(name);
        let more = into_sink(to, |write| database.export_metrics(*options, selects, write))?;
        Ok(lines + more)
    })
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
