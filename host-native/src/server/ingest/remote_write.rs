//! `POST /api/v1/write`: Prometheus remote write 1.0.

use super::{Done, Place, count, stopped};
use crate::labels::Labels;
use crate::name::check_metric_name;
use crate::remote_write::{
    CONTENT_ENCODING, CONTENT_TYPE, DecodeError, NAME_LABEL, TimeSeries, VERSION_HEADER, decode,
};
use crate::server::answer::Failure;
use crate::server::app::App;
use crate::server::intake::{Intake, MAX_LABELS};
use crate::server::request::{Incoming, MAX_WHOLE, Params};
use crate::{Error, Timestamp};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Why a body was not taken to its end.
enum Stopped {
    Body(DecodeError),
    Store(Error),
}

impl From<DecodeError> for Stopped {
    fn from(error: DecodeError) -> Self {
        Self::Body(error)
    }
}

/// Takes the series of one message in.
pub(super) async fn write(
    State(app): State<Arc<App>>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    check_headers(&headers)?;
    let database = params.get("db").unwrap_or(&app.settings.default_database).to_owned();
    let body = Incoming::new(&app, body).whole().await?;
    app.ingest(move |app| {
        let mut intake = app.intakes.begin(&app.engine, &database);
        let limit = usize::try_from(MAX_WHOLE).unwrap_or(usize::MAX);
        let read = decode(&body, limit, |number, series| {
            take(number, series, &mut intake).map_err(Stopped::Store)
        });
        let broken = match read {
            Ok(()) => None,
            Err(Stopped::Body(error)) => Some(error),
            Err(Stopped::Store(error)) => return Err(stopped(error)),
        };
        let report = intake.finish().map_err(stopped)?;
        count(app, &report);
        let problem = broken.map(|error| format!("body: {error}"));
        match problem.or_else(|| report.problem("series")) {
            Some(problem) => Err(Failure::bad(problem).with_data(Done::of(&report, Place::Series))),
            None => Ok(StatusCode::NO_CONTENT.into_response()),
        }
    })
    .await
}

/// Refuses what is not version 1. A header that is missing says nothing.
fn check_headers(headers: &HeaderMap) -> Result<(), Failure> {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    let content_type = header(header::CONTENT_TYPE.as_str()).unwrap_or(CONTENT_TYPE);
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameters = parameters.trim();
    let is_version_1 = parameters.is_empty() || parameters == "proto=prometheus.WriteRequest";
    if !essence.trim().eq_ignore_ascii_case(CONTENT_TYPE) || !is_version_1 {
        let message = format!("expected {CONTENT_TYPE} of remote write 1.0, found {content_type}");
        return Err(Failure::unsupported(message));
    }
    let encoding = header(header::CONTENT_ENCODING.as_str()).unwrap_or(CONTENT_ENCODING);
    if !encoding.eq_ignore_ascii_case(CONTENT_ENCODING) {
        let message = format!("expected content encoding {CONTENT_ENCODING}, found {encoding}");
        return Err(Failure::unsupported(message));
    }
    match header(VERSION_HEADER) {
        Some(version) if !version.starts_with("0.1.") => Err(Failure::unsupported(format!(
            "{VERSION_HEADER}: expected version 0.1.x, found {version}"
        ))),
        _ => Ok(()),
    }
}

fn take(number: u64, series: TimeSeries, intake: &mut Intake) -> crate::Result<()> {
    if !series.histograms.is_empty() {
        intake.refuse(number, "native histograms cannot be stored");
    }
    if series.samples.is_empty() {
        return Ok(());
    }
    if series.labels.len() > MAX_LABELS {
        intake.refuse(number, format!("expected at most {MAX_LABELS} labels"));
        return Ok(());
    }
    let (names, pairs): (Vec<_>, Vec<_>) =
        series.labels.into_iter().partition(|label| label.name == NAME_LABEL);
    let Some(name) = names.into_iter().next().filter(|name| !name.value.is_empty()) else {
        intake.refuse(number, format!("the series has no label {NAME_LABEL}"));
        return Ok(());
    };
    let pairs = pairs.into_iter().map(|label| (label.name, label.value));
    let metric = Labels::new(name.value, pairs).metric();
    // Before it is written down for each sample.
    if let Err(rejection) = check_metric_name(&metric) {
        intake.refuse(number, rejection.to_string());
        return Ok(());
    }
    for sample in series.samples {
        let Some(nanos) = sample.timestamp.checked_mul(NANOS_PER_MILLI) else {
            let reason = format!("{metric}: the time is outside the years 1677 to 2262");
            intake.refuse(number, reason);
            continue;
        };
        intake.add(number, &metric, Some(Timestamp(nanos)), sample.value)?;
    }
    Ok(())
}
