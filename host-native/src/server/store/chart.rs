//! What charts need of metrics, in columns.

use super::frame::Writer;
use super::{integer, invalid, name, range};
use crate::server::answer::{Failure, header_of};
use crate::server::app::App;
use crate::server::request::Params;
use axum::extract::State;
use axum::response::Response;
use core::num::NonZeroUsize;
use nanotdb_core::query::{Chart, ChartMethod, ChartQuery};
use nanotdb_core::view::{Count, type_name};
use serde::Serialize;
use std::sync::Arc;

/// Pixels that a chart may have: more than any screen.
const MAX_POINTS: usize = 64 << 10;

/// Pixels that the charts of one answer may have together.
const MAX_POINTS_TOGETHER: usize = 1 << 20;

/// What a header says of a metric's columns.
#[derive(Serialize)]
struct Shape<'a> {
    metric: &'a str,
    #[serde(rename = "type")]
    value_type: &'static str,
    rows: Count,
    /// A text: numbers of JSON have 53 bits.
    slack: String,
}

/// The samples that stand for all: for each metric the times, then the values.
pub(super) async fn chart(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    let deadline = app.deadline();
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let metrics: Vec<&str> = params.all("metric").collect();
        let query = ChartQuery {
            range: range(&params)?,
            points: points(&params, metrics.len())?,
            method: method(&params)?,
        };
        let reading = database.lenient();
        let mut charts = Vec::with_capacity(metrics.len());
        for metric in &metrics {
            deadline.check()?;
            charts.push(reading.chart(metric, &query)?);
        }
        let shapes: Vec<Shape<'_>> = metrics.iter().zip(&charts).map(shape).collect();
        let mut frame = Writer::new(&shapes)?;
        for Chart { series, .. } in &charts {
            frame.column(series.times.iter().map(|time| time.to_le_bytes()));
            frame.column(series.raws.iter().map(|raw| raw.to_le_bytes()));
        }
        Ok(header_of(frame.response(), &reading.damage()))
    })
    .await
}

fn shape<'a>((metric, chart): (&&'a str, &Chart)) -> Shape<'a> {
    let rows = chart.series.len().into();
    let value_type = type_name(chart.series.value_type);
    Shape { metric, value_type, rows, slack: chart.slack_ns.to_string() }
}

fn points(params: &Params, metrics: usize) -> Result<NonZeroUsize, Failure> {
    let found = integer(params, "points")?.ok_or_else(|| invalid("points is required"))?;
    let most = MAX_POINTS.min(MAX_POINTS_TOGETHER / metrics.max(1)).max(1);
    let points = usize::try_from(found).ok().and_then(NonZeroUsize::new);
    points
        .filter(|points| points.get() <= most)
        .ok_or_else(|| invalid(format_args!("points={found}: expected 1 to {most}")))
}

fn method(params: &Params) -> Result<ChartMethod, Failure> {
    let Some(name) = params.get("method") else { return Ok(ChartMethod::default()) };
    name.parse().map_err(|error| invalid(format_args!("method={name}: {error}")))
}
