//! The engine: databases under one root, over a host's files and clock.
//!
//! A sample's way in: `ingest` checks it, the log ([`crate::wal`]) takes it, an open page
//! ([`crate::page`]) holds it, and `writer` moves full pages to data files. `open` brings
//! back what the log holds after a crash. Queries ([`crate::query`]) look at `state`. `upkeep` and
//! `rollup` do the rest, as time goes on.

mod clock_watch;
mod columns;
mod database;
mod event;
mod files;
mod host;
mod ids;
mod ingest;
mod inspect;
mod lenient;
mod lines;
mod logs;
#[cfg(test)]
mod logs_tests;
mod missing;
mod open;
mod rollup;
mod root;
mod row;
mod row_time;
#[cfg(test)]
mod row_time_tests;
mod search;
mod self_metrics;
#[cfg(all(test, feature = "testing"))]
mod small_room_tests;
mod spare_room;
mod state;
#[cfg(test)]
mod stats_tests;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod trouble;
mod units;
mod upkeep;
mod writer;

pub use clock_watch::ClockJump;
pub use columns::{Rows, Values};
pub use database::{Database, TickReport};
pub use event::{Event, Level};
pub use files::{Damage, FileKind, FrameEntry, FrameIndex, PartitionFiles, StoredFile};
pub use files::{read_frame, read_page, shows_database};
pub use host::{Clock, Host, Shared};
pub use ids::RecoveredMetric;
pub use ingest::MetricHandle;
pub use inspect::{DbInspect, OpenPageStats, WalInspect, WalRecord};
pub use lenient::Lenient;
pub use lines::{ExportOptions, ImportReport, Importer, MAX_LINE_LEN, RejectedLine};
pub use open::OpenReport;
pub use rollup::backfill::BackfillReport;
pub use rollup::lineage::{Lineage, LineageStep};
pub use rollup::run::RollupRun;
pub use root::{Engine, EngineOptions, EngineTick};
pub use row::{AddOptions, BatchReport, Row, RowTime, Target};
pub use row_time::FutureLimit;
pub use upkeep::build::{BuildOptions, BuildReport, CompactReport};
pub use upkeep::convert::{ConvertOptions, ConvertReport};
pub use upkeep::delete::DeleteReport;
pub use upkeep::recompact::{PageTotals, RecompactReport};
pub use upkeep::recover::{RecoverReport, salvage};
pub use upkeep::retention::{RetentionReport, Retired};
pub use upkeep::verify::{FileCheck, VerifyReport};

pub(crate) use open::Digest;
pub(crate) use state::{FileOf, PartitionView, Readable, State};
