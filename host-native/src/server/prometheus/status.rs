//! What clients ask to find out what they talk to, and what there is nothing of.

use crate::server::answer::success;
use axum::response::Response;
use serde::Serialize;

/// The version of Prometheus whose API and results these are; clients decide by it what to ask.
const COMPATIBLE: &str = "2.42.0";

/// Names as Prometheus writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Build {
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    #[serde(rename = "buildUser")]
    user: &'static str,
    #[serde(rename = "buildDate")]
    date: &'static str,
    go_version: &'static str,
}

/// `status/buildinfo`. The revision says what this really is.
pub(super) async fn build() -> Response {
    success(Build {
        version: COMPATIBLE,
        revision: concat!("nanotdb-", env!("CARGO_PKG_VERSION")),
        branch: "",
        user: "",
        date: "",
        go_version: "",
    })
}

#[derive(Serialize)]
struct Nothing {}

/// `metadata`: types, units and help texts are not stored.
pub(super) async fn metadata() -> Response {
    success(Nothing {})
}

/// `query_exemplars`: exemplars are not stored.
pub(super) async fn exemplars() -> Response {
    success([(); 0])
}

#[derive(Serialize)]
struct Rules {
    groups: [(); 0],
}

/// `rules`: nothing evaluates rules here.
pub(super) async fn rules() -> Response {
    success(Rules { groups: [] })
}

#[derive(Serialize)]
struct Alerts {
    alerts: [(); 0],
}

/// `alerts`: without rules there are none.
pub(super) async fn alerts() -> Response {
    success(Alerts { alerts: [] })
}
