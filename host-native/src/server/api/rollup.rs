//! `POST /api/v1/rollup/backfill`: rollups computed anew.

use super::Found;
use crate::server::answer::{Failure, success};
use crate::server::app::App;
use crate::server::request::Incoming;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which databases; none means all.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sources {
    source_db: String,
    source_dbs: Vec<String>,
}

/// The reference's fields first. Nothing is ever cleared, so those lists are empty.
#[derive(Serialize)]
struct Report {
    requested_sources: Vec<String>,
    source_databases: Vec<String>,
    destination_databases: Vec<String>,
    cleared_checkpoint_files: [String; 0],
    cleared_data_files: [String; 0],
    cleared_wal_files: [String; 0],
    cleared_catalog_files: [String; 0],
    replay_passes: usize,
    rebuilt_partitions: Vec<String>,
    samples: u64,
    problems: Vec<String>,
}

/// Mends what is missing or wrong in the destinations of rollups; nothing is erased.
pub(super) async fn backfill(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let body = Incoming::new(&app, body).whole().await?;
    let mut sources = if body.trim_ascii().is_empty() {
        Sources::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| Failure::bad(format_args!("body: {error}")))?
    };
    if !sources.source_db.trim().is_empty() {
        sources.source_dbs.push(sources.source_db);
    }
    app.work(move |app| {
        let names: Vec<&str> = sources.source_dbs.iter().map(String::as_str).collect();
        let done = app.engine.backfill_rollups(&names)?;
        let result = Report {
            requested_sources: done.requested_sources,
            source_databases: done.source_databases,
            destination_databases: done.destination_databases,
            cleared_checkpoint_files: [],
            cleared_data_files: [],
            cleared_wal_files: [],
            cleared_catalog_files: [],
            replay_passes: 1,
            rebuilt_partitions: done.rebuilt_partitions,
            samples: done.samples,
            problems: done.problems,
        };
        Ok(success(Found { result, result_type: "rollup_backfill" }))
    })
    .await
}
