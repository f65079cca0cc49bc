//! `verify`: is everything whole?

use super::args::DatabaseArg;
use super::output::{BAD, GOOD, Out, bytes_text, count_text};
use super::select::database_name;
use super::{Failure, Outcome, open_to_read};
use nanotdb::engine::FileCheck;
use nanotdb::metric_file::Version;
use nanotdb::storage::StorageErrorKind;
use nanotdb::{Error, Store};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    databases: Vec<Checked>,
    is_whole: bool,
    duration_ms: u128,
}

#[derive(Debug, Serialize)]
struct Checked {
    database: String,
    files: Vec<CheckedFile>,
    /// What is wrong outside of files, or keeps the database from being read at all.
    problems: Vec<String>,
    /// Why the database could not be opened now, which is no damage.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<String>,
}

#[derive(Debug, Serialize)]
struct CheckedFile {
    file: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u16>,
    frames: u64,
    samples: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    equals_raw: Option<bool>,
    problems: Vec<String>,
    /// Why the file could not be read now, which is no damage.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<String>,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    let store = open_to_read(root)?;
    let names = match options.database.database.as_deref() {
        Some(typed) => {
            let name = database_name(Some(typed), || Ok(Vec::new()))?;
            vec![store.database(&name).map(|_| name)?]
        }
        None => store.databases()?,
    };
    let databases: Vec<Checked> = names.into_iter().map(|name| check(&store, name)).collect();
    let is_whole = databases.iter().all(Checked::is_whole);
    let root_dir = root.display().to_string();
    let duration_ms = started.elapsed().as_millis();
    let report = Report { root_dir, databases, is_whole, duration_ms };
    if options.json {
        out.json(&report)?;
    } else {
        show(&report, out)?;
    }
    if is_whole { Ok(()) } else { Err(Failure::Reported) }
}

fn check(store: &Store, database: String) -> Checked {
    let mut checked = Checked { database, files: Vec::new(), problems: Vec::new(), unread: None };
    let files = &mut checked.files;
    let verified = store
        .database(&checked.database)
        .and_then(|database| database.verify(|check| files.push(CheckedFile::new(check))));
    match verified {
        Ok(_) => {}
        Err(Error::Storage(error)) if is_for_now(error.kind) => checked.unread = Some(error.detail),
        Err(error) => checked.problems.push(error.to_string()),
    }
    checked
}

/// Whether the system refused to open something, whatever that holds.
const fn is_for_now(kind: StorageErrorKind) -> bool {
    matches!(kind, StorageErrorKind::Denied | StorageErrorKind::TooManyFiles)
}

impl Checked {
    fn is_whole(&self) -> bool {
        !self.is_damaged() && self.is_read()
    }

    fn is_damaged(&self) -> bool {
        !self.problems.is_empty() || self.files.iter().any(|file| !file.problems.is_empty())
    }

    /// Whether everything could be read.
    fn is_read(&self) -> bool {
        self.unread.is_none() && self.files.iter().all(|file| file.unread.is_none())
    }
}

impl CheckedFile {
    fn new(check: &FileCheck) -> Self {
        Self {
            file: check.file.as_str().to_string(),
            bytes: check.bytes,
            version: check.version.map(Version::number),
            frames: check.frames,
            samples: check.samples,
            equals_raw: check.equals_raw,
            problems: check.problems.clone(),
            unread: check.unread.clone(),
        }
    }
}

const COLUMNS: [(&str, bool); 7] = [
    ("file", false),
    ("version", false),
    ("bytes", true),
    ("frames", true),
    ("samples", true),
    ("state", false),
    ("", false),
];

fn show(report: &Report, out: &mut Out) -> io::Result<()> {
    for database in &report.databases {
        out.heading(&format!("Database {}", database.database))?;
        if !database.files.is_empty() {
            out.table(&COLUMNS, database.files.iter().map(row), 0)?;
        }
        let in_files = database.files.iter().flat_map(|file| {
            let unread = file.unread.iter().map(|reason| format!("not read: {reason}"));
            let problems = file.problems.iter().map(|problem| format!("{}: {problem}", file.file));
            problems.chain(unread)
        });
        let unread = database.unread.iter().map(|reason| format!("not read: {reason}"));
        for problem in database.problems.iter().cloned().chain(unread).chain(in_files) {
            let problem = out.styled(BAD, problem);
            writeln!(out, "  {problem}")?;
        }
        writeln!(out)?;
    }
    let files = report.databases.iter().flat_map(|database| &database.files);
    let bytes = bytes_text(files.clone().map(|file| file.bytes).sum());
    let count = count_text(u64::try_from(files.count()).unwrap_or(0));
    let (style, verdict) = if report.is_whole {
        (GOOD, "everything is whole")
    } else if report.databases.iter().any(Checked::is_damaged) {
        (BAD, "there is damage")
    } else {
        (BAD, "not everything could be read now, what could be is whole")
    };
    let verdict = out.styled(style, verdict);
    writeln!(out, "{verdict}: {count} files, {bytes} ({} ms)", report.duration_ms)
}

fn row(file: &CheckedFile) -> Vec<String> {
    let state = match (&file.unread, file.problems.is_empty()) {
        (Some(_), _) => "NOT READ",
        (None, true) => "whole",
        (None, false) => "DAMAGED",
    };
    let note = match file.equals_raw {
        Some(true) => "same as its raw pages",
        Some(false) => "has not all that the raw pages have",
        None => "",
    };
    vec![
        file.file.clone(),
        file.version.map_or_else(String::new, |version| format!("v{version}")),
        count_text(file.bytes),
        count_text(file.frames),
        count_text(file.samples),
        state.to_string(),
        note.to_string(),
    ]
}
