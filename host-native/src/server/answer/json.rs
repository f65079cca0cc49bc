//! JSON as the reference writes it.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use core::fmt;
use serde::{Serialize, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};
use std::io;

#[derive(Serialize)]
struct Success<'w, T> {
    status: &'static str,
    data: T,
    /// What is missing, and why.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'w [String],
}

/// The envelope of what was done.
pub fn success(data: impl Serialize) -> Response {
    success_with(Escaping, data)
}

/// The same, of which something is missing unless there are no warnings.
pub fn success_but(data: impl Serialize, warnings: &[String]) -> Response {
    written(&Success { status: "success", data, warnings })
}

/// The same, in another form of JSON.
pub(in crate::server) fn success_with(form: impl Formatter, data: impl Serialize) -> Response {
    written_with(form, &Success { status: "success", data, warnings: &[] })
}

/// A JSON answer.
pub fn written(body: &impl Serialize) -> Response {
    written_with(Escaping, body)
}

fn written_with(form: impl Formatter, body: &impl Serialize) -> Response {
    let mut bytes = Vec::new();
    match to_json_with(form, &mut bytes, body) {
        Ok(()) => {
            bytes.push(b'\n');
            ([(CONTENT_TYPE, "application/json")], bytes).into_response()
        }
        Err(error) => super::Failure::execution(error).into_response(),
    }
}

/// Writes a value as JSON, without a line end.
///
/// # Errors
///
/// Those of the writer.
pub fn to_json(to: impl io::Write, value: &impl Serialize) -> io::Result<()> {
    to_json_with(Escaping, to, value)
}

/// The same, in another form of JSON.
///
/// # Errors
///
/// Those of the writer.
pub(in crate::server) fn to_json_with(
    form: impl Formatter,
    to: impl io::Write,
    value: &impl Serialize,
) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(to, form);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Escapes what would be markup in a page.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let is_markup = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        for piece in fragment.split_inclusive(is_markup) {
            match piece.char_indices().next_back() {
                Some((at, last)) if is_markup(last) => {
                    let plain = piece.get(..at).unwrap_or_default();
                    CompactFormatter.write_string_fragment(writer, plain)?;
                    write!(writer, "\\u{:04x}", u32::from(last))?;
                }
                _ => CompactFormatter.write_string_fragment(writer, piece)?,
            }
        }
        Ok(())
    }
}

/// A number as JSON: whole numbers without a fraction; a text when JSON has no such number (D-18).
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !self.0.is_finite() {
            serializer.collect_str(self)
        } else if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            number if number.is_finite() => return number.fmt(f),
            number if number.is_nan() => "NaN",
            number if number > 0.0 => "+Inf",
            _ => "-Inf",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &impl Serialize) -> String {
        let mut bytes = Vec::new();
        to_json(&mut bytes, value).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn markup_is_escaped_and_still_the_same_text() {
        let shown = "a<b>&\"\\\u{2028}ü";
        assert_eq!(text(&shown), "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\u2028ü\"");
        assert_eq!(serde_json::from_str::<String>(&text(&shown)).unwrap(), shown);
    }

    #[test]
    fn numbers_are_short_and_none_is_missing() {
        assert_eq!(text(&[Number(1.0), Number(0.5), Number(-0.0)]), "[1,0.5,0]");
        assert_eq!(text(&[Number(f64::NAN), Number(f64::INFINITY)]), "[\"NaN\",\"+Inf\"]");
        assert_eq!(Number(1_767_225_600.0).to_string(), "1767225600");
        assert_eq!(Number(1_767_225_600.25).to_string(), "1767225600.25");
    }
}
