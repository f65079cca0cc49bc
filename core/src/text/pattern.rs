//! Wildcard patterns that select metrics by name.
//!
//! | syntax | matches |
//! |---|---|
//! | `*` | any run of characters other than `/`, also none; `**` is the same |
//! | `?` | one character other than `/` |
//! | `[abc]`, `[a-z]` | one listed character, `/` included |
//! | `[^a-z]` | one character that is not listed, `/` included |
//! | `\c` | the character `c`, also inside brackets |
//! | anything else | itself |
//!
//! A pattern covers the whole name, character by character, and case matters. Because `*` stops
//! at `/`, `*` alone does not match `nanotdb/prod/data/frames`: that takes `*/*/*/*`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use core::str::Chars;

/// A pattern, checked and ready to match.
///
/// ```
/// use nanotdb_core::text::pattern::Pattern;
///
/// let rooms = Pattern::new("room.*.temp")?;
/// assert!(rooms.matches("room.kitchen.temp"));
/// assert!(!rooms.matches("room.kitchen/oven.temp"));
/// # Ok::<(), nanotdb_core::text::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `*`
    Run,
    /// `?`
    One,
    Literal(char),
    /// Each range includes both ends.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternError {
    /// A `[` has no `]` after it.
    UnclosedClass,
    /// Nothing is listed between `[` and `]`.
    EmptyClass,
    /// A `-` between brackets is not between two characters.
    StrayDash,
    /// The last character is a `\`.
    TrailingBackslash,
}

impl Pattern {
    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// [`PatternError`] when a `[…]` is not closed or malformed, or nothing follows a `\`.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' if tokens.last() == Some(&Token::Run) => continue,
                '*' => Token::Run,
                '?' => Token::One,
                '[' => class(&mut chars)?,
                '\\' => Token::Literal(chars.next().ok_or(PatternError::TrailingBackslash)?),
                c => Token::Literal(c),
            });
        }
        Ok(Self { text: text.to_owned(), tokens })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern covers all of `name`.
    ///
    /// Takes at most `name` times pattern length steps. Each `*` takes the shortest run after
    /// which the part up to the next `*` fits, and keeps it: as in the reference, and it differs
    /// from trying every run only where a class matches a `/`.
    pub fn matches(&self, name: &str) -> bool {
        let mut tokens = self.tokens.as_slice();
        let mut rest = name.chars();
        // Where to go on when the part behind the last `*` does not fit: one character later.
        let mut retry: Option<(&[Token], Chars<'_>)> = None;
        loop {
            match tokens.split_first() {
                Some((Token::Run, after)) => {
                    tokens = after;
                    retry = Some((after, rest.clone()));
                    continue;
                }
                Some((token, after)) => {
                    let mut ahead = rest.clone();
                    if ahead.next().is_some_and(|c| token.accepts(c)) {
                        tokens = after;
                        rest = ahead;
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, from)) = &mut retry else { return false };
            match from.next() {
                None | Some('/') => return false,
                Some(_) => {}
            }
            tokens = after;
            rest = from.clone();
        }
    }
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::Run => false,
            Self::One => c != '/',
            Self::Literal(literal) => *literal == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|&(low, high)| low <= c && c <= high) != *negated
            }
        }
    }
}

/// Reads a class whose `[` has been read.
fn class(chars: &mut Peekable<Chars<'_>>) -> Result<Token, PatternError> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while chars.next_if_eq(&']').is_none() {
        let low = listed(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() {
            // `[a-]`: the bracket would be the range's end.
            if chars.peek() == Some(&']') {
                return Err(PatternError::StrayDash);
            }
            listed(chars)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    if ranges.is_empty() {
        return Err(PatternError::EmptyClass);
    }
    Ok(Token::Class { negated, ranges })
}

/// One character of a class, with its backslash removed.
fn listed(chars: &mut Peekable<Chars<'_>>) -> Result<char, PatternError> {
    match chars.next() {
        Some('-') => Err(PatternError::StrayDash),
        Some('\\') => chars.next().ok_or(PatternError::UnclosedClass),
        Some(c) => Ok(c),
        None => Err(PatternError::UnclosedClass),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnclosedClass => "a [ has no ] after it",
            Self::EmptyClass => "nothing between [ and ]: write \\] to list the bracket itself",
            Self::StrayDash => "a - between brackets stands alone: write \\- to list it",
            Self::TrailingBackslash => "nothing follows the last \\",
        })
    }
}

