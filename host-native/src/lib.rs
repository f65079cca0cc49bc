//! NanoTDB on real files.

pub mod storage;
