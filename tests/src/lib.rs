//! What the tests share: fixtures, workloads, a naive model, and a second decoder of every file
//! format that has no code in common with the engine.
//!
//! | module | for |
//! |---|---|
//! | [`independent`] | reading and judging whole directories without the engine's codecs |
//! | [`fixtures`] | roots written by the reference engine, and what it answers about them |
//! | [`answers`] | asking our engine in the shapes that tests compare |
//! | [`model`] | what a store must answer, computed the obvious way |
//! | [`workload`], [`operations`], [`random`] | seeded input |
//! | [`crash`] | crashes at every step, and what must survive them |
//! | [`shortage`] | calls that fail for want of room, files or permission, and what must come of it |
//! | [`kill`] | a process to kill, and what it must leave |
//! | [`nab`] | real series, from an archive outside the repository |
#![forbid(unsafe_code)]
#![expect(clippy::missing_errors_doc, reason = "an error says what it is, and tests only print it")]
#![expect(clippy::missing_panics_doc, reason = "a helper that panics fails the test that calls it")]

pub mod answers;
pub mod crash;
pub mod fixtures;
pub mod independent;
pub mod kill;
pub mod model;
pub mod nab;
pub mod operations;
pub mod random;
pub mod shortage;
pub mod workload;
