//! Measures what the reference engine was measured at, on the same workload; see
//! `docs/BENCHMARKS.md`.
#![forbid(unsafe_code)]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with a few digits")]

mod duckdb;
mod files;
mod ingest;
mod lines;
mod measure;
mod month;
mod queries;
mod reference;
mod reopen;
mod report;
mod stores;

use report::Bench;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: bench [FILTER]... [--list] [--json] [--repeats N] [--dir PATH]

Runs the cases whose names contain a filter, or all. A filter ending in $ must be the name's end.
  --list       name the cases instead
  --json       print JSON at the end instead of a table
  --repeats N  how often to measure what is not a query (5)
  --dir PATH   where to work, on a real disk (beside this program)";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "child").is_some() {
        let arguments: Vec<String> = arguments.collect();
        child(&arguments);
        return ExitCode::SUCCESS;
    }
    let Some(mut bench) = parse(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    bench.begin();
    measure::sync(&mut bench);
    ingest::run(&mut bench);
    lines::run(&mut bench);
    files::run(&mut bench);
    queries::run(&mut bench);
    reopen::run(&mut bench);
    month::run(&mut bench);
    duckdb::run(&mut bench);
    bench.end();
    ExitCode::SUCCESS
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Bench> {
    let (mut filters, mut repeats, mut list, mut json) = (vec![], 5, false, false);
    let program = std::env::current_exe().ok()?;
    let mut directory = program.parent()?.to_path_buf();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => list = true,
            "--json" => json = true,
            "--repeats" => repeats = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
            "--dir" => directory = PathBuf::from(arguments.next()?),
            option if option.starts_with('-') => return None,
            _ => filters.push(argument),
        }
    }
    Some(Bench::new(filters, repeats, directory, list, json))
}

/// What this program does when it started itself.
fn child(arguments: &[String]) {
    match arguments {
        [what, root] if what == "first-call" => queries::first_call(Path::new(root)),
        [what, case, root] if what == "reopen" => reopen::write(case, Path::new(root)),
        [what, phase, root] if what == "month" => month::phase(phase, Path::new(root)),
        _ => panic!("no such task: {arguments:?}"),
    }
}
