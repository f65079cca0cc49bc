//! `POST /api/v2/delete`, as clients of `InfluxDB` 2 send it.

use super::delete;
use super::predicate::Predicate;
use crate::labels::Labels;
use crate::server::answer::Failure;
use crate::server::app::App;
use crate::server::ingest::InfluxFailure;
use crate::server::request::{Incoming, Params, from_json};
use crate::{TimeRange, Timestamp};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// Bytes of a request.
const MAX_BODY: u64 = 1 << 20;

#[derive(Debug, Deserialize)]
struct Request {
    start: String,
    stop: String,
    #[serde(default)]
    predicate: String,
}

/// Deletes what a predicate selects in a bucket from `start` to `stop`, both included. Without a
/// predicate that is everything.
async fn delete_points(app: &Arc<App>, params: &Params, body: Body) -> Result<(), Failure> {
    let body = Incoming::new(app, body).at_most(MAX_BODY).whole().await?;
    let request: Request = from_json(&body)?;
    let (from, to) = (time("start", &request.start)?, time("stop", &request.stop)?);
    let range = TimeRange::new(from, to).ok_or_else(|| Failure::bad("stop is before start"))?;
    let predicate: Predicate = request.predicate.parse().map_err(|error| {
        Failure::bad(format_args!("predicate {:?}: {error}", request.predicate))
    })?;
    let bucket = params.get("bucket").or_else(|| params.get("bucketID"));
    let bucket = bucket.ok_or_else(|| Failure::bad("bucket is required"))?;
    // What stands after a `/` was a retention policy of version 1.
    let name = bucket.split('/').next().unwrap_or(bucket).to_owned();
    app.delete(move |app| {
        let database = app.engine.database(&name)?;
        let metrics = database.metrics().into_iter().map(|metric| metric.name);
        let selected: Vec<String> =
            metrics.filter(|metric| predicate.selects(&Labels::of_metric(metric))).collect();
        let names: Vec<&str> = selected.iter().map(String::as_str).collect();
        delete(&database, &names, range).map(drop)
    })
    .await
}

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, InfluxFailure> {
    delete_points(&app, &params, body).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// An instant in RFC 3339; the nearest there is where it is outside.
fn time(name: &str, text: &str) -> Result<Timestamp, Failure> {
    let parsed = text.trim().parse::<jiff::Timestamp>();
    let nanos = parsed.map(jiff::Timestamp::as_nanosecond).map_err(|error| {
        Failure::bad(format_args!("{name} {text:?}: expected a time as in RFC 3339: {error}"))
    })?;
    let nearest = nanos.clamp(i64::MIN.into(), i64::MAX.into());
    Ok(Timestamp(i64::try_from(nearest).unwrap_or(i64::MAX)))
}
