//! `metrics`: names and types.

use super::args::{DatabaseArg, MetricArgs};
use super::output::{Out, value_text};
use super::time::short;
use super::{Outcome, damage, open_to_read, select};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseArg,
    #[command(flatten)]
    metrics: MetricArgs,
    /// Show each metric's newest sample, too
    #[arg(long)]
    last: bool,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    root_dir: String,
    database: String,
    count: usize,
    metrics: Vec<Metric>,
}

#[derive(Debug, Serialize)]
struct Metric {
    name: String,
    id: u16,
    #[serde(rename = "type")]
    value_type: &'static str,
}

pub(crate) fn run(root: &Path, options: &Options, out: &mut Out) -> Outcome {
    let store = open_to_read(root)?;
    let database = select::database(&store, options.database.database.as_deref())?;
    let metrics = select::metrics(&database, &options.metrics)?;
    if options.json {
        let metrics: Vec<Metric> = metrics
            .into_iter()
            .map(|info| Metric {
                id: info.id.get(),
                value_type: info.value_type.name(),
                name: info.name,
            })
            .collect();
        return Ok(out.json(&Report {
            root_dir: root.display().to_string(),
            database: database.name().to_string(),
            count: metrics.len(),
            metrics,
        })?);
    }
    let mut columns = vec![("metric", false), ("type", false), ("id", true)];
    if options.last {
        columns.extend([("newest (UTC)", false), ("value", true)]);
    }
    let reading = database.lenient();
    let mut rows = Vec::new();
    for metric in &metrics {
        let (name, value_type) = (metric.name.clone(), metric.value_type.to_string());
        let mut row = vec![name, value_type, metric.id.to_string()];
        if options.last {
            let last = reading.last(&metric.name)?;
            row.extend(match last {
                Some(last) => [short(last.time), value_text(last.value)],
                None => ["-".to_string(), "-".to_string()],
            });
        }
        rows.push(row);
    }
    if !rows.is_empty() {
        out.table(&columns, rows, 0)?;
    }
    writeln!(out, "{} metrics in {}", metrics.len(), database.name())?;
    damage::tell(&reading.damage())
}
