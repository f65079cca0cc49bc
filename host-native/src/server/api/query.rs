//! `GET /api/v1/query`: the newest sample of a metric.

use super::range::{Label, write_point};
use super::{Found, database_with, metric_of};
use crate::server::answer::{Failure, success_but, warnings_of};
use crate::server::app::App;
use crate::server::prometheus;
use crate::server::request::Params;
use axum::body::Body;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use nanotdb_core::Sample;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

#[derive(Serialize)]
struct Newest {
    metric: Label,
    value: Box<RawValue>,
}

/// The newest sample of a metric, or the value of an expression in PromQL.
pub(super) async fn either(
    app: State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    if prometheus::is_reference(&method, &params) {
        return query(app, params).await;
    }
    prometheus::instant(app, method, params, body).await
}

/// The newest sample; none when the metric has none.
async fn query(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    app.work(move |app| {
        let (name, metric) = metric_of(&params)?;
        let database = database_with(app, name, metric)?;
        let reading = database.lenient();
        let newest = match reading.last(metric)? {
            Some(sample) => vec![Newest { metric: Label::of(name, metric), value: point(sample)? }],
            None => Vec::new(),
        };
        let found = Found { result: newest, result_type: "vector" };
        Ok(success_but(found, &warnings_of(&reading.damage())))
    })
    .await
}

/// `[seconds,"value"]`.
fn point(sample: Sample) -> Result<Box<RawValue>, Failure> {
    let mut text = Vec::new();
    write_point(&mut text, sample.time.0, sample.value);
    let text = String::from_utf8(text).map_err(Failure::execution)?;
    RawValue::from_string(text).map_err(Failure::execution)
}
