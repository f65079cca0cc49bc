//! `/api/store/…`: the whole store, for this program's own pages.
//!
//! Every method of the pages' `Source` (`www/src/source.ts`) has a path here, with the same names,
//! results and codes of failures. Results are in the usual envelope; times of 64 bits are text,
//! because numbers of JSON have 53. Columns come and go as [`frame`]s, without being parsed.
//!
//! | path | method | parameters or body |
//! |---|---|---|
//! | `add` | POST | `db`, `metric`, `value`, `type`, `time` |
//! | `columns`, `rows` | POST | `db`; a frame |
//! | `lines` | POST | `db`; line protocol |
//! | `lines` | GET | `db`, `from`, `to`, `metric`… |
//! | `last` | GET | `db`, `metric` |
//! | `query` | GET | `db`, `metric`…, `from`, `to`, `stride` |
//! | `aggregate` | GET | as `query`; `window`, `aggregate`… |
//! | `chart` | GET | `db`, `metric`…, `from`, `to`, `points`, `method` |
//! | `databases`, `metrics`, `stats`, `settings` | GET | `db` of `metrics` |
//! | `inspect`, `partitions` | GET | `db` |
//! | `inspect-file`, `inspect-log` | GET | `db`, `file`; `db`, `limit` |
//! | `files`, `root` | GET | none; `root` is a tar file |
//! | `file` | GET, PUT | `path` |
//! | `delete` | POST | `db`, `metric`…, `from`, `to` |
//! | `build`, `recompact` | POST | `db`, `partition` |
//! | `convert` | POST | `db`, `partition`, `format`, `codec` |
//! | `verify` | POST | `db`, `partition` |
//! | `rollups`, `retention` | POST | `db` |
//! | `flush` | POST | none |

mod chart;
mod exact;
mod export;
mod files;
mod frame;
mod inspect;
mod lines;
mod listing;
mod numbers;
mod read;
mod upkeep;
mod write;

use super::answer::Failure;
use super::app::App;
use super::request::Params;
use super::routes::only;
use axum::Router;
use axum::routing::{get, post};
use nanotdb_core::error::Rejection;
use nanotdb_core::{Error, TimeRange, Timestamp};
use std::sync::Arc;

/// The routes of this API.
pub(super) fn routes() -> Router<Arc<App>> {
    let store = Router::new()
        .route("/add", only(post(write::add)))
        .route("/columns", only(post(write::columns)))
        .route("/rows", only(post(write::rows)))
        .route("/lines", only(post(lines::take).get(export::lines)))
        .route("/last", only(get(read::last)))
        .route("/query", only(get(numbers::query)))
        .route("/aggregate", only(get(numbers::aggregate)))
        .route("/chart", only(get(chart::chart)))
        .route("/databases", only(get(read::databases)))
        .route("/metrics", only(get(read::metrics)))
        .route("/stats", only(get(read::stats)))
        .route("/settings", only(get(read::settings)))
        .route("/inspect", only(get(inspect::database)))
        .route("/partitions", only(get(inspect::partitions)))
        .route("/inspect-file", only(get(inspect::file)))
        .route("/inspect-log", only(get(inspect::log)))
        .route("/files", only(get(files::list)))
        .route("/root", only(get(export::root)))
        .route("/file", only(get(files::read).put(files::write)))
        .route("/build", only(post(upkeep::build)))
        .route("/convert", only(post(upkeep::convert)))
        .route("/recompact", only(post(upkeep::recompact)))
        .route("/verify", only(post(upkeep::verify)))
        .route("/rollups", only(post(upkeep::rollups)))
        .route("/retention", only(post(upkeep::retention)))
        .route("/delete", only(post(upkeep::delete)))
        .route("/flush", only(post(upkeep::flush)));
    Router::new().nest("/api/store", store)
}

/// A name as it was sent: those of old databases may begin or end with a space.
fn name<'a>(params: &'a Params, key: &'a str) -> Result<&'a str, Failure> {
    let found = params.all(key).next().filter(|name| !name.is_empty());
    found.ok_or_else(|| invalid(format_args!("{key} is required")))
}

/// A range of nanoseconds; an end that is not named is that of time.
fn range(params: &Params) -> Result<TimeRange, Failure> {
    let from = integer(params, "from")?.unwrap_or(i64::MIN);
    let to = integer(params, "to")?.unwrap_or(i64::MAX);
    let (from, to) = (Timestamp(from), Timestamp(to));
    TimeRange::new(from, to)
        .ok_or_else(|| Error::Rejected(Rejection::InvalidRange { from, to }).into())
}

/// An integer, if there is one.
fn integer(params: &Params, key: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = params.get(key) else { return Ok(None) };
    let parsed = text.parse();
    parsed.map(Some).map_err(|_| invalid(format_args!("{key}={text}: expected an integer")))
}

/// What the package calls `invalid`.
fn invalid(detail: impl core::fmt::Display) -> Failure {
    Error::Rejected(Rejection::Invalid(detail.to_string())).into()
}
