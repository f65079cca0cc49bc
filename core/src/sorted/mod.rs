//! Maps and sets in one sorted vector, and sorting without much code.
//!
//! A B-tree's code is made anew for each type of key and value, some 8 KB of it in a browser's
//! module; a vector's is a tenth of that. Finding is a binary search, adding behind the last key
//! costs nothing more, and adding anywhere else moves what follows: right for what has thousands
//! of entries at most, or grows at its end.

mod map;
mod order;
mod rows;
mod set;

pub use map::SortedMap;
pub use set::SortedSet;

pub use order::{order, sort_by};
pub(crate) use rows::{sort_numbers, sort_rows, sort_samples, sort_times, sort_whole_rows};
