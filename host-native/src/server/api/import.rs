//! `POST /api/v1/import`: line protocol in.

use crate::Engine;
use crate::server::answer::{Failure, success};
use crate::server::app::{App, Counters};
use crate::server::request::{Incoming, Params};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use nanotdb_core::Error;
use nanotdb_core::engine::{AddOptions, Importer, RejectedLine};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Lines that an answer names with a reason; all are counted.
const MAX_NAMED: usize = 100;

/// A body of `{"lines":"…"}`.
#[derive(Deserialize)]
struct Lines {
    lines: String,
}

#[derive(Serialize)]
struct Imported {
    imported: u64,
}

/// What a failed import did all the same.
#[derive(Serialize)]
struct Partial<'a> {
    imported: u64,
    rejected: u64,
    rejections: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    line: u64,
    reason: &'a str,
}

/// An import while its body comes in.
struct Import {
    importer: Importer<Arc<Engine>>,
    rejected: u64,
    named: Vec<RejectedLine>,
}

/// Takes lines in as they arrive. `db` takes the place of each line's database.
pub(in crate::server) async fn import(
    State(app): State<Arc<App>>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let incoming = Incoming::new(&app, body);
    take_lines(&app, &params, is_json(&headers), Vec::new(), incoming).await
}

/// Takes lines in, of which `begun` has been read already.
pub(in crate::server) async fn take_lines(
    app: &Arc<App>,
    params: &Params,
    is_json: bool,
    begun: Vec<u8>,
    mut incoming: Incoming,
) -> Result<Response, Failure> {
    let mut import = Import {
        importer: Importer::new(Arc::clone(&app.engine), params.get("db"))
            .with_options(AddOptions::LIVE)
            .refusing_other_units(),
        rejected: 0,
        named: Vec::new(),
    };
    if is_json {
        let Lines { lines } = incoming.json().await?;
        import = import.feed(app, lines.into_bytes()).await?;
    } else {
        import = import.feed(app, begun).await?;
        loop {
            match incoming.next().await {
                Ok(Some(piece)) => import = import.feed(app, piece).await?,
                Ok(None) => break,
                // The lines before stay; who sent them is told how many.
                Err(failure) => return Err(import.partly(failure)),
            }
        }
    }
    import.finish(app).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let written = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    written.is_some_and(|written| written.trim_start().starts_with("application/json"))
}

impl Import {
    async fn feed(mut self, app: &Arc<App>, text: Vec<u8>) -> Result<Self, Failure> {
        app.ingest(move |app| {
            let before = self.importer.report().imported_lines;
            let (rejected, named) = (&mut self.rejected, &mut self.named);
            let done = self.importer.feed(&text, &mut |line| note(line, rejected, named));
            let taken = self.importer.report().imported_lines.saturating_sub(before);
            Counters::add(&app.counters.accepted, taken);
            match done {
                Ok(()) => Ok(self),
                Err(error) => Err(self.stopped(error)),
            }
        })
        .await
    }

    async fn finish(mut self, app: &Arc<App>) -> Result<Response, Failure> {
        app.ingest(move |app| {
            let before = self.importer.report().clone();
            let (rejected, named) = (&mut self.rejected, &mut self.named);
            let report = match self.importer.finish(&mut |line| note(line, rejected, named)) {
                Ok(report) => report,
                Err(error) => {
                    return Err(with_partial(
                        error.into(),
                        before.imported_lines,
                        *rejected,
                        named,
                    ));
                }
            };
            let taken = report.imported_lines.saturating_sub(before.imported_lines);
            Counters::add(&app.counters.accepted, taken);
            Counters::add(&app.counters.rejected, *rejected);
            named.sort_by_key(|line| line.number);
            match named.first() {
                None => Ok(success(Imported { imported: report.imported_lines })),
                Some(first) => {
                    let failure =
                        Failure::bad(format_args!("line {}: {}", first.number, first.reason));
                    Err(with_partial(failure, report.imported_lines, *rejected, named))
                }
            }
        })
        .await
    }

    /// The answer when the store takes nothing more.
    fn stopped(&self, error: Error) -> Failure {
        // The next piece would fail as well; who comes back may find the store mended.
        let failure = match error {
            Error::Storage(_) => Failure::unavailable(error),
            error => error.into(),
        };
        self.partly(failure)
    }

    fn partly(&self, failure: Failure) -> Failure {
        let imported = self.importer.report().imported_lines;
        with_partial(failure, imported, self.rejected, &self.named)
    }
}

fn note(line: RejectedLine, rejected: &mut u64, named: &mut Vec<RejectedLine>) {
    *rejected += 1;
    if named.len() < MAX_NAMED {
        named.push(line);
    }
}

/// The failure, with what was done before or beside it.
fn with_partial(failure: Failure, imported: u64, rejected: u64, named: &[RejectedLine]) -> Failure {
    let rejections =
        named.iter().map(|line| Named { line: line.number, reason: &line.reason }).collect();
    let data = serde_json::to_value(Partial { imported, rejected, rejections });
    failure.with_data(data.unwrap_or_default())
}
