//! Measures columns of values and times in bytes and in points a second: ours, what general-purpose
//! compressors make of v2's layout, `pco` and Parquet; see `docs/BENCHMARKS.md`.
#![forbid(unsafe_code)]
#![expect(clippy::cast_precision_loss, reason = "figures are shown with a few digits")]

mod column;
mod contenders;
mod made;
mod measure;
mod report;
mod sets;

use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: bench-columns [FILTER]... [--only NAME]... [--each] [--list] [--json]
                     [--repeats N] [--budget MS] [--real PATH]

Measures the sets whose names contain a filter, or all.
  --only NAME   of the contenders only those whose names contain this; may be repeated
  --each        each real series as a set of its own, too
  --list        name the sets and contenders instead
  --json        print JSON at the end instead of tables
  --repeats N   how often to measure at most (9)
  --budget MS   begin no further repeats of a figure after this time (1000)
  --real PATH   the archive of real series; without it that of NANOTDB_REAL_SERIES, if set";

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    filters: Vec<String>,
    only: Vec<String>,
    pub(crate) each: bool,
    list: bool,
    json: bool,
    pub(crate) repeats: usize,
    pub(crate) budget: Duration,
    pub(crate) real: Option<PathBuf>,
}

impl Options {
    pub(crate) fn wants_set(&self, name: &str) -> bool {
        contains_any(name, &self.filters)
    }

    pub(crate) fn wants_contender(&self, name: &str) -> bool {
        contains_any(name, &self.only)
    }
}

fn contains_any(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if options.list {
        list(&options);
        return ExitCode::SUCCESS;
    }
    let mut report = Report::new(options.json);
    report.begin();
    for set in sets::all(&options) {
        report.add(measure::set(&set, &options));
    }
    report.end();
    ExitCode::SUCCESS
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        filters: vec![],
        only: vec![],
        each: false,
        list: false,
        json: false,
        repeats: 9,
        budget: Duration::from_secs(1),
        real: None,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--each" => options.each = true,
            "--list" => options.list = true,
            "--json" => options.json = true,
            "--only" => options.only.push(arguments.next()?),
            "--repeats" => options.repeats = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
            "--budget" => {
                options.budget = Duration::from_millis(arguments.next()?.parse().ok()?);
            }
            "--real" => options.real = Some(PathBuf::from(arguments.next()?)),
            option if option.starts_with('-') => return None,
            _ => options.filters.push(argument),
        }
    }
    Some(options)
}

fn list(options: &Options) {
    for set in sets::all(options) {
        println!("set {}: {} columns, {} points", set.name, set.columns.len(), set.points());
        for case in contenders::cases(&set, options) {
            println!("    {}", case.name());
        }
    }
}
