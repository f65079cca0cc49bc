//! `recover`: what a damaged data file still holds, in a file of its own.
//!
//! Nothing is opened but the data file, so this works where the database does not open, and
//! beside a process that writes. It never changes the store.

use super::args::DatabaseArg;
use super::output::{Out, bytes_text, count_text};
use super::select::database_name;
use super::target::{self, Target, into_sink};
use super::{Failure, Outcome, must_be_a_root, progress};
use nanotdb::engine::{FileKind, RecoverReport, salvage};
use nanotdb::partition::Partition;
use nanotdb::storage::FsRoot;
use nanotdb_core::storage::{FileName, Storage, StorageFile};
use serde::Serialize;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Partition whose data file is damaged, like 2026-05-14
    #[arg(long = "part", value_name = "KEY")]
    partition: String,
    /// Write intact pages to this file, replacing it; relative to the store
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    database: String,
    part: String,
    source_path: String,
    output_path: String,
    source_bytes: u64,
    output_bytes: u64,
    recovered_frames: u64,
    recovered_records: u64,
    skipped_bytes: u64,
    rejected_frames: u64,
    first_accepted_offset: u64,
    last_accepted_offset: u64,
    duration_ms: u128,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    must_be_a_root(root)?;
    let files = FsRoot::open_read_only(root)?;
    let typed = options.database.database.as_deref();
    let database = database_name(typed, || Ok(files.databases()?))?;
    if !files.has_database(&database)? {
        return Err(Failure::failed(format!("database not found: {database}")));
    }
    let storage = files.database(&database)?;
    let partition: Partition = options.partition.trim().parse().map_err(|_| {
        Failure::usage(format!("--part {}: this is no key of a partition", options.partition))
    })?;
    let source = root.join(&database).join(FileKind::Data.name(partition)?.as_str());
    // Under the root also where that is a relative path.
    let output = root.join(&options.out);
    refuse_own_files(root, &source, &output)?;

    let size = storage.open(&FileKind::Data.name(partition)?)?.len()?;
    let bar = progress::bytes(Some(size));
    let codecs = nanotdb::codecs::native();
    let mut target = Target::create_all(&output)?;
    let salvaged = into_sink(&mut target, |write| {
        salvage(&storage, partition, &codecs, |offset, frame| {
            bar.set_position(offset);
            write(frame)
        })
    });
    bar.finish_and_clear();
    let salvaged = salvaged?;
    target.finish()?;
    tell_if_logged(&storage, &database)?;

    let report = Report::new(database, partition, &source, &output, &salvaged, started);
    Ok(if options.json { out.json(&report) } else { report.show(out) }?)
}

/// A file of the store that the engine reads is not to be replaced behind its back.
fn refuse_own_files(root: &Path, source: &Path, output: &Path) -> Outcome {
    let Some(resolved) = target::resolve(output)? else { return Ok(()) };
    let refused = |what: &str| Failure::usage(format!("--out {}: {what}", output.display()));
    if fs::canonicalize(source).is_ok_and(|source| source == resolved) {
        return Err(refused("this is the damaged file itself"));
    }
    // A directory that is yet to be made is none of the store.
    let directory = resolved.parent().and_then(|parent| fs::canonicalize(parent).ok());
    let store = fs::canonicalize(root)?;
    let inside = directory.is_some_and(|directory| directory.starts_with(store));
    let name = resolved.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let ends = [".wal", ".toml", ".json"];
    if inside && (FileKind::parse(name).is_some() || ends.iter().any(|end| name.ends_with(end))) {
        return Err(refused("the store itself reads files of this name"));
    }
    Ok(())
}

/// The logs know the data file by its length; another file in its place must find them empty.
fn tell_if_logged(storage: &impl Storage, database: &str) -> Outcome {
    for log in [format!("{database}.wal"), format!("{database}.late.wal")] {
        let bytes = storage.read(&FileName::new(&log)?)?.unwrap_or_default();
        if bytes.iter().any(|&byte| byte != 0) {
            let _ = writeln!(
                io::stderr(),
                "note: {log} holds samples that are in no data file yet: before another data file \
                 is put in place, let a command that writes open the store, which empties the log"
            );
        }
    }
    Ok(())
}

impl Report {
    fn new(
        database: String,
        partition: Partition,
        source: &Path,
        output: &Path,
        salvaged: &RecoverReport,
        started: Instant,
    ) -> Self {
        Self {
            database,
            part: partition.to_string(),
            source_path: source.display().to_string(),
            output_path: output.display().to_string(),
            source_bytes: salvaged.source_bytes,
            output_bytes: salvaged.output_bytes,
            recovered_frames: salvaged.recovered_frames,
            recovered_records: salvaged.recovered_records,
            skipped_bytes: salvaged.skipped_bytes,
            rejected_frames: salvaged.rejected_frames,
            first_accepted_offset: salvaged.first_accepted_offset.unwrap_or(0),
            last_accepted_offset: salvaged.last_accepted_offset.unwrap_or(0),
            duration_ms: started.elapsed().as_millis(),
        }
    }

    fn show(&self, out: &mut Out) -> io::Result<()> {
        let (frames, records) =
            (count_text(self.recovered_frames), count_text(self.recovered_records));
        let (bytes, of) = (bytes_text(self.output_bytes), bytes_text(self.source_bytes));
        let (skipped, rejected) =
            (bytes_text(self.skipped_bytes), count_text(self.rejected_frames));
        let (source, target, millis) = (&self.source_path, &self.output_path, self.duration_ms);
        writeln!(out, "recovered {records} samples in {frames} pages, {bytes} of {of}")?;
        writeln!(out, "  from     {source}")?;
        writeln!(out, "  to       {target}")?;
        writeln!(
            out,
            "  left out {skipped} of damage, {rejected} pages of other partitions ({millis} ms)"
        )
    }
}
