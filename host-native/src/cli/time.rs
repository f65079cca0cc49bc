//! Times as reports write them.

use nanotdb::Timestamp;
pub(crate) use nanotdb::moment::{Moment, Window};
use nanotdb::text::duration::Duration;

/// An instant without the zeros that end it, in groups of three behind the second.
pub(crate) fn short(time: Timestamp) -> String {
    let mut text = time.to_string();
    while text.ends_with("000") && text.contains('.') {
        text.truncate(text.len() - 3);
    }
    if text.ends_with('.') {
        text.pop();
    }
    text
}

/// The distance between two instants as the reference writes it.
pub(crate) fn distance(from: Timestamp, to: Timestamp) -> String {
    Duration(to.0.saturating_sub(from.0)).to_string()
}

/// Now, as reports note when they were made.
pub(crate) fn generated_at() -> String {
    jiff::Timestamp::now().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAY: i64 = 1_778_761_805_000_000_000;

    #[test]
    fn short_times_keep_what_they_have() {
        assert_eq!(short(Timestamp(MAY)), "2026-05-14 12:30:05");
        assert_eq!(short(Timestamp(MAY + 500_000_000)), "2026-05-14 12:30:05.500");
        assert_eq!(short(Timestamp(MAY + 1)), "2026-05-14 12:30:05.000000001");
    }
}
