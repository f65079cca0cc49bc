//! `DELETE /api/v1/metrics`.

use super::delete;
use crate::report::Deleted;
use crate::server::answer::{Failure, success};
use crate::server::app::App;
use crate::server::request::Params;
use crate::{TimeRange, Timestamp};
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::engine::{Clock as _, Host as _};
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Serialize)]
struct Answer {
    db: String,
    dry_run: bool,
    result: Deleted,
    #[serde(rename = "resultType")]
    result_type: &'static str,
}

/// Deletes all samples of metrics, or those from `start` to `end`.
pub(in crate::server) async fn metrics(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    let dry_run = params.flag("dry_run")?;
    app.delete(move |app| {
        let database = app.engine.database(params.required("db")?)?;
        let metrics: Vec<&str> = params.all("metric").filter(|name| !name.is_empty()).collect();
        if metrics.is_empty() {
            return Err(Failure::bad("metric is required: the exact name of one, or of several"));
        }
        let range = range(&params, app.engine.host().clock().now())?;
        let result = if dry_run {
            Deleted::from(database.would_delete(&metrics, range)?)
        } else {
            delete(&database, &metrics, range)?
        };
        let db = database.name().to_owned();
        Ok(success(Answer { db, dry_run, result, result_type: "delete" }))
    })
    .await
}

/// From `start` to `end`; an end that is not named is that of time.
fn range(params: &Params, now: Timestamp) -> Result<TimeRange, Failure> {
    let from = params.moment("start", now)?.unwrap_or(Timestamp::MIN);
    let to = params.moment("end", now)?.unwrap_or(Timestamp::MAX);
    TimeRange::new(from, to)
        .ok_or_else(|| Failure::bad(format_args!("end ({to}) is before start ({from})")))
}
