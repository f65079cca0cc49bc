//! `delete`: stored samples are deleted.

use super::args::DatabaseArg;
use super::output::{Out, count_text};
use super::time::Moment;
use super::{Failure, Outcome, open_to_read, open_to_write, progress, select};
use nanotdb::engine::DeleteReport;
use nanotdb::report::{Deleted, DeletedMetric, RefusedPartition};
use nanotdb::text::pattern::Pattern;
use nanotdb::{Database, TimeRange, Timestamp};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --from and --to all samples of a metric are deleted, and with them its name: it may come
back with another type. Rollups of the samples follow: their periods are computed anew from what
is left, and go where nothing is. Archives stay, and so do rollups of what retention has taken
before. What is deleted is gone: try --dry-run, or `nanotdb export`, first.

While a server has the store, ask it: DELETE /api/v1/metrics.")]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    /// Exact name of a metric; several may be named
    #[arg(long = "metric", short, value_name = "NAME", required_unless_present = "patterns")]
    metrics: Vec<String>,
    /// Every metric whose whole name matches a pattern of * and ?
    #[arg(long = "pattern", value_name = "PATTERN")]
    patterns: Vec<String>,
    /// First instant [default: the beginning]
    #[arg(long, visible_alias = "start", value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Last instant, included [default: the end of time]
    #[arg(long, visible_alias = "end", value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Moment>,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Do not ask, where nothing limits the range or a pattern selects the metrics
    #[arg(long, short)]
    yes: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_ns: Option<i64>,
    #[serde(flatten)]
    done: Deleted,
    duration_ms: u128,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let started = Instant::now();
    // Counting changes nothing, and another process may be writing meanwhile.
    let store = if options.dry_run { open_to_read(root)? } else { open_to_write(root)? };
    let database = select::database(&store, options.database.database.as_deref())?;
    let range = options.range(store.now())?;
    let metrics = options.metrics_of(&database)?;
    let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
    let done = if options.dry_run {
        database.would_delete(&names, range)?
    } else {
        options.confirm(&database, &names, range)?;
        let progress = progress::spinner("deleting".to_string());
        let done = database.delete_many(&names, range);
        // What cannot be done now is done when rollups run next.
        let renewed = done.is_ok().then(|| store.renew_deleted_rollups(database.name()));
        progress.finish_and_clear();
        let closed = store.close();
        let done = done?;
        closed?;
        for problem in renewed.transpose()?.into_iter().flatten().flat_map(|run| run.problems) {
            writeln!(io::stderr(), "warning: {problem}")?;
        }
        done
    };
    let report = Report::new(root, &database, options, range, done, started);
    if options.json { out.json(&report) } else { report.show(out) }?;
    if report.done.refused.is_empty() {
        return Ok(());
    }
    out.flush()?;
    for RefusedPartition { partition, error } in &report.done.refused {
        writeln!(io::stderr(), "error: {partition} stays as it was: {error}")?;
    }
    Err(Failure::Reported)
}

impl Options {
    fn range(&self, now: Timestamp) -> Result<TimeRange, Failure> {
        let from = self.from.map_or(Timestamp::MIN, |moment| moment.at(now));
        let to = self.to.map_or(Timestamp::MAX, |moment| moment.at(now));
        TimeRange::new(from, to).ok_or_else(|| {
            Failure::usage(format!("the range ends ({to}) before it starts ({from})"))
        })
    }

    /// The metrics that were named, and those that match a pattern, each once.
    fn metrics_of(&self, database: &Database) -> Result<Vec<String>, Failure> {
        let all: Vec<String> = database.metrics().into_iter().map(|metric| metric.name).collect();
        let mut chosen: Vec<String> = Vec::new();
        for name in &self.metrics {
            if !all.contains(name) {
                let database = database.name();
                let message = format!("{database} has no metric of exactly this name: {name}");
                return Err(Failure::failed(message));
            }
            chosen.push(name.clone());
        }
        for text in &self.patterns {
            let refused = |error| Failure::usage(format!("--pattern {text:?}: {error}"));
            let pattern = Pattern::new(text).map_err(refused)?;
            let before = chosen.len();
            chosen.extend(all.iter().filter(|name| pattern.matches(name)).cloned());
            if chosen.len() == before {
                let database = database.name();
                return Err(Failure::failed(format!("no metric of {database} matches {text}")));
            }
        }
        chosen.sort();
        chosen.dedup();
        Ok(chosen)
    }

    /// Asks, where more may be meant to stay than was typed.
    fn confirm(&self, database: &Database, names: &[&str], range: TimeRange) -> Outcome {
        let is_limited = self.from.is_some() || self.to.is_some();
        if self.yes || (is_limited && self.patterns.is_empty()) {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            let why =
                if is_limited { "a pattern selects them" } else { "nothing limits the range" };
            return Err(Failure::usage(format!(
                "{why}: confirm with --yes that {} of {} are to be deleted",
                names.join(", "),
                database.name()
            )));
        }
        let planned = database.would_delete(names, range)?;
        let mut answer = String::new();
        let mut stderr = io::stderr();
        for (metric, samples) in &planned.metrics {
            writeln!(stderr, "  {metric}  {}", count_text(*samples))?;
        }
        let (samples, name) = (count_text(planned.samples()), database.name());
        write!(stderr, "delete these {samples} samples of {name} for good? [y/N] ")?;
        stderr.flush()?;
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Failure::failed("nothing was deleted")),
        }
    }
}

impl Report {
    fn new(
        root: &Path,
        database: &Database,
        options: &Options,
        range: TimeRange,
        done: DeleteReport,
        started: Instant,
    ) -> Self {
        Self {
            root_dir: root.display().to_string(),
            database: database.name().to_string(),
            dry_run: options.dry_run,
            start_ns: options.from.map(|_| range.from.0),
            end_ns: options.to.map(|_| range.to.0),
            done: Deleted::from(done),
            duration_ms: started.elapsed().as_millis(),
        }
    }

    fn show(&self, out: &mut Out) -> io::Result<()> {
        let Self { done, .. } = self;
        let verb = if self.dry_run { "would delete" } else { "deleted" };
        writeln!(out, "{}: {verb} {} samples", self.database, count_text(done.samples))?;
        for DeletedMetric { metric, samples } in &done.metrics {
            writeln!(out, "  {metric}  {}", count_text(*samples))?;
        }
        let written_anew = ("written anew", &done.rewritten_partitions);
        for (what, partitions) in [written_anew, ("removed", &done.removed_partitions)] {
            if !partitions.is_empty() {
                writeln!(out, "  partitions {what}: {}", partitions.join(", "))?;
            }
        }
        Ok(())
    }
}
