//! Small conversions that several hosts need.

use nanotdb_core::storage::FileName;

/// A count of bytes as JavaScript has it.
#[expect(clippy::cast_precision_loss, reason = "JavaScript counts bytes in doubles")]
pub(crate) const fn to_f64(count: u64) -> f64 {
    count as f64
}

/// A count of bytes of JavaScript.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
pub(crate) const fn to_u64(count: f64) -> u64 {
    count as u64
}

/// A file's path in its data directory; the root directory has the empty name.
pub(crate) fn path(directory: &str, name: &FileName) -> String {
    if directory.is_empty() { name.to_string() } else { format!("{directory}/{name}") }
}
