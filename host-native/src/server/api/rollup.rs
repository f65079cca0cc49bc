//! `POST /api/v1/rollup/backfill`: rollups computed anew.

use super::Found;
use crate::report::Backfill;
use crate::server::answer::{Failure, success};
use crate::server::app::App;
use crate::server::request::{Incoming, from_json};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

/// Which databases; none means all.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sources {
    source_db: String,
    source_dbs: Vec<String>,
}

/// Mends what is missing or wrong in the destinations of rollups; nothing is erased.
pub(super) async fn backfill(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let body = Incoming::new(&app, body).whole().await?;
    let mut sources =
        if body.trim_ascii().is_empty() { Sources::default() } else { from_json(&body)? };
    if !sources.source_db.trim().is_empty() {
        sources.source_dbs.push(sources.source_db);
    }
    app.work(move |app| {
        let names: Vec<&str> = sources.source_dbs.iter().map(String::as_str).collect();
        let done = app.engine.backfill_rollups(&names)?;
        let mut result = Backfill::from(done);
        // One request goes through all of them once.
        result.replay_passes = 1;
        Ok(success(Found { result, result_type: "rollup_backfill" }))
    })
    .await
}
