//! What can be typed.

#[cfg(feature = "collect")]
use super::collect;
use super::time::{Moment, Window};
use super::{
    build, catalog, compact, convert, csv2lp, delete, demo, export, import, init, inspect, metrics,
    query, recover, retention, rollup, verify,
};
use clap::{Parser, Subcommand, ValueEnum};
use nanotdb::logging::Logging;
use nanotdb::text::duration::parse_extended;
use nanotdb::{TimeRange, Timestamp, settings};
use std::path::{Path, PathBuf};

/// The variable that names the store where `--root` does not.
pub(crate) const ROOT_VARIABLE: &str = "NANOTDB_ROOT";

const ROOT_HELP: &str = "Directory of the store [default: $NANOTDB_ROOT, else nanotdb-data]";

/// The store where neither does.
const DEFAULT_ROOT: &str = "nanotdb-data";

const AFTER_HELP: &str = "\
Times are in UTC and may be written as
  5m, 1d, 1w2d          that long ago
  now
  2026-05-14            midnight
  \"2026-05-14 12:30:05\"
  2026-05-14T12:30:05Z  RFC 3339, with any offset
  1778761805            since 1970, also 1778761805.25: seconds below 10^11 in size,
                        milliseconds below 10^14, microseconds below 10^17, else nanoseconds

Metrics are selected by their exact name, else by a regular expression that is found in the
name, with --wildcard by a pattern of * and ? for the whole name.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// An embedded time-series database; reads and writes NanoTDB 1.4 directories.
#[derive(Debug, Parser)]
#[command(name = "nanotdb", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Args {
    #[arg(long, global = true, value_name = "DIR", help = ROOT_HELP)]
    root: Option<PathBuf>,
    /// Append what happens to this file
    #[arg(long, global = true, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// How much of it [default: debug]
    #[arg(long, global = true, value_name = "LEVEL", value_enum, requires = "log_file")]
    log_level: Option<LogLevel>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    /// Opening, closing, failures
    Info,
    /// And page flushes, log resets, rollups
    Debug,
    /// And every sample
    Trace,
}

impl Args {
    /// Starts logging, if that was asked for.
    pub(crate) fn start_logging(&self) -> std::io::Result<()> {
        let Some(path) = &self.log_file else { return Ok(()) };
        let level = match self.log_level.unwrap_or(LogLevel::Debug) {
            LogLevel::Info => settings::LogLevel::Info,
            LogLevel::Debug => settings::LogLevel::Debug,
            LogLevel::Trace => settings::LogLevel::Trace,
        };
        Logging::default().to_file(path, level)?.install()
    }

    /// Whether logging was asked for.
    #[cfg(feature = "server")]
    pub(crate) const fn logs_to_file(&self) -> bool {
        self.log_file.is_some()
    }

    /// The store's directory, if it was typed.
    pub(crate) fn typed_root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The store's directory.
    pub(crate) fn root(&self) -> PathBuf {
        let from_environment = || std::env::var_os(ROOT_VARIABLE).filter(|root| !root.is_empty());
        let root = self.root.clone().or_else(|| from_environment().map(PathBuf::from));
        root.unwrap_or_else(|| PathBuf::from(DEFAULT_ROOT))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the store over HTTP, with dashboards
    #[cfg(feature = "server")]
    Serve(super::serve::Options),
    /// Send what is stored, and what comes in, to another system by Prometheus remote write
    #[cfg(feature = "forward")]
    Forward(super::forward::Options),
    /// Show what this can do: record this machine, query it, look at the files
    Demo(demo::Options),
    /// Record this machine's own metrics, here or on a server
    #[cfg(feature = "collect")]
    Collect(collect::Options),
    /// Make a new, empty store
    Init(init::Options),
    /// Take samples in from line protocol: `database/metric value [time]`
    Import(import::Options),
    /// Write samples as line protocol or as Parquet files
    Export(export::Options),
    /// Show newest values, ranges and aggregates
    Query(query::Options),
    /// List metrics with their types
    Metrics(metrics::Options),
    /// Give metrics that have lost their names their names
    #[command(subcommand)]
    Catalog(catalog::What),
    /// Look into the files of a database
    #[command(subcommand)]
    Inspect(inspect::What),
    /// Build files for fast queries
    #[command(subcommand)]
    Build(BuildWhat),
    /// Write metric files anew in another layout, with the same samples
    Convert(convert::Options),
    /// Compute rollups anew and mend what differs; nothing is lost by it
    Rollup(rollup::Options),
    /// Delete or archive what has expired, as the manifests say
    Retention(retention::Options),
    /// Delete samples: of some metrics, all of them or those of a range of time
    Delete(delete::Options),
    /// Write the pages of a partition anew, as full as the settings allow
    Compact(compact::Options),
    /// Read every byte and say what is damaged
    Verify(verify::Options),
    /// Save what a damaged data file still holds to a file of its own
    Recover(recover::Options),
    /// Turn CSV exports of `VictoriaMetrics` into line protocol, which import takes
    #[command(alias = "csv2nlp")]
    Csv2lp(csv2lp::Options),
}

#[derive(Debug, Subcommand)]
pub(crate) enum BuildWhat {
    /// Build metric files from raw pages
    Metric(build::Options),
}

/// Which database.
#[derive(Debug, clap::Args)]
pub(crate) struct DatabaseArg {
    /// The database [default: the only one there is]
    #[arg(long = "db", value_name = "NAME")]
    pub(crate) database: Option<String>,
}

/// Which instants.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct RangeArgs {
    /// First instant [default: the beginning]
    #[arg(long, visible_alias = "start", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<Moment>,
    /// Last instant, included [default: now]
    #[arg(long, visible_alias = "end", value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<Moment>,
}

impl RangeArgs {
    /// Whether neither end was typed.
    pub(crate) const fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// The range, where an end that was not typed is `from` or `to`.
    pub(crate) fn resolve(
        self,
        now: Timestamp,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<TimeRange, super::Failure> {
        let from = self.from.map_or(from, |moment| moment.at(now));
        let to = self.to.map_or(to, |moment| moment.at(now));
        TimeRange::new(from, to).ok_or_else(|| {
            super::Failure::usage(format!("the range ends ({to}) before it starts ({from})"))
        })
    }
}

/// Which metrics.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct MetricArgs {
    /// Exact name, or regular expression found in the name
    #[arg(long, short, value_name = "NAME|REGEX", default_value = ".*", hide_default_value = true)]
    pub(crate) metric: String,
    /// Take --metric as a pattern of * and ? for the whole name
    #[arg(long)]
    pub(crate) wildcard: bool,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people
    Table,
    /// One report
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Line protocol, which import takes
    Lp,
}

impl Format {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Lp => "lp",
        }
    }
}

/// Nanoseconds after multiples of their length at which windows begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offset(pub(crate) i64);

/// The offset of windows, of either sign.
pub(crate) fn offset(text: &str) -> Result<Offset, String> {
    let parsed = parse_extended(text.trim());
    parsed.map(|offset| Offset(offset.as_nanos())).map_err(|error| error.to_string())
}

/// The window of an aggregate.
pub(crate) fn window(text: &str) -> Result<Window, String> {
    text.parse()
}
