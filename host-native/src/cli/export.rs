//! `export`: lines out, or Parquet files.

#[cfg(feature = "parquet")]
mod parquet;

use super::args::{DatabaseArg, MetricArgs, RangeArgs};
use super::output::{Out, bytes_text, count_text};
use super::select::{self, Selector};
use super::target::{Target, into_sink};
use super::{Failure, Outcome, damage, open_to_read};
use nanotdb::engine::ExportOptions;
use nanotdb::partition::Partition;
use nanotdb::{Database, Lenient, TimeRange, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
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
    /// Write to this file, replacing it once everything is written [default: standard output]; Parquet goes to a folder or
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
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
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

    let reading = database.lenient();
    let Some(path) = &options.out else {
        write(&reading, &exports, &selector, out)?;
        return damage::tell(&reading.damage());
    };
    let mut target = Target::create(path)?;
    let lines = write(&reading, &exports, &selector, &mut target)?;
    let damage = reading.damage();
    if !damage.is_empty() && target.replaces() {
        drop(target);
        let _ = damage::tell(&damage);
        return Err(Failure::failed(format!(
            "{} stays as it was, since not everything can be read: to get the rest, write to \
             another file or to standard output",
            path.display()
        )));
    }
    target.flush()?;
    let bytes = target.bytes();
    target.finish()?;
    let report = Report {
        root_dir: root.display().to_string(),
        database: database.name().to_string(),
        output_file: path.display().to_string(),
        lines,
        bytes,
        warnings: damage.iter().map(ToString::to_string).collect(),
        duration_ms: started.elapsed().as_millis(),
    };
    if options.json {
        out.json(&report)?;
    } else {
        let (lines, bytes) = (count_text(report.lines), bytes_text(report.bytes));
        let (target, millis) = (&report.output_file, report.duration_ms);
        writeln!(out, "exported {lines} lines, {bytes}, to {target} ({millis} ms)")?;
    }
    damage::tell(&damage)
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
    reading: &Lenient<'_>,
    exports: &[ExportOptions],
    selector: &Selector,
    to: &mut impl Write,
) -> Result<u64, Failure> {
    exports.iter().try_fold(0, |lines, options| {
        let selects = |name: &str| selector.selects(name);
        let more = into_sink(to, |write| reading.export_metrics(*options, selects, write))?;
        Ok(lines + more)
    })
}
