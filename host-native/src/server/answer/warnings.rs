//! What an answer lacks, since a file cannot be read.
//!
//! JSON has it in a field `warnings`, as Prometheus does; columns, which have no room for it, in a
//! header.

use super::to_json;
use axum::http::HeaderValue;
use axum::response::Response;
use nanotdb_core::query::Damaged;
use std::io::{self, Write};

/// The header, with an array of texts as JSON.
pub(in crate::server) const HEADER: &str = "nanotdb-warnings";

/// Places that are named; of more, how many there are is said.
const MAX_NAMED: usize = 20;

/// A warning for each place that could not be read.
pub fn warnings_of(damage: &[Damaged]) -> Vec<String> {
    let mut warnings: Vec<String> =
        damage.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    if let Some(more) = damage.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        warnings.push(format!("and {more} more places"));
    }
    warnings
}

/// The end of an object in JSON: its field `warnings`, if there are any.
pub(in crate::server) fn write_warnings(
    to: &mut impl Write,
    warnings: &[String],
) -> io::Result<()> {
    if warnings.is_empty() {
        return Ok(());
    }
    to.write_all(b",\"warnings\":")?;
    to_json(to, &warnings)
}

/// The answer, with warnings in its header.
pub fn header_of(mut response: Response, damage: &[Damaged]) -> Response {
    let mut text = Vec::new();
    if !damage.is_empty()
        && to_json(&mut text, &warnings_of(damage)).is_ok()
        && let Ok(value) = HeaderValue::from_bytes(&text)
    {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[test]
    fn no_warnings_take_no_room() {
        let mut text = Vec::new();
        write_warnings(&mut text, &[]).unwrap();
        assert_eq!(text, b"");
        write_warnings(&mut text, &["a \"file\"".to_owned()]).unwrap();
        assert_eq!(text, br#","warnings":["a \"file\""]"#);
        assert!(header_of("".into_response(), &[]).headers().get(HEADER).is_none());
    }
}
