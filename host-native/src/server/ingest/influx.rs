//! `InfluxDB`'s ways to write.

use super::line_bodies::{self, ReadLine};
use super::{Done, Place};
use crate::labels::Labels;
use crate::name::MAX_METRIC_NAME;
use crate::server::answer::{Failure, written};
use crate::server::app::App;
use crate::server::influx::{InfluxEnds, Point, Precision, parse};
use crate::server::intake::{Intake, IntakeReport};
use crate::server::request::{Incoming, Params};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use tracing::debug;

/// What clients ask the version by. They look whether it is there, some at its first digit.
const VERSION: (&str, &str) =
    ("x-influxdb-version", concat!("1.8-nanotdb-", env!("CARGO_PKG_VERSION")));

/// An error as clients of either version understand it: the first reads `error`, the second
/// `code` and `message`.
#[derive(Debug)]
pub(in crate::server) struct InfluxFailure {
    status: StatusCode,
    message: String,
    data: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

impl From<Failure> for InfluxFailure {
    fn from(failure: Failure) -> Self {
        Self { status: failure.status(), message: failure.message().to_owned(), data: None }
    }
}

impl IntoResponse for InfluxFailure {
    fn into_response(self) -> Response {
        let code = match self.status {
            StatusCode::BAD_REQUEST => "invalid",
            StatusCode::NOT_FOUND => "not found",
            StatusCode::PAYLOAD_TOO_LARGE => "request too large",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "internal error",
        };
        let body =
            ErrorBody { error: &self.message, code, message: &self.message, data: self.data };
        let mut response = (self.status, [VERSION], written(&body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = axum::http::HeaderValue::from_static("1");
            response.headers_mut().insert("retry-after", seconds);
        }
        response
    }
}

/// Version 1: `db` and `precision`; without the latter, numbers tell their unit by their size.
pub(super) async fn write_v1(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, InfluxFailure> {
    let database = params.get("db").unwrap_or(&app.settings.default_database).to_owned();
    write(&app, &database, &params, body).await
}

/// Version 2: `bucket` and `precision`. What stands behind a `/` in the bucket was a retention
/// policy of version 1.
pub(super) async fn write_v2(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, InfluxFailure> {
    let bucket = params.get("bucket").unwrap_or(&app.settings.default_database);
    let database = bucket.split('/').next().unwrap_or(bucket).to_owned();
    write(&app, &database, &params, body).await
}

/// That somebody is there, and which version.
pub(super) async fn ping() -> Response {
    (StatusCode::NO_CONTENT, [VERSION]).into_response()
}

async fn write(
    app: &Arc<App>,
    database: &str,
    params: &Params,
    body: Body,
) -> Result<Response, InfluxFailure> {
    let precision = params.get("precision").unwrap_or("auto").parse::<Precision>();
    let reader = InfluxLines { precision: precision.map_err(Failure::bad)? };
    let incoming = Incoming::new(app, body);
    let (report, broken) = line_bodies::take(app, database, reader, Vec::new(), incoming).await?;
    if report.skipped > 0 {
        debug!(database, texts = report.skipped, "texts of influx lines are not stored");
    }
    match (broken, problem(&report)) {
        (Some(failure), _) => {
            let data = Some(Done::of(&report, Place::Line));
            Err(InfluxFailure { data, ..failure.into() })
        }
        (None, Some(message)) => Err(InfluxFailure {
            status: StatusCode::BAD_REQUEST,
            message,
            data: Some(Done::of(&report, Place::Line)),
        }),
        (None, None) => Ok((StatusCode::NO_CONTENT, [VERSION]).into_response()),
    }
}

/// What was not stored, with the words by which clients tell this from a failure to repeat.
fn problem(report: &IntakeReport) -> Option<String> {
    let problem = report.problem("line")?;
    Some(format!("partial write: {problem} dropped={}", report.refused))
}

/// Lines of points. Each field that is a number is a metric, `measurement.field`, with the tags as
/// labels.
struct InfluxLines {
    precision: Precision,
}

impl ReadLine for InfluxLines {
    type Ends = InfluxEnds;

    fn read(&mut self, number: u64, line: &str, intake: &mut Intake) -> crate::Result<()> {
        let point = match parse(line, self.precision) {
            Ok(Some(point)) => point,
            Ok(None) => return Ok(()),
            Err(error) => {
                intake.refuse(number, error.to_string());
                return Ok(());
            }
        };
        intake.skip(point.texts);
        if is_too_long(&point) {
            intake.refuse(number, format!("measurement and tags: {TOO_LONG}"));
            return Ok(());
        }
        for (field, value) in &point.fields {
            let metric = || {
                let tags = point.tags.iter().map(|(key, value)| (&**key, &**value));
                Labels::new(format!("{}.{field}", point.measurement), tags).metric()
            };
            intake.add_spelled(number, (point.series, field), metric, point.time, *value)?;
        }
        Ok(())
    }
}

const TOO_LONG: &str = "expected names of metrics that have at most 255 bytes";

/// Whether no field of the point can become a metric. Its name would be written down for each of
/// them, so a line could ask for far more work and memory than it is long.
fn is_too_long(point: &Point<'_>) -> bool {
    let tags: usize = point.tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    point.measurement.len() + tags > MAX_METRIC_NAME
}
