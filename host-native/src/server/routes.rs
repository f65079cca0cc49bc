//! Which path is answered by what.

use super::answer::{Failure, WARNINGS_HEADER, success, written};
use super::app::App;
use super::pages::Pages;
use super::{api, content_encoding, dashboard, delete, guard, ingest, metrics, prometheus, store};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get};
use core::time::Duration;
use nanotdb_core::engine::ClockJump;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser remembers what it may ask.
const CORS_AGE: Duration = Duration::from_hours(1);

/// All routes, with what stands before each of them.
pub(super) fn all(app: &Arc<App>) -> Router {
    let routes = Router::new()
        .route("/health", any(health))
        .route("/ready", only(get(ready)))
        .route("/metrics", only(get(metrics::metrics)))
        .merge(api::routes())
        .merge(ingest::routes())
        .merge(prometheus::routes())
        .merge(delete::routes())
        .merge(store::routes());
    let routes = match Pages::new(&app.settings).map(Arc::new) {
        Some(pages) => with_pages(routes, pages),
        None => routes.fallback(unknown),
    };
    let routes = routes
        // Bodies are limited where they are read.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(content_encoding::unpack))
        // Snappy is this path's own concern; the layer above would refuse it.
        .merge(ingest::compressed_routes())
        .layer(from_fn_with_state(Arc::clone(app), guard::watch))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(|_| {
            Failure::execution("the request's handler panicked").into_response()
        }));
    let routes = match cors(&app.settings.cors_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.with_state(Arc::clone(app))
}

/// The pages, and the dashboard that they show.
fn with_pages(routes: Router<Arc<App>>, pages: Arc<Pages>) -> Router<Arc<App>> {
    let answer = async move |State(app): State<Arc<App>>, request: axum::extract::Request| {
        let (parts, _) = request.into_parts();
        let path = parts.uri.path().to_owned();
        Arc::clone(&pages).answer(app, parts.method, path, parts.headers).await
    };
    routes.merge(dashboard::routes()).fallback(answer)
}

/// A route that refuses other methods as the API does.
pub(super) fn only(methods: MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {
    methods.fallback(async || Failure::method())
}

async fn unknown(method: Method, uri: axum::http::Uri) -> Failure {
    Failure::not_found(format_args!("{method} {}: no such path", uri.path()))
}

#[derive(serde::Serialize)]
struct Health {
    status: &'static str,
}

async fn health() -> Response {
    written(&Health { status: "ok" })
}

/// Whether the store takes samples now, and has all its files; with a warning where upkeep waits
/// for somebody.
async fn ready(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    if app.is_stopping() {
        return Err(Failure::unavailable("the server is being stopped"));
    }
    app.watch(|app| {
        let databases = app.engine.open_databases();
        let failed = databases.iter().find_map(|database| database.check_writable().err());
        failed.map_or(Ok(()), |error| Err(Failure::unavailable(error)))?;
        let lost = databases.iter().flat_map(|database| database.lost_files()).next();
        lost.map_or(Ok(()), |what| Err(Failure::unavailable(what)))
    })
    .await?;
    let Some(jump) = app.engine.clock_jump() else { return Ok(success("ready")) };
    let warnings = vec![clock_warning(&jump)];
    Ok(written(&Ready { status: "success", data: "ready", warnings }))
}

#[derive(serde::Serialize)]
struct Ready {
    status: &'static str,
    data: &'static str,
    warnings: Vec<String>,
}

fn clock_warning(jump: &ClockJump) -> String {
    let ClockJump { now, expected, accepted_in, .. } = jump;
    format!(
        "the clock shows {now}, long after {expected}, the time of the last run or of the newest \
         samples: nothing is deleted or archived for another {} s unless it is confirmed",
        accepted_in.as_secs()
    )
}

/// What pages of other origins may ask; nothing unless the settings say so.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let named = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(named)
    };
    let headers: [HeaderName; 3] =
        [header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_ENCODING];
    // By which a page knows a dashboard that nobody has saved yet, and what an answer lacks.
    let exposed = ["nanotdb-dashboard", WARNINGS_HEADER].map(HeaderName::from_static);
    let cors = CorsLayer::new().allow_origin(origin).allow_headers(headers).max_age(CORS_AGE);
    let cors = cors.expose_headers(exposed);
    Some(cors.allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE]))
}
