//! PromQL: the query language of Prometheus, with the results that Prometheus 2.42 has.
//!
//! ```text
//! text -> nesting (bounds) -> parse -> eval (over a Source, within a Budget) -> json
//! ```
//!
//! Values are those of the engine, so they have what is left of them in an `f32` or `i32`; markers
//! of staleness end series of floats, native histograms and exemplars are not stored.

mod budget;
mod error;
mod eval;
mod json;
mod label_set;
mod nesting;
mod numbers;
mod parse;
mod patterns;
mod query;
mod source;
mod stored;
mod tokens;
mod words;

pub use budget::{Budget, Limits};
pub use error::QueryError;
pub use json::write_answer;
pub use label_set::LabelSet;
pub use query::{Answer, Point, Series, Steps, formatted, instant, range, selector};
pub use source::{RawSeries, Source};
pub use stored::{Reading, Stored};
