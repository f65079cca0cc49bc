//! Maintenance.

use super::exact::exact;
use super::{invalid, name, range};
use crate::Engine;
use crate::server::answer::Failure;
use crate::server::app::App;
use crate::server::request::Params;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::engine::BuildOptions;
use nanotdb_core::view::{
    BuildReport, ConvertReport, DeleteReport, FileCheck, RecompactReport, Retired, TickReport,
    convert_options,
};
use std::sync::Arc;

/// Builds the metric file of a partition, as the settings say.
pub(super) async fn build(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let options = BuildOptions::from_settings(&app.engine.settings().metrics);
        let database = app.engine.database(name(&params, "db")?)?;
        let built = database.build_metric_file(name(&params, "partition")?, options)?;
        Ok(exact(BuildReport::from(built)))
    })
    .await
}

/// Writes the metric file of a partition anew in another layout, with the same samples.
pub(super) async fn convert(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let options = convert_options(
            params.required("format")?,
            params.get("codec"),
            app.engine.settings().metrics.compression,
        )?;
        let database = app.engine.database(name(&params, "db")?)?;
        let done = database.convert_metric_file(name(&params, "partition")?, options)?;
        Ok(exact(ConvertReport::from(done)))
    })
    .await
}

/// Writes the pages of a partition anew, larger ones.
pub(super) async fn recompact(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        // The partition may be open; what is in memory belongs to it.
        database.flush()?;
        let done = database.recompact(name(&params, "partition")?)?;
        Ok(exact(RecompactReport::from(done)))
    })
    .await
}

/// Checks every byte of a partition's files, or of all files.
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = app.engine.database(name(&params, "db")?)?;
        let report = match params.get("partition") {
            Some(partition) => database.verify_partition(partition)?,
            None => database.verify(|_| ())?,
        };
        Ok(exact(report.files.into_iter().map(FileCheck::from).collect::<Vec<_>>()))
    })
    .await
}

/// Deletes samples of metrics in a range of time.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.delete(move |app| {
        let metrics: Vec<&str> = params.all("metric").filter(|name| !name.is_empty()).collect();
        if metrics.is_empty() {
            return Err(invalid("metric is required"));
        }
        let database = app.engine.database(name(&params, "db")?)?;
        let done = database.delete_many(&metrics, range(&params)?)?;
        Ok(exact(DeleteReport::from(done)))
    })
    .await
}

/// Runs the rollups of a database now.
pub(super) async fn rollups(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let run = app.engine.run_rollups(name(&params, "db")?)?;
        Ok(exact(TickReport::from(&run)))
    })
    .await
}

/// Lets expired partitions go now; with `yes=true` also by a clock that is not believed yet.
pub(super) async fn retention(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    app.work(move |app| {
        let database = name(&params, "db")?;
        app.engine.database(database)?;
        if params.get("yes") == Some("true") {
            app.engine.confirm_clock()?;
        }
        let retired = app.engine.apply_retention(database)?.retired;
        Ok(exact(retired.into_iter().map(Retired::from).collect::<Vec<_>>()))
    })
    .await
}

/// Makes everything that was taken so far durable.
pub(super) async fn flush(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| {
        make_durable(&app.engine)?;
        Ok(exact(()))
    })
    .await
}

/// Makes all databases durable, and fails with the first that could not be.
pub(super) fn make_durable(engine: &Engine) -> Result<(), Failure> {
    let failed = |failed: Option<nanotdb_core::Error>, error| failed.or(error);
    let databases = engine.open_databases().into_iter();
    let failed = databases.map(|database| database.make_durable().err()).fold(None, failed);
    failed.map_or(Ok(()), |error| Err(error.into()))
}
