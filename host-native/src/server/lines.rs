//! Bodies that come in pieces of any length, cut into lines.

use core::fmt;

/// Longest line in bytes. A longer one is passed over, and the lines behind it are read.
pub const MAX_LINE_LEN: usize = 1 << 20;

/// A line that is longer than [`MAX_LINE_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "longer than {MAX_LINE_LEN} bytes")
    }
}

/// Knows where lines end, byte by byte.
pub trait LineEnds {
    /// Whether the line ends with this byte, the next of the text.
    fn is_end(&mut self, byte: u8) -> bool;
}

/// Lines end at every line feed.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineFeeds;

impl LineEnds for LineFeeds {
    fn is_end(&mut self, byte: u8) -> bool {
        byte == b'\n'
    }
}

/// Cuts text into lines. A line is handed on with its number, from 1, and without its end.
#[derive(Debug, Default)]
pub struct Lines<E> {
    ends: E,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Whether the rest of a line that is too long is being dropped.
    dropping: bool,
    /// Line feeds so far, in front of the line that has begun.
    before: u64,
    /// Line feeds within that line.
    within: u64,
}

/// Hears of each line, or that it is too long.
pub type Visit<'v, F> = dyn FnMut(u64, Result<&[u8], TooLong>) -> Result<(), F> + 'v;

impl<E: LineEnds> Lines<E> {
    /// Takes the next piece of text.
    ///
    /// # Errors
    ///
    /// What `visit` returns; the lines behind are lost then.
    pub fn feed<F>(&mut self, text: &[u8], visit: &mut Visit<'_, F>) -> Result<(), F> {
        let mut rest = text;
        while let Some(end) = self.end_of_line(rest) {
            let (line, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = behind.get(1..).unwrap_or_default();
            self.end(line, visit)?;
        }
        if !self.dropping {
            self.partial.extend_from_slice(rest);
            if self.partial.len() > MAX_LINE_LEN {
                self.partial = Vec::new();
                self.dropping = true;
                visit(self.before + 1, Err(TooLong))?;
            }
        }
        Ok(())
    }

    /// Takes the last line if it has no line end.
    ///
    /// # Errors
    ///
    /// What `visit` returns.
    pub fn finish<F>(mut self, visit: &mut Visit<'_, F>) -> Result<(), F> {
        if self.partial.is_empty() { Ok(()) } else { self.end(&[], visit) }
    }

    fn end_of_line(&mut self, text: &[u8]) -> Option<usize> {
        let Self { ends, within, .. } = self;
        text.iter().position(|&byte| {
            let is_end = ends.is_end(byte);
            *within += u64::from(byte == b'\n' && !is_end);
            is_end
        })
    }

    /// Hands a line on whose last part is `rest`.
    fn end<F>(&mut self, rest: &[u8], visit: &mut Visit<'_, F>) -> Result<(), F> {
        let number = self.before + 1;
        self.before += 1 + core::mem::take(&mut self.within);
        if core::mem::take(&mut self.dropping) {
            return Ok(());
        }
        let mut line = core::mem::take(&mut self.partial);
        if line.len() + rest.len() > MAX_LINE_LEN {
            return visit(number, Err(TooLong));
        }
        if line.is_empty() {
            return visit(number, Ok(without_mark(rest, number)));
        }
        line.extend_from_slice(rest);
        let visited = visit(number, Ok(without_mark(&line, number)));
        // Its room serves the next line.
        line.clear();
        self.partial = line;
        visited
    }
}

/// The first line without the byte order mark that some programs put before UTF-8.
fn without_mark(line: &[u8], number: u64) -> &[u8] {
    let mark = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf") } else { None };
    mark.unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = Vec<(u64, Result<Vec<u8>, TooLong>)>;

    fn lines(pieces: &[&[u8]]) -> Seen {
        let mut seen = Seen::new();
        let mut visit = |number, line: Result<&[u8], TooLong>| {
            seen.push((number, line.map(<[u8]>::to_vec)));
            Ok::<(), ()>(())
        };
        let mut lines = Lines::<LineFeeds>::default();
        for piece in pieces {
            lines.feed(piece, &mut visit).unwrap();
        }
        lines.finish(&mut visit).unwrap();
        seen
    }

    #[test]
    fn a_line_that_is_too_long_is_told_of_once() {
        let long = vec![b'x'; MAX_LINE_LEN];
        let seen = lines(&[b"a\n", &long, b"y", &long, b"\nb"]);
        assert_eq!(seen, [(1, Ok(b"a".to_vec())), (2, Err(TooLong)), (3, Ok(b"b".to_vec()))]);
        let whole = [&long[..], b"y\nb\n"].concat();
        assert_eq!(lines(&[&whole]), [(1, Err(TooLong)), (2, Ok(b"b".to_vec()))]);
        assert_eq!(lines(&[&long]), [(1, Ok(long))]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        let expected = [(1, Ok(b"a".to_vec())), (2, Ok(b"\xef\xbb\xbfb".to_vec()))];
        assert_eq!(lines(&[b"\xef\xbb\xbfa\n\xef\xbb\xbfb"]), expected);
        assert_eq!(lines(&[b"\xef", b"\xbb\xbfa\n", b"\xef\xbb\xbfb"]), expected);
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_have_the_same_lines(text in "[ab\n]{0,40}", cuts in proptest::collection::vec(0_usize..40, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= text.len()).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            let expected: Seen = (1..).zip(text.lines().map(|line| Ok(line.as_bytes().to_vec()))).collect();
            prop_assert_eq!(lines(&pieces), expected);
        }
    }
}
