//! What is sent back.
//!
//! `{"status":"success","data":…}` or `{"status":"error","errorType":…,"error":…}`, with a line
//! end behind it; `<`, `>` and `&` are escaped, so an answer that ends up in a page is no markup.

mod failure;
mod json;
mod stream;
mod warnings;

pub use failure::Failure;
pub(super) use json::{Escaping, success_with, to_json_with};
pub use json::{Number, success, success_but, to_json, written};
pub use stream::{Sink, stream};
pub(super) use warnings::{HEADER as WARNINGS_HEADER, write_warnings};
pub use warnings::{header_of, warnings_of};
