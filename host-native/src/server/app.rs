//! What all requests share.

use super::answer::Failure;
use super::intake::Intakes;
use super::promql::Stored;
use super::settings::Settings;
use crate::Engine;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Threads that read for requests at once. More would only take turns on the processors and hold
/// more memory; who waits too long is told to come back.
const MAX_READERS: usize = 32;

/// Threads that take samples in. They have turns of their own, so that slow queries, however many,
/// do not hold up what comes in.
const MAX_WRITERS: usize = 16;

/// Threads that delete. A delete takes its time over files, one at a time in each database: neither
/// queries nor samples wait for it, nor it for them.
const MAX_DELETERS: usize = 4;

/// Threads that say how the server is. Whoever watches it must get an answer while it is busy.
const MAX_WATCHERS: usize = 4;

/// Long answers on their way at once. Each has a thread that mostly waits for its client, and takes
/// no turn from others meanwhile.
const MAX_STREAMS: usize = 256;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's state.
#[derive(Debug)]
pub struct App {
    /// The store's engine.
    pub engine: Arc<Engine>,
    /// Its series, as PromQL sees them.
    pub series: Stored,
    /// How to serve.
    pub settings: Settings,
    /// Where samples of other systems come in.
    pub intakes: Intakes,
    /// What was counted.
    pub counters: Counters,
    /// Held while a file that belongs to pages is written.
    pub dashboards: Mutex<()>,
    /// When the server started.
    pub started: SystemTime,
    /// The same, for telling how long it has run, whatever the clock was set to.
    pub began: Instant,
    address: SocketAddr,
    readers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    deleters: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stopping: AtomicBool,
}

/// What the server counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that were answered, by the first digit of their status.
    pub answered: [AtomicU64; 6],
    /// Requests that are being worked on.
    pub active: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicU64,
    /// Bytes of bodies received, after decompression.
    pub body_bytes: AtomicU64,
    /// Samples that came in and were taken.
    pub accepted: AtomicU64,
    /// Samples or lines that came in and were not.
    pub rejected: AtomicU64,
}

/// When a piece of work has to be done, or may stop.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Fails once the time is over.
    ///
    /// # Errors
    ///
    /// The failure to answer with.
    pub fn check(self) -> Result<(), Failure> {
        if self.is_over() { Err(Failure::timeout()) } else { Ok(()) }
    }

    /// Whether the time is over.
    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

impl App {
    pub(super) fn new(engine: Arc<Engine>, settings: Settings, address: SocketAddr) -> Self {
        Self {
            series: Stored::new(Arc::clone(&engine)),
            engine,
            settings,
            intakes: Intakes::default(),
            counters: Counters::default(),
            dashboards: Mutex::default(),
            started: SystemTime::now(),
            began: Instant::now(),
            address,
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            writers: Arc::new(Semaphore::new(MAX_WRITERS)),
            deleters: Arc::new(Semaphore::new(MAX_DELETERS)),
            watchers: Arc::new(Semaphore::new(MAX_WATCHERS)),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            stopping: AtomicBool::new(false),
        }
    }

    /// Runs what blocks on a thread of its own: what reads, or takes its time.
    ///
    /// # Errors
    ///
    /// What `work` fails with, or that the server is busy.
    pub async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work_in(&self.readers, work).await
    }

    /// The same of what takes samples in.
    ///
    /// # Errors
    ///
    /// As [`work`](Self::work).
    pub async fn ingest<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work_in(&self.writers, work).await
    }

    /// The same of what deletes samples.
    ///
    /// # Errors
    ///
    /// As [`work`](Self::work).
    pub async fn delete<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work_in(&self.deleters, work).await
    }

    /// The same of what looks at the server and reads no samples.
    ///
    /// # Errors
    ///
    /// As [`work`](Self::work).
    pub async fn watch<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work_in(&self.watchers, work).await
    }

    async fn work_in<T: Send + 'static>(
        self: &Arc<Self>,
        turns: &Arc<Semaphore>,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = permit(turns).await?;
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&app)
        });
        done.await.unwrap_or_else(|_| Err(Failure::execution("the request's thread panicked")))
    }

    /// The right to read, until it is dropped.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        permit(&self.readers).await
    }

    /// A place among the answers that are on their way, until it is dropped.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        permit(&self.streams).await
    }

    /// When a query that starts now has to be done.
    pub fn deadline(&self) -> Deadline {
        Deadline(Instant::now() + self.settings.request_timeout)
    }

    /// Whether only this machine can reach the server.
    pub const fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// Whether the server is being stopped.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn begin_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
    let permit = Arc::clone(semaphore).acquire_owned();
    match tokio::time::timeout(PATIENCE, permit).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Failure::unavailable("too many requests at once, try again")),
    }
}

impl Counters {
    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    /// Takes from a counter of what is there now.
    pub fn sub(counter: &AtomicU64, amount: u64) {
        counter.fetch_sub(amount, Ordering::Relaxed);
    }
}
