//! Looking into a database.

use super::exact::exact;
use super::{integer, listing, name};
use crate::server::answer::Failure;
use crate::server::app::App;
use crate::server::request::Params;
use crate::{Database, Error, codecs};
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::storage::FileName;
use nanotdb_core::view::{DatabaseInfo, FileInfo, LogInfo, PartitionInfo};
use std::sync::Arc;

/// Log records of one answer.
const MAX_RECORDS: i64 = 100_000;

/// A database as it is now.
pub(super) async fn database(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let files = files(app, &database)?;
        Ok(exact(DatabaseInfo::of(&database, &files)))
    })
    .await
}

/// Its partitions and their files.
pub(super) async fn partitions(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let files = files(app, &database)?;
        Ok(exact(PartitionInfo::all(&database, &files)))
    })
    .await
}

/// What one of those files holds.
pub(super) async fn file(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let directory = listing::directory(&app.engine, database.name())?;
        let file = name(&params, "file")?;
        Ok(exact(FileInfo::of(&database, &directory, file, &codecs::native())?))
    })
    .await
}

/// The newest records of the log.
pub(super) async fn log(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    app.work(move |app| {
        let limit = integer(&params, "limit")?.unwrap_or(100).clamp(0, MAX_RECORDS);
        let database = app.engine.database(name(&params, "db")?)?;
        Ok(exact(LogInfo::of(&database, usize::try_from(limit).unwrap_or(0))?))
    })
    .await
}

/// The files of a database with their lengths.
fn files(app: &App, database: &Database) -> Result<Vec<(FileName, u64)>, Failure> {
    Ok(listing::directory(&app.engine, database.name())?.sizes().map_err(Error::from)?)
}
