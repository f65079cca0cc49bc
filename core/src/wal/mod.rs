//! The write-ahead log: samples that no data file holds for certain.

pub mod record;
pub mod replay;
mod writer;

pub use record::{MAX_RECORD_LEN, Record, RecordError};
pub use replay::{Item, Records, Tail};
pub use writer::{Committed, Log};
