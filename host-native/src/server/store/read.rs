//! What there is.

use super::exact::exact;
use super::{listing, name};
use crate::server::answer::{Failure, Number, header_of};
use crate::server::app::App;
use crate::server::request::Params;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::engine::Host as _;
use nanotdb_core::view::{self, Count, Metric, type_name};
use serde::{Serialize, Serializer};
use std::sync::Arc;

#[derive(Serialize)]
struct Sample {
    time: i64,
    #[serde(serialize_with = "number")]
    value: f64,
    #[serde(rename = "type")]
    value_type: &'static str,
}

/// A number; as text where JSON has no such one.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.collect_str(&Number(*value))
    }
}

/// The newest sample of a metric, or `null`.
pub(super) async fn last(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let reading = database.lenient();
        let sample = reading.last(name(&params, "metric")?)?;
        let view = |sample: nanotdb_core::Sample| Sample {
            time: sample.time.0,
            value: sample.value.as_f64(),
            value_type: type_name(sample.value.value_type()),
        };
        Ok(header_of(exact(sample.map(view)), &reading.damage()))
    })
    .await
}

/// Names of all databases.
pub(super) async fn databases(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| Ok(exact(app.engine.databases()?))).await
}

/// The metrics of a database.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let metrics = app.engine.database(name(&params, "db")?)?.metrics().into_iter();
        Ok(exact(metrics.map(Metric::from).collect::<Vec<_>>()))
    })
    .await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    version: &'static str,
    databases: Vec<String>,
    file_bytes: Count,
    memory_bytes: f64,
    warnings: Vec<String>,
}

/// The store as a whole.
pub(super) async fn stats(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| {
        let files = listing::all(&app.engine)?;
        let mut memory_bytes = 0.0;
        app.engine.host().measure(&mut |name, value| {
            if name == "rss_bytes" {
                memory_bytes = value;
            }
        });
        Ok(exact(Stats {
            version: env!("CARGO_PKG_VERSION"),
            databases: app.engine.databases()?,
            file_bytes: files.iter().map(|file| file.bytes).sum::<u64>().into(),
            memory_bytes,
            warnings: app.engine.warnings().iter().map(ToString::to_string).collect(),
        }))
    })
    .await
}

/// The settings of `engine.toml`.
pub(super) async fn settings(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| Ok(exact(view::of_engine(app.engine.settings())))).await
}
