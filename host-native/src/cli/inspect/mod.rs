//! `inspect`: what the files of a database say.
//!
//! Files are read directly, and a database that no longer opens can still be looked into. The
//! JSON fields are those of the reference; `records_detail` and `raw-` files are ours.

mod catalog;
mod dat;
mod db;
mod metric;
mod wal;

use super::args::DatabaseArg;
use super::output::Out;
use super::select::database_name;
use super::time::{distance, short};
use super::{Failure, Outcome, must_be_a_root};
use clap::Subcommand;
use nanotdb::Timestamp;
use nanotdb::report::{Span, StartEnd};
use nanotdb::storage::{FsRoot, FsStorage};
use nanotdb_core::storage::{FileName, Storage};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Everything in short: catalog, settings, data, log
    Db(Options),
    /// Names, numbers and types of the metrics
    Catalog(Options),
    /// Raw pages
    Dat(Options),
    /// Metric files
    Metric(Options),
    /// The log of what is not in pages yet
    Wal(Options),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Go into each file: pages, frames, records
    #[arg(long, short)]
    verbose: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(root: &Path, what: &What, out: &mut Out) -> Outcome {
    let (What::Db(options)
    | What::Catalog(options)
    | What::Dat(options)
    | What::Metric(options)
    | What::Wal(options)) = what;
    must_be_a_root(root)?;
    let files = FsRoot::open_read_only(root)?;
    let name = database_name(options.database.database.as_deref(), || Ok(files.databases()?))?;
    if !files.has_database(&name)? {
        return Err(Failure::failed(format!("database not found: {name}")));
    }
    let files = files.database(&name)?;
    let place = Place { directory: root.join(&name), root: root.to_owned(), name, files };
    match what {
        What::Db(_) => db::run(&place, options, out),
        What::Catalog(_) => catalog::run(&place, options, out),
        What::Dat(_) => dat::run(&place, options, out),
        What::Metric(_) => metric::run(&place, options, out),
        What::Wal(_) => wal::run(&place, options, out),
    }
}

/// The database that is looked into.
#[derive(Debug)]
struct Place {
    root: PathBuf,
    directory: PathBuf,
    name: String,
    files: FsStorage,
}

/// The same in reports.
#[derive(Debug, Serialize)]
struct PlaceFields {
    root_dir: String,
    database: String,
    database_dir: String,
}

impl Place {
    fn fields(&self) -> PlaceFields {
        PlaceFields {
            root_dir: self.root.display().to_string(),
            database: self.name.clone(),
            database_dir: self.directory.display().to_string(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// Names of the files that are wanted, sorted.
    fn list(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<FileName>, Failure> {
        let mut names = self.files.list()?;
        names.retain(|name| wanted(name.as_str()));
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(names)
    }

    /// The lines above a table.
    fn heading(&self, out: &mut Out, what: &str) -> io::Result<()> {
        out.heading(&format!("{what} of {}", self.name))?;
        writeln!(out, "in {}", self.directory.display())
    }
}

/// Start and length of a span, for tables.
fn span_cells(span: &Span) -> [String; 2] {
    match span.range() {
        Some(range) => [short(range.from), distance(range.from, range.to)],
        None => ["-".to_string(), "-".to_string()],
    }
}

/// The same of a part of a file.
fn part_cells(part: &StartEnd) -> [String; 2] {
    let (from, to) = (Timestamp(part.start_timestamp_ns), Timestamp(part.end_timestamp_ns));
    [short(from), distance(from, to)]
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
