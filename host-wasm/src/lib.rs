//! NanoTDB in the browser and in Node.
//!
//! The engine needs files whose operations are synchronous. In a browser a [`volume`] in one file
//! of the origin's private file system offers them.

pub mod volume;
