//! What readers of lines share: the part that was not read yet, and errors that name the place.

use core::fmt;

/// Longest part of a line that an error repeats, in characters.
const MAX_SHOWN: usize = 40;

/// Why a line is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The character at which it goes wrong, from 1.
    pub column: usize,
    /// What was expected, and what was found.
    pub detail: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.detail)
    }
}

impl core::error::Error for SyntaxError {}

/// The part of a line that was not read yet.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    line: &'t str,
    /// The end of the line, from the next character on.
    pub(super) rest: &'t str,
}

impl<'t> Cursor<'t> {
    /// At the first character that is no blank; blanks at the end are no part of the line.
    pub(super) fn new(line: &'t str) -> Self {
        let line = line.trim_end();
        Self { line, rest: line.trim_start() }
    }

    /// An error at the next character.
    pub(super) fn error(&self, detail: impl Into<String>) -> SyntaxError {
        let read = self.line.len() - self.rest.len();
        let column = self.line.get(..read).unwrap_or_default().chars().count() + 1;
        SyntaxError { column, detail: detail.into() }
    }

    /// The error that something else stands here.
    pub(super) fn expected(&self, what: &str) -> SyntaxError {
        self.error(match self.rest.chars().next() {
            Some(found) => format!("expected {what}, found {found:?}"),
            None => format!("expected {what}, found the end of the line"),
        })
    }

    /// The error that this text stands here.
    pub(super) fn found(&self, expected: &str, text: &str) -> SyntaxError {
        let shown: String = text.chars().take(MAX_SHOWN).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        self.error(format!("expected {expected}, found {shown:?}{more}"))
    }

    /// Passes over this character, if it is the next.
    pub(super) fn has_skipped(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Passes over blanks and tabs; whether there were any.
    pub(super) fn has_skipped_blanks(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }

    /// What stands in front of the first character that `is_end` takes; the cursor stays.
    pub(super) fn until(&self, is_end: impl FnMut(char) -> bool) -> &'t str {
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default()
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}
