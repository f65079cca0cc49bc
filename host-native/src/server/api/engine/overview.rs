//! `GET /api/engine/overview`: every database in short, and the settings.

use super::settings::Settings;
use super::summary::Summary;
use crate::server::answer::{Failure, success};
use crate::server::app::App;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Overview {
    result: Vec<Summary>,
    #[serde(rename = "resultType")]
    result_type: &'static str,
    settings: Settings,
}

pub(super) async fn overview(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| {
        let mut result = Vec::new();
        for name in app.engine.databases()? {
            result.push(Summary::of(app, &*app.engine.database(&name)?)?);
        }
        let settings = Settings::of(app);
        Ok(success(Overview { result, result_type: "engine_overview", settings }))
    })
    .await
}
