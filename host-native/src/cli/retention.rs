//! `retention`: expired partitions are deleted or archived now.

use super::args::DatabaseArg;
use super::output::{Out, bytes_text};
use super::{Outcome, open_to_write, progress, tell_notes};
use nanotdb::engine::Retired;
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// The clock is right, however far it is after the last run
    #[arg(long)]
    yes: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    databases: Vec<Applied>,
    duration_ms: u128,
}

#[derive(Debug, Serialize)]
struct Applied {
    database: String,
    retention_action: &'static str,
    retention_days: u64,
    partitions: Vec<Gone>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Gone {
    partition: String,
    files: Vec<String>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<String>,
}

impl From<Retired> for Gone {
    fn from(retired: Retired) -> Self {
        Self {
            partition: retired.partition,
            files: retired.files.iter().map(ToString::to_string).collect(),
            bytes: retired.bytes,
            archive: retired.archive.map(|archive| archive.to_string()),
        }
    }
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_write(root)?;
    let names = match &options.database.database {
        Some(name) => vec![name.trim().to_string()],
        None => store.databases()?,
    };
    if options.yes {
        store.confirm_clock()?;
    } else {
        ask_all(&store, &names)?;
    }
    let progress = progress::spinner("applying retention".to_string());
    let applied: nanotdb::Result<Vec<Applied>> =
        names.iter().map(|name| apply(&store, name)).collect();
    progress.finish_and_clear();
    store.close()?;
    let report = Report {
        root_dir: root.display().to_string(),
        databases: applied?,
        duration_ms: started.elapsed().as_millis(),
    };
    if options.json {
        out.json(&report)?;
    } else {
        show(&report, out)?;
    }
    let is_done = report.databases.iter().all(|applied| applied.problems.is_empty());
    if is_done { Ok(()) } else { Err(super::Failure::Reported) }
}

/// Opens the databases that are asked for, and the others where those leave the clock in doubt: a
/// database whose sensors are gone does not know what time it is.
fn ask_all(store: &nanotdb::Store, names: &[String]) -> nanotdb::Result<()> {
    for name in names {
        store.database(name)?;
    }
    if store.check_clock().is_some() {
        for name in store.databases()? {
            // One that does not open knows nothing.
            let _ = store.database(&name);
        }
        store.check_clock();
    }
    Ok(())
}

fn apply(store: &nanotdb::Store, name: &str) -> nanotdb::Result<Applied> {
    let database = store.database(name)?;
    tell_notes(&database);
    let settings = database.settings();
    let done = store.apply_retention(name)?;
    Ok(Applied {
        database: name.to_string(),
        retention_action: settings.retention_action.name(),
        retention_days: settings.retention_days,
        partitions: done.retired.into_iter().map(Gone::from).collect(),
        problems: done.problems,
    })
}

fn show(report: &Report, out: &mut Out) -> io::Result<()> {
    for Applied { database, retention_action, retention_days, partitions, problems } in
        &report.databases
    {
        writeln!(out, "{database}: {retention_action} after {retention_days} days")?;
        for Gone { partition, files, bytes, archive } in partitions {
            let place = archive.as_ref().map_or("deleted".to_string(), |a| format!("in {a} now"));
            writeln!(out, "  {partition}: {}, {}, {place}", files.join(", "), bytes_text(*bytes))?;
        }
        if partitions.is_empty() && problems.is_empty() {
            writeln!(out, "  nothing has expired")?;
        }
        for problem in problems {
            writeln!(out, "  {problem}")?;
        }
    }
    Ok(())
}
