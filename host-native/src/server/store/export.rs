//! Samples and files out.

use super::listing::{self, Listed};
use super::{name, range};
use crate::Engine;
use crate::server::answer::{Failure, Sink, stream, warnings_of};
use crate::server::app::App;
use crate::server::request::Params;
use crate::storage::FsFile;
use axum::extract::State;
use axum::response::Response;
use core::cmp::Reverse;
use nanotdb_core::engine::{Clock as _, ExportOptions};
use nanotdb_core::error::Rejection;
use nanotdb_core::storage::{Storage as _, StorageErrorKind, StorageFile as _};
use nanotdb_core::{Error, Timestamp};
use std::collections::BTreeSet;
use std::io::{self, Read, Write as _};
use std::sync::Arc;

/// The samples of a range as lines: of some metrics, or of all.
pub(super) async fn lines(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Failure> {
    stream(&app, "text/plain; charset=utf-8", move |app, out| {
        let options = ExportOptions { range: range(&params)?, ..ExportOptions::default() };
        let metrics: BTreeSet<&str> = params.all("metric").collect();
        let wanted = |name: &str| metrics.is_empty() || metrics.contains(name);
        let database = app.engine.database(name(&params, "db")?)?;
        let left = || Error::Rejected(Rejection::Invalid("the reader stopped".to_owned()));
        let reading = database.lenient();
        reading.export_metrics(options, wanted, |text| out.write_all(text).map_err(|_| left()))?;
        // Comments, which whoever takes lines in passes over.
        for warning in warnings_of(&reading.damage()) {
            writeln!(out, "# missing: {warning}").map_err(Failure::execution)?;
        }
        Ok(())
    })
    .await
}

/// The data directory as a tar file, while the store goes on working.
pub(super) async fn root(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    stream(&app, "application/x-tar", |app, out| {
        // What is only in memory has to be in a file.
        super::upkeep::make_durable(&app.engine)?;
        let mut archive = tar::Builder::new(out);
        let mut done = BTreeSet::new();
        // Maintenance may put a new file in the place of one that is still to come. It is in the
        // next list then, so lists are read until one has nothing new.
        loop {
            let mut waiting = listing::all(&app.engine)?;
            waiting.retain(|file| !done.contains(&file.path()));
            if waiting.is_empty() {
                break;
            }
            waiting.sort_by_key(|file| Reverse(rank(file)));
            for file in waiting {
                pack(&app.engine, &file, &mut archive)?;
                done.insert(file.path());
            }
        }
        archive.finish().map_err(Failure::execution)
    })
    .await
}

/// Logs first: a record whose page is written meanwhile is in the copy twice, which opening it
/// understands, and never missing. Catalogs last: they have every metric of the pages before.
fn rank(file: &Listed) -> u8 {
    let name = file.name.as_str();
    match name.rsplit_once('.') {
        Some((_, "wal")) => 2,
        _ if name.starts_with("catalog") => 0,
        _ => 1,
    }
}

/// Files up to this length are read at once, so that one state of them is in the copy.
const WHOLE: u64 = 8 << 20;

fn pack(
    engine: &Engine,
    file: &Listed,
    archive: &mut tar::Builder<&mut Sink>,
) -> Result<(), Failure> {
    let opened = match listing::directory(engine, &file.directory)?.open(&file.name) {
        Ok(opened) => opened,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::from(error).into()),
    };
    let bytes = opened.len().map_err(Error::from)?;
    let now = crate::SystemClock.now();
    if bytes <= WHOLE {
        let whole = opened.read_all().map_err(Error::from)?;
        let bytes = u64::try_from(whole.len()).unwrap_or(u64::MAX);
        return append(archive, file, bytes, now, whole.as_slice());
    }
    append(archive, file, bytes, now, Exactly { file: opened, at: 0, end: bytes })
}

fn append(
    archive: &mut tar::Builder<&mut Sink>,
    file: &Listed,
    bytes: u64,
    now: Timestamp,
    content: impl Read,
) -> Result<(), Failure> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_mtime(u64::try_from(now.0 / 1_000_000_000).unwrap_or(0));
    archive.append_data(&mut header, file.path(), content).map_err(Failure::execution)
}

/// So many bytes of a file and not one less: an archive must not shift.
struct Exactly {
    file: FsFile,
    at: u64,
    end: u64,
}

impl Read for Exactly {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let room = into.len().min(left);
        let Some(into) = into.get_mut(..room).filter(|into| !into.is_empty()) else { return Ok(0) };
        let read =
            self.file.read_at(self.at, into).map_err(|error| io::Error::other(error.detail))?;
        if read == 0 {
            return Err(io::Error::other("a file became shorter while it was exported: try again"));
        }
        self.at += u64::try_from(read).unwrap_or(0);
        Ok(read)
    }
}
