//! Files of the data directory, as they are.

use super::exact::exact;
use super::listing;
use super::{invalid, name};
use crate::Engine;
use crate::server::answer::{Failure, stream};
use crate::server::app::App;
use crate::server::dashboard::BACKUPS;
use crate::server::request::{Incoming, Params};
use crate::storage::FsStorage;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::Error;
use nanotdb_core::storage::{FileName, Storage as _, StorageFile as _};
use nanotdb_core::view::FileEntry;
use std::io::Write as _;
use std::sync::{Arc, PoisonError};

/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// All files.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.work(|app| {
        let files = listing::all(&app.engine)?;
        let entry =
            |file: &listing::Listed| FileEntry { path: file.path(), bytes: file.bytes.into() };
        Ok(exact(files.iter().map(entry).collect::<Vec<_>>()))
    })
    .await
}

/// One of them.
pub(super) async fn read(State(app): State<Arc<App>>, params: Params) -> Result<Response, Failure> {
    stream(&app, "application/octet-stream", move |app, out| {
        let (directory, file) = split(name(&params, "path")?)?;
        if directory.is_empty() && !listing::is_shown(file.as_str()) {
            return Err(Failure::not_found(format_args!("{file}: no such file")));
        }
        let storage = listing::directory(&app.engine, directory)?;
        let opened = storage.open(&file).map_err(Error::from)?;
        let (mut at, mut piece) = (0, vec![0; PIECE]);
        loop {
            let read = opened.read_at(at, &mut piece).map_err(Error::from)?;
            out.write_all(piece.get(..read).unwrap_or_default()).map_err(Failure::execution)?;
            at += u64::try_from(read).unwrap_or(0);
            if read < PIECE {
                return Ok(());
            }
        }
    })
    .await
}

/// Replaces a file that belongs to pages: a `.json` beside the settings or among earlier
/// dashboards.
pub(super) async fn write(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let content = Incoming::new(&app, body).whole().await?;
    app.work(move |app| {
        let path = name(&params, "path")?;
        let (directory, file) = split(path)?;
        if !listing::is_json(file.as_str()) || !["", BACKUPS].contains(&directory) {
            return Err(invalid(format_args!("{path}: this file is the engine's")));
        }
        let storage = pages_directory(&app.engine, directory)?;
        // Both would write the same temporary file.
        let _alone = app.dashboards.lock().unwrap_or_else(PoisonError::into_inner);
        storage.replace(&file, &content).map_err(Error::from)?;
        Ok(exact(()))
    })
    .await
}

/// The root, or the directory of earlier dashboards, which is made.
fn pages_directory(engine: &Engine, name: &str) -> Result<FsStorage, Failure> {
    let root = engine.host().root_directory();
    let storage = match name {
        "" => root.storage(),
        name => FsStorage::create(root.path().join(name)),
    };
    Ok(storage.map_err(Error::from)?)
}

/// Directory and name of a path with at most one `/`.
fn split(path: &str) -> Result<(&str, FileName), Failure> {
    let (directory, name) = path.split_once('/').unwrap_or(("", path));
    Ok((directory, FileName::new(name).map_err(Error::from)?))
}
