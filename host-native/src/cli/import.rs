//! `import`: lines in. Good lines are kept whatever stands around them.
//!
//! Nothing is logged: a file can be read again. When the command says that it is done, all pages
//! are synced. What was there before is not added again, so a second run goes on where the first
//! one was ended.

mod packed;

use super::output::{Out, count_text};
use super::{Failure, Outcome, open_with, progress};
use indicatif::ProgressBar;
use nanotdb::engine::{ImportReport, Importer, RejectedLine};
use nanotdb::{OpenOptions, Store};
use serde::Serialize;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Bytes read in one piece.
const CHUNK: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Files to read, `-` for standard input [default: standard input]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A file to read, as the reference names it
    #[arg(long = "in", value_name = "FILE")]
    input: Option<PathBuf>,
    /// Put every line into this database, whatever the line says
    #[arg(long = "db", value_name = "NAME")]
    database: Option<String>,
    /// Rejected lines to name one by one
    #[arg(long, value_name = "N", default_value_t = 20)]
    max_errors: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_file: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    input_files: Vec<String>,
    total_lines: u64,
    imported_lines: u64,
    already_stored_lines: u64,
    skipped_lines: u64,
    rejected_lines: u64,
    databases_seen: Vec<String>,
    /// Samples in partitions of this import that have expired already.
    #[serde(skip_serializing_if = "is_zero")]
    expiring_samples: u64,
    duration_ms: u128,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let mut files: Vec<&Path> = options.input.iter().chain(&options.files).map(|f| &**f).collect();
    if files.is_empty() {
        files.push(Path::new("-"));
    }
    let started = Instant::now();
    let store = open_with(root, OpenOptions::default().logs(false))?;
    #[cfg(any(feature = "collect", feature = "server"))]
    close_when_asked(&store)?;
    let mut total = ImportReport::default();
    let mut complaints = Complaints { left: options.max_errors, unsaid: 0 };
    let read = files.iter().try_for_each(|file| {
        let name = (files.len() > 1).then_some(*file);
        let report = import(&store, file, name, options, &mut complaints)?;
        add(&mut total, report);
        Ok::<(), Failure>(())
    });
    complaints.finish();
    store.open_databases().iter().for_each(|database| super::tell_notes(database));
    let expiring = super::settle(&store);
    // Whatever stopped the reading, what was taken must reach the disk.
    store.close()?;
    read?;

    let mut names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let report = Report {
        root_dir: root.display().to_string(),
        input_file: (names.len() == 1).then(|| names.remove(0)),
        input_files: names,
        total_lines: total.total_lines,
        imported_lines: total.imported_lines,
        already_stored_lines: total.already_stored_lines,
        skipped_lines: total.skipped_lines,
        rejected_lines: total.rejected_lines,
        databases_seen: total.databases.into_iter().collect(),
        expiring_samples: expiring,
        duration_ms: started.elapsed().as_millis(),
    };
    if options.json {
        out.json(&report)?;
    } else {
        summary(out, &report)?;
    }
    if report.rejected_lines > 0 { Err(Failure::Reported) } else { Ok(()) }
}

fn summary(out: &mut Out, report: &Report) -> io::Result<()> {
    let count = count_text;
    let (imported, total) = (count(report.imported_lines), count(report.total_lines));
    write!(out, "imported {imported} of {total} lines")?;
    if report.already_stored_lines > 0 {
        write!(out, ", {} already there", count(report.already_stored_lines))?;
    }
    if report.skipped_lines > 0 {
        write!(out, ", {} blank or comments", count(report.skipped_lines))?;
    }
    if report.rejected_lines > 0 {
        write!(out, ", {} rejected", count(report.rejected_lines))?;
    }
    if !report.databases_seen.is_empty() {
        write!(out, ", into {}", report.databases_seen.join(", "))?;
    }
    writeln!(out, " ({} ms)", report.duration_ms)
}

fn add(total: &mut ImportReport, report: ImportReport) {
    total.total_lines += report.total_lines;
    total.imported_lines += report.imported_lines;
    total.already_stored_lines += report.already_stored_lines;
    total.skipped_lines += report.skipped_lines;
    total.rejected_lines += report.rejected_lines;
    total.databases.extend(report.databases);
}

/// Keeps what was read so far when the program is asked to end.
#[cfg(any(feature = "collect", feature = "server"))]
fn close_when_asked(store: &Store) -> io::Result<()> {
    let (stop, engine) = (super::stop::asked()?, std::sync::Arc::clone(store.engine()));
    std::thread::spawn(move || {
        if stop.recv().is_err() {
            return;
        }
        let said = match engine.close() {
            Ok(()) => "interrupted: what was read so far is stored, import it again for the rest",
            Err(_) => "interrupted, and not all that was read could be stored: import it again",
        };
        let _ = writeln!(io::stderr(), "{said}");
        std::process::exit(1);
    });
    Ok(())
}

fn import(
    store: &Store,
    file: &Path,
    name: Option<&Path>,
    options: &Options,
    complaints: &mut Complaints,
) -> Result<ImportReport, Failure> {
    let (input, size) = open(file)?;
    let progress = progress(size);
    let failed = |error: io::Error| Failure::failed(format!("read {}: {error}", file.display()));
    let packed::Text { text: mut input, read_so_far } = packed::unpacked(input).map_err(failed)?;
    let mut importer = Importer::of_file(&**store.engine(), options.database.as_deref());
    let mut rejected = |line: RejectedLine| {
        progress.suspend(|| complaints.say(name, &line));
    };
    let started = Instant::now();
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        importer.feed(buffer.get(..read).unwrap_or_default(), &mut rejected)?;
        progress.set_position(read_so_far.get());
        let lines = importer.report().total_lines;
        progress.set_message(pace(lines, started));
    }
    let report = importer.finish_uncut(&mut rejected)?;
    progress.finish_and_clear();
    Ok(report)
}

/// Lines so far, and in a second.
fn pace(lines: u64, since: Instant) -> String {
    let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let in_a_second = lines.saturating_mul(1000) / millis;
    format!("{} lines, {} lines/s", count_text(lines), count_text(in_a_second))
}

/// What to read, and how long it is where that is known.
fn open(file: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if file == Path::new("-") {
        if io::stdin().is_terminal() {
            let _ = writeln!(io::stderr(), "reading lines from the terminal, ends with Ctrl-D");
        }
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let failed = |error: io::Error| Failure::failed(format!("open {}: {error}", file.display()));
    let input = File::open(file).map_err(failed)?;
    let about = input.metadata().map_err(failed)?;
    Ok((Box::new(input), about.is_file().then_some(about.len())))
}

/// No bar over lines that somebody is typing.
fn progress(size: Option<u64>) -> ProgressBar {
    if size.is_none() && io::stdin().is_terminal() {
        return ProgressBar::hidden();
    }
    progress::bytes(size)
}

/// Names rejected lines on standard error until there are too many.
#[derive(Debug)]
struct Complaints {
    left: u64,
    unsaid: u64,
}

impl Complaints {
    fn say(&mut self, file: Option<&Path>, line: &RejectedLine) {
        if self.left == 0 {
            self.unsaid += 1;
            return;
        }
        self.left -= 1;
        let place = match file {
            Some(file) => format!("{}, line {}", file.display(), line.number),
            None => format!("line {}", line.number),
        };
        let _ = writeln!(io::stderr(), "{place}: {}", line.reason);
    }

    fn finish(&self) {
        if self.unsaid > 0 {
            let count = count_text(self.unsaid);
            let _ = writeln!(io::stderr(), "and {count} more rejected lines (see --max-errors)");
        }
    }
}
