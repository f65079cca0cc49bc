//! The engine: databases under one root, over a host's files and clock.
//!
//! A sample's way in: `ingest` checks it, the log ([`crate::wal`]) takes it, an open page
//! ([`crate::page`]) holds it, and `writer` moves full pages to data files. `open` brings
//! back what the log holds after a crash. Queries ([`crate::query`]) look at `state`.

mod build;
mod database;
mod files;
mod host;
mod ingest;
mod lines;
mod open;
mod recompact;
mod recover;
mod root;
mod search;
mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use build::{BuildOptions, BuildReport, CompactReport};
pub use database::Database;
pub use files::{Damage, FileKind, FrameEntry, FrameIndex, PartitionFiles, StoredFile};
pub use files::{read_frame, read_page};
pub use host::{Clock, Host, Shared};
pub use ingest::{BatchReport, MetricHandle, Row, Target};
pub use lines::{ExportOptions, ImportReport, Importer, MAX_LINE_LEN, RejectedLine};
pub use open::OpenReport;
pub use recompact::{PageTotals, RecompactReport};
pub use recover::{RecoverReport, salvage};
pub use root::{Engine, EngineOptions};
pub use verify::{FileCheck, VerifyReport};

pub(crate) use open::Digest;
pub(crate) use state::{FileOf, PartitionView, Readable, State};
