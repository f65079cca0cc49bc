//! Answers of any length, of which only a few pieces are in memory.

use super::Failure;
use crate::server::app::App;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use core::time::Duration;
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// Pieces that wait for the client.
const WAITING: usize = 4;

/// Where a streamed answer is written to.
#[derive(Debug)]
pub struct Sink {
    piece: Vec<u8>,
    to: Sender<Result<Bytes, io::Error>>,
    /// Told once the first piece is there.
    begun: Option<oneshot::Sender<Result<(), Failure>>>,
    /// How long a client may take for a piece.
    patience: Duration,
}

impl Sink {
    fn send(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(Ok(()));
        }
        let piece = core::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let sending = tokio::time::timeout(self.patience, self.to.send(Ok(Bytes::from(piece))));
        match Handle::current().block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// An answer that `write` makes while it is sent. What fails before the first 64 KiB are full is an
/// error answer; what fails later breaks the connection off, so that half an answer is never taken
/// for a whole one.
///
/// # Errors
///
/// What `write` fails with early, or that the server is busy.
pub async fn stream(
    app: &Arc<App>,
    content_type: &'static str,
    write: impl FnOnce(&App, &mut Sink) -> Result<(), Failure> + Send + 'static,
) -> Result<Response, Failure> {
    let (to, pieces) = channel(WAITING);
    let (begun, has_begun) = oneshot::channel();
    let worker = Arc::clone(app);
    let work = async move {
        worker
            .work(move |app| {
                let patience = app.settings.request_timeout;
                let mut sink = Sink { piece: Vec::new(), to, begun: Some(begun), patience };
                let done = write(app, &mut sink).and_then(|()| {
                    sink.send().map_err(|error| Failure::execution(error.to_string()))
                });
                finish(sink, done);
                Ok(())
            })
            .await
    };
    let working = tokio::spawn(work);
    match has_begun.await {
        Ok(Ok(())) => Ok(response(content_type, pieces)),
        Ok(Err(failure)) => Err(failure),
        // It never ran: too many others did.
        Err(_) => match working.await {
            Ok(Err(failure)) => Err(failure),
            _ => Err(Failure::execution("the request's thread panicked")),
        },
    }
}

/// Tells the client how it ended.
fn finish(mut sink: Sink, done: Result<(), Failure>) {
    match (sink.begun.take(), done) {
        (Some(begun), done) => {
            let _ = begun.send(done);
        }
        (None, Err(failure)) => {
            let broken = io::Error::other(failure.message().to_owned());
            let _ = sink.to.blocking_send(Err(broken));
        }
        (None, Ok(())) => {}
    }
}

fn response(content_type: &'static str, pieces: Receiver<Result<Bytes, io::Error>>) -> Response {
    ([(CONTENT_TYPE, content_type)], Body::new(Pieces { pieces })).into_response()
}

/// The body that the pieces make.
struct Pieces {
    pieces: Receiver<Result<Bytes, io::Error>>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: core::pin::Pin<&mut Self>,
        context: &mut core::task::Context<'_>,
    ) -> core::task::Poll<Option<Result<hyper::body::Frame<Bytes>, io::Error>>> {
        let piece = self.pieces.poll_recv(context);
        piece.map(|piece| piece.map(|piece| piece.map(hyper::body::Frame::data)))
    }
}
