//! Pages: the samples of all metrics of one partition, in memory and as frames in data files.

pub mod frame;
mod open;
pub mod payload;

pub use frame::{FrameError, FrameHeader};
pub use open::{OpenPage, PageLimits, PageView};
pub use payload::{Columns, Payload};

/// Most records a frame can count.
pub const MAX_RECORDS: usize = u16::MAX as usize;
