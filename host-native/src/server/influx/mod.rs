//! The line protocol of `InfluxDB`.
//!
//! ```text
//! measurement[,tag=value …] field=value[,field=value …] [time]
//! # a comment
//! ```
//!
//! Before `,`, `=` and blanks of names and tags stands a `\`; a `\` before anything else is itself.
//! A field is a number (`1.5`), an integer (`1i`, `1u`), a truth (`t`, `true`, `f`, `false`: 1 or 0)
//! or a text in quotes, in which `\` protects `"` and `\`, and which may contain line ends. Texts
//! are counted, not kept.

mod ends;
mod parse;
mod precision;

pub use super::cursor::SyntaxError;
pub use ends::InfluxEnds;
pub use parse::{Point, parse};
pub use precision::Precision;
