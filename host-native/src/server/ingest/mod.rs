//! The paths to which other systems send.
//!
//! | path | what it takes |
//! |---|---|
//! | `POST /write` | `InfluxDB` line protocol; `db`, `precision` |
//! | `POST /api/v2/write` | the same; `bucket`, `precision`, `org` is passed over |
//! | `GET /ping`, `/query` | what clients of `InfluxDB` 1 ask before they write |
//! | `POST /api/v1/import/prometheus` | text of Prometheus or `OpenMetrics`, or our own lines; `db` |
//! | `POST /api/v1/write` | Prometheus remote write 1.0; `db` |
//!
//! An answer of success means that everything is stored. When something cannot be, the answer is
//! 400 and names it, and everything else is stored all the same: 400 is what senders do not
//! repeat. When nothing can be stored now, it is 503, which they do.

mod exposition_lines;
mod influx;
mod influx_query;
mod line_bodies;
mod prometheus;
mod remote_write;

pub(super) use influx::InfluxFailure;

use super::answer::Failure;
use super::app::{App, Counters};
use super::intake::IntakeReport;
use super::routes::only;
use crate::Error;
use axum::Router;
use axum::routing::{any, get, post};
use serde::Serialize;
use std::sync::Arc;

/// Routes whose bodies are text.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/write", only(post(influx::write_v1)))
        .route("/api/v2/write", only(post(influx::write_v2)))
        .route("/ping", only(get(influx::ping)))
        .route("/query", any(influx_query::query))
        .route("/api/v1/import/prometheus", only(post(prometheus::import)))
}

/// Routes whose bodies have a compression of their own.
pub(super) fn compressed_routes() -> Router<Arc<App>> {
    Router::new().route("/api/v1/write", only(post(remote_write::write)))
}

/// What was done, as answers tell it.
#[derive(Debug, Serialize)]
struct Done {
    imported: u64,
    already_stored: u64,
    rejected: u64,
    skipped_texts: u64,
    rejections: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    #[serde(flatten)]
    place: Place,
    reason: String,
}

/// What a rejection counts.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Line(u64),
    Series(u64),
}

impl Done {
    fn of(report: &IntakeReport, place: fn(u64) -> Place) -> serde_json::Value {
        let rejections = report
            .named
            .iter()
            .map(|refused| Named { place: place(refused.place), reason: refused.reason.clone() });
        let done = Self {
            imported: report.accepted,
            already_stored: report.already_stored,
            rejected: report.refused,
            skipped_texts: report.skipped,
            rejections: rejections.collect(),
        };
        serde_json::to_value(done).unwrap_or_default()
    }
}

fn count(app: &App, report: &IntakeReport) {
    Counters::add(&app.counters.accepted, report.accepted);
    Counters::add(&app.counters.rejected, report.refused);
}

/// The answer when the store takes nothing more: whoever comes back may find it mended.
fn stopped(error: Error) -> Failure {
    match error {
        Error::Storage(_) => Failure::unavailable(error),
        error => error.into(),
    }
}
