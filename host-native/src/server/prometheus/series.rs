//! Which series there are, and their labels.

use super::{Waiting, limits, times, with_form, within};
use crate::server::answer::{Failure, success_but};
use crate::server::app::App;
use crate::server::promql::{self, LabelSet};
use crate::server::request::Params;
use crate::{TimeRange, Timestamp};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use std::collections::BTreeSet;
use std::sync::Arc;

/// `series`: the labels of each series that a `match[]` selects.
pub(super) async fn series(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let params = with_form(&app, &method, params, body).await?;
    if params.all("match[]").next().is_none() {
        return Err(Failure::bad("no match[] parameter provided"));
    }
    listed(app, params, |found| found.into_iter().collect()).await
}

/// `labels`: the names of labels.
pub(super) async fn names(
    State(app): State<Arc<App>>,
    method: Method,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let params = with_form(&app, &method, params, body).await?;
    listed(app, params, |found| {
        let names = found.iter().flat_map(LabelSet::iter).map(|(name, _)| name);
        sorted(names)
    })
    .await
}

/// `label/NAME/values`: the values of one label.
pub(super) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Failure> {
    listed(app, params, move |found| {
        let values = found.iter().map(|labels| labels.get(&name));
        sorted(values.filter(|value| !value.is_empty()))
    })
    .await
}

fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

/// Answers with what `list` makes of the series that the parameters speak of.
async fn listed<T: serde::Serialize + Send + 'static>(
    app: Arc<App>,
    params: Params,
    list: impl FnOnce(Vec<LabelSet>) -> Vec<T> + Send + 'static,
) -> Result<Response, Failure> {
    let limits = limits(&app, &params)?;
    let waiting = Waiting::new();
    let gone = waiting.gone();
    let most = match params.get("limit") {
        Some(text) => text.parse().map_err(|_| {
            Failure::bad(format_args!("invalid parameter \"limit\": {text}: expected a count"))
        })?,
        None => 0,
    };
    let work = app.work(move |app| {
        let range = range(&params)?;
        let selectors = params.all("match[]").map(promql::selector);
        let selectors: Vec<_> = selectors.collect::<Result<_, _>>()?;
        let series = app.series.reading();
        let find = |budget: &promql::Budget<'_>| series.labels(&selectors, range, budget);
        let mut listed = list(within(app, limits, &gone, find)?);
        // 0 is no limit.
        if most > 0 {
            listed.truncate(most);
        }
        Ok(success_but(listed, &series.warnings()))
    });
    work.await
}

/// From `start` to `end`; always, where they are missing.
pub(in crate::server) fn range(params: &Params) -> Result<TimeRange, Failure> {
    let from = times::nearest(params, "start")?.unwrap_or(Timestamp::MIN);
    let to = times::nearest(params, "end")?.unwrap_or(Timestamp::MAX);
    TimeRange::new(from, to).ok_or_else(|| {
        Failure::bad("invalid parameter \"end\": end timestamp must not be before start time")
    })
}
