//! The engine: databases under one root, over a host's files and clock.
//!
//! A sample's way in: `ingest` checks it, the log ([`crate::wal`]) takes it, an open page
//! ([`crate::page`]) holds it, and `writer` moves full pages to data files. `open` brings
//! back what the log holds after a crash. Queries ([`crate::query`]) look at `state`.

mod backfill;
mod build;
mod database;
mod event;
mod files;
mod host;
mod ingest;
mod inspect;
#[cfg(test)]
mod lifecycle_tests;
mod lineage;
mod lines;
mod open;
mod recompact;
mod recover;
mod retention;
#[cfg(test)]
mod retention_tests;
mod rollup;
#[cfg(test)]
mod rollup_tests;
mod root;
mod seal;
mod search;
mod self_metrics;
mod state;
#[cfg(test)]
mod stats_tests;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use backfill::BackfillReport;
pub use build::{BuildOptions, BuildReport, CompactReport};
pub use database::{Database, TickReport};
pub use event::{Event, Level};
pub use files::{Damage, FileKind, FrameEntry, FrameIndex, PartitionFiles, StoredFile};
pub use files::{read_frame, read_page};
pub use host::{Clock, Host, Shared};
pub use ingest::{BatchReport, MetricHandle, Row, Target};
pub use inspect::{DbInspect, OpenPageStats, WalInspect, WalRecord};
pub use lineage::{Lineage, LineageStep};
pub use lines::{ExportOptions, ImportReport, Importer, MAX_LINE_LEN, RejectedLine};
pub use open::OpenReport;
pub use recompact::{PageTotals, RecompactReport};
pub use recover::{RecoverReport, salvage};
pub use retention::Retired;
pub use rollup::RollupRun;
pub use root::{Engine, EngineOptions, EngineTick};
pub use verify::{FileCheck, VerifyReport};

pub(crate) use open::Digest;
pub(crate) use state::{FileOf, PartitionView, Readable, State};
