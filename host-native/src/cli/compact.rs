//! `compact`: the pages of a partition written anew.

use super::args::DatabaseArg;
use super::output::{Out, bytes_text, count_text};
use super::{Outcome, open_to_write, progress, select};
use nanotdb::Database;
use nanotdb::engine::RecompactReport;
use nanotdb::report::Recompacted;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Partition to write anew, like 2026-05-14
    #[arg(long = "part", value_name = "KEY")]
    partition: String,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_write(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let progress = progress::spinner(format!("compacting {}", options.partition));
    let done = recompact(&database, &options.partition);
    progress.finish_and_clear();
    store.close()?;
    let report = Recompacted::of(done?, root, started.elapsed());
    if options.json {
        return Ok(out.json(&report)?);
    }
    let (frames, bytes) = (count_text(report.old_frames), bytes_text(report.old_bytes));
    let (new_frames, new_bytes) = (count_text(report.new_frames), bytes_text(report.new_bytes));
    let Recompacted { path, new_records, duration_ms, .. } = report;
    writeln!(out, "compacted {path}: {} samples", count_text(new_records))?;
    writeln!(out, "  before  {frames} pages, {bytes}")?;
    writeln!(out, "  after   {new_frames} pages, {new_bytes} ({duration_ms} ms)")?;
    Ok(())
}

/// What the log brought back is in memory, and pages of it are to be written first.
fn recompact(database: &Database, key: &str) -> nanotdb::Result<RecompactReport> {
    database.flush()?;
    database.recompact(key)
}
