//! Writes settings files in the reference's layout: two spaces per level, a blank line before
//! each top-level table.

use alloc::string::String;
use core::fmt::{Display, Write as _};

#[derive(Default)]
pub(super) struct TomlWriter {
    pub(super) out: String,
}

impl TomlWriter {
    /// `[name]`
    pub(super) fn table(&mut self, depth: usize, name: &str) {
        if depth == 0 && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.line(depth, format_args!("[{name}]"));
    }

    /// `[[name]]`
    pub(super) fn array_table(&mut self, depth: usize, name: &str) {
        self.out.push('\n');
        self.line(depth, format_args!("[[{name}]]"));
    }

    /// `key = value`
    pub(super) fn value(&mut self, depth: usize, key: &str, value: impl Display) {
        self.line(depth, format_args!("{key} = {value}"));
    }

    /// `key = "text"`
    pub(super) fn text(&mut self, depth: usize, key: &str, text: &str) {
        self.value(depth, key, quoted(text));
    }

    /// `key = ["a", "b"]`
    pub(super) fn texts<'a>(
        &mut self,
        depth: usize,
        key: &str,
        texts: impl IntoIterator<Item = &'a str>,
    ) {
        let mut array = String::from("[");
        for text in texts {
            array.push_str(if array.len() > 1 { ", " } else { "" });
            array.push_str(&quoted(text));
        }
        self.value(depth, key, array + "]");
    }

    fn line(&mut self, depth: usize, content: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:1$}{content}", "", depth.saturating_mul(2));
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => push_escape(&mut out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn push_escape(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}
