//! TODO

pub mod file;
