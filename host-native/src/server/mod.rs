//! The HTTP server: ingest, queries and pages over one store.
//!
//! ```text
//! listen     connections: how slow, until when
//! peers      connections: how many, who has to make room
//! guard      who may ask: token, host, origin
//! app        what all requests share; where blocking work runs
//! request    parameters and bodies, read with limits
//! answer     what is sent back: the envelope, errors, streams
//! api        the reference's HTTP API
//! lines      bodies cut into lines; `influx`, `exposition`: what a line says
//! intake     samples of other systems, compared with what is stored
//! ingest     the paths to which other systems send
//! pages      the program's own pages
//! store      the whole store, for those
//! dashboard  the dashboard's file, checked and kept
//! metrics    the server's own numbers, for Prometheus
//! prometheus Prometheus' query API
//! promql     the query language, over the series of an engine
//! ```
//!
//! Handlers are asynchronous and do nothing but convert; the engine blocks, so everything it does
//! runs on threads of its own, a bounded number at a time.
//!
//! ```
//! use nanotdb::Store;
//! use nanotdb::server::{Server, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let root = directory.path().join("data");
//! let store = Store::open(&root)?;
//! let mut settings = Settings::of_root(&root, store.settings())?;
//! settings.listen = "127.0.0.1:0".into();
//! let server = Server::start(store.engine(), settings)?;
//! println!("http://{}", server.address());
//! server.stop();
//! store.close()?;
//! # Ok(())
//! # }
//! ```

pub mod answer;
mod api;
pub mod app;
mod content_encoding;
mod cursor;
mod dashboard;
mod delete;
pub mod exposition;
mod guard;
pub mod influx;
mod ingest;
pub mod intake;
pub mod lines;
mod listen;
mod metrics;
mod pages;
mod peers;
mod prometheus;
pub mod promql;
mod request;
mod routes;
mod settings;
mod store;

pub use app::App;
pub use listen::Server;
pub use settings::{Settings, WebSettings};
