//! `/api/dashboard-config`: the dashboard's file, checked before it is kept.
//!
//! ```text
//! document   JSON whose fields stay in the order in which they were written
//! shape      types of fields
//! rules      what the fields say
//! file       reading, backup, replacement
//! ```

mod document;
mod file;
mod rules;
mod shape;

use super::answer::{Failure, written};
use super::app::App;
use super::request::Incoming;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use document::Document;
pub(super) use file::BACKUPS;
use serde::Serialize;
use std::sync::{Arc, PoisonError};

/// Bytes of a dashboard.
const MAX_BYTES: u64 = 1 << 20;

/// Says whether a dashboard is from a file, or the one that is shown without.
const FROM: HeaderName = HeaderName::from_static("nanotdb-dashboard");

/// Shown while there is no file: what `nanotdb collect` records.
const DEFAULT: &str = include_str!("default.json");

/// The routes of this API.
pub(super) fn routes() -> Router<Arc<App>> {
    let config = get(read).put(save).fallback(async || refused("GET, HEAD, PUT"));
    let validate = post(validate).fallback(async || refused("POST"));
    Router::new()
        .route("/api/dashboard-config", config)
        .route("/api/dashboard-config/validate", validate)
}

fn refused(allowed: &'static str) -> Response {
    let headers = [(ALLOW, allowed), (CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::METHOD_NOT_ALLOWED, headers, "method not allowed\n").into_response()
}

/// What became of a dashboard.
#[derive(Debug, Default, Serialize)]
struct Answer {
    ok: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_path: Option<String>,
    /// The document.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Document>,
    /// Its text as a file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

async fn read(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| {
        let (from, text) = match file::read(&app.settings)? {
            Some(text) => ("file", text),
            None => ("default", usual(&app.settings.web.title)?),
        };
        Ok(([(CONTENT_TYPE, "application/json"), (FROM, from)], text).into_response())
    })
    .await
}

/// The dashboard that is shown without a file.
fn usual(title: &str) -> Result<Vec<u8>, Failure> {
    if title.is_empty() {
        return Ok(DEFAULT.as_bytes().to_vec());
    }
    let mut document = Document::parse(DEFAULT.as_bytes()).map_err(Failure::execution)?;
    document.set("title", title);
    Ok(document.text().into_bytes())
}

async fn validate(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let body = Incoming::new(&app, body).at_most(MAX_BYTES).whole().await?;
    let checked = app.work(move |_| Ok(check(&body))).await?;
    Ok(match checked {
        Ok(document) => answered(document, None),
        Err(errors) => wrong(errors),
    })
}

async fn save(State(app): State<Arc<App>>, body: Body) -> Result<Response, Failure> {
    let body = Incoming::new(&app, body).at_most(MAX_BYTES).whole().await?;
    app.work(move |app| {
        let document = match check(&body) {
            Ok(document) => document,
            Err(errors) => return Ok(wrong(errors)),
        };
        let _alone = app.dashboards.lock().unwrap_or_else(PoisonError::into_inner);
        let backup = file::save(&app.settings, document.text().as_bytes())?;
        Ok(answered(document, backup))
    })
    .await
}

/// The document, or everything that is wrong with it.
fn check(body: &[u8]) -> Result<Document, Vec<String>> {
    let document = Document::parse(body).map_err(|error| vec![format!("no JSON: {error}")])?;
    let value = serde_json::from_slice(body).map_err(|error| vec![format!("no JSON: {error}")])?;
    let mut errors = shape::check(&value);
    if errors.is_empty() {
        errors = rules::check(&value);
    }
    if errors.is_empty() { Ok(document) } else { Err(errors) }
}

fn answered(document: Document, backup_path: Option<String>) -> Response {
    let payload = Some(document.text());
    written(&Answer { ok: true, errors: Vec::new(), backup_path, config: Some(document), payload })
}

fn wrong(errors: Vec<String>) -> Response {
    (StatusCode::BAD_REQUEST, written(&Answer { errors, ..Answer::default() })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_dashboard_is_valid_and_may_have_another_title() {
        assert!(check(DEFAULT.as_bytes()).is_ok());
        assert_eq!(usual("").unwrap(), DEFAULT.as_bytes());
        let named = String::from_utf8(usual("My <box>").unwrap()).unwrap();
        assert!(named.starts_with("{\n  \"title\": \"My <box>\",\n  \"default_db\""), "{named}");
    }

    #[test]
    fn what_is_no_json_is_said() {
        assert!(check(b"{").unwrap_err()[0].starts_with("no JSON: EOF"));
    }
}
