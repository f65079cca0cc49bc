//! Connections.

use super::app::{App, Counters};
use super::peers::{Peer, Peers, connections_within, limit_of_files};
use super::{Settings, routes};
use crate::Engine;
use crate::signal::asked_to_end;
use core::net::SocketAddr;
use core::pin::Pin;
use core::time::Duration;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_io_timeout::TimeoutStream;
use tracing::warn;

/// How long a connection may take to send the head of a request, and may do nothing between two.
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Longest head of a request, and bytes of a body that are read ahead.
const READ_AHEAD: usize = 64 * 1024;

/// How long requests may go on once the server is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long accepting rests after it failed, which it does when files run out.
const REST: Duration = Duration::from_millis(50);

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    stopped: Option<oneshot::Receiver<()>>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts to serve on threads of its own.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, with the address.
    pub fn start(engine: &Arc<Engine>, settings: Settings) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("nanotdb-http")
            .enable_all()
            .build()?;
        let address = settings.address();
        let listener = runtime.block_on(TcpListener::bind(&address));
        let listener = listener.map_err(|error| {
            io::Error::new(error.kind(), format!("listen on {address}: {error}"))
        })?;
        let address = listener.local_addr()?;
        let app = Arc::new(App::new(Arc::clone(engine), settings, address));
        let (stop, told) = oneshot::channel();
        let (ended, stopped) = oneshot::channel();
        let serving = serve(Arc::clone(&app), listener, told);
        runtime.spawn(async move {
            serving.await;
            let _ = ended.send(());
        });
        Ok(Self { app, address, stop: Some(stop), stopped: Some(stopped), runtime: Some(runtime) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its requests share.
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Returns when the process is asked to end: by an interrupt, or where there is that, SIGTERM.
    ///
    /// # Errors
    ///
    /// When the system has no way to tell.
    pub fn wait_for_signal(&self) -> io::Result<()> {
        self.runtime.as_ref().map_or(Ok(()), |runtime| runtime.block_on(asked_to_end()))
    }

    /// Takes no more connections, lets requests end for up to five seconds, and returns.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.app.begin_stopping();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let Some(runtime) = self.runtime.take() else { return };
        if let Some(stopped) = self.stopped.take() {
            let _ = runtime.block_on(stopped);
        }
        // Work that still goes on is not waited for: what it acknowledges nobody hears.
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

async fn serve(app: Arc<App>, listener: TcpListener, mut told: oneshot::Receiver<()>) {
    let routes = routes::all(&app);
    let open = GracefulShutdown::new();
    let peers = Peers::new(places(app.settings.max_connections));
    loop {
        // A place first: who gets none waits where the system keeps those who knock.
        let place = tokio::select! {
            place = peers.place() => place,
            _ = &mut told => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut told => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let peer = peers.welcome();
        let patience = app.settings.request_timeout;
        let connection = open.watch(connect(stream, routes.clone(), &peer, patience));
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let _place = place;
            Counters::add(&app.counters.connections, 1);
            tokio::select! {
                // A client that breaks off, or sends no HTTP, is its own business.
                _ = connection => {}
                () = peer.asked_to_leave() => {}
            }
            Counters::sub(&app.counters.connections, 1);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, open.shutdown()).await;
}

/// A connection that is given up when its client takes nothing for too long.
type Patient = Pin<Box<TimeoutStream<TcpStream>>>;

/// How many connections there may be.
fn places(wanted: usize) -> usize {
    let places = connections_within(limit_of_files(), wanted);
    if places < wanted {
        warn!(places, wanted, "fewer connections at once: the process may not open more files");
    }
    places
}

/// One connection with its requests, each of which knows its peer.
fn connect(
    stream: TcpStream,
    routes: axum::Router,
    peer: &Arc<Peer>,
    patience: Duration,
) -> impl GracefulConnection<Error = hyper::Error> + Send + use<> {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience));
    let (routes, peer) = (TowerToHyperService::new(routes), Arc::clone(peer));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&peer));
        routes.call(request)
    });
    let stream: Patient = Box::pin(stream);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(READ_AHEAD)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), answer)
}
