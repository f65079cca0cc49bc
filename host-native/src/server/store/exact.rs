//! JSON from which a page reads every number as it was.

use crate::server::answer::{Escaping, success_with, to_json_with};
use axum::response::Response;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// The envelope of what was done. Integers of 64 bits are text: of this API, only times have such.
pub(super) fn exact(data: impl Serialize) -> Response {
    success_with(Exact, data)
}

/// Writes a value as JSON, without a line end.
pub(super) fn write(to: impl Write, value: &impl Serialize) -> io::Result<()> {
    to_json_with(Exact, to, value)
}

#[derive(Debug, Clone, Copy)]
struct Exact;

impl Formatter for Exact {
    fn write_i64<W: Write + ?Sized>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        write!(writer, "\"{value}\"")
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        Escaping.write_string_fragment(writer, fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanotdb_core::view::Count;

    #[test]
    fn times_are_text_and_counts_are_numbers() {
        let mut bytes = Vec::new();
        write(&mut bytes, &(i64::MIN, Count(3), 0.5, "<b>", Option::<i64>::None)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, r#"["-9223372036854775808",3.0,0.5,"\u003cb\u003e",null]"#);
    }
}
