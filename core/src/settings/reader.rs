//! Takes typed values out of a parsed settings file, and remembers what was asked for.

use super::{Warning, Word, WrittenDuration};
use crate::error::{Error, Result};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{Display, Write as _};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest part of a file that an error message repeats, in characters.
const MAX_SHOWN: usize = 60;

/// Longest unknown key for which a similar one is searched, in bytes.
const MAX_COMPARED: usize = 64;

/// A settings file and its name.
pub(super) struct Source<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

/// One table of the file; one that is absent is empty.
pub(super) struct Section<'t> {
    source: &'t Source<'t>,
    /// With a dot at the end, empty for the root.
    path: String,
    table: Option<&'t DeTable<'t>>,
    asked: Vec<&'static str>,
}

/// Whether a word may be written in another case and with spaces around it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Exact,
    Loose,
}

type Entry<'t> = (&'t str, &'t Spanned<DeValue<'t>>);

impl<'t> Source<'t> {
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'t>>> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map(|span| span.start);
            self.error(at, format_args!("not TOML: {}", error.message()))
        })
    }

    /// An error at byte `at` of the file.
    fn error(&self, at: Option<usize>, detail: impl Display) -> Error {
        let detail = match at {
            Some(at) => {
                let before = self.text.bytes().take(at);
                let line = before.filter(|&byte| byte == b'\n').count().saturating_add(1);
                format!("line {line}: {detail}")
            }
            None => format!("{detail}"),
        };
        Error::Settings { file: self.file.to_owned(), detail }
    }

    /// The value as the file has it, shortened when long.
    fn shown(&self, value: &Spanned<DeValue<'_>>) -> String {
        let written = self.text.get(value.span()).unwrap_or_default();
        let mut shown: String = written.chars().take(MAX_SHOWN).collect();
        if shown.len() < written.len() {
            shown.push('…');
        }
        shown
    }
}

impl<'t> Section<'t> {
    pub(super) fn root(source: &'t Source<'t>, table: &'t DeTable<'t>) -> Self {
        Self { source, path: String::new(), table: Some(table), asked: Vec::new() }
    }

