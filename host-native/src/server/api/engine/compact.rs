//! `POST /api/engine/compact_metric` and `/recompact`: a closed partition's files written anew.

use crate::report::Recompacted;
use crate::server::answer::{Failure, success};
use crate::server::api::Found;
use crate::server::app::App;
use crate::server::request::Incoming;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

#[derive(Deserialize)]
struct Partition {
    #[serde(default)]
    db: String,
    #[serde(default)]
    part: String,
}

#[derive(Serialize)]
struct Compacted {
    database: String,
    part: String,
    data_path: String,
    metric_path: String,
    data_bytes: u64,
    metric_bytes: u64,
    metric_version: u16,
    saved_bytes: i64,
    duration_ms: u128,
}

/// Builds the metric file of a partition.
pub(super) async fn compact_metric(
    State(app): State<Arc<App>>,
    body: Body,
) -> Result<Response, Failure> {
    let Partition { db, part } = read(&app, body).await?;
    app.work(move |app| {
        let began = Instant::now();
        let database = app.engine.database(&db)?;
        must_be_closed(app, &database, &part)?;
        let done = database.compact(&part)?;
        let result = Compacted {
            data_path: path(app, &db, done.data_file.as_str()),
            metric_path: path(app, &db, done.metric_file.as_str()),
            database: done.database,
            part: done.partition,
            data_bytes: done.data_bytes,
            metric_bytes: done.metric_bytes,
            metric_version: done.version.number(),
            saved_bytes: done.saved_bytes,
            duration_ms: began.elapsed().as_millis(),
        };
        Ok(success(Found { result, result_type: "engine_compact_metric" }))
    })
    .await
}

/// Writes the pages of a partition anew.
pub(super) async fn recompact(
    State(app): State<Arc<App>>,
    body: Body,
) -> Result<Response, Failure> {
    let Partition { db, part } = read(&app, body).await?;
    app.work(move |app| {
        let began = Instant::now();
        let database = app.engine.database(&db)?;
        must_be_closed(app, &database, &part)?;
        let done = database.recompact(&part)?;
        let root = app.engine.host().root_directory().path();
        let result = Recompacted::of(done, root, began.elapsed());
        Ok(success(Found { result, result_type: "engine_recompact" }))
    })
    .await
}

async fn read(app: &Arc<App>, body: Body) -> Result<Partition, Failure> {
    let asked: Partition = Incoming::new(app, body).json().await?;
    for (name, value) in [("db", &asked.db), ("part", &asked.part)] {
        if value.trim().is_empty() {
            return Err(Failure::bad(format_args!("{name} is required")));
        }
    }
    Ok(Partition { db: asked.db.trim().to_owned(), part: asked.part.trim().to_owned() })
}

/// 409 for a partition with samples in memory, 404 for one without files.
fn must_be_closed(app: &App, database: &crate::Database, part: &str) -> Result<(), Failure> {
    let open = database.inspect().open_pages;
    if open.iter().any(|page| page.partition == part) {
        return Err(Failure::conflict(format_args!(
            "data file partition is currently open: {}/{part}",
            database.name()
        )));
    }
    database.partition(part)?;
    if !database.partitions().iter().any(|key| key == part) {
        let place = app.engine.host().root_directory().path().join(database.name());
        let message = format!("partition {part}: no data file in {}", place.display());
        return Err(Failure::not_found(message));
    }
    Ok(())
}

fn path(app: &App, database: &str, file: &str) -> String {
    app.engine.host().root_directory().path().join(database).join(file).display().to_string()
}
