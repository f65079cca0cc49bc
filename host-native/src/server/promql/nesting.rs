//! How deep a query is, found without parsing it.
//!
//! Parser and evaluation go down a query by calling themselves, so a text of ten thousand
//! parentheses would use up the stack. The depth found here is never less than that of the tree
//! that is parsed later: every operator may have the whole rest as its operand.

use super::tokens::{Token, tokens};
use core::mem::take;

/// How deep a query may be. A test evaluates one of this depth on half of a thread's stack.
pub(super) const MAX_DEPTH: usize = 250;

/// Bytes that a query may have.
const MAX_BYTES: usize = 128 << 10;

/// Regular expressions that a query may have; the parser compiles each to as much as 10 MB.
const MAX_PATTERNS: usize = 64;

/// What is known of one pair of brackets, or of the whole text.
#[derive(Debug, Default)]
struct Level {
    /// Operators since the last comma.
    operators: usize,
    /// The deepest brackets since the last comma.
    inner: usize,
    /// The deepest of what is before the last comma.
    before: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.before.max(self.operators + self.inner)
    }
}

#[derive(Debug, Default)]
struct Scan {
    open: Vec<Level>,
    current: Level,
    patterns: usize,
}

/// Fails when a query is too long or too deep to be parsed.
pub(super) fn check(query: &str) -> Result<(), String> {
    if query.len() > MAX_BYTES {
        return Err(format!("query of {} bytes, expected at most {MAX_BYTES}", query.len()));
    }
    let mut scan = Scan::default();
    let mut word_before = "";
    for token in tokens(query) {
        scan.take(&token);
        check_duration(token.text, word_before)?;
        if scan.open.len().max(scan.current.depth()) > MAX_DEPTH {
            return Err(format!("query is nested deeper than {MAX_DEPTH} levels"));
        }
        if scan.patterns > MAX_PATTERNS {
            return Err(format!("query has more than {MAX_PATTERNS} regular expressions"));
        }
        if !token.is_blank() && !matches!(token.text, "+" | "-") {
            word_before = token.text;
        }
    }
    Ok(())
}

impl Scan {
    fn take(&mut self, token: &Token<'_>) {
        match token.first() {
            '(' | '{' => self.open.push(take(&mut self.current)),
            '[' => {
                self.current.operators += 1;
                self.open.push(take(&mut self.current));
            }
            ')' | '}' | ']' => {
                let inner = self.current.depth() + 1;
                self.current = self.open.pop().unwrap_or_default();
                self.current.inner = self.current.inner.max(inner);
            }
            ',' => {
                self.current.before = self.current.depth();
                self.current.operators = 0;
                self.current.inner = 0;
            }
            '~' => self.patterns += 1,
            '+' | '-' | '*' | '/' | '%' | '^' | '=' | '<' | '>' | '@' => {
                self.current.operators += 1;
            }
            _ if is_operator(token.text) => self.current.operators += 1,
            _ => {}
        }
    }
}

fn is_operator(word: &str) -> bool {
    ["and", "or", "unless", "atan2", "offset"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Fails when a number stands where a duration is expected and is none that can be one. The
/// parser takes plain seconds there, and panics when they are too many.
fn check_duration(token: &str, before: &str) -> Result<(), String> {
    let expected = matches!(before, "[" | ":") || before.eq_ignore_ascii_case("offset");
    let is_number = token.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if expected
        && is_number
        && (token.contains(['e', 'E']) || token.len() > 32 || digits(token) > 12)
    {
        return Err(format!("\"{token}\" is no duration, expected one as 5m or 1h30m"));
    }
    Ok(())
}

/// The longest run of digits.
fn digits(token: &str) -> usize {
    token.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_told_without_parsing() {
        let parens = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
        assert_eq!(check(&parens(MAX_DEPTH)), Ok(()));
        for deep in [
            parens(MAX_DEPTH + 1),
            parens(10_000),
            "(".repeat(100_000),
            format!("{}1", "-".repeat(100_000)),
            format!("1{}", "+1".repeat(10_000)),
            format!("x{}", "[1h:1m]".repeat(10_000)),
            format!("a{}", " or a".repeat(1_000)),
        ] {
            let error = check(&deep).unwrap_err();
            assert_eq!(error, "query is nested deeper than 250 levels");
        }
    }

    #[test]
    fn what_is_beside_each_other_is_not_deep() {
        let terms = vec!["(1 + 2)"; 200];
        assert_eq!(check(&format!("f({})", terms.join(", ")).repeat(1)), Ok(()));
        assert_eq!(check(&terms.join(" + ")), Ok(()));
        assert_eq!(check(&format!("{{a=\"{}\"}}", "(".repeat(1_000))), Ok(()));
        assert_eq!(check(&format!("1 # {}\n + '\\'{}'", "-".repeat(999), "-".repeat(999))), Ok(()));
    }

    #[test]
    fn lengths_and_durations_are_bounded() {
        assert!(check(&" ".repeat(MAX_BYTES + 1)).unwrap_err().contains("expected at most"));
        assert!(check(&"x{a=~\"b\"} ".repeat(MAX_PATTERNS + 1)).is_err());
        for query in ["x[1e30]", "x offset 1e30", "x OFFSET - 9999999999999999", "x[5m:1E9]"] {
            assert!(check(query).unwrap_err().ends_with("expected one as 5m or 1h30m"), "{query}");
        }
        assert_eq!(check("x[5m:30s] offset -1h + 1e30"), Ok(()));
    }
}
