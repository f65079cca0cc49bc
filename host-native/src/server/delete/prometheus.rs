//! `delete_series`, as programs for Prometheus ask for it.

use super::delete;
use crate::server::answer::Failure;
use crate::server::app::App;
use crate::server::prometheus::{series_range, with_form};
use crate::server::promql;
use crate::server::request::Params;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use std::sync::Arc;

/// Deletes the samples of every series that a `match[]` selects, from `start` to `end`.
pub(super) async fn delete_series(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<StatusCode, Failure> {
    let params = with_form(&app, &method, params, body).await?;
    app.delete(move |app| {
        let selectors = params.all("match[]").map(promql::selector);
        let selectors: Vec<_> = selectors.collect::<Result<_, _>>()?;
        if selectors.is_empty() {
            return Err(Failure::bad("no match[] parameter provided"));
        }
        let range = series_range(&params)?;
        for (database, metrics) in app.series.names(&selectors)? {
            let names: Vec<&str> = metrics.iter().map(String::as_str).collect();
            delete(&database, &names, range)?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Nothing is left to clean: what is deleted leaves the files at once.
pub(super) async fn clean_tombstones() -> StatusCode {
    StatusCode::NO_CONTENT
}
