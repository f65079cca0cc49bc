//! `rollup`: what rollups could have written, compared with what is there and mended.

use super::output::{Out, count_text};
use super::{Outcome, open_to_write, progress, tell_notes};
use nanotdb::engine::RollupRun;
use nanotdb::report::Backfill;
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

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    backfill: Backfill,
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
        store.backfill_rollups(&names).map(Backfill::from)
    };
    progress.finish_and_clear();
    store.open_databases().iter().for_each(|database| tell_notes(database));
    store.close()?;
    let report = Report { backfill: done?, duration_ms: started.elapsed().as_millis() };
    if options.json {
        out.json(&report)?;
    } else {
        show(&report, options.due, out)?;
    }
    if report.backfill.problems.is_empty() { Ok(()) } else { Err(super::Failure::Reported) }
}

/// Goes on from the checkpoints of some databases, or of all.
fn due(store: &nanotdb::Store, names: &[&str]) -> nanotdb::Result<Backfill> {
    let all = store.databases()?;
    let names: Vec<&str> = match names {
        [] => all.iter().map(String::as_str).collect(),
        names => names.to_vec(),
    };
    let mut report = Backfill::default();
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

fn show(report: &Report, due: bool, out: &mut Out) -> io::Result<()> {
    let Report { backfill, duration_ms } = report;
    if backfill.source_databases.is_empty() {
        return writeln!(out, "No rollup sources found.");
    }
    writeln!(out, "sources:      {}", backfill.source_databases.join(", "))?;
    writeln!(out, "destinations: {}", backfill.destination_databases.join(", "))?;
    let samples = count_text(backfill.samples);
    let what = if due { "written" } else { "computed and compared" };
    write!(out, "{samples} samples {what}")?;
    if !due {
        match backfill.rebuilt_partitions.as_slice() {
            [] => write!(out, ", nothing was missing or different")?,
            rebuilt => write!(out, ", mended {}", rebuilt.join(", "))?,
        }
    }
    writeln!(out, " ({duration_ms} ms)")?;
    for problem in &backfill.problems {
        writeln!(out, "{problem}")?;
    }
    Ok(())
}
