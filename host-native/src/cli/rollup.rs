//! `rollup`: what rollups could have written, compared with what is there and mended.

use super::output::{Out, count_text};
use super::{Outcome, open_to_write, progress, tell_notes};
use nanotdb::engine::{BackfillReport, RollupRun};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A source, with all that its rollups lead to; may be repeated [default: all]
    #[arg(long = "db", value_name = "NAME")]
    databases: Vec<String>,
    /// Only go on from the checkpoints, as the engine does by itself
    #[arg(long)]
    due: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// The reference's fields first. Nothing is ever cleared, so those lists are empty.
#[derive(Debug, Default, Serialize)]
struct Report {
    requested_sources: Vec<String>,
    source_databases: Vec<String>,
    destination_databases: Vec<String>,
    cleared_checkpoint_files: [String; 0],
    cleared_data_files: [String; 0],
    cleared_wal_files: [String; 0],
    cleared_catalog_files: [String; 0],
    replay_passes: usize,
    rebuilt_partitions: Vec<String>,
    samples: u64,
    problems: Vec<String>,
    duration_ms: u128,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_write(root)?;
    let names: Vec<&str> = options.databases.iter().map(|name| name.trim()).collect();
    let progress = progress::spinner("computing rollups".to_string());
    let done = if options.due {
        due(&store, &names)
    } else {
        store.backfill_rollups(&names).map(Report::from)
    };
    progress.finish_and_clear();
    store.open_databases().iter().for_each(|database| tell_notes(database));
    store.close()?;
    let mut report = done?;
    report.duration_ms = started.elapsed().as_millis();
    if options.json {
        out.json(&report)?;
    } else {
        show(&report, options.due, out)?;
    }
    if report.problems.is_empty() { Ok(()) } else { Err(super::Failure::Reported) }
}

/// Goes on from the checkpoints of some databases, or of all.
fn due(store: &nanotdb::Store, names: &[&str]) -> nanotdb::Result<Report> {
    let all = store.databases()?;
    let names: Vec<&str> = match names {
        [] => all.iter().map(String::as_str).collect(),
        names => names.to_vec(),
    };
    let mut report = Report::default();
    for name in names {
        if !store.database(name)?.settings().rollups.enabled {
            continue;
        }
        let RollupRun { source, destinations, samples, problems, .. } = store.run_rollups(name)?;
        report.source_databases.push(source);
        report.destination_databases.extend(destinations);
        report.samples += samples;
        report.problems.extend(problems);
    }
    report.destination_databases.sort();
    report.destination_databases.dedup();
    Ok(report)
}

impl From<BackfillReport> for Report {
    fn from(report: BackfillReport) -> Self {
        Self {
            requested_sources: report.requested_sources,
            replay_passes: report.source_databases.len(),
            source_databases: report.source_databases,
            destination_databases: report.destination_databases,
            rebuilt_partitions: report.rebuilt_partitions,
            samples: report.samples,
            problems: report.problems,
            ..Self::default()
        }
    }
}

fn show(report: &Report, due: bool, out: &mut Out) -> io::Result<()> {
    if report.source_databases.is_empty() {
        return writeln!(out, "No rollup sources found.");
    }
    writeln!(out, "sources:      {}", report.source_databases.join(", "))?;
    writeln!(out, "destinations: {}", report.destination_databases.join(", "))?;
    let samples = count_text(report.samples);
    let what = if due { "written" } else { "computed and compared" };
    write!(out, "{samples} samples {what}")?;
    if !due {
        match report.rebuilt_partitions.as_slice() {
            [] => write!(out, ", nothing was missing or different")?,
            rebuilt => write!(out, ", mended {}", rebuilt.join(", "))?,
        }
    }
    writeln!(out, " ({} ms)", report.duration_ms)?;
    for problem in &report.problems {
        writeln!(out, "{problem}")?;
    }
    Ok(())
}
