//! The paths by which stored samples are deleted.
//!
//! | path | whose |
//! |---|---|
//! | `DELETE /api/v1/metrics` | our own: `db`, `metric`…, `start`, `end`, `dry_run` |
//! | `POST /api/v2/delete` | `InfluxDB` 2: `bucket`, `org`; a body with `start`, `stop`, `predicate` |
//! | `POST`, `PUT /prometheus/api/v1/admin/tsdb/delete_series` | Prometheus: `match[]`…, `start`, `end` |
//! | the same, `clean_tombstones` | nothing is left to clean |
//!
//! When the answer is a success, the samples are gone for certain. A partition that could not be
//! written anew makes it a failure, whose `data` says what was deleted all the same.

mod influx;
mod own;
mod predicate;
mod prometheus;

use super::answer::Failure;
use super::app::App;
use super::routes::only;
use crate::report::Deleted;
use crate::{Database, TimeRange};
use axum::Router;
use axum::routing::post;
pub(super) use own::metrics;
use std::sync::Arc;

/// The routes that are only about deleting.
pub(super) fn routes() -> Router<Arc<App>> {
    let admin = "/api/v1/admin/tsdb";
    let mut routes = Router::new().route("/api/v2/delete", only(post(influx::handle)));
    for prefix in ["/prometheus", ""] {
        let series = only(post(prometheus::delete_series).put(prometheus::delete_series));
        let clean = only(post(prometheus::clean_tombstones).put(prometheus::clean_tombstones));
        routes = routes
            .route(&format!("{prefix}{admin}/delete_series"), series)
            .route(&format!("{prefix}{admin}/clean_tombstones"), clean);
    }
    routes
}

/// Deletes in one database; fails when a partition had to stay as it was.
fn delete(database: &Database, metrics: &[&str], range: TimeRange) -> Result<Deleted, Failure> {
    let done = database.delete_many(metrics, range)?;
    let refused = done.refused.first().map(|(partition, error)| {
        let message = format!("{}: {partition} stays as it was: {error}", database.name());
        Failure::from(error.clone()).with_message(message)
    });
    let report = Deleted::from(done);
    match refused {
        None => Ok(report),
        Some(failure) => Err(failure.with_data(serde_json::to_value(report).unwrap_or_default())),
    }
}
