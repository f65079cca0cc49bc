//! Samples in.

use super::exact::exact;
use super::frame::Reader;
use super::{integer, invalid, name};
use crate::server::answer::Failure;
use crate::server::app::{App, Counters};
use crate::server::request::{Incoming, Params};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::Timestamp;
use nanotdb_core::engine::{AddOptions, RowTime, Rows, Values};
use nanotdb_core::view::{AddReport, value_type_named};
use serde::Deserialize;
use std::sync::Arc;

/// One sample; without a time it is of when it is stored.
pub(super) async fn add(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    app.ingest(move |app| {
        let value = params.get("value").unwrap_or_default();
        let value: f64 =
            value.parse().map_err(|_| invalid(format_args!("value={value}: expected a number")))?;
        let value_type = params.get("type").map(value_type_named).transpose()?;
        let time = RowTime::from(integer(&params, "time")?.map(Timestamp));
        let (database, metric) = (name(&params, "db")?, name(&params, "metric")?);
        let live = AddOptions::LIVE;
        app.engine.add_number_with(database, metric, time, value, value_type, live)?;
        Counters::add(&app.counters.accepted, 1);
        Ok(exact(()))
    })
    .await
}

/// The columns of a metric.
#[derive(Deserialize)]
struct Column {
    metric: String,
    #[serde(rename = "type")]
    value_type: String,
    rows: usize,
}

/// Samples metric by metric: of each the times, then the values.
pub(super) async fn columns(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let body = Incoming::new(&app, body).whole().await?;
    app.ingest(move |app| {
        let database = name(&params, "db")?;
        let (columns, mut frame) = Reader::new::<Vec<Column>>(&body)?;
        let mut read = Vec::new();
        for column in columns {
            let times = frame.column(column.rows, i64::from_le_bytes)?;
            read.push((column.metric, times, values(&mut frame, &column.value_type, column.rows)?));
        }
        // Names and types first: what cannot be taken at all is refused before any sample is in.
        for (metric, _, values) in &read {
            app.engine.add_column(database, metric, &[], &none_of(values))?;
        }
        let (mut report, mut first) = (AddReport::default(), 0_usize);
        for (metric, times, values) in &read {
            let added =
                app.engine.add_column_with(database, metric, times, values, AddOptions::LIVE)?;
            report.add(&added, first);
            first = first.saturating_add(times.len());
        }
        Ok(added(app, &report))
    })
    .await
}

/// The columns of rows.
#[derive(Deserialize)]
struct Header {
    metrics: Vec<String>,
    #[serde(rename = "type")]
    value_type: String,
    rows: usize,
    /// One for each row, or one for all.
    times: usize,
    /// Whether each row has the place of its metric.
    index: bool,
}

/// Samples of many metrics: their times, the places of their metrics if there are any, and values.
pub(super) async fn rows(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let body = Incoming::new(&app, body).whole().await?;
    app.ingest(move |app| {
        let (header, mut frame) = Reader::new::<Header>(&body)?;
        let times = frame.column(header.times, i64::from_le_bytes)?;
        let index = header.index.then(|| frame.column(header.rows, u32::from_le_bytes));
        let rows = Rows {
            index: index.transpose()?,
            times,
            values: values(&mut frame, &header.value_type, header.rows)?,
            metrics: header.metrics,
        };
        let database = name(&params, "db")?;
        let report = app.engine.add_columns_with(database, &rows, AddOptions::LIVE)?;
        Ok(added(app, &AddReport::from(&report)))
    })
    .await
}

fn values(frame: &mut Reader<'_>, value_type: &str, rows: usize) -> Result<Values, Failure> {
    Ok(match value_type_named(value_type)? {
        nanotdb_core::ValueType::F32 => Values::Floats(frame.column(rows, f32::from_le_bytes)?),
        nanotdb_core::ValueType::I32 => Values::Ints(frame.column(rows, i32::from_le_bytes)?),
    })
}

/// No values, of the same type.
const fn none_of(values: &Values) -> Values {
    match values {
        Values::Floats(_) => Values::Floats(Vec::new()),
        Values::Ints(_) => Values::Ints(Vec::new()),
    }
}

fn added(app: &App, report: &AddReport) -> Response {
    Counters::add(&app.counters.accepted, report.accepted.0);
    Counters::add(&app.counters.rejected, report.rejected.0);
    exact(report)
}
