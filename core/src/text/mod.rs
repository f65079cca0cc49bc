//! The small grammars people and other programs write: times, durations, numbers, patterns,
//! lines of samples.

pub mod civil;
pub mod duration;
pub mod float;
pub mod integer;
pub mod line;
pub mod pattern;
pub mod timestamp;
