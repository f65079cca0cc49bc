//! `inspect catalog`.

use super::{Options, Place, PlaceFields};
use crate::cli::output::Out;
use crate::cli::time::generated_at;
use crate::cli::{Failure, Outcome};
use nanotdb_core::catalog::file::{Record, decode};
use nanotdb_core::storage::{FileName, Storage};
use serde::Serialize;
use std::io::Write;

pub(super) const CATALOG: &str = "catalog.json";

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    place: PlaceFields,
    catalog_path: String,
    count: usize,
    metrics: Vec<Metric>,
    generated_at: String,
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
    let missing = || Failure::failed(format!("{} has no {CATALOG}", place.name));
    let mut records = read(place)?.ok_or_else(missing)?.map_err(Failure::Failed)?;
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
        return Ok(out.json(&Report { place, catalog_path, count, metrics, generated_at })?);
    }
    place.heading(out, "Catalog")?;
    writeln!(out, "metrics={}", metrics.len())?;
    let rows =
        metrics.into_iter().map(|m| vec![m.name, m.id.to_string(), m.value_type.to_string()]);
    Ok(out.table(&[("name", false), ("id", true), ("type", false)], rows, 0)?)
}
