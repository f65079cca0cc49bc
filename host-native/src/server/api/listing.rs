//! What there is: aggregates, databases, metrics.

use super::Found;
use crate::server::answer::{Failure, success};
use crate::server::app::App;
use crate::server::request::Params;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::aggregate::Aggregate;
use nanotdb_core::engine::{Lineage, LineageStep};
use nanotdb_core::query::MetricInfo;
use nanotdb_core::settings::INTERNAL;
use nanotdb_core::text::duration::Duration;
use serde::Serialize;
use std::sync::Arc;

/// How far the rollups of a metric can be followed.
const MAX_HOPS: usize = 5;

#[derive(Serialize)]
struct Aggregates {
    default: &'static str,
    result: Vec<&'static str>,
    #[serde(rename = "resultType")]
    result_type: &'static str,
}

#[derive(Serialize)]
struct Metrics<T> {
    db: String,
    result: T,
    #[serde(rename = "resultType")]
    result_type: &'static str,
}

#[derive(Serialize)]
struct Described {
    name: String,
    id: u16,
    #[serde(rename = "type")]
    value_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollups: Option<Rollups>,
}

#[derive(Serialize)]
struct Rollups {
    downstream: Vec<Step>,
    truncated: bool,
    max_hops: usize,
}

#[derive(Serialize)]
struct Step {
    hop: usize,
    job_id: String,
    interval: String,
    aggregate: String,
    db: String,
    metric: String,
}

/// The names of all aggregates.
pub(super) async fn aggregates() -> Response {
    success(Aggregates {
        default: Aggregate::default().name(),
        result: Aggregate::NAMES.to_vec(),
        result_type: "aggregates",
    })
}

/// The names of all databases.
pub(super) async fn databases(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    let with_internal = params.flag("include_internal")?;
    app.work(move |app| {
        let mut result = app.engine.databases()?;
        result.retain(|name| with_internal || name != INTERNAL);
        Ok(success(Found { result, result_type: "databases" }))
    })
    .await
}

/// The metrics of a database: their names, or with `details` more.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    let details = params.flag("details")?;
    let hops = hops(&params, details)?;
    app.work(move |app| {
        let db = params.required("db")?.to_owned();
        let metrics = app.engine.database(&db)?.metrics();
        let result_type = "metrics";
        if !details {
            let result: Vec<String> = metrics.into_iter().map(|metric| metric.name).collect();
            return Ok(success(Metrics { db, result, result_type }));
        }
        let describe = |metric| Described::of(app, &db, metric, hops);
        let result = metrics.into_iter().map(describe).collect::<Result<Vec<_>, Failure>>()?;
        Ok(success(Metrics { db, result, result_type }))
    })
    .await
}

/// How far rollups are to be followed, if at all.
fn hops(params: &Params, details: bool) -> Result<Option<usize>, Failure> {
    let hops = match params.get("max_hops") {
        None => 1,
        Some(text) => match text.parse() {
            Ok(hops @ 1..=MAX_HOPS) => hops,
            _ => {
                let expected = format_args!("max_hops={text}: expected 1 to {MAX_HOPS}");
                return Err(Failure::bad(expected));
            }
        },
    };
    match params.get("lineage") {
        None => Ok(None),
        Some("rollups") if details => Ok(Some(hops)),
        Some("rollups") => Err(Failure::bad("lineage requires details=true")),
        Some(other) => Err(Failure::bad(format_args!("lineage={other}: expected rollups"))),
    }
}

impl Described {
    fn of(app: &App, db: &str, metric: MetricInfo, hops: Option<usize>) -> Result<Self, Failure> {
        let rollups = match hops {
            None => None,
            Some(max_hops) => {
                let Lineage { steps, is_truncated, .. } =
                    app.engine.lineage(db, &metric.name, max_hops)?;
                let downstream = steps.into_iter().map(Step::from).collect();
                Some(Rollups { downstream, truncated: is_truncated, max_hops })
            }
        };
        let value_type = metric.value_type.name();
        Ok(Self { name: metric.name, id: metric.id.get(), value_type, rollups })
    }
}

impl From<LineageStep> for Step {
    fn from(step: LineageStep) -> Self {
        Self {
            hop: step.hop,
            job_id: step.job,
            interval: Duration(step.interval_ns).to_string(),
            aggregate: step.aggregate,
            db: step.database,
            metric: step.metric,
        }
    }
}
