//! Prometheus' HTTP API, as far as Grafana and other clients ask it.
//!
//! Below `/prometheus/api/v1/` every query is PromQL. Below `/api/v1/` two paths are shared with the
//! reference's API; see [`is_reference`].

mod query;
mod series;
mod status;
mod times;

use super::answer::Failure;
use super::app::App;
use super::promql::{Budget, Limits, QueryError};
use super::request::{Incoming, Params};
use super::routes::only;
use axum::Router;
use axum::body::Body;
use axum::http::Method;
use axum::routing::get;
pub(super) use query::{instant, range};
pub(super) use series::range as series_range;
use std::sync::Arc;

/// Bytes of a form.
const MAX_FORM: u64 = 1 << 20;

/// The routes of this API.
pub(super) fn routes() -> Router<Arc<App>> {
    let own = Router::new()
        .route("/query", only(get(instant).post(instant)))
        .route("/query_range", only(get(range).post(range)));
    Router::new().nest("/prometheus/api/v1", own.merge(shared())).nest("/api/v1", shared())
}

/// The routes that are no other API's.
fn shared() -> Router<Arc<App>> {
    Router::new()
        .route("/series", only(get(series::series).post(series::series)))
        .route("/labels", only(get(series::names).post(series::names)))
        .route("/label/{name}/values", only(get(series::values)))
        .route("/format_query", only(get(query::format).post(query::format)))
        .route("/metadata", only(get(status::metadata)))
        .route("/query_exemplars", only(get(status::exemplars).post(status::exemplars)))
        .route("/rules", only(get(status::rules)))
        .route("/alerts", only(get(status::alerts)))
        .route("/status/buildinfo", only(get(status::build)))
}

/// Whether a request to `/api/v1/query` or `/api/v1/query_range` is one of the reference's API: one
/// that names a database, by `db` or as `database/metric`. PromQL has no `/` between two words that
/// could not as well be written with spaces.
pub(super) fn is_reference(method: &Method, params: &Params) -> bool {
    method == Method::GET
        && (params.get("db").is_some() || params.get("query").is_some_and(is_path))
}

/// Whether a query is `database/metric`. A metric's name may have a `/`, too.
fn is_path(query: &str) -> bool {
    let is_expression = |c: char| c.is_whitespace() || "(){}[]\"'*+^,".contains(c);
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let parts = query.split_once('/');
    parts.is_some_and(|(_, metric)| !is_number(metric)) && !query.contains(is_expression)
}

/// The parameters of a request and those of its form, which come first.
pub(super) async fn with_form(
    app: &Arc<App>,
    method: &Method,
    params: Params,
    body: Body,
) -> Result<Params, Failure> {
    if method != Method::POST {
        return Ok(params);
    }
    let form = Incoming::new(app, body).at_most(MAX_FORM).whole().await?;
    let form =
        String::from_utf8(form).map_err(|error| Failure::bad(format_args!("form: {error}")))?;
    Ok(Params::parse(&form)?.and(params))
}

/// What a query may cost: what the settings say, or less where the request does.
fn limits(app: &App, params: &Params) -> Result<Limits, Failure> {
    let most = app.settings.request_timeout;
    let timeout = match params.get("timeout") {
        Some(timeout) => most.min(times::duration("timeout", timeout)?),
        None => most,
    };
    Ok(Limits { timeout, ..Limits::default() })
}

/// Says, by being dropped with the request's future, that nobody waits for the answer.
struct Waiting(Arc<core::sync::atomic::AtomicBool>);

impl Waiting {
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Whether nobody waits any more.
    fn gone(&self) -> Arc<core::sync::atomic::AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, core::sync::atomic::Ordering::Relaxed);
    }
}

/// Does `work` with a budget that ends when nobody waits for it.
fn within<T>(
    app: &App,
    limits: Limits,
    gone: &core::sync::atomic::AtomicBool,
    work: impl FnOnce(&Budget<'_>) -> Result<T, QueryError>,
) -> Result<T, Failure> {
    let is_cancelled = || gone.load(core::sync::atomic::Ordering::Relaxed) || app.is_stopping();
    Ok(work(&Budget::new(limits, &is_cancelled))?)
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::BadData(text) => Self::bad(text),
            QueryError::Execution(text) => Self::unprocessable(text),
            QueryError::Timeout => Self::timeout(),
            QueryError::Cancelled => Self::unavailable(error),
            QueryError::Internal(text) => Self::execution(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_apis_are_told_apart() {
        let of = |text: &str| is_reference(&Method::GET, &Params::parse(text).unwrap());
        for reference in [
            "query=home/cpu.usage",
            "query=internal/nanotdb/home/wal/append_count",
            "db=home&query=cpu",
            "db=home&query=rate(x[5m])",
        ] {
            assert!(of(reference), "{reference}");
        }
        for promql in [
            "query=up",
            "query=a%20/%20b",
            "query=a%7Bb%3D%22c%22%7D/d",
            "query=up/2",
            "query=a/b*c",
            "query=1%2B1",
            "db=&query=up",
            "",
        ] {
            assert!(!of(promql), "{promql}");
        }
        let params = Params::parse("query=home/cpu.usage").unwrap();
        assert!(!is_reference(&Method::POST, &params));
    }
}
