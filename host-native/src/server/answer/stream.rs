//! Answers of any length, of which only a few pieces are in memory.

use super::Failure;
use crate::server::app::App;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use hyper::body::Frame;
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// Pieces that wait for the client.
const WAITING: usize = 4;

/// Where a streamed answer is written to.
#[derive(Debug)]
pub struct Sink {
    app: Arc<App>,
    piece: Vec<u8>,
    to: Sender<Bytes>,
    /// Told once the first piece is there.
    begun: Option<oneshot::Sender<Result<(), Failure>>>,
    /// Given back while the client takes its time.
    turn: Option<OwnedSemaphorePermit>,
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
        match self.to.try_send(Bytes::from(piece)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(TrySendError::Full(piece)) => self.wait(piece),
        }
    }

    /// Sends once the client has made room, and goes on when it is this answer's turn again.
    fn wait(&mut self, piece: Bytes) -> io::Result<()> {
        drop(self.turn.take());
        let sending = tokio::time::timeout(self.app.settings.request_timeout, self.to.send(piece));
        match Handle::current().block_on(sending) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
        self.turn = Some(Handle::current().block_on(self.app.turn()).map_err(io::Error::other)?);
        Ok(())
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
    let (place, turn) = (app.place().await?, app.turn().await?);
    let (to, pieces) = channel(WAITING);
    let (begun, has_begun) = oneshot::channel();
    let is_broken = Arc::new(AtomicBool::new(false));
    let body = Pieces { pieces, is_broken: Arc::clone(&is_broken) };
    let app = Arc::clone(app);
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut sink = Sink {
            app: Arc::clone(&app),
            piece: Vec::new(),
            to,
            begun: Some(begun),
            turn: Some(turn),
        };
        // Until it has ended well: a panic is no end, either.
        is_broken.store(true, Ordering::Release);
        let done = write(&app, &mut sink)
            .and_then(|()| sink.send().map_err(|error| Failure::execution(error.to_string())));
        is_broken.store(done.is_err(), Ordering::Release);
        if let Some(begun) = sink.begun.take() {
            let _ = begun.send(done);
        }
    });
    match has_begun.await {
        Ok(Ok(())) => Ok(([(CONTENT_TYPE, content_type)], Body::new(body)).into_response()),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(Failure::execution("the request's thread panicked")),
    }
}

/// The body that the pieces make.
struct Pieces {
    pieces: Receiver<Bytes>,
    /// Whether what came is not all.
    is_broken: Arc<AtomicBool>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None if self.is_broken.load(Ordering::Acquire) => {
                Some(Err(io::Error::other("the answer broke off")))
            }
            None => None,
        })
    }
}