impl core::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::new(pattern).unwrap();
        for name in yes {
            assert!(compiled.matches(name), "{pattern:?} covers {name:?}");
        }
        for name in no {
            assert!(!compiled.matches(name), "{pattern:?} does not cover {name:?}");
        }
    }

    #[test]
    fn each_syntax_element() {
        check("", &[""], &["a"]);
        check("a.b", &["a.b"], &["a.bc", "xa.b", "A.b", ""]);
        check("*", &["", "a", "room.temp"], &["/", "nanotdb/prod/x"]);
        check("**", &["", "ab"], &["a/b"]);
        check("a*c", &["ac", "abc", "acbc"], &["ab", "a/c"]);
        check("*/*/*", &["a/b/c", "//"], &["a/b", "a/b/c/d"]);
        check("a?c", &["abc", "aüc"], &["ac", "a/c", "abbc"]);
        check("[abc]x", &["ax", "cx"], &["dx", "x"]);
        check("[a-c0-2]", &["b", "1"], &["d", "3", "-"]);
        check("a[/]b", &["a/b"], &["a.b"]);
        check("[^a-c]", &["d", "/", "é"], &["a", "b", ""]);
        check("[a^]", &["a", "^"], &["b"]);
        check("[z-a]", &[], &["z", "a", "m"]);
        check("\\*\\[", &["*["], &["a["]);
        check("[\\]\\-\\\\]", &["]", "-", "\\"], &["a"]);
        check("a]", &["a]"], &["a"]);
        check("[*?]", &["*", "?"], &["a"]);
        check("*.temp", &["in.temp", "x.temp.temp", ".temp"], &["temp", "a.temp.x"]);
        check("*ab*ab", &["abab", "xabyabab"], &["ab", "xab"]);
    }

    #[test]
    fn malformed_patterns() {
        use PatternError::{EmptyClass, StrayDash, TrailingBackslash, UnclosedClass};
        for (text, error) in [
            ("[", UnclosedClass),
            ("a[", UnclosedClass),
            ("[^", UnclosedClass),
            ("[a", UnclosedClass),
            ("[a-", UnclosedClass),
            ("[\\", UnclosedClass),
            ("[]", EmptyClass),
            ("[]a]", EmptyClass),
            ("[^]", EmptyClass),
            ("[-a]", StrayDash),
            ("[a-]", StrayDash),
            ("[a-b-c]", StrayDash),
            ("a\\", TrailingBackslash),
        ] {
            assert_eq!(Pattern::new(text), Err(error), "{text:?}");
        }
    }

    /// A matcher that retried every star against every other would not return here.
    #[test]
    fn many_stars_cost_little() {
        let pattern = Pattern::new(&"*a".repeat(2_000)).unwrap();
        assert!(!pattern.matches(&"a".repeat(1_999)));
        assert!(pattern.matches(&"a".repeat(2_000)));
        assert!(!pattern.matches(&("a".repeat(10_000) + "b")));
        assert!(!Pattern::new("*****a").unwrap().matches(&"b".repeat(100_000)));
    }

    /// The definition, tried every way.
    fn naive(tokens: &[Token], name: &[char]) -> bool {
        match (tokens.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((Token::Run, after)), next) => {
                naive(after, name) || next.is_some_and(|(c, rest)| *c != '/' && naive(tokens, rest))
            }
            (None, Some(_)) | (Some(_), None) => false,
            (Some((token, after)), Some((c, rest))) => token.accepts(*c) && naive(after, rest),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "([ab*?/]|\\[ab\\]){0,8}", name in "[ab/]{0,8}") {
            let pattern = Pattern::new(&pattern).unwrap();
            let chars: Vec<char> = name.chars().collect();
            prop_assert_eq!(pattern.matches(&name), naive(&pattern.tokens, &chars));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[*?\\[\\]^\\\\ab-]{0,12}|.*", name: String) {
            if let Ok(pattern) = Pattern::new(&text) {
                pattern.matches(&name);
                prop_assert_eq!(pattern.as_str(), text);
            }
        }
    }
}
