//! What JavaScript calls.
//!
//! `host-wasm/npm/src/api.ts` describes arguments and results.

mod files;
mod import;
mod ingest;
mod inspect;
mod query;
mod upkeep;
mod view;

pub use import::RootImport;
pub use ingest::LineImport;

use crate::error::{thrown, with_code};
use crate::host::WebHost;
use crate::memory::Memory;
use crate::node::{NodeFiles, NodeRoot};
use crate::opfs::{self, OpfsMedium};
use crate::root::Root;
use core::cell::RefCell;
use nanotdb_core::Error;
use nanotdb_core::engine::{Database, EngineOptions};
use nanotdb_core::text::duration;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// What calls return: a value, or an `Error` with a `code`.
type Answer<T> = Result<T, JsValue>;

type Engine = nanotdb_core::engine::Engine<WebHost>;

/// The version of the package.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Nanoseconds of a duration such as `90s` or `7d`.
///
/// # Errors
///
/// `invalid` when it is none.
#[wasm_bindgen(js_name = parseDuration)]
pub fn parse_duration(text: &str) -> Answer<i64> {
    let parsed = duration::parse_extended(text);
    parsed
        .map(duration::Duration::as_nanos)
        .map_err(|error| with_code("invalid", &format!("duration {text:?}: {error}")))
}

/// Opens a root in the origin's private file system; in a dedicated worker only.
///
/// # Errors
///
/// `unavailable` where there is no such file system; `locked` when another worker has the root;
/// as [`nanotdb_core::engine::Engine::open`].
#[wasm_bindgen(js_name = openFiles)]
pub async fn open_files(root: String, cache_bytes: f64, format: String) -> Answer<Session> {
    let medium = OpfsMedium::open(&root).await?;
    let files = Root::volume(Box::new(medium)).map_err(thrown)?;
    Session::open("opfs", files, cache_bytes, &format)
}

/// Deletes a root from the origin's private file system. Nobody has it open.
///
/// # Errors
///
/// Whatever the browser reports.
#[wasm_bindgen(js_name = destroyFiles)]
pub async fn destroy_files(root: String) -> Answer<()> {
    opfs::remove(&root).await
}

/// Opens a root in memory.
///
/// # Errors
///
/// As [`nanotdb_core::engine::Engine::open`].
#[wasm_bindgen(js_name = openMemory)]
pub fn open_memory(_root: &str, cache_bytes: f64, format: &str) -> Answer<Session> {
    let files = Root::volume(Box::new(Memory::default())).map_err(thrown)?;
    Session::open("memory", files, cache_bytes, format)
}

/// Opens a directory of Node.
///
/// # Errors
///
/// As [`nanotdb_core::engine::Engine::open`].
#[wasm_bindgen(js_name = openNode)]
pub fn open_node(files: NodeFiles, cache_bytes: f64, format: &str) -> Answer<Session> {
    Session::open("node", Root::Node(NodeRoot::new(files)), cache_bytes, format)
}

/// An open store.
#[wasm_bindgen]
pub struct Session {
    storage: &'static str,
    root: Root,
    options: EngineOptions,
    engine: RefCell<Option<Rc<Engine>>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl Session {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of bytes"
    )]
    fn open(storage: &'static str, root: Root, cache_bytes: f64, format: &str) -> Answer<Self> {
        let mut options = EngineOptions::default();
        options.metric_format = format.parse().map_err(thrown)?;
        if cache_bytes.is_finite() && cache_bytes >= 0.0 {
            options.cache_bytes = cache_bytes as usize;
        }
        let session = Self { storage, root, options, engine: RefCell::new(None) };
        session.open_engine().map_err(thrown)?;
        session.root.settle().map_err(thrown)?;
        Ok(session)
    }

    fn open_engine(&self) -> Result<(), Error> {
        let host = WebHost::new(self.root.clone());
        let engine = Engine::open(host, self.options)?;
        *self.engine.borrow_mut() = Some(Rc::new(engine));
        Ok(())
    }

    fn engine(&self) -> Answer<Rc<Engine>> {
        self.engine.borrow().clone().ok_or_else(|| thrown(Error::Closed))
    }

    fn database(&self, name: &str) -> Answer<Arc<Database<WebHost>>> {
        self.engine()?.database(name).map_err(thrown)
    }

    fn close_engine(&self) -> Result<(), Vec<Error>> {
        self.engine.borrow_mut().take().map_or(Ok(()), |engine| engine.close())
    }
}

#[wasm_bindgen]
impl Session {
    /// Makes everything that was taken so far durable.
    ///
    /// # Errors
    ///
    /// The first failure; the other databases are attended to all the same.
    pub fn flush(&self) -> Answer<()> {
        let mut failed = None;
        for database in self.engine()?.open_databases() {
            failed = failed.or(database.make_durable().err());
        }
        failed = failed.or(self.root.flush().err().map(Error::from));
        failed.map_or(Ok(()), |error| Err(thrown(error)))
    }

    /// Makes sure that what was taken so far survives the end of the tab, and says whether there
    /// are samples for which only [`flush`](Self::flush) does that: those that the settings keep
    /// out of the log.
    ///
    /// # Errors
    ///
    /// Whatever the platform reports.
    pub fn settle(&self) -> Answer<bool> {
        self.root.settle().map_err(thrown)?;
        let databases = self.engine()?.open_databases();
        Ok(databases.iter().any(|database| database.has_unlogged()))
    }

    /// Writes everything, makes it durable and lets go of the files.
    ///
    /// # Errors
    ///
    /// What failed; when several databases fail, all of it in one message.
    pub fn close(&self) -> Answer<()> {
        let closed = self.close_engine();
        let flushed = self.root.flush().map_err(thrown);
        match closed {
            Ok(()) => flushed,
            Err(errors) => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let code = errors.first().map_or("internal", nanotdb_core::view::code);
                Err(with_code(code, &texts.join("; ")))
            }
        }
    }
}

fn count(number: impl TryInto<u64>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "JavaScript counts in doubles")]
    let count = number.try_into().unwrap_or(u64::MAX) as f64;
    count
}
