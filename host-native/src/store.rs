//! A store: the engine on a directory, with a thread that does what is due.

use crate::codecs;
use crate::host::NativeHost;
use crate::storage::{FsRoot, RootLock};
use core::ops::Deref;
use core::time::Duration;
use nanotdb_core::engine::EngineOptions;
use nanotdb_core::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

/// The engine on real files; any number of threads may use it at once.
pub type Engine = nanotdb_core::engine::Engine<NativeHost>;

/// A database on real files; any number of threads may use it at once.
pub type Database = nanotdb_core::engine::Database<NativeHost>;

/// Queries made around damage, on real files.
pub type Lenient<'a> = nanotdb_core::engine::Lenient<'a, NativeHost>;

/// How often a store looks for what is due.
const TICK: Duration = Duration::from_millis(500);

/// How to open a store.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct OpenOptions {
    /// Bytes of decoded data that each database keeps for later queries.
    pub cache_bytes: usize,
    /// Whether nothing may be written; works beside a process that writes.
    pub read_only: bool,
    /// Whether a directory that is missing is made.
    pub create: bool,
    /// Whether logs are written where the settings want them; without, samples are safe after
    /// [`close`](Store::close).
    pub logs: bool,
    /// Whether a thread writes pages out when they reach their age. Without it, call
    /// [`tick`](nanotdb_core::engine::Engine::tick).
    pub background: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        let cache_bytes = EngineOptions::default().cache_bytes;
        Self { cache_bytes, read_only: false, create: true, logs: true, background: true }
    }
}

impl OpenOptions {
    /// For looking into a store without changing a byte of it.
    pub fn read_only() -> Self {
        Self { read_only: true, create: false, background: false, ..Self::default() }
    }

    /// With a cache of so many bytes for each database.
    #[must_use]
    pub fn cache_bytes(mut self, cache_bytes: usize) -> Self {
        self.cache_bytes = cache_bytes;
        self
    }

    /// Whether a directory that is missing is made.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether logs are written.
    #[must_use]
    pub fn logs(mut self, logs: bool) -> Self {
        self.logs = logs;
        self
    }

    /// Whether a thread does what is due.
    #[must_use]
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Opens the store in a directory.
    ///
    /// # Errors
    ///
    /// `Storage` with kind `Locked` when another process writes it (D-20); as
    /// [`nanotdb_core::engine::Engine::open`].
    pub fn open(self, root: impl AsRef<Path>) -> Result<Store> {
        let root = root.as_ref();
        let (files, lock) = if self.read_only {
            (FsRoot::open_read_only(root)?, None)
        } else if self.create {
            (FsRoot::create(root)?, Some(RootLock::acquire(root)?))
        } else {
            (FsRoot::open(root)?, Some(RootLock::acquire(root)?))
        };
        let mut options = EngineOptions::default();
        options.codecs = codecs::native();
        options.cache_bytes = self.cache_bytes;
        options.read_only = self.read_only;
        options.logs = self.logs;
        let engine = Arc::new(Engine::open(NativeHost::new(files), options)?);
        let ticker = (self.background && !self.read_only).then(|| Ticker::start(&engine));
        Ok(Store { engine, ticker, lock })
    }
}

/// An open store. Dereferences to its [`Engine`].
///
/// Dropping it writes everything as [`close`](Self::close) does, but cannot say what failed.
#[derive(Debug)]
pub struct Store {
    engine: Arc<Engine>,
    ticker: Option<Ticker>,
    /// Held until the engine refuses to write.
    lock: Option<RootLock>,
}

impl Store {
    /// Opens the store in a directory, making both when missing.
    ///
    /// # Errors
    ///
    /// As [`OpenOptions::open`].
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        OpenOptions::default().open(root)
    }

    /// The engine, to share with threads that outlive this value; once the store is closed it
    /// answers queries, and refuses to write.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Writes everything and makes it durable, in every database whatever happens in others.
    ///
    /// # Errors
    ///
    /// What failed; when several databases fail, all of it in one message.
    pub fn close(mut self) -> Result<()> {
        self.shut()
    }

    fn shut(&mut self) -> Result<()> {
        drop(self.ticker.take());
        let Err(errors) = self.engine.close() else {
            drop(self.lock.take());
            return Ok(());
        };
        // Dropping tries again what could not be written, so the root stays locked until then.
        let mut errors = errors.into_iter();
        match (errors.next(), errors.len()) {
            (Some(only), 0) => Err(only),
            (first, _) => {
                let texts: Vec<String> =
                    first.iter().chain(errors.as_slice()).map(ToString::to_string).collect();
                Err(Error::Poisoned { cause: texts.join("; ") })
            }
        }
    }
}

impl Deref for Store {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // There is nobody to tell; `close` is for those who want to know.
        let _ = self.shut();
    }
}

/// The thread that calls `tick`. Dropping it stops and joins the thread.
#[derive(Debug)]
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: &Arc<Engine>) -> Self {
        let engine = Arc::clone(engine);
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("nanotdb-tick".into()).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                // A failed write poisons its database, and the next caller is told.
                let _ = engine.tick();
            }
        });
        // Without a thread, pages are written when they fill, at `flush` and at `close`.
        Self { stop: Some(stop), thread: thread.ok() }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
