//! The small grammars people and other programs write: times, durations, numbers, patterns,
//! lines of samples.

pub mod civil;
pub mod duration;
pub mod float;
pub mod integer;
pub mod line;
pub mod pattern;
mod shortest;
pub mod timestamp;

use alloc::borrow::Cow;
use alloc::format;

/// What of a refused text a message quotes: a line may have megabytes.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    const QUOTED: usize = 80;
    match text.split_at_checked(text.floor_char_boundary(QUOTED)) {
        None | Some((_, "")) => Cow::Borrowed(text),
        Some((head, _)) => Cow::Owned(format!("{head}…")),
    }
}
