//! Line protocol in.

use super::exact::exact;
use crate::Engine;
use crate::server::answer::Failure;
use crate::server::app::{App, Counters};
use crate::server::request::{Incoming, Params};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use nanotdb_core::engine::{AddOptions, Importer};
use nanotdb_core::view::Rejections;
use std::sync::Arc;

struct Import {
    importer: Importer<Arc<Engine>>,
    rejections: Rejections,
}

/// Takes lines in as they arrive and names those that it did not take. `db` takes the place of
/// each line's database. When the body breaks off, what came before stays.
pub(super) async fn take(
    State(app): State<Arc<App>>,
    params: Params,
    body: Body,
) -> Result<Response, Failure> {
    let importer =
        Importer::new(Arc::clone(&app.engine), params.get("db")).with_options(AddOptions::LIVE);
    let mut import = Import { importer, rejections: Rejections::default() };
    let mut incoming = Incoming::new(&app, body);
    while let Some(piece) = incoming.next().await? {
        import = import.feed(&app, piece).await?;
    }
    app.ingest(move |app| {
        let Import { importer, mut rejections } = import;
        let before = importer.report().imported_lines;
        let report = importer.finish(&mut |line| rejections.note(line))?;
        let last = report.imported_lines.saturating_sub(before);
        Counters::add(&app.counters.accepted, last);
        Counters::add(&app.counters.rejected, report.rejected_lines);
        Ok(exact(rejections.report(report)))
    })
    .await
}

impl Import {
    async fn feed(mut self, app: &Arc<App>, text: Vec<u8>) -> Result<Self, Failure> {
        app.ingest(move |app| {
            let before = self.importer.report().imported_lines;
            let rejections = &mut self.rejections;
            let done = self.importer.feed(&text, &mut |line| rejections.note(line));
            let taken = self.importer.report().imported_lines.saturating_sub(before);
            Counters::add(&app.counters.accepted, taken);
            Ok(done.map(|()| self)?)
        })
        .await
    }
}
