//! Queries in PromQL.

use super::{Waiting, limits, times, with_form, within};
use crate::server::answer::{Failure, stream, success};
use crate::server::app::App;
use crate::server::promql::{self, Answer, Budget, QueryError, Reading, Steps};
use crate::server::request::Params;
use axum::body::Body;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use std::sync::Arc;

/// `query`: the value at one instant, which is now unless `time` says otherwise.
pub(in crate::server) async fn instant(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let params = with_form(&app, &method, params, body).await?;
    let at = times::instant(&params, "time")?.unwrap_or_else(|| app.engine.now());
    answer(&app, params, move |query, series, budget| promql::instant(query, at, series, budget))
        .await
}

/// `query_range`: the values from `start` to `end`, a `step` apart.
pub(in crate::server) async fn range(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let params = with_form(&app, &method, params, body).await?;
    let moment = |name: &str| match times::instant(&params, name) {
        Ok(None) => Err(Failure::bad(format_args!("invalid parameter \"{name}\": it is required"))),
        Ok(Some(moment)) => Ok(moment),
        Err(error) => Err(error),
    };
    let (start, end) = (moment("start")?, moment("end")?);
    let step = times::duration("step", params.required("step")?)?;
    let interval_ns = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX);
    let steps = Steps { start, end, interval_ns };
    answer(&app, params, move |query, series, budget| promql::range(query, steps, series, budget))
        .await
}

/// Evaluates the query of a request and sends what it finds.
async fn answer(
    app: &Arc<App>,
    params: Params,
    evaluate: impl FnOnce(&str, &Reading<'_>, &Budget<'_>) -> Result<Answer, QueryError>
    + Send
    + 'static,
) -> Result<Response, Failure> {
    let limits = limits(app, &params)?;
    let waiting = Waiting::new();
    let gone = waiting.gone();
    stream(app, "application/json", move |app, out| {
        let query = params.get("query").unwrap_or_default();
        let series = app.series.reading();
        let answer = within(app, limits, &gone, |budget| evaluate(query, &series, budget))?;
        promql::write_answer(&answer, &series.warnings(), out).map_err(Failure::execution)
    })
    .await
}

/// `format_query`: the query, laid out on lines.
pub(super) async fn format(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let params = with_form(&app, &method, params, body).await?;
    Ok(success(promql::formatted(params.get("query").unwrap_or_default())?))
}