    /// The table `key`.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Self> {
        let table = self.typed(key, "a table", DeValue::as_table)?;
        Ok(Self { source: self.source, path: self.path(key) + ".", table, asked: Vec::new() })
    }

    /// The tables of the array `key`.
    pub(super) fn tables(&mut self, key: &'static str) -> Result<Vec<Self>> {
        let Some(array) = self.typed(key, "an array of tables", DeValue::as_array)? else {
            return Ok(Vec::new());
        };
        let mut tables = Vec::new();
        for (index, value) in array.iter().enumerate() {
            let Some(table) = value.get_ref().as_table() else {
                return Err(self.refuse(key, format_args!("entry {index} is not a table")));
            };
            let path = format!("{}[{index}].", self.path(key));
            let asked = Vec::new();
            tables.push(Self { source: self.source, path, table: Some(table), asked });
        }
        Ok(tables)
    }

    /// The string `key`.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'t str>> {
        self.typed(key, "a string", DeValue::as_str)
    }

    /// The string `key`, unless it is blank.
    pub(super) fn filled(&mut self, key: &'static str) -> Result<Option<&'t str>> {
        Ok(self.text(key)?.filter(|text| !text.trim().is_empty()))
    }

    /// The string `key` without the spaces around it, unless it is blank.
    pub(super) fn trimmed(&mut self, key: &'static str) -> Result<Option<&'t str>> {
        Ok(self.filled(key)?.map(str::trim))
    }

    /// The strings of the array `key`.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<&'t str>> {
        let Some(array) = self.typed(key, "an array of strings", DeValue::as_array)? else {
            return Ok(Vec::new());
        };
        let texts = array.iter().map(|value| value.get_ref().as_str());
        let texts: Option<Vec<&str>> = texts.collect();
        texts.ok_or_else(|| self.refuse(key, "expected an array of nothing but strings"))
    }

    /// The boolean `key`.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// The integer `key`, if it is more than 0.
    pub(super) fn positive(&mut self, key: &'static str) -> Result<Option<u64>> {
        let Some(integer) = self.typed(key, "an integer", DeValue::as_integer)? else {
            return Ok(None);
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) => Ok(u64::try_from(value).ok().filter(|&value| value > 0)),
            Err(_) => Err(self.refuse(key, "expected an integer of 64 bits")),
        }
    }

    /// The word `key`, unless it is blank.
    pub(super) fn word<T: Word + Copy>(
        &mut self,
        key: &'static str,
        spelling: Spelling,
    ) -> Result<Option<T>> {
        let Some(text) = self.filled(key)? else { return Ok(None) };
        let fits = |word: &str| match spelling {
            Spelling::Exact => word == text,
            Spelling::Loose => word.eq_ignore_ascii_case(text.trim()),
        };
        match T::WORDS.iter().find(|(word, _)| fits(word)) {
            Some(&(_, value)) => Ok(Some(value)),
            None => Err(self.refuse_word(key, T::WORDS.iter().map(|(word, _)| *word))),
        }
    }

    /// The duration `key`, unless it is blank.
    pub(super) fn duration(&mut self, key: &'static str) -> Result<Option<WrittenDuration>> {
        let Some(text) = self.filled(key)? else { return Ok(None) };
        self.as_duration(key, text).map(Some)
    }

    /// `text`, which is or is part of the value of `key`, as a duration.
    pub(super) fn as_duration(&self, key: &str, text: &str) -> Result<WrittenDuration> {
        WrittenDuration::new(text).map_err(|error| self.refuse(key, error))
    }

    /// Accepts `keys` without looking at their values: another part of the program reads them.
    pub(super) fn expect(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    /// The error for a value that is not one of `words`.
    pub(super) fn refuse_word(
        &self,
        key: &str,
        words: impl ExactSizeIterator<Item = &'static str>,
    ) -> Error {
        let mut expected = String::from("expected ");
        let last = words.len().saturating_sub(1);
        for (index, word) in words.enumerate() {
            expected.push_str(match index {
                0 => "",
                _ if index == last => " or ",
                _ => ", ",
            });
            expected.push_str(word);
        }
        self.refuse(key, expected)
    }

    /// The error for the value of `key`.
    pub(super) fn refuse(&self, key: &str, detail: impl Display) -> Error {
        let mut message = self.path(key);
        let found = self.find(key);
        if let Some((_, value)) = found {
            // Writing to a string cannot fail.
            let _ = write!(message, " = {}", self.source.shown(value));
        }
        let at = found.map(|(_, value)| value.span().start);
        self.source.error(at, format_args!("{message}: {detail}"))
    }

    /// Adds a warning for every key that nobody asked for.
    pub(super) fn finish(self, warnings: &mut Vec<Warning>) {
        let used: Vec<&str> =
            self.asked.iter().filter_map(|key| self.find(key)).map(|(key, _)| key).collect();
        for key in self.table.into_iter().flat_map(DeTable::keys) {
            let key: &str = key.get_ref();
            if !used.contains(&key) {
                warnings.push(Warning { key: self.path(key), nearest: nearest(key, &self.asked) });
            }
        }
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        get: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Result<Option<T>> {
        self.asked.push(key);
        let Some((_, value)) = self.find(key) else { return Ok(None) };
        match get(value.get_ref()) {
            Some(typed) => Ok(Some(typed)),
            None => Err(self.refuse(key, format_args!("expected {expected}"))),
        }
    }

    /// The entry whose key is `key`, or differs only in case.
    fn find(&self, key: &str) -> Option<Entry<'t>> {
        let mut entries = self.table?.iter();
        let exact = self.table?.get_key_value(key);
        let (key, value) = exact
            .or_else(|| entries.find(|(other, _)| other.get_ref().eq_ignore_ascii_case(key)))?;
        Some((key.get_ref(), value))
    }

    fn path(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }
}

/// The key most like `unknown`, if a third of its letters or more are right.
fn nearest(unknown: &str, known: &[&'static str]) -> Option<&'static str> {
    if unknown.len() > MAX_COMPARED {
        return None;
    }
    let unknown = unknown.to_ascii_lowercase();
    let distances = known.iter().map(|&key| (distance(&unknown, key), key));
    let (edits, key) = distances.min_by_key(|&(edits, _)| edits)?;
    (edits <= key.len().div_ceil(3)).then_some(key)
}

/// How many bytes must be added, removed or replaced to make `b` out of `a`.
fn distance(a: &str, b: &str) -> usize {
    // `row[i]` is the distance between the part of `a` so far and the first i bytes of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (count, x) in (1..).zip(a.bytes()) {
        let mut diagonal = count - 1;
        let mut left = count;
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = count;
        }
        for (cell, y) in cells.zip(b.bytes()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("max_record", "max_records"), 1);
    }

    #[test]
    fn only_similar_keys_are_suggested() {
        let known = ["max_records", "max_bytes", "max_age"];
        assert_eq!(nearest("MAX_RECORD", &known), Some("max_records"));
        assert_eq!(nearest("maxage", &known), Some("max_age"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("x", &[]), None);
        assert_eq!(nearest(&"max_age".repeat(1000), &known), None);
    }
}
