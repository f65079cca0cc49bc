//! `inspect catalog`.

use super::{Options, Place, PlaceFields};
use crate::cli::output::Out;
use crate::cli::time::generated_at;
use crate::cli::{Failure, Outcome};
use nanotdb::{OpenOptions, ValueType};
use nanotdb_core::catalog::file::{Record, decode};
use nanotdb_core::storage::{FileName, Storage};
use serde::Serialize;
use std::io::{self, Write};

pub(super) const CATALOG: &str = "catalog.json";

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    place: PlaceFields,
    catalog_path: String,
    count: usize,
    metrics: Vec<Metric>,
    /// Metrics whose names are lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovered: Vec<Lost>,
    generated_at: String,
}

/// A metric that files know and the catalog does not.
#[derive(Debug, Serialize)]
pub(super) struct Lost {
    name: String,
    id: u16,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    value_type: Option<&'static str>,
}

/// The metrics whose names are lost; none where the database does not open, which other commands
/// tell of.
pub(super) fn recovered(place: &Place) -> Vec<Lost> {
    let opened = OpenOptions::read_only().open(&place.root);
    let database = opened.and_then(|store| store.database(&place.name));
    let found = database.and_then(|database| database.find_recovered()).unwrap_or_default();
    let lost = found.into_iter().map(|metric| Lost {
        id: metric.id.get(),
        value_type: metric.value_type.map(ValueType::name),
        name: metric.name,
    });
    lost.collect()
}

/// Says which ids have no name, and how that is mended.
pub(super) fn show_recovered(lost: &[Lost], out: &mut Out) -> io::Result<()> {
    if lost.is_empty() {
        return Ok(());
    }
    writeln!(out, "without a name in catalog or log, to be given one with `nanotdb catalog set`:")?;
    let rows = lost.iter().map(|metric| {
        let value_type = metric.value_type.unwrap_or("unknown");
        vec![metric.name.clone(), metric.id.to_string(), value_type.to_string()]
    });
    out.table(&[("kept as", false), ("id", true), ("type", false)], rows, 0)
}

#[derive(Debug, Serialize)]
struct Metric {
    name: String,
    id: u16,
    #[serde(rename = "type")]
    value_type: &'static str,
}

/// What the catalog on disk says; nothing when there is none.
pub(super) fn read(place: &Place) -> Result<Option<Result<Vec<Record>, String>>, Failure> {
    let bytes = place.files.read(&FileName::new(CATALOG)?)?;
    Ok(bytes.map(|bytes| decode(&bytes).map_err(|error| error.into_error(CATALOG).to_string())))
}

pub(super) fn run(place: &Place, options: &Options, out: &mut Out) -> Outcome {
    let recovered = recovered(place);
    let mut records = match read(place)? {
        Some(read) => read.map_err(Failure::Failed)?,
        None if recovered.is_empty() => {
            return Err(Failure::failed(format!("{} has no {CATALOG}", place.name)));
        }
        None => Vec::new(),
    };
    records.sort_by(|a, b| a.name.cmp(&b.name));
    let metrics: Vec<Metric> = records
        .into_iter()
        .map(|record| Metric {
            id: record.id.get(),
            value_type: record.value_type.name(),
            name: record.name,
        })
        .collect();
    if options.json {
        let (place, catalog_path) = (place.fields(), place.path(CATALOG));
        let (count, generated_at) = (metrics.len(), generated_at());
        let report = Report { place, catalog_path, count, metrics, recovered, generated_at };
        return Ok(out.json(&report)?);
    }
    place.heading(out, "Catalog")?;
    writeln!(out, "metrics={}", metrics.len())?;
    let rows =
        metrics.into_iter().map(|m| vec![m.name, m.id.to_string(), m.value_type.to_string()]);
    out.table(&[("name", false), ("id", true), ("type", false)], rows, 0)?;
    Ok(show_recovered(&recovered, out)?)
}
