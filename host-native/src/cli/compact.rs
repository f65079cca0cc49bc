//! `compact`: the pages of a partition written anew.

use super::args::DatabaseArg;
use super::output::{Out, bytes_text, count_text};
use super::{Outcome, open_to_write, progress, select};
use nanotdb::Database;
use nanotdb::engine::RecompactReport;
use serde::Serialize;
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

#[derive(Debug, Serialize)]
struct Report {
    database: String,
    part: String,
    path: String,
    old_frames: u64,
    new_frames: u64,
    old_records: u64,
    new_records: u64,
    old_bytes: u64,
    new_bytes: u64,
    duration_ms: u128,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_write(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let progress = progress::spinner(format!("compacting {}", options.partition));
    let done = recompact(&database, &options.partition);
    progress.finish_and_clear();
    store.close()?;
    let RecompactReport { database, partition, file, old, new, .. } = done?;
    let path = root.join(&database).join(file.as_str()).display().to_string();
    if options.json {
        let report = Report {
            database,
            part: partition,
            path,
            old_frames: old.frames,
            new_frames: new.frames,
            old_records: old.records,
            new_records: new.records,
            old_bytes: old.bytes,
            new_bytes: new.bytes,
            duration_ms: started.elapsed().as_millis(),
        };
        return Ok(out.json(&report)?);
    }
    let (frames, bytes) = (count_text(old.frames), bytes_text(old.bytes));
    let (new_frames, new_bytes) = (count_text(new.frames), bytes_text(new.bytes));
    let (records, millis) = (count_text(new.records), started.elapsed().as_millis());
    writeln!(out, "compacted {path}: {records} samples")?;
    writeln!(out, "  before  {frames} pages, {bytes}")?;
    writeln!(out, "  after   {new_frames} pages, {new_bytes} ({millis} ms)")?;
    Ok(())
}

/// What the log brought back is in memory, and pages of it are to be written first.
fn recompact(database: &Database, key: &str) -> nanotdb::Result<RecompactReport> {
    database.flush()?;
    database.recompact(key)
}
