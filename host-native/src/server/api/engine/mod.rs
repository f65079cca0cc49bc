//! `/api/engine/…`: a look into the engine, with the reference's fields.

mod compact;
mod database;
mod files;
mod overview;
mod record;
mod runtime;
mod settings;
mod stats;
mod summary;

use crate::server::app::App;
use crate::server::routes::only;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/engine/overview", only(get(overview::overview)))
        .route("/api/engine/database", only(get(database::database)))
        .route("/api/engine/files", only(get(files::files)))
        .route("/api/engine/runtime", only(get(runtime::runtime)))
        .route("/api/engine/compact_metric", only(post(compact::compact_metric)))
        .route("/api/engine/recompact", only(post(compact::recompact)))
}
