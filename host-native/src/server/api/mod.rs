//! The reference's HTTP API: the same paths, parameters and fields.
//!
//! What differs: a range without an end is cheap, milliseconds are told from nanoseconds, durations
//! may use `d` and `w` (D-24), names are checked (D-03), values that JSON lacks are text or `null`
//! (D-18), and an import goes on behind a line that it cannot take.

mod engine;
mod import;
mod listing;
mod query;
mod range;
mod rollup;

pub(super) use import::take_lines;

use super::answer::Failure;
use super::app::App;
use super::delete;
use super::prometheus;
use super::request::Params;
use super::routes::only;
use crate::Database;
use axum::Router;
use axum::routing::{get, post};
use nanotdb_core::Error;
use nanotdb_core::error::Rejection;
use std::sync::Arc;

/// The routes of this API.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/import", only(post(import::import)))
        .route("/api/v1/query", only(get(query::either).post(prometheus::instant)))
        .route("/api/v1/query_range", only(get(range::either).post(prometheus::range)))
        .route("/api/v1/aggregates", only(get(listing::aggregates)))
        .route("/api/v1/databases", only(get(listing::databases)))
        .route("/api/v1/metrics", only(get(listing::metrics).delete(delete::metrics)))
        .route("/api/v1/rollup/backfill", only(post(rollup::backfill)))
        .merge(engine::routes())
}

/// What most answers of this API hold.
#[derive(Debug, serde::Serialize)]
struct Found<T> {
    result: T,
    #[serde(rename = "resultType")]
    result_type: &'static str,
}

/// The database and the metric that a request names: `db` and `query`, or both in `query`.
fn metric_of(params: &Params) -> Result<(&str, &str), Failure> {
    let query = params.required("query")?;
    if let Some(database) = params.get("db") {
        return Ok((database, query));
    }
    let parts = query.split_once('/').filter(|(db, metric)| !db.is_empty() && !metric.is_empty());
    parts.ok_or_else(|| Failure::bad("db is required where query is not database/metric"))
}

/// The database, which must have the metric.
fn database_with(app: &App, name: &str, metric: &str) -> Result<Arc<Database>, Failure> {
    let database = app.engine.database(name)?;
    match database.metric_info(metric) {
        Some(_) => Ok(database),
        None => Err(Error::Rejected(Rejection::UnknownMetric(metric.to_owned())).into()),
    }
}
