//! Version 3: columns of numbers in blocks, and statistics of them.
//!
//! ```text
//! header 64 | frame … | statistics … | index | footer 16        frame = front | block …
//! ```
//!
//! `docs/FORMAT.md` has all of it in tables.
//!
//! | part | module |
//! |---|---|
//! | what stands before the blocks of a frame | `front` |
//! | which points are in which stretch of the clock | `spans` |
//! | what is known of each | `statistics`, `sums` |
//! | entries of all frames | `index` |
//! | what blocks are | [`crate::column`] |

mod build;
mod error;
mod fields;
mod front;
mod index;
mod reader;
mod spans;
mod statistics;
mod sums;
mod writer;

pub use build::{build_v3, write_v3};
pub(crate) use index::Index;
pub use reader::Encoding;
pub(crate) use reader::Reader;
pub use statistics::{Span, Statistics};

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;
