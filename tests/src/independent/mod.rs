//! A second decoder of everything on disk, written from `docs/FORMAT.md` alone.
//!
//! It shares no code with the engine, not even its types, so a misreading of the format would have
//! to be made twice to go unnoticed. It is simple before it is fast: whole files in memory, one
//! pass, plain loops.
//!
//! [`Directory::read`] decodes a data root; [`Directory::problems`] lists everything in it that
//! a writer must not have written:
//!
//! ```no_run
//! use nanotdb_tests::independent::Directory;
//!
//! let directory = Directory::read("data".as_ref()).unwrap();
//! assert_eq!(directory.problems(), []);
//! let lines = directory.databases["prod"].export().unwrap();
//! ```

mod block;
mod bytes;
mod catalog;
mod check;
mod columns;
mod directory;
mod export;
mod metric_file;
mod metric_v3;
mod page;
mod partition;
mod settings;
mod wal;

pub use block::Codec;
pub use bytes::crc32;
pub use catalog::{Catalog, Metric};
pub use directory::{Db, Directory};
pub use export::{Number, Sample, format_time, text};
pub use metric_file::{MetricFile, MetricFrame, TimeFrame};
pub use page::{DataFile, Frame, Record};
pub use partition::PartitionKind;
pub use settings::{Manifest, Settings};
pub use wal::{Extensions, Stop, Wal, WalRecord};

/// The numbers of the two value types on disk.
pub mod value_type {
    /// Signed 32-bit integers.
    pub const INT32: u8 = 1;
    /// IEEE-754 single precision.
    pub const FLOAT32: u8 = 2;
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A reader cannot go on, or would read something wrong.
    Damage,
    /// Readable, but no writer may leave it like this.
    Rule,
    /// A metric file does not hold what the raw file of its partition holds.
    Stale,
}

/// Something that a writer must not have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub kind: Kind,
    /// The file, relative to its database's directory.
    pub file: String,
    /// Where in it, in bytes.
    pub offset: usize,
    /// What was found and what was expected.
    pub what: String,
}

impl Problem {
    fn damage(file: &str, offset: usize, what: impl Into<String>) -> Self {
        Self { kind: Kind::Damage, file: file.into(), offset, what: what.into() }
    }

    fn rule(file: &str, offset: usize, what: impl Into<String>) -> Self {
        Self { kind: Kind::Rule, file: file.into(), offset, what: what.into() }
    }

    fn stale(file: &str, what: impl Into<String>) -> Self {
        Self { kind: Kind::Stale, file: file.into(), offset: 0, what: what.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {} at byte {}: {}", self.kind, self.file, self.offset, self.what)
    }
}
