//! Where lines end: a text in quotes may contain line ends.

use crate::server::lines::LineEnds;

/// Follows a line up to its end.
#[derive(Debug, Clone, Copy, Default)]
pub struct InfluxEnds {
    place: Place,
    /// Whether the byte before was a `\` that protects this one.
    protected: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Comment,
    /// Measurement and tags, where quotes are letters.
    Key,
    Fields,
    /// Behind a `=`, where a quote begins a text.
    Value,
    Text,
}

impl LineEnds for InfluxEnds {
    fn is_end(&mut self, byte: u8) -> bool {
        if byte == b'\n' && self.place != Place::Text {
            *self = Self::default();
            return true;
        }
        if core::mem::take(&mut self.protected) {
            return false;
        }
        self.protected = byte == b'\\' && self.place != Place::Comment;
        self.place = match (self.place, byte) {
            (Place::Start, b' ' | b'\t' | b'\r') => Place::Start,
            (Place::Start, b'#') | (Place::Comment, _) => Place::Comment,
            (Place::Key, b' ') | (Place::Text, b'"') => Place::Fields,
            (Place::Start | Place::Key, _) => Place::Key,
            (Place::Fields | Place::Value, b'=') => Place::Value,
            (Place::Value, b'"') | (Place::Text, _) => Place::Text,
            (Place::Fields | Place::Value, _) => Place::Fields,
        };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Precision, parse};
    use super::*;
    use crate::server::lines::{Lines, TooLong};

    fn lines(text: &str) -> Vec<(u64, String)> {
        let mut seen = Vec::new();
        let mut visit = |number, line: Result<&[u8], TooLong>| {
            seen.push((number, String::from_utf8(line.unwrap().to_vec()).unwrap()));
            Ok::<(), ()>(())
        };
        let mut lines = Lines::<InfluxEnds>::default();
        // Byte by byte, so that every state is held across pieces.
        for byte in text.as_bytes() {
            lines.feed(&[*byte], &mut visit).unwrap();
        }
        lines.finish(&mut visit).unwrap();
        seen
    }

    #[test]
    fn only_texts_contain_line_ends() {
        let text =
            "a f=\"one\ntwo \\\"\nthree\",g=1\n# it's \"\nb,t=\" v=1\nc\\ \" v=\"x\\\\\"\nd v=1";
        let found = lines(text);
        let expected = [
            (1, "a f=\"one\ntwo \\\"\nthree\",g=1"),
            (4, "# it's \""),
            (5, "b,t=\" v=1"),
            (6, "c\\ \" v=\"x\\\\\""),
            (7, "d v=1"),
        ];
        assert_eq!(found, expected.map(|(number, line)| (number, line.to_owned())));
        for (_, line) in &found {
            assert!(parse(line, Precision::default()).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_backslash_at_the_end_keeps_no_line_open() {
        assert_eq!(lines("a\\\nb v=1\\\nc").len(), 3);
    }
}
