//! Words of the language as names.
//!
//! Prometheus takes nearly every word of its language as the name of a metric, or of a label in
//! `by (…)`. The parser does not know that of the two newest, so these are put in quotes, where
//! they can only be names.

use super::tokens::{Token, tokens};
use std::borrow::Cow;

/// Words that the parser takes for nothing but modifiers of ranges, which Prometheus has as an
/// experiment.
const WORDS: [&str; 2] = ["anchored", "smoothed"];

/// Words before a list of labels in parentheses.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words after which an operand follows.
const OPERATORS: [&str; 7] = ["and", "or", "unless", "atan2", "bool", "group_left", "group_right"];

/// The query, in which such names stand in quotes.
///
/// # Errors
///
/// When the word is a modifier, which is not supported.
pub(super) fn quoted(query: &str) -> Result<Cow<'_, str>, String> {
    let is_name = |token: &Token<'_>| WORDS.iter().any(|word| is(token.text, word));
    let found: Vec<Token<'_>> = tokens(query).filter(|token| !token.is_blank()).collect();
    if !found.iter().any(is_name) {
        return Ok(Cow::Borrowed(query));
    }
    let mut text = String::with_capacity(query.len() + 64);
    let mut copied = 0;
    let mut places = Places::default();
    for (at, token) in found.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| found.get(at));
        let follows_list = places.has_left_list;
        places.pass(token, before);
        if !is_name(token) || places.is_in_braces() {
            continue;
        }
        text.push_str(query.get(copied..token.at).unwrap_or_default());
        copied = token.at + token.text.len();
        if places.is_in_list() {
            text.extend(["\"", token.text, "\""]);
        } else if !follows_list && before.is_some_and(ends_operand) {
            return Err(format!("modifier {} of a range is not supported", token.text));
        } else if let Some(brace) = found.get(at + 1).filter(|next| next.text == "{") {
            text.extend(["{\"", token.text, "\","]);
            copied = brace.at + 1;
        } else {
            text.extend(["{\"", token.text, "\"}"]);
        }
    }
    text.push_str(query.get(copied..).unwrap_or_default());
    Ok(Cow::Owned(text))
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

/// Whether an operand may end here, so that a word behind it is no operand.
fn ends_operand(token: &Token<'_>) -> bool {
    let is_operator = OPERATORS.iter().any(|word| is(token.text, word));
    matches!(token.text, ")" | "]" | "}") || token.is_string() || token.is_word() && !is_operator
}

/// In which brackets one is.
#[derive(Debug, Default)]
struct Places {
    open: Vec<Place>,
    /// Whether the last token was the end of a list.
    has_left_list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Labels with their matchers, where the parser takes every word.
    Braces,
    /// Names of labels.
    List,
    Other,
}

impl Places {
    fn pass(&mut self, token: &Token<'_>, before: Option<&Token<'_>>) {
        let begins_list =
            || before.is_some_and(|before| LISTS.iter().any(|word| is(before.text, word)));
        self.has_left_list = false;
        match token.text {
            "{" => self.open.push(Place::Braces),
            "(" if begins_list() => self.open.push(Place::List),
            "(" | "[" => self.open.push(Place::Other),
            ")" | "]" | "}" => {
                self.has_left_list = self.open.pop() == Some(Place::List);
            }
            _ => {}
        }
    }

    fn is_in_braces(&self) -> bool {
        self.open.last() == Some(&Place::Braces)
    }

    fn is_in_list(&self) -> bool {
        self.open.last() == Some(&Place::List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_words_are_quoted() {
        for (query, expected) in [
            ("anchored", r#"{"anchored"}"#),
            ("smoothed{}", r#"{"smoothed",}"#),
            ("Anchored {a=\"b\"}", r#"{"Anchored",a="b"}"#),
            ("rate(smoothed[5m]) + anchored", r#"rate({"smoothed"}[5m]) + {"anchored"}"#),
            ("x and anchored offset 5m", r#"x and {"anchored"} offset 5m"#),
            ("sum by (anchored, a) (x)", r#"sum by ("anchored", a) (x)"#),
            ("a * on(smoothed) anchored", r#"a * on("smoothed") {"anchored"}"#),
            ("-anchored == bool smoothed", r#"-{"anchored"} == bool {"smoothed"}"#),
            // Where the parser takes them already, or where they are something else.
            ("x{anchored=\"1\"}", "x{anchored=\"1\"}"),
            ("anchored_total", "anchored_total"),
            ("x # anchored", "x # anchored"),
            ("x{a=\"anchored\"}", "x{a=\"anchored\"}"),
        ] {
            assert_eq!(quoted(query).as_deref(), Ok(expected), "{query}");
        }
    }

    #[test]
    fn modifiers_are_named() {
        for query in ["rate(x[5m] anchored)", "x{a=\"b\"} smoothed", "x smoothed"] {
            let error = quoted(query).unwrap_err();
            assert!(error.contains("of a range is not supported"), "{error}");
        }
    }
}
