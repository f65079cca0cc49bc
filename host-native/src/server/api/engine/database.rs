//! `GET /api/engine/database`: a database and its metrics with their newest samples.

use super::summary::Summary;
use crate::Lenient;
use crate::server::answer::{Failure, Number, success_but, warnings_of};
use crate::server::api::Found;
use crate::server::app::App;
use crate::server::request::Params;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::query::MetricInfo;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Inspected {
    summary: Summary,
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
struct Metric {
    name: String,
    id: u16,
    #[serde(rename = "type")]
    value_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_timestamp_ns: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_value: Option<Number>,
}

pub(super) async fn database(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(params.required("db")?)?;
        let metrics = database.metrics().into_iter();
        let reading = database.lenient();
        let metrics = metrics.map(|metric| Metric::of(&reading, metric));
        let result = Inspected {
            summary: Summary::of(app, &database)?,
            metrics: metrics.collect::<Result<_, Failure>>()?,
        };
        let found = Found { result, result_type: "engine_database" };
        Ok(success_but(found, &warnings_of(&reading.damage())))
    })
    .await
}

impl Metric {
    fn of(reading: &Lenient<'_>, metric: MetricInfo) -> Result<Self, Failure> {
        let last = reading.last(&metric.name)?;
        Ok(Self {
            name: metric.name,
            id: metric.id.get(),
            value_type: metric.value_type.name(),
            last_timestamp: last.map(|sample| sample.time.to_string()),
            last_timestamp_ns: last.map(|sample| sample.time.0),
            last_value: last.map(|sample| Number(sample.value.as_f64())),
        })
    }
}
